// Where the appliance's own messages go: stderr, as text or as JSON lines.
#pragma once

#include "admin/config.h"

namespace penstock {

/// Once a process, before threads start.
void set_up_logging(const Config::Logging& logging);

}  // namespace penstock

// The configured notify targets as channels.
#pragma once

#include <vector>

#include "admin/config.h"
#include "pipeline/clock.h"
#include "stages/notify/notifier.h"

namespace penstock {

/// Reads the files of secrets; the configuration has been checked. `clock` outlives the targets. Throws
/// std::runtime_error where a file can no longer be read.
std::vector<Notifier::Target> make_notify_targets(const Config& config, const Clock& clock);

}  // namespace penstock

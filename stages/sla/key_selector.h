// Finds the text that correlates an event, where it is not the subject.
#pragma once

#include "schemas/event_generated.h"
#include "schemas/log_record.h"
#include "stages/sla/workflow.h"

namespace penstock {

/// False: the event has no such attribute. Strings and numbers of data count by their text.
bool select_key(const KeySelector& selector, const fb::Event& event, uint16_t tenant, Hash128& out);

}  // namespace penstock

// Finds the text that correlates an event, where it is not the subject.
#pragma once

#include "schemas/event_generated.h"
#include "schemas/log_record.h"
#include "stages/sla/workflow.h"

namespace penstock {

/// What selected text becomes; where a key is the subject, EventHead::key is used instead.
Hash128 key_of_text(std::string_view text, uint16_t tenant);
/// False: the event has no such attribute. Strings and numbers of data count by their text.
bool select_text(const KeySelector& selector, const fb::Event& event, std::string& out);
/// A hash of that text and the tenant.
bool select_key(const KeySelector& selector, const fb::Event& event, uint16_t tenant, Hash128& out);

}  // namespace penstock

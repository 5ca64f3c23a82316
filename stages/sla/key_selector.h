// Finds the text that correlates an event, where it is not the subject.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "pipeline/faults.h"
#include "schemas/event_generated.h"
#include "schemas/log_record.h"
#include "stages/sla/workflow.h"

namespace penstock {

/// "subject", "source", "keys.NAME", "groups.NAME", "data.MEMBER[.MEMBER...]" or the name of an extension
/// attribute. With faults: nothing.
std::optional<KeySelector> parse_key_selector(std::string_view text, std::string_view pointer,
                                              Faults& faults);

/// The attribute's text; empty: the event has none. Strings, numbers and booleans of data count by their
/// text. Borrows from the event or from `scratch`.
std::string_view select_text(const KeySelector& selector, const fb::Event& event, std::string& scratch);

/// Of a text that is not empty.
Hash128 hash_key(std::string_view text, uint16_t tenant);

/// False: the event has no such attribute.
bool select_key(const KeySelector& selector, const fb::Event& event, uint16_t tenant, Hash128& out);

}  // namespace penstock

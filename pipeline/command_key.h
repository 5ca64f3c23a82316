// A command's key inside the text of its record: the first member, so that records without one are not parsed
// for it.
#pragma once

#include <boost/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "pipeline/record_text.h"
#include "schemas/answers.h"

namespace penstock {

/// `text`: a JSON object, as all texts of commands are.
inline std::string with_command_key(const CommandKey& command, std::string_view text) {
    const boost::json::object once{{"by", command.by}, {"key", command.key}, {"request", command.request}};
    std::string out = "{\"once\":" + boost::json::serialize(once);
    if (text != "{}") out += ',';
    return out.append(text.substr(1));
}

inline std::optional<CommandKey> command_key_in(std::string_view text) {
    if (!text.starts_with("{\"once\":{")) return std::nullopt;
    const RecordText once = RecordText(text).part("once");
    return CommandKey{once.text("by"), once.text("key"), once.text("request")};
}

}  // namespace penstock

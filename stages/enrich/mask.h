// Paths into an event, and the masking of a member of its data.
#pragma once

#include <simdjson.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/event_fields.h"

namespace penstock {

/// subject, source, type, or data.MEMBER[.MEMBER...].
struct FieldPath {
    enum class Root : uint8_t { kSubject, kSource, kType, kData };
    Root root = Root::kSubject;
    std::vector<std::string> members;  ///< of data

    /// Nothing for any other text.
    static std::optional<FieldPath> parse(std::string_view text);
};

/// One thread. Works on the JSON text, so that everything else of it stays byte for byte.
class DataEditor {
  public:
    static constexpr std::string_view kMasked = "\"***\"";

    /// Replaces the member's value, whatever it is. False: there is no such member.
    bool mask(std::string& data, const std::vector<std::string>& members);
    /// The text of a string member, or the raw text of a number or boolean. Borrows until the next call.
    std::optional<std::string> text_of(std::string_view data, const std::vector<std::string>& members);

  private:
    /// Where the member's value lies in `padded_`.
    std::optional<std::string_view> locate(std::string_view data, const std::vector<std::string>& members);
    simdjson::ondemand::parser parser_;
    simdjson::padded_string padded_;
};

}  // namespace penstock

// Parts of a JSON text as they were written, but for line breaks.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::http {

struct RawMember {
    std::string name;   ///< without escapes
    std::string value;  ///< as it was written
};
struct RawObject {
    bool whole = false;  ///< it is an object, and can be read to its end
    std::vector<RawMember> members;

    const RawMember* find(std::string_view name) const;
};
struct RawList {
    bool is_array = false;            ///< else it is the one object
    std::vector<std::string> events;  ///< as they were written; not looked into
};

/// The objects, or whatever else, of an array; or the one object. Nothing: the text is neither.
std::optional<RawList> events_in(std::string_view text);
RawObject members_of(std::string_view text);
/// A JSON string without its quotes and escapes; empty where it is none.
std::string text_of(std::string_view json);

}  // namespace penstock::http

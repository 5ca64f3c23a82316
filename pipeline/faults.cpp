#include "pipeline/faults.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/json.hpp>

#include "pipeline/expression/schema.h"
#include "schemas/limits.h"

namespace penstock {

namespace json = boost::json;

void Faults::add(std::string_view pointer, std::string_view what) {
    text_ += fmt::format("{}{}: {}", text_.empty() ? "" : "\n", pointer.empty() ? "/" : pointer, what);
    ++count_;
}

std::string member_pointer(std::string_view pointer, std::string_view name) {
    std::string out(pointer);
    out += '/';
    for (const char c : name) {
        if (c == '~') {
            out += "~0";
        } else if (c == '/') {
            out += "~1";
        } else {
            out += c;
        }
    }
    return out;
}
std::string member_pointer(std::string_view pointer, size_t index) {
    return fmt::format("{}/{}", pointer, index);
}

json::value parse_json_document(std::string_view document) {
    if (document.size() > limits::kControlTextBytesMax)
        throw CivilError(fmt::format("/: has {} bytes; at most {} are allowed", document.size(),
                                     limits::kControlTextBytesMax));
    boost::system::error_code error;
    json::value root = json::parse(document, error);
    if (error) throw CivilError(fmt::format("/: is not valid JSON: {}", error.message()));
    return root;
}

void check_members(const json::object& object, std::initializer_list<std::string_view> known,
                   std::string_view pointer, Faults& faults) {
    for (const auto& member : object) {
        const std::string_view name = member.key();
        if (std::find(known.begin(), known.end(), name) != known.end()) continue;
        const std::string_view meant = nearest(name, {known.begin(), known.size()});
        faults.add(member_pointer(pointer, name),
                   fmt::format("is not known; {}known are {}",
                               meant.empty() ? "" : fmt::format("did you mean {}? ", meant),
                               fmt::join(known, ", ")));
    }
}

std::string read_text(const json::object& object, std::string_view name, std::string_view pointer,
                      Faults& faults) {
    const json::value* v = object.if_contains(name);
    if (!v || !v->is_string() || v->get_string().empty()) {
        faults.add(member_pointer(pointer, name),
                   v ? "must be a non-empty string" : "is missing; give a non-empty string");
        return {};
    }
    return std::string(v->get_string());
}

}  // namespace penstock

#include "admin/http/raw_json.h"

#include <simdjson.h>

#include <algorithm>
#include <boost/json.hpp>

namespace penstock::http {
namespace {

namespace ondemand = simdjson::ondemand;

bool is_read(ondemand::document& document) {
    return document.current_location().error() == simdjson::OUT_OF_BOUNDS;
}

/// On one line, as events come by TCP and go by NDJSON: a line break in JSON is never part of a text. A
/// scalar's token goes on to the next one.
std::string on_one_line(std::string_view text) {
    std::string out(text.substr(0, text.find_last_not_of(" \t\r\n") + 1));
    std::replace_if(out.begin(), out.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
    return out;
}

}  // namespace

const RawMember* RawObject::find(std::string_view name) const {
    const auto at =
        std::find_if(members.begin(), members.end(), [&](const RawMember& m) { return m.name == name; });
    return at == members.end() ? nullptr : &*at;
}

std::optional<RawList> events_in(std::string_view text) {
    const simdjson::padded_string padded(text);
    ondemand::parser parser;
    ondemand::document document;
    ondemand::json_type type{};
    if (parser.iterate(padded).get(document) || document.type().get(type)) return std::nullopt;
    RawList out;
    std::string_view raw;
    if (type == ondemand::json_type::object) {
        ondemand::object object;
        if (document.get_object().get(object) || object.raw_json().get(raw) || !is_read(document))
            return std::nullopt;
        out.events.push_back(on_one_line(raw));
        return out;
    }
    ondemand::array array;
    if (type != ondemand::json_type::array || document.get_array().get(array)) return std::nullopt;
    out.is_array = true;
    for (auto element : array) {
        ondemand::value value;
        if (element.get(value) || simdjson::to_json_string(value).get(raw)) return std::nullopt;
        out.events.push_back(on_one_line(raw));
    }
    if (!is_read(document)) return std::nullopt;
    return out;
}

RawObject members_of(std::string_view text) {
    const simdjson::padded_string padded(text);
    ondemand::parser parser;
    ondemand::document document;
    ondemand::object object;
    RawObject out;
    if (parser.iterate(padded).get(document) || document.get_object().get(object)) return out;
    for (auto field : object) {
        std::string_view name, raw;
        if (field.unescaped_key().get(name)) return out;
        RawMember member{std::string(name), {}};
        ondemand::value value;
        if (field.value().get(value) || simdjson::to_json_string(value).get(raw)) return out;
        member.value = on_one_line(raw);
        out.members.push_back(std::move(member));
    }
    out.whole = is_read(document);
    return out;
}

std::string text_of(std::string_view json) {
    boost::json::error_code failed;
    const boost::json::value v = boost::json::parse(json, failed);
    return failed || !v.is_string() ? std::string() : std::string(v.get_string());
}

}  // namespace penstock::http

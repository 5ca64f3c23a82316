#include "stages/parse/event_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "pipeline/rfc3339.h"
#include "schemas/limits.h"

namespace penstock {
namespace {

using simdjson::simdjson_error;
using simdjson::ondemand::json_type;

enum Member : uint32_t {
    kSpecversion,
    kId,
    kSource,
    kType,
    kSubject,
    kTime,
    kRegion,
    kSeverity,
    kData,
    kKeys,
    kGroups,
    kExtension
};

Member member_of(std::string_view name) {
    switch (name.size()) {
        case 2:
            return name == "id" ? kId : kExtension;
        case 4:
            return name == "type"   ? kType
                   : name == "time" ? kTime
                   : name == "data" ? kData
                   : name == "keys" ? kKeys
                                    : kExtension;
        case 6:
            return name == "source"   ? kSource
                   : name == "region" ? kRegion
                   : name == "groups" ? kGroups
                                      : kExtension;
        case 7:
            return name == "subject" ? kSubject : kExtension;
        case 8:
            return name == "severity" ? kSeverity : kExtension;
        case 11:
            return name == "specversion" ? kSpecversion : kExtension;
        default:
            return kExtension;
    }
}

/// 1678-01-01 and 2262-01-01, less a day for offsets: what RFC 3339 text can say.
constexpr StampNs kTimeMinNs = (-9'214'560'000LL - 86'400) * 1'000'000'000,
                  kTimeEndNs = (9'214'646'400LL + 86'400) * 1'000'000'000;

[[noreturn]] void refuse(Refusal cause, std::string detail) { throw ReadFailure{cause, std::move(detail)}; }

/// What is allowed of every attribute's text, whichever format brought it.
void check_text(std::string_view name, std::string_view text) {
    if (text.size() > limits::kAttributeBytesMax)
        refuse(Refusal::kTooLong, fmt::format("{} has {} bytes; at most {} are allowed", name, text.size(),
                                              limits::kAttributeBytesMax));
    if (text.find('\0') != text.npos)
        refuse(Refusal::kBadValue,
               fmt::format("{} holds U+0000, which the databases cannot store; leave it out", name));
}
void check_not_empty(std::string_view name, std::string_view text) {
    if (text.empty())
        refuse(Refusal::kBadValue, fmt::format("{} is empty; give it a value or leave it out", name));
    check_text(name, text);
}

/// Most attributes are short and plain: a call into the validator costs more than this loop.
bool is_ascii(std::string_view s) {
    uint64_t bits = 0;
    size_t at = 0;
    for (; at + 8 <= s.size(); at += 8) {
        uint64_t eight;
        std::memcpy(&eight, s.data() + at, sizeof eight);
        bits |= eight;
    }
    for (; at < s.size(); ++at) bits |= static_cast<uint8_t>(s[at]);
    return (bits & 0x8080808080808080ULL) == 0;
}

std::string_view text_of(simdjson::ondemand::value value, std::string_view name) {
    if (value.type().value() != json_type::string)
        refuse(Refusal::kWrongType, fmt::format("{} is not a string", name));
    return value.get_string();
}

void check_counts(const EventFields& f) {
    const size_t n = f.keys.size() + f.groups.size() + f.extensions.size();
    if (n > limits::kAttributesMax)
        refuse(Refusal::kTooLong,
               fmt::format("keys, groups and extensions have {} entries; at most {} are allowed", n,
                           limits::kAttributesMax));
}

[[noreturn]] void refuse_twice(std::string_view name) {
    refuse(Refusal::kBadJson, fmt::format("{} is given twice", name.substr(0, 128)));
}
bool names(const std::vector<EventFields::Pair>& pairs, std::string_view name) {
    return std::any_of(pairs.begin(), pairs.end(), [&](const auto& p) { return p.first == name; });
}

/// What FlatBuffers' verifier lets pass: strings that several offsets share. Written out again such an event
/// would be larger than what room was left for it.
bool strings_overlap(const EventFields& f, size_t bytes) {
    size_t sum =
        f.id.size() + f.source.size() + f.type.size() + f.subject.size() + f.region.size() + f.data.size();
    for (const auto* pairs : {&f.keys, &f.groups, &f.extensions})
        for (const auto& [name, value] : *pairs) sum += name.size() + value.size();
    return sum > bytes;
}

simdjson::ondemand::field taken(simdjson::simdjson_result<simdjson::ondemand::field> field_or) {
    simdjson::ondemand::field field;
    if (const auto error = std::move(field_or).get(field)) throw simdjson_error(error);
    return field;
}

ReadFailure failure_of(const simdjson_error& e, std::string_view what) {
    switch (e.error()) {
        case simdjson::UTF8_ERROR:
            return {Refusal::kBadUtf8, fmt::format("{} is not valid UTF-8", what)};
        case simdjson::DEPTH_ERROR:
            return {Refusal::kTooDeep,
                    fmt::format("{} is nested deeper than {} levels", what, limits::kJsonDepthMax)};
        default:
            return {Refusal::kBadJson,
                    fmt::format("{} is not valid JSON: {}", what, simdjson::error_message(e.error()))};
    }
}

std::string_view trim_right(std::string_view s) {
    while (!s.empty() && (s.back() == ' ' || s.back() == '\t' || s.back() == '\r' || s.back() == '\n'))
        s.remove_suffix(1);
    return s;
}

bool at_end(simdjson::ondemand::document& document) {
    return document.current_location().error() == simdjson::OUT_OF_BOUNDS;
}

}  // namespace

void EventReader::read_json(std::span<const uint8_t> bytes, EventFields& out, uint64_t& data_hash) {
    out.clear();
    data_hash = 0;
    seen_ = named_ = 0;
    nulls_.clear();
    try {
        const simdjson::padded_string_view line(bytes.data(), bytes.size(),
                                                bytes.size() + simdjson::SIMDJSON_PADDING);
        simdjson::ondemand::document document = parser_.iterate(line);
        if (document.type().value() != json_type::object) {
            walk_.hash(document);  // what is no JSON at all is said so
            refuse(Refusal::kNotAnObject, "the line is not a JSON object");
        }
        for (auto field_or : document.get_object()) {
            simdjson::ondemand::field field = taken(field_or);
            read_member(document, field, out, data_hash);
        }
        if (!at_end(document))
            refuse(Refusal::kBadJson, "something follows the object on its line; send one object a line");
    } catch (const simdjson_error& e) {
        throw failure_of(e, "the line");
    } catch (const DepthError&) {
        refuse(Refusal::kTooDeep, fmt::format("data is nested deeper than {} levels", limits::kJsonDepthMax));
    } catch (const NameTwiceError&) {
        refuse_twice("a member of an object in data");
    }
    static constexpr std::pair<Member, std::string_view> kRequired[] = {
        {kSpecversion, "specversion"}, {kId, "id"}, {kSource, "source"}, {kType, "type"}};
    for (const auto& [member, name] : kRequired) {
        if (!(seen_ >> member & 1))
            refuse(Refusal::kMissingField, fmt::format("{} is required: a non-empty string", name));
    }
    check_counts(out);
}

void EventReader::read_member(simdjson::ondemand::document& document, simdjson::ondemand::field& field,
                              EventFields& out, uint64_t& data_hash) {
    const std::string_view name = field.unescaped_key();
    const Member member = member_of(name);
    simdjson::ondemand::value value = field.value();
    if (member != kExtension) {
        if (named_ >> member & 1) refuse_twice(name);
        named_ |= 1u << member;
        if (value.type().value() == json_type::null && member != kData) {
            if (!value.is_null()) refuse(Refusal::kBadJson, fmt::format("{} is not valid JSON", name));
            return;  // absent
        }
        seen_ |= 1u << member;
    }
    switch (member) {
        case kSpecversion:
            if (text_of(value, name) != "1.0") refuse(Refusal::kBadValue, "specversion is not \"1.0\"");
            return;
        case kId:
            return check_not_empty(name, out.id = text_of(value, name));
        case kSource:
            return check_not_empty(name, out.source = text_of(value, name));
        case kType:
            return check_not_empty(name, out.type = text_of(value, name));
        case kSubject:
            return check_not_empty(name, out.subject = text_of(value, name));
        case kRegion:
            return check_not_empty(name, out.region = text_of(value, name));
        case kTime: {
            const std::string_view text = text_of(value, name);
            const auto time = parse_rfc3339(text);
            if (!time)
                refuse(Refusal::kBadTime,
                       fmt::format("time '{}' is not an RFC 3339 instant of the years 1678 to 2261; write "
                                   "2026-01-31T08:00:00Z",
                                   text.substr(0, 64)));
            out.time_ns = *time;
            return;
        }
        case kSeverity: {
            if (value.type().value() != json_type::number)
                refuse(Refusal::kWrongType, "severity is not a number");
            const auto number = value.get_int64();
            if (number.error() || number.value_unsafe() < 1 || number.value_unsafe() > 5)
                refuse(Refusal::kBadValue, "severity is not an integer from 1 to 5");
            out.severity = static_cast<uint8_t>(number.value_unsafe());
            return;
        }
        case kData:
            return read_data(document, value, out, data_hash);
        case kKeys:
            return read_pairs(value, name, out.keys);
        case kGroups:
            return read_pairs(value, name, out.groups);
        case kExtension:
            return read_extension(value, name, out);
    }
}

void EventReader::read_data(simdjson::ondemand::document& document, simdjson::ondemand::value value,
                            EventFields& out, uint64_t& data_hash) {
    const std::string_view token = value.raw_json_token();
    const json_type type = value.type();
    data_hash = walk_.hash(value);
    if (type == json_type::object || type == json_type::array) {
        const char* end = document.current_location();  // the token after the value
        out.data = trim_right({token.data(), static_cast<size_t>(end - token.data())});
    } else {
        out.data = trim_right(token);
    }
}

void EventReader::read_pairs(simdjson::ondemand::value value, std::string_view name,
                             std::vector<EventFields::Pair>& out) {
    if (value.type().value() != json_type::object)
        refuse(Refusal::kWrongType, fmt::format("{} is not an object of strings", name));
    for (auto field_or : value.get_object()) {
        simdjson::ondemand::field field = taken(field_or);
        const std::string_view key = field.unescaped_key();
        const std::string label = fmt::format("{}.{}", name, key.substr(0, 64));
        const std::string_view text = text_of(field.value(), label);
        check_text(label, key);
        check_text(label, text);
        if (names(out, key)) refuse_twice(label);
        out.emplace_back(key, text);
        if (out.size() > limits::kAttributesMax) return;  // check_counts refuses it
    }
}

void EventReader::read_extension(simdjson::ondemand::value value, std::string_view name, EventFields& out) {
    check_text("an attribute's name", name);
    std::string_view text;
    switch (value.type().value()) {
        case json_type::string:
            text = value.get_string();
            break;
        case json_type::number:
            text = JsonWalk::number_token(value.raw_json_token());
            break;
        case json_type::boolean:
            text = bool(value.get_bool()) ? "true" : "false";
            break;
        case json_type::null:
            if (!value.is_null()) refuse(Refusal::kBadJson, fmt::format("{} is not valid JSON", name));
            if (names(out.extensions, name) || std::find(nulls_.begin(), nulls_.end(), name) != nulls_.end())
                refuse_twice(name);
            nulls_.push_back(name);
            if (nulls_.size() > limits::kAttributesMax)
                refuse(Refusal::kTooLong, fmt::format("more than {} attributes are null; leave them out",
                                                      limits::kAttributesMax));
            return;
        default:
            refuse(Refusal::kWrongType, fmt::format("{} is an extension attribute and may be a string, a "
                                                    "number or a boolean; put objects into data",
                                                    name.substr(0, 64)));
    }
    check_text(name, text);
    if (names(out.extensions, name) || std::find(nulls_.begin(), nulls_.end(), name) != nulls_.end())
        refuse_twice(name);
    out.extensions.emplace_back(name, text);
    if (out.extensions.size() > limits::kAttributesMax) check_counts(out);
}

void EventReader::read_flatbuffer(std::span<const uint8_t> bytes, EventFields& out, uint64_t& data_hash) {
    data_hash = 0;
    flatbuffers::Verifier verifier(bytes.data(), bytes.size(), /*max_depth=*/8,
                                   /*max_tables=*/2 + limits::kAttributesMax);
    if (bytes.size() < 8 || !verifier.VerifyBuffer<fb::Event>(nullptr))
        refuse(Refusal::kBadFlatBuffer, "the bytes are not a penstock.fb.Event (schemas/event.fbs)");
    read_event(*event_of(bytes), out);
    check_counts(out);
    if (strings_overlap(out, bytes.size()))
        refuse(Refusal::kBadFlatBuffer, "the event's strings lie over one another");
    if (out.time_ns != kNoTime && (out.time_ns < kTimeMinNs || out.time_ns >= kTimeEndNs))
        refuse(Refusal::kBadTime, "time_ns is outside the years 1678 to 2261");
    check_not_empty("id", out.id);
    check_not_empty("source", out.source);
    check_not_empty("type", out.type);
    check_text("subject", out.subject);
    check_text("region", out.region);
    if (out.severity > 5) refuse(Refusal::kBadValue, "severity is not 0 (none) or 1 to 5");
    const auto utf8 = [](std::string_view name, std::string_view s) {
        if (!is_ascii(s) && !simdjson::validate_utf8(s.data(), s.size()))
            refuse(Refusal::kBadUtf8, fmt::format("{} is not valid UTF-8", name));
    };
    utf8("id", out.id), utf8("source", out.source), utf8("type", out.type);
    utf8("subject", out.subject), utf8("region", out.region);
    for (const auto* pairs : {&out.keys, &out.groups, &out.extensions}) {
        for (const auto& [name, value] : *pairs) {
            check_text("an attribute's name", name), check_text("an attribute's value", value);
            utf8("an attribute's name", name), utf8("an attribute's value", value);
        }
        for (auto pair = pairs->begin(); pair != pairs->end(); ++pair)
            if (std::any_of(pairs->begin(), pair, [&](const auto& p) { return p.first == pair->first; }))
                refuse_twice(pair->first);
    }
    if (out.data.empty()) return;
    try {
        // Whatever follows the string inside the buffer serves as padding; behind the last one the slab does.
        const simdjson::padded_string_view text(out.data.data(), out.data.size(),
                                                out.data.size() + simdjson::SIMDJSON_PADDING);
        simdjson::ondemand::document document = parser_.iterate(text);
        const json_type type = document.type();
        if (type == json_type::object || type == json_type::array) {
            data_hash = walk_.hash(document);
            if (!at_end(document)) refuse(Refusal::kBadJson, "data holds more than one JSON value");
        } else {
            data_hash = walk_.hash(document);
            const std::string_view token = trim_right(std::string_view(document.raw_json_token()));
            if (token.size() != trim_right(out.data).size())
                refuse(Refusal::kBadJson, "data holds more than one JSON value");
        }
    } catch (const simdjson_error& e) {
        throw failure_of(e, "data");
    } catch (const DepthError&) {
        refuse(Refusal::kTooDeep, fmt::format("data is nested deeper than {} levels", limits::kJsonDepthMax));
    } catch (const NameTwiceError&) {
        refuse_twice("a member of an object in data");
    }
}

}  // namespace penstock

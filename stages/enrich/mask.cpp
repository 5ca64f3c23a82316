#include "stages/enrich/mask.h"

#include <algorithm>

namespace penstock {

std::optional<FieldPath> FieldPath::parse(std::string_view text) {
    if (text == "subject") return FieldPath{Root::kSubject, {}};
    if (text == "source") return FieldPath{Root::kSource, {}};
    if (text == "type") return FieldPath{Root::kType, {}};
    constexpr std::string_view kData = "data.";
    if (text.substr(0, kData.size()) != kData) return std::nullopt;
    FieldPath path{Root::kData, {}};
    for (size_t at = kData.size(); at <= text.size();) {
        const size_t dot = std::min(text.find('.', at), text.size());
        if (dot == at) return std::nullopt;
        path.members.emplace_back(text.substr(at, dot - at));
        at = dot + 1;
    }
    return path.members.empty() ? std::nullopt : std::optional(path);
}

namespace {
/// By the name that is meant: simdjson's own search compares what is written, and misses "p\u0069n".
bool find_member(simdjson::ondemand::object& object, std::string_view name, simdjson::ondemand::value& out) {
    for (auto field_or : object) {
        simdjson::ondemand::field field;
        std::string_view found;
        if (std::move(field_or).get(field) || field.unescaped_key().get(found)) return false;
        if (found != name) continue;
        out = field.value();
        return true;
    }
    return false;
}
}  // namespace

std::optional<std::string_view> DataEditor::locate(std::string_view data,
                                                   const std::vector<std::string>& members) {
    using namespace simdjson;
    if (members.empty()) return std::nullopt;
    padded_ = padded_string(data);
    ondemand::document document;
    if (parser_.iterate(padded_).get(document)) return std::nullopt;
    ondemand::object object;
    if (document.get_object().get(object)) return std::nullopt;
    ondemand::value value;
    for (size_t i = 0; i < members.size(); ++i) {
        if (!find_member(object, members[i], value)) return std::nullopt;
        if (i + 1 < members.size() && value.get_object().get(object)) return std::nullopt;
    }
    const std::string_view token = value.raw_json_token();
    ondemand::json_type type;
    if (value.type().get(type)) return std::nullopt;
    const char* end = token.data() + token.size();
    if (type == ondemand::json_type::object || type == ondemand::json_type::array) {
        std::string_view whole;
        if (type == ondemand::json_type::object) {
            ondemand::object inner;
            if (value.get_object().get(inner) || inner.raw_json().get(whole)) return std::nullopt;
        } else {
            ondemand::array inner;
            if (value.get_array().get(inner) || inner.raw_json().get(whole)) return std::nullopt;
        }
        end = whole.data() + whole.size();
    }
    while (end > token.data() && std::string_view(" \t\r\n").find(end[-1]) != std::string_view::npos) --end;
    return std::string_view(token.data(), static_cast<size_t>(end - token.data()));
}

bool DataEditor::mask(std::string& data, const std::vector<std::string>& members) {
    const auto value = locate(data, members);
    if (!value) return false;
    const auto offset = static_cast<size_t>(value->data() - padded_.data());
    data.replace(offset, value->size(), kMasked);
    return true;
}

std::optional<std::string> DataEditor::text_of(std::string_view data,
                                               const std::vector<std::string>& members) {
    const auto value = locate(data, members);
    if (!value || value->empty() || value->front() == '{' || value->front() == '[') return std::nullopt;
    if (value->front() != '"') return std::string(*value);
    // A string by itself is a JSON document: it is read again for its escapes.
    const std::string token(*value);
    padded_ = simdjson::padded_string(token);
    simdjson::ondemand::document document;
    std::string_view text;
    if (parser_.iterate(padded_).get(document) || document.get_string().get(text)) return std::nullopt;
    return std::string(text);
}

}  // namespace penstock

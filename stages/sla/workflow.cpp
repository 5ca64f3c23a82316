#include "stages/sla/workflow.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <boost/json.hpp>
#include <map>

#include "schemas/limits.h"

namespace penstock {
namespace {

namespace json = boost::json;

constexpr size_t kEdgesMax = 10'000;
constexpr int64_t kWithinMsMax =
    100LL * 366 * 86'400'000;  // a century: deadlines stay inside 64 bits of nanoseconds

class Faults {
  public:
    void add(std::string_view pointer, std::string_view what) {
        text_ += fmt::format("{}{}: {}", text_.empty() ? "" : "\n", pointer, what);
    }
    void raise() const {
        if (!text_.empty()) throw WorkflowError(text_);
    }

  private:
    std::string text_;
};

std::string text_member(const json::object& object, std::string_view name, const std::string& pointer,
                        Faults& faults) {
    const json::value* v = object.if_contains(name);
    if (!v || !v->is_string() || v->get_string().empty()) {
        faults.add(fmt::format("{}/{}", pointer, name),
                   v ? "must be a non-empty string" : "is missing; give a non-empty string");
        return {};
    }
    return std::string(v->get_string());
}

void known_members(const json::object& object, std::initializer_list<std::string_view> known,
                   const std::string& pointer, Faults& faults) {
    for (const auto& member : object) {
        const std::string_view name = member.key();
        if (std::find(known.begin(), known.end(), name) == known.end())
            faults.add(fmt::format("{}/{}", pointer, name),
                       fmt::format("is not known; known are {}", fmt::join(known, ", ")));
    }
}

KeySelector parse_key(const std::string& text, Faults& faults) {
    KeySelector key;
    std::vector<std::string> parts;
    for (size_t at = 0; at <= text.size();) {
        const size_t dot = std::min(text.find('.', at), text.size());
        parts.push_back(text.substr(at, dot - at));
        if (parts.back().empty()) faults.add("/key", "has an empty part; write for example data.order.id");
        at = dot + 1;
    }
    const bool dotted = parts.size() > 1;
    if (text == "subject") return key;
    if (text == "source") {
        key.kind = KeySelector::Kind::kSource;
    } else if (dotted && parts[0] == "data") {
        key.kind = KeySelector::Kind::kData;
        key.path.assign(parts.begin() + 1, parts.end());
    } else if (parts.size() == 2 && (parts[0] == "keys" || parts[0] == "groups")) {
        key.kind = parts[0] == "keys" ? KeySelector::Kind::kKeys : KeySelector::Kind::kGroups;
        key.path = {parts[1]};
    } else if (!dotted && text != "id" && text != "type" && text != "time" && text != "data") {
        key.kind = KeySelector::Kind::kExtension;
        key.path = {text};
    } else {
        faults.add(
            "/key",
            fmt::format(
                "'{}' cannot correlate events; use subject, source, keys.NAME, groups.NAME, data.MEMBER or "
                "an extension attribute",
                text));
    }
    return key;
}

}  // namespace

Workflow parse_workflow(std::string_view document) {
    if (document.size() > limits::kControlTextBytesMax)
        throw WorkflowError(fmt::format("/: has {} bytes; at most {} are allowed", document.size(),
                                        limits::kControlTextBytesMax));
    boost::system::error_code error;
    json::value root = json::parse(document, error);
    if (error) throw WorkflowError(fmt::format("/: is not valid JSON: {}", error.message()));
    if (!root.is_object()) throw WorkflowError("/: must be an object with name, key and edges");
    const json::object& object = root.get_object();
    Faults faults;
    known_members(object, {"name", "key", "edges"}, "", faults);

    Workflow w;
    w.document = document;
    w.name = text_member(object, "name", "", faults);
    w.key_text = text_member(object, "key", "", faults);
    if (!w.key_text.empty()) w.key = parse_key(w.key_text, faults);
    const json::value* edges = object.if_contains("edges");
    if (!edges || !edges->is_array() || edges->get_array().empty() || edges->get_array().size() > kEdgesMax) {
        faults.add("/edges", fmt::format("must be an array of 1 to {} edges", kEdgesMax));
        faults.raise();
    }
    std::map<std::string, int> names;
    size_t index = 0;
    for (const json::value& item : edges->get_array()) {
        const std::string pointer = fmt::format("/edges/{}", index++);
        if (!item.is_object()) {
            faults.add(pointer, "must be an object with from, to and within_ms");
            continue;
        }
        const json::object& e = item.get_object();
        known_members(e, {"from", "to", "within_ms"}, pointer, faults);
        Edge edge;
        edge.from = text_member(e, "from", pointer, faults);
        edge.to = text_member(e, "to", pointer, faults);
        const json::value* within = e.if_contains("within_ms");
        int64_t ms = -1;
        if (within && within->is_int64()) ms = within->get_int64();
        if (ms < 0 || ms > kWithinMsMax)
            faults.add(pointer + "/within_ms",
                       fmt::format("must be an integer of milliseconds from 0 to {}", kWithinMsMax));
        edge.within_ns = ms * 1'000'000;
        edge.from_hash = XXH3_64bits(edge.from.data(), edge.from.size());
        edge.to_hash = XXH3_64bits(edge.to.data(), edge.to.size());
        const int earlier = ++names[fmt::format("{} -> {}", edge.from, edge.to)];
        edge.name =
            fmt::format("{} -> {}{}", edge.from, edge.to, earlier > 1 ? fmt::format(" #{}", earlier) : "");
        w.edges.push_back(std::move(edge));
    }
    faults.raise();
    return w;
}

}  // namespace penstock

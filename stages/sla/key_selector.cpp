#include "stages/sla/key_selector.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <boost/json.hpp>

#include "schemas/event_fields.h"

namespace penstock {
namespace {

std::string_view find_pair(const flatbuffers::Vector<flatbuffers::Offset<fb::Pair>>* pairs,
                           const std::string& name) {
    if (pairs)
        for (const fb::Pair* p : *pairs)
            if (view_of(p->name()) == name) return view_of(p->value());
    return {};
}

}  // namespace

std::optional<KeySelector> parse_key_selector(std::string_view text, std::string_view pointer,
                                              Faults& faults) {
    std::vector<std::string> parts;
    for (size_t at = 0; at <= text.size();) {
        const size_t dot = std::min(text.find('.', at), text.size());
        parts.emplace_back(text.substr(at, dot - at));
        if (parts.back().empty()) {
            faults.add(pointer, "has an empty part; write for example data.order.id");
            return std::nullopt;
        }
        at = dot + 1;
    }
    const bool dotted = parts.size() > 1;
    KeySelector key;
    if (text == "subject") return key;
    if (text == "source") {
        key.kind = KeySelector::Kind::kSource;
        return key;
    }
    if (dotted && parts[0] == "data") {
        key.kind = KeySelector::Kind::kData;
        key.path.assign(parts.begin() + 1, parts.end());
        return key;
    }
    if (parts.size() == 2 && (parts[0] == "keys" || parts[0] == "groups")) {
        key.kind = parts[0] == "keys" ? KeySelector::Kind::kKeys : KeySelector::Kind::kGroups;
        key.path = {parts[1]};
        return key;
    }
    if (!dotted && text != "id" && text != "type" && text != "time" && text != "data") {
        key.kind = KeySelector::Kind::kExtension;
        key.path = {parts[0]};
        return key;
    }
    faults.add(pointer, fmt::format("'{}' cannot correlate events; use subject, source, keys.NAME, "
                                    "groups.NAME, data.MEMBER or an extension attribute",
                                    text));
    return std::nullopt;
}

std::string_view select_text(const KeySelector& selector, const fb::Event& event, std::string& scratch) {
    switch (selector.kind) {
        case KeySelector::Kind::kSubject:
            return view_of(event.subject());
        case KeySelector::Kind::kSource:
            return view_of(event.source());
        case KeySelector::Kind::kKeys:
            return find_pair(event.keys(), selector.path[0]);
        case KeySelector::Kind::kGroups:
            return find_pair(event.groups(), selector.path[0]);
        case KeySelector::Kind::kExtension:
            return find_pair(event.extensions(), selector.path[0]);
        case KeySelector::Kind::kData:
            break;
    }
    const std::string_view data = view_of(event.data());
    if (data.empty()) return {};
    boost::system::error_code error;
    boost::json::parse_options options;
    options.max_depth = 128;
    const boost::json::value root = boost::json::parse(data, error, {}, options);
    if (error) return {};
    const boost::json::value* at = &root;
    for (const std::string& member : selector.path) {
        if (!at->is_object()) return {};
        at = at->get_object().if_contains(member);
        if (!at) return {};
    }
    scratch.clear();
    if (at->is_string()) scratch = std::string_view(at->get_string());
    if (at->is_number() || at->is_bool()) scratch = boost::json::serialize(*at);
    return scratch;
}

Hash128 hash_key(std::string_view text, uint16_t tenant) {
    // Unkeyed: the hash is stored in checkpoints of this log only, and equal texts must give equal keys in
    // simulation, which has no secret.
    const XXH128_hash_t h = XXH3_128bits_withSeed(text.data(), text.size(), tenant);
    return {h.low64, h.high64};
}

bool select_key(const KeySelector& selector, const fb::Event& event, uint16_t tenant, Hash128& out) {
    std::string scratch;
    const std::string_view text = select_text(selector, event, scratch);
    if (text.empty()) return false;
    out = hash_key(text, tenant);
    return true;
}

}  // namespace penstock

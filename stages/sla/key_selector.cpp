#include "stages/sla/key_selector.h"

#include <xxhash.h>

#include <boost/json.hpp>

#include "schemas/event_fields.h"

namespace penstock {
namespace {

using Pairs = flatbuffers::Vector<flatbuffers::Offset<fb::Pair>>;

std::string_view find_pair(const Pairs* pairs, const std::string& name) {
    if (pairs)
        for (const fb::Pair* p : *pairs)
            if (view_of(p->name()) == name) return view_of(p->value());
    return {};
}

/// Calls take(text) with the text, where there is one.
template <typename Take>
bool with_text(const KeySelector& selector, const fb::Event& event, Take take) {
    const auto given = [&](std::string_view text) { return !text.empty() && (take(text), true); };
    switch (selector.kind) {
        case KeySelector::Kind::kSubject:
            return given(view_of(event.subject()));
        case KeySelector::Kind::kSource:
            return given(view_of(event.source()));
        case KeySelector::Kind::kKeys:
            return given(find_pair(event.keys(), selector.path[0]));
        case KeySelector::Kind::kGroups:
            return given(find_pair(event.groups(), selector.path[0]));
        case KeySelector::Kind::kExtension:
            return given(find_pair(event.extensions(), selector.path[0]));
        case KeySelector::Kind::kData:
            break;
    }
    const std::string_view data = view_of(event.data());
    if (data.empty()) return false;
    boost::system::error_code error;
    boost::json::parse_options options;
    options.max_depth = 128;
    const boost::json::value root = boost::json::parse(data, error, {}, options);
    if (error) return false;
    const boost::json::value* at = &root;
    for (const std::string& member : selector.path) {
        if (!at->is_object()) return false;
        at = at->get_object().if_contains(member);
        if (!at) return false;
    }
    if (at->is_string()) return given(std::string_view(at->get_string()));
    if (at->is_number() || at->is_bool()) return given(boost::json::serialize(*at));
    return false;
}

}  // namespace

bool select_text(const KeySelector& selector, const fb::Event& event, std::string& out) {
    return with_text(selector, event, [&](std::string_view text) { out = text; });
}

Hash128 key_of_text(std::string_view text, uint16_t tenant) {
    // Unkeyed: the hash is stored in checkpoints of this log only, and equal texts must give equal keys in
    // simulation, which has no secret.
    const XXH128_hash_t h = XXH3_128bits_withSeed(text.data(), text.size(), tenant);
    return {h.low64, h.high64};
}

bool select_key(const KeySelector& selector, const fb::Event& event, uint16_t tenant, Hash128& out) {
    return with_text(selector, event, [&](std::string_view text) { out = key_of_text(text, tenant); });
}

}  // namespace penstock

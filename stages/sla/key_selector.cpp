#include "stages/sla/key_selector.h"

#include <xxhash.h>

#include <boost/json.hpp>

#include "schemas/event_fields.h"

namespace penstock {
namespace {

bool hash_text(std::string_view text, uint16_t tenant, Hash128& out) {
    if (text.empty()) return false;
    // Unkeyed: the hash is stored in checkpoints of this log only, and equal texts must give equal keys in
    // simulation, which has no secret.
    const XXH128_hash_t h = XXH3_128bits_withSeed(text.data(), text.size(), tenant);
    out = {h.low64, h.high64};
    return true;
}

bool find_pair(const flatbuffers::Vector<flatbuffers::Offset<fb::Pair>>* pairs, const std::string& name,
               uint16_t tenant, Hash128& out) {
    if (!pairs) return false;
    for (const fb::Pair* p : *pairs)
        if (view_of(p->name()) == name) return hash_text(view_of(p->value()), tenant, out);
    return false;
}

}  // namespace

bool select_key(const KeySelector& selector, const fb::Event& event, uint16_t tenant, Hash128& out) {
    switch (selector.kind) {
        case KeySelector::Kind::kSubject:
            return hash_text(view_of(event.subject()), tenant, out);
        case KeySelector::Kind::kSource:
            return hash_text(view_of(event.source()), tenant, out);
        case KeySelector::Kind::kKeys:
            return find_pair(event.keys(), selector.path[0], tenant, out);
        case KeySelector::Kind::kGroups:
            return find_pair(event.groups(), selector.path[0], tenant, out);
        case KeySelector::Kind::kExtension:
            return find_pair(event.extensions(), selector.path[0], tenant, out);
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
    if (at->is_string()) return hash_text(std::string_view(at->get_string()), tenant, out);
    if (at->is_number() || at->is_bool()) return hash_text(boost::json::serialize(*at), tenant, out);
    return false;
}

}  // namespace penstock

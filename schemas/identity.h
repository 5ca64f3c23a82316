// The hashes that name an event, its content and its key. Keyed per installation, so that nobody outside can
// aim at a collision.
#pragma once

#include <xxhash.h>

#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "schemas/log_record.h"

namespace penstock {

/// One thread (it has a scratch buffer).
class IdentityHasher {
  public:
    explicit IdentityHasher(std::span<const uint8_t> secret) : secret_(secret.begin(), secret.end()) {
        std::memcpy(&seed_, secret_.data(), sizeof seed_);
    }

    Hash128 id(uint16_t tenant, std::string_view source, std::string_view id_text) {
        return hash('i', tenant, source, id_text);
    }
    Hash128 key(uint16_t tenant, std::string_view subject) { return hash('k', tenant, subject, {}); }
    Hash128 producer(uint16_t tenant, std::string_view name) { return hash('p', tenant, name, {}); }

    uint64_t text(std::string_view s) const { return XXH3_64bits_withSeed(s.data(), s.size(), seed_); }
    /// Order matters.
    static uint64_t mix(uint64_t a, uint64_t b) {
        uint64_t h = a ^ (b + 0x9e3779b97f4a7c15ULL + (a << 6) + (a >> 2));
        h ^= h >> 32;
        h *= 0xd6e8feb86659fd93ULL;
        return h ^ (h >> 32);
    }

  private:
    Hash128 hash(char domain, uint16_t tenant, std::string_view a, std::string_view b) {
        // Lengths go in front: ("ab","c") and ("a","bc") differ.
        struct {
            char domain;
            char zero;
            uint16_t tenant;
            uint32_t a_bytes;
        } const head{domain, 0, tenant, static_cast<uint32_t>(a.size())};
        const size_t size = sizeof head + a.size() + b.size();
        if (scratch_.size() < size) scratch_.resize(size * 2);
        std::memcpy(scratch_.data(), &head, sizeof head);
        std::memcpy(scratch_.data() + sizeof head, a.data(), a.size());
        if (!b.empty()) std::memcpy(scratch_.data() + sizeof head + a.size(), b.data(), b.size());
        const XXH128_hash_t h =
            XXH3_128bits_withSecret(scratch_.data(), size, secret_.data(), secret_.size());
        return {h.low64, h.high64};
    }
    std::vector<uint8_t> secret_;
    std::vector<uint8_t> scratch_ = std::vector<uint8_t>(512);
    uint64_t seed_ = 0;
};

/// Names a type across restarts and machines; verified against the text where it matters.
inline uint64_t type_hash(std::string_view type) { return XXH3_64bits(type.data(), type.size()); }

}  // namespace penstock

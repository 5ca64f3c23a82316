// A refused event on its way into the log.
#pragma once

#include <xxhash.h>

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "schemas/limits.h"
#include "schemas/refusal.h"

namespace penstock {

/// What becomes a dead letter. Owns its bytes; raw holds at most limits::kDeadLetterRawBytesMax.
struct DeadLetter {
    Refusal cause = Refusal::kNone;
    std::string detail, peer, producer;
    uint64_t position = 0;
    uint16_t tenant = 0;
    std::vector<uint8_t> raw;
    uint64_t whole_length = 0, whole_hash = 0;

    /// Keeps the first bytes of `whole`, and the length and hash of all of it.
    void set_raw(std::span<const uint8_t> whole) {
        const size_t kept = std::min(whole.size(), limits::kDeadLetterRawBytesMax);
        raw.assign(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(kept));
        whole_length = whole.size();
        whole_hash = XXH3_64bits(whole.data(), whole.size());
    }
};

}  // namespace penstock

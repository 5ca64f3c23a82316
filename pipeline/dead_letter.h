// A refused event on its way into the log, and the words for what becomes of it there.
#pragma once

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
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
    /// Nothing of it was cut off.
    bool whole() const { return whole_length == raw.size(); }
};

/// What has been done with a dead letter. Numbers are stored.
enum class LetterStatus : uint8_t { kOpen = 0, kRetried = 1, kDropped = 2 };
inline constexpr std::array<std::string_view, 3> kLetterStatusNames{"open", "retried", "dropped"};

/// What a retry led to. Numbers are stored.
enum class RetryOutcome : uint8_t { kUnknown = 0, kStored = 1, kDuplicate = 2, kRefused = 3 };
inline constexpr std::array<std::string_view, 4> kRetryOutcomeNames{"unknown", "stored", "duplicate",
                                                                    "refused"};

}  // namespace penstock

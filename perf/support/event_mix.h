// Events as an installation sends them, instead of one kind of one size: 120 bytes to 4 KB, keys of which few
// get most, 5% sent twice, order disturbed within bounds.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace penstock::bench {

struct MixedEvent {
    std::string
        line;  ///< a CloudEvents line with '\n'; the id's first 8 digits and the time are to be filled
    uint8_t lateness = 0;  ///< its time lies so many kLatenessStepMs back
    bool repeat = false;   ///< the same line came before
};
inline constexpr uint8_t kLatenessSteps = 16;
inline constexpr int64_t kLatenessStepMs = 125;

/// The same for the same seed.
std::vector<MixedEvent> make_event_mix(uint64_t seed, uint32_t count);

}  // namespace penstock::bench

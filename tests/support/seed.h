// Random tests are seeded: the same seed, the same run. PENSTOCK_TEST_SEED tries another.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>

namespace penstock::test {

inline uint64_t seed() {
    const char* given = std::getenv("PENSTOCK_TEST_SEED");
    return given ? std::strtoull(given, nullptr, 10) : 20260131;
}
/// For SCOPED_TRACE: what to set to see a failure again.
inline std::string seed_note() { return fmt::format("PENSTOCK_TEST_SEED={}", seed()); }

/// One stream of numbers. Unlike the standard's distributions it is the same everywhere.
class Random {
  public:
    explicit Random(uint64_t salt = 0) : engine_(seed() + salt * 0x9e3779b97f4a7c15ULL) {}
    uint64_t next() { return engine_(); }
    uint64_t below(uint64_t n) { return engine_() % n; }
    int64_t between(int64_t low, int64_t high) {
        const uint64_t span = static_cast<uint64_t>(high) - static_cast<uint64_t>(low) + 1;
        return static_cast<int64_t>(static_cast<uint64_t>(low) + below(span));
    }
    bool chance(unsigned percent) { return below(100) < percent; }

  private:
    std::mt19937_64 engine_;
};

}  // namespace penstock::test

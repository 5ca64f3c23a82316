// A clock that a test turns by hand.
#pragma once

#include <atomic>

#include "pipeline/clock.h"

namespace penstock::test {

class ManualClock final : public Clock {
  public:
    explicit ManualClock(StampNs wall_ns = 1'767'225'600'000'000'000) : wall_(wall_ns) {}
    StampNs wall_ns() const override { return wall_.load(); }
    int64_t monotonic_ns() const override { return monotonic_.load(); }
    void advance(int64_t ns) {
        wall_ += ns;
        monotonic_ += ns;
    }
    /// As when the host's clock is set: the other reading does not move.
    void set_wall(StampNs ns) { wall_ = ns; }

  private:
    std::atomic<StampNs> wall_;
    std::atomic<int64_t> monotonic_{1'000'000'000};
};

}  // namespace penstock::test

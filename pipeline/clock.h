// Time comes into the appliance here and nowhere else, so that tests and simulation can turn it by hand.
#pragma once

#include <ctime>

#include "schemas/log_record.h"

namespace penstock {

/// Two readings, both nanoseconds. Thread-safe in every implementation.
class Clock {
  public:
    virtual ~Clock() = default;
    /// UTC since 1970; may step backwards when the host's clock is set.
    virtual StampNs wall_ns() const = 0;
    /// Never steps; for durations and timeouts only.
    virtual int64_t monotonic_ns() const = 0;
};

inline int64_t monotonic_now_ns() {
    timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1'000'000'000LL + ts.tv_nsec;
}

class SystemClock final : public Clock {
  public:
    StampNs wall_ns() const override {
        timespec ts;
        clock_gettime(CLOCK_REALTIME, &ts);
        return ts.tv_sec * 1'000'000'000LL + ts.tv_nsec;
    }
    int64_t monotonic_ns() const override { return monotonic_now_ns(); }
};

}  // namespace penstock

// A rate limit that forgives bursts: a token bucket, kept as the time at which it is full again (the generic
// cell rate algorithm of ITU-T I.371).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace penstock {

/// One thread. Time is monotonic nanoseconds. What has been taken already may exceed what there was: the
/// bucket is then in debt, and ns_until_clear() says for how long.
class TokenBucket {
  public:
    /// `rate_per_s` 0: no limit.
    TokenBucket(double rate_per_s, double burst)
        : ns_a_token_(rate_per_s > 0 ? 1e9 / rate_per_s : 0), burst_ns_(burst * ns_a_token_) {}

    bool limited() const { return ns_a_token_ > 0; }
    void take(uint64_t tokens, int64_t now_ns) {
        full_at_ns_ =
            std::max(full_at_ns_, static_cast<double>(now_ns)) + static_cast<double>(tokens) * ns_a_token_;
    }
    /// 0: not in debt.
    int64_t ns_until_clear(int64_t now_ns) const {
        const double debt_ns = full_at_ns_ - static_cast<double>(now_ns) - burst_ns_;
        return debt_ns <= 0 ? 0 : static_cast<int64_t>(std::ceil(debt_ns));
    }

  private:
    double ns_a_token_, burst_ns_;
    double full_at_ns_ = 0;
};

}  // namespace penstock

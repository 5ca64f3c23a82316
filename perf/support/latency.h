// Latencies to within 1%, for percentiles far out. One thread.
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

namespace penstock::bench {

class LatencyHistogram {
  public:
    void record(int64_t ns, uint64_t times = 1) {
        const uint64_t value = ns < 0 ? 0 : static_cast<uint64_t>(ns);
        cells_[bucket_of(value)] += times;
        count_ += times;
        if (value > max_) max_ = value;
    }
    uint64_t count() const { return count_; }
    uint64_t max_ns() const { return max_; }
    /// Upper edge of the bucket that holds the quantile; never above the maximum.
    uint64_t quantile(double q) const {
        if (count_ == 0) return 0;
        const auto rank = static_cast<uint64_t>(q * static_cast<double>(count_ - 1));
        uint64_t seen = 0;
        for (size_t i = 0; i < cells_.size(); ++i) {
            seen += cells_[i];
            if (seen > rank) return upper_edge(i) < max_ ? upper_edge(i) : max_;
        }
        return max_;
    }

  private:
    static constexpr int kStepBits = 7, kPowersMax = 44;
    static constexpr uint64_t kSteps = 1 << kStepBits;
    static size_t bucket_of(uint64_t value) {
        if (value < kSteps) return static_cast<size_t>(value);
        const int power = static_cast<int>(std::bit_width(value)) - 1;
        if (power >= kPowersMax) return kBuckets - 1;
        return static_cast<size_t>(power - kStepBits + 1) * kSteps +
               static_cast<size_t>((value >> (power - kStepBits)) - kSteps);
    }
    static uint64_t upper_edge(size_t bucket) {
        if (bucket < kSteps) return bucket;
        const size_t power = bucket / kSteps - 1 + kStepBits;
        return ((bucket % kSteps + kSteps + 1) << (power - kStepBits)) - 1;
    }
    static constexpr size_t kBuckets = static_cast<size_t>(kPowersMax - kStepBits + 1) * kSteps;

    std::vector<uint64_t> cells_ = std::vector<uint64_t>(kBuckets);
    uint64_t count_ = 0, max_ = 0;
};

}  // namespace penstock::bench

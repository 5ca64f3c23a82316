// The status snapshot: what GET /api/v1/status answers and the live stream pushes, and the sampler from which
// its rates and percentiles come.
#pragma once

#include <array>
#include <deque>
#include <string>

#include "admin/http/counters.h"
#include "pipeline/clock.h"
#include "schemas/access.h"

namespace penstock::http {

/// Remembers a few seconds of counters and histograms. A rate is taken over about one second, a percentile
/// over about five: long enough to be steady, short enough to be now. One thread.
class Sampler {
  public:
    Sampler(const Telemetry& telemetry, const Clock& clock) : telemetry_(telemetry), clock_(clock) {}

    /// Takes a reading. Called once or twice a second; about 20 microseconds.
    void sample();

    enum Count : size_t {
        kReceived,
        kStored,
        kDuplicate,
        kDeadLetters,
        kBytesIn,
        kCommits,
        kLogBytes,
        kCounts
    };
    enum Timing : size_t { kAck, kProcessing, kCommit, kTimings };

    double per_second(Count which) const;
    double stage_per_second(size_t stage) const;
    double region_rows_per_second(size_t region) const;
    /// What the histogram took in over the kept seconds.
    Histogram::Snapshot recent(Timing which) const;
    Histogram::Snapshot stage_recent(size_t stage) const;

    StampNs sampled_ns() const { return samples_.empty() ? 0 : samples_.back().wall_ns; }

    /// One point a second, oldest first, for the page's curve.
    struct TrendPoint {
        StampNs at_ns;
        double received, stored, dead_letters;
    };
    static constexpr size_t kTrendPointsMax = 300;
    const std::deque<TrendPoint>& trend() const { return trend_; }

  private:
    struct Sample {
        int64_t at_ns = 0;
        StampNs wall_ns = 0;
        std::array<uint64_t, kCounts> counts{};
        std::array<uint64_t, kStageCount> stage_events{};
        std::vector<uint64_t> region_rows;
        std::array<Histogram::Snapshot, kTimings> timings;
        std::array<Histogram::Snapshot, kStageCount> stage_timings;
    };
    /// The newest sample that is at least a second older than the last one (or the oldest there is).
    const Sample& a_second_ago() const;
    double rate(uint64_t now, uint64_t then, const Sample& from) const;
    void extend_trend();

    const Telemetry& telemetry_;
    const Clock& clock_;
    std::deque<Sample> samples_;
    std::deque<TrendPoint> trend_;
    Sample trend_base_;  // only counts and times
};

/// The snapshot as a JSON object, for one who sees so much: regions outside are left out, and what is of no
/// region alone (instances that missed) is for those who see all. `build` names the page's assets, so that an
/// open page sees a new build.
std::string status_json(const Telemetry& telemetry, const Sampler& sampler, const Clock& clock,
                        const Counters& counters, std::string_view build, const Scope& scope = {});

/// {"step_seconds":1,"points":[[unix seconds, received/s, stored/s, dead letters/s], ...]}
std::string trend_json(const Sampler& sampler);

}  // namespace penstock::http

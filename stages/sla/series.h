// What was found, by minute and by hour, for trends.
#pragma once

#include <deque>

#include "pipeline/state_machine.h"
#include "schemas/workflow_view.h"

namespace penstock {

/// Of one thing that is counted: sparse, points without a finding are left out. A day of minutes, 92 days of
/// hours. One thread; time does not go back.
class Series {
  public:
    enum Field : uint8_t { kAnchored, kMet, kLate, kMissed, kCancelled, kCompleted, kFailed, kFields };

    void add(StampNs now_ns, Field field) {
        bump(minutes_, now_ns, kMinuteNs, kMinutesNs, field);
        bump(hours_, now_ns, kHourNs, kHoursNs, field);
    }
    std::vector<SeriesPoint> points(bool hours, StampNs from_ns, StampNs to_ns) const;

    /// Calls put(hours, start_ns, value) for each point that changed since the last call, and
    /// erase(hours, start_ns) for each that went.
    template <typename Put, typename Erase>
    void save(Put put, Erase erase) {
        for (Level* level : {&minutes_, &hours_}) {
            const bool hours = level == &hours_;
            for (const StampNs start_ns : level->gone) erase(hours, start_ns);
            level->gone.clear();
            for (auto it = level->points.rbegin(); it != level->points.rend() && it->changed; ++it) {
                it->changed = false;
                RowWriter value;
                for (const uint32_t n : it->n) value.value(n);
                put(hours, it->start_ns, value.bytes());
            }
        }
    }
    /// Calls erase(hours, start_ns) for each point that was or may have been saved.
    template <typename Erase>
    void forget(Erase erase) const {
        for (const Level* level : {&minutes_, &hours_}) {
            for (const StampNs start_ns : level->gone) erase(level == &hours_, start_ns);
            for (const Point& p : level->points) erase(level == &hours_, p.start_ns);
        }
    }
    /// In the order of time.
    void load(bool hours, StampNs start_ns, RowReader& value);
    size_t bytes() const { return (minutes_.points.size() + hours_.points.size()) * sizeof(Point); }

  private:
    static constexpr int64_t kMinuteNs = 60'000'000'000, kHourNs = 60 * kMinuteNs;
    static constexpr int64_t kMinutesNs = 24 * kHourNs, kHoursNs = 92 * 24 * kHourNs;
    struct Point {
        StampNs start_ns;
        std::array<uint32_t, kFields> n{};
        bool changed = true;
    };
    struct Level {
        std::deque<Point> points;
        std::vector<StampNs> gone;  ///< since the last save
    };
    static void bump(Level& level, StampNs now_ns, int64_t span_ns, int64_t kept_ns, Field field) {
        if (level.points.empty() || now_ns - span_ns >= level.points.back().start_ns)
            begin_point(level, now_ns, span_ns, kept_ns);
        Point& point = level.points.back();
        point.changed = true;
        ++point.n[field];
    }
    static void begin_point(Level& level, StampNs now_ns, int64_t span_ns, int64_t kept_ns);

    Level minutes_, hours_;
};

}  // namespace penstock

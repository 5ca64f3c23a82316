// Windows of time that follow each other without a gap.
#pragma once

#include <optional>

#include "pipeline/civil/zone.h"

namespace penstock {

struct TimeWindow {
    StampNs begin_ns = 0, end_ns = 0;  ///< half open
    friend bool operator==(const TimeWindow&, const TimeWindow&) = default;
};

/// Without a zone every window has the same length. In a zone they begin at local midnight: up to an hour
/// long they follow each other in real time, longer ones go by the clock on the wall, so that the one in
/// which clocks are changed is longer or shorter. Whole days count from a Monday.
class Tumbling {
  public:
    static constexpr int64_t kHourNs = 3'600'000'000'000, kDayNs = 24 * kHourNs;

    /// In a zone: `length_ns` must fit().
    Tumbling(int64_t length_ns, std::optional<Zone> zone) : length_ns_(length_ns), zone_(std::move(zone)) {}

    /// It divides an hour, or is hours that divide a day, or whole days.
    static bool fits(int64_t length_ns) {
        return kHourNs % length_ns == 0 || (length_ns % kHourNs == 0 && kDayNs % length_ns == 0) ||
               length_ns % kDayNs == 0;
    }

    TimeWindow at(StampNs time_ns) const;

  private:
    const int64_t length_ns_;
    const std::optional<Zone> zone_;
};

}  // namespace penstock

#include "stages/sla/tumbling.h"

#include <algorithm>

#include "pipeline/civil/date.h"

namespace penstock {
namespace {

constexpr Date kMonday(1970, 1, 5);
constexpr StampNs kMondayNs = 4 * Tumbling::kDayNs;

int64_t floor_to(int64_t value, int64_t unit) {
    const int64_t over = value % unit;
    return value - (over < 0 ? over + unit : over);
}

}  // namespace

TimeWindow Tumbling::at(StampNs time_ns) const {
    if (!zone_) {
        const StampNs begin_ns = kMondayNs + floor_to(time_ns - kMondayNs, length_ns_);
        return {begin_ns, begin_ns + length_ns_};
    }
    const auto midnight = [this](Date date) { return zone_->to_utc(absl::CivilSecond(date)); };
    const int days = static_cast<int>(std::max<int64_t>(length_ns_ / kDayNs, 1));
    Date first = Date(zone_->local(time_ns));
    first -= (first - kMonday) - floor_to(first - kMonday, days);
    // Where clocks go back over midnight, the date of the wall is not that of the midnight before.
    while (midnight(first + days) <= time_ns) first += days;
    while (midnight(first) > time_ns) first -= days;
    const TimeWindow whole{midnight(first), midnight(first + days)};
    if (length_ns_ >= kDayNs) return whole;
    if (length_ns_ <= kHourNs) {
        const StampNs begin_ns = whole.begin_ns + (time_ns - whole.begin_ns) / length_ns_ * length_ns_;
        return {begin_ns, std::min(begin_ns + length_ns_, whole.end_ns)};
    }
    TimeWindow window = whole;
    const auto hours = static_cast<int>(length_ns_ / kHourNs);
    for (int hour = hours; hour < 24; hour += hours) {
        const StampNs boundary_ns = zone_->to_utc(absl::CivilSecond(first) + hour * 3600);
        if (boundary_ns <= time_ns) {
            window.begin_ns = std::max(window.begin_ns, boundary_ns);
        } else {
            window.end_ns = std::min(window.end_ns, boundary_ns);
            break;
        }
    }
    return window;
}

}  // namespace penstock

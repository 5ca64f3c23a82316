// Time that counts only while a calendar has business hours: real elapsed nanoseconds, so that a span over a
// change of the clocks has an hour more or less than the clock on the wall says.
#pragma once

#include <limits>

#include "pipeline/civil/calendar.h"

namespace penstock {

inline constexpr StampNs kNeverDue = std::numeric_limits<StampNs>::max();

/// The earliest instant by which `duration_ns` of business time have passed since `from_ns`: at the end of a
/// span, that end and not the next beginning. A duration of 0 or less: `from_ns`. kNeverDue when ten years
/// go by without business hours, or the years after 2261 are reached.
StampNs add_business_time(const Calendar& calendar, StampNs from_ns, int64_t duration_ns);

/// Nanoseconds of business time in [a, b); negative when b < a.
int64_t business_time_between(const Calendar& calendar, StampNs a_ns, StampNs b_ns);

}  // namespace penstock

#include "pipeline/civil/business_time.h"

#include <algorithm>

namespace penstock {
namespace {

/// Calls visit(from_ns, until_ns) for the spans in order, none empty, from the one that holds `from_ns` or
/// the next on, until it returns false. Spans never overlap: local times map to instants without going back.
template <typename Visit>
void walk_spans(const Calendar& calendar, StampNs from_ns, Visit visit) {
    const Zone& zone = calendar.zone();
    // A day earlier: where clocks go back over midnight, the day before may still have hours to come.
    const Date first = std::clamp(Date(zone.local(from_ns)) - 1, kFirstDate, kLastDate);
    Date quiet_until = std::min(Date(first.year() + kSearchYears, first.month(), first.day()), kLastDate);
    DayMask inside = ~DayMask{0} << (first.day() - 1);
    for (Month month(first); Date(month) <= quiet_until; ++month, inside = ~DayMask{0}) {
        for (DayMask days = calendar.working_days(month) & inside; days != 0; days &= days - 1) {
            const Date date = day_of(month, std::countr_zero(days));
            if (date > quiet_until) return;
            const absl::CivilSecond midnight(date);
            for (const DaySpan& span : calendar.hours(date)) {
                const StampNs until_ns = zone.to_utc(midnight + span.until_s);
                if (until_ns <= from_ns) continue;
                const StampNs begin_ns = std::max(zone.to_utc(midnight + span.from_s), from_ns);
                if (begin_ns >= until_ns) continue;  // the clocks skip it
                if (!visit(begin_ns, until_ns)) return;
                quiet_until = std::min(Date(date.year() + kSearchYears, date.month(), date.day()), kLastDate);
            }
        }
    }
}

}  // namespace

StampNs add_business_time(const Calendar& calendar, StampNs from_ns, int64_t duration_ns) {
    if (duration_ns <= 0) return from_ns;
    StampNs due_ns = kNeverDue;
    walk_spans(calendar, from_ns, [&](StampNs begin_ns, StampNs until_ns) {
        if (duration_ns <= until_ns - begin_ns) {
            due_ns = begin_ns + duration_ns;
            return false;
        }
        duration_ns -= until_ns - begin_ns;
        return true;
    });
    return due_ns;
}

int64_t business_time_between(const Calendar& calendar, StampNs a_ns, StampNs b_ns) {
    if (b_ns < a_ns) return -business_time_between(calendar, b_ns, a_ns);
    int64_t total_ns = 0;
    walk_spans(calendar, a_ns, [&](StampNs begin_ns, StampNs until_ns) {
        if (begin_ns >= b_ns) return false;
        total_ns += std::min(until_ns, b_ns) - begin_ns;
        return until_ns < b_ns;
    });
    return total_ns;
}

}  // namespace penstock

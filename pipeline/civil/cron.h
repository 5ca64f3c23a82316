// Cron expressions: minute, hour, day of month, month, day of week.
#pragma once

#include <optional>
#include <string_view>

#include "pipeline/civil/date.h"
#include "pipeline/faults.h"

namespace penstock {

struct Cron {
    uint64_t minutes = 0;
    uint32_t hours = 0;
    DayMask month_days = 0;
    bool last_day = false;  ///< L: the month's last day, besides month_days
    uint16_t months = 0;    ///< bit 0 is January
    WeekdayMask weekdays = 0;
    /// As Vixie's cron has it: a day field that begins with * does not restrict, and both must match; when
    /// neither does, one is enough.
    bool month_day_star = false, weekday_star = false;
    /// The hour is * or has a step: it follows elapsed time, not the clock on the wall, when that is changed.
    bool hourly = false;

    DayMask days(Month month) const;
};

/// Lists, ranges, steps, names, L, @hourly, @daily, @weekly, @monthly. With faults (they name field and
/// column, from 1), or when no date ever matches: nothing.
std::optional<Cron> parse_cron(std::string_view text, std::string_view pointer, Faults& faults);

}  // namespace penstock

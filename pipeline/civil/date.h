// Dates, times of day, weekdays, and the days of a month as bits.
#pragma once

#include <absl/time/civil_time.h>

#include <bit>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace penstock {

using Date = absl::CivilDay;
using Month = absl::CivilMonth;
/// What int64 nanoseconds hold entirely.
inline constexpr Date kFirstDate(1678, 1, 1), kLastDate(2261, 12, 31);
inline constexpr int32_t kDaySeconds = 86'400;

using WeekdayMask = uint8_t;  ///< bit 0 is Monday
using DayMask = uint32_t;     ///< bit 0 is the first day of the month
inline constexpr WeekdayMask kMondayToFriday = 0x1f, kEveryWeekday = 0x7f;

/// Monday is 0.
inline int weekday_of(Date date) { return static_cast<int>(absl::GetWeekday(date)); }
inline int days_in(Month month) { return static_cast<int>(Date(month + 1) - Date(month)); }
inline DayMask bit_of(Date date) { return DayMask{1} << (date.day() - 1); }
inline DayMask all_days(Month month) { return ~DayMask{0} >> (32 - days_in(month)); }
inline Date day_of(Month month, int bit) { return Date(month) + bit; }
inline int highest_bit(DayMask mask) { return 31 - std::countl_zero(mask); }

/// The days of `month` that fall on the weekdays.
DayMask days_on(WeekdayMask weekdays, Month month);
/// The nth day of the mask, from 1; negative: from the end. 0 when there is none.
DayMask nth_day(DayMask days, int n);

/// "2026-12-25", years 1678 to 2261.
std::optional<Date> parse_date(std::string_view text);
std::string format_date(Date date);

/// "08:00" or "08:00:30" in seconds since midnight; "24:00" is the end of the day.
std::optional<int32_t> parse_time_of_day(std::string_view text);

inline constexpr std::string_view kWeekdayNames = "mon, tue, wed, thu, fri, sat, sun";
/// "mon" to "sun": 0 to 6.
std::optional<int> parse_weekday(std::string_view text);
std::string_view weekday_name(int weekday);

}  // namespace penstock

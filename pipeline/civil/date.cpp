#include "pipeline/civil/date.h"

#include <fmt/format.h>

namespace penstock {
namespace {

std::optional<int> digits(std::string_view text) {
    int value = 0;
    for (const char c : text) {
        if (c < '0' || c > '9') return std::nullopt;
        value = value * 10 + (c - '0');
    }
    return value;
}

}  // namespace

DayMask days_on(WeekdayMask weekdays, Month month) {
    const int first = weekday_of(Date(month));
    const uint64_t week = ((weekdays >> first) | (weekdays << (7 - first))) & 0x7f;
    return static_cast<DayMask>(week * 0x10204081) & all_days(month);  // five weeks side by side
}

DayMask nth_day(DayMask days, int n) {
    if (n == 0) return 0;
    if (n < 0) n += std::popcount(days) + 1;
    if (n <= 0) return 0;
    for (; n > 1 && days != 0; --n) days &= days - 1;
    return days & (~days + 1);
}

std::optional<Date> parse_date(std::string_view text) {
    if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
    const auto year = digits(text.substr(0, 4)), month = digits(text.substr(5, 2)),
               day = digits(text.substr(8, 2));
    if (!year || !month || !day) return std::nullopt;
    const Date date(*year, *month, *day);
    if (date.year() != *year || date.month() != *month || date.day() != *day) return std::nullopt;
    if (date < kFirstDate || date > kLastDate) return std::nullopt;
    return date;
}

std::string format_date(Date date) {
    return fmt::format("{:04}-{:02}-{:02}", date.year(), date.month(), date.day());
}

std::optional<int32_t> parse_time_of_day(std::string_view text) {
    if ((text.size() != 5 && text.size() != 8) || text[2] != ':') return std::nullopt;
    if (text.size() == 8 && text[5] != ':') return std::nullopt;
    const auto hour = digits(text.substr(0, 2)), minute = digits(text.substr(3, 2)),
               second = digits(text.size() == 8 ? text.substr(6, 2) : "00");
    if (!hour || !minute || !second || *hour > 24 || *minute > 59 || *second > 59) return std::nullopt;
    const int32_t at = *hour * 3600 + *minute * 60 + *second;
    return at <= kDaySeconds ? std::optional(at) : std::nullopt;
}

std::optional<int> parse_weekday(std::string_view text) {
    for (int day = 0; day < 7; ++day)
        if (text == weekday_name(day)) return day;
    return std::nullopt;
}
std::string_view weekday_name(int weekday) {
    return kWeekdayNames.substr(static_cast<size_t>(weekday) * 5, 3);
}

}  // namespace penstock

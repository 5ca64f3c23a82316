#include "pipeline/rfc3339.h"

namespace penstock {
namespace {

/// Days since 1970-01-01 of a date of the proleptic Gregorian calendar (Howard Hinnant, "chrono-compatible
/// low-level date algorithms").
constexpr int64_t days_from_civil(int64_t y, int64_t m, int64_t d) {
    y -= m <= 2;
    const int64_t era = (y >= 0 ? y : y - 399) / 400;
    const int64_t year_of_era = y - era * 400;
    const int64_t day_of_year = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}
static_assert(days_from_civil(1970, 1, 1) == 0 && days_from_civil(2000, 3, 1) == 11017);

/// `count` digits at `at`, or -1.
int digits(std::string_view s, size_t at, size_t count) {
    int v = 0;
    for (size_t i = at; i < at + count; ++i) {
        const unsigned d = static_cast<unsigned char>(s[i]) - '0';
        if (d > 9) return -1;
        v = v * 10 + static_cast<int>(d);
    }
    return v;
}

}  // namespace

std::optional<StampNs> parse_rfc3339(std::string_view s) {
    if (s.size() < 20) return std::nullopt;
    const int year = digits(s, 0, 4), month = digits(s, 5, 2), day = digits(s, 8, 2);
    const int hour = digits(s, 11, 2), minute = digits(s, 14, 2), second = digits(s, 17, 2);
    const bool shape = s[4] == '-' && s[7] == '-' && (s[10] == 'T' || s[10] == 't' || s[10] == ' ') &&
                       s[13] == ':' && s[16] == ':';
    if (!shape || year < 1678 || year > 2261 || month < 1 || month > 12 || day < 1 || hour < 0 || hour > 23 ||
        minute < 0 || minute > 59 || second < 0 || second > 60)
        return std::nullopt;
    constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (day > kDays[month - 1] + (month == 2 && leap)) return std::nullopt;

    size_t at = 19;
    int64_t fraction_ns = 0;
    if (s[at] == '.') {
        int64_t unit = 100'000'000;
        const size_t from = ++at;
        for (; at < s.size() && s[at] >= '0' && s[at] <= '9'; ++at, unit /= 10)
            fraction_ns += (s[at] - '0') * unit;
        if (at == from || at == s.size()) return std::nullopt;
    }
    int64_t offset_s = 0;
    if (s[at] == 'Z' || s[at] == 'z') {
        ++at;
    } else if ((s[at] == '+' || s[at] == '-') && at + 6 == s.size() && s[at + 3] == ':') {
        const int oh = digits(s, at + 1, 2), om = digits(s, at + 4, 2);
        if (oh < 0 || oh > 23 || om < 0 || om > 59) return std::nullopt;
        offset_s = (oh * 60 + om) * 60 * (s[at] == '-' ? -1 : 1);
        at += 6;
    }
    if (at != s.size()) return std::nullopt;
    const int64_t seconds =
        days_from_civil(year, month, day) * 86'400 + hour * 3'600 + minute * 60 + second - offset_s;
    return seconds * 1'000'000'000 + fraction_ns;
}

}  // namespace penstock

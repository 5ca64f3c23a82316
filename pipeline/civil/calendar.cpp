#include "pipeline/civil/calendar.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

namespace penstock {
namespace {

namespace json = boost::json;

constexpr size_t kSpecialDaysMax = 10'000;
constexpr size_t kSpansMax = 48;
constexpr std::string_view kSpanForm = "must be [\"09:00\", \"17:00\"]: from, and until when, local time";

std::optional<int32_t> read_time(const json::value& value, const std::string& pointer, Faults& faults) {
    if (value.is_string())
        if (const auto at = parse_time_of_day(std::string_view(value.get_string()))) return at;
    faults.add(pointer, "must be a time of day such as \"09:00\" or \"17:30:00\"; \"24:00\" ends the day");
    return std::nullopt;
}

/// [["09:00", "12:00"], ["13:00", "17:00"]], in any order; may be empty.
DaySpans read_spans(const json::value& value, const std::string& pointer, Faults& faults) {
    DaySpans spans;
    if (!value.is_array() || value.get_array().size() > kSpansMax) {
        faults.add(pointer, fmt::format("must be an array of at most {} spans such as [\"09:00\", \"17:00\"]",
                                        kSpansMax));
        return spans;
    }
    size_t index = 0;
    for (const json::value& item : value.get_array()) {
        const std::string at = member_pointer(pointer, index++);
        if (!item.is_array() || item.get_array().size() != 2) {
            faults.add(at, kSpanForm);
            continue;
        }
        const auto from = read_time(item.get_array()[0], at + "/0", faults);
        const auto until = read_time(item.get_array()[1], at + "/1", faults);
        if (!from || !until) continue;
        if (*from == *until) {
            faults.add(at, "is empty; leave it out, or write [\"00:00\", \"24:00\"] for the whole day");
        } else if (*from > *until) {
            faults.add(at,
                       "goes past midnight; a span stays within its day: end it at \"24:00\" and begin "
                       "another at \"00:00\" of the next weekday");
        } else {
            spans.push_back({*from, *until});
        }
    }
    std::sort(spans.begin(), spans.end(),
              [](const DaySpan& a, const DaySpan& b) { return a.from_s < b.from_s; });
    for (size_t i = 1; i < spans.size(); ++i)
        if (spans[i].from_s < spans[i - 1].until_s) {
            faults.add(pointer, "has spans that overlap; join them into one");
            break;
        }
    return spans;
}

/// The same every day, or by weekday; absent: whole days.
std::array<DaySpans, 7> read_hours(const json::object& object, std::string_view pointer, Faults& faults) {
    std::array<DaySpans, 7> hours;
    const json::value* given = object.if_contains("hours");
    const std::string at = member_pointer(pointer, "hours");
    if (!given) {
        hours.fill({DaySpan{}});
    } else if (given->is_array()) {
        hours.fill(read_spans(*given, at, faults));
    } else if (given->is_object()) {
        for (const auto& member : given->get_object()) {
            const std::string_view name = member.key();
            const std::string inner = member_pointer(at, name);
            if (const auto day = parse_weekday(name)) {
                hours[static_cast<size_t>(*day)] = read_spans(member.value(), inner, faults);
            } else {
                faults.add(inner, fmt::format("is no weekday; use {}", kWeekdayNames));
            }
        }
    } else {
        faults.add(at, "must be an array of spans, or an object of such arrays by weekday");
    }
    return hours;
}

void read_special_days(const json::object& object, bool works, const std::array<DaySpans, 7>& hours,
                       std::string_view pointer, std::vector<SpecialDay>& days, Faults& faults) {
    const std::string_view name = works ? "extra_working_days" : "holidays";
    const json::value* given = object.if_contains(name);
    if (!given) return;
    const std::string list = member_pointer(pointer, name);
    if (!given->is_array() || given->get_array().size() > kSpecialDaysMax) {
        faults.add(list, fmt::format("must be an array of at most {} days such as "
                                     "{{\"date\": \"2026-12-25\", \"name\": \"Christmas Day\"}}",
                                     kSpecialDaysMax));
        return;
    }
    size_t index = 0;
    for (const json::value& item : given->get_array()) {
        const std::string at = member_pointer(list, index++);
        if (!item.is_object()) {
            faults.add(at, "must be an object with date and name");
            continue;
        }
        const json::object& o = item.get_object();
        if (works) {
            check_members(o, {"date", "name", "hours"}, at, faults);
        } else {
            check_members(o, {"date", "name"}, at, faults);
        }
        SpecialDay day;
        day.works = works;
        day.name = read_text(o, "name", at, faults);
        const std::string text = read_text(o, "date", at, faults);
        const auto date = parse_date(text);
        if (!date && !text.empty())
            faults.add(at + "/date", fmt::format("'{}' is not a date; write it as 2026-12-25", text));
        if (const json::value* own = works ? o.if_contains("hours") : nullptr) {
            day.hours = read_spans(*own, at + "/hours", faults);
        } else if (works && date) {
            day.hours = hours[static_cast<size_t>(weekday_of(*date))];
            if (day.hours.empty())
                faults.add(at + "/hours",
                           fmt::format("is missing, and {} has no hours; give some to this day",
                                       weekday_name(weekday_of(*date))));
        }
        if (!date) continue;
        day.date = *date;
        days.push_back(std::move(day));
    }
}

}  // namespace

Calendar::Calendar(std::string name, Zone zone, WeekdayMask working_weekdays, std::array<DaySpans, 7> hours,
                   std::vector<SpecialDay> special)
    : name_(std::move(name)),
      zone_(std::move(zone)),
      weekdays_(working_weekdays),
      hours_(std::move(hours)),
      special_(std::move(special)) {
    std::sort(special_.begin(), special_.end(),
              [](const SpecialDay& a, const SpecialDay& b) { return a.date < b.date; });
}

DayMask Calendar::working_days(Month month) const {
    DayMask days = days_on(weekdays_, month);
    auto it = std::lower_bound(special_.begin(), special_.end(), Date(month),
                               [](const SpecialDay& day, Date date) { return day.date < date; });
    for (; it != special_.end() && Month(it->date) == month; ++it)
        days = it->works ? days | bit_of(it->date) : days & ~bit_of(it->date);
    return days;
}

std::optional<Date> Calendar::next_working_day(Date date) const {
    const Date first = date + 1, last = Date(date.year() + kSearchYears, date.month(), date.day());
    DayMask inside = ~DayMask{0} << (first.day() - 1);
    for (Month month(first); Date(month) <= last; ++month, inside = ~DayMask{0})
        if (const DayMask days = working_days(month) & inside; days != 0)
            return day_of(month, std::countr_zero(days));
    return std::nullopt;
}

std::optional<Date> Calendar::previous_working_day(Date date) const {
    const Date last = date - 1, first = Date(date.year() - kSearchYears, date.month(), date.day());
    DayMask inside = ~DayMask{0} >> (32 - last.day());
    for (Month month(last); Date(month + 1) > first; --month, inside = ~DayMask{0})
        if (const DayMask days = working_days(month) & inside; days != 0)
            return day_of(month, highest_bit(days));
    return std::nullopt;
}

std::optional<Date> Calendar::nth_working_day(Month month, int n) const {
    const DayMask day = nth_day(working_days(month), n);
    return day != 0 ? std::optional(day_of(month, std::countr_zero(day))) : std::nullopt;
}

const SpecialDay* Calendar::special(Date date) const {
    const auto it = std::lower_bound(special_.begin(), special_.end(), date,
                                     [](const SpecialDay& day, Date d) { return day.date < d; });
    return it != special_.end() && it->date == date ? &*it : nullptr;
}

const DaySpans& Calendar::hours(Date date) const {
    static const DaySpans kNone;
    if (const SpecialDay* day = special(date)) return day->works ? day->hours : kNone;
    const int weekday = weekday_of(date);
    return (weekdays_ >> weekday & 1) != 0 ? hours_[static_cast<size_t>(weekday)] : kNone;
}

std::optional<Zone> read_zone(const json::object& object, std::string_view pointer, Faults& faults) {
    const std::string name = read_text(object, "zone", pointer, faults);
    if (name.empty()) return std::nullopt;
    try {
        return Zone::load(name);
    } catch (const CivilError& e) {
        faults.add(member_pointer(pointer, "zone"), e.what());
        return std::nullopt;
    }
}

WeekdayMask read_weekdays(const json::value& value, std::string_view pointer, Faults& faults) {
    WeekdayMask mask = 0;
    if (!value.is_array() || value.get_array().empty()) {
        faults.add(pointer, fmt::format("must be an array of at least one of {}", kWeekdayNames));
        return mask;
    }
    size_t index = 0;
    for (const json::value& item : value.get_array()) {
        const auto day = item.is_string() ? parse_weekday(std::string_view(item.get_string())) : std::nullopt;
        if (day) {
            mask = static_cast<WeekdayMask>(mask | 1 << *day);
        } else {
            faults.add(member_pointer(pointer, index), fmt::format("must be one of {}", kWeekdayNames));
        }
        ++index;
    }
    return mask;
}

std::optional<Calendar> read_calendar(const json::value& value, std::string_view pointer, Faults& faults) {
    const size_t before = faults.count();
    if (!value.is_object()) {
        faults.add(pointer, "must be an object with name, zone and working_weekdays");
        return std::nullopt;
    }
    const json::object& object = value.get_object();
    check_members(object, {"name", "zone", "working_weekdays", "holidays", "extra_working_days", "hours"},
                  pointer, faults);
    std::string name = read_text(object, "name", pointer, faults);
    std::optional<Zone> zone = read_zone(object, pointer, faults);
    WeekdayMask weekdays = 0;
    const std::string weekdays_at = member_pointer(pointer, "working_weekdays");
    if (const json::value* given = object.if_contains("working_weekdays")) {
        weekdays = read_weekdays(*given, weekdays_at, faults);
    } else {
        faults.add(weekdays_at, "is missing; give for example [\"mon\", \"tue\", \"wed\", \"thu\", \"fri\"]");
    }
    std::array<DaySpans, 7> hours = read_hours(object, pointer, faults);
    std::vector<SpecialDay> days;
    read_special_days(object, false, hours, pointer, days, faults);
    read_special_days(object, true, hours, pointer, days, faults);
    std::vector<Date> dates;
    dates.reserve(days.size());
    for (const SpecialDay& day : days) dates.push_back(day.date);
    std::sort(dates.begin(), dates.end());
    for (auto it = dates.begin(); (it = std::adjacent_find(it, dates.end())) != dates.end();
         it = std::upper_bound(it, dates.end(), *it))
        faults.add(pointer, fmt::format("has {} more than once in holidays and extra_working_days; keep one",
                                        format_date(*it)));
    if (faults.count() > before) return std::nullopt;
    return Calendar(std::move(name), std::move(*zone), weekdays, std::move(hours), std::move(days));
}

Calendar parse_calendar(std::string_view document) {
    Faults faults;
    std::optional<Calendar> calendar = read_calendar(parse_json_document(document), "", faults);
    faults.raise();
    return std::move(*calendar);
}

}  // namespace penstock

#include "pipeline/civil/schedule.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/json.hpp>

namespace penstock {
namespace {

namespace json = boost::json;

constexpr int64_t kSecondNs = 1'000'000'000, kDayNs = kDaySeconds * kSecondNs;
constexpr int kNextYears = 12;  // 29 February comes after eight years at most
constexpr int kHolidayMonths = 12 * kSearchYears;
constexpr size_t kTimesMax = 1440, kDatesMax = 10'000, kMonthDaysMax = 62;

std::vector<int32_t> times_of(const Cron& cron) {
    std::vector<int32_t> times;
    for (int hour = 0; hour < 24; ++hour)
        for (int minute = 0; minute < 60; ++minute)
            if ((cron.hours >> hour & 1) != 0 && (cron.minutes >> minute & 1) != 0)
                times.push_back(hour * 3600 + minute * 60);
    return times;
}

template <typename... Visitors>
struct Overloaded : Visitors... {
    using Visitors::operator()...;
};
template <typename... Visitors>
Overloaded(Visitors...) -> Overloaded<Visitors...>;

}  // namespace

/// A date on the line of time.
struct Schedule::Frame {
    StampNs begin_ns, end_ns;
    bool exists;  ///< the zone did not skip it
    bool plain;   ///< 24 hours that no change of the clocks touches
};

Schedule::Schedule(Zone zone, DayRule rule, std::vector<int32_t> times_s,
                   std::shared_ptr<const Calendar> calendar, OnHoliday on_holiday)
    : zone_(std::move(zone)),
      rule_(std::move(rule)),
      times_s_(std::move(times_s)),
      calendar_(std::move(calendar)),
      on_holiday_(on_holiday) {
    if (const Cron* cron = std::get_if<Cron>(&rule_)) {
        times_s_ = times_of(*cron);
        hourly_ = cron->hourly;
    }
}

DayMask Schedule::by_rule(Month month) const {
    return std::visit(Overloaded{[&](const WeekdayRule& rule) { return days_on(rule.weekdays, month); },
                                 [&](const WorkingDayRule&) { return calendar_->working_days(month); },
                                 [&](const MonthDayRule& rule) {
                                     const DayMask all =
                                         rule.working_days ? calendar_->working_days(month) : all_days(month);
                                     DayMask days = 0;
                                     for (const int n : rule.days) days |= nth_day(all, n);
                                     return days;
                                 },
                                 [&](const DateRule& rule) {
                                     DayMask days = 0;
                                     auto it =
                                         std::lower_bound(rule.dates.begin(), rule.dates.end(), Date(month));
                                     for (; it != rule.dates.end() && Month(*it) == month; ++it)
                                         days |= bit_of(*it);
                                     return days;
                                 },
                                 [&](const Cron& cron) { return cron.days(month); }},
                      rule_);
}

DayMask Schedule::due_days(Month month) const {
    const DayMask ruled = by_rule(month);
    if (!calendar_) return ruled;
    const DayMask works = calendar_->working_days(month);
    DayMask due = ruled & works;
    if (on_holiday_ == OnHoliday::kSkip || works == 0) return due;
    const bool previous = on_holiday_ == OnHoliday::kPrevious;
    for (DayMask moved = ruled & ~works; moved != 0; moved &= moved - 1) {
        const DayMask day = moved & (~moved + 1);
        const DayMask below = works & (day - 1), above = works & ~(day - 1);
        if (previous && below != 0) due |= DayMask{1} << highest_bit(below);
        if (!previous && above != 0) due |= nth_day(above, 1);
    }
    // From the months beside this one, as far as no working day lies between.
    const DayMask edge = previous ? DayMask{1} << highest_bit(works) : nth_day(works, 1);
    Month other = month;
    for (int i = 0; i < kHolidayMonths && (due & edge) == 0; ++i) {
        previous ? ++other : --other;
        const DayMask working = calendar_->working_days(other);
        DayMask near = all_days(other);
        if (working != 0) near = previous ? nth_day(working, 1) - 1 : ~DayMask{0} << highest_bit(working);
        if ((by_rule(other) & ~working & near) != 0) due |= edge;
        if (working != 0) break;
    }
    return due;
}

Schedule::Frame Schedule::frame(Date date) const {
    const Zone::Instants begin = zone_.instants(absl::CivilSecond(date)),
                         end = zone_.instants(absl::CivilSecond(date + 1));
    return {begin.first_ns, end.first_ns, end.first_ns > begin.first_ns,
            begin.kind == Zone::Kind::kUnique && end.kind == Zone::Kind::kUnique &&
                end.first_ns - begin.first_ns == kDayNs};
}

/// Of a date that is due: every instant once, in order; also the one that the day before may have too.
std::vector<StampNs> Schedule::instants(Date date) const {
    std::vector<StampNs> out;
    const Frame day = frame(date);
    if (!day.exists) return out;
    out.reserve(times_s_.size() + 120);  // an hour may come twice
    if (day.plain) {
        for (const int32_t at_s : times_s_) out.push_back(day.begin_ns + at_s * kSecondNs);
        return out;
    }
    // Hour by hour, since looking a local time up costs more than adding.
    const absl::CivilSecond midnight(date);
    int32_t end_s = -1;
    Zone::Instants begin{}, end{};
    for (size_t i = 0; i < times_s_.size();) {
        const int32_t hour_s = times_s_[i] / 3600 * 3600;
        begin = hour_s == end_s ? end : zone_.instants(midnight + hour_s);
        end_s = hour_s + 3600;
        end = zone_.instants(midnight + end_s);
        const bool plain = begin.kind == Zone::Kind::kUnique && end.kind == Zone::Kind::kUnique &&
                           end.first_ns - begin.first_ns == 3600 * kSecondNs;
        for (; i < times_s_.size() && times_s_[i] < end_s; ++i) {
            if (plain) {
                out.push_back(begin.first_ns + (times_s_[i] - hour_s) * kSecondNs);
                continue;
            }
            const Zone::Instants at = zone_.instants(midnight + times_s_[i]);
            if (hourly_ && at.kind == Zone::Kind::kSkipped) continue;
            out.push_back(at.first_ns);
            if (hourly_ && at.kind == Zone::Kind::kRepeated) out.push_back(at.second_ns);
        }
    }
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
}

/// A gap over midnight moves the last of one day and the first of the next to one instant: it is the
/// former's.
bool Schedule::repeats_the_day_before(Date date, StampNs first_ns) const {
    if (hourly_ || date <= kFirstDate) return false;
    const Date before = date - 1;
    return zone_.to_utc(absl::CivilSecond(before) + times_s_.back()) == first_ns && is_due(before) &&
           frame(before).exists;
}

std::vector<Occurrence> Schedule::on(Date date) const {
    std::vector<Occurrence> out;
    if (date < kFirstDate || date > kLastDate || !is_due(date)) return out;
    const std::vector<StampNs> due = instants(date);
    out.reserve(due.size());
    const size_t first = !due.empty() && repeats_the_day_before(date, due.front()) ? 1 : 0;
    for (size_t i = first; i < due.size(); ++i)
        out.push_back({date, static_cast<int>(i - first) + 1, due[i]});
    return out;
}

/// Of a date that is due. `settled`: no later date has an earlier one.
std::optional<Occurrence> Schedule::first_after(Date date, StampNs after_ns, bool& settled) const {
    const Frame day = frame(date);
    settled = day.plain;
    if (day.plain && day.end_ns <= after_ns) return std::nullopt;
    if (!day.plain) {
        const std::vector<StampNs> due = instants(date);
        if (due.empty()) return std::nullopt;
        const auto begin = due.begin() + (repeats_the_day_before(date, due.front()) ? 1 : 0);
        const auto it = std::upper_bound(begin, due.end(), after_ns);
        if (it == due.end()) return std::nullopt;
        return Occurrence{date, static_cast<int>(it - begin) + 1, *it};
    }
    const bool repeats = times_s_.front() == 0 && repeats_the_day_before(date, day.begin_ns);
    const auto first = times_s_.begin() + (repeats ? 1 : 0);
    const auto it = std::partition_point(
        first, times_s_.end(), [&](int32_t at_s) { return day.begin_ns + at_s * kSecondNs <= after_ns; });
    if (it == times_s_.end()) return std::nullopt;
    return Occurrence{date, static_cast<int>(it - first) + 1, day.begin_ns + *it * kSecondNs};
}

std::optional<Occurrence> Schedule::next(StampNs after_ns) const {
    // A day earlier: a gap may have moved its last over midnight; clocks that go back may repeat its end.
    const Date from = std::clamp(Date(zone_.local(after_ns)) - 1, kFirstDate, kLastDate);
    const Date until = std::min(Date(from.year() + kNextYears, from.month(), from.day()), kLastDate);
    std::optional<Occurrence> best;
    DayMask inside = ~DayMask{0} << (from.day() - 1);
    for (Month month(from); Date(month) <= until; ++month, inside = ~DayMask{0}) {
        for (DayMask days = due_days(month) & inside; days != 0; days &= days - 1) {
            const Date date = day_of(month, std::countr_zero(days));
            if (date > until || (best && date > best->date + 1)) return best;
            bool settled = false;
            const auto found = first_after(date, after_ns, settled);
            if (found && (!best || found->due_ns < best->due_ns)) best = found;
            if (best && (settled || best->date < date)) return best;
        }
        if (best) {
            if (Month(best->date + 1) <= month) return best;
        }
    }
    return best;
}

namespace {

class Reader {
  public:
    Reader(const json::object& object, std::string_view pointer, const CalendarLookup& calendars,
           Faults& faults)
        : object_(object), pointer_(pointer), calendars_(calendars), faults_(faults) {}

    std::optional<Schedule> read() {
        const size_t before = faults_.count();
        check_members(object_,
                      {"zone", "calendar", "weekdays", "working_days", "month_days", "working_month_days",
                       "dates", "cron", "at", "on_holiday"},
                      pointer_, faults_);
        read_calendar_name();
        std::optional<Zone> zone;
        if (object_.contains("zone")) {
            zone = read_zone(object_, pointer_, faults_);
        } else if (calendar_) {
            zone = calendar_->zone();
        } else if (!object_.contains("calendar")) {
            fault("zone", "is missing; give an IANA name such as America/New_York, or a calendar");
        }
        const std::optional<DayRule> rule = read_rule();
        std::vector<int32_t> times = read_times();
        const OnHoliday on_holiday = read_on_holiday();
        if (faults_.count() > before || !zone || !rule) return std::nullopt;
        Schedule schedule(std::move(*zone), *rule, std::move(times), calendar_, on_holiday);
        if (!ever_due(schedule, *rule)) {
            faults_.add(pointer_,
                        "is due on no day: what the rule names are no working days of the calendar; change "
                        "the rule, or set on_holiday to previous or next");
            return std::nullopt;
        }
        return schedule;
    }

  private:
    void fault(std::string_view member, std::string_view what) {
        faults_.add(member_pointer(pointer_, member), what);
    }

    void read_calendar_name() {
        if (!object_.contains("calendar")) return;
        const std::string name = read_text(object_, "calendar", pointer_, faults_);
        if (name.empty()) return;
        if (calendars_) calendar_ = calendars_(name);
        if (!calendar_) fault("calendar", fmt::format("'{}' is no known calendar; define it first", name));
    }
    void need_calendar(std::string_view member) {
        if (!object_.contains("calendar"))
            fault("calendar", fmt::format("is missing; {} counts the working days of one", member));
    }

    std::optional<DayRule> read_rule() {
        static constexpr std::string_view kRules[] = {"weekdays",           "working_days", "month_days",
                                                      "working_month_days", "dates",        "cron"};
        std::vector<std::string_view> given;
        for (const std::string_view name : kRules)
            if (object_.contains(name)) given.push_back(name);
        if (given.size() != 1) {
            faults_.add(pointer_, given.empty()
                                      ? fmt::format("needs one of {}", fmt::join(kRules, ", "))
                                      : fmt::format("has {}; keep one of them", fmt::join(given, " and ")));
            return std::nullopt;
        }
        const std::string_view name = given.front();
        const json::value& value = object_.at(name);
        const std::string at = member_pointer(pointer_, name);
        if (name == "weekdays") return WeekdayRule{read_weekdays(value, at, faults_)};
        if (name == "working_days") {
            need_calendar(name);
            if (!value.is_bool() || !value.get_bool()) fault(name, "must be true, or left out");
            return WorkingDayRule{};
        }
        if (name == "month_days") return MonthDayRule{read_month_days(value, at), false};
        if (name == "working_month_days") {
            need_calendar(name);
            return MonthDayRule{read_month_days(value, at), true};
        }
        if (name == "dates") return read_dates(value, at);
        if (!value.is_string()) {
            fault(name, "must be a string such as \"0 8 * * mon-fri\"");
            return std::nullopt;
        }
        if (auto cron = parse_cron(std::string_view(value.get_string()), at, faults_)) return *cron;
        return std::nullopt;
    }

    /// Whether `value` is an array of 1 to `most` items.
    bool is_list(const json::value& value, const std::string& at, size_t most, std::string_view example) {
        if (value.is_array() && !value.get_array().empty() && value.get_array().size() <= most) return true;
        faults_.add(at, fmt::format("must be an array of 1 to {} items, such as {}", most, example));
        return false;
    }

    std::vector<int> read_month_days(const json::value& value, const std::string& at) {
        std::vector<int> days;
        if (!is_list(value, at, kMonthDaysMax, "[1, 15, -1]")) return days;
        size_t index = 0;
        for (const json::value& item : value.get_array()) {
            const int64_t n = item.is_int64() ? item.get_int64() : 0;
            if (n == 0 || n < -31 || n > 31)
                faults_.add(member_pointer(at, index),
                            "must be an integer from 1 to 31, or from -1 (the last) to -31");
            days.push_back(static_cast<int>(n));
            ++index;
        }
        return days;
    }

    DateRule read_dates(const json::value& value, const std::string& at) {
        DateRule rule;
        if (!is_list(value, at, kDatesMax, "[\"2026-12-24\"]")) return rule;
        size_t index = 0;
        for (const json::value& item : value.get_array()) {
            const auto date =
                item.is_string() ? parse_date(std::string_view(item.get_string())) : std::nullopt;
            if (date) {
                rule.dates.push_back(*date);
            } else {
                faults_.add(member_pointer(at, index), "must be a date such as \"2026-12-24\"");
            }
            ++index;
        }
        std::sort(rule.dates.begin(), rule.dates.end());
        rule.dates.erase(std::unique(rule.dates.begin(), rule.dates.end()), rule.dates.end());
        return rule;
    }

    std::vector<int32_t> read_times() {
        std::vector<int32_t> times;
        const json::value* at = object_.if_contains("at");
        if (object_.contains("cron")) {
            if (at) fault("at", "does not go with cron, which names hour and minute itself; leave it out");
            return times;
        }
        if (!at) {
            fault("at", "is missing; give local times such as \"08:00\" or [\"08:00\", \"16:30\"]");
            return times;
        }
        const std::string place = member_pointer(pointer_, "at");
        if (at->is_array()) {
            if (!is_list(*at, place, kTimesMax, "[\"08:00\", \"16:30\"]")) return times;
            size_t index = 0;
            for (const json::value& item : at->get_array())
                read_time(item, member_pointer(place, index++), times);
        } else {
            read_time(*at, place, times);
        }
        std::sort(times.begin(), times.end());
        times.erase(std::unique(times.begin(), times.end()), times.end());
        return times;
    }
    void read_time(const json::value& value, const std::string& place, std::vector<int32_t>& times) {
        const auto at_s =
            value.is_string() ? parse_time_of_day(std::string_view(value.get_string())) : std::nullopt;
        if (at_s && *at_s < kDaySeconds) {
            times.push_back(*at_s);
        } else {
            faults_.add(place, "must be a time of day from \"00:00\" to \"23:59:59\"");
        }
    }

    OnHoliday read_on_holiday() {
        const json::value* value = object_.if_contains("on_holiday");
        if (!value) return OnHoliday::kSkip;
        if (!object_.contains("calendar"))
            fault("calendar", "is missing; on_holiday needs one, which says what a holiday is");
        const std::string_view text = value->is_string() ? std::string_view(value->get_string()) : "";
        if (text == "previous") return OnHoliday::kPrevious;
        if (text == "next") return OnHoliday::kNext;
        if (text != "skip") fault("on_holiday", "must be skip, previous or next");
        return OnHoliday::kSkip;
    }

    /// Looks at the years in which every date has had every weekday, or around the dates that are given.
    static bool ever_due(const Schedule& schedule, const DayRule& rule) {
        if (const DateRule* dates = std::get_if<DateRule>(&rule)) {
            for (const Date date : dates->dates)
                for (int i = -1; i <= 1; ++i)
                    if (schedule.due_days(Month(date) + i) != 0) return true;
            return false;
        }
        for (Month month(2000, 1); month < Month(2040, 1); ++month)
            if (schedule.due_days(month) != 0) return true;
        return false;
    }

    const json::object& object_;
    std::string pointer_;
    const CalendarLookup& calendars_;
    Faults& faults_;
    std::shared_ptr<const Calendar> calendar_;
};

}  // namespace

std::optional<Schedule> read_schedule(const json::value& value, std::string_view pointer,
                                      const CalendarLookup& calendars, Faults& faults) {
    if (!value.is_object()) {
        faults.add(pointer, "must be an object with zone, a rule and at");
        return std::nullopt;
    }
    return Reader(value.get_object(), pointer, calendars, faults).read();
}

Schedule parse_schedule(std::string_view document, const CalendarLookup& calendars) {
    Faults faults;
    std::optional<Schedule> schedule = read_schedule(parse_json_document(document), "", calendars, faults);
    faults.raise();
    return std::move(*schedule);
}

}  // namespace penstock

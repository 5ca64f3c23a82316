// Schedules beside slow, obvious models: a walk over every minute, and one over every day.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <map>
#include <set>

#include "pipeline/civil/schedule.h"
#include "tests/support/seed.h"
#include "tests/unit/pipeline/civil/civil_text.h"

namespace penstock::test {
namespace {

/// A random field: its text and its values.
struct Field {
    std::string text;
    std::set<int> values;
    bool star = false, step = false;
};

Field random_field(Random& random, int low, int high, unsigned star_percent) {
    Field f;
    if (random.chance(star_percent)) {
        f.star = true;
        const int by = random.chance(40) ? static_cast<int>(random.between(2, (high - low) / 2)) : 1;
        f.text = by == 1 ? "*" : fmt::format("*/{}", by);
        f.step = by > 1;
        for (int i = low; i <= high; i += by) f.values.insert(i);
        return f;
    }
    for (int64_t parts = random.between(1, 3); parts > 0; --parts) {
        const int a = static_cast<int>(random.between(low, high));
        int b = a, by = 1;
        std::string text = fmt::format("{}", a);
        if (random.chance(30)) {
            b = static_cast<int>(random.between(a, high));
            text += fmt::format("-{}", b);
            if (random.chance(30)) {
                by = static_cast<int>(random.between(1, 3));
                text += fmt::format("/{}", by);
                f.step = true;
            }
        }
        f.text += (f.text.empty() ? "" : ",") + text;
        for (int i = a; i <= b; i += by) f.values.insert(i);
    }
    return f;
}

struct RandomCron {
    Field minute, hour, month_day, month, weekday;
    bool hourly() const { return hour.star || hour.step; }
    std::string text() const {
        return fmt::format("{} {} {} {} {}", minute.text, hour.text, month_day.text, month.text,
                           weekday.text);
    }
    bool matches(absl::CivilMinute at) const {
        const Date date(at);
        const bool by_date = month_day.values.contains(date.day());
        const bool by_week = weekday.values.contains((weekday_of(date) + 1) % 7);
        return minute.values.contains(at.minute()) && hour.values.contains(at.hour()) &&
               month.values.contains(date.month()) &&
               (month_day.star || weekday.star ? by_date && by_week : by_date || by_week);
    }
};

/// Every occurrence in the walk's range, by the clock on the wall, a minute at a time.
std::vector<Occurrence> walk(const RandomCron& cron, const Zone& zone, StampNs from, StampNs until) {
    std::vector<Occurrence> out;
    std::map<Date, int> of_date;
    std::set<absl::CivilMinute> seen;
    absl::CivilMinute before(zone.local(from - kMinuteNs));
    for (StampNs at = from; at < until; at += kMinuteNs) {
        const absl::CivilMinute local(zone.local(at));
        std::optional<Date> due;
        if (cron.hourly()) {
            if (cron.matches(local)) due = Date(local);
        } else {
            for (absl::CivilMinute skipped = before + 1; skipped < local && !due; ++skipped) {
                const bool whole_day = Date(before) < Date(skipped) && Date(skipped) < Date(local);
                if (cron.matches(skipped) && seen.insert(skipped).second && !whole_day) due = Date(skipped);
            }
            if (cron.matches(local) && seen.insert(local).second && !due) due = Date(local);
        }
        if (due) out.push_back({*due, ++of_date[*due], at});
        before = local;
    }
    return out;
}

TEST(ScheduleModel, CronIsWhatAWalkOverTheMinutesMatches) {
    const std::vector<std::pair<const char*, const char*>> kPlaces = {
        {"America/New_York", "2026-03-08T07:00:00Z"},
        {"America/New_York", "2026-11-01T06:00:00Z"},
        {"America/New_York", "2040-11-04T06:00:00Z"},
        {"America/New_York", "2100-03-14T07:00:00Z"},
        {"Australia/Lord_Howe", "2026-10-03T15:30:00Z"},
        {"Australia/Lord_Howe", "2026-04-04T15:00:00Z"},
        {"Africa/Casablanca", "2026-02-15T02:00:00Z"},
        {"Africa/Casablanca", "2026-03-22T02:00:00Z"},
        {"Asia/Kathmandu", "2026-01-01T00:00:00Z"},
        {"Pacific/Apia", "2011-12-30T10:00:00Z"},
        {"America/Nuuk", "2026-03-29T01:00:00Z"},
        {"America/Nuuk", "2026-10-25T01:00:00Z"},
        {"America/Havana", "2026-03-08T05:00:00Z"},
        {"America/Havana", "2026-11-01T05:00:00Z"},
        {"America/St_Johns", "2010-03-14T03:31:00Z"},
        {"America/St_Johns", "2010-11-07T02:31:00Z"},
        {"America/Sao_Paulo", "2018-11-04T03:00:00Z"},
        {"America/Sao_Paulo", "2018-02-18T02:00:00Z"},
        {"UTC", "2028-02-29T00:00:00Z"},
        {"Europe/Berlin", "2027-12-31T23:00:00Z"}};
    EXPECT_TRUE(rc::check([&](uint64_t salt) {
        Random random(salt);
        const auto& [name, around] = kPlaces[random.below(kPlaces.size())];
        RandomCron cron;
        cron.minute = random_field(random, 0, 59, 30);
        cron.hour = random.chance(70) ? random_field(random, 0, 23, 50) : random_field(random, 0, 3, 0);
        if (cron.hour.star && !cron.hour.text.starts_with('*')) return;
        cron.month_day = random_field(random, 1, 31, 70);
        cron.month = random_field(random, 1, 12, 80);
        cron.weekday = random_field(random, 0, 6, 70);
        Faults faults;
        const auto parsed = parse_cron(cron.text(), "", faults);
        if (!parsed) return;  // no such date
        const Zone zone = Zone::load(name);
        const Schedule schedule(zone, *parsed, {}, nullptr, OnHoliday::kSkip);
        const StampNs middle = utc(around), from = middle - 72 * kHourNs, until = middle + 72 * kHourNs;
        const auto expected = walk(cron, zone, from, until);
        // From two days before the change on: by then the walk has seen each date from its beginning.
        const StampNs start = middle - 40 * kHourNs + random.between(0, 50 * 3600) * kSecondNs;
        const StampNs end = until - 26 * kHourNs;
        StampNs at = start;
        for (const Occurrence& o : expected) {
            if (o.due_ns <= start || o.due_ns >= end) continue;
            const auto got = schedule.next(at);
            RC_LOG() << cron.text() << ' ' << name << " after " << text_of(at) << " expected "
                     << format_date(o.date) << " n " << o.n << ' ' << text_of(o.due_ns) << " got "
                     << (got ? format_date(got->date) + ' ' + std::to_string(got->n) + ' ' +
                                   text_of(got->due_ns)
                             : "none")
                     << '\n';
            RC_ASSERT(got == o);
            at = o.due_ns;
        }
        const auto after = schedule.next(at);
        RC_ASSERT(!after || after->due_ns >= end);
        for (Date date(zone.local(start)); date < Date(zone.local(end)); ++date) {
            std::vector<Occurrence> of_date;
            for (const Occurrence& o : expected)
                if (o.date == date) of_date.push_back(o);
            RC_ASSERT(schedule.on(date) == of_date);
        }
    }));
}

/// Whether the rule, in its obvious reading, names the date; holidays apart.
struct RandomRule {
    DayRule rule;
    std::function<bool(Date, const Calendar&)> names;
};
RandomRule random_rule(Random& random) {
    const auto numbers = [&](int most) {
        std::vector<int> out;
        for (int64_t i = random.between(1, 4); i > 0; --i) {
            const int n = static_cast<int>(random.between(1, most));
            out.push_back(random.chance(50) ? n : -n);
        }
        return out;
    };
    switch (random.below(4)) {
        case 0: {
            const auto mask = static_cast<WeekdayMask>(random.below(128));
            return {WeekdayRule{mask},
                    [=](Date d, const Calendar&) { return (mask >> weekday_of(d) & 1) != 0; }};
        }
        case 1: {
            const auto days = numbers(31);
            return {MonthDayRule{days, false}, [=](Date d, const Calendar&) {
                        const int back = d.day() - days_in(Month(d)) - 1;
                        return std::any_of(days.begin(), days.end(),
                                           [&](int n) { return n == d.day() || n == back; });
                    }};
        }
        case 2: {
            const auto days = numbers(24);
            return {MonthDayRule{days, true}, [=](Date d, const Calendar& c) {
                        if (!c.is_working_day(d)) return false;
                        int up = 1, down = -1;
                        for (Date o(Month(d) + 0); o < d; ++o) up += c.is_working_day(o);
                        for (Date o = d + 1; Month(o) == Month(d); ++o) down -= c.is_working_day(o);
                        return std::any_of(days.begin(), days.end(),
                                           [&](int n) { return n == up || n == down; });
                    }};
        }
        default: {
            DateRule rule;
            std::set<Date> dates;
            for (int i = 0; i < 20; ++i) dates.insert(Date(2026, 1, 1) + random.between(0, 800));
            rule.dates.assign(dates.begin(), dates.end());
            return {rule, [=](Date d, const Calendar&) { return dates.contains(d); }};
        }
    }
}

TEST(ScheduleModel, DaysAreWhatAWalkOverTheDaysNamesAndMoves) {
    EXPECT_TRUE(rc::check([](uint64_t salt) {
        Random random(salt);
        std::vector<SpecialDay> special;
        std::set<Date> taken;
        const Date first(2026, 1, 1);
        for (int64_t i = random.between(0, 30); i > 0; --i) {
            Date date = first + random.between(-40, 840);
            for (int64_t run = random.chance(20) ? random.between(1, 70) : 1; run > 0; --run, ++date)
                if (taken.insert(date).second) special.push_back({date, "x", random.chance(15), {DaySpan{}}});
        }
        const auto calendar =
            std::make_shared<const Calendar>("random", Zone(), static_cast<WeekdayMask>(random.below(128)),
                                             std::array<DaySpans, 7>{}, special);
        const RandomRule rule = random_rule(random);
        const auto on_holiday = static_cast<OnHoliday>(random.below(3));
        const Schedule schedule(Zone(), rule.rule, {3600}, calendar, on_holiday);
        std::set<Date> expected;
        for (Date date = first - 300; date < first + 1000; ++date) {
            if (!rule.names(date, *calendar)) continue;
            Date to = date;
            const int step = on_holiday == OnHoliday::kPrevious ? -1 : 1;
            for (int i = 0; i < 1500 && !calendar->is_working_day(to); ++i) to += step;
            if (calendar->is_working_day(to) && (to == date || on_holiday != OnHoliday::kSkip))
                expected.insert(to);
        }
        const Date last = first + 700;
        StampNs at = Zone().to_utc(absl::CivilSecond(first)) - 1;
        for (const Date date : expected) {
            if (date < first || date > last) continue;
            const auto got = schedule.next(at);
            RC_ASSERT(got.has_value());
            RC_LOG() << format_date(got->date) << " for " << format_date(date) << '\n';
            RC_ASSERT(got->date == date && got->n == 1);
            at = got->due_ns;
        }
        const auto after = schedule.next(at);
        RC_ASSERT(!after || after->date > last);
    }));
}

}  // namespace
}  // namespace penstock::test

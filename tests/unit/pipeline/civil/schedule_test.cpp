#include "pipeline/civil/schedule.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/unit/pipeline/civil/civil_text.h"

namespace penstock::test {
namespace {

using Texts = std::vector<std::string>;

/// "us": New York, Monday to Friday, some holidays of 2026.
CalendarLookup calendars() {
    const auto us = std::make_shared<const Calendar>(parse_calendar(R"({
        "name": "us", "zone": "America/New_York", "working_weekdays": ["mon", "tue", "wed", "thu", "fri"],
        "holidays": [{"date": "2026-01-01", "name": "New Year"}, {"date": "2026-11-26", "name": "Thanksgiving"},
                     {"date": "2026-12-25", "name": "Christmas"}]})"));
    return [us](std::string_view name) { return name == "us" ? us : nullptr; };
}
Schedule schedule(std::string_view document) { return parse_schedule(document, calendars()); }
Schedule cron_schedule(std::string_view cron, std::string_view zone) {
    return schedule(fmt::format(R"({{"zone": "{}", "cron": "{}"}})", zone, cron));
}
std::string why(std::string_view document) {
    return refusal([&] { schedule(document); });
}

/// The next `count` instants.
Texts following(const Schedule& s, std::string_view after, size_t count) {
    Texts out;
    StampNs at = utc(after);
    while (out.size() < count)
        if (const auto o = s.next(at)) {
            out.push_back(text_of(o->due_ns));
            EXPECT_GT(o->due_ns, at);
            at = o->due_ns;
        } else {
            break;
        }
    return out;
}
Texts dates(const Schedule& s, std::string_view after, size_t count) {
    Texts out;
    StampNs at = utc(after);
    while (out.size() < count)
        if (const auto o = s.next(at)) {
            out.push_back(format_date(o->date));
            at = o->due_ns;
        } else {
            break;
        }
    return out;
}
Texts same(const std::vector<const char*>& list) {
    Texts out;
    for (const char* text : list) out.push_back(test::same(text));
    return out;
}

TEST(Schedule, AFileBy8InNewYorkAcrossTheChangesOfTheClocks) {
    const Schedule s = schedule(
        R"({"zone": "America/New_York", "weekdays": ["mon","tue","wed","thu","fri","sat","sun"], "at": "08:00"})");
    EXPECT_EQ(following(s, "2026-03-07T00:00:00Z", 3),
              same({"2026-03-07T13:00:00Z", "2026-03-08T12:00:00Z", "2026-03-09T12:00:00Z"}));
    EXPECT_EQ(following(s, "2026-10-31T00:00:00Z", 3),
              same({"2026-10-31T12:00:00Z", "2026-11-01T13:00:00Z", "2026-11-02T13:00:00Z"}));
    EXPECT_EQ(following(s, "2040-03-10T00:00:00Z", 3),
              same({"2040-03-10T13:00:00Z", "2040-03-11T12:00:00Z", "2040-03-12T12:00:00Z"}));
    EXPECT_EQ(following(s, "2040-11-03T00:00:00Z", 2),
              same({"2040-11-03T12:00:00Z", "2040-11-04T13:00:00Z"}));
    EXPECT_EQ(following(s, "2100-03-13T00:00:00Z", 2),
              same({"2100-03-13T13:00:00Z", "2100-03-14T12:00:00Z"}));
    EXPECT_EQ(following(s, "2100-11-06T00:00:00Z", 2),
              same({"2100-11-06T12:00:00Z", "2100-11-07T13:00:00Z"}));
    EXPECT_EQ(s.next(utc("2026-03-08T12:00:00Z") - 1),
              (Occurrence{Date(2026, 3, 8), 1, utc("2026-03-08T12:00:00Z")}));
    EXPECT_EQ(s.next(utc("2026-03-08T12:00:00Z")),
              (Occurrence{Date(2026, 3, 9), 1, utc("2026-03-09T12:00:00Z")}))
        << "strictly after";
}

TEST(Schedule, CronAsAWalkInPythonHasIt) {
    const struct {
        const char *cron, *zone, *after;
        std::vector<const char*> expected;
    } kTable[] = {
        {"0 8 * * mon-fri",
         "America/New_York",
         "2026-03-06T13:00:00Z",
         {"2026-03-09T12:00:00Z", "2026-03-10T12:00:00Z", "2026-03-11T12:00:00Z"}},
        {"*/15 * * * *",
         "America/New_York",
         "2026-03-08T06:50:00Z",
         {"2026-03-08T07:00:00Z", "2026-03-08T07:15:00Z", "2026-03-08T07:30:00Z"}},
        {"30 2 * * *",
         "America/New_York",
         "2026-03-08T05:00:00Z",
         {"2026-03-08T07:00:00Z", "2026-03-09T06:30:00Z", "2026-03-10T06:30:00Z"}},
        {"30 1 * * *",
         "America/New_York",
         "2026-11-01T04:00:00Z",
         {"2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z", "2026-11-03T06:30:00Z"}},
        {"30 1 * * *",
         "America/New_York",
         "2026-11-01T05:30:00Z",
         {"2026-11-02T06:30:00Z", "2026-11-03T06:30:00Z", "2026-11-04T06:30:00Z"}},
        {"30 * * * *",
         "America/New_York",
         "2026-11-01T05:30:00Z",
         {"2026-11-01T06:30:00Z", "2026-11-01T07:30:00Z", "2026-11-01T08:30:00Z"}},
        {"0 */2 * * *",
         "America/New_York",
         "2026-03-08T05:00:00Z",
         {"2026-03-08T08:00:00Z", "2026-03-08T10:00:00Z", "2026-03-08T12:00:00Z"}},
        {"0 0 29 2 *",
         "America/New_York",
         "2096-03-01T00:00:00Z",
         {"2104-02-29T05:00:00Z", "2108-02-29T05:00:00Z", "2112-02-29T05:00:00Z"}},
        {"0 0 L * *",
         "America/New_York",
         "2027-02-01T05:00:00Z",
         {"2027-02-28T05:00:00Z", "2027-03-31T04:00:00Z", "2027-04-30T04:00:00Z"}},
        {"0 0 13 * fri",
         "America/New_York",
         "2026-02-01T05:00:00Z",
         {"2026-02-06T05:00:00Z", "2026-02-13T05:00:00Z", "2026-02-20T05:00:00Z"}},
        {"0 0 */2 * mon",
         "America/New_York",
         "2026-02-01T05:00:00Z",
         {"2026-02-09T05:00:00Z", "2026-02-23T05:00:00Z", "2026-03-09T04:00:00Z"}},
        {"0 12 * * 7",
         "Europe/Berlin",
         "2026-03-28T00:00:00Z",
         {"2026-03-29T10:00:00Z", "2026-04-05T10:00:00Z", "2026-04-12T10:00:00Z"}},
        {"0 12 * * sat-sun",
         "UTC",
         "2026-03-28T12:00:00Z",
         {"2026-03-29T12:00:00Z", "2026-04-04T12:00:00Z", "2026-04-05T12:00:00Z"}},
        {"5 0 31 * *",
         "UTC",
         "2026-01-31T00:05:00Z",
         {"2026-03-31T00:05:00Z", "2026-05-31T00:05:00Z", "2026-07-31T00:05:00Z"}},
        {"*/20 2 * * *",
         "Australia/Lord_Howe",
         "2026-10-03T14:00:00Z",
         {"2026-10-03T15:30:00Z", "2026-10-03T15:40:00Z", "2026-10-04T15:00:00Z"}},
        {"0 0 1 1 *",
         "Pacific/Apia",
         "2011-12-30T00:00:00Z",
         {"2011-12-31T10:00:00Z", "2012-12-31T10:00:00Z", "2013-12-31T10:00:00Z"}},
        {"59 23 31 12 *",
         "America/New_York",
         "2199-12-31T00:00:00Z",
         {"2200-01-01T04:59:00Z", "2201-01-01T04:59:00Z", "2202-01-01T04:59:00Z"}},
    };
    for (const auto& [cron, zone, after, expected] : kTable)
        EXPECT_EQ(following(cron_schedule(cron, zone), after, 3), same(expected)) << cron << ' ' << zone;
}

TEST(Schedule, WhatTheClocksSkipIsDueOnceAfterTheGap) {
    const Schedule s = schedule(
        R"({"zone": "America/New_York", "weekdays": ["sun"], "at": ["08:00", "02:30", "02:10", "03:00"]})");
    const Date gap(2026, 3, 8);
    EXPECT_EQ(s.on(gap), (std::vector<Occurrence>{{gap, 1, utc("2026-03-08T07:00:00Z")},
                                                  {gap, 2, utc("2026-03-08T12:00:00Z")}}));
    EXPECT_EQ(s.on(gap + 7).size(), 4u);
    EXPECT_TRUE(s.on(gap + 1).empty());
}

TEST(Schedule, WhatComesTwiceIsDueAtTheFirstUnlessItIsHourly) {
    const Date fold(2026, 11, 1);
    EXPECT_EQ(cron_schedule("30 1 * * *", "America/New_York").on(fold),
              (std::vector<Occurrence>{{fold, 1, utc("2026-11-01T05:30:00Z")}}));
    const auto hourly = cron_schedule("@hourly", "America/New_York").on(fold);
    ASSERT_EQ(hourly.size(), 25u);
    for (int i = 0; i < 25; ++i)
        EXPECT_EQ(hourly[static_cast<size_t>(i)],
                  (Occurrence{fold, i + 1, utc("2026-11-01T04:00:00Z") + i * kHourNs}));
    EXPECT_EQ(cron_schedule("@hourly", "America/New_York").on(Date(2026, 3, 8)).size(), 23u);
    EXPECT_EQ(cron_schedule("0 0-23 * * *", "America/New_York").on(fold).size(), 24u);
}

TEST(Schedule, AGapOverMidnightLeavesOneOccurrenceToTheEarlierDate) {
    // Nuuk: 2026-03-28 ends at 23:00, and 00:00 follows.
    const Schedule s =
        schedule(R"({"zone": "America/Nuuk", "month_days": [28, 29], "at": ["23:30", "00:00", "12:00"]})");
    const Date before(2026, 3, 28);
    const StampNs midnight = utc("2026-03-29T01:00:00Z");
    EXPECT_EQ(s.on(before).back(), (Occurrence{before, 3, midnight}));
    EXPECT_EQ(s.on(before + 1).front(), (Occurrence{before + 1, 1, midnight + 12 * kHourNs}));
    EXPECT_EQ(s.next(midnight - 1), (Occurrence{before, 3, midnight}));
    EXPECT_EQ(s.next(midnight), (Occurrence{before + 1, 1, midnight + 12 * kHourNs}));
    const Schedule next_day =
        schedule(R"({"zone": "America/Nuuk", "month_days": [29], "at": ["23:30", "00:00"]})");
    EXPECT_EQ(next_day.on(before + 1).front(), (Occurrence{before + 1, 1, midnight}));
}

TEST(Schedule, NothingIsDueOnADayThatAZoneSkipped) {
    const Schedule s =
        schedule(R"({"zone": "Pacific/Apia", "weekdays": ["thu", "fri", "sat"], "at": ["00:00", "08:00"]})");
    EXPECT_TRUE(s.on(Date(2011, 12, 30)).empty());
    EXPECT_EQ(following(s, "2011-12-29T17:00:00Z", 3),
              same({"2011-12-29T18:00:00Z", "2011-12-30T10:00:00Z", "2011-12-30T18:00:00Z"}));
    EXPECT_EQ(s.on(Date(2011, 12, 31)).size(), 2u);
}

TEST(Schedule, MonthDaysCountFromBothEnds) {
    const Schedule s = schedule(R"({"zone": "UTC", "month_days": [-1, 31, 30, -29], "at": "12:00"})");
    EXPECT_EQ(dates(s, "2026-02-01T00:00:00Z", 5),
              (Texts{"2026-02-28", "2026-03-03", "2026-03-30", "2026-03-31", "2026-04-02"}));
    EXPECT_EQ(dates(s, "2028-02-01T00:00:00Z", 2), (Texts{"2028-02-01", "2028-02-29"}));
    EXPECT_EQ(dates(s, "2100-02-01T00:00:00Z", 1), (Texts{"2100-02-28"}));
}

TEST(Schedule, WorkingDaysAreTheCalendars) {
    const Schedule daily = schedule(R"({"calendar": "us", "working_days": true, "at": "08:00"})");
    EXPECT_EQ(dates(daily, "2026-11-25T00:00:00Z", 4),
              (Texts{"2026-11-25", "2026-11-27", "2026-11-30", "2026-12-01"}));
    EXPECT_EQ(following(daily, "2026-11-25T00:00:00Z", 1), same({"2026-11-25T13:00:00Z"}))
        << "in the calendar's zone";
    const Schedule ends = schedule(R"({"calendar": "us", "working_month_days": [1, -1], "at": "08:00"})");
    EXPECT_EQ(dates(ends, "2026-01-01T00:00:00Z", 6),
              (Texts{"2026-01-02", "2026-01-30", "2026-02-02", "2026-02-27", "2026-03-02", "2026-03-31"}));
    const Schedule elsewhere =
        schedule(R"({"calendar": "us", "zone": "Asia/Kathmandu", "working_days": true, "at": "08:00"})");
    EXPECT_EQ(following(elsewhere, "2026-11-25T12:00:00Z", 1), same({"2026-11-27T02:15:00Z"}));
}

TEST(Schedule, HolidaysAreSkippedOrMoved) {
    const auto with = [](const char* more) {
        return schedule(fmt::format(R"({{"calendar": "us", "month_days": [1, 25], "at": "08:00"{}}})", more));
    };
    // 2026: 1 January is a holiday, 25 January, 1 February and 1 March are Sundays, 25 December a Friday's
    // holiday.
    EXPECT_EQ(dates(with(""), "2025-12-31T00:00:00Z", 3), (Texts{"2026-02-25", "2026-03-25", "2026-04-01"}));
    EXPECT_EQ(dates(with(R"(, "on_holiday": "skip")"), "2025-12-31T00:00:00Z", 1), (Texts{"2026-02-25"}));
    EXPECT_EQ(dates(with(R"(, "on_holiday": "previous")"), "2025-12-30T00:00:00Z", 5),
              (Texts{"2025-12-31", "2026-01-23", "2026-01-30", "2026-02-25", "2026-02-27"}));
    EXPECT_EQ(dates(with(R"(, "on_holiday": "next")"), "2025-12-30T00:00:00Z", 5),
              (Texts{"2026-01-02", "2026-01-26", "2026-02-02", "2026-02-25", "2026-03-02"}));
    const Schedule crowded = schedule(
        R"({"calendar": "us", "weekdays": ["thu", "fri", "sat", "sun"], "at": "08:00", "on_holiday": "next"})");
    EXPECT_EQ(dates(crowded, "2026-11-25T00:00:00Z", 3), (Texts{"2026-11-27", "2026-11-30", "2026-12-03"}))
        << "what is moved onto a day that is due, or onto the same day, is due once";
    EXPECT_EQ(crowded.on(Date(2026, 11, 27)).size(), 1u);
}

TEST(Schedule, DatesAreThemselves) {
    const Schedule s = schedule(
        R"({"zone": "UTC", "dates": ["2026-12-24", "2024-02-29", "2026-12-24"], "at": ["10:00", "09:00:30"]})");
    EXPECT_EQ(following(s, "2020-01-01T00:00:00Z", 9),
              same({"2024-02-29T09:00:30Z", "2024-02-29T10:00:00Z", "2026-12-24T09:00:30Z",
                    "2026-12-24T10:00:00Z"}));
    EXPECT_EQ(s.next(utc("2026-12-24T10:00:00Z")), std::nullopt);
}

TEST(Schedule, TheSearchEndsAfterTwelveYears) {
    const Schedule s = schedule(R"({"zone": "UTC", "dates": ["2050-01-01"], "at": "00:00"})");
    EXPECT_EQ(s.next(utc("2037-12-01T00:00:00Z")), std::nullopt);
    EXPECT_TRUE(s.next(utc("2038-02-01T00:00:00Z")).has_value());
    const Schedule daily = cron_schedule("0 8 * * *", "America/New_York");
    EXPECT_EQ(daily.next(kNoTime)->date, Date(1678, 1, 1));
    EXPECT_EQ(daily.next(utc("2261-12-31T12:00:00Z"))->date, Date(2261, 12, 31));
    EXPECT_EQ(daily.next(utc("2261-12-31T13:00:00Z")), std::nullopt);
    EXPECT_EQ(daily.next(std::numeric_limits<StampNs>::max()), std::nullopt);
    EXPECT_TRUE(daily.on(Date(1, 1, 1)).empty());
    EXPECT_TRUE(daily.on(Date(9999, 1, 1)).empty());
    EXPECT_EQ(dates(cron_schedule("0 0 29 2 *", "UTC"), "2096-02-29T00:00:00Z", 1), (Texts{"2104-02-29"}));
}

TEST(Schedule, AllFaultsAreToldEachWithItsPlace) {
    EXPECT_EQ(why("{}"),
              "/zone: is missing; give an IANA name such as America/New_York, or a calendar\n"
              "/: needs one of weekdays, working_days, month_days, working_month_days, dates, cron\n"
              "/at: is missing; give local times such as \"08:00\" or [\"08:00\", \"16:30\"]");
    EXPECT_EQ(why(R"({"zone": "UTC", "weekdays": ["mon"], "month_days": [1], "at": "24:00", "when": 1})"),
              "/when: is not known; known are zone, calendar, weekdays, working_days, month_days, "
              "working_month_days, dates, cron, at, on_holiday\n"
              "/: has weekdays and month_days; keep one of them\n"
              "/at: must be a time of day from \"00:00\" to \"23:59:59\"");
    EXPECT_EQ(
        why(R"({"calendar": "uk", "month_days": [0, 32, 1.5], "at": ["08:00", "8"], "on_holiday": "no"})"),
        "/calendar: 'uk' is no known calendar; define it first\n"
        "/month_days/0: must be an integer from 1 to 31, or from -1 (the last) to -31\n"
        "/month_days/1: must be an integer from 1 to 31, or from -1 (the last) to -31\n"
        "/month_days/2: must be an integer from 1 to 31, or from -1 (the last) to -31\n"
        "/at/1: must be a time of day from \"00:00\" to \"23:59:59\"\n"
        "/on_holiday: must be skip, previous or next");
    EXPECT_EQ(why(R"({"zone": "UTC", "working_days": true, "at": "08:00"})"),
              "/calendar: is missing; working_days counts the working days of one");
    EXPECT_EQ(why(R"({"zone": "UTC", "cron": "0 8 * * *", "at": "08:00", "on_holiday": "next"})"),
              "/at: does not go with cron, which names hour and minute itself; leave it out\n"
              "/calendar: is missing; on_holiday needs one, which says what a holiday is");
    EXPECT_EQ(why(R"({"zone": "UTC", "cron": "0 0 30 2 *"})"),
              "/cron: day of month, column 5: '30' is no day of the month 2; mend one of the two");
    EXPECT_EQ(
        why(R"({"calendar": "us", "weekdays": ["sat"], "at": "08:00"})"),
        "/: is due on no day: what the rule names are no working days of the calendar; change the rule, "
        "or set on_holiday to previous or next");
    EXPECT_EQ(why(R"({"calendar": "us", "dates": ["2026-12-25"], "at": "08:00", "on_holiday": "previous"})"),
              "");
    EXPECT_EQ(why(R"({"zone": "UTC", "dates": [], "at": []})"),
              "/dates: must be an array of 1 to 10000 items, such as [\"2026-12-24\"]\n"
              "/at: must be an array of 1 to 1440 items, such as [\"08:00\", \"16:30\"]");
    EXPECT_EQ(why("3"), "/: must be an object with zone, a rule and at");
}

}  // namespace
}  // namespace penstock::test

#include "pipeline/civil/calendar.h"

#include <gtest/gtest.h>

#include "tests/unit/pipeline/civil/civil_text.h"

namespace penstock::test {
namespace {

constexpr std::string_view kBanking = R"({
    "name": "us-banking", "zone": "America/New_York",
    "working_weekdays": ["mon", "tue", "wed", "thu", "fri"],
    "holidays": [{"date": "2026-12-25", "name": "Christmas Day"}, {"date": "2026-01-01", "name": "New Year"},
                 {"date": "2026-07-03", "name": "Independence Day"}, {"date": "2026-11-26", "name": "Thanksgiving"}],
    "extra_working_days": [{"date": "2026-08-15", "name": "stocktaking", "hours": [["10:00", "12:00"]]}],
    "hours": {"mon": [["13:00", "17:00"], ["09:00", "12:00"]], "tue": [["09:00", "17:00"]], "wed": []}
})";

std::string why(const std::string& document) {
    return refusal([&] { parse_calendar(document); });
}
/// A calendar with more members.
std::string with(const std::string& members) {
    return R"({"name": "c", "zone": "UTC", "working_weekdays": ["mon"], )" + members + "}";
}

TEST(Calendar, WorkingDaysAreTheWeekdaysButForHolidaysAndExtraDays) {
    const Calendar c = parse_calendar(kBanking);
    EXPECT_EQ(c.name(), "us-banking");
    EXPECT_EQ(c.zone().name(), "America/New_York");
    EXPECT_TRUE(c.is_working_day(Date(2026, 12, 24)));
    EXPECT_FALSE(c.is_working_day(Date(2026, 12, 25)));
    EXPECT_FALSE(c.is_working_day(Date(2026, 12, 26)));
    EXPECT_TRUE(c.is_working_day(Date(2025, 12, 25))) << "a holiday is a date, not a day of each year";
    EXPECT_TRUE(c.is_working_day(Date(2026, 8, 15)));
    EXPECT_FALSE(c.is_working_day(Date(2026, 8, 16)));
    EXPECT_EQ(c.special(Date(2026, 12, 25))->name, "Christmas Day");
    EXPECT_EQ(c.special(Date(2026, 12, 24)), nullptr);
}

TEST(Calendar, HoursAreThoseOfTheWeekdayOrOfTheExtraDay) {
    const Calendar c = parse_calendar(kBanking);
    EXPECT_EQ(c.hours(Date(2026, 8, 17)), (DaySpans{{9 * 3600, 12 * 3600}, {13 * 3600, 17 * 3600}}));
    EXPECT_EQ(c.hours(Date(2026, 8, 18)), (DaySpans{{9 * 3600, 17 * 3600}}));
    EXPECT_TRUE(c.hours(Date(2026, 8, 19)).empty());
    EXPECT_TRUE(c.hours(Date(2026, 12, 25)).empty());
    EXPECT_EQ(c.hours(Date(2026, 8, 15)), (DaySpans{{10 * 3600, 12 * 3600}}));
    EXPECT_EQ(parse_calendar(with(R"("holidays": [])")).hours(Date(2026, 8, 17)), (DaySpans{{0, 86'400}}))
        << "without hours, whole days";
}

TEST(Calendar, NeighbouringAndCountedWorkingDays) {
    const Calendar c = parse_calendar(kBanking);
    EXPECT_EQ(c.next_working_day(Date(2026, 12, 24)), Date(2026, 12, 28));
    EXPECT_EQ(c.next_working_day(Date(2026, 12, 31)), Date(2027, 1, 1));
    EXPECT_EQ(c.next_working_day(Date(2025, 12, 31)), Date(2026, 1, 2));
    EXPECT_EQ(c.previous_working_day(Date(2026, 12, 28)), Date(2026, 12, 24));
    EXPECT_EQ(c.previous_working_day(Date(2026, 1, 2)), Date(2025, 12, 31));
    EXPECT_EQ(c.previous_working_day(Date(2026, 3, 1)), Date(2026, 2, 27));
    // First, third and last of 2026, by python3.
    const int kExpected[][4] = {{1, 2, 6, 30}, {2, 2, 4, 27},  {5, 1, 5, 29}, {7, 1, 6, 31},
                                {8, 3, 5, 31}, {11, 2, 4, 30}, {12, 1, 3, 31}};
    for (const auto& [month, first, third, last] : kExpected) {
        EXPECT_EQ(c.nth_working_day(Month(2026, month), 1), Date(2026, month, first));
        EXPECT_EQ(c.nth_working_day(Month(2026, month), 3), Date(2026, month, third));
        EXPECT_EQ(c.last_working_day(Month(2026, month)), Date(2026, month, last));
    }
    EXPECT_EQ(c.nth_working_day(Month(2026, 1), 21), Date(2026, 1, 30));
    EXPECT_EQ(c.nth_working_day(Month(2026, 1), 22), std::nullopt);
    EXPECT_EQ(c.nth_working_day(Month(2026, 1), -21), Date(2026, 1, 2));
    EXPECT_EQ(c.nth_working_day(Month(2026, 1), -22), std::nullopt);
    EXPECT_EQ(c.nth_working_day(Month(2026, 1), 0), std::nullopt);
}

TEST(Calendar, WithoutWorkNoDayIsFound) {
    const Calendar none("none", Zone(), 0, {}, {});
    EXPECT_EQ(none.next_working_day(Date(2026, 1, 1)), std::nullopt);
    EXPECT_EQ(none.previous_working_day(Date(2026, 1, 1)), std::nullopt);
    EXPECT_EQ(none.last_working_day(Month(2026, 1)), std::nullopt);
}

TEST(Calendar, EveryMonthsMaskSaysWhatEachDayIs) {
    for (Month month(1896, 1); month < Month(2110, 1); ++month) {
        EXPECT_EQ(all_days(month), days_on(kEveryWeekday, month));
        for (int bit = 0; bit < days_in(month); ++bit)
            for (int weekday = 0; weekday < 7; ++weekday)
                ASSERT_EQ((days_on(static_cast<WeekdayMask>(1 << weekday), month) >> bit & 1) != 0,
                          weekday_of(day_of(month, bit)) == weekday);
    }
}

TEST(Calendar, AllFaultsAreToldEachWithItsPlace) {
    EXPECT_EQ(why(R"({"name": "", "zone": "Europe/Berlni", "working_weekdays": ["mon", "Tue"],
                      "holidays": [{"date": "2026-02-30", "name": "x"}, 7, {"name": "y"}],
                      "hours": {"mon": [["22:00", "06:00"]], "tue": [["09:00", "12:00"], ["11:00", "13:00"]],
                                "day": [], "thu": [["9:00", "10:00"]], "fri": [["09:00", "09:00"]]},
                      "hollidays": []})"),
              "/hollidays: is not known; did you mean holidays? known are name, zone, "
              "working_weekdays, holidays, extra_working_days, hours\n"
              "/name: must be a non-empty string\n"
              "/zone: 'Europe/Berlni' is no known time zone; did you mean Europe/Berlin?\n"
              "/working_weekdays/1: must be one of mon, tue, wed, thu, fri, sat, sun\n"
              "/hours/mon/0: goes past midnight; a span stays within its day: end it at \"24:00\" and begin "
              "another at \"00:00\" of the next weekday\n"
              "/hours/tue: has spans that overlap; join them into one\n"
              "/hours/day: is no weekday; use mon, tue, wed, thu, fri, sat, sun\n"
              "/hours/thu/0/0: must be a time of day such as \"09:00\" or \"17:30:00\"; \"24:00\" ends the "
              "day\n"
              "/hours/fri/0: is empty; leave it out, or write [\"00:00\", \"24:00\"] for the whole day\n"
              "/holidays/0/date: '2026-02-30' is not a date; write it as 2026-12-25\n"
              "/holidays/1: must be an object with date and name\n"
              "/holidays/2/date: is missing; give a non-empty string");
    EXPECT_EQ(why(with(R"("holidays": [{"date": "2026-01-05", "name": "a"}],
                          "extra_working_days": [{"date": "2026-01-05", "name": "b"}])")),
              "/: has 2026-01-05 more than once in holidays and extra_working_days; keep one");
    EXPECT_EQ(why(with(R"("hours": {"mon": [["09:00", "17:00"]]},
                          "extra_working_days": [{"date": "2026-01-10", "name": "b"}])")),
              "/extra_working_days/0/hours: is missing, and sat has no hours; give some to this day");
    EXPECT_EQ(
        why("{}"),
        "/name: is missing; give a non-empty string\n/zone: is missing; give a non-empty string\n"
        "/working_weekdays: is missing; give for example [\"mon\", \"tue\", \"wed\", \"thu\", \"fri\"]");
    EXPECT_EQ(why("[]"), "/: must be an object with name, zone and working_weekdays");
    EXPECT_TRUE(why("{").starts_with("/: is not valid JSON: "));
    EXPECT_TRUE(why(with("\"a/b~\": 1")).starts_with("/a~1b~0: is not known"));
}

TEST(Calendar, TimesOfDayAndDatesAreStrict) {
    EXPECT_EQ(parse_time_of_day("24:00"), 86'400);
    EXPECT_EQ(parse_time_of_day("23:59:59"), 86'399);
    for (const char* text :
         {"24:01", "24:00:01", "8:00", "08:60", "08:00:60", "08-00", "08:00:0", "", "0800"})
        EXPECT_EQ(parse_time_of_day(text), std::nullopt) << text;
    EXPECT_EQ(parse_date("2024-02-29"), Date(2024, 2, 29));
    for (const char* text : {"2026-02-29", "2100-02-29", "2026-13-01", "2026-00-01", "2026-01-00",
                             "1677-01-01", "2262-01-01", "2026-1-01", "20260101", "2026-01-0a"})
        EXPECT_EQ(parse_date(text), std::nullopt) << text;
}

}  // namespace
}  // namespace penstock::test

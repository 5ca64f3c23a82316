#include "pipeline/civil/cron.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "tests/unit/pipeline/civil/civil_text.h"

namespace penstock::test {
namespace {

Cron cron(std::string_view text) {
    Faults faults;
    const auto parsed = parse_cron(text, "/cron", faults);
    EXPECT_EQ(faults.text(), "") << text;
    EXPECT_TRUE(parsed.has_value()) << text;
    return parsed.value_or(Cron{});
}
std::string why(std::string_view text) {
    Faults faults;
    const bool parsed = parse_cron(text, "/cron", faults).has_value();
    EXPECT_EQ(parsed, faults.count() == 0) << text;
    return faults.text();
}
std::string days_of(const Cron& c, int year, int month) {
    std::vector<int> out;
    for (DayMask days = c.days(Month(year, month)); days != 0; days &= days - 1)
        out.push_back(std::countr_zero(days) + 1);
    return fmt::format("{}", fmt::join(out, " "));
}
uint64_t bits(std::initializer_list<int> list) {
    uint64_t out = 0;
    for (const int bit : list) out |= uint64_t{1} << bit;
    return out;
}

TEST(Cron, ListsRangesStepsAndNames) {
    EXPECT_EQ(cron("0 8 * * *").minutes, bits({0}));
    EXPECT_EQ(cron("*/15 8 * * *").minutes, bits({0, 15, 30, 45}));
    EXPECT_EQ(cron("5-20/5,59 8 * * *").minutes, bits({5, 10, 15, 20, 59}));
    EXPECT_EQ(cron("* 8 * * *").minutes, (uint64_t{1} << 60) - 1);
    EXPECT_EQ(cron("0 8,12,20-23 * * *").hours, bits({8, 12, 20, 21, 22, 23}));
    EXPECT_EQ(cron("0 8 * jan,Jun-AUG,12 *").months, bits({0, 5, 6, 7, 11}));
    EXPECT_EQ(cron("0 8 * * mon-fri").weekdays, kMondayToFriday);
    EXPECT_EQ(cron("0 8 * * 1-5").weekdays, kMondayToFriday);
    EXPECT_EQ(cron("0 8 * * 0").weekdays, bits({6}));
    EXPECT_EQ(cron("0 8 * * 7").weekdays, bits({6}));
    EXPECT_EQ(cron("0 8 * * sat-sun").weekdays, bits({5, 6}));
    EXPECT_EQ(cron("0 8 * * fri-0").weekdays, bits({4, 5, 6}));
    EXPECT_EQ(cron("0 8 * * */2").weekdays, bits({6, 1, 3, 5}));
    EXPECT_EQ(cron("\t0   8 *\t* * ").hours, bits({8}));
}

TEST(Cron, AStarOrAStepInTheHourFollowsElapsedTime) {
    for (const char* text : {"0 * * * *", "0 */2 * * *", "0 8-18/2 * * *", "@hourly"})
        EXPECT_TRUE(cron(text).hourly) << text;
    for (const char* text : {"*/5 1 * * *", "0 0-23 * * *", "0 1,2 * * *", "@daily"})
        EXPECT_FALSE(cron(text).hourly) << text;
}

TEST(Cron, DaysOfTheMonthAndOfTheWeekAreJoinedAsVixiesCronDoes) {
    EXPECT_EQ(days_of(cron("0 0 13 * fri"), 2026, 2), "6 13 20 27");
    EXPECT_EQ(days_of(cron("0 0 13 * fri"), 2026, 3), "6 13 20 27");
    EXPECT_EQ(days_of(cron("0 0 13 * fri"), 2026, 4), "3 10 13 17 24");
    EXPECT_EQ(days_of(cron("0 0 * * fri"), 2026, 4), "3 10 17 24");
    EXPECT_EQ(days_of(cron("0 0 13 * *"), 2026, 4), "13");
    EXPECT_EQ(days_of(cron("0 0 */2 * mon"), 2026, 4), "13 27") << "a field with * does not restrict";
    EXPECT_EQ(days_of(cron("0 0 1-7 * */7"), 2026, 4), "5");
}

TEST(Cron, MonthsEndInLeapYearsAndOthers) {
    EXPECT_EQ(days_of(cron("0 0 L * *"), 2026, 2), "28");
    EXPECT_EQ(days_of(cron("0 0 L * *"), 2028, 2), "29");
    EXPECT_EQ(days_of(cron("0 0 l * *"), 2100, 2), "28");
    EXPECT_EQ(days_of(cron("0 0 15,L * *"), 2026, 4), "15 30");
    EXPECT_EQ(days_of(cron("0 0 L * sun"), 2026, 3), "1 8 15 22 29 31");
    EXPECT_EQ(days_of(cron("0 0 29 2 *"), 2026, 2), "");
    EXPECT_EQ(days_of(cron("0 0 29 2 *"), 2000, 2), "29");
    EXPECT_EQ(days_of(cron("0 0 31 * *"), 2026, 4), "");
    EXPECT_EQ(days_of(cron("0 0 1 feb *"), 2026, 3), "");
}

TEST(Cron, ShortWordsStandForFiveFields) {
    EXPECT_EQ(days_of(cron("@monthly"), 2026, 2), "1");
    EXPECT_EQ(days_of(cron("@weekly"), 2026, 2), "1 8 15 22");
    EXPECT_EQ(days_of(cron("@daily"), 2026, 2).size(), days_of(cron("* * * * *"), 2026, 2).size());
    EXPECT_EQ(cron("@daily").hours, 1u);
    EXPECT_EQ(cron("@hourly").hours, (1u << 24) - 1);
}

TEST(Cron, FaultsNameFieldAndColumn) {
    const std::pair<const char*, const char*> kTable[] = {
        {"60 8 * * *", "minute, column 1: 60 is not from 0 to 59"},
        {"0 24 * * *", "hour, column 3: 24 is not from 0 to 23"},
        {"0 8 0 * *", "day of month, column 5: 0 is not from 1 to 31"},
        {"0 8 1,32 * *", "day of month, column 7: 32 is not from 1 to 31"},
        {"0 8 * 13 *", "month, column 7: 13 is not from 1 to 12"},
        {"0 8 * * 8", "day of week, column 9: 8 is not from 0 to 7"},
        {"0 8 * * mon-fry",
         "day of week, column 13: 'fry' is no day of week; names have three letters, such as sun"},
        {"0 8 * * fri-mon", "day of week, column 9: 'fri-mon' goes backwards"},
        {"0 8 ? * *", "day of month, column 5: '?' is no number; write * for any"},
        {"0 8 15W * *", "day of month, column 7: 'W' is not understood; it is not part of cron"},
        {"0 8 * * 5#2", "day of week, column 10: '#2' is not understood; it is not part of cron"},
        {"0 8 L-3 * *", "day of month, column 6: 'L' stands alone"},
        {"0 8 * * 5L", "day of week, column 10: 'L' is not understood"},
        {"0 8 * * L", "day of week, column 9: 'l' is no day of week"},
        {"5/15 8 * * *", "minute, column 1: a step needs a range before it; write 5-59/15"},
        {"*/0 8 * * *", "minute, column 3: a step of 0 does not fit; use 1 to 59"},
        {"*/90 8 * * *", "minute, column 3: a step of 90 does not fit; use 1 to 59"},
        {"1,,2 8 * * *", "minute, column 3: ',2' is no number"},
        {"1- 8 * * *", "minute, column 3: a number is missing at its end"},
        {"-5 8 * * *", "minute, column 1: '-5' is no number"},
        {"99999999999 8 * * *", "minute, column 1: '99999999' is too large"},
        {"0 8 * *", "column 8: has 4 of five fields, and day of week is missing; write five fields"},
        {"", "column 1: has 0 of five fields, and minute is missing"},
        {"0 0 8 * * *", "column 11: has 6 fields; write five fields"},
        {"@yearly", "'@yearly' is not known; use @hourly, @daily, @weekly, @monthly or five fields"},
        {"0 0 30 2 *", "day of month, column 5: '30' is no day of the month 2"},
        {"0 0 30,31 feb *", "day of month, column 5: '30,31' is no day of the month feb"},
        {"0 0 31 4,6,sep,nov *", "day of month, column 5: '31' is no day of the month 4,6,sep,nov"},
        {"0 0 31 feb */2", "day of month, column 5: '31' is no day of the month feb"},
    };
    for (const auto& [text, expected] : kTable)
        EXPECT_TRUE(why(text).starts_with(std::string("/cron: ") + expected)) << text << "\n" << why(text);
    EXPECT_EQ(
        why("60 24 * * *"),
        "/cron: minute, column 1: 60 is not from 0 to 59\n/cron: hour, column 4: 24 is not from 0 to 23");
    EXPECT_EQ(why("0 0 30 2 mon"), "") << "either of the two is enough";
    EXPECT_EQ(why("0 0 29 2 *"), "");
    EXPECT_NE(why(std::string(2000, '1')), "");
}

TEST(Cron, AnyTextIsReadOrRefused) {
    EXPECT_TRUE(rc::check([] {
        const auto text =
            *rc::gen::container<std::string>(rc::gen::elementOf(std::string("0123579,,--//**    LWmonjan@")));
        Faults faults;
        const auto parsed = parse_cron(text, "", faults);
        RC_ASSERT(parsed.has_value() == (faults.count() == 0));
        if (parsed) RC_ASSERT(parsed->minutes != 0 && parsed->hours != 0 && parsed->months != 0);
    }));
}

}  // namespace
}  // namespace penstock::test

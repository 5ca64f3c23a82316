#include "pipeline/civil/business_time.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "tests/support/seed.h"
#include "tests/unit/pipeline/civil/civil_text.h"

namespace penstock::test {
namespace {

/// Every day from `from_h` until `until_h`.
Calendar daily(const char* zone, int from_h, int until_h) {
    std::array<DaySpans, 7> hours;
    hours.fill({{from_h * 3600, until_h * 3600}});
    return {"daily", Zone::load(zone), kEveryWeekday, hours, {}};
}
/// New York, with lunch, and the bank holidays of 2026.
Calendar office() {
    std::array<DaySpans, 7> hours;
    hours.fill({{9 * 3600, 12 * 3600}, {13 * 3600, 17 * 3600}});
    std::vector<SpecialDay> holidays;
    for (const Date date : {Date(2026, 1, 1), Date(2026, 1, 19), Date(2026, 2, 16), Date(2026, 5, 25),
                            Date(2026, 6, 19), Date(2026, 7, 3), Date(2026, 9, 7), Date(2026, 10, 12),
                            Date(2026, 11, 11), Date(2026, 11, 26), Date(2026, 12, 25)})
        holidays.push_back({date, "bank holiday", false, {}});
    return {"office", Zone::load("America/New_York"), kMondayToFriday, hours, holidays};
}

TEST(BusinessTime, WeekendsHolidaysAndLunchDoNotCount) {
    const Calendar c = office();
    // By a walk over minutes in python3.
    const struct {
        const char* from;
        int minutes;
        const char* expected;
    } kTable[] = {
        {"2026-03-06T20:30:00Z", 60, "2026-03-06T21:30:00Z"},
        {"2026-03-06T20:30:00Z", 1200, "2026-03-11T18:30:00Z"},
        {"2026-10-30T20:30:00Z", 420, "2026-11-02T21:30:00Z"},
        {"2026-11-25T21:00:00Z", 480, "2026-11-27T22:00:00Z"},
        {"2026-12-24T16:30:00Z", 60, "2026-12-24T18:30:00Z"},
        {"2026-07-02T12:00:00Z", 421, "2026-07-06T13:01:00Z"},
    };
    for (const auto& [from, minutes, expected] : kTable) {
        EXPECT_EQ(text_of(add_business_time(c, utc(from), minutes * kMinuteNs)), same(expected)) << from;
        EXPECT_EQ(business_time_between(c, utc(from), utc(expected)), minutes * kMinuteNs) << from;
        EXPECT_EQ(business_time_between(c, utc(expected), utc(from)), -minutes * kMinuteNs) << from;
    }
    EXPECT_EQ(business_time_between(c, utc("2026-01-01T05:00:00Z"), utc("2027-01-01T05:00:00Z")),
              250 * 7 * kHourNs);
}

TEST(BusinessTime, IsExactToTheNanosecond) {
    const Calendar c = office();
    const StampNs close = utc("2026-03-06T22:00:00Z"), open = utc("2026-03-09T13:00:00Z");
    EXPECT_EQ(add_business_time(c, close - 5, 5), close) << "the end of a span, not the next beginning";
    EXPECT_EQ(add_business_time(c, close - 5, 6), open + 1);
    EXPECT_EQ(add_business_time(c, close, 1), open + 1);
    EXPECT_EQ(add_business_time(c, close + 1, 1), open + 1);
    EXPECT_EQ(add_business_time(c, close + 1, 0), close + 1);
    EXPECT_EQ(add_business_time(c, close + 1, -7), close + 1);
    EXPECT_EQ(business_time_between(c, close - 5, open + 7), 12);
    EXPECT_EQ(business_time_between(c, close, open), 0);
}

TEST(BusinessTime, IsElapsedTimeWhenTheClocksChange) {
    const Calendar night = daily("America/New_York", 0, 6);
    const auto between = [](const Calendar& c, const char* a, const char* b) {
        return business_time_between(c, utc(a), utc(b)) / kMinuteNs;
    };
    EXPECT_EQ(between(night, "2026-03-07T05:00:00Z", "2026-03-08T05:00:00Z"), 360);
    EXPECT_EQ(between(night, "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z"), 300);
    EXPECT_EQ(between(night, "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"), 420);
    EXPECT_EQ(between(daily("America/New_York", 0, 24), "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z"),
              23 * 60);
    const Calendar lord_howe = daily("Australia/Lord_Howe", 0, 6);
    EXPECT_EQ(text_of(add_business_time(lord_howe, utc("2026-10-03T12:00:00Z"), 300 * kMinuteNs)),
              same("2026-10-03T18:30:00Z"));
    EXPECT_EQ(text_of(add_business_time(lord_howe, utc("2026-04-04T12:00:00Z"), 300 * kMinuteNs)),
              same("2026-04-04T18:00:00Z"));
    EXPECT_EQ(between(lord_howe, "2026-10-03T12:00:00Z", "2026-10-04T12:00:00Z"), 330);
    EXPECT_EQ(between(lord_howe, "2026-04-04T12:00:00Z", "2026-04-05T12:00:00Z"), 390);
    EXPECT_EQ(between(daily("Pacific/Apia", 0, 24), "2011-12-29T10:00:00Z", "2011-12-31T10:00:00Z"), 48 * 60)
        << "no time is lost with the day that Apia skipped";
    EXPECT_EQ(between(daily("Pacific/Apia", 9, 17), "2011-12-29T10:00:00Z", "2011-12-31T10:00:00Z"), 16 * 60);
}

TEST(BusinessTime, SpansThatBeginOrEndInAChangeOfTheClocksUseTheFirstFoldAndTheGapsEnd) {
    Calendar c("edge", Zone::load("America/New_York"), kEveryWeekday,
               [] {
                   std::array<DaySpans, 7> hours;
                   hours.fill({{0, 5400}, {5400, 9000}});  // 00:00-01:30, 01:30-02:30
                   return hours;
               }(),
               {});
    const StampNs gap_day = utc("2026-03-08T05:00:00Z"), fold_day = utc("2026-11-01T04:00:00Z");
    EXPECT_EQ(business_time_between(c, gap_day, gap_day + 12 * kHourNs), 2 * kHourNs);
    EXPECT_EQ(business_time_between(c, fold_day, fold_day + 12 * kHourNs), 210 * kMinuteNs);
}

TEST(BusinessTime, TenYearsWithoutAnyEndTheSearch) {
    const Calendar none("none", Zone(), 0, {}, {});
    EXPECT_EQ(add_business_time(none, 0, 1), kNeverDue);
    EXPECT_EQ(business_time_between(none, 0, kNeverDue), 0);
    const Calendar closed("closed", Zone(), kEveryWeekday, {}, {});
    EXPECT_EQ(add_business_time(closed, 0, 1), kNeverDue);
    const Calendar once(
        "once", Zone(), 0, {},
        {{Date(1979, 12, 1), "a", true, {{0, 3600}}}, {Date(1988, 1, 1), "b", true, {{0, 60}}}});
    EXPECT_EQ(add_business_time(once, 0, kHourNs), utc("1979-12-01T01:00:00Z"));
    EXPECT_EQ(add_business_time(once, 0, kHourNs + 1), utc("1988-01-01T00:00:00Z") + 1);
    EXPECT_EQ(add_business_time(once, 0, 2 * kHourNs), kNeverDue);
    EXPECT_EQ(add_business_time(daily("UTC", 0, 24), utc("2261-12-31T23:00:00Z"), 2 * kHourNs), kNeverDue);
    EXPECT_EQ(add_business_time(daily("UTC", 0, 24), kNoTime, 1), utc("1678-01-01T00:00:00Z") + 1);
    EXPECT_EQ(add_business_time(daily("UTC", 0, 24), kNeverDue, 1), kNeverDue);
}

/// A minute at a time, by the clock on the wall. Spans here neither begin nor end where clocks are changed.
bool open_at(const Calendar& c, StampNs at) {
    const absl::CivilSecond local = c.zone().local(at);
    const int32_t second = static_cast<int32_t>(local - absl::CivilSecond(Date(local)));
    for (const DaySpan& span : c.hours(Date(local)))
        if (span.from_s <= second && second < span.until_s) return true;
    return false;
}

TEST(BusinessTime, IsWhatAWalkOverTheMinutesCounts) {
    const std::vector<std::pair<const char*, const char*>> kPlaces = {
        {"America/New_York", "2026-03-08T07:00:00Z"},    {"America/New_York", "2026-11-01T06:00:00Z"},
        {"America/New_York", "2100-11-07T06:00:00Z"},    {"Australia/Lord_Howe", "2026-10-03T15:30:00Z"},
        {"Australia/Lord_Howe", "2026-04-04T15:00:00Z"}, {"Africa/Casablanca", "2026-02-15T02:00:00Z"},
        {"Asia/Kathmandu", "2026-01-01T00:00:00Z"},      {"Pacific/Apia", "2011-12-30T10:00:00Z"}};
    EXPECT_TRUE(rc::check([&](uint64_t salt) {
        Random random(salt);
        const auto& [zone, around] = kPlaces[random.below(kPlaces.size())];
        static constexpr int kEdges[] = {0, 4, 6, 9, 12, 13, 17, 20, 24};
        std::array<DaySpans, 7> hours;
        for (DaySpans& spans : hours)
            for (size_t i = 0; i + 1 < std::size(kEdges); ++i)
                if (random.chance(40)) spans.push_back({kEdges[i] * 3600, kEdges[i + 1] * 3600});
        std::vector<SpecialDay> special;
        const StampNs middle = utc(around);
        const Date near(Zone::load(zone).local(middle));
        if (random.chance(50))
            special.push_back({near + random.between(-2, 2), "x", random.chance(50), {{3600 * 5, 3600 * 8}}});
        const Calendar c("random", Zone::load(zone), static_cast<WeekdayMask>(random.below(128)), hours,
                         special);
        const StampNs from = middle + random.between(-2 * 1440, 1440) * kMinuteNs;
        int64_t left = random.between(1, 2000);
        const int64_t asked = left;
        StampNs at = from;
        for (int walked = 0; left > 0 && walked < 20'000; ++walked, at += kMinuteNs)
            if (open_at(c, at)) --left;
        RC_ASSERT(business_time_between(c, from, at) == (asked - left) * kMinuteNs);
        if (left > 0) return;
        RC_ASSERT(add_business_time(c, from, asked * kMinuteNs) == at);
        RC_ASSERT(add_business_time(c, from, asked * kMinuteNs - 1) == at - 1);
    }));
}

}  // namespace
}  // namespace penstock::test

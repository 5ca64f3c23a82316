// Volume: how many events a window has, and what is said when they are too few or too many.
#include <gtest/gtest.h>

#include "stages/sla/tumbling.h"
#include "stages/sla/volume.h"
#include "tests/support/seed.h"
#include "tests/support/watcher_rig.h"

namespace penstock::test {
namespace {

const StampNs kT = new_york("2026-02-02", "12:00");
StampNs at(int64_t minutes, int64_t seconds = 0) { return kT + minutes * kMinuteNs + seconds * kSecondNs; }

std::string volume(const std::string& more) {
    return R"({"name": "trades", "type": "trade", "window": "5m")" + more + "}";
}

/// Each test runs as it is, and with a restart after every step.
class SlaVolume : public testing::TestWithParam<bool> {
  protected:
    WatcherRig rig(const std::string& rule) {
        const auto read = one_rule(read_volume, rule);
        return WatcherRig([read] { return make_volume(read, 3); }, GetParam());
    }
    /// `n` events within the window that begins at `minute`.
    static void events(WatcherRig& r, int64_t minute, int n, std::string_view market = "") {
        for (int i = 0; i < n; ++i) {
            EventFields f;
            if (!market.empty()) f.groups = {{"market", market}};
            r.event(f, at(minute, 1 + i), std::max(at(minute, 1 + i), last_ + 1));
            last_ = std::max(at(minute, 1 + i), last_ + 1);
        }
    }
    void SetUp() override { last_ = 0; }
    static inline StampNs last_ = 0;
};
INSTANTIATE_TEST_SUITE_P(StraightAndRestarted, SlaVolume, testing::Bool(),
                         [](const auto& p) { return p.param ? "Restarted" : "Straight"; });

TEST_P(SlaVolume, AWindowIsHalfOpenAndIsJudgedAfterItsLateness) {
    auto r = rig(volume(R"(, "min": 2, "max": 3)"));
    r.start(kT);
    r.event("", at(0));
    r.event("", at(5) - 1, at(5));
    r.event("", at(5), at(5) + 1);
    r.pass(at(5, 30));
    EXPECT_EQ(r.news(), News{});
    EXPECT_EQ(r.watcher->view().counts.anchored, 0u);
    r.pass(at(5, 30) + 1);
    EXPECT_EQ(r.watcher->view().counts.met, 1u) << "two";
    r.pass(at(10, 30) + 1);
    EXPECT_EQ(r.news(), News{"out of range trade"}) << "one";
    EXPECT_EQ(r.told[0].deadline, at(10)) << "the window's end";
    EXPECT_EQ(r.told[0].group, "");
}

TEST_P(SlaVolume, TroubleIsToldOnceUntilTheFirstWindowWithinBounds) {
    auto r = rig(volume(R"(, "min": 1, "max": 2, "severity": 5)"));
    r.start(kT);
    events(r, 0, 3);
    events(r, 5, 3);
    r.pass(at(15, 31));
    EXPECT_EQ(r.news(), News{"out of range trade"}) << "too many twice, then none";
    EXPECT_EQ(r.watcher->view().health, Health::kRed);
    EXPECT_EQ(r.watcher->view().oldest_trouble_ns, at(5));
    events(r, 16, 2);
    r.pass(at(20, 31));
    EXPECT_EQ(r.news(), News{"recovered trade"});
    EXPECT_EQ(r.told[1].deadline, at(5)) << "that of the trouble that it ends";
    const RuleCounts c = r.watcher->view().counts;
    EXPECT_EQ(c.missed, 3u);
    EXPECT_EQ(c.met, 1u);
}

TEST_P(SlaVolume, TheWindowThatRunsWhenTheRuleIsPublishedIsNotJudged) {
    auto r = rig(volume(R"(, "min": 1)"));
    r.start(at(1));
    events(r, 2, 1);
    EXPECT_EQ(r.watcher->view().unmatched, 1u);
    r.pass(at(5, 31));
    EXPECT_EQ(r.news(), News{});
    r.pass(at(10, 31));
    EXPECT_EQ(r.news(), News{"out of range trade"});
}

TEST_P(SlaVolume, GroupsAreJudgedEachForItselfAndSilenceCountsAsNothing) {
    auto r = rig(volume(R"(, "min": 1, "by": ["groups.market", "subject"])"));
    r.start(kT);
    const auto trade = [&](std::string_view market, std::string_view subject, StampNs time) {
        EventFields f;
        f.subject = subject;
        if (!market.empty()) f.groups = {{"market", market}};
        r.event(f, time, time);
    };
    trade("XNYS", "a", at(1));
    trade("XLON", "a", at(2));
    trade("", "a", at(3));
    EXPECT_EQ(r.watcher->view().unmatched, 1u) << "it is of no group";
    trade("XLON", "a", at(6));
    r.pass(at(10, 31));
    EXPECT_EQ(r.news(), News{"out of range market=XNYS, subject=a"});
    EXPECT_EQ(r.told[0].group, "market=XNYS, subject=a");
    r.pass(at(15, 31));
    EXPECT_EQ(r.news(), News{"out of range market=XLON, subject=a"});
}

TEST_P(SlaVolume, TheBaselineIsTheMedianOfTheLastJudgedWindows) {
    auto r = rig(volume(R"(, "drop": 0.5, "spike": 2.0, "baseline_windows": 3)"));
    r.start(kT);
    int64_t minute = 0;
    const auto window = [&](int n) {
        events(r, minute, n);
        minute += 5;
        r.pass(last_ = at(minute, 31));
        return r.news();
    };
    // Before three are there nothing is judged by them.
    for (const int n : {10, 40, 10}) EXPECT_EQ(window(n), News{});
    EXPECT_EQ(window(5), News{}) << "half of 10 is within";
    EXPECT_EQ(window(4), News{"out of range trade"}) << "of 40, 10, 5";
    EXPECT_EQ(window(10), News{"recovered trade"}) << "of 10, 5, 4: twice 5";
    EXPECT_EQ(window(11), News{"out of range trade"}) << "of 5, 4, 10";
    EXPECT_EQ(window(0), News{});
    EXPECT_EQ(window(0), News{});
    EXPECT_EQ(window(0), News{"recovered trade"}) << "of 11, 0, 0: to nothing nothing is compared";
    EXPECT_EQ(window(50), News{});
}

TEST_P(SlaVolume, WhatComesAfterTheLatenessIsCountedAndChangesNothing) {
    auto r = rig(volume(R"(, "min": 1, "lateness": "1m")"));
    r.start(kT);
    r.event("", at(4), at(6));
    r.pass(at(6) + 1);
    EXPECT_EQ(r.news(), News{}) << "it came within the lateness";
    r.event("", at(4), at(6) + 2);
    EXPECT_EQ(r.watcher->view().unmatched, 1u);
    r.event("", at(60), at(6) + 3);
    EXPECT_EQ(r.watcher->view().unmatched, 2u) << "of the future";
}

TEST_P(SlaVolume, ALongSilenceIsCountedWindowByWindow) {
    auto r = rig(volume(R"(, "min": 1, "drop": 0.5, "baseline_windows": 4)"));
    r.start(kT);
    events(r, 0, 1);
    r.pass(at(5, 31));
    EXPECT_LT(r.watcher->due_ns(), std::numeric_limits<StampNs>::max());
    r.pass(at(60, 31));
    EXPECT_EQ(r.watcher->due_ns(), std::numeric_limits<StampNs>::max()) << "nothing new would be found";
    r.event("", at(5 * 288 + 1));
    r.pass(at(5 * 289, 31));
    EXPECT_EQ(r.news(), (News{"out of range trade", "recovered trade"}));
    const RuleCounts c = r.watcher->view().counts;
    EXPECT_EQ(c.anchored, 289u);
    EXPECT_EQ(c.met, 2u);
    EXPECT_EQ(c.missed, 287u);
}

TEST_P(SlaVolume, ARuleThatGoesWithdrawsWhatItFoundAndItsRows) {
    auto r = rig(volume(R"(, "max": 1, "by": ["groups.market"])"));
    r.start(kT);
    events(r, 0, 2, "XNYS");
    events(r, 0, 2, "XLON");
    events(r, 6, 2, "XPAR");
    r.pass(at(7));
    r.news();
    r.end(at(8));
    EXPECT_EQ(r.news(), (News{"withdrawn market=XNYS", "withdrawn market=XLON"}));
    EXPECT_TRUE(r.rows().empty());
}

TEST(SlaVolumeGroups, BeyondTheBoundAreCountedAsOther) {
    const auto rule = one_rule(read_volume, volume(R"(, "max": 1, "by": ["subject"])"));
    WatcherRig r([&] { return make_volume(rule, 0); });
    r.start(kT);
    for (int i = 0; i < 10'002; ++i) r.event("s" + std::to_string(i), at(0) + i);
    r.pass(at(5, 31));
    EXPECT_EQ(r.news(), News{"out of range other"});
    EXPECT_EQ(r.watcher->view().counts.anchored, 10'001u);
}

TEST(SlaVolumeRules, SayEveryFaultWithItsPlaceAndHowToMendIt) {
    const std::string faults = rule_faults(read_volume, R"([
      {"name": "a", "type": "t", "window": "5m"},
      {"name": "b", "type": "t", "min": 9, "max": 3, "baseline_windows": 12, "by": ["groups.a", "id"]},
      {"name": "c", "type": "t", "window": "7m", "zone": "Europe/Berlin", "drop": 1.5, "spike": 1,
       "min": -1, "baseline_windows": 0, "lateness": "2d"},
      {"name": "d", "type": "t", "window": "1s", "lateness": "1h", "max": 1, "zone": "Berlin", "windw": 1}])");
    for (const std::string_view part :
         {"/rules/0/min: is missing; give one of min, max, drop and spike", "/rules/1/window: is missing",
          "/rules/1/min: must not be above max",
          "/rules/1/baseline_windows: means nothing without drop and spike",
          "/rules/1/by/1: 'id' cannot correlate events", "/rules/2/window: must divide an hour",
          "/rules/2/drop: must be a share", "/rules/2/spike: must be a multiple",
          "/rules/2/min: must be an integer", "/rules/2/baseline_windows: must be an integer from 1 to 168",
          "/rules/2/lateness: must be from ", "/rules/3/lateness: must be at most a thousand windows",
          "/rules/3/zone: ", "/rules/3/windw: is not known; did you mean window?"})
        EXPECT_NE(faults.find(part), std::string::npos) << part << "\nin\n" << faults;
}

TEST(Tumbling, DaysHave23And25HoursWhenClocksAreChanged) {
    const Tumbling days(kDayNs, Zone::load("America/New_York"));
    const auto hours = [&](const char* date) {
        const TimeWindow w = days.at(new_york(date, "12:00"));
        EXPECT_EQ(w.begin_ns, new_york(date, "00:00"));
        return (w.end_ns - w.begin_ns) / kHourNs;
    };
    EXPECT_EQ(hours("2026-03-08"), 23);
    EXPECT_EQ(hours("2026-03-09"), 24);
    EXPECT_EQ(hours("2026-11-01"), 25);
}

TEST(Tumbling, ShortWindowsKeepTheirLengthAndLongOnesTheClockOnTheWall) {
    const Zone zone = Zone::load("America/New_York");
    const StampNs back = new_york("2026-11-01", "01:00");
    EXPECT_EQ(Tumbling(kHourNs, zone).at(back), (TimeWindow{back, back + kHourNs}));
    EXPECT_EQ(Tumbling(kHourNs, zone).at(back + kHourNs), (TimeWindow{back + kHourNs, back + 2 * kHourNs}));
    const TimeWindow night = Tumbling(6 * kHourNs, zone).at(back);
    EXPECT_EQ(night.end_ns - night.begin_ns, 7 * kHourNs);
    EXPECT_EQ(night.end_ns, new_york("2026-11-01", "06:00"));
    const TimeWindow week = Tumbling(7 * kDayNs, zone).at(new_york("2026-03-08", "12:00"));
    EXPECT_EQ(week.begin_ns, new_york("2026-03-02", "00:00")) << "a Monday";
    EXPECT_EQ(week.end_ns, new_york("2026-03-09", "00:00"));
}

TEST(Tumbling, WindowsFollowEachOtherWithoutGapInEveryZone) {
    SCOPED_TRACE(seed_note());
    Random random(7);
    const int64_t lengths[] = {kMinuteNs,   5 * kMinuteNs, 20 * kMinuteNs, kHourNs,    2 * kHourNs,
                               6 * kHourNs, 12 * kHourNs,  kDayNs,         3 * kDayNs, 7 * kDayNs};
    // Half hours, half-hour changes, changes at midnight both ways, a date that was skipped.
    for (const char* name : {"America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "America/Havana",
                             "Asia/Beirut", "America/Sao_Paulo", "Pacific/Apia", "UTC", ""})
        for (const int64_t length : lengths) {
            SCOPED_TRACE(std::string(name) + " " + std::to_string(length / kMinuteNs) + " min");
            const Tumbling windows(length, *name ? std::optional(Zone::load(name)) : std::nullopt);
            for (int i = 0; i < 200; ++i) {
                const StampNs t = random.between(0, 60 * 365 * kDayNs);
                const TimeWindow w = windows.at(t), next = windows.at(w.end_ns);
                ASSERT_LE(w.begin_ns, t);
                ASSERT_GT(w.end_ns, t);
                ASSERT_EQ(windows.at(w.begin_ns), w);
                ASSERT_EQ(windows.at(w.end_ns - 1), w);
                ASSERT_EQ(next.begin_ns, w.end_ns);
                ASSERT_LE(w.end_ns - w.begin_ns, length + kHourNs);
                if (length <= kHourNs) ASSERT_LE(w.end_ns - w.begin_ns, length);
            }
            // And across every change of a few years.
            TimeWindow w = windows.at(new_york("2025-12-31", "00:00"));
            for (int i = 0; i < 3'000 && length >= kHourNs; ++i) {
                const TimeWindow next = windows.at(w.end_ns);
                ASSERT_EQ(next.begin_ns, w.end_ns);
                ASSERT_LT(next.begin_ns, next.end_ns);
                w = next;
            }
        }
}

}  // namespace
}  // namespace penstock::test

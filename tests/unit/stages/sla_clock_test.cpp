// Whose time judges a deadline: history sent after the fact, sources with watermarks. Each also with a
// restart between all calls.
#include <gtest/gtest.h>

#include "tests/support/case_rig.h"

namespace penstock::test {
namespace {

class SlaClock : public testing::TestWithParam<bool> {
  protected:
    SlaClock() {
        rig.define(R"({"name":"w","key":"subject","edges":[{"from":"a","to":"b","within":"10s"}]})");
    }
    /// As view tells it; a look at all cases finds what is undetermined.
    std::string counts() {
        rig.engine->sweep_some(1'000, CaseRig::at(looked_s_ += 10'000));
        return rig.counts("a -> b");
    }
    CaseRig rig{GetParam()};

  private:
    double looked_s_ = 0;
};
INSTANTIATE_TEST_SUITE_P(Restarts, SlaClock, testing::Bool(),
                         [](const auto& p) { return p.param ? "BetweenAllCalls" : "None"; });

const Also kHistory{.backfill = true};

TEST_P(SlaClock, HistoryIsJudgedByItsOwnTimesAndAlertsNobody) {
    rig.delayed("met", "a", 0, 1000, kHistory);
    rig.delayed("met", "b", 10, 1000, kHistory);
    rig.delayed("late", "a", 11, 1000, kHistory);
    rig.delayed("late", "b", 22, 1001, kHistory);
    rig.delayed("missed", "a", 23, 1001, kHistory);
    rig.delayed("pending", "a", 34, 1002, kHistory);
    rig.pass(1'000'000);
    EXPECT_EQ(counts(), "anchored 4, met 1, late 1, missed 1, pending 1") << "and nothing is in trouble";
    EXPECT_EQ(rig.news(), News{});
    EXPECT_EQ(rig.engine->view("w").reason, "green");
}

TEST_P(SlaClock, EachSourceOfHistoryHasAClockOfItsOwn) {
    const Also other{.source = "/t", .backfill = true};
    rig.delayed("k", "a", 0, 1000, kHistory);
    rig.delayed("l", "a", 500, 1000, other);
    EXPECT_EQ(counts(), "anchored 2, pending 2") << "/t is further, /s may still tell of b";
    rig.delayed("k", "b", 5, 1001, kHistory);
    EXPECT_EQ(counts(), "anchored 2, met 1, pending 1");
}

TEST_P(SlaClock, ALiveEventTakesTheCaseOver) {
    rig.delayed("k", "a", 0, 1000, kHistory);
    rig.pass(2000);
    EXPECT_EQ(counts(), "anchored 1, pending 1");
    rig.event("k", "a", 2001);
    rig.pass(2001);
    EXPECT_EQ(rig.news(), News{"missed a -> b of k"});
    EXPECT_EQ(counts(), "anchored 1, missed 1, in trouble 1");
    rig.event("k", "b", 2002);
    EXPECT_EQ(rig.news(), News{"late a -> b of k"});
}

TEST_P(SlaClock, WhatHistoryMissedIsToldWhenALiveEventTakesTheCaseOver) {
    rig.delayed("k", "a", 0, 1000, kHistory);
    rig.delayed("l", "a", 0, 1000, kHistory);
    rig.delayed("x", "a", 100, 1000, kHistory);
    EXPECT_EQ(counts(), "anchored 3, missed 2, pending 1");
    rig.event("k", "a", 2000);
    EXPECT_EQ(rig.news(), News{"missed a -> b of k"});
    EXPECT_EQ(counts(), "anchored 3, missed 2, pending 1, in trouble 1");
    rig.event("l", "b", 2001);
    EXPECT_EQ(rig.news(), (News{"missed a -> b of l", "late a -> b of l"}))
        << "trouble begins before it ends";
}

TEST_P(SlaClock, HistoryOfALiveCaseIsPutInOrderThere) {
    rig.event("k", "a", 0);
    rig.pass(10);
    rig.delayed("k", "b", 5, 20, kHistory);
    EXPECT_EQ(rig.news(), (News{"missed a -> b of k", "delivered late a -> b of k"}));
    rig.event("l", "a", 30);
    rig.delayed("l", "a", 25, 31, kHistory);
    rig.pass(35);
    EXPECT_EQ(rig.news(), News{"missed a -> b of l"}) << "of the earlier a, and live";
}

TEST_P(SlaClock, RulesOnTheClockDoNotSeeHistory) {
    rig.define(
        R"({"name":"alive","absence":[{"name":"gate","type":"ping","every":"10s","key":"subject","keys":["gate"]}]})");
    rig.delayed("gate", "ping", 5, 6, kHistory);
    rig.pass(10);
    EXPECT_EQ(rig.news(), News{"missed gate of gate"});
}

// --- watermarks -------------------------------------------------------------------------------------------

TEST_P(SlaClock, ADeadlineWaitsForTheWatermarkOfItsSource) {
    rig.watermark(0, 0);
    rig.event("k", "a", 0);
    rig.event("live", "a", 0, {.source = "/t"});
    rig.pass(10);
    EXPECT_EQ(rig.news(), News{"missed a -> b of live"}) << "of a source without watermarks";
    EXPECT_EQ(rig.found.back().finding.evidence, Evidence::kClock);
    rig.pass_to(12);
    EXPECT_EQ(counts(), "anchored 2, missed 1, pending 1, undetermined 1, in trouble 1");
    rig.watermark(10, 13);
    EXPECT_EQ(rig.news(), News{}) << "what happened at 10 may still come";
    rig.watermark(10.5, 14);
    EXPECT_EQ(rig.news(), News{"missed a -> b of k"});
    EXPECT_EQ(rig.found.back().finding.evidence, Evidence::kWatermark);
}

TEST_P(SlaClock, WhatTheSourceHeldBackSettlesWithoutAnAlert) {
    rig.watermark(0, 0);
    rig.event("k", "a", 0);
    rig.pass(20);
    rig.delayed("k", "b", 9, 25);
    rig.watermark(25, 26);
    EXPECT_EQ(counts(), "anchored 1, met 1");
    EXPECT_EQ(rig.news(), News{});
}

TEST_P(SlaClock, AnIdleSourceHoldsNothingUp) {
    rig.watermark(0, 0);
    rig.event("k", "a", 0);
    rig.pass_to(30);
    EXPECT_EQ(rig.news(), News{});
    rig.pass(30);
    EXPECT_EQ(rig.news(), News{"missed a -> b of k"}) << "nothing was heard of it for 30 s";
    EXPECT_EQ(rig.found.back().finding.evidence, Evidence::kIdle);
}

TEST_P(SlaClock, ASourceThatOnlyLagsHoldsADeadlineUpForFiveMinutes) {
    rig.watermark(0, 0);
    rig.event("k", "a", 0);
    for (double now_s = 20; now_s <= 300; now_s += 20) rig.watermark(0, now_s);
    EXPECT_EQ(rig.news(), News{"out of range lag of /s"}) << "one alert, of the source";
    rig.watermark(0, 310);
    EXPECT_EQ(rig.news(), News{});
    rig.watermark(0, 311);
    EXPECT_EQ(rig.news(), News{"missed a -> b of k"});
    EXPECT_EQ(rig.found.back().finding.evidence, Evidence::kHeld);
}

TEST_P(SlaClock, ALagIsFoundOnceAndRecovers) {
    rig.watermark(0, 0);
    rig.watermark(1, 61);
    EXPECT_EQ(rig.news(), News{}) << "60 s are no lag";
    rig.watermark(1, 62);
    rig.watermark(2, 70);
    EXPECT_EQ(rig.news(), News{"out of range lag of /s"});
    EXPECT_EQ(rig.found[0].workflow, "sources");
    rig.watermark(70, 71);
    EXPECT_EQ(rig.news(), News{"recovered lag of /s"});
    rig.watermark(70, 131);
    EXPECT_EQ(rig.news(), News{"out of range lag of /s"});
    rig.pass(161);
    EXPECT_EQ(rig.news(), News{"recovered lag of /s"}) << "it is idle now: it has nothing to say";
}

TEST_P(SlaClock, ACaseIsOnTheClockOfTheSourceThatSpokeLastOfIt) {
    rig.watermark(0, 0);
    rig.event("k", "a", 0);
    rig.pass(11);
    EXPECT_EQ(rig.news(), News{});
    rig.event("k", "a", 12, {.source = "/t"});
    rig.pass(12);
    EXPECT_EQ(rig.news(), News{"missed a -> b of k"});
}

}  // namespace
}  // namespace penstock::test

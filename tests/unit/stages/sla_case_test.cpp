// What members of a document mean for a case: joins, loops, anchors, grace, amber, order, groups. Each also
// with a restart between all calls.
#include <gtest/gtest.h>

#include <map>

#include "tests/support/case_rig.h"

namespace penstock::test {
namespace {

class SlaCase : public testing::TestWithParam<bool> {
  protected:
    CaseRig rig{GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Restarts, SlaCase, testing::Bool(),
                         [](const auto& p) { return p.param ? "BetweenAllCalls" : "None"; });

// --- joins ------------------------------------------------------------------------------------------------

constexpr std::string_view kJoin = R"({"name":"w","key":"subject",
  "stages":[{"name":"in"},{"name":"a"},{"name":"b"},{"name":"both","join":["a","b"]},
            {"name":"done","terminal":"success"}],
  "edges":[{"from":"in","to":"a","within":"60s"},{"from":"in","to":"b","within":"60s"},
           {"from":"in","to":"both","within":"30s"},{"from":"both","to":"done","within":"10s"}]})";

TEST_P(SlaCase, AJoinIsReachedWithTheLastOfWhatItJoins) {
    rig.define(kJoin);
    rig.event("k", "in", 0);
    rig.event("k", "a", 5);
    rig.event("k", "both", 6);  // a join without an event of its own: its name is no type
    EXPECT_EQ(rig.counts("in -> both"), "anchored 1, pending 1");
    EXPECT_EQ(rig.counts("both -> done"), "");
    rig.event("k", "b", 20);
    EXPECT_EQ(rig.counts("in -> both"), "anchored 1, met 1");
    rig.pass_to(30);
    EXPECT_EQ(rig.news(), News{});
    rig.pass(30);
    EXPECT_EQ(rig.news(), News{"missed both -> done of k"}) << "it counts from b";
}

TEST_P(SlaCase, AJoinIsReachedWhenTheLastHappenedWhicheverCameLast) {
    rig.define(kJoin);
    rig.event("k", "in", 0);
    rig.event("k", "b", 20);
    rig.delayed("k", "a", 5, 25);
    EXPECT_EQ(rig.counts("in -> both"), "anchored 1, met 1");
    EXPECT_EQ(rig.counts("both -> done"), "anchored 1, pending 1");
    rig.pass(30);
    EXPECT_EQ(rig.news(), News{"missed both -> done of k"});
}

TEST_P(SlaCase, AJoinThatNeverCompletesIsMissed) {
    rig.define(kJoin);
    rig.event("k", "in", 0);
    rig.event("k", "a", 5);
    rig.pass(30);
    EXPECT_EQ(rig.news(), News{"missed in -> both of k"});
    rig.event("k", "b", 31);
    EXPECT_EQ(rig.news(), News{"late in -> both of k"});
}

TEST_P(SlaCase, AJoinWithAnEventOfItsOwnWaitsForThatToo) {
    rig.define(R"({"name":"w","key":"subject",
      "stages":[{"name":"in"},{"name":"a"},{"name":"b"},{"name":"both","type":"signed","join":["a","b"]}],
      "edges":[{"from":"in","to":"a","within":"60s"},{"from":"in","to":"b","within":"60s"},
               {"from":"in","to":"both","within":"30s"}]})");
    rig.event("after", "in", 0);
    rig.event("after", "a", 1);
    rig.event("after", "b", 2);
    EXPECT_EQ(rig.counts("in -> both"), "anchored 1, pending 1");
    rig.event("after", "signed", 3);
    EXPECT_EQ(rig.counts("in -> both"), "anchored 1, met 1");
    rig.event("before", "in", 10);
    rig.event("before", "signed", 11);
    rig.event("before", "a", 12);
    EXPECT_EQ(rig.counts("in -> both"), "anchored 2, met 1, pending 1");
    rig.event("before", "b", 13);
    EXPECT_EQ(rig.counts("in -> both"), "anchored 2, met 2");
    EXPECT_EQ(rig.disorder(), "0 unexpected, 0 out of order, 0 duplicate");
}

TEST_P(SlaCase, AJoinDoesNotWaitForWhatIsOptional) {
    rig.define(R"({"name":"w","key":"subject",
      "stages":[{"name":"in"},{"name":"a"},{"name":"b","optional":true},{"name":"both","join":["a","b"]}],
      "edges":[{"from":"in","to":"a","within":"60s"},{"from":"in","to":"b","within":"60s"},
               {"from":"b","to":"both","within":"30s"},{"from":"in","to":"both","within":"30s"}]})");
    rig.event("k", "in", 0);
    rig.event("k", "a", 1);
    EXPECT_EQ(rig.counts("in -> both"), "anchored 1, met 1");
    EXPECT_EQ(rig.counts("in -> b"), "anchored 1, cancelled 1") << "it is skipped";
}

// --- loops ------------------------------------------------------------------------------------------------

TEST_P(SlaCase, ALoopArmsItsEdgesOnceMoreAsOftenAsTheDocumentSays) {
    rig.define(R"({"name":"w","key":"subject",
      "stages":[{"name":"in"},{"name":"check"},{"name":"fix"},{"name":"done","terminal":"success"}],
      "edges":[{"from":"in","to":"check","within":"10s"},{"from":"check","to":"fix","within":"10s"},
               {"from":"fix","to":"check","within":"10s","loop":1},{"from":"check","to":"done","within":"60s"}]})");
    rig.event("k", "in", 0);
    rig.event("k", "check", 1);
    rig.event("k", "fix", 5);
    EXPECT_EQ(rig.counts("fix -> check"), "anchored 1, pending 1");
    rig.event("k", "check", 8);
    EXPECT_EQ(rig.counts("fix -> check"), "anchored 1, met 1");
    EXPECT_EQ(rig.counts("check -> fix"), "anchored 2, met 1, pending 1") << "the second round";
    EXPECT_EQ(rig.counts("check -> done"), "anchored 1, pending 1") << "it does not lie in the loop";
    rig.event("k", "fix", 20);
    EXPECT_EQ(rig.news(), (News{"missed check -> fix of k", "late check -> fix of k"})) << "2 s after 18";
    rig.event("k", "check", 25);
    EXPECT_EQ(rig.disorder(), "1 unexpected, 0 out of order, 0 duplicate") << "one round more than allowed";
    EXPECT_EQ(rig.counts("fix -> check"), "anchored 2, met 2") << "it still settles";
    rig.event("k", "fix", 26);
    EXPECT_EQ(rig.counts("check -> fix"), "anchored 2, met 1, late 1") << "and arms nothing";
    EXPECT_EQ(rig.disorder(), "1 unexpected, 0 out of order, 1 duplicate");
    rig.event("k", "done", 30);
    EXPECT_EQ(rig.counts("check -> done"), "anchored 1, met 1") << "from the first check";
    EXPECT_EQ(rig.engine->view("w").completed, 1u);
}

// --- anchors, grace, amber --------------------------------------------------------------------------------

TEST_P(SlaCase, WithEachEveryEventHasADeadlineAndTheOldestIsSettledFirst) {
    rig.define(
        R"({"name":"w","key":"subject","edges":[{"from":"a","to":"b","within":"10s","anchor":"each"}]})");
    for (const double s : {0, 4, 8}) rig.event("k", "a", s);
    rig.event("k", "b", 9);
    EXPECT_EQ(rig.counts("a -> b"), "anchored 3, met 1, pending 2");
    rig.pass(14);
    EXPECT_EQ(rig.news(), News{"missed a -> b of k"});
    EXPECT_EQ(rig.found[0].finding.anchor_seq, 3u) << "the second a: the document was the first record";
    rig.event("k", "b", 16);
    rig.event("k", "b", 17);
    EXPECT_EQ(rig.news(), News{"late a -> b of k"});
    EXPECT_EQ(rig.counts("a -> b"), "anchored 3, met 2, late 1");
    rig.event("k", "a", 20);
    EXPECT_EQ(rig.counts("a -> b"), "anchored 4, met 2, late 1, pending 1") << "also after all are settled";
}

TEST_P(SlaCase, WithEachAnEventThatComesLateMovesWhatEachSettles) {
    rig.define(
        R"({"name":"w","key":"subject","edges":[{"from":"a","to":"b","within":"10s","anchor":"each"}]})");
    rig.event("k", "a", 0);
    rig.event("k", "a", 8);
    rig.event("k", "b", 12);
    EXPECT_EQ(rig.counts("a -> b"), "anchored 2, late 1, pending 1");
    rig.delayed("k", "b", 3, 13);
    EXPECT_EQ(rig.counts("a -> b"), "anchored 2, met 2") << "b at 3 is of a at 0, b at 12 of a at 8";
    EXPECT_EQ(rig.news(), (News{"missed a -> b of k", "late a -> b of k"}));
}

TEST_P(SlaCase, WhatHappensInTheGraceIsLateAndNoTrouble) {
    rig.define(R"({"name":"w","key":"subject","edges":[{"from":"a","to":"b","within":"10s","grace":"5s"}]})");
    rig.event("k", "a", 0);
    rig.event("k", "b", 12);
    EXPECT_EQ(rig.counts("a -> b"), "anchored 1, late 1");
    EXPECT_EQ(rig.news(), News{});
    rig.event("l", "a", 20);
    rig.pass_to(35);
    EXPECT_EQ(rig.counts("a -> b"), "anchored 2, late 1, pending 1");
    rig.pass(35);
    EXPECT_EQ(rig.news(), News{"missed a -> b of l"});
    EXPECT_EQ(rig.found[0].finding.deadline_ns, CaseRig::at(30)) << "the grace moves no deadline";
    rig.delayed("l", "b", 32, 40);
    EXPECT_EQ(rig.news(), News{"late a -> b of l"}) << "in the grace, told after it";
    rig.event("m", "a", 50);
    rig.pass(65);
    rig.delayed("m", "b", 60, 70);
    EXPECT_EQ(rig.news(), (News{"missed a -> b of m", "delivered late a -> b of m"}));
    EXPECT_EQ(rig.counts("a -> b"), "anchored 3, met 1, late 2");
}

TEST_P(SlaCase, PastItsAmberShareAnEdgeIsAtRisk) {
    rig.define(R"({"name":"w","key":"subject","stages":[{"name":"a"},{"name":"b"},{"name":"c"},{"name":"d"}],
      "edges":[{"from":"a","to":"b","within":"10s"},{"from":"a","to":"c","within":"10s","amber":0.5},
               {"from":"a","to":"d","within":"10s","amber":1}]})");
    rig.event("k", "a", 0);
    rig.pass_to(5);
    EXPECT_EQ(rig.counts("a -> c"), "anchored 1, pending 1") << "until the share is over";
    rig.pass(5);
    EXPECT_EQ(rig.counts("a -> c"), "anchored 1, pending 1, at risk 1");
    EXPECT_EQ(rig.engine->view("w").reason, "amber: 1 at risk");
    rig.pass_to(8);
    EXPECT_EQ(rig.counts("a -> b"), "anchored 1, pending 1");
    rig.pass(8);
    EXPECT_EQ(rig.counts("a -> b"), "anchored 1, pending 1, at risk 1") << "0.8 where nothing is said";
    rig.event("k", "b", 9);
    EXPECT_EQ(rig.counts("a -> b"), "anchored 1, met 1");
    rig.pass_to(10);
    EXPECT_EQ(rig.counts("a -> d"), "anchored 1, pending 1") << "1: never";
    EXPECT_EQ(rig.news(), News{});
    rig.pass(10);
    EXPECT_EQ(rig.counts("a -> c"), "anchored 1, missed 1, in trouble 1");
    EXPECT_EQ(rig.news(), (News{"missed a -> c of k", "missed a -> d of k"}));
}

TEST_P(SlaCase, TheShortFormIsNeverAtRiskUnlessItSaysSo) {
    rig.define(R"({"name":"w","key":"subject","edges":[{"from":"a","to":"b","within":"10s"},
      {"from":"a","to":"c","within":"10s","amber":0.8}]})");
    rig.event("k", "a", 0);
    rig.pass_to(9);
    EXPECT_EQ(rig.counts("a -> b"), "anchored 1, pending 1");
    EXPECT_EQ(rig.counts("a -> c"), "anchored 1, pending 1, at risk 1");
}

TEST_P(SlaCase, ANewLastAnchorIsNotAtRiskAnyMore) {
    rig.define(
        R"({"name":"w","key":"subject","edges":[{"from":"a","to":"b","within":"10s","anchor":"last","amber":0.5}]})");
    rig.event("k", "a", 0);
    rig.event("k", "a", 7);
    EXPECT_EQ(rig.counts("a -> b"), "anchored 1, pending 1") << "it was at risk from 5 on";
    rig.pass(12);
    EXPECT_EQ(rig.counts("a -> b"), "anchored 1, pending 1, at risk 1");
}

// --- what nobody expects ----------------------------------------------------------------------------------

TEST_P(SlaCase, ADeadlineAtWhichNothingIsExpectedIsExcused) {
    rig.define(
        R"({"name":"w","key":"subject","edges":[{"from":"a","to":"b","within":"10s"},{"from":"a","to":"c","within":"20s"}]})");
    rig.not_expected = [](std::string_view rule, StampNs at_ns) {
        return rule == "a -> b" && at_ns >= CaseRig::at(10) && at_ns < CaseRig::at(15);
    };
    for (const char* key : {"never", "late", "in time"}) rig.event(key, "a", 0);
    rig.pass(10);
    EXPECT_EQ(rig.counts("a -> b"), "anchored 3, excused 3");
    rig.event("late", "b", 11);
    EXPECT_EQ(rig.counts("a -> b"), "anchored 3, excused 3") << "late, but not by anybody's fault";
    rig.delayed("in time", "b", 9, 12);
    EXPECT_EQ(rig.counts("a -> b"), "anchored 3, met 1, excused 2");
    EXPECT_EQ(rig.news(), News{});
    rig.event("other", "a", 5);
    rig.pass(15);
    EXPECT_EQ(rig.news(), News{"missed a -> b of other"}) << "the window is over at its deadline";
}

// --- groups -----------------------------------------------------------------------------------------------

TEST_P(SlaCase, ACaseCountsForTheGroupOfItsFirstEvent) {
    rig.define(
        R"({"name":"w","key":"subject","groups":["groups.market","groups.region"],"alerts_by":["groups.market"],
      "stages":[{"name":"a"},{"name":"b","terminal":"success"},{"name":"x","terminal":"failure"}],
      "edges":[{"from":"a","to":"b","within":"10s"}]})");
    rig.event("n", "a", 0, {.groups = {{"market", "XNYS"}, {"region", "us"}}});
    rig.event("l", "a", 1, {.groups = {{"market", "XLON"}}});
    rig.event("m", "a", 2, {.groups = {{"market", "XNYS"}, {"region", "us"}}});
    rig.event("n", "b", 3, {.groups = {{"market", "XTKS"}, {"region", "jp"}}});
    rig.event("l", "x", 4);
    rig.pass(12);
    EXPECT_EQ(rig.news(), News{"missed a -> b of m"});
    EXPECT_EQ(rig.found[0].group, "market=XNYS") << "only what tells alerts apart";
    std::map<std::string, GroupView> groups;
    for (const GroupView& g : rig.engine->view("w").groups) groups[g.group] = g;
    ASSERT_EQ(groups.size(), 2u);
    const GroupView& us = groups["market=XNYS, region=us"];
    EXPECT_EQ(CaseRig::text_of(us.counts), "anchored 2, met 1, missed 1, in trouble 1");
    EXPECT_EQ(us.in_flight, 1u);
    EXPECT_EQ(us.completed, 1u);
    const GroupView& london = groups["market=XLON, region=(none)"];
    EXPECT_EQ(CaseRig::text_of(london.counts), "anchored 1, cancelled 1");
    EXPECT_EQ(london.failed, 1u);
}

}  // namespace
}  // namespace penstock::test

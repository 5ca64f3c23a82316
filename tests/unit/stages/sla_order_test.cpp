// Events that contradict the graph: what is counted, what is dropped, and what is told. Each also with a
// restart between all calls.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/case_rig.h"

namespace penstock::test {
namespace {

/// a, b, c, d, each within 10 minutes, d the end; an event may come or happen out of order by 1 minute.
class SlaOrder : public testing::TestWithParam<bool> {
  protected:
    void define(const std::string& order) {
        rig.define(R"({"name":"w","key":"subject","disorder":"60s","order":)" + order + R"(,
          "stages":[{"name":"a"},{"name":"b"},{"name":"c"},{"name":"d","terminal":"success"}],
          "edges":[{"from":"a","to":"b","within":"10m"},{"from":"b","to":"c","within":"10m"},
                   {"from":"c","to":"d","within":"10m"}]})");
    }
    CaseRig rig{GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Restarts, SlaOrder, testing::Bool(),
                         [](const auto& p) { return p.param ? "BetweenAllCalls" : "None"; });

constexpr const char* kAlertAll = R"({"unexpected":"alert","out_of_order":"alert","duplicate":"alert"})";

TEST_P(SlaOrder, WhatIsFlaggedIsCountedAndReachesItsStage) {
    define("{}");
    rig.event("k", "a", 0);
    rig.event("k", "c", 10);
    EXPECT_EQ(rig.disorder(), "1 unexpected, 0 out of order, 0 duplicate");
    EXPECT_EQ(rig.counts("c -> d"), "anchored 1, pending 1");
    rig.event("k", "a", 11);
    EXPECT_EQ(rig.disorder(), "1 unexpected, 0 out of order, 1 duplicate");
    rig.pass(500);
    EXPECT_EQ(rig.news(), News{});
}

TEST_P(SlaOrder, WhatIsDroppedDoesNotReachItsStage) {
    define(R"({"unexpected":"drop"})");
    rig.event("k", "a", 0);
    rig.event("k", "c", 10);
    rig.event("k", "d", 20);
    EXPECT_EQ(rig.disorder(), "2 unexpected, 0 out of order, 0 duplicate");
    EXPECT_EQ(rig.counts("c -> d"), "");
    EXPECT_EQ(rig.engine->view("w").completed, 0u);
    rig.delayed("k", "b", 5, 30);
    EXPECT_EQ(rig.disorder(), "0 unexpected, 0 out of order, 0 duplicate") << "by its own time b came first";
    EXPECT_EQ(rig.counts("b -> c"), "anchored 1, met 1");
    EXPECT_EQ(rig.counts("c -> d"), "anchored 1, met 1");
    EXPECT_EQ(rig.engine->view("w").completed, 1u);
}

TEST_P(SlaOrder, AnUnexpectedEventIsToldWhenNothingHasComeForTheBound) {
    define(kAlertAll);
    rig.event("k", "a", 0);
    rig.event("k", "c", 10);
    rig.pass_to(70);
    EXPECT_EQ(rig.news(), News{});
    rig.pass(70);
    EXPECT_EQ(rig.news(), News{"disorder order of k"});
    EXPECT_EQ(rig.found[0].finding.anchor_seq, 3u) << "c; the document was the first record";
    EXPECT_EQ(rig.found[0].finding.deadline_ns, CaseRig::at(10)) << "when it happened";
    rig.pass(200);
    EXPECT_EQ(rig.news(), News{}) << "once";
    rig.event("k", "d", 210);
    EXPECT_EQ(rig.news(), News{"withdrawn order of k"}) << "the case has ended";
    rig.pass(1000);
    EXPECT_EQ(rig.news(), News{}) << "and it stays ended";
}

TEST_P(SlaOrder, WhatTurnsOutRightInTimeIsNotTold) {
    define(kAlertAll);
    rig.event("k", "a", 0);
    rig.event("k", "c", 10);
    rig.event("k", "b", 70);  // it happened 60 s later than it should
    EXPECT_EQ(rig.disorder(), "0 unexpected, 0 out of order, 0 duplicate");
    EXPECT_EQ(rig.counts("b -> c"), "anchored 1, pending 1") << "but c has been before";
    rig.pass(500);
    EXPECT_EQ(rig.news(), News{});
}

TEST_P(SlaOrder, BeyondTheBoundItIsOutOfOrder) {
    define(R"({"out_of_order":"alert"})");
    rig.event("k", "a", 0);
    rig.event("k", "c", 10);
    rig.pass(70);
    EXPECT_EQ(rig.news(), News{}) << "unexpected events are flagged only";
    rig.event("k", "b", 71);
    EXPECT_EQ(rig.disorder(), "0 unexpected, 1 out of order, 0 duplicate");
    rig.pass_to(131);
    EXPECT_EQ(rig.news(), News{});
    rig.pass(131);
    EXPECT_EQ(rig.news(), News{"disorder order of k"});
    rig.event("k", "d", 140);
    rig.pass(1000);
    EXPECT_EQ(rig.news(), News{"withdrawn order of k"});
}

TEST_P(SlaOrder, WhatTheEndFollowsWithinTheBoundIsNotTold) {
    define(kAlertAll);
    rig.event("k", "a", 0);
    rig.event("k", "c", 10);
    rig.event("k", "d", 20);
    rig.pass(1000);
    EXPECT_EQ(rig.disorder(), "1 unexpected, 0 out of order, 0 duplicate");
    EXPECT_EQ(rig.news(), News{}) << "it would be over before it is told";
}

TEST_P(SlaOrder, AnEndThatNothingLedToIsTold) {
    define(kAlertAll);
    rig.event("k", "a", 0);
    rig.event("k", "d", 10);
    rig.pass(70);
    EXPECT_EQ(rig.news(), News{"disorder order of k"});
    rig.pass(1000);
    EXPECT_EQ(rig.news(), News{}) << "a person closes it";
}

TEST_P(SlaOrder, ADuplicateIsToldAtOnce) {
    define(kAlertAll);
    rig.event("k", "a", 0);
    rig.event("k", "b", 1);
    rig.event("k", "b", 2);
    EXPECT_EQ(rig.news(), News{"disorder order of k"});
    EXPECT_EQ(rig.disorder(), "0 unexpected, 0 out of order, 1 duplicate");
    EXPECT_EQ(rig.counts("b -> c"), "anchored 1, pending 1") << "from the first";
    rig.event("k", "c", 3);
    rig.event("k", "d", 4);
    EXPECT_EQ(rig.news(), News{"withdrawn order of k"});
}

TEST_P(SlaOrder, ADuplicateIsToldAlsoWhereTheGraphHasALoopOrTheCaseAnOpenQuestion) {
    rig.define(R"({"name":"w","key":"subject","order":{"duplicate":"alert"},
      "stages":[{"name":"a"},{"name":"b"},{"name":"c"}],
      "edges":[{"from":"a","to":"b","within":"10m"},{"from":"b","to":"a","within":"10m","loop":1},
               {"from":"b","to":"c","within":"10m"}]})");
    rig.event("k", "a", 0);
    rig.event("k", "a", 1);
    EXPECT_EQ(rig.news(), News{"disorder order of k"});
    rig.event("l", "c", 2);  // nothing led to it
    rig.event("l", "c", 3);
    EXPECT_EQ(rig.news(), News{"disorder order of l"});
    rig.event("m", "a", 10);
    rig.delayed("m", "a", 9, 11);
    EXPECT_EQ(rig.news(), News{"disorder order of m"}) << "also where the first comes second";
}

TEST_P(SlaOrder, WhatComesAfterTheEndIsCountedOnly) {
    define(kAlertAll);
    rig.event("k", "a", 0);
    for (const auto& [type, at_s] : {std::pair{"b", 1}, {"c", 2}, {"d", 3}}) rig.event("k", type, at_s);
    rig.event("k", "d", 4);
    EXPECT_EQ(rig.disorder(), "0 unexpected, 0 out of order, 1 duplicate");
    rig.pass(1000);
    EXPECT_EQ(rig.news(), News{});
    EXPECT_EQ(rig.engine->view("w").completed, 1u);
}

TEST_P(SlaOrder, AnyOrderOfArrivalGivesTheSameCountsInTheEnd) {
    define("{}");
    const std::vector<std::pair<const char*, double>> happened{{"a", 0}, {"b", 1}, {"c", 2}, {"d", 3}};
    std::vector<size_t> order{0, 1, 2, 3};
    double now_s = 10;
    uint64_t cases = 0;
    do {
        const std::string key = "k" + std::to_string(++cases);
        for (const size_t i : order) rig.delayed(key, happened[i].first, happened[i].second, now_s++);
    } while (std::next_permutation(order.begin(), order.end()));
    const std::string all = "anchored " + std::to_string(cases) + ", met " + std::to_string(cases);
    for (const char* rule : {"a -> b", "b -> c", "c -> d"}) EXPECT_EQ(rig.counts(rule), all);
    EXPECT_EQ(rig.disorder(), "0 unexpected, 0 out of order, 0 duplicate");
    EXPECT_EQ(rig.engine->view("w").completed, cases);
}

}  // namespace
}  // namespace penstock::test

// Versions of a document, with cases in flight. Each also with a restart between all calls.
#include <gtest/gtest.h>

#include "tests/support/case_rig.h"
#include "tests/support/hot_log.h"

namespace penstock::test {
namespace {

std::string within(int seconds, const std::string& more = "") {
    return R"({"name":"w","key":"subject","edges":[{"from":"a","to":"b","within":")" +
           std::to_string(seconds) + R"(s"})" + more + "]}";
}

class SlaVersion : public testing::TestWithParam<bool> {
  protected:
    std::vector<std::string> states() const {
        std::vector<std::string> out;
        for (const WorkflowVersion& v : rig.engine->versions("w"))
            out.emplace_back(kVersionStateNames[static_cast<size_t>(v.state)]);
        return out;
    }
    /// Of the version that ran as this one, from 0.
    EdgeCounts first_edge(uint32_t running) const { return rig.engine->counts(running).edges.at(0); }

    CaseRig rig{GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Restarts, SlaVersion, testing::Bool(),
                         [](const auto& p) { return p.param ? "BetweenAllCalls" : "None"; });
using States = std::vector<std::string>;

TEST(SlaVersions, ADocumentThatOnlyAnOlderProgramTookIsKeptWithItsFaultsAndDoesNotRun) {
    EngineRig before;
    before.engine.add_version("w", within(10), VersionState::kDraft, false, {}, kSecond, 1);
    Rows rows;
    rows.save(before.engine);
    Engine engine(Engine::Options{});
    for (auto [key, value] : rows.rows()) {
        if (const size_t at = value.find("10s"); at != std::string::npos) value.replace(at, 3, "10x");
        const auto bytes = [](const std::string& s) {
            return std::span(reinterpret_cast<const uint8_t*>(s.data()), s.size());
        };
        engine.load_row(bytes(key), bytes(value));
    }
    engine.loaded(kSecond);
    EXPECT_EQ(engine.versions("w").at(0).faults, "");
    EXPECT_FALSE(engine.change_version("w", 1, VersionState::kActive, false, {}, 2 * kSecond, 2));
    ASSERT_EQ(engine.versions("w").size(), 1u);
    EXPECT_NE(engine.versions("w")[0].faults.find("/edges/0/within: "), std::string::npos);
    EXPECT_TRUE(engine.workflow_ids().empty());
}

TEST(SlaVersions, OneThatEndsInTheMiddleOfARecordIsNotLookedAtByTheEventsBehind) {
    HotLog hot;
    Engine engine(Engine::Options{});
    const auto apply = [&](const std::vector<LoggedEvent>& events) {
        LogReader(hot.log()).scan(hot.append(events),
                                  [&](const RecordView& r) { return engine.apply(r), true; });
    };
    const StampNs now = CaseRig::kStart;
    engine.add_version("w", within(10), VersionState::kActive, false, {}, now, 1);
    apply({{.id = "1", .type = "a", .subject = "k"}});
    engine.add_version("w", within(20), VersionState::kActive, false, {}, now, 1);
    std::vector<LoggedEvent> events{
        {.id = "2", .type = "b", .subject = "k"}};  // the first version's last case
    for (int i = 0; i < 100; ++i)
        events.push_back({.id = std::to_string(3 + i), .type = i % 2 ? "a" : "b", .subject = "k"});
    apply(events);
    ASSERT_EQ(engine.versions("w").size(), 2u);
    EXPECT_EQ(engine.versions("w")[0].state, VersionState::kRetired);
    EXPECT_EQ(engine.counts(engine.workflow_ids().at(0)).edges.at(0).anchored, 1u) << "the next case of k";
}

TEST_P(SlaVersion, ADraftMayHaveFaultsAndDoesNotRun) {
    EXPECT_EQ(rig.add("w", R"({"name":"w","key":"subject","edges":[{"from":"a","within":"1m"}]})",
                      VersionState::kDraft),
              1u);
    EXPECT_EQ(rig.add("w", within(10), VersionState::kDraft), 2u);
    EXPECT_EQ(states(), (States{"draft", "validated"}));
    EXPECT_NE(rig.engine->versions("w")[0].faults.find("/edges/0/to: "), std::string::npos);
    EXPECT_EQ(rig.engine->versions("w")[1].faults, "");
    EXPECT_FALSE(rig.change("w", 1, VersionState::kActive));
    EXPECT_FALSE(rig.change("w", 1, VersionState::kShadow));
    EXPECT_FALSE(rig.change("w", 3, VersionState::kActive)) << "there is no such version";
    EXPECT_FALSE(rig.change("v", 1, VersionState::kActive));
    rig.event("k", "a", 0);
    EXPECT_EQ(rig.engine->instances(), 0u);
    EXPECT_TRUE(rig.change("w", 2, VersionState::kActive));
    EXPECT_FALSE(rig.change("w", 2, VersionState::kActive)) << "it is already";
    const auto history = rig.engine->versions("w")[1].history;
    ASSERT_EQ(history.size(), 2u);
    EXPECT_EQ(history[1].action, "active");
    EXPECT_EQ(history[1].by, "anna");
    EXPECT_EQ(history[1].note, "why not");
}

TEST_P(SlaVersion, WhatShallRunAndHasFaultsIsRefusedAndLeavesNothing) {
    for (const VersionState state : {VersionState::kActive, VersionState::kShadow})
        EXPECT_THROW(rig.add("w", R"({"name":"w"})", state), WorkflowError);
    EXPECT_TRUE(rig.engine->versions("w").empty());
    EXPECT_TRUE(rig.engine->names().empty());
}

TEST_P(SlaVersion, WhatIsInFlightEndsOnItsOwnVersion) {
    rig.add("w", within(10), VersionState::kActive);
    rig.event("k", "a", 0);
    rig.add("w", within(20), VersionState::kActive);
    EXPECT_EQ(states(), (States{"draining", "active"}));
    rig.event("l", "a", 1);
    rig.pass(10);
    EXPECT_EQ(rig.news(), News{"missed a -> b of k"}) << "10 s of the first version";
    EXPECT_EQ(rig.counts("a -> b"), "anchored 1, pending 1") << "of the second, l";
    rig.event("k", "b", 15);
    EXPECT_EQ(rig.news(), News{"late a -> b of k"});
    EXPECT_EQ(states(), (States{"retired", "active"})) << "nothing is in flight on it any more";
    EXPECT_EQ(rig.engine->versions("w")[0].history.back().by, "penstock");
    EXPECT_EQ(rig.counts("a -> b"), "anchored 1, pending 1");
    rig.event("k", "a", 16);
    EXPECT_EQ(rig.counts("a -> b"), "anchored 2, pending 2") << "from now on k is of the second";
    rig.pass(21);
    EXPECT_EQ(rig.news(), News{"missed a -> b of l"});
}

TEST_P(SlaVersion, AVersionWithoutCasesRetiresAtOnceAndMayComeAgain) {
    rig.add("w", within(10), VersionState::kActive);
    rig.add("w", within(20), VersionState::kActive);
    EXPECT_EQ(states(), (States{"retired", "active"}));
    EXPECT_TRUE(rig.change("w", 1, VersionState::kActive));
    EXPECT_EQ(states(), (States{"active", "retired"}));
    EXPECT_EQ(rig.engine->document("w"), within(10));
    rig.event("k", "a", 0);
    rig.pass(10);
    EXPECT_EQ(rig.news(), News{"missed a -> b of k"});
}

TEST_P(SlaVersion, ADrainingVersionThatBecomesActiveAgainKeepsItsCases) {
    rig.add("w", within(10), VersionState::kActive);
    rig.event("k", "a", 0);
    rig.add("w", within(20), VersionState::kActive);
    rig.event("l", "a", 1);
    EXPECT_TRUE(rig.change("w", 1, VersionState::kActive));
    EXPECT_EQ(states(), (States{"active", "draining"}));
    EXPECT_EQ(rig.counts("a -> b"), "anchored 1, pending 1");
    rig.event("k", "b", 2);
    rig.event("l", "b", 12);
    EXPECT_EQ(rig.counts("a -> b"), "anchored 1, met 1");
    EXPECT_EQ(states(), (States{"active", "retired"}));
    EXPECT_EQ(rig.news(), News{}) << "l had 20 s";
}

TEST_P(SlaVersion, MigratedDeadlinesCountFromTheSameEventAsBefore) {
    rig.add("w", within(10), VersionState::kActive);
    rig.event("k", "a", 0);
    rig.event("l", "a", 5);
    rig.event("m", "a", 5);
    rig.event("l", "b", 6);
    rig.pass_to(7);
    rig.add("w", within(30), VersionState::kActive, true);
    EXPECT_EQ(states(), (States{"retired", "active"}));
    EXPECT_EQ(rig.counts("a -> b"), "anchored 3, met 1, pending 2");
    rig.pass_to(30);
    EXPECT_EQ(rig.news(), News{});
    rig.pass(30);
    EXPECT_EQ(rig.news(), News{"missed a -> b of k"});
    rig.add("w", within(20), VersionState::kActive, true);
    EXPECT_EQ(rig.news(), News{"withdrawn a -> b of k"}) << "that deadline is gone";
    rig.pass(31);
    EXPECT_EQ(rig.news(), (News{"missed a -> b of k", "missed a -> b of m"})) << "by the shorter ones";
    EXPECT_EQ(rig.counts("a -> b"), "anchored 3, met 1, missed 2, in trouble 2");
}

TEST_P(SlaVersion, WhatWasMissedAndStaysTheSameIsNotToldAgain) {
    rig.add("w", within(10), VersionState::kActive);
    rig.event("k", "a", 0);
    rig.pass(10);
    EXPECT_EQ(rig.news(), News{"missed a -> b of k"});
    rig.add("w", within(10, R"(,{"from":"a","to":"c","within":"60s"})"), VersionState::kActive, true);
    rig.pass(20);
    EXPECT_EQ(rig.news(), News{});
    EXPECT_EQ(rig.counts("a -> b"), "anchored 1, missed 1, in trouble 1");
    EXPECT_EQ(rig.counts("a -> c"), "anchored 1, pending 1") << "a new edge is armed from the old event";
    rig.event("k", "b", 21);
    EXPECT_EQ(rig.news(), News{"late a -> b of k"});
    rig.pass(60);
    EXPECT_EQ(rig.news(), News{"missed a -> c of k"});
}

TEST_P(SlaVersion, TroubleOfAnEdgeThatTheNewVersionHasNotIsWithdrawn) {
    rig.add("w", within(10), VersionState::kActive);
    rig.event("k", "a", 0);
    rig.pass(10);
    rig.add("w", R"({"name":"w","key":"subject","edges":[{"from":"a","to":"c","within":"60s"}]})",
            VersionState::kActive, true);
    EXPECT_EQ(rig.news(), (News{"missed a -> b of k", "withdrawn a -> b of k"}));
    rig.pass(60);
    EXPECT_EQ(rig.news(), News{"missed a -> c of k"});
}

TEST_P(SlaVersion, AShadowCountsAndTellsNobody) {
    rig.add("w", within(10), VersionState::kActive);
    rig.add("w", within(5), VersionState::kShadow);
    rig.event("k", "a", 0);
    rig.event("l", "a", 0);
    rig.pass(5);
    EXPECT_EQ(first_edge(1).missed, 2u);
    rig.event("k", "b", 6);
    EXPECT_EQ(first_edge(1).late, 1u);
    EXPECT_EQ(first_edge(0).met, 1u);
    EXPECT_EQ(rig.news(), News{});
    EXPECT_EQ(rig.engine->views().size(), 2u) << "it is seen beside the active one";
    EXPECT_EQ(rig.engine->view("w").version, 1u);
    rig.pass(10);
    EXPECT_EQ(rig.news(), News{"missed a -> b of l"}) << "the active one's";
    EXPECT_EQ(rig.add("w", within(7), VersionState::kShadow), 3u);
    EXPECT_EQ(states(), (States{"active", "retired", "shadow"})) << "one shadow at a time";
    EXPECT_EQ(rig.news(), News{});
}

TEST_P(SlaVersion, AShadowThatBecomesActiveTakesOverWhatItKnows) {
    rig.add("w", within(10), VersionState::kActive);
    rig.event("old", "a", 0);
    rig.add("w", within(5), VersionState::kShadow);
    rig.event("k", "a", 1);
    rig.event("l", "a", 1);
    rig.event("l", "b", 2);
    rig.pass(6);
    EXPECT_TRUE(rig.change("w", 2, VersionState::kActive));
    EXPECT_EQ(rig.news(), News{"missed a -> b of k"}) << "it was missed in the shadow, and still is";
    EXPECT_EQ(states(), (States{"draining", "active"}));
    EXPECT_EQ(rig.counts("a -> b"), "anchored 2, met 1, missed 1, in trouble 1");
    rig.event("k", "b", 7);
    EXPECT_EQ(rig.news(), News{"late a -> b of k"});
    rig.pass(11);
    EXPECT_EQ(rig.news(), News{"missed a -> b of old"}) << "the shadow never saw it begin";
    rig.event("old", "b", 12);
    EXPECT_EQ(states(), (States{"retired", "active"}));
}

TEST_P(SlaVersion, TroubleOfTheActiveVersionEndsWhereTheShadowTakesTheCaseOver) {
    rig.add("w", within(5), VersionState::kActive);
    rig.add("w", within(10), VersionState::kShadow);
    rig.event("k", "a", 0);
    rig.pass(5);
    EXPECT_TRUE(rig.change("w", 2, VersionState::kActive));
    EXPECT_EQ(rig.news(), (News{"missed a -> b of k", "withdrawn a -> b of k"}));
    rig.pass(10);
    EXPECT_EQ(rig.news(), News{"missed a -> b of k"});
}

TEST_P(SlaVersion, WhatIsRetiredTakesItsTroubleBackAndForgetsItsCases) {
    rig.add("w", within(10), VersionState::kActive);
    rig.event("k", "a", 0);
    rig.event("l", "a", 5);
    rig.pass(10);
    EXPECT_EQ(rig.news(), News{"missed a -> b of k"});
    EXPECT_TRUE(rig.change("w", 1, VersionState::kRetired));
    EXPECT_EQ(rig.news(), News{"withdrawn a -> b of k"});
    EXPECT_EQ(rig.engine->instances(), 0u);
    EXPECT_EQ(rig.engine->timers(), 0u);
    EXPECT_EQ(rig.engine->view("w").name, "");
    EXPECT_EQ(rig.engine->names(), (std::vector<std::string>{"w"})) << "its versions are still known";
    rig.event("k", "b", 12);
    EXPECT_EQ(rig.news(), News{});
}

}  // namespace
}  // namespace penstock::test

#include <gtest/gtest.h>

#include <limits>

#include "tests/support/engine_rig.h"

namespace penstock::test {
namespace {

using Counts = std::vector<uint64_t>;  // met, late, missed, pending, anchored
using Kind = SlaEffect::Kind;
constexpr StampNs kT = 1'767'225'600 * kSecond;

TEST(SlaEngine, SettledExactlyAtTheDeadlineIsMet) {
    EngineRig rig;
    rig.engine.define(workflow_of({{"a", "b", 10}}));
    rig.event("k", "a", kT, kT);
    EXPECT_EQ(rig.counts(), (Counts{0, 0, 0, 1, 1}));
    rig.event("k", "b", kT + 10 * kSecond, kT + 10 * kSecond);
    EXPECT_EQ(rig.counts(), (Counts{1, 0, 0, 0, 1}));
    EXPECT_EQ(rig.engine.timers(), 0u);
    EXPECT_TRUE(rig.told.empty());
}

TEST(SlaEngine, OneNanosecondAfterTheDeadlineIsMissedAndThenLate) {
    EngineRig rig;
    rig.engine.define(workflow_of({{"a", "b", 10}}));
    rig.event("k", "a", kT, kT);
    rig.engine.advance(kT + 10 * kSecond, 7);
    EXPECT_EQ(rig.counts(), (Counts{0, 0, 0, 1, 1})) << "at the deadline it is still in time";
    rig.engine.advance(kT + 10 * kSecond + 1, 8);
    EXPECT_EQ(rig.counts(), (Counts{0, 0, 1, 0, 1}));
    rig.event("k", "b", kT + 10 * kSecond + 1, kT + 10 * kSecond + 2);
    EXPECT_EQ(rig.counts(), (Counts{0, 1, 0, 0, 1}));
    ASSERT_EQ(rig.told.size(), 2u);
    EXPECT_EQ(rig.told[0], (Told{Kind::kMissed, 0, 0, EngineRig::key_of("k").lo, 1, 8, kT + 10 * kSecond,
                                 kT + 10 * kSecond + 1}));
    EXPECT_EQ(rig.told[1].kind, Kind::kLate);
    EXPECT_EQ(rig.told[1].cause, 2u);
}

TEST(SlaEngine, AnEventInTimeThatIsDeliveredLateRetractsTheMiss) {
    EngineRig rig;
    rig.engine.define(workflow_of({{"a", "b", 10}}));
    rig.event("k", "a", kT, kT);
    rig.event("other", "a", kT + 60 * kSecond, kT + 60 * kSecond);
    EXPECT_EQ(rig.counts(), (Counts{0, 0, 1, 1, 2}));
    rig.event("k", "b", kT + 10 * kSecond, kT + 61 * kSecond);
    EXPECT_EQ(rig.counts(), (Counts{1, 0, 0, 1, 2}));
    ASSERT_EQ(rig.told.size(), 2u);
    EXPECT_EQ(rig.told[1].kind, Kind::kRetracted);
    SlaSnapshot snapshot;
    rig.engine.snapshot(snapshot);
    EXPECT_EQ(snapshot.fired_total, 1u);
    EXPECT_EQ(snapshot.retracted_total, 1u);
}

TEST(SlaEngine, OnlyTheFirstAnchorCountsAndOnlyTheFirstSettlement) {
    EngineRig rig;
    rig.engine.define(workflow_of({{"a", "b", 10}}));
    rig.event("k", "b", kT - 1, kT - 1);  // before its anchor: settles nothing
    rig.event("k", "a", kT, kT);
    rig.event("k", "a", kT + 5 * kSecond, kT + 5 * kSecond);
    rig.event("k", "b", kT + 11 * kSecond, kT + 11 * kSecond);
    EXPECT_EQ(rig.counts(), (Counts{0, 1, 0, 0, 1})) << "the second a did not move the deadline";
    rig.event("k", "b", kT + 12 * kSecond, kT + 12 * kSecond);
    rig.event("k", "a", kT + 13 * kSecond, kT + 13 * kSecond);
    EXPECT_EQ(rig.counts(), (Counts{0, 1, 0, 0, 1}));
}

TEST(SlaEngine, WhereFromAndToAreOneTypeTheSecondSettlesTheFirst) {
    EngineRig rig;
    rig.engine.define(workflow_of({{"a", "a", 10}}));
    rig.event("k", "a", kT, kT);
    EXPECT_EQ(rig.counts(), (Counts{0, 0, 0, 1, 1}));
    rig.event("k", "a", kT + kSecond, kT + kSecond);
    EXPECT_EQ(rig.counts(), (Counts{1, 0, 0, 0, 1}));
    rig.event("k", "a", kT + 2 * kSecond, kT + 2 * kSecond);
    EXPECT_EQ(rig.counts(), (Counts{1, 0, 0, 0, 1}));
}

TEST(SlaEngine, OneEventSettlesOneEdgeAndAnchorsTheNext) {
    EngineRig rig;
    rig.engine.define(workflow_of({{"a", "b", 10}, {"b", "c", 5}, {"a", "c", 20}}));
    rig.event("k", "a", kT, kT);
    rig.event("k", "b", kT + kSecond, kT + kSecond);
    EXPECT_EQ(rig.counts(0), (Counts{1, 0, 0, 0, 1}));
    EXPECT_EQ(rig.counts(1), (Counts{0, 0, 0, 1, 1}));
    rig.event("k", "c", kT + 7 * kSecond, kT + 7 * kSecond);
    EXPECT_EQ(rig.counts(1), (Counts{0, 1, 0, 0, 1}));
    EXPECT_EQ(rig.counts(2), (Counts{1, 0, 0, 0, 1}));
    ASSERT_EQ(rig.told.size(), 2u);
    EXPECT_EQ(rig.told[0].anchor, 2u) << "b armed this deadline, not the first event of the key";
}

TEST(SlaEngine, EventsOfEqualTimesAreJudgedInTheOrderOfTheStream) {
    EngineRig rig;
    rig.engine.define(workflow_of({{"a", "b", 0}}));
    rig.event("1", "a", kT, kT);
    rig.event("1", "b", kT, kT);
    rig.event("2", "b", kT, kT);
    rig.event("2", "a", kT, kT);
    EXPECT_EQ(rig.counts(), (Counts{1, 0, 0, 1, 2}));
    rig.engine.advance(kT + 1, 9);
    EXPECT_EQ(rig.counts(), (Counts{1, 0, 1, 0, 2}));
}

TEST(SlaEngine, ADeadlineThatHasPassedWhenItIsArmedFiresAtTheNextRecord) {
    EngineRig rig;
    rig.engine.define(workflow_of({{"a", "b", 10}}));
    rig.event("k", "a", kT - 3600 * kSecond, kT);
    EXPECT_EQ(rig.counts(), (Counts{0, 0, 0, 1, 1}));
    rig.engine.advance(kT + 1, 2);
    EXPECT_EQ(rig.counts(), (Counts{0, 0, 1, 0, 1}));
    ASSERT_EQ(rig.told.size(), 1u);
    EXPECT_EQ(rig.told[0].at, kT + 1);
}

TEST(SlaEngine, DeadlinesBeyondTheEndOfTimeNeverPass) {
    EngineRig rig;
    rig.engine.define(workflow_of({{"a", "b", 99LL * 365 * 86'400}}));
    rig.event("k", "a", 9'214'646'399 * kSecond, kT);  // the last second of 2261
    rig.engine.advance(std::numeric_limits<StampNs>::max(), 2);
    EXPECT_EQ(rig.counts(), (Counts{0, 0, 0, 1, 1}));
}

TEST(SlaEngine, EventsWithoutAKeyAreLeftOut) {
    EngineRig rig;
    rig.engine.define(workflow_of({{"a", "b", 10}}));
    rig.event("", "a", kT, kT);
    EXPECT_EQ(rig.counts(), (Counts{0, 0, 0, 0, 0}));
}

TEST(SlaEngine, KeysComeFromWhereTheWorkflowSays) {
    for (const std::string key : {"source", "keys.order", "groups.site", "room", "data.order.id"}) {
        SCOPED_TRACE(key);
        EngineRig rig;
        rig.engine.define(workflow_of({{"a", "b", 10}}, "w", key));
        EventFields f;
        f.id = "1", f.source = "/s", f.type = "a";
        f.keys = {{"order", "7"}}, f.groups = {{"site", "7"}}, f.extensions = {{"room", "7"}};
        f.data = R"({"order":{"id":7}})";
        rig.feed(f, "x", kT, kT);
        f.type = "b";
        rig.feed(f, "y", kT + 1, kT + 1);
        EXPECT_EQ(rig.counts(), (Counts{1, 0, 0, 0, 1}));
        f.type = "a", f.source = "", f.keys.clear(), f.groups.clear(), f.extensions.clear(), f.data = "[1";
        rig.feed(f, "z", kT + 2, kT + 2);
        EXPECT_EQ(rig.counts(), (Counts{1, 0, 0, 0, 1})) << "no such attribute: no instance";
    }
}

TEST(SlaEngine, EqualDeadlinesFireInTheOrderOfTheirAnchors) {
    EngineRig rig;
    rig.engine.define(workflow_of({{"a", "b", 10}}));
    for (int i = 0; i < 100; ++i) rig.event(std::to_string(i * 7919 % 100), "a", kT, kT + i);
    rig.engine.advance(kT + 11 * kSecond, 1000);
    ASSERT_EQ(rig.told.size(), 100u);
    for (size_t i = 0; i < 100; ++i) EXPECT_EQ(rig.told[i].anchor, i + 1);
}

TEST(SlaEngine, ARetiredWorkflowFiresNoMore) {
    EngineRig rig;
    rig.engine.define(workflow_of({{"a", "b", 10}}));
    rig.event("k", "a", kT, kT);
    rig.engine.advance(kT + 3600 * kSecond, 9);
    rig.event("other", "a", kT + 3600 * kSecond, kT + 3600 * kSecond);
    EXPECT_EQ(rig.told.size(), 1u);
    rig.engine.retire("w");
    EXPECT_EQ(rig.engine.timers(), 0u);
    EXPECT_EQ(rig.engine.workflow(0), nullptr);
    EXPECT_TRUE(rig.engine.workflow_ids().empty());
    EXPECT_EQ(rig.engine.document("w"), "");
    rig.event("k", "b", kT + 2 * kSecond, kT + 7200 * kSecond);
    EXPECT_EQ(rig.told.size(), 1u);
}

TEST(SlaEngine, TwoWorkflowsCountForThemselves) {
    EngineRig rig;
    rig.engine.define(workflow_of({{"a", "b", 10}}, "first"));
    rig.engine.define(workflow_of({{"b", "a", 10}, {"a", "b", 1}}, "second"));
    rig.event("k", "a", kT, kT);
    rig.event("k", "b", kT + 2 * kSecond, kT + 2 * kSecond);
    rig.event("k", "a", kT + 3 * kSecond, kT + 3 * kSecond);
    EXPECT_EQ(rig.counts(0, 0), (Counts{1, 0, 0, 0, 1}));
    EXPECT_EQ(rig.counts(0, 1), (Counts{1, 0, 0, 0, 1}));
    EXPECT_EQ(rig.counts(1, 1), (Counts{0, 1, 0, 0, 1}));
}

TEST(SlaEngine, InstancesWithNothingArmedGoAfterTheirRetention) {
    EngineRig rig(60 * kSecond);
    rig.engine.define(workflow_of({{"a", "b", 10}, {"a", "c", 600}}));
    rig.event("k", "a", kT, kT);
    rig.event("k", "b", kT + kSecond, kT + kSecond);
    rig.engine.advance(kT + 600 * kSecond, 3);
    EXPECT_EQ(rig.engine.instances(), 1u) << "an edge is armed still";
    rig.engine.advance(kT + 660 * kSecond, 4);
    EXPECT_EQ(rig.engine.instances(), 1u) << "the retention counts from the missed deadline";
    rig.engine.advance(kT + 660 * kSecond + 1, 5);
    EXPECT_EQ(rig.engine.instances(), 0u);
    EXPECT_EQ(rig.counts(1), (Counts{0, 0, 1, 0, 1})) << "counts stay";
    rig.event("k", "c", kT + kSecond, kT + 700 * kSecond);
    EXPECT_EQ(rig.counts(1), (Counts{0, 0, 1, 0, 1})) << "the instance is forgotten";
}

TEST(SlaEngine, AnEngineThatHasSeenNothingHasNoRows) {
    EngineRig rig;
    Rows rows;
    rows.save(rig.engine);
    EXPECT_TRUE(rows.rows().empty());
}

TEST(SlaEngine, ALongStepFiresTheDeadlineBeforeTheInstanceGoes) {
    EngineRig rig(kSecond);
    rig.engine.define(workflow_of({{"a", "b", 10}}));
    rig.event("k", "a", kT, kT);
    rig.engine.advance(kT + 86'400 * kSecond, 2);
    EXPECT_EQ(rig.told.size(), 1u);
    EXPECT_EQ(rig.engine.instances(), 0u);
    EXPECT_EQ(rig.counts(), (Counts{0, 0, 1, 0, 1}));
    Rows rows;
    rows.save(rig.engine);
    for (const auto& [key, value] : rows.rows()) EXPECT_NE(key.substr(0, 2), std::string("S\x02", 2));
}

}  // namespace
}  // namespace penstock::test

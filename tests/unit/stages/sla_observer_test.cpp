// After a start deadlines wait for those who hold back events.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "stages/sequence/sequencer.h"
#include "tests/support/engine_rig.h"
#include "tests/support/manual_clock.h"

namespace penstock::test {
namespace {

constexpr StampNs kStart = 1'767'225'600 * kSecond;

/// Control records as the sequencer writes them.
void control(EngineRig& rig, ControlKind kind, const std::string& name, const std::string& text, StampNs at) {
    ManualClock clock(at);
    BatchRing ring(2);
    Sequencer sequencer(ring, clock, ++rig.seq, at - 1, [] { return true; });
    sequencer.publish_control(kind, name, text);
    rig.engine.apply(ring.at(0)->view());
}
void boot(EngineRig& rig, StampNs last, StampNs at, int64_t hold_s = 60) {
    control(rig, ControlKind::kBoot, "host",
            fmt::format(R"({{"last_stamp_ns":{},"recovery_hold_ns":{}}})", last, hold_s * kSecond), at);
}

class SlaObserver : public testing::Test {
  protected:
    void SetUp() override {
        rig.engine.define(workflow_of({{"sent", "arrived", 10}}));
        control(rig, ControlKind::kProducerConnected, "feed", "acme", kStart);
        rig.event("k", "sent", kStart, kStart + 1);
    }
    std::vector<uint64_t> counts() { return rig.counts(0, 0); }  // met, late, missed, pending, anchored
    EngineRig rig;
};

TEST_F(SlaObserver, AnEventThatAProducerHeldBackSettlesItsDeadlineWithoutAnAlarm) {
    boot(rig, kStart + 2 * kSecond, kStart + 100 * kSecond);
    rig.engine.advance(kStart + 110 * kSecond, ++rig.seq);
    EXPECT_EQ(counts(), (std::vector<uint64_t>{0, 0, 0, 1, 1})) << "overdue, and nobody says so";
    EXPECT_EQ(rig.engine.due_ns(), kStart + 160 * kSecond);
    rig.event("k", "arrived", kStart + 5 * kSecond, kStart + 111 * kSecond);
    control(rig, ControlKind::kCaughtUp, "feed", "acme", kStart + 112 * kSecond);
    EXPECT_EQ(counts(), (std::vector<uint64_t>{1, 0, 0, 0, 1}));
    EXPECT_TRUE(rig.told.empty());
    ASSERT_EQ(rig.engine.observer().gaps().size(), 1u);
    const auto& gap = rig.engine.observer().gaps()[0];
    EXPECT_EQ(gap.from_ns, kStart + 2 * kSecond);
    EXPECT_EQ(gap.to_ns, kStart + 100 * kSecond);
    EXPECT_EQ(gap.judged_ns, kStart + 112 * kSecond);
    EXPECT_EQ(gap.caught_up, 1u);
}

TEST_F(SlaObserver, WhatIsStillOverdueOnceTheyHaveCaughtUpIsJudgedOnce) {
    boot(rig, kStart + 2 * kSecond, kStart + 100 * kSecond);
    control(rig, ControlKind::kCaughtUp, "other", "acme", kStart + 101 * kSecond);
    EXPECT_TRUE(rig.engine.observer().holding()) << "another producer says nothing of this one";
    control(rig, ControlKind::kCaughtUp, "feed", "acme", kStart + 102 * kSecond);
    EXPECT_EQ(counts(), (std::vector<uint64_t>{0, 0, 1, 0, 1}));
    EXPECT_EQ(rig.told.size(), 1u);
    EXPECT_EQ(rig.engine.due_ns(), TimerWheel<int>::kNever);
}

TEST_F(SlaObserver, TheHoldEndsByItselfWhenNobodyComesBack) {
    boot(rig, kStart + 2 * kSecond, kStart + 100 * kSecond);
    rig.engine.advance(kStart + 160 * kSecond, ++rig.seq);
    EXPECT_TRUE(rig.engine.observer().holding()) << "until, not before";
    rig.engine.advance(kStart + 160 * kSecond + 1, ++rig.seq);
    EXPECT_EQ(counts(), (std::vector<uint64_t>{0, 0, 1, 0, 1}));
    EXPECT_EQ(rig.engine.observer().gaps()[0].caught_up, 0u);
}

TEST_F(SlaObserver, WithNobodyConnectedAtTheStopNothingWaits) {
    control(rig, ControlKind::kProducerDisconnected, "feed", "acme", kStart + 2 * kSecond);
    boot(rig, kStart + 2 * kSecond, kStart + 100 * kSecond);
    EXPECT_FALSE(rig.engine.observer().holding());
    EXPECT_EQ(counts(), (std::vector<uint64_t>{0, 0, 1, 0, 1}));
    EXPECT_EQ(rig.engine.observer().gaps()[0].awaited, 0u);
}

TEST_F(SlaObserver, TheFirstStartHasNoGap) {
    EngineRig fresh;
    boot(fresh, 0, kStart);
    EXPECT_TRUE(fresh.engine.observer().gaps().empty());
}

TEST_F(SlaObserver, ASecondStopDuringTheHoldStillWaitsForTheFirstOnesProducers) {
    boot(rig, kStart + 2 * kSecond, kStart + 100 * kSecond);
    control(rig, ControlKind::kProducerConnected, "late", "acme", kStart + 101 * kSecond);
    boot(rig, kStart + 102 * kSecond, kStart + 120 * kSecond);
    control(rig, ControlKind::kCaughtUp, "late", "acme", kStart + 121 * kSecond);
    EXPECT_EQ(rig.engine.observer().awaited(), std::vector<std::string>{"acme/feed"});
    control(rig, ControlKind::kCaughtUp, "feed", "acme", kStart + 122 * kSecond);
    EXPECT_FALSE(rig.engine.observer().holding());
}

TEST_F(SlaObserver, ACheckpointInsideTheHoldKeepsIt) {
    boot(rig, kStart + 2 * kSecond, kStart + 100 * kSecond);
    Rows rows;
    rows.save(rig.engine);
    EngineRig restored;
    rows.load(restored.engine, kStart + 100 * kSecond);
    EXPECT_EQ(restored.engine.observer().hold_until_ns(), kStart + 160 * kSecond);
    EXPECT_EQ(restored.engine.observer().awaited(), std::vector<std::string>{"acme/feed"});
    restored.seq = rig.seq;
    control(restored, ControlKind::kCaughtUp, "feed", "acme", kStart + 101 * kSecond);
    control(rig, ControlKind::kCaughtUp, "feed", "acme", kStart + 101 * kSecond);
    rows.save(rig.engine);
    const auto straight = rows.rows();
    rows.save(restored.engine);
    EXPECT_EQ(rows.rows(), straight);
    EXPECT_FALSE(restored.engine.observer().holding());
}

}  // namespace
}  // namespace penstock::test

// Who is read and who waits: a tenant's rate, the log's room.
#include <gtest/gtest.h>

#include <numeric>

#include "pipeline/api_key.h"
#include "tests/support/ingest_rig.h"

namespace penstock::test {
namespace {

constexpr int64_t kMs = 1'000'000;

std::string lines(int count, const std::string& prefix = "e") {
    std::string out;
    for (int i = 0; i < count; ++i) out += prefix + std::to_string(i) + "\n";
    return out;
}

class IngestFlow : public testing::TestWithParam<const char*> {};

TEST_P(IngestFlow, ATenantOverItsRateIsToldAndWaitsWhileOthersAreServed) {
    IngestRig rig(GetParam(), {{"default", 0, "", 100, 100}, {"free", 1, ""}});
    Peer greedy(rig), other(rig);
    other.send("{\"penstock\":\"hello\",\"tenant\":\"free\"}\n");
    ASSERT_TRUE(other.answered("welcome"));
    greedy.send(lines(150));
    ASSERT_TRUE(greedy.answered("\"acked\":150")) << "what was read counts";
    ASSERT_TRUE(greedy.answered("notice"));
    EXPECT_NE(
        greedy.receive().find(R"({"notice":"rate_limited","retry_after_ms":500,"detail":"tenant default)"),
        std::string::npos)
        << greedy.receive();
    greedy.send(lines(10, "later"));
    rig.pump_some();
    EXPECT_EQ(rig.sink.taken.size(), 150u) << "not read until the debt is paid";
    other.send(lines(500));
    ASSERT_TRUE(other.answered("\"acked\":500")) << "another tenant has its own rate";
    EXPECT_EQ(rig.telemetry.rate_limit_pauses.read(), 1u);
    rig.clock.advance(501 * kMs);
    ASSERT_TRUE(greedy.answered("\"acked\":160")) << "reading went on by itself";
    EXPECT_EQ(greedy.receive().find("refused\":1"), std::string::npos);
}

TEST_P(IngestFlow, EveryConnectionOfTheTenantWaitsAlsoOneThatComesLater) {
    IngestRig rig(GetParam(), {{"default", 0, "", 1000, 10}});
    Peer first(rig), second(rig);
    second.send("hi\n");
    ASSERT_TRUE(second.answered("acked"));
    first.send(lines(109));
    ASSERT_TRUE(first.answered("notice"));
    ASSERT_TRUE(second.answered("notice"));
    Peer third(rig);
    third.send(lines(1));
    ASSERT_TRUE(third.answered("notice"));
    const size_t taken = rig.sink.taken.size();
    third.send(lines(5)), second.send(lines(5)), first.send(lines(5));
    rig.pump_some();
    EXPECT_EQ(rig.sink.taken.size(), taken);
    rig.clock.advance(200 * kMs);
    EXPECT_TRUE(rig.pump([&] { return rig.sink.taken.size() == taken + 15; }));
}

TEST_P(IngestFlow, OverATimeATenantGetsItsRate) {
    IngestRig rig(GetParam(), {{"default", 0, "", 10'000, 100}});
    Peer peer(rig);
    uint64_t sent = 0;
    for (int step = 0; step < 2000; ++step) {  // two seconds by the test's clock
        if (sent < rig.sink.taken.size() + 200) peer.send(lines(50)), sent += 50;
        rig.ingest->do_work(100'000);
        rig.clock.advance(kMs);
    }
    EXPECT_NEAR(static_cast<double>(rig.sink.taken.size()), 20'000, 1'500);
}

TEST_P(IngestFlow, AFullLogIsToldWithARetryAfterAndIntakeResumesByItself) {
    IngestRig rig(GetParam());
    Peer peer(rig), binary(rig);
    peer.send("one\n");
    binary.send(frame_of(wire::FrameType::kHeartbeat, ""));
    ASSERT_TRUE(peer.answered("acked"));
    ASSERT_TRUE(rig.pump([&] { return !binary.receive().empty(); }));
    binary.forget();
    rig.sink.room = false;
    ASSERT_TRUE(peer.answered(R"({"notice":"overloaded","retry_after_ms":1000,)"));
    ASSERT_TRUE(rig.pump([&] { return !binary.receive().empty(); }));
    EXPECT_EQ(binary.frames().at(0).header.type, wire::FrameType::kNotice);
    EXPECT_EQ(rig.telemetry.overloaded.read(), 1);
    peer.send("two\n");
    Peer late(rig);  // a producer that comes now is told too, though its events wait
    late.send("{\"penstock\":\"hello\"}\nthree\n");
    ASSERT_TRUE(late.answered("overloaded"));
    EXPECT_EQ(late.receive().find("welcome"), std::string::npos);
    rig.pump_some();
    EXPECT_EQ(rig.sink.taken.size(), 1u);
    rig.sink.room = true;
    ASSERT_TRUE(peer.answered("\"acked\":2"));
    ASSERT_TRUE(late.answered("welcome"));
    ASSERT_TRUE(late.answered("\"acked\":1"));
    EXPECT_EQ(rig.telemetry.overloaded.read(), 0);
}

TEST_P(IngestFlow, WhatAClosingProducerSentWhileTheLogWasFullIsTakenLater) {
    IngestRig rig(GetParam());
    rig.sink.room = false;
    rig.pump_some();
    Peer peer(rig);
    peer.send("one\ntwo\nhalf");
    peer.shut();
    ASSERT_TRUE(peer.answered("overloaded"));
    rig.pump_some();
    EXPECT_TRUE(rig.sink.taken.empty());
    rig.sink.room = true;
    ASSERT_TRUE(peer.answered("done"));
    EXPECT_NE(peer.receive().find(R"({"done":true,"acked":3,"stored":3)"), std::string::npos)
        << peer.receive();
}

TEST_P(IngestFlow, ANoticeIsGivenOnceASecondAtMost) {
    IngestRig rig(GetParam(), {{"default", 0, "", 100, 10}});
    Peer peer(rig);
    for (int i = 0; i < 20; ++i) {
        peer.send(lines(15));
        rig.pump_some();
        rig.clock.advance(100 * kMs);
    }
    rig.clock.advance(10'000 * kMs);
    EXPECT_TRUE(rig.pump([&] {
        rig.clock.advance(kMs);
        return rig.sink.taken.size() == 300;
    })) << "nothing is lost by waiting";
    peer.receive();
    const auto all = peer.lines();
    const auto notices = std::count_if(all.begin(), all.end(), [](const std::string& line) {
        return line.find("notice") != std::string::npos;
    });
    EXPECT_GE(notices, 1);
    EXPECT_LE(notices, 4);
}

INSTANTIATE_TEST_SUITE_P(, IngestFlow, testing::Values("epoll", "io_uring"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace penstock::test

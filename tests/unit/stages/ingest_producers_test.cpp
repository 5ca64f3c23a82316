// Named producers: their sequences survive reconnections, takeovers and cut lines.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/support/ingest_rig.h"

namespace penstock::test {
namespace {

std::string hello(const std::string& producer, int epoch = 0) {
    return fmt::format("{{\"penstock\":\"hello\",\"producer\":\"{}\"{}}}\n", producer,
                       epoch ? fmt::format(",\"epoch\":{}", epoch) : "");
}

TEST(IngestProducers, ANewProducerBeginsAtOneAndContinuesWhereItWas) {
    IngestRig rig;
    {
        Peer peer(rig);
        peer.send(hello("feed") + "a\nb\nrefuse c\n");
        peer.shut();
        ASSERT_TRUE(peer.closed());
        EXPECT_EQ(
            peer.lines().front(),
            R"({"welcome":true,"log_id":"log-1","tenant":"default","epoch":1,"next":1,"credits_bytes":4194304})");
        EXPECT_EQ(peer.lines().back(), R"({"done":true,"acked":3,"stored":2,"duplicates":0,"refused":1})");
    }
    Peer peer(rig);
    peer.send(hello("feed"));
    ASSERT_TRUE(peer.answered("\"next\":4"));
    peer.send("{\"penstock\":\"seq\",\"seq\":2}\nb\nc\nd\n");
    peer.shut();
    ASSERT_TRUE(peer.closed());
    EXPECT_EQ(peer.lines().back(), R"({"done":true,"acked":4,"stored":1,"duplicates":2,"refused":0})");
    EXPECT_EQ(rig.sink.taken.back().bytes, "d");
    EXPECT_EQ(rig.sink.taken.back().position, 4u);
    EXPECT_EQ(rig.telemetry.events_resent.read(), 2u);
}

TEST(IngestProducers, RestoredProducersContinue) {
    IngestRig rig;
    IdentityHasher hasher(std::vector<uint8_t>(192, 7));
    rig.ingest->restore_producer({hasher.producer(0, "feed"), 3, 41});
    Peer peer(rig);
    peer.send(hello("feed"));
    ASSERT_TRUE(peer.answered("\"epoch\":3,\"next\":42"));
    peer.send("x\n");
    ASSERT_TRUE(peer.answered("\"acked\":42"));
    EXPECT_EQ(rig.sink.positions.back().seq, 42u);
    EXPECT_EQ(rig.sink.positions.back().epoch, 3u);
}

TEST(IngestProducers, AGapIsRefusedWithTheNumberThatIsExpected) {
    IngestRig rig;
    Peer peer(rig);
    peer.send(hello("feed") + "a\n{\"penstock\":\"seq\",\"seq\":3}\n");
    ASSERT_TRUE(peer.closed());
    EXPECT_NE(peer.receive().find(R"({"error":"gap","detail":"sequence 3 was announced but 2 is expected"})"),
              std::string::npos)
        << peer.receive();
}

TEST(IngestProducers, AHigherEpochTakesOverAndALowerOneIsFenced) {
    IngestRig rig;
    Peer older(rig);
    older.send(hello("feed", 2) + "a\n");
    ASSERT_TRUE(older.answered("\"acked\":1"));
    Peer newer(rig);
    newer.send(hello("feed", 5));
    ASSERT_TRUE(newer.answered("\"epoch\":5,\"next\":1"));
    ASSERT_TRUE(older.closed());
    EXPECT_NE(older.receive().find("\"error\":\"fenced\""), std::string::npos);
    Peer late(rig);
    late.send(hello("feed", 4) + "x\n");
    ASSERT_TRUE(late.closed());
    EXPECT_NE(late.receive().find("\"error\":\"fenced\""), std::string::npos);
    newer.send("b\n");
    EXPECT_TRUE(newer.answered("\"acked\":1")) << "the newer one goes on";
}

TEST(IngestProducers, AReconnectionContinuesBehindWhatTheOldConnectionSentInTheSameRound) {
    IngestRig rig;
    Peer older(rig);
    older.send(hello("feed"));
    ASSERT_TRUE(older.answered("welcome"));
    Peer newer(rig);
    rig.pump_some(3);
    older.send("a\nb\n");
    newer.send(hello("feed"));
    ASSERT_TRUE(newer.answered("welcome"));
    const size_t taken = rig.sink.taken.size();
    EXPECT_NE(newer.receive().find(fmt::format("\"next\":{}", taken + 1)), std::string::npos)
        << newer.receive() << " after " << taken;
}

TEST(IngestProducers, WhatAConnectionBroughtInTheRoundThatItWasLostInCounts) {
    IngestRig rig;
    const std::string sent = hello("feed") + "a\nb\n";
    const std::string padded = sent + std::string(64, '\0');
    ASSERT_TRUE(rig.ingest->on_accept(1'000, "lost", true));
    rig.ingest->on_data(1'000, {reinterpret_cast<const uint8_t*>(padded.data()), sent.size()});
    rig.ingest->on_closed(1'000, "reset");
    rig.ingest->on_round_end();
    ASSERT_EQ(rig.sink.taken.size(), 2u);
    Peer peer(rig);
    peer.send(hello("feed"));
    EXPECT_TRUE(peer.answered("\"next\":3"));
}

TEST(IngestProducers, WhatACutConnectionLeftUnfinishedUsesUpNoSequence) {
    for (const bool times_out : {false, true}) {
        SCOPED_TRACE(times_out);
        IngestRig rig;
        for (const char* part : {"{\"half\":\"a li", "{\"half\":{}", "nonsense"}) {
            Peer peer(rig);
            peer.send(hello("feed") + part);
            ASSERT_TRUE(peer.answered("welcome"));
            rig.pump_some(5);
            if (times_out)
                rig.clock.advance(61'000'000'000);
            else
                peer.shut();
            ASSERT_TRUE(peer.closed());
        }
        Peer peer(rig);
        peer.send(hello("feed") + "{\"whole\":1}");
        ASSERT_TRUE(peer.answered("\"next\":1,"));
        peer.shut();
        ASSERT_TRUE(peer.closed());
        EXPECT_EQ(peer.lines().back(), R"({"done":true,"acked":1,"stored":1,"duplicates":0,"refused":0})");
        EXPECT_EQ(rig.sink.taken.size(), 1u);
        EXPECT_TRUE(rig.sink.letters.empty());
    }
}

TEST(IngestProducers, HalfAFrameUsesUpNoSequence) {
    IngestRig rig;
    const std::string frame = events_frame({"event one", "event two"}, 1, 1);
    {
        Peer peer(rig);
        peer.send(frame_of(wire::FrameType::kHello, R"({"producer":"feed"})") +
                  frame.substr(0, frame.size() - 3));
        ASSERT_TRUE(rig.pump([&] { return peer.receive(), peer.frames().size() == 1; }));
        rig.pump_some(5);
        peer.shut();
        ASSERT_TRUE(peer.closed());
    }
    Peer peer(rig);
    peer.send(frame_of(wire::FrameType::kHello, R"({"producer":"feed"})") + frame +
              frame_of(wire::FrameType::kEnd, ""));
    ASSERT_TRUE(peer.closed());
    EXPECT_NE(peer.frames().at(0).body.find("\"next\":1,"), std::string::npos);
    EXPECT_EQ(peer.frames().back().ack().stored, 2u);
    EXPECT_EQ(peer.frames().back().ack().seq, 2u);
}

TEST(IngestProducers, FramesBelowTheNextSequenceAreDuplicatesAndAboveAGap) {
    IngestRig rig;
    Peer peer(rig);
    peer.send(frame_of(wire::FrameType::kHello, R"({"producer":"feed"})") +
              events_frame({"1", "2", "3"}, 1, 1) + events_frame({"2", "3", "4"}, 1, 2) +
              events_frame({"9"}, 1, 9));
    ASSERT_TRUE(peer.closed());
    const auto frames = peer.frames();
    ASSERT_GE(frames.size(), 3u);
    EXPECT_EQ(frames.back().header.type, wire::FrameType::kError);
    EXPECT_NE(frames.back().body.find("\"gap\""), std::string::npos);
    const wire::Ack ack = frames[frames.size() - 2].ack();
    EXPECT_EQ(ack.seq, 4u);
    EXPECT_EQ(ack.stored, 4u);
    EXPECT_EQ(ack.duplicates, 2u);
    EXPECT_EQ(rig.sink.taken.back().bytes, "4");
}

TEST(IngestProducers, AFrameOfAnotherEpochIsFenced) {
    IngestRig rig;
    Peer peer(rig);
    peer.send(frame_of(wire::FrameType::kHello, R"({"producer":"feed","epoch":2})") +
              events_frame({"1"}, 1, 1));
    ASSERT_TRUE(peer.closed());
    EXPECT_NE(peer.frames().back().body.find("\"fenced\""), std::string::npos);
    EXPECT_TRUE(rig.sink.taken.empty());
}

}  // namespace
}  // namespace penstock::test

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/support/ingest_rig.h"
#include "tests/support/seed.h"

namespace penstock::test {
namespace {

using wire::FrameType;

class IngestFrames : public testing::TestWithParam<const char*> {
  protected:
    IngestRig rig{GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Backends, IngestFrames, testing::Values("epoll", "io_uring"),
                         [](const auto& p) { return std::string(p.param) == "epoll" ? "epoll" : "uring"; });

TEST_P(IngestFrames, EventsAreTakenAndAcknowledged) {
    Peer peer(rig);
    peer.send(events_frame({"one", "refuse two", "duplicate three"}) + events_frame({"four and more"}) +
              frame_of(FrameType::kEnd, ""));
    ASSERT_TRUE(peer.closed());
    const auto frames = peer.frames();
    ASSERT_GE(frames.size(), 2u);
    EXPECT_EQ(frames[0].header.type, FrameType::kRefused);
    EXPECT_EQ(frames[0].body, R"({"seq":2,"error":"bad_value","detail":"as the test wants"})");
    const wire::Ack ack = frames.back().ack();
    EXPECT_EQ(frames.back().header.type, FrameType::kAck);
    EXPECT_EQ(std::tuple(ack.seq, ack.stored, ack.duplicates, ack.refused, ack.credits_bytes),
              std::tuple(4u, 2u, 1u, 1u, 4u << 20));
    EXPECT_EQ(rig.sink.taken.back().bytes, "four and more");
    for (const auto& f : frames) {
        std::string whole(reinterpret_cast<const char*>(&f.header), offsetof(wire::FrameHeader, checksum));
        whole += f.body;
        EXPECT_EQ(f.header.checksum, XXH3_64bits(whole.data(), whole.size()));
    }
}

TEST_P(IngestFrames, AFrameOfThousandsOfEventsInManyPiecesKeepsItsBytes) {
    std::vector<std::string> events;
    for (int i = 0; i < 5000; ++i)
        events.push_back(
            fmt::format("event number {} {}", i, std::string(static_cast<size_t>(i % 150), 'e')));
    Peer peer(rig);
    const std::string bytes = events_frame(events) + frame_of(FrameType::kEnd, "");
    ASSERT_LT(bytes.size(), limits::kFrameBodyBytesMax);
    for (size_t at = 0; at < bytes.size(); at += 30'000)
        peer.send(std::string_view(bytes).substr(at, 30'000));
    ASSERT_TRUE(peer.closed());
    EXPECT_EQ(peer.frames().back().ack().stored, 5000u);
    ASSERT_EQ(rig.sink.taken.size(), events.size());
    for (size_t i = 0; i < events.size(); ++i) ASSERT_EQ(rig.sink.taken[i].bytes, events[i]);
}

TEST_P(IngestFrames, NothingBehindTheEndIsTakenHoweverItComes) {
    Peer peer(rig);
    peer.send(events_frame({"one"}) + frame_of(FrameType::kEnd, "") + events_frame({"two"}) +
              frame_of(FrameType::kCaughtUp, ""));
    ASSERT_TRUE(peer.closed());
    EXPECT_EQ(rig.sink.taken.size(), 1u);
    EXPECT_TRUE(rig.sink.controls.empty());
    EXPECT_EQ(peer.frames().back().ack().seq, 1u);
}

TEST_P(IngestFrames, ADamagedChecksumRefusesThatFrameAlone) {
    Peer peer(rig);
    std::string damaged = events_frame({"two", "three"});
    damaged.back() = static_cast<char>(damaged.back() ^ 1);
    damaged[sizeof(wire::FrameHeader) + 9] ^= 4;
    peer.send(events_frame({"one"}) + damaged + events_frame({"four"}) + frame_of(FrameType::kEnd, ""));
    ASSERT_TRUE(peer.closed());
    const auto frames = peer.frames();
    const auto refused = std::find_if(frames.begin(), frames.end(),
                                      [](const auto& f) { return f.header.type == FrameType::kRefused; });
    ASSERT_NE(refused, frames.end());
    EXPECT_EQ(
        refused->body,
        R"({"seq":2,"error":"bad_checksum","detail":"the frame of 2 events was damaged on its way; send it again"})");
    const wire::Ack ack = frames.back().ack();
    EXPECT_EQ(std::tuple(ack.seq, ack.stored, ack.refused), std::tuple(4u, 2u, 2u));
    ASSERT_EQ(rig.sink.letters.size(), 1u);
    EXPECT_EQ(rig.sink.letters[0].whole_length, damaged.size());
    EXPECT_EQ(rig.sink.taken.back().position, 4u);
}

TEST_P(IngestFrames, ADamagedFrameOfANamedProducerTakesNoSequence) {
    std::string damaged = events_frame({"one", "two"}, 1, 1);
    damaged[sizeof(wire::FrameHeader) + 9] ^= 4;
    const std::string hello = frame_of(FrameType::kHello, R"({"producer":"feed"})");
    {
        Peer peer(rig);
        peer.send(hello + damaged);
        ASSERT_TRUE(peer.closed());
        EXPECT_EQ(peer.frames().back().header.type, FrameType::kError);
        EXPECT_NE(peer.frames().back().body.find("bad_checksum"), std::string::npos);
    }
    ASSERT_EQ(rig.sink.letters.size(), 1u);
    Peer peer(rig);
    peer.send(hello + events_frame({"one", "two"}, 1, 1) + frame_of(FrameType::kEnd, ""));
    ASSERT_TRUE(peer.closed());
    EXPECT_EQ(peer.frames().back().ack().stored, 2u);
    EXPECT_EQ(rig.sink.taken.size(), 2u);
}

TEST_P(IngestFrames, WhatCannotBeAHeaderEndsTheConnection) {
    const std::string good = events_frame({"x"});
    const auto changed = [&](size_t at, char to) {
        std::string s = good;
        s[at] = to;
        return s;
    };
    for (const std::string& bad : {changed(1, 'X'), changed(4, 9), changed(4, 16), changed(5, 1),
                                   changed(6, 1), changed(10, 0x20), changed(12, 0), changed(12, 77)}) {
        Peer peer(rig);
        peer.send(good + bad + good);
        ASSERT_TRUE(peer.closed());
        const auto frames = peer.frames();
        ASSERT_FALSE(frames.empty());
        EXPECT_EQ(frames.back().header.type, FrameType::kError);
        EXPECT_NE(frames.back().body.find("bad_frame"), std::string::npos) << frames.back().body;
        EXPECT_EQ(frames[frames.size() - 2].ack().stored, 1u) << "what came before counts";
    }
}

TEST_P(IngestFrames, EventsThatLeaveTheirFrameEndTheConnection) {
    std::string body = events_body({"one", "two"});
    body[16] = 100;  // the second event's length
    Peer peer(rig);
    peer.send(frame_of(FrameType::kEvents, body, 2));
    ASSERT_TRUE(peer.closed());
    EXPECT_NE(peer.frames().back().body.find("bad_frame"), std::string::npos);
}

TEST_P(IngestFrames, HeartbeatsWatermarksAndTheHello) {
    Peer peer(rig);
    peer.send(frame_of(FrameType::kHello, ""));
    ASSERT_TRUE(rig.pump([&] { return peer.receive(), peer.frames().size() == 1; }));
    EXPECT_EQ(peer.frames()[0].header.type, FrameType::kWelcome);
    peer.send(frame_of(FrameType::kHeartbeat, ""));
    ASSERT_TRUE(rig.pump([&] { return peer.receive(), peer.frames().size() == 2; }));
    EXPECT_EQ(peer.frames()[1].header.type, FrameType::kAck);
    EXPECT_EQ(peer.frames()[1].ack().seq, 0u);
    peer.send(frame_of(FrameType::kWatermark, R"({"source":"/f","time":"2026-01-31T08:00:00Z"})") +
              frame_of(FrameType::kCaughtUp, ""));
    ASSERT_TRUE(rig.pump([&] { return rig.sink.controls.size() == 2; }));
    peer.send(frame_of(FrameType::kHello, ""));
    ASSERT_TRUE(peer.closed());
    EXPECT_NE(peer.frames().back().body.find("hello comes first"), std::string::npos);
}

TEST_P(IngestFrames, AWatermarkOfAMegabyteIsRefused) {
    Peer peer(rig);
    peer.send(frame_of(FrameType::kWatermark, R"({"source":")" + std::string(1'000'000, 's') +
                                                  R"(","time":"2026-01-31T08:00:00Z"})"));
    ASSERT_TRUE(peer.closed());
    EXPECT_TRUE(rig.sink.controls.empty());
    EXPECT_NE(peer.frames().back().body.find("too_long"), std::string::npos);
}

TEST_P(IngestFrames, HalfAFrameAtTheEndIsRefusedAsTruncated) {
    Peer peer(rig);
    const std::string frame = events_frame({"one", "two"});
    peer.send(frame + frame.substr(0, 50));
    peer.shut();
    ASSERT_TRUE(peer.closed());
    const auto frames = peer.frames();
    EXPECT_EQ(frames.back().ack().refused, 1u);
    EXPECT_NE(frames[frames.size() - 2].body.find("truncated"), std::string::npos);
}

TEST_P(IngestFrames, RandomBytesHarmNobody) {
    SCOPED_TRACE(seed_note());
    Random random;
    Peer bystander(rig);
    for (int round = 0; round < 150; ++round) {
        Peer peer(rig);
        std::string bytes = events_frame({"one", "two", "three"}) + frame_of(FrameType::kHeartbeat, "");
        for (uint64_t n = random.below(6); n > 0; --n)
            bytes[random.below(bytes.size())] = static_cast<char>(random.next());
        bytes.resize(random.below(bytes.size() + 1));
        for (size_t at = 0; at < bytes.size();) {
            const size_t n = 1 + random.below(60);
            peer.send(std::string_view(bytes).substr(at, n));
            at += n;
            if (random.chance(30)) rig.pump_some(1);
        }
        if (random.chance(50))
            peer.shut();
        else
            peer.close();
        rig.pump_some(2);
    }
    bystander.send(events_frame({"here"}));
    EXPECT_TRUE(rig.pump([&] { return bystander.receive(), !bystander.frames().empty(); }));
    EXPECT_EQ(bystander.frames().back().ack().stored, 1u);
    rig.pump_some(50);
    EXPECT_EQ(rig.telemetry.connections_open.read(), 1);
}

}  // namespace
}  // namespace penstock::test

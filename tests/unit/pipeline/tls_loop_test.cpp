// TLS over both mechanisms of NetLoop, over real loopback sockets, on one thread.
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <filesystem>
#include <map>

#include "pipeline/net_loop.h"
#include "pipeline/tls_identity.h"
#include "tests/support/receiver.h"
#include "tests/support/seed.h"
#include "tests/support/tls_peer.h"

namespace penstock::test {
namespace {

class Echo final : public NetHandler {
  public:
    bool on_accept(ConnectionId id, const std::string&, bool) override {
        last = id;
        ++accepted;
        return true;
    }
    void on_data(ConnectionId id, std::span<const uint8_t> data) override {
        EXPECT_EQ(closed.count(id), 0u) << "no data after the end";
        in_round.push_back(data);
        received[id].append(reinterpret_cast<const char*>(data.data()), data.size());
        if (close_at_once) return loop->close_now(id, "as the test wants");
        loop->send(id, {reinterpret_cast<const char*>(data.data()), data.size()});
    }
    void on_end_of_stream(ConnectionId id) override {
        ++ended[id];
        loop->send(id, "bye");
        loop->close_after_send(id);
    }
    void on_closed(ConnectionId id, const std::string& reason) override {
        EXPECT_TRUE(closed.emplace(id, reason).second) << "told once";
    }
    void on_round_end() override {
        for (const auto data : in_round)
            for (size_t i = 0; i < data.size() + 64; ++i) checksum += data.data()[i];
        in_round.clear();
    }

    NetLoop* loop = nullptr;
    ConnectionId last = 0;
    size_t accepted = 0;
    bool close_at_once = false;
    std::map<ConnectionId, std::string> received, closed;
    std::map<ConnectionId, int> ended;
    std::vector<std::span<const uint8_t>> in_round;
    uint64_t checksum = 0;
};

class TlsLoopTest : public testing::TestWithParam<const char*> {
  protected:
    TlsLoopTest() { start(10'000'000'000); }
    void start(int64_t handshake_timeout_ns) {
        spdlog::set_level(spdlog::level::warn);  // every refused connection is a line otherwise
        NetLoop::Options options{"127.0.0.1:0", GetParam(), 1000};
        options.tls = {&identity_, handshake_timeout_ns, [](uint8_t) { return std::string("speak TLS\n"); }};
        loop_ = NetLoop::create(options, echo_);
        echo_.loop = loop_.get();
        EXPECT_EQ(loop_->backend(), GetParam());
    }
    bool pump(const std::function<bool()>& done, int rounds = 5000) {
        for (int i = 0; i < rounds && !done(); ++i) loop_->run_once(200'000);
        return done();
    }
    bool open(TlsPeer& peer, size_t step = SIZE_MAX) {
        return pump([&] { return peer.work(step), peer.open() && peer.wire.empty(); });
    }

    const LocalCertificate certificate_;
    TlsIdentity identity_{certificate_.file(), certificate_.key_file()};
    Echo echo_;
    std::unique_ptr<NetLoop> loop_;
};

INSTANTIATE_TEST_SUITE_P(Backends, TlsLoopTest, testing::Values("epoll", "io_uring"),
                         [](const auto& backend) { return std::string(backend.param); });

TEST_P(TlsLoopTest, WhatIsSentComesBackInBothVersions) {
    SCOPED_TRACE(seed_note());
    Random random;
    std::string text(3 << 20, ' ');
    for (char& c : text) c = static_cast<char>(random.next());
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        TlsPeer peer(loop_->port(), version);
        ASSERT_TRUE(open(peer)) << peer.failure();
        peer.write(text);
        EXPECT_TRUE(pump([&] { return peer.work(), peer.received.size() >= text.size(); }));
        EXPECT_TRUE(peer.received == text);
        EXPECT_EQ(peer.raw.find(text.substr(0, 64)), std::string::npos) << "it came in plain text";
    }
}

TEST_P(TlsLoopTest, OneByteAtATime) {
    TlsPeer peer(loop_->port());
    ASSERT_TRUE(open(peer, 1)) << peer.failure();
    peer.write("hello");
    EXPECT_TRUE(pump([&] { return peer.work(1), peer.received == "hello"; }));
}

TEST_P(TlsLoopTest, WhoHasSaidThatItSendsNoMoreStillReads) {
    TlsPeer peer(loop_->port());
    ASSERT_TRUE(open(peer));
    peer.write("last words");
    peer.end();
    EXPECT_TRUE(pump([&] { return !peer.work(); }));
    EXPECT_EQ(peer.received, "last wordsbye");
    EXPECT_TRUE(peer.ended()) << "the farewell is TLS's own";
    EXPECT_EQ(echo_.ended[echo_.last], 1);
    EXPECT_TRUE(pump([&] { return echo_.closed.contains(echo_.last); }));
    EXPECT_EQ(echo_.closed[echo_.last], "");
}

TEST_P(TlsLoopTest, ACutConnectionIsNoEndOfStream) {
    TlsPeer peer(loop_->port());
    ASSERT_TRUE(open(peer));
    peer.write("half a li");
    ASSERT_TRUE(pump([&] { return peer.work(), peer.received == "half a li"; }));
    ::shutdown(peer.fd(), SHUT_WR);
    ASSERT_TRUE(pump([&] { return echo_.closed.contains(echo_.last); }));
    EXPECT_EQ(echo_.ended.count(echo_.last), 0u);
    EXPECT_NE(echo_.closed[echo_.last].find("close_notify"), std::string::npos);
}

TEST_P(TlsLoopTest, PlainTextIsAnsweredReadably) {
    TlsPeer peer(loop_->port());
    peer.wire = "{\"specversion\":\"1.0\"}\n";
    EXPECT_TRUE(pump([&] { return !peer.work(); }));
    EXPECT_EQ(peer.raw, "speak TLS\n");
    EXPECT_TRUE(pump([&] { return echo_.closed.contains(echo_.last); }));
    EXPECT_TRUE(echo_.received.empty());
}

TEST_P(TlsLoopTest, GarbageInsteadOfAHandshakeEndsTheConnection) {
    SCOPED_TRACE(seed_note());
    Random random;
    for (int i = 0; i < 50; ++i) {
        TlsPeer peer(loop_->port());
        const size_t at = 1 + random.below(peer.wire.size() - 1);  // the first byte says TLS
        peer.wire[at] = static_cast<char>(peer.wire[at] ^ (1 + random.below(255)));
        peer.wire.append(20'000, '\x5a');
        ASSERT_TRUE(pump([&] { return !peer.work() || peer.open(); })) << "byte " << at;
    }
    EXPECT_TRUE(echo_.received.empty());
    TlsPeer peer(loop_->port());
    EXPECT_TRUE(open(peer)) << "the others are served";
}

TEST_P(TlsLoopTest, DamagedRecordsEndTheConnection) {
    TlsPeer peer(loop_->port());
    ASSERT_TRUE(open(peer));
    peer.write("hello");
    peer.wire.back() = static_cast<char>(peer.wire.back() ^ 1);
    ASSERT_TRUE(pump([&] { return !peer.work(); }));
    EXPECT_TRUE(echo_.received.empty());
    ASSERT_TRUE(pump([&] { return echo_.closed.contains(echo_.last); }));
    EXPECT_NE(echo_.closed[echo_.last].find("TLS: "), std::string::npos) << echo_.closed[echo_.last];
}

TEST_P(TlsLoopTest, HandshakesThatDoNotEndAreDropped) {
    start(30'000'000);
    TlsPeer silent(loop_->port()), half(loop_->port()), whole(loop_->port());
    silent.wire.clear();
    half.wire.resize(half.wire.size() / 2);
    ASSERT_TRUE(open(whole));
    const ConnectionId served = echo_.last;
    EXPECT_TRUE(pump([&] { return half.work(), echo_.closed.size() == 2; }));
    for (const auto& [id, why] : echo_.closed) EXPECT_NE(why.find("handshake"), std::string::npos) << why;
    EXPECT_FALSE(echo_.closed.contains(served));
    whole.write("still here");
    EXPECT_TRUE(pump([&] { return whole.work(), whole.received == "still here"; }));
}

TEST_P(TlsLoopTest, ClientsThatVanishInsideTheHandshakeLeaveNothing) {
    SCOPED_TRACE(seed_note());
    Random random(1);
    for (int i = 0; i < 60; ++i) {
        TlsPeer peer(loop_->port(), i % 2 ? TLS1_2_VERSION : TLS1_3_VERSION);
        const int rounds = static_cast<int>(random.below(6));
        for (int round = 0; round < rounds; ++round) {
            peer.work(random.below(400));
            loop_->run_once(0);
        }
        if (random.chance(50)) {
            const linger reset{1, 0};
            ::setsockopt(peer.fd(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        }
    }
    EXPECT_TRUE(pump([&] { return echo_.accepted == 60 && echo_.closed.size() == 60; }))
        << echo_.closed.size();
    TlsPeer peer(loop_->port());
    EXPECT_TRUE(open(peer));
}

TEST_P(TlsLoopTest, NewConnectionsAreShownTheNewCertificate) {
    TlsPeer before(loop_->port());
    ASSERT_TRUE(open(before));
    const LocalCertificate next;
    std::filesystem::copy_file(next.file(), certificate_.file(),
                               std::filesystem::copy_options::overwrite_existing);
    std::filesystem::copy_file(next.key_file(), certificate_.key_file(),
                               std::filesystem::copy_options::overwrite_existing);
    identity_.reload_changed_files();
    TlsPeer after(loop_->port());
    ASSERT_TRUE(open(after));
    EXPECT_NE(before.serial(), after.serial());
    before.write("as before");
    EXPECT_TRUE(pump([&] { return before.work(), before.received == "as before"; }));
}

TEST_P(TlsLoopTest, WhoIsNotReadFeelsIt) {
    TlsPeer peer(loop_->port());
    ASSERT_TRUE(open(peer));
    pump([] { return false; }, 20);
    loop_->set_reading(echo_.last, false);
    peer.write(std::string(24 << 20, 'x'));
    pump([&] { return peer.work(1 << 20), false; }, 300);
    EXPECT_GT(peer.wire.size(), size_t{8} << 20) << "the socket took it all";
    EXPECT_LE(echo_.received[echo_.last].size(), size_t{128} << 10) << "what was under way, no more";
    loop_->set_reading(echo_.last, true);
    EXPECT_TRUE(pump([&] { return peer.work(1 << 20), peer.received.size() == size_t{24} << 20; }, 50'000));
}

TEST_P(TlsLoopTest, CloseNowFromInsideOnData) {
    echo_.close_at_once = true;
    TlsPeer peer(loop_->port());
    ASSERT_TRUE(open(peer));
    peer.write(std::string(200'000, 'x'));
    peer.end();
    EXPECT_TRUE(pump([&] { return !peer.work(); }));
    EXPECT_EQ(echo_.closed[echo_.last], "as the test wants");
}

}  // namespace
}  // namespace penstock::test

// Both mechanisms behind NetLoop, over real loopback sockets, on one thread.
#include "pipeline/net_loop.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <map>
#include <thread>

#include "pipeline/clock.h"
#include "tests/support/seed.h"

namespace penstock::test {
namespace {

class Echo final : public NetHandler {
  public:
    bool on_accept(ConnectionId id, const std::string& peer, bool loopback) override {
        EXPECT_TRUE(loopback);
        EXPECT_EQ(peer.rfind("127.0.0.1:", 0), 0u) << peer;
        if (refuse) return false;
        received[id];
        return true;
    }
    void on_data(ConnectionId id, std::span<const uint8_t> data) override {
        EXPECT_EQ(closed.count(id), 0u) << "no data after the end";
        in_round.push_back(data);
        received.at(id).append(reinterpret_cast<const char*>(data.data()), data.size());
        if (on_bytes) return on_bytes(id);
        loop->send(id, {reinterpret_cast<const char*>(data.data()), data.size()});
    }
    void on_end_of_stream(ConnectionId id) override {
        ++ended[id];
        if (!keep_open) loop->close_after_send(id);
    }
    void on_closed(ConnectionId id, const std::string& reason) override {
        EXPECT_TRUE(closed.emplace(id, reason).second) << "told once";
    }
    void on_round_end() override {
        uint64_t sum = 0;  // the bytes are readable until here, and the padding behind them
        for (const auto data : in_round)
            for (size_t i = 0; i < data.size() + 64; ++i) sum += data.data()[i];
        checksum += sum;
        in_round.clear();
        ++rounds;
    }

    NetLoop* loop = nullptr;
    std::function<void(ConnectionId)> on_bytes;
    std::map<ConnectionId, std::string> received, closed;
    std::map<ConnectionId, int> ended;
    std::vector<std::span<const uint8_t>> in_round;
    bool keep_open = false, refuse = false;
    uint64_t checksum = 0, rounds = 0;
};

class NetLoopTest : public testing::TestWithParam<const char*> {
  protected:
    NetLoopTest() { start(1000); }
    ~NetLoopTest() override {
        for (const int fd : sockets_) ::close(fd);
    }
    void start(size_t connections_max) {
        echo_ = Echo{};
        loop_ = NetLoop::create({"127.0.0.1:0", GetParam(), connections_max}, echo_);
        echo_.loop = loop_.get();
        EXPECT_EQ(loop_->backend(), GetParam());
    }
    int connect() {
        const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in a{};
        a.sin_family = AF_INET;
        a.sin_port = htons(loop_->port());
        a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        EXPECT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&a), sizeof a), 0);
        ::fcntl(fd, F_SETFL, O_NONBLOCK);
        sockets_.push_back(fd);
        return fd;
    }
    bool pump(const std::function<bool()>& done, int rounds = 3000) {
        for (int i = 0; i < rounds && !done(); ++i) loop_->run_once(1'000'000);
        return done();
    }
    /// Everything that comes until `bytes` are there or the peer has closed.
    std::string read(int fd, size_t bytes) {
        std::string out;
        char buffer[65536];
        pump([&] {
            for (ssize_t n; (n = ::recv(fd, buffer, sizeof buffer, 0)) != -1;) {
                if (n == 0) return true;
                out.append(buffer, static_cast<size_t>(n));
            }
            return out.size() >= bytes || errno != EAGAIN;
        });
        return out;
    }
    bool eof(int fd) {
        char c;
        return pump([&] { return ::recv(fd, &c, 1, 0) == 0; });
    }

    Echo echo_;
    std::unique_ptr<NetLoop> loop_;
    std::vector<int> sockets_;
};
INSTANTIATE_TEST_SUITE_P(Backends, NetLoopTest, testing::Values("epoll", "io_uring"),
                         [](const auto& p) { return std::string(p.param) == "epoll" ? "epoll" : "uring"; });

TEST_P(NetLoopTest, WhatIsSentComesBack) {
    SCOPED_TRACE(seed_note());
    Random random;
    const int fd = connect();
    std::string sent, back;
    char buffer[65536];
    while (sent.size() < 3'000'000) {
        std::string part(1 + random.below(100'000), '\0');
        for (char& c : part) c = static_cast<char>(random.next());
        sent += part;
        for (std::string_view rest = part; !rest.empty();) {
            const ssize_t n = ::send(fd, rest.data(), rest.size(), MSG_NOSIGNAL);
            if (n > 0) rest.remove_prefix(static_cast<size_t>(n));
            loop_->run_once(200'000);
            for (ssize_t got; (got = ::recv(fd, buffer, sizeof buffer, 0)) > 0;)
                back.append(buffer, static_cast<size_t>(got));
        }
    }
    ::shutdown(fd, SHUT_WR);
    back += read(fd, sent.size() - back.size());
    EXPECT_TRUE(back == sent);
    EXPECT_TRUE(eof(fd));
    EXPECT_EQ(echo_.closed.size(), 1u);
    EXPECT_EQ(echo_.closed.begin()->second, "") << "an orderly end";
}

TEST_P(NetLoopTest, OneByteAtATime) {
    const int fd = connect();
    for (int i = 0; i < 200; ++i) {
        const char c = static_cast<char>('a' + i % 26);
        ASSERT_EQ(::send(fd, &c, 1, MSG_NOSIGNAL), 1);
        ASSERT_EQ(read(fd, 1), std::string(1, c));
    }
}

TEST_P(NetLoopTest, APeerThatHasShutItsSideStillReads) {
    echo_.keep_open = true;
    const int fd = connect();
    ::shutdown(fd, SHUT_WR);
    ASSERT_TRUE(pump([&] { return echo_.ended.size() == 1; }));
    const ConnectionId id = echo_.ended.begin()->first;
    for (int i = 0; i < 20; ++i) loop_->run_once(200'000);
    EXPECT_EQ(echo_.ended[id], 1) << "told once";
    EXPECT_TRUE(echo_.closed.empty());
    loop_->send(id, "late answer");
    EXPECT_EQ(read(fd, 11), "late answer");
    loop_->close_after_send(id);
    EXPECT_TRUE(eof(fd));
}

TEST_P(NetLoopTest, TheBacklogIsTold) {
    echo_.on_bytes = [](ConnectionId) {};
    const int fd = connect();
    ASSERT_TRUE(pump([&] { return echo_.received.size() == 1; }));
    const ConnectionId id = echo_.received.begin()->first;
    const std::string much(20'000'000, 'm');
    loop_->send(id, much);
    for (int i = 0; i < 20; ++i) loop_->run_once(200'000);
    EXPECT_GT(loop_->backlog_bytes(id), 1'000'000u);
    loop_->send(id, "end");
    loop_->close_after_send(id);
    EXPECT_EQ(read(fd, much.size() + 3).size(), much.size() + 3);
    EXPECT_TRUE(eof(fd));
    EXPECT_EQ(loop_->backlog_bytes(id), 0u) << "a dead id has none";
    loop_->send(id, "nothing happens");
    loop_->set_reading(id, true);
    loop_->close_now(id, "");
}

TEST_P(NetLoopTest, WhoIsNotReadFeelsIt) {
    echo_.on_bytes = [](ConnectionId) {};
    const int fd = connect();
    ASSERT_TRUE(pump([&] { return echo_.received.size() == 1; }));
    const ConnectionId id = echo_.received.begin()->first;
    loop_->set_reading(id, false);
    const std::string part(100'000, 'p');
    size_t sent = 0;
    for (int i = 0; i < 300; ++i) {
        const ssize_t n = ::send(fd, part.data(), part.size(), MSG_NOSIGNAL);
        if (n > 0) sent += static_cast<size_t>(n);
        loop_->run_once(100'000);
    }
    EXPECT_LT(sent, 300 * part.size()) << "the kernel's buffers are full";
    EXPECT_LE(echo_.received[id].size(), 65'536u) << "at most what had been asked for";
    loop_->set_reading(id, true);
    EXPECT_TRUE(pump([&] { return echo_.received[id].size() == sent; }));
}

TEST_P(NetLoopTest, ManyConnectionsAtOnce) {
    std::vector<int> fds;
    for (int i = 0; i < 400; ++i) {
        fds.push_back(connect());
        if (i % 50 == 0) loop_->run_once(100'000);
    }
    ASSERT_TRUE(pump([&] { return echo_.received.size() == 400; }));
    for (int round = 0; round < 3; ++round) {
        for (size_t i = 0; i < fds.size(); ++i) {
            const std::string text = std::to_string(i) + " round " + std::to_string(round);
            ASSERT_EQ(::send(fds[i], text.data(), text.size(), MSG_NOSIGNAL),
                      static_cast<ssize_t>(text.size()));
        }
        for (size_t i = 0; i < fds.size(); ++i) {
            const std::string text = std::to_string(i) + " round " + std::to_string(round);
            ASSERT_EQ(read(fds[i], text.size()), text);
        }
    }
    for (const int fd : sockets_) ::close(fd);
    sockets_.clear();
    EXPECT_TRUE(pump([&] { return echo_.closed.size() == 400; }));
}

TEST_P(NetLoopTest, NoMoreThanTheLimitAreServedAndAPlaceIsUsedAgain) {
    start(2);
    const int first = connect();
    connect();
    ASSERT_TRUE(pump([&] { return echo_.received.size() == 2; }));
    EXPECT_TRUE(eof(connect()));
    ::shutdown(first, SHUT_WR);
    ASSERT_TRUE(pump([&] { return echo_.closed.size() == 1; }));
    const int fourth = connect();
    ASSERT_EQ(::send(fourth, "x", 1, MSG_NOSIGNAL), 1);
    EXPECT_EQ(read(fourth, 1), "x");
    EXPECT_EQ(echo_.received.size(), 3u) << "with an id of its own";
}

TEST_P(NetLoopTest, CloseNowFromInsideOnData) {
    echo_.on_bytes = [&](ConnectionId id) {
        loop_->send(id, "never mind");
        loop_->close_now(id, "as the test wants");
        loop_->send(id, "to nobody");
        loop_->set_reading(id, true);
    };
    for (int i = 0; i < 50; ++i) {
        const int fd = connect();
        const std::string text(10'000, 't');
        ASSERT_GT(::send(fd, text.data(), text.size(), MSG_NOSIGNAL), 0);
        ASSERT_TRUE(pump([&] { return echo_.closed.size() == static_cast<size_t>(i) + 1; }));
    }
    for (const auto& [id, reason] : echo_.closed) EXPECT_EQ(reason, "as the test wants");
    echo_.on_bytes = nullptr;
    const int fd = connect();
    ASSERT_EQ(::send(fd, "x", 1, MSG_NOSIGNAL), 1);
    EXPECT_EQ(read(fd, 1), "x");
}

TEST_P(NetLoopTest, RefusedConnectionsAreClosed) {
    echo_.refuse = true;
    EXPECT_TRUE(eof(connect()));
    EXPECT_TRUE(echo_.closed.empty());
}

TEST_P(NetLoopTest, AWakeFromAnotherThreadEndsTheWait) {
    loop_->run_once(1'000'000);
    for (int i = 0; i < 20; ++i) {
        const int64_t began = monotonic_now_ns();
        std::thread waker([&] { loop_->wake(); });
        loop_->run_once(5'000'000'000);
        waker.join();
        ASSERT_LT(monotonic_now_ns() - began, 4'000'000'000);
        loop_->run_once(0);
    }
    // The kernel may end some waits early, for rings that were closed before; five would be enough.
    int waits = 0;
    for (const int64_t began = monotonic_now_ns(); monotonic_now_ns() - began < 150'000'000; ++waits)
        loop_->run_once(30'000'000);
    EXPECT_LE(waits, 30) << "it does not wait";
}

TEST_P(NetLoopTest, TheSecondOnOnePortIsToldSo) {
    Echo other;
    try {
        NetLoop::create({"127.0.0.1:" + std::to_string(loop_->port()), GetParam(), 10}, other);
        FAIL();
    } catch (const std::runtime_error& e) {
        EXPECT_NE(std::string(e.what()).find("another program has the port"), std::string::npos) << e.what();
    }
}

}  // namespace
}  // namespace penstock::test

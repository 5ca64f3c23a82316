// Ingest over real loopback sockets, with a sink that a test looks into and a clock that it turns. Everything
// runs on the test's thread: pump() gives ingest its rounds.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>
#include <xxhash.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/wire.h"
#include "stages/ingest/ingest.h"
#include "tests/support/manual_clock.h"

namespace penstock::test {

/// Takes every raw event whose text holds no "refuse" or "duplicate"; durable at once unless held.
class FakeSink final : public IntakeSink {
  public:
    struct Taken {
        std::string bytes, producer;
        uint64_t position;
        Verdict verdict;
    };
    void process(WorkBatch& work) override {
        for (; work.raw_done < work.raw.size(); ++work.raw_done) {
            const RawEvent& raw = work.raw[work.raw_done];
            const std::string bytes(reinterpret_cast<const char*>(raw.data), raw.length);
            const RawSource& source = work.sources[raw.source];
            Verdict& verdict = work.verdicts[work.raw_done] = Verdict::kAccepted;
            if (bytes.find("duplicate") != std::string::npos) verdict = Verdict::kDuplicate;
            if (bytes.find("refuse") != std::string::npos)
                work.refuse(static_cast<uint32_t>(work.raw_done), Refusal::kBadValue, "as the test wants");
            taken.push_back({bytes, std::string(source.producer_name), raw.position, verdict});
            if (!source.producer_name.empty())
                positions.push_back({source.producer, source.epoch, raw.position});
        }
    }
    void keep_dead_letter(const DeadLetter& letter) override { letters.push_back(letter); }
    void note_position(const ProducerPosition& position) override { positions.push_back(position); }
    void control(ControlKind kind, std::string_view name, std::string_view text) override {
        const bool comes_or_goes =
            kind == ControlKind::kProducerConnected || kind == ControlKind::kProducerDisconnected;
        (comes_or_goes ? presence : controls).push_back({kind, std::string(name) + "|" + std::string(text)});
    }
    std::optional<uint64_t> publish() override {
        if (gather) return std::nullopt;
        return ++published;
    }
    uint64_t committed_position() const override { return hold ? committed : published; }
    bool admits() const override { return room; }

    std::vector<Taken> taken;
    std::vector<DeadLetter> letters;
    std::vector<ProducerPosition> positions;
    std::vector<std::pair<ControlKind, std::string>> controls, presence;
    uint64_t published = 0, committed = 0;
    bool hold = false, gather = false, room = true;
};

class IngestRig {
  public:
    explicit IngestRig(const std::string& backend = "epoll",
                       std::vector<Ingest::Tenant> tenants = {{"default", 0, ""}}) {
        spdlog::set_level(spdlog::level::warn);  // every refused connection is a line otherwise
        Ingest::Options o;
        o.net = {"127.0.0.1:0", backend, 2000};
        o.idle_timeout_ns = 900'000'000'000;
        o.stall_timeout_ns = 60'000'000'000;
        o.credits_bytes = 4 << 20;
        o.log_id = "log-1";
        o.hash_secret.assign(192, 7);
        o.tenants = std::move(tenants);
        ingest = std::make_unique<Ingest>(std::move(o), sink, telemetry, clock);
    }
    /// Rounds until `done`, at most `rounds` of them.
    bool pump(const std::function<bool()>& done, int rounds = 3000) {
        for (int i = 0; i < rounds; ++i) {
            if (done()) return true;
            ingest->do_work(1'000'000);
        }
        return done();
    }
    void pump_some(int rounds = 20) {
        for (int i = 0; i < rounds; ++i) ingest->do_work(200'000);
    }

    FakeSink sink;
    Telemetry telemetry;
    ManualClock clock;
    std::unique_ptr<Ingest> ingest;
};

class Peer {
  public:
    explicit Peer(IngestRig& rig) : rig_(rig) {
        fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in a{};
        a.sin_family = AF_INET;
        a.sin_port = htons(rig.ingest->port());
        a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        EXPECT_EQ(::connect(fd_, reinterpret_cast<sockaddr*>(&a), sizeof a), 0);
        ::fcntl(fd_, F_SETFL, O_NONBLOCK);
    }
    ~Peer() { close(); }
    Peer(const Peer&) = delete;
    Peer& operator=(const Peer&) = delete;

    void send(std::string_view bytes) {
        while (!bytes.empty()) {
            const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (n > 0)
                bytes.remove_prefix(static_cast<size_t>(n));
            else if (errno == EAGAIN)
                rig_.ingest->do_work(1'000'000), receive();
            else
                return;
        }
    }
    void shut() { ::shutdown(fd_, SHUT_WR); }
    void close() {
        if (fd_ >= 0) ::close(std::exchange(fd_, -1));
    }
    /// What has come so far.
    const std::string& receive() {
        char buffer[65536];
        for (ssize_t n; (n = ::recv(fd_, buffer, sizeof buffer, 0)) != -1 || errno != EAGAIN;) {
            if (n <= 0) {
                closed_ = true;
                break;
            }
            received_.append(buffer, static_cast<size_t>(n));
        }
        return received_;
    }
    /// Pumps until the answers hold `text`.
    bool answered(std::string_view text) {
        return rig_.pump([&] { return receive().find(text) != std::string::npos; });
    }
    /// Pumps until the appliance has closed.
    bool closed() {
        return rig_.pump([&] { return receive(), closed_; });
    }
    std::vector<std::string> lines() const {
        std::vector<std::string> out;
        for (size_t at = 0; at < received_.size();) {
            const size_t end = std::min(received_.find('\n', at), received_.size());
            out.push_back(received_.substr(at, end - at));
            at = end + 1;
        }
        return out;
    }
    struct Frame {
        wire::FrameHeader header;
        std::string body;
        wire::Ack ack() const {
            wire::Ack a{};
            std::memcpy(&a, body.data(), std::min(body.size(), sizeof a));
            return a;
        }
    };
    std::vector<Frame> frames() const {
        std::vector<Frame> out;
        for (size_t at = 0; at + sizeof(wire::FrameHeader) <= received_.size();) {
            Frame f;
            std::memcpy(&f.header, received_.data() + at, sizeof f.header);
            f.body = received_.substr(at + sizeof f.header, f.header.body_bytes);
            at += sizeof f.header + f.header.body_bytes;
            out.push_back(std::move(f));
        }
        return out;
    }
    void forget() { received_.clear(); }

  private:
    IngestRig& rig_;
    int fd_ = -1;
    std::string received_;
    bool closed_ = false;
};

inline std::string frame_of(wire::FrameType type, const std::string& body, uint32_t count = 0,
                            uint64_t epoch = 0, uint64_t seq = 0) {
    wire::FrameHeader h{};
    h.magic = wire::kMagic;
    h.type = type;
    h.body_bytes = static_cast<uint32_t>(body.size());
    h.count = count;
    h.epoch = epoch;
    h.first_seq = seq;
    std::string out(reinterpret_cast<const char*>(&h), sizeof h);
    const std::string hashed = out.substr(0, offsetof(wire::FrameHeader, checksum)) + body;
    const uint64_t checksum = XXH3_64bits(hashed.data(), hashed.size());
    std::memcpy(out.data() + offsetof(wire::FrameHeader, checksum), &checksum, sizeof checksum);
    return out + body;
}
inline std::string events_body(const std::vector<std::string>& events) {
    std::string body;
    for (const std::string& e : events) {
        const uint32_t head[2] = {static_cast<uint32_t>(e.size()), 0};
        body.append(reinterpret_cast<const char*>(head), sizeof head).append(e);
        body.resize((body.size() + 7) / 8 * 8);
    }
    return body;
}
inline std::string events_frame(const std::vector<std::string>& events, uint64_t epoch = 0,
                                uint64_t seq = 0) {
    return frame_of(wire::FrameType::kEvents, events_body(events), static_cast<uint32_t>(events.size()),
                    epoch, seq);
}

}  // namespace penstock::test

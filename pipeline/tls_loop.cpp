// TLS between the sockets of another NetLoop and its handler: the same for io_uring and epoll.
#include <absl/container/flat_hash_map.h>
#include <spdlog/spdlog.h>

#include <deque>
#include <utility>
#include <vector>

#include "pipeline/clock.h"
#include "pipeline/net_loop.h"
#include "pipeline/net_loop_backends.h"
#include "pipeline/tls_identity.h"
#include "pipeline/tls_session.h"
#include "schemas/limits.h"

namespace penstock {
namespace {

constexpr size_t kBufferBytes = limits::kReceiveBufferBytes;
constexpr size_t kPadding = 64;
constexpr uint8_t kHandshakeRecord = 0x16;  // what a TLS client's first byte is

class TlsLoop final : public NetLoop, private NetHandler {
  public:
    TlsLoop(Options options, NetHandler& handler) : tls_(std::move(options.tls)), handler_(handler) {
        options.tls = {};
        sockets_ = NetLoop::create(options, *this);
    }

    void run_once(int64_t timeout_ns) override { sockets_->run_once(timeout_ns); }
    void wake() override { sockets_->wake(); }
    void send(ConnectionId id, std::string_view bytes) override {
        TlsSession* session = find(id);
        if (!session) return;
        session->write(bytes);
        transmit(id, *session);
    }
    size_t backlog_bytes(ConnectionId id) const override { return sockets_->backlog_bytes(id); }
    void set_reading(ConnectionId id, bool reading) override { sockets_->set_reading(id, reading); }
    void close_after_send(ConnectionId id) override {
        if (TlsSession* session = find(id)) {
            session->end();
            transmit(id, *session);
        }
        sockets_->close_after_send(id);
    }
    void close_now(ConnectionId id, const std::string& reason) override { sockets_->close_now(id, reason); }
    uint16_t port() const override { return sockets_->port(); }
    std::string_view backend() const override { return sockets_->backend(); }

  private:
    struct Connection {
        std::string peer;
        std::unique_ptr<TlsSession> session;  ///< from the first byte on
        std::string failure;                  ///< nothing more is read
    };

    // NetHandler, told by the sockets
    bool on_accept(ConnectionId id, const std::string& peer, bool peer_is_loopback) override {
        if (!handler_.on_accept(id, peer, peer_is_loopback)) return false;
        connections_[id].peer = peer;
        begun_.push_back({monotonic_now_ns() + tls_.handshake_timeout_ns, id});
        return true;
    }

    void on_data(ConnectionId id, std::span<const uint8_t> data) override {
        const auto it = connections_.find(id);
        if (it == connections_.end() || !it->second.failure.empty()) return;
        if (it->second.session && it->second.session->state() == TlsSession::State::kEnded) return;
        if (!it->second.session) {
            if (data[0] != kHandshakeRecord) return refuse_plain(id, it->second, data[0]);
            it->second.session =
                std::make_unique<TlsSession>(tls_.identity->context().get(), TlsSession::Side::kServer);
        }
        it->second.session->feed(data);
        // The handler may close what it is told of.
        while (TlsSession* session = find(id)) {
            uint8_t* room = buffer();
            size_t filled = 0;
            while (filled < kBufferBytes) {
                const size_t n = session->read({room + filled, kBufferBytes - filled});
                if (n == 0) break;
                filled += n;
            }
            if (filled > 0) ++buffers_used_;
            transmit(id, *session);
            if (filled > 0) handler_.on_data(id, {room, filled});
            if (filled < kBufferBytes) break;
        }
        TlsSession* session = find(id);
        if (!session) return;
        session->feed({});
        if (session->state() == TlsSession::State::kFailed)
            fail(id, "TLS: " + session->failure());
        else if (session->state() == TlsSession::State::kEnded)
            handler_.on_end_of_stream(id);
    }

    void on_end_of_stream(ConnectionId id) override {
        const TlsSession* session = find(id);
        if (session && session->state() == TlsSession::State::kEnded) return;  // it was told
        if (!connections_.contains(id) || !connections_[id].failure.empty()) return;
        // Who cuts the connection could otherwise make half of a line look like the whole.
        sockets_->close_now(id, session && session->open() ? "the peer ended without TLS's close_notify"
                                                           : "the peer went away inside the TLS handshake");
    }

    void on_closed(ConnectionId id, const std::string& reason) override {
        const auto it = connections_.find(id);
        if (it == connections_.end()) return;
        const std::string why = it->second.failure.empty() ? reason : it->second.failure;
        connections_.erase(it);
        handler_.on_closed(id, why);
    }

    void on_round_end() override {
        drop_late_handshakes();
        handler_.on_round_end();
        buffers_used_ = 0;
    }

    void drop_late_handshakes() {
        if (begun_.empty()) return;
        const int64_t now = monotonic_now_ns();
        while (!begun_.empty() && begun_.front().until_ns <= now) {
            const ConnectionId id = begun_.front().id;
            begun_.pop_front();
            const TlsSession* session = find(id);
            if (connections_.contains(id) && !(session && session->open()))
                sockets_->close_now(id, "the TLS handshake took too long");
        }
    }

    void refuse_plain(ConnectionId id, Connection& c, uint8_t first) {
        spdlog::info("{} is closed: it speaks plain text where TLS is spoken", c.peer);
        c.failure = "plain text where TLS is spoken";
        if (tls_.plain_answer) sockets_->send(id, tls_.plain_answer(first));
        sockets_->close_after_send(id);
    }
    void fail(ConnectionId id, std::string why) {
        Connection& c = connections_[id];
        spdlog::info("{} is closed: {}", c.peer, why);
        c.failure = std::move(why);
        sockets_->close_after_send(id);  // behind the alert
    }

    TlsSession* find(ConnectionId id) const {
        const auto it = connections_.find(id);
        return it == connections_.end() ? nullptr : it->second.session.get();
    }
    void transmit(ConnectionId id, TlsSession& session) {
        if (session.output().empty()) return;
        // Out of the session's hands first: sending may find the peer gone, and end the session.
        std::string bytes = std::exchange(session.output(), std::exchange(spare_, {}));
        sockets_->send(id, bytes);
        bytes.clear();
        spare_ = std::move(bytes);
    }
    uint8_t* buffer() {
        if (buffers_used_ == buffers_.size()) buffers_.emplace_back(new uint8_t[kBufferBytes + kPadding]());
        return buffers_[buffers_used_].get();
    }

    const Options::Tls tls_;
    NetHandler& handler_;
    absl::flat_hash_map<ConnectionId, Connection> connections_;
    struct Begun {
        int64_t until_ns;
        ConnectionId id;
    };
    std::deque<Begun> begun_;  ///< in the order of accepting, which is that of their ends
    std::vector<std::unique_ptr<uint8_t[]>> buffers_;  ///< decrypted, of this round
    size_t buffers_used_ = 0;
    std::string spare_;
    std::unique_ptr<NetLoop> sockets_;  // last: its handler is this
};

}  // namespace

std::unique_ptr<NetLoop> make_tls_loop(const NetLoop::Options& options, NetHandler& handler) {
    return std::make_unique<TlsLoop>(options, handler);
}

}  // namespace penstock

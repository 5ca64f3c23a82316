// Sockets for one thread: accept, receive, send, timeouts, behind one interface with two mechanisms,
// io_uring (uring_loop.cpp) and epoll (epoll_loop.cpp). Knows bytes, not protocols.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

namespace penstock {

class TlsIdentity;

/// Names a connection for its life; never given twice.
using ConnectionId = uint64_t;

/// Told by the loop, on the loop's thread.
class NetHandler {
  public:
    virtual ~NetHandler() = default;
    /// `peer`: "127.0.0.1:51514". Return false to refuse (the socket is closed at once).
    virtual bool on_accept(ConnectionId id, const std::string& peer, bool peer_is_loopback) = 0;
    /// Bytes of a connection. They stay readable, and 64 bytes of padding behind them, until on_round_end
    /// returns.
    virtual void on_data(ConnectionId id, std::span<const uint8_t> data) = 0;
    /// The peer will send no more; it may still read.
    virtual void on_end_of_stream(ConnectionId id) = 0;
    /// The connection is gone; the id is dead. `reason`: empty for an orderly end.
    virtual void on_closed(ConnectionId id, const std::string& reason) = 0;
    /// All data of this round has been told. After it the receive buffers are used again.
    virtual void on_round_end() = 0;
};

/// One thread, but for wake(). Memory: a pool of receive buffers shared by all connections
/// (limits::kReceiveBufferCount), and per connection what it has not sent yet.
class NetLoop {
  public:
    struct Options {
        std::string listen;            ///< "127.0.0.1:7400", "[::1]:7400", "0.0.0.0:7400"
        std::string backend = "auto";  ///< auto | io_uring | epoll
        size_t connections_max = 10'000;
        struct Tls {
            const TlsIdentity* identity = nullptr;  ///< none: plain text
            /// Within which a new connection must have agreed on TLS.
            int64_t handshake_timeout_ns = 10'000'000'000;
            /// Sent to a client that speaks plain text, by its first byte; may be empty.
            std::function<std::string(uint8_t first)> plain_answer = {};
        };
        Tls tls = {};
    };
    /// Binds and listens. Throws std::runtime_error naming address and remedy. `auto` takes epoll, with a
    /// warning in the log, where the kernel refuses io_uring.
    static std::unique_ptr<NetLoop> create(const Options& options, NetHandler& handler);
    virtual ~NetLoop() = default;

    /// Waits at most `timeout_ns` for something to happen, then tells the handler one round of it.
    virtual void run_once(int64_t timeout_ns) = 0;
    /// Ends a wait from another thread. Costs a system call only while the loop waits.
    virtual void wake() = 0;

    /// Queues bytes; they are copied. Order is kept. Nothing happens for a dead id.
    virtual void send(ConnectionId id, std::string_view bytes) = 0;
    /// Bytes queued and not yet taken by the kernel.
    virtual size_t backlog_bytes(ConnectionId id) const = 0;
    /// Stops or resumes reading: the peer feels TCP's backpressure.
    virtual void set_reading(ConnectionId id, bool reading) = 0;
    /// Closes when what is queued has been sent. on_closed follows.
    virtual void close_after_send(ConnectionId id) = 0;
    virtual void close_now(ConnectionId id, const std::string& reason) = 0;

    virtual uint16_t port() const = 0;
    virtual std::string_view backend() const = 0;
};

/// A listening socket. Throws std::runtime_error that names the address and what to do.
int listen_on(const std::string& address);
/// Port that the socket got (the address may have asked for 0).
uint16_t port_of(int fd);
/// "127.0.0.1:51514", and whether the peer is on this host's loopback.
std::string peer_name(int fd, bool& is_loopback);

}  // namespace penstock

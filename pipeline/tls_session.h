// TLS without a socket: the peer's bytes go in, what it said comes out, and bytes for the peer. Never waits.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace penstock {

/// One thread. Memory: OpenSSL's own (about 10 KiB, and a record of 16 KiB where one is incomplete) and what
/// output() holds. Use order: feed(), then read() until it gives 0; what is to be sent is in output().
class TlsSession {
  public:
    enum class Side : uint8_t { kServer, kClient };
    enum class State : uint8_t {
        kHandshake,
        kOpen,
        kEnded,  ///< the peer has said that it sends no more; it still reads
        kFailed  ///< failure() says why; output() may hold the alert for the peer
    };
    /// The session keeps `context` alive.
    TlsSession(SSL_CTX* context, Side side);
    ~TlsSession();
    TlsSession(const TlsSession&) = delete;
    TlsSession& operator=(const TlsSession&) = delete;

    /// Before the first read(): verification and the like are set here.
    SSL* handle() { return ssl_; }

    /// `wire` is used by the read()s that follow; it must stay until one gives 0.
    void feed(std::span<const uint8_t> wire) { input_ = wire; }
    /// The next step of the handshake; read() does it, too. A client's first begins it.
    void shake_hands();
    /// Decrypts into `room`, which is not empty. 0: all that was fed is used up, or state() has changed.
    size_t read(std::span<uint8_t> room);
    /// Nothing happens before the handshake is done, or after a failure.
    void write(std::string_view bytes);
    /// Tells the peer that no more is sent.
    void end();

    /// For the peer, in order. The caller takes it away.
    std::string& output() { return output_; }
    State state() const { return state_; }
    bool open() const { return state_ == State::kOpen || state_ == State::kEnded; }
    const std::string& failure() const { return failure_; }

  private:
    friend struct TlsSessionBio;
    void settle(int result);

    SSL* ssl_;
    std::span<const uint8_t> input_;
    std::string output_, failure_;
    State state_ = State::kHandshake;
};

}  // namespace penstock

// A TLS client on a socket of its own, that a test drives a step at a time, and that can also misbehave.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <string>

#include "pipeline/tls_session.h"

namespace penstock::test {

/// Connects to 127.0.0.1; believes every certificate. Nothing is sent but by its calls.
class TlsPeer {
  public:
    explicit TlsPeer(uint16_t port, int version = TLS1_3_VERSION)
        : context_(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free) {
        SSL_CTX_set_min_proto_version(context_.get(), version);
        SSL_CTX_set_max_proto_version(context_.get(), version);
        session_ = std::make_unique<TlsSession>(context_.get(), TlsSession::Side::kClient);
        fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in a{};
        a.sin_family = AF_INET;
        a.sin_port = htons(port);
        a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        EXPECT_EQ(::connect(fd_, reinterpret_cast<sockaddr*>(&a), sizeof a), 0);
        ::fcntl(fd_, F_SETFL, O_NONBLOCK);
        session_->shake_hands();
        take_output();
    }
    ~TlsPeer() { disconnect(); }
    TlsPeer(const TlsPeer&) = delete;
    TlsPeer& operator=(const TlsPeer&) = delete;

    /// At most `step` bytes to the socket, and what has come from it. False: the peer has closed.
    bool work(size_t step = SIZE_MAX) {
        const size_t n = std::min(step, wire.size());
        if (n > 0) {
            const ssize_t sent = ::send(fd_, wire.data(), n, MSG_NOSIGNAL);
            if (sent > 0) wire.erase(0, static_cast<size_t>(sent));
        }
        uint8_t bytes[16384];
        const ssize_t got = ::recv(fd_, bytes, sizeof bytes, 0);
        const bool closed = got == 0 || (got < 0 && errno != EAGAIN);
        if (got > 0) raw.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(got));
        if (got > 0) session_->feed({bytes, static_cast<size_t>(got)});
        session_->shake_hands();
        uint8_t plain[20000];
        while (const size_t m = session_->read(plain)) received.append(reinterpret_cast<char*>(plain), m);
        session_->feed({});
        take_output();
        return !closed;
    }
    void write(std::string_view bytes) {
        session_->write(bytes);
        take_output();
    }
    void end() {
        session_->end();
        take_output();
    }
    void disconnect() {
        if (fd_ >= 0) ::close(fd_);
        fd_ = -1;
    }
    bool open() const { return session_->open(); }
    bool ended() const { return session_->state() == TlsSession::State::kEnded; }
    const std::string& failure() const { return session_->failure(); }
    long serial() const {
        X509* shown = SSL_get1_peer_certificate(session_->handle());
        const long number = shown ? ASN1_INTEGER_get(X509_get_serialNumber(shown)) : 0;
        X509_free(shown);
        return number;
    }
    int fd() const { return fd_; }

    std::string wire;      ///< to be sent by work(); a test may spoil it
    std::string raw;       ///< all that has come, as it was on the wire
    std::string received;  ///< decrypted

  private:
    void take_output() {
        wire += session_->output();
        session_->output().clear();
    }
    std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
    std::unique_ptr<TlsSession> session_;
    int fd_ = -1;
};

}  // namespace penstock::test

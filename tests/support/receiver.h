// What the receivers of notifications have in common: a listener on loopback, a thread a connection, TLS.
#pragma once

#include <openssl/ssl.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace penstock::test {

/// A self-signed certificate for `localhost`, in a folder of its own that goes with it.
class LocalCertificate {
  public:
    /// `valid_s`: from now on; negative: it has expired so long ago.
    explicit LocalCertificate(int64_t valid_s = 86'400);
    ~LocalCertificate();
    LocalCertificate(const LocalCertificate&) = delete;
    LocalCertificate& operator=(const LocalCertificate&) = delete;
    const std::string& file() const { return file_; }          ///< PEM; as an authority it vouches for itself
    const std::string& key_file() const { return key_file_; }  ///< PEM, mode 0600
    SSL_CTX* context() const { return context_.get(); }

  private:
    struct ContextEnd {
        void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
    };
    std::string folder_, file_, key_file_;
    std::unique_ptr<SSL_CTX, ContextEnd> context_;
};

/// One accepted connection. Every wait ends when the receiver does.
class ReceiverStream {
  public:
    ReceiverStream(int fd, const std::atomic<bool>& stopping);
    ~ReceiverStream();
    ReceiverStream(const ReceiverStream&) = delete;
    ReceiverStream& operator=(const ReceiverStream&) = delete;

    /// From here on TLS. False: the peer did not agree.
    bool start_tls(const LocalCertificate& certificate);
    /// Up to LF, without the line's end. Nothing: the peer has gone, or the receiver stops.
    std::optional<std::string> read_line();
    std::optional<std::string> read(size_t bytes);
    bool write(std::string_view bytes);
    /// Until the peer goes, or the receiver stops.
    void hang();
    void sleep_ms(int ms) const;

  private:
    bool more();
    int fd_;
    const std::atomic<bool>& stopping_;
    SSL* ssl_ = nullptr;
    std::string unread_;
};

/// Accepts on 127.0.0.1. stop() before what `serve` uses goes.
class Receiver {
  public:
    using Serve = std::function<void(ReceiverStream&)>;
    explicit Receiver(Serve serve);
    ~Receiver();
    Receiver(const Receiver&) = delete;
    Receiver& operator=(const Receiver&) = delete;
    uint16_t port() const { return port_; }
    int connections() const { return connections_; }
    void stop();

  private:
    void accept_loop();
    Serve serve_;
    int listener_ = -1;
    uint16_t port_ = 0;
    std::atomic<bool> stopping_{false};
    std::atomic<int> connections_{0};
    std::vector<std::thread> threads_;
    std::thread accept_thread_;
};

}  // namespace penstock::test

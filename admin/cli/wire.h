// The client's connected socket, in plain text or TLS.
#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "admin/cli/tls_trust.h"
#include "pipeline/tls_session.h"

namespace penstock::cli {

/// One thread. Never waits, but for start_tls(). write() and read() answer as send() and recv() do.
class Wire {
  public:
    /// Takes the socket, which does not block.
    explicit Wire(int fd) : fd_(fd) {}
    ~Wire();
    Wire(const Wire&) = delete;
    Wire& operator=(const Wire&) = delete;

    /// Why it failed; empty: TLS is spoken from here on.
    std::string start_tls(const TlsTrust& trust, SSL_CTX* context, const std::string& host, int timeout_ms);
    ssize_t write(std::span<const iovec> parts);
    ssize_t read(std::span<char> room);
    /// Says that no more is written.
    void end();
    /// Something that write() has taken waits for the socket: write() goes on with it, also with nothing.
    bool waits() const { return sent_ < sealed_.size(); }
    int fd() const { return fd_; }

  private:
    bool flush();

    int fd_;
    std::unique_ptr<TlsSession> tls_;
    std::string sealed_;  ///< for the peer, by TLS
    size_t sent_ = 0;
    std::vector<uint8_t> wire_;
};

}  // namespace penstock::cli

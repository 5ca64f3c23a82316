#include "admin/cli/wire.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "pipeline/clock.h"

namespace penstock::cli {

namespace {
constexpr size_t kWireBytes = 64 * 1024;
/// Taken by one write(): what is sealed is held until the socket has it.
constexpr size_t kSealedMax = 256 * 1024;
}  // namespace

Wire::~Wire() { close(fd_); }

std::string Wire::start_tls(const TlsTrust& trust, SSL_CTX* context, const std::string& host,
                            int timeout_ms) {
    wire_.resize(kWireBytes);
    tls_ = std::make_unique<TlsSession>(context, TlsSession::Side::kClient);
    trust.expect(tls_->handle(), host);
    const int64_t until_ns = monotonic_now_ns() + int64_t{timeout_ms} * 1'000'000;
    for (;;) {
        tls_->shake_hands();
        if (!flush()) return std::strerror(errno);
        if (tls_->state() == TlsSession::State::kFailed) return tls_->failure();
        if (tls_->open() && !waits()) return {};
        const ssize_t n = recv(fd_, wire_.data(), wire_.size(), 0);
        if (n == 0) return "the peer closed the connection";
        if (n > 0) {
            tls_->feed({wire_.data(), static_cast<size_t>(n)});
            continue;
        }
        if (errno != EAGAIN && errno != EINTR) return std::strerror(errno);
        const int64_t left_ms = (until_ns - monotonic_now_ns()) / 1'000'000;
        if (left_ms <= 0) return "the peer does not answer";
        pollfd p{fd_, static_cast<short>(POLLIN | (waits() ? POLLOUT : 0)), 0};
        poll(&p, 1, static_cast<int>(left_ms));
    }
}

bool Wire::flush() {
    if (tls_ && !tls_->output().empty()) {
        sealed_.erase(0, sent_);
        sent_ = 0;
        sealed_ += tls_->output();
        tls_->output().clear();
    }
    while (sent_ < sealed_.size()) {
        const ssize_t n = ::send(fd_, sealed_.data() + sent_, sealed_.size() - sent_, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno == EAGAIN;
        sent_ += static_cast<size_t>(n);
    }
    sealed_.clear();
    sent_ = 0;
    return true;
}

ssize_t Wire::write(std::span<const iovec> parts) {
    if (!tls_) {
        msghdr message{};
        message.msg_iov = const_cast<iovec*>(parts.data());
        message.msg_iovlen = parts.size();
        return sendmsg(fd_, &message, MSG_NOSIGNAL);
    }
    if (!flush()) return -1;
    if (waits()) {
        errno = EAGAIN;
        return -1;
    }
    size_t taken = 0;
    for (const iovec& part : parts) {
        const size_t n = std::min(part.iov_len, kSealedMax - taken);
        tls_->write({static_cast<const char*>(part.iov_base), n});
        taken += n;
        if (taken == kSealedMax) break;
    }
    if (!flush()) return -1;
    return static_cast<ssize_t>(taken);
}

ssize_t Wire::read(std::span<char> room) {
    if (!tls_) return recv(fd_, room.data(), room.size(), 0);
    size_t filled = 0;
    for (;;) {
        while (filled < room.size()) {
            const size_t n =
                tls_->read({reinterpret_cast<uint8_t*>(room.data()) + filled, room.size() - filled});
            if (n == 0) break;
            filled += n;
        }
        if (filled == room.size()) return static_cast<ssize_t>(filled);
        if (!flush()) return -1;  // answers of the protocol's own
        const bool over =
            tls_->state() == TlsSession::State::kFailed || tls_->state() == TlsSession::State::kEnded;
        const ssize_t n = over ? 0 : recv(fd_, wire_.data(), wire_.size(), 0);
        if (n <= 0) return filled > 0 ? static_cast<ssize_t>(filled) : n;
        tls_->feed({wire_.data(), static_cast<size_t>(n)});
    }
}

void Wire::end() {
    if (!tls_) {
        shutdown(fd_, SHUT_WR);
        return;
    }
    tls_->end();
    flush();
}

}  // namespace penstock::cli

#include "perf/peers/line_socket.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <utility>

#include "perf/support/bench.h"
#include "perf/support/loopback.h"

namespace penstock::bench {

LineSocket::LineSocket(uint16_t port) : fd_(connect_loopback(port)) {
    const timeval patience{60, 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
}
LineSocket::~LineSocket() {
    if (fd_ >= 0) close(fd_);
}

void LineSocket::say(std::string_view text) {
    while (!text.empty()) {
        const ssize_t n = send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
        if (n <= 0) throw std::runtime_error("the peer's connection was lost");
        text.remove_prefix(static_cast<size_t>(n));
    }
}

std::string_view LineSocket::line() {
    for (size_t from = at_;;) {
        const size_t end = buffer_.find("\r\n", from);
        if (end != buffer_.npos) {
            const std::string_view found(buffer_.data() + at_, end - at_);
            at_ = end + 2;
            return found;
        }
        fill();
        from = at_;
    }
}

std::string_view LineSocket::bytes(size_t count) {
    while (buffer_.size() - at_ < count) fill();
    const std::string_view found(buffer_.data() + at_, count);
    at_ += count;
    return found;
}

int LineSocket::release() {
    expect(at_ == buffer_.size(), "the peer said more than it was asked");
    return std::exchange(fd_, -1);
}

void LineSocket::fill() {
    buffer_.erase(0, at_);
    at_ = 0;
    std::array<char, 262'144> bytes;
    const ssize_t n = recv(fd_, bytes.data(), bytes.size(), 0);
    if (n <= 0) throw std::runtime_error("the peer closed the connection, or says nothing");
    buffer_.append(bytes.data(), static_cast<size_t>(n));
}

}  // namespace penstock::bench

#include "perf/peers/pipelined_sender.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "perf/support/bench.h"
#include "perf/support/load.h"

namespace penstock::bench {
namespace {

constexpr uint64_t kPartEventsMax = 512;
constexpr int64_t kSilenceMaxNs = 60'000'000'000;

}  // namespace

struct PipelinedSender::Lane {
    int fd = -1;
    bool owned = true;
    std::unique_ptr<Dialect> dialect;
    std::string out, in;
    size_t written = 0;  ///< of out
    uint64_t under_way = 0;
    bool full = false;
};

PipelinedSender::PipelinedSender(uint64_t window) : window_(window), epoll_(epoll_create1(EPOLL_CLOEXEC)) {}

PipelinedSender::~PipelinedSender() {
    for (const auto& lane : lanes_)
        if (lane->owned) close(lane->fd);
    close(epoll_);
}

void PipelinedSender::add(int fd, std::unique_ptr<Dialect> dialect, bool owns) {
    Lane& lane = *lanes_.emplace_back(std::make_unique<Lane>());
    lane.fd = fd;
    lane.owned = owns;
    lane.dialect = std::move(dialect);
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLET;
    event.data.ptr = &lane;
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0)
        throw std::runtime_error(fmt::format("epoll_ctl: {}", std::strerror(errno)));
}

bool PipelinedSender::write_some(Lane& lane, EventFeed& feed, uint64_t& left) {
    if (lane.written == lane.out.size()) {
        lane.out.clear();
        lane.written = 0;
        // Small rests of a window wait until they are worth a call.
        const uint64_t window = std::max<uint64_t>(window_ / lanes_.size(), 1);
        const uint64_t most = std::min({left, window - lane.under_way, kPartEventsMax});
        if (most < std::min({left, std::max<uint64_t>(window / 4, 1), kPartEventsMax})) return false;
        const auto part = feed.next(most, SystemClock().wall_ns());
        for (uint64_t i = feed.position() - part.events; i < feed.position(); ++i) {
            const EventFeed::Item& item = feed.item(i);
            lane.dialect->append({reinterpret_cast<const char*>(feed.block()) + item.begin, item.length},
                                 lane.out);
        }
        lane.under_way += part.events;
        left -= part.events;
        if (lane.out.empty()) return false;
    }
    const ssize_t n = ::send(lane.fd, lane.out.data() + lane.written, lane.out.size() - lane.written,
                             MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0) {
        lane.full = errno == EAGAIN;
        if (errno == EAGAIN || errno == EINTR) return false;
        throw std::runtime_error(fmt::format("the peer's connection was lost: {}", std::strerror(errno)));
    }
    lane.written += static_cast<size_t>(n);
    return true;
}

bool PipelinedSender::read_some(Lane& lane) {
    std::array<char, 262'144> bytes;
    const ssize_t n = recv(lane.fd, bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    if (n <= 0) throw std::runtime_error("the peer closed the connection");
    std::string_view fresh(bytes.data(), static_cast<size_t>(n));
    if (!lane.in.empty()) {
        lane.in += fresh;
        fresh = lane.in;
    }
    uint64_t acked = 0;
    const std::string rest(fresh.substr(lane.dialect->take(fresh, acked, lane.out)));
    lane.in = rest;
    expect(acked <= lane.under_way, "the peer acknowledges more than it was sent");
    lane.under_way -= acked;
    acked_ += acked;
    return true;
}

double PipelinedSender::send(EventFeed& feed, uint64_t events) {
    acked_ = 0;
    uint64_t left = events;
    const int64_t start_ns = monotonic_now_ns();
    int64_t moved_ns = start_ns;
    while (acked_ < events) {
        bool moved = false;
        for (const auto& lane : lanes_)
            if (!lane->full) moved |= write_some(*lane, feed, left);
        std::array<epoll_event, 128> ready;
        const int n = epoll_wait(epoll_, ready.data(), static_cast<int>(ready.size()), moved ? 0 : 100);
        for (int i = 0; i < n; ++i) {
            Lane& lane = *static_cast<Lane*>(ready[i].data.ptr);
            if (ready[i].events & EPOLLOUT) lane.full = false;
            if (ready[i].events & ~static_cast<uint32_t>(EPOLLOUT))
                while (read_some(lane)) moved = true;
        }
        const int64_t now_ns = monotonic_now_ns();
        if (moved) moved_ns = now_ns;
        if (now_ns - moved_ns > kSilenceMaxNs) throw std::runtime_error("no answer for a minute");
        if (stop_requested()) throw std::runtime_error("interrupted");
    }
    return static_cast<double>(monotonic_now_ns() - start_ns) * 1e-9;
}

}  // namespace penstock::bench

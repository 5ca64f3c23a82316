// NetLoop on epoll: for kernels and containers that refuse io_uring.
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "pipeline/connection_table.h"
#include "pipeline/net_loop.h"
#include "pipeline/net_loop_backends.h"
#include "schemas/limits.h"

namespace penstock {
namespace {

constexpr size_t kBufferBytes = limits::kReceiveBufferBytes;
constexpr size_t kPadding = 64;
constexpr uint64_t kListenTag = ~uint64_t{0}, kWakeTag = ~uint64_t{0} - 1;

class EpollLoop final : public NetLoop {
  public:
    EpollLoop(const Options& options, NetHandler& handler)
        : handler_(handler),
          connections_(options.connections_max),
          buffers_(new uint8_t[limits::kReceiveBufferCount * (kBufferBytes + kPadding)]()) {
        listen_fd_ = listen_on(options.listen);
        epoll_fd_ = epoll_create1(EPOLL_CLOEXEC);
        wake_fd_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        watch(EPOLL_CTL_ADD, listen_fd_, EPOLLIN, kListenTag);
        watch(EPOLL_CTL_ADD, wake_fd_, EPOLLIN, kWakeTag);
    }
    ~EpollLoop() override {
        connections_.for_each([](Connection& c) { ::close(c.fd); });
        ::close(wake_fd_);
        ::close(epoll_fd_);
        ::close(listen_fd_);
    }

    void run_once(int64_t timeout_ns) override {
        std::array<epoll_event, limits::kReceiveBufferCount> events;
        const auto timeout_ms = static_cast<int>((timeout_ns + 999'999) / 1'000'000);
        waiting_.store(true, std::memory_order_seq_cst);
        const int n = epoll_wait(epoll_fd_, events.data(), static_cast<int>(events.size()),
                                 woken_.load(std::memory_order_seq_cst) ? 0 : timeout_ms);
        waiting_.store(false, std::memory_order_relaxed);
        woken_.exchange(false, std::memory_order_acq_rel);  // this round sees what the waker did before
        buffers_used_ = 0;
        for (int i = 0; i < n; ++i) {
            const uint64_t tag = events[static_cast<size_t>(i)].data.u64;
            if (tag == kListenTag) {
                accept_some();
            } else if (tag == kWakeTag) {
                uint64_t count;
                (void)!read(wake_fd_, &count, sizeof count);
            } else {
                serve(tag, events[static_cast<size_t>(i)].events);
            }
        }
        handler_.on_round_end();
    }

    void wake() override {
        if (woken_.exchange(true, std::memory_order_seq_cst)) return;
        if (!waiting_.load(std::memory_order_seq_cst)) return;
        const uint64_t one = 1;
        (void)!write(wake_fd_, &one, sizeof one);
    }

    void send(ConnectionId id, std::string_view bytes) override {
        Connection* c = connections_.find(id);
        if (!c) return;
        c->out.append(bytes);
        flush(*c);
    }
    size_t backlog_bytes(ConnectionId id) const override {
        const Connection* c = connections_.find(id);
        return c ? c->out.size() - c->sent : 0;
    }
    void set_reading(ConnectionId id, bool reading) override {
        Connection* c = connections_.find(id);
        if (!c || c->reading == reading) return;
        c->reading = reading;
        update(*c);
    }
    void close_after_send(ConnectionId id) override {
        Connection* c = connections_.find(id);
        if (!c) return;
        c->closing = true;
        c->reading = false;
        flush(*c);
    }
    void close_now(ConnectionId id, const std::string& reason) override {
        if (Connection* c = connections_.find(id)) drop(*c, reason);
    }
    uint16_t port() const override { return port_of(listen_fd_); }
    std::string_view backend() const override { return "epoll"; }

  private:
    struct Connection {
        ConnectionId id = 0;
        int fd = -1;
        bool reading = true, ended = false, closing = false;
        uint32_t watched = 0;
        std::string out;
        size_t sent = 0;
    };

    void watch(int op, int fd, uint32_t events, uint64_t tag) {
        epoll_event e{};
        e.events = events;
        e.data.u64 = tag;
        if (epoll_ctl(epoll_fd_, op, fd, &e) != 0)
            throw std::runtime_error(fmt::format("epoll_ctl: {}", std::strerror(errno)));
    }
    void update(Connection& c) {
        const uint32_t wanted =
            (c.reading && !c.ended ? EPOLLIN : 0u) | (c.sent < c.out.size() ? EPOLLOUT : 0u);
        if (wanted == c.watched) return;
        watch(EPOLL_CTL_MOD, c.fd, wanted, c.id);
        c.watched = wanted;
    }
    void accept_some() {
        for (int i = 0; i < 64; ++i) {
            const int fd = accept4(listen_fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (fd < 0) return;
            bool loopback = false;
            const std::string peer = peer_name(fd, loopback);
            if (connections_.full()) {
                ::close(fd);
                continue;
            }
            Connection* c = connections_.add();
            c->fd = fd;
            set_socket_options(fd);
            if (!handler_.on_accept(c->id, peer, loopback)) {
                ::close(fd);
                connections_.remove(c->id);
                continue;
            }
            c->watched = c->reading ? EPOLLIN : 0u;
            watch(EPOLL_CTL_ADD, fd, c->watched, c->id);
        }
    }
    void serve(ConnectionId id, uint32_t events) {
        Connection* c = connections_.find(id);
        if (!c) return;
        if (events & EPOLLOUT) {
            flush(*c);
            c = connections_.find(id);
            if (!c) return;
        }
        if (events & (EPOLLHUP | EPOLLERR) && !(c->watched & EPOLLIN))
            return drop(*c, "the peer reset the connection");
        if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR)) || !c->reading || c->ended) return;
        if (buffers_used_ == limits::kReceiveBufferCount) return;  // level-triggered: told again next round
        uint8_t* buffer = buffers_.get() + buffers_used_ * (kBufferBytes + kPadding);
        const ssize_t n = recv(c->fd, buffer, kBufferBytes, 0);
        if (n > 0) {
            ++buffers_used_;
            handler_.on_data(id, {buffer, static_cast<size_t>(n)});
        } else if (n == 0) {
            c->ended = true;
            update(*c);
            handler_.on_end_of_stream(id);
        } else if (errno != EAGAIN && errno != EINTR) {
            drop(*c, std::strerror(errno));
        }
    }
    void flush(Connection& c) {
        while (c.sent < c.out.size()) {
            const ssize_t n = ::send(c.fd, c.out.data() + c.sent, c.out.size() - c.sent, MSG_NOSIGNAL);
            if (n < 0 && errno == EINTR) continue;
            if (n < 0 && errno == EAGAIN) break;
            if (n < 0) return drop(c, std::strerror(errno));
            c.sent += static_cast<size_t>(n);
        }
        if (c.sent == c.out.size()) {
            c.out.clear();
            c.sent = 0;
            if (c.closing) return drop(c, "");
        }
        update(c);
    }
    void drop(Connection& c, const std::string& reason) {
        const ConnectionId id = c.id;
        ::close(c.fd);
        connections_.remove(id);
        handler_.on_closed(id, reason);
    }

    NetHandler& handler_;
    ConnectionTable<Connection> connections_;
    std::unique_ptr<uint8_t[]> buffers_;
    size_t buffers_used_ = 0;
    int listen_fd_ = -1, epoll_fd_ = -1, wake_fd_ = -1;
    std::atomic<bool> waiting_{false}, woken_{false};
};

}  // namespace

std::unique_ptr<NetLoop> make_epoll_loop(const NetLoop::Options& options, NetHandler& handler) {
    return std::make_unique<EpollLoop>(options, handler);
}

void set_socket_options(int fd) {
    const int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
}

}  // namespace penstock

// NetLoop on io_uring: one ring, issued and reaped by the loop's thread alone (SINGLE_ISSUER, DEFER_TASKRUN),
// receive buffers picked by the kernel from a shared ring only when bytes are there.
#include <fmt/format.h>
#include <liburing.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "pipeline/connection_table.h"
#include "pipeline/net_loop.h"
#include "pipeline/net_loop_backends.h"
#include "schemas/limits.h"

namespace penstock {
namespace {

constexpr size_t kBufferBytes = limits::kReceiveBufferBytes;
constexpr size_t kPadding = 64;
constexpr size_t kBufferStride = kBufferBytes + kPadding;
constexpr unsigned kBufferCount = limits::kReceiveBufferCount;
static_assert((kBufferCount & (kBufferCount - 1)) == 0, "io_uring wants a power of two");
constexpr uint16_t kBufferGroup = 1;

/// What a completion was for: the operation in the top byte of user_data, the connection's slot at the
/// bottom.
enum class Op : uint8_t { kAccept = 1, kWake, kReceive, kSend, kCancel };

class UringLoop final : public NetLoop {
  public:
    UringLoop(const Options& options, NetHandler& handler)
        : handler_(handler), connections_(options.connections_max) {
        io_uring_params params{};
        params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE |
                       IORING_SETUP_R_DISABLED;
        params.cq_entries = 8192;
        if (const int rc = io_uring_queue_init_params(1024, &ring_, &params); rc < 0)
            throw std::runtime_error(
                fmt::format("the kernel refuses io_uring ({}); it needs Linux 6.1, sysctl "
                            "kernel.io_uring_disabled=0, and in a "
                            "container a seccomp profile that allows io_uring_setup, io_uring_enter and "
                            "io_uring_register",
                            std::strerror(-rc)));
        try {
            listen_fd_ = listen_on(options.listen);
            wake_fd_ = eventfd(0, EFD_CLOEXEC);
            register_buffers();
        } catch (...) {
            release();
            throw;
        }
    }
    ~UringLoop() override {
        connections_.for_each([](Connection& c) { ::close(c.fd); });
        release();
    }

    void run_once(int64_t timeout_ns) override {
        if (!enabled_) start();  // the thread that enables the ring is the one that may use it
        for (const ConnectionId id : rearm_) arm_receive(id);
        rearm_.clear();

        io_uring_cqe* cqe = nullptr;
        __kernel_timespec ts{timeout_ns / 1'000'000'000, timeout_ns % 1'000'000'000};
        waiting_.store(true, std::memory_order_seq_cst);
        if (woken_.load(std::memory_order_seq_cst)) ts = {0, 0};
        io_uring_submit_and_wait_timeout(&ring_, &cqe, 1, &ts, nullptr);
        waiting_.store(false, std::memory_order_relaxed);
        woken_.exchange(false, std::memory_order_acq_rel);  // this round sees what the waker did before

        unsigned head, seen = 0;
        io_uring_for_each_cqe(&ring_, head, cqe) {
            ++seen;
            complete(*cqe);
            if (buffers_held_.size() == kBufferCount) break;  // end the round, give the buffers back
        }
        io_uring_cq_advance(&ring_, seen);
        handler_.on_round_end();
        give_back_buffers();
    }

    void wake() override {
        if (woken_.exchange(true, std::memory_order_seq_cst)) return;
        if (!waiting_.load(std::memory_order_seq_cst)) return;
        const uint64_t one = 1;
        (void)!write(wake_fd_, &one, sizeof one);
    }

    void send(ConnectionId id, std::string_view bytes) override {
        Connection* c = connections_.find(id);
        if (!c || c->dropped) return;
        c->queued.append(bytes);
        pump(*c);
    }
    size_t backlog_bytes(ConnectionId id) const override {
        const Connection* c = connections_.find(id);
        return c ? c->queued.size() + c->sending.size() - c->sent : 0;
    }
    void set_reading(ConnectionId id, bool reading) override {
        Connection* c = connections_.find(id);
        if (!c || c->reading == reading) return;
        c->reading = reading;
        if (reading && !c->receive_armed) rearm_.push_back(id);
    }
    void close_after_send(ConnectionId id) override {
        Connection* c = connections_.find(id);
        if (!c) return;
        c->closing = true;
        c->reading = false;
        pump(*c);
    }
    void close_now(ConnectionId id, const std::string& reason) override {
        if (Connection* c = connections_.find(id)) drop(*c, reason);
    }
    uint16_t port() const override { return port_of(listen_fd_); }
    std::string_view backend() const override { return "io_uring"; }

  private:
    struct Connection {
        ConnectionId id = 0;
        int fd = -1;
        bool reading = true, ended = false, closing = false, dropped = false;
        bool receive_armed = false, send_armed = false;
        std::string queued, sending;
        size_t sent = 0;
    };

    static uint64_t tag(Op op, ConnectionId id = 0) {
        return uint64_t{static_cast<uint8_t>(op)} << 56 | static_cast<uint32_t>(id);
    }

    void release() {
        if (listen_fd_ >= 0) ::close(listen_fd_);
        if (wake_fd_ >= 0) ::close(wake_fd_);
        io_uring_queue_exit(&ring_);
        if (buffer_ring_ != MAP_FAILED) munmap(buffer_ring_, kBufferCount * sizeof(io_uring_buf));
    }

    void register_buffers() {
        buffers_.reset(new uint8_t[kBufferCount * kBufferStride]);
        buffer_ring_ =
            static_cast<io_uring_buf_ring*>(mmap(nullptr, kBufferCount * sizeof(io_uring_buf),
                                                 PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_PRIVATE, -1, 0));
        if (buffer_ring_ == MAP_FAILED) throw std::runtime_error("no memory for the receive buffer ring");
        io_uring_buf_reg reg{};
        reg.ring_addr = reinterpret_cast<uint64_t>(buffer_ring_);
        reg.ring_entries = kBufferCount;
        reg.bgid = kBufferGroup;
        if (const int rc = io_uring_register_buf_ring(&ring_, &reg, 0); rc != 0)
            throw std::runtime_error(fmt::format(
                "the kernel refuses io_uring buffer rings ({}); it needs Linux 5.19", std::strerror(-rc)));
        io_uring_buf_ring_init(buffer_ring_);
        for (unsigned i = 0; i < kBufferCount; ++i) buffers_held_.push_back(static_cast<uint16_t>(i));
        give_back_buffers();
    }
    void give_back_buffers() {
        int n = 0;
        for (const uint16_t b : buffers_held_)
            io_uring_buf_ring_add(buffer_ring_, buffers_.get() + b * kBufferStride, kBufferBytes, b,
                                  static_cast<int>(kBufferCount) - 1, n++);
        if (n) io_uring_buf_ring_advance(buffer_ring_, n);
        buffers_held_.clear();
    }

    io_uring_sqe* sqe() {
        io_uring_sqe* s = io_uring_get_sqe(&ring_);
        while (!s) {
            io_uring_submit(&ring_);
            s = io_uring_get_sqe(&ring_);
        }
        return s;
    }
    void start() {
        enabled_ = true;
        // liburing 2.3 declares io_uring_enable_rings() but does not export it.
        if (syscall(__NR_io_uring_register, ring_.ring_fd, IORING_REGISTER_ENABLE_RINGS, nullptr, 0) != 0)
            throw std::runtime_error(fmt::format("cannot enable io_uring: {}", std::strerror(errno)));
        arm_accept();
        arm_wake();
    }
    void arm_accept() {
        io_uring_sqe* s = sqe();
        io_uring_prep_multishot_accept(s, listen_fd_, nullptr, nullptr, SOCK_CLOEXEC);
        io_uring_sqe_set_data64(s, tag(Op::kAccept));
    }
    void arm_wake() {
        io_uring_sqe* s = sqe();
        io_uring_prep_read(s, wake_fd_, &wake_count_, sizeof wake_count_, 0);
        io_uring_sqe_set_data64(s, tag(Op::kWake));
    }
    void arm_receive(ConnectionId id) {
        Connection* c = connections_.find(id);
        if (!c || c->dropped || c->receive_armed || !c->reading || c->ended) return;
        io_uring_sqe* s = sqe();
        io_uring_prep_recv(s, c->fd, nullptr, kBufferBytes, 0);
        s->flags |= IOSQE_BUFFER_SELECT;
        s->buf_group = kBufferGroup;
        io_uring_sqe_set_data64(s, tag(Op::kReceive, id));
        c->receive_armed = true;
    }
    void pump(Connection& c) {
        if (c.send_armed || c.dropped) return;
        if (c.sent == c.sending.size()) {
            c.sending.clear();
            c.sent = 0;
            c.sending.swap(c.queued);
        }
        if (c.sending.empty()) {
            if (c.closing) drop(c, "");
            return;
        }
        io_uring_sqe* s = sqe();
        io_uring_prep_send(s, c.fd, c.sending.data() + c.sent, c.sending.size() - c.sent, MSG_NOSIGNAL);
        io_uring_sqe_set_data64(s, tag(Op::kSend, c.id));
        c.send_armed = true;
    }

    void complete(const io_uring_cqe& cqe) {
        const auto op = static_cast<Op>(cqe.user_data >> 56);
        switch (op) {
            case Op::kAccept:
                return accepted(cqe);
            case Op::kWake:
                return arm_wake();
            case Op::kReceive:
                return received(cqe);
            case Op::kSend:
                return sent(cqe);
            case Op::kCancel:
                return;
        }
    }
    void accepted(const io_uring_cqe& cqe) {
        if (!(cqe.flags & IORING_CQE_F_MORE)) arm_accept();
        if (cqe.res < 0) {
            if (cqe.res == -EMFILE || cqe.res == -ENFILE)
                spdlog::warn("cannot accept a connection: {}; raise the limit of open files (ulimit -n)",
                             std::strerror(-cqe.res));
            return;
        }
        if (connections_.full()) {
            ::close(cqe.res);
            return;
        }
        Connection* c = connections_.add();
        c->fd = cqe.res;
        set_socket_options(c->fd);
        bool loopback = false;
        const std::string peer = peer_name(c->fd, loopback);
        if (!handler_.on_accept(c->id, peer, loopback)) {
            ::close(c->fd);
            connections_.remove(c->id);
            return;
        }
        rearm_.push_back(c->id);
    }
    /// A slot is freed only when no operation of it is under way, so its index is enough to find it.
    Connection* of(const io_uring_cqe& cqe) {
        return connections_.at_slot(static_cast<uint32_t>(cqe.user_data));
    }
    void received(const io_uring_cqe& cqe) {
        Connection* c = of(cqe);
        if (cqe.flags & IORING_CQE_F_BUFFER)
            buffers_held_.push_back(static_cast<uint16_t>(cqe.flags >> IORING_CQE_BUFFER_SHIFT));
        if (!c) return;
        c->receive_armed = false;
        if (c->dropped) return finish(*c);
        const ConnectionId id = c->id;
        if (cqe.res > 0) {
            rearm_.push_back(id);
            handler_.on_data(
                id, {buffers_.get() + buffers_held_.back() * kBufferStride, static_cast<size_t>(cqe.res)});
        } else if (cqe.res == 0) {
            c->ended = true;
            handler_.on_end_of_stream(id);
        } else if (cqe.res == -ENOBUFS || cqe.res == -EINTR || cqe.res == -EAGAIN) {
            rearm_.push_back(id);
        } else {
            drop(*c, std::strerror(-cqe.res));
        }
    }
    void sent(const io_uring_cqe& cqe) {
        Connection* c = of(cqe);
        if (!c) return;
        c->send_armed = false;
        if (c->dropped) return finish(*c);
        if (cqe.res < 0 && cqe.res != -EINTR && cqe.res != -EAGAIN) return drop(*c, std::strerror(-cqe.res));
        if (cqe.res > 0) c->sent += static_cast<size_t>(cqe.res);
        pump(*c);
    }

    /// Tells the handler at once; the slot and the socket go when no operation of it is under way.
    void drop(Connection& c, const std::string& reason) {
        if (c.dropped) return;
        c.dropped = true;
        handler_.on_closed(c.id, reason);
        if (c.receive_armed || c.send_armed) {
            ::shutdown(c.fd, SHUT_RDWR);  // ends what is under way
            return;
        }
        finish(c);
    }
    void finish(Connection& c) {
        if (c.receive_armed || c.send_armed) return;
        ::close(c.fd);
        connections_.remove(c.id);
    }

    NetHandler& handler_;
    ConnectionTable<Connection> connections_;
    io_uring ring_{};
    bool enabled_ = false;
    int listen_fd_ = -1, wake_fd_ = -1;
    uint64_t wake_count_ = 0;
    std::atomic<bool> waiting_{false}, woken_{false};
    std::unique_ptr<uint8_t[]> buffers_;
    io_uring_buf_ring* buffer_ring_ = static_cast<io_uring_buf_ring*>(MAP_FAILED);
    std::vector<uint16_t> buffers_held_;
    std::vector<ConnectionId> rearm_;
};

}  // namespace

std::unique_ptr<NetLoop> make_uring_loop(const NetLoop::Options& options, NetHandler& handler) {
    return std::make_unique<UringLoop>(options, handler);
}

std::unique_ptr<NetLoop> NetLoop::create(const Options& options, NetHandler& handler) {
    if (options.tls.identity) return make_tls_loop(options, handler);
    if (options.backend == "epoll") return make_epoll_loop(options, handler);
    if (options.backend == "io_uring") return make_uring_loop(options, handler);
    io_uring probe{};
    if (const int rc = io_uring_queue_init(2, &probe, 0); rc < 0) {
        spdlog::warn(
            "io_uring is refused here ({}): using epoll, at a lower rate; allow io_uring_setup (seccomp, "
            "sysctl kernel.io_uring_disabled) to mend it",
            std::strerror(-rc));
        return make_epoll_loop(options, handler);
    }
    io_uring_queue_exit(&probe);
    return make_uring_loop(options, handler);
}

}  // namespace penstock

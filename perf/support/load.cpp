#include "perf/support/load.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "admin/cli/frame_encoder.h"
#include "perf/support/bench.h"
#include "perf/support/loopback.h"

namespace penstock::bench {
namespace {

/// Open loop: events that fall due within this time leave together; an event waits half of it on average.
constexpr int64_t kTurnNs = 200'000;
/// Closed loop: what is written at once, in events.
constexpr uint64_t kPartEventsMax = 512;
constexpr int64_t kSilenceMaxNs = 60'000'000'000;

volatile sig_atomic_t stop_signals = 0;

double thread_cpu_seconds() {
    timespec ts;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return static_cast<double>(ts.tv_sec) + static_cast<double>(ts.tv_nsec) * 1e-9;
}

/// Of the few bytes that are not events.
void send_whole(int fd, std::string_view bytes) {
    if (send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(bytes.size()))
        throw std::runtime_error("a hello or an end could not be sent");
}

}  // namespace

void catch_stop_signals() {
    struct sigaction action{};
    action.sa_handler = [](int) {
        if (stop_signals > 0) _exit(130);
        stop_signals = 1;
    };
    sigaction(SIGINT, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
    signal(SIGPIPE, SIG_IGN);
}
bool stop_requested() { return stop_signals > 0; }

Load::Load(EventFeed& feed, const LoadOptions& options)
    : feed_(feed), options_(options), binary_(options.format == EventFeed::Format::kBinary) {
    epoll_ = epoll_create1(EPOLL_CLOEXEC);
    for (size_t i = 0; i < options.connections; ++i) {
        connections_.push_back(std::make_unique<Connection>(binary_));
        connect_to(*connections_.back());
        if (!options.tenants.empty())
            say_hello(*connections_.back(), options.tenants[i % options.tenants.size()]);
    }
    prctl(PR_SET_TIMERSLACK, 1);
}

Load::~Load() {
    for (const auto& connection : connections_) close(connection->fd);
    close(epoll_);
}

void Load::connect_to(Connection& connection) {
    connection.fd = connect_loopback(options_.port);
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLET;
    event.data.ptr = &connection;
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.fd, &event) != 0)
        throw std::runtime_error(fmt::format("epoll_ctl: {}", std::strerror(errno)));
}

void Load::say_hello(Connection& connection, const TenantKey& as) {
    const std::string facts = fmt::format(R"("tenant":"{}","key":"{}"}})", as.tenant, as.key);
    send_whole(connection.fd, binary_ ? cli::make_frame(wire::FrameType::kHello, "{" + facts)
                                      : R"({"penstock":"hello",)" + facts + "\n");
}

uint64_t Load::due_events(int64_t now_ns) const {
    if (options_.rate <= 0) return options_.events;
    const auto due =
        static_cast<uint64_t>(static_cast<double>(now_ns - start_ns_) * 1e-9 * options_.rate) + 1;
    return std::min(options_.events, due);
}

void Load::take_part(Connection& connection, int64_t now_ns) {
    const uint64_t due = due_events(now_ns);
    if (due <= handed_over_) return;
    const uint64_t window = std::max<uint64_t>(options_.window_events / connections_.size(), 2);
    uint64_t most = std::min({due - handed_over_, kPartEventsMax, window / 2});
    if (options_.rate <= 0 && connection.taken - connection.acked + most > window) return;
    if (binary_) {
        const auto body_max = static_cast<uint64_t>(static_cast<double>(most) * feed_.bytes_an_event() * 1.2);
        if (connection.credits_held > 0 && connection.credits_held + body_max > connection.credits) return;
    }
    const auto part = feed_.next(most, SystemClock().wall_ns());
    connection.body_left = part.bytes;
    if (connections_.size() > 1) {
        connection.body.assign(part.bytes.begin(), part.bytes.end());
        connection.body_left = connection.body;
    }
    connection.part_events = part.events;
    connection.taken += part.events;
    connection.parts.push_back({handed_over_, part.events, 0, part.bytes.size()});
    handed_over_ += part.events;
    if (!binary_) return;
    connection.head = frame_header(part.bytes, part.events);
    connection.head_left = sizeof connection.head;
    connection.credits_held += part.bytes.size();
}

/// The turn goes round, so that parts are dealt out evenly.
bool Load::write_all(int64_t now_ns) {
    bool moved = false;
    for (size_t i = 0; i < connections_.size(); ++i) {
        Connection& connection = *connections_[turn_];
        turn_ = (turn_ + 1) % connections_.size();
        if (!connection.full) moved |= write_some(connection, now_ns);
    }
    return moved;
}

bool Load::write_some(Connection& connection, int64_t now_ns) {
    bool moved = false;
    for (;;) {
        if (connection.body_left.empty()) take_part(connection, now_ns);
        if (connection.body_left.empty()) return moved;
        size_t& head_left = connection.head_left;
        std::array<iovec, 2> parts{
            {{reinterpret_cast<uint8_t*>(&connection.head) + sizeof connection.head - head_left, head_left},
             {const_cast<uint8_t*>(connection.body_left.data()), connection.body_left.size()}}};
        msghdr message{};
        message.msg_iov = head_left > 0 ? parts.data() : parts.data() + 1;
        message.msg_iovlen = head_left > 0 ? 2 : 1;
        const ssize_t n = sendmsg(connection.fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0) {
            connection.full = errno == EAGAIN;
            if (errno == EAGAIN || errno == EINTR) return moved;
            throw std::runtime_error(fmt::format("the connection was lost: {}", std::strerror(errno)));
        }
        const size_t of_head = std::min(head_left, static_cast<size_t>(n));
        head_left -= of_head;
        connection.body_left = connection.body_left.subspan(static_cast<size_t>(n) - of_head);
        if (connection.body_left.empty()) {
            connection.handed += connection.part_events;
            report_.handed += connection.part_events;
        }
        moved = true;
        // Answers are read between writes, or a closed loop would measure its own neglect.
        if (options_.rate <= 0) return moved;
    }
}

/// Reads where something came.
bool Load::read_ready(int64_t now_ns, bool may_wait) {
    std::array<epoll_event, 128> events;
    const int64_t until_ns = may_wait ? wait_ns(now_ns) : 0;
    const timespec timeout{until_ns / 1'000'000'000, until_ns % 1'000'000'000};
    const int n = epoll_pwait2(epoll_, events.data(), static_cast<int>(events.size()), &timeout, nullptr);
    bool moved = false;
    for (int i = 0; i < n; ++i) {
        Connection& connection = *static_cast<Connection*>(events[i].data.ptr);
        if (events[i].events & EPOLLOUT) connection.full = false;
        if (events[i].events & ~static_cast<uint32_t>(EPOLLOUT))
            while (!connection.done && read_some(connection)) moved = true;
    }
    return moved;
}

bool Load::read_some(Connection& connection) {
    std::array<char, 65'536> bytes;
    const ssize_t n = recv(connection.fd, bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    if (n <= 0) {
        connection.done = n == 0 && connection.ended && connection.acked == connection.taken;
        if (!connection.done) throw std::runtime_error("the appliance closed the connection");
        return true;
    }
    const int64_t now_ns = monotonic_now_ns();
    connection.answers.feed({bytes.data(), static_cast<size_t>(n)});
    cli::Answer answer;
    while (connection.answers.next(answer)) take_answer(connection, answer, now_ns);
    return true;
}

void Load::take_answer(Connection& connection, const cli::Answer& answer, int64_t now_ns) {
    using Kind = cli::Answer::Kind;
    if (answer.kind == Kind::kError)
        throw std::runtime_error(fmt::format("the appliance answers {}: {}", answer.error, answer.detail));
    if (answer.kind == Kind::kRefused)
        throw CheckFailed(
            fmt::format("event {} was refused: {}: {}", answer.seq, answer.error, answer.detail));
    if (answer.kind != Kind::kAck && answer.kind != Kind::kDone) return;
    expect(answer.seq >= connection.acked && answer.seq <= connection.taken,
           "an ack goes back, or ahead of what was sent");
    for (uint64_t left = answer.seq - connection.acked; left > 0;) {
        Part& part = connection.parts.front();
        const uint64_t now = std::min(left, part.events - part.acked);
        if (options_.rate > 0) {
            const double step = 1e9 / options_.rate;
            for (uint64_t i = part.first + part.acked; i < part.first + part.acked + now; ++i)
                report_.latency.record(now_ns - start_ns_ -
                                       static_cast<int64_t>(static_cast<double>(i) * step));
        }
        left -= now;
        part.acked += now;
        if (part.acked < part.events) break;
        if (binary_) connection.credits_held -= part.body_bytes;
        connection.parts.pop_front();
    }
    report_.acked += answer.seq - connection.acked;
    report_.stored += answer.stored - connection.stored;
    report_.duplicates += answer.duplicates - connection.duplicates;
    report_.refused += answer.refused - connection.refused;
    connection.acked = answer.seq;
    connection.stored = answer.stored;
    connection.duplicates = answer.duplicates;
    connection.refused = answer.refused;
    if (answer.credits_bytes != 0) connection.credits = answer.credits_bytes;
}

int64_t Load::wait_ns(int64_t now_ns) const {
    const bool waits_for_its_time =
        options_.rate > 0 && handed_over_ < options_.events && due_events(now_ns) <= handed_over_;
    return waits_for_its_time ? kTurnNs : 100'000'000;
}

void Load::finish_sending(Connection& connection) {
    connection.ended = true;
    if (!binary_) {
        shutdown(connection.fd, SHUT_WR);
        return;
    }
    send_whole(connection.fd, cli::make_frame(wire::FrameType::kEnd));
}

const LoadReport& Load::run() {
    const double cpu_before = thread_cpu_seconds();
    const uint64_t repeats_before = feed_.effects().repeats;
    int64_t now_ns = start_ns_ = monotonic_now_ns();
    int64_t moved_ns = start_ns_;
    bool ended = false;
    while (report_.acked < options_.events) {
        bool moved = write_all(now_ns);
        if (!ended && report_.handed == options_.events) {
            for (const auto& connection : connections_) finish_sending(*connection);
            ended = true;
        }
        moved |= read_ready(now_ns, !moved);
        now_ns = monotonic_now_ns();
        if (moved) moved_ns = now_ns;
        if (now_ns - moved_ns > kSilenceMaxNs) throw std::runtime_error("no answer for a minute");
        if (stop_requested()) throw std::runtime_error("interrupted");
        handed_now_.store(report_.handed, std::memory_order_relaxed);
        acked_now_.store(report_.acked, std::memory_order_relaxed);
    }
    report_.seconds = static_cast<double>(monotonic_now_ns() - start_ns_) * 1e-9;
    report_.cpu_seconds = thread_cpu_seconds() - cpu_before;
    const uint64_t repeats = feed_.effects().repeats - repeats_before;
    expect_equal(report_.acked, options_.events, "acknowledged events");
    expect_equal(report_.stored, options_.events - repeats, "stored events, by the acks");
    expect_equal(report_.duplicates, repeats, "duplicates, by the acks");
    expect_equal(report_.refused, 0u, "refusals, by the acks");
    handed_now_ = acked_now_ = options_.events;
    return report_;
}

Watcher::Watcher(int64_t period_ns, std::function<void(int)> look)
    : thread_([this, period_ns, look = std::move(look)](const std::stop_token& stop) {
          const int64_t start_ns = monotonic_now_ns();
          try {
              for (int number = 1;; ++number) {
                  while (monotonic_now_ns() < start_ns + number * period_ns) {
                      if (stop.stop_requested()) return;
                      const timespec pause{0, 20'000'000};
                      nanosleep(&pause, nullptr);
                  }
                  look(number);
              }
          } catch (...) {
              failure_ = std::current_exception();
          }
      }) {}

Watcher::~Watcher() = default;

void Watcher::finish() {
    thread_.request_stop();
    if (thread_.joinable()) thread_.join();
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

}  // namespace penstock::bench

#include "perf/support/load.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "admin/cli/frame_encoder.h"
#include "perf/support/bench.h"

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
    : feed_(feed), options_(options), answers_(options.format == EventFeed::Format::kBinary) {
    fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(options.port);
    if (fd_ < 0 || connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
        throw std::runtime_error(fmt::format("cannot connect to the appliance: {}", std::strerror(errno)));
    const int on = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    prctl(PR_SET_TIMERSLACK, 1);
}

Load::~Load() { close(fd_); }

uint64_t Load::due_events(int64_t now_ns) const {
    if (options_.rate <= 0) return options_.events;
    const auto due =
        static_cast<uint64_t>(static_cast<double>(now_ns - start_ns_) * 1e-9 * options_.rate) + 1;
    return std::min(options_.events, due);
}

void Load::take_part(int64_t now_ns) {
    const uint64_t due = due_events(now_ns);
    if (due <= handed_over_) return;
    uint64_t most = std::min(due - handed_over_, kPartEventsMax);
    if (options_.rate <= 0) {
        if (under_way() + most > options_.window_events) return;
    }
    const bool binary = options_.format == EventFeed::Format::kBinary;
    if (binary) {
        const auto body_max = static_cast<uint64_t>(static_cast<double>(most) * feed_.bytes_an_event() * 1.2);
        if (credits_held_ > 0 && credits_held_ + body_max > credits_) return;
    }
    const auto part = feed_.next(most, SystemClock().wall_ns());
    body_left_ = part.bytes;
    part_events_ = part.events;
    handed_over_ += part.events;
    if (!binary) return;
    head_ = frame_header(part.bytes, part.events);
    head_left_ = sizeof head_;
    frames_.push_back({handed_over_, part.bytes.size()});
    credits_held_ += part.bytes.size();
}

bool Load::write_some(int64_t now_ns) {
    bool moved = false;
    for (;;) {
        if (body_left_.empty()) take_part(now_ns);
        if (body_left_.empty()) return moved;
        std::array<iovec, 2> parts{
            {{reinterpret_cast<uint8_t*>(&head_) + sizeof head_ - head_left_, head_left_},
             {const_cast<uint8_t*>(body_left_.data()), body_left_.size()}}};
        msghdr message{};
        message.msg_iov = head_left_ > 0 ? parts.data() : parts.data() + 1;
        message.msg_iovlen = head_left_ > 0 ? 2 : 1;
        const ssize_t n = sendmsg(fd_, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0) {
            if (errno == EAGAIN || errno == EINTR) return moved;
            throw std::runtime_error(fmt::format("the connection was lost: {}", std::strerror(errno)));
        }
        const size_t of_head = std::min(head_left_, static_cast<size_t>(n));
        head_left_ -= of_head;
        body_left_ = body_left_.subspan(static_cast<size_t>(n) - of_head);
        if (body_left_.empty()) report_.handed += part_events_;
        moved = true;
        // Answers are read between writes, or a closed loop would measure its own neglect.
        if (options_.rate <= 0) return moved;
    }
}

bool Load::read_some() {
    std::array<char, 65'536> bytes;
    const ssize_t n = recv(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    if (n <= 0) {
        done_ = n == 0 && ended_ && report_.acked == options_.events;
        if (!done_) throw std::runtime_error("the appliance closed the connection");
        return true;
    }
    const int64_t now_ns = monotonic_now_ns();
    answers_.feed({bytes.data(), static_cast<size_t>(n)});
    cli::Answer answer;
    while (answers_.next(answer)) {
        using Kind = cli::Answer::Kind;
        if (answer.kind == Kind::kError)
            throw std::runtime_error(
                fmt::format("the appliance answers {}: {}", answer.error, answer.detail));
        if (answer.kind == Kind::kRefused)
            throw CheckFailed(
                fmt::format("event {} was refused: {}: {}", answer.seq, answer.error, answer.detail));
        if (answer.kind != Kind::kAck && answer.kind != Kind::kDone) continue;
        expect(answer.seq >= report_.acked && answer.seq <= handed_over_,
               "an ack goes back, or ahead of what was sent");
        if (options_.rate > 0) {
            const double step = 1e9 / options_.rate;
            for (uint64_t i = report_.acked; i < answer.seq; ++i)
                report_.latency.record(now_ns - start_ns_ -
                                       static_cast<int64_t>(static_cast<double>(i) * step));
        }
        report_.acked = answer.seq;
        report_.stored = answer.stored;
        report_.duplicates = answer.duplicates;
        report_.refused = answer.refused;
        if (answer.credits_bytes != 0) credits_ = answer.credits_bytes;
        for (; !frames_.empty() && frames_.front().through <= answer.seq; frames_.pop_front())
            credits_held_ -= frames_.front().body_bytes;
    }
    return true;
}

void Load::wait(int64_t now_ns) {
    pollfd p{fd_, POLLIN, 0};
    int64_t until_ns = 100'000'000;
    const uint64_t due = due_events(now_ns);
    if (!body_left_.empty()) {
        p.events |= POLLOUT;
    } else if (options_.rate > 0 && handed_over_ < options_.events && due <= handed_over_) {
        until_ns = kTurnNs;
    }
    const timespec timeout{until_ns / 1'000'000'000, until_ns % 1'000'000'000};
    ppoll(&p, 1, &timeout, nullptr);
}

void Load::finish_sending() {
    ended_ = true;
    if (options_.format == EventFeed::Format::kJson) {
        shutdown(fd_, SHUT_WR);
        return;
    }
    const std::string frame = cli::make_frame(wire::FrameType::kEnd);
    if (send(fd_, frame.data(), frame.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(frame.size()))
        throw std::runtime_error("the end could not be sent");
}

const LoadReport& Load::run() {
    const double cpu_before = thread_cpu_seconds();
    int64_t now_ns = start_ns_ = monotonic_now_ns();
    int64_t moved_ns = start_ns_;
    while (report_.acked < options_.events && !done_) {
        bool moved = write_some(now_ns);
        if (!ended_ && report_.handed == options_.events) finish_sending();
        moved |= read_some();
        now_ns = monotonic_now_ns();
        if (moved) moved_ns = now_ns;
        if (now_ns - moved_ns > kSilenceMaxNs) throw std::runtime_error("no answer for a minute");
        if (stop_requested()) throw std::runtime_error("interrupted");
        handed_now_.store(report_.handed, std::memory_order_relaxed);
        acked_now_.store(report_.acked, std::memory_order_relaxed);
        if (!moved) {
            wait(now_ns);
            now_ns = monotonic_now_ns();
        }
    }
    report_.seconds = static_cast<double>(monotonic_now_ns() - start_ns_) * 1e-9;
    report_.cpu_seconds = thread_cpu_seconds() - cpu_before;
    expect_equal(report_.acked, options_.events, "acknowledged events");
    expect_equal(report_.stored, options_.events, "stored events, by the acks");
    expect_equal(report_.duplicates + report_.refused, 0u, "duplicates and refusals, by the acks");
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

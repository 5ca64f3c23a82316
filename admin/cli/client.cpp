// The connection's life: connect, greet, pump, and again after a loss. client_io.cpp is one turn of the pump.
#include "admin/cli/client.h"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "admin/cli/event_text.h"
#include "admin/cli/terminal.h"
#include "pipeline/clock.h"

namespace penstock::cli {
namespace {

constexpr int64_t kMillisecond = 1'000'000, kSecond = 1'000'000'000;
constexpr int kConnectTimeoutMs = 5'000;
constexpr int64_t kWelcomeTimeout = 10 * kSecond;
/// After an interrupt: how long the answers of what was sent are waited for.
constexpr int64_t kDrainTimeout = 10 * kSecond;
constexpr int64_t kProgressEvery = 100 * kMillisecond;
constexpr int64_t kHeartbeatEvery = 60 * kSecond;
constexpr int64_t kHeldForAWhile = 10 * kSecond;
constexpr int64_t kRetryPauseFirst = 100 * kMillisecond, kRetryPauseMax = 5 * kSecond;

struct Unreachable : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// A connected socket that does not block; -1 and errno otherwise.
int connect_one(const addrinfo& address) {
    const int fd = socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    int error = 0;
    if (::connect(fd, address.ai_addr, address.ai_addrlen) != 0) {
        error = errno;
        if (error == EINPROGRESS) {
            pollfd p{fd, POLLOUT, 0};
            socklen_t size = sizeof error;
            if (poll(&p, 1, kConnectTimeoutMs) == 1)
                getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
            else
                error = ETIMEDOUT;
        }
    }
    if (error != 0) {
        close(fd);
        errno = error;
        return -1;
    }
    const int on = 1;
    const unsigned dead_after_ms = 30'000;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &dead_after_ms, sizeof dead_after_ms);
    return fd;
}

}  // namespace

Client::Client(const ClientOptions& options, LineSource& source, ClientObserver& observer)
    : options_(options),
      tls_context_(options.tls.wanted ? options.tls.context() : nullptr),
      source_(source),
      observer_(observer),
      outbox_(options.binary) {}

Client::~Client() { disconnect(); }

bool Client::needs_hello() const {
    return named() || !options_.tenant.empty() || !options_.api_key.empty() || options_.epoch != 0 ||
           options_.backfill;
}

void Client::disconnect() { wire_.reset(); }

void Client::connect() {
    addrinfo hints{}, *found = nullptr;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV;
    const std::string port = std::to_string(options_.to.port);
    const std::string place = fmt::format("{}:{}", options_.to.host, port);
    if (const int rc = getaddrinfo(options_.to.host.c_str(), port.c_str(), &hints, &found); rc != 0)
        throw Unreachable(fmt::format("cannot find {}: {}", place, gai_strerror(rc)));
    int fd = -1, error = 0;
    for (const addrinfo* a = found; a != nullptr && fd < 0; a = a->ai_next) {
        fd = connect_one(*a);
        if (fd < 0) error = errno;
    }
    freeaddrinfo(found);
    if (fd < 0)
        throw Unreachable(
            fmt::format("cannot connect to {}: {}; is the appliance running (`penstock serve`), and is "
                        "this its ingest.listen?",
                        place, std::strerror(error)));
    wire_ = std::make_unique<Wire>(fd);
    if (options_.tls.wanted) {
        const std::string why =
            wire_->start_tls(options_.tls, tls_context_.get(), options_.to.host, kConnectTimeoutMs);
        if (!why.empty()) {
            disconnect();
            throw Unreachable(fmt::format("no TLS with {}: {}", place, why));
        }
    }
    answers_ = std::make_unique<AnswerReader>(options_.binary);
    stored_before_ = report_.stored;
    duplicates_before_ = report_.duplicates;
    refused_before_ = report_.refused - report_.refused_here;
    told_refused_ = last_refused_;
    base_ = named() ? 0 : acked_;
    credits_ = kCreditsBeforeWelcome;
    connected_ns_ = monotonic_now_ns();
    told_caught_up_ = end_sent_ = done_ = lost_ = rejected_ = welcomed_ = false;
    failure_.clear();
}

void Client::greet() {
    std::string hello = options_.binary ? "{" : R"({"penstock":"hello",)";
    const auto member = [&hello](std::string_view name, const std::string& value) {
        if (!value.empty()) hello += fmt::format("\"{}\":{},", name, value);
    };
    const auto text = [](const std::string& value) { return value.empty() ? value : json_string(value); };
    member("tenant", text(options_.tenant));
    member("key", text(options_.api_key));
    member("producer", text(options_.producer));
    member("epoch", options_.epoch == 0 ? "" : std::to_string(options_.epoch));
    if (options_.backfill) hello += "\"backfill\":true,";
    hello.back() = '}';
    const std::string bytes = options_.binary ? make_frame(wire::FrameType::kHello, hello) : hello + '\n';
    // A new socket's buffer takes so little at once.
    const iovec whole{const_cast<char*>(bytes.data()), bytes.size()};
    if (wire_->write({&whole, 1}) != static_cast<ssize_t>(bytes.size())) {
        lost_ = true;
        failure_ = fmt::format("the connection broke at once: {}", std::strerror(errno));
        return;
    }
    told_ns_ = monotonic_now_ns();
    while (!welcomed_ && !lost_ && !rejected_ && interrupts() == 0) {
        const int64_t left_ms = (told_ns_ + kWelcomeTimeout - monotonic_now_ns()) / kMillisecond;
        if (left_ms <= 0) {
            lost_ = true;
            failure_ = "the appliance does not answer the hello";
            break;
        }
        pollfd p{wire_->fd(), POLLIN, 0};
        poll(&p, 1, static_cast<int>(left_ms));
        read_some(monotonic_now_ns());
    }
}

void Client::resume(const Answer& welcome) {
    if (welcome.epoch != 0) epoch_ = welcome.epoch;
    if (welcome.credits_bytes != 0) credits_ = welcome.credits_bytes;
    if (!named() || welcome.next == 0) return;
    const uint64_t taken = welcome.next - 1;
    if (!resumed_) {
        resumed_ = true;
        skip_left_ = report_.skipped = taken;
        next_position_ = welcome.next;
        acked_ = sent_through_ = taken;
        return;
    }
    if (taken < acked_) {
        rejected_ = true;
        failure_ =
            fmt::format("the appliance expects sequence {}, but had acknowledged {}; its log is another one",
                        welcome.next, acked_);
        return;
    }
    const uint64_t through = std::min(taken, next_position_ - 1);
    report_.unclassified += through - acked_;
    acked_ = through;
}

bool Client::wait_to_retry(const std::string& why) {
    const int64_t now = monotonic_now_ns();
    if (lost_since_ns_ == 0) {
        lost_since_ns_ = now;
        retry_pause_ns_ = kRetryPauseFirst;
        if (options_.retry_for_s > 0) observer_.on_notice(fmt::format("{}; trying again", why));
    }
    const int64_t left = lost_since_ns_ + static_cast<int64_t>(options_.retry_for_s * 1e9) - now;
    if (left <= 0 || interrupts() > 0) return false;
    const int64_t pause = std::min(retry_pause_ns_, left);
    const timespec time{pause / kSecond, pause % kSecond};
    nanosleep(&time, nullptr);
    retry_pause_ns_ = std::min(2 * retry_pause_ns_, kRetryPauseMax);
    return interrupts() == 0;
}

const SendReport& Client::run() {
    const int64_t began = monotonic_now_ns();
    bool connected_once = false;
    const auto finish = [&](SendReport::End end, const std::string& error) -> const SendReport& {
        report_.end = end;
        report_.error = error;
        report_.seconds =
            static_cast<double>(monotonic_now_ns() - (start_ns_ != 0 ? start_ns_ : began)) / 1e9;
        report_progress(monotonic_now_ns(), true);
        disconnect();
        return report_;
    };
    for (;;) {
        std::string why;
        try {
            connect();
            if (needs_hello()) greet();
            if (start_ns_ == 0) start_ns_ = monotonic_now_ns();
            if (connected_once && !lost_) {
                report_.resent += sent_through_ - std::min(sent_through_, acked_);
                outbox_.rewind(acked_);
            }
            connected_once = connected_once || !lost_;
            switch (lost_ ? Pump::kLost : rejected_ ? Pump::kRejected : pump()) {
                case Pump::kDone:
                    return finish(SendReport::End::kDone, "");
                case Pump::kRejected:
                    return finish(SendReport::End::kRejected, failure_);
                case Pump::kInterrupted:
                    return finish(SendReport::End::kInterrupted, "interrupted");
                case Pump::kLost:
                    why = failure_;
                    break;
            }
            ++report_.reconnects;
            // What held for a while is a new loss, with the whole time to retry.
            if (monotonic_now_ns() - connected_ns_ > kHeldForAWhile) lost_since_ns_ = 0;
        } catch (const Unreachable& e) {
            why = e.what();
        } catch (const ProtocolError& e) {
            return finish(SendReport::End::kRejected, e.what());
        }
        disconnect();
        const bool may_retry = connected_once || options_.retry_first;
        if (!may_retry || !wait_to_retry(why)) {
            if (interrupts() > 0) return finish(SendReport::End::kInterrupted, "interrupted");
            return finish(connected_once ? SendReport::End::kLost : SendReport::End::kUnreachable, why);
        }
    }
}

Client::Pump Client::pump() {
    for (;;) {
        const int64_t now = monotonic_now_ns();
        if (interrupts() > 0 && interrupted_ns_ == 0) {
            interrupted_ns_ = now;
            source_ended_ = true;
        }
        bool moved = fill(now);
        moved |= write_some(now);
        if (!told_caught_up_ && !lost_ && nothing_held_back(now)) tell_caught_up();
        if (all_written() && !end_sent_ && !lost_) finish_sending();
        moved |= read_some(now);
        if (rejected_) return Pump::kRejected;
        if (done_) return interrupted_ns_ != 0 ? Pump::kInterrupted : Pump::kDone;
        if (lost_) return Pump::kLost;
        if (interrupted_ns_ != 0 && now - interrupted_ns_ > kDrainTimeout) return Pump::kInterrupted;
        report_progress(now, false);
        if (!moved) wait(now);
    }
}

int64_t Client::next_wakeup_ns(int64_t now_ns) const {
    int64_t next = now_ns + kProgressEvery;
    if (options_.rate > 0 && !source_ended_ && !source_waits_ && outbox_.kept_bytes() < kKeptBytesMax)
        next = std::min(next, std::max(intended_ns(next_position_), next_group_ns_));
    return next;
}

void Client::wait(int64_t now_ns) {
    pollfd descriptors[2] = {{wire_->fd(), POLLIN, 0}, {-1, POLLIN, 0}};
    iovec part;
    if (wire_->waits() || outbox_.gather({&part, 1}, credits_) > 0) descriptors[0].events |= POLLOUT;
    if (source_waits_) descriptors[1].fd = source_.wait_fd();
    const int64_t pause = std::max<int64_t>(next_wakeup_ns(now_ns) - now_ns, 0);
    const timespec time{pause / kSecond, pause % kSecond};
    ppoll(descriptors, 2, &time, nullptr);
    if (source_waits_ && !end_sent_ && now_ns - last_send_ns_ > kHeartbeatEvery &&
        outbox_.unwritten_bytes() == 0) {
        push_control(options_.binary ? make_frame(wire::FrameType::kHeartbeat)
                                     : "{\"penstock\":\"heartbeat\"}\n");
        last_send_ns_ = now_ns;
    }
}

void Client::report_progress(int64_t now_ns, bool always) {
    if (!always && now_ns - last_progress_ns_ < kProgressEvery) return;
    last_progress_ns_ = now_ns;
    if (start_ns_ != 0) report_.seconds = static_cast<double>(now_ns - start_ns_) / 1e9;
    observer_.on_progress(report_, source_ended_ ? std::optional(1.0) : source_.fraction());
}

int64_t Client::intended_ns(uint64_t position) const {
    const double index = static_cast<double>(taken_through(position) - 1 - report_.skipped);
    return start_ns_ + static_cast<int64_t>(index * 1e9 / options_.rate);
}

uint64_t Client::taken_through(uint64_t position) const {
    const auto dropped = std::upper_bound(dropped_before_.begin(), dropped_before_.end(), position);
    return position + static_cast<uint64_t>(dropped - dropped_before_.begin());
}

}  // namespace penstock::cli

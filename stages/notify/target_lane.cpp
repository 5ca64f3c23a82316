#include "stages/notify/target_lane.h"

#include <fmt/format.h>
#include <pthread.h>
#include <signal.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>

#include "schemas/limits.h"

namespace penstock {
namespace {

constexpr int64_t kIdleNs = 10'000'000'000;

}  // namespace

TargetLane::TargetLane(std::string name, std::unique_ptr<Channel> channel, const DeliveryPolicy& policy,
                       Room room, const Clock& clock, DeliveryCallback on_result)
    : name_(std::move(name)),
      channel_(std::move(channel)),
      policy_(policy),
      room_(room),
      clock_(clock),
      on_result_(std::move(on_result)),
      jitter_(policy.jitter_seed) {}

TargetLane::~TargetLane() {
    request_stop();
    join();
}

bool TargetLane::offer(Notification&& notification) {
    {
        const std::lock_guard lock(mutex_);
        const size_t bytes = notification.bytes();
        const bool full = queue_.size() >= room_.notifications || bytes_ + bytes > room_.bytes;
        if (stopping_.load(std::memory_order_acquire) || (full && !queue_.empty())) return false;
        bytes_ += bytes;
        queue_.push_back(std::move(notification));
        if (queue_.size() > 1) return true;  // the thread is busy, or waits for its time
    }
    parker_.unpark();
    return true;
}

size_t TargetLane::waiting() const {
    const std::lock_guard lock(mutex_);
    return queue_.size();
}

void TargetLane::start() {
    thread_ = std::thread([this] { run(); });
}

void TargetLane::request_stop() {
    {
        const std::lock_guard lock(mutex_);  // an offer is taken before, or refused
        stopping_.store(true, std::memory_order_release);
    }
    channel_->interrupt();
    parker_.unpark();
}

void TargetLane::join() {
    if (thread_.joinable()) thread_.join();
}

std::vector<Notification> TargetLane::take_undelivered() {
    const std::lock_guard lock(mutex_);
    std::vector<Notification> left(std::make_move_iterator(queue_.begin()),
                                   std::make_move_iterator(queue_.end()));
    queue_.clear();
    bytes_ = 0;
    return left;
}

void TargetLane::run() {
    pthread_setname_np(pthread_self(), fmt::format("notify-{}", name_).substr(0, 15).c_str());
    // A receiver that hangs up inside TLS raises it; OpenSSL cannot be told not to.
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
    while (!stopping_.load(std::memory_order_acquire)) {
        const int64_t wait = step();
        if (wait <= 0) continue;
        parker_.prepare();
        const bool news = clock_.monotonic_ns() >= retry_at_ns_ && waiting() > 0;
        if (news || stopping_.load(std::memory_order_acquire))
            parker_.cancel();
        else
            parker_.park(wait);
    }
}

int64_t TargetLane::step() {
    const Notification* head = nullptr;
    {
        const std::lock_guard lock(mutex_);
        if (queue_.empty()) return kIdleNs;
        head = &queue_.front();  // stays where it is while others come behind it
    }
    if (failures_in_row_ > 0 && clock_.wall_ns() - head->at_ns > policy_.give_up_ns) {
        settle(given_up(*head));  // without a try: what is behind it has waited long enough
        return 0;
    }
    const int64_t now = clock_.monotonic_ns();
    if (now < retry_at_ns_) return retry_at_ns_ - now;

    DeliveryResult result = attempt(*head);
    const bool settled = result.delivered || result.permanent;
    if (!settled && stopping_.load(std::memory_order_acquire)) return 0;
    if (settled) {  // the target answers, be it with a no
        if (failures_in_row_ > 0) spdlog::info("notify {}: takes notifications again", name_);
        failures_in_row_ = 0;
        last_fault_.clear();
        settle(result);
        return 0;
    }
    const int64_t wait = std::max(backoff_ns(), result.retry_after_ns);
    if (last_fault_ != result.detail)
        spdlog::warn("notify {}: {}; trying again in {:.0f} s", name_, result.detail,
                     static_cast<double>(wait) / 1e9);
    last_fault_ = result.detail;
    result.retry_after_ns = wait;
    retry_at_ns_ = clock_.monotonic_ns() + wait;
    {
        const std::lock_guard lock(mutex_);
        queue_.front().attempt = result.attempt;
    }
    on_result_(result);
    return 0;
}

DeliveryResult TargetLane::attempt(const Notification& head) {
    DeliveryResult result;
    if (head.bytes() > limits::kNotificationBytesMax) {
        result.permanent = true;
        result.detail = fmt::format("has {} bytes, more than {} are never sent", head.bytes(),
                                    limits::kNotificationBytesMax);
    } else {
        try {
            result = channel_->deliver(head);
        } catch (const std::exception& fault) {  // no memory, no source of random numbers
            result.detail = fault.what();
        }
    }
    result.effect_id = head.effect_id;
    result.channel = head.channel;
    result.attempt = head.attempt + 1;
    return result;
}

DeliveryResult TargetLane::given_up(const Notification& head) const {
    DeliveryResult result;
    result.effect_id = head.effect_id;
    result.channel = head.channel;
    result.attempt = head.attempt;
    result.permanent = true;
    result.detail = fmt::format("given up after {} h; the last fault: {}",
                                policy_.give_up_ns / 3'600'000'000'000, last_fault_);
    return result;
}

/// The outcome is final.
void TargetLane::settle(const DeliveryResult& result) {
    if (result.permanent)
        spdlog::warn("notify {}: {} is not delivered: {}", name_, effect_text(result.effect_id),
                     result.detail);
    {
        const std::lock_guard lock(mutex_);
        bytes_ -= queue_.front().bytes();
        queue_.pop_front();
    }
    on_result_(result);
}

/// Full jitter: anything from the shortest wait to twice the last ceiling, so that what failed together does
/// not come back together.
int64_t TargetLane::backoff_ns() {
    failures_in_row_ = std::min<uint32_t>(failures_in_row_ + 1, 32);
    const int64_t ceiling =
        std::min(policy_.backoff_max_ns, policy_.backoff_min_ns << std::min<uint32_t>(failures_in_row_, 20));
    const int64_t span = std::max<int64_t>(ceiling - policy_.backoff_min_ns, 0) + 1;
    return policy_.backoff_min_ns + static_cast<int64_t>(jitter_() % static_cast<uint64_t>(span));
}

}  // namespace penstock

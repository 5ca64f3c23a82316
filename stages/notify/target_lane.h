// The way to one target: a queue, a thread, one delivery at a time. Nothing of another target's can hold it
// up.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "pipeline/clock.h"
#include "pipeline/parker.h"
#include "stages/notify/channel.h"

namespace penstock {

struct DeliveryPolicy {
    int64_t backoff_min_ns = 1'000'000'000, backoff_max_ns = 300'000'000'000;
    int64_t give_up_ns = 86'400'000'000'000;  ///< after Notification::at_ns
    uint64_t jitter_seed = 1;
};

/// Called on the lane's thread: once for each attempt, and for what is given up between two of them.
using DeliveryCallback = std::function<void(const DeliveryResult&)>;

/// offer(), waiting() and request_stop(): any thread. step(): only where start() is not used (tests).
class TargetLane {
  public:
    struct Room {
        size_t notifications, bytes;
    };
    /// `clock` outlives the lane.
    TargetLane(std::string name, std::unique_ptr<Channel> channel, const DeliveryPolicy& policy, Room room,
               const Clock& clock, DeliveryCallback on_result);
    ~TargetLane();
    TargetLane(const TargetLane&) = delete;
    TargetLane& operator=(const TargetLane&) = delete;

    /// False, and `notification` untouched, when there is no room, or after request_stop().
    bool offer(Notification&& notification);
    /// The one under way counts.
    size_t waiting() const;

    void start();
    /// Returns at once; ends the delivery under way.
    void request_stop();
    void join();
    /// After join(): what is not settled, in order. An attempt that the stop cut off was not reported.
    std::vector<Notification> take_undelivered();

    /// One attempt at most. Returns how long to sleep, in nanoseconds, before the next; 0: at once.
    int64_t step();

  private:
    void run();
    DeliveryResult attempt(const Notification& head);
    DeliveryResult given_up(const Notification& head) const;
    void settle(const DeliveryResult& result);
    int64_t backoff_ns();

    const std::string name_;
    const std::unique_ptr<Channel> channel_;
    const DeliveryPolicy policy_;
    const Room room_;
    const Clock& clock_;
    const DeliveryCallback on_result_;

    mutable std::mutex mutex_;
    std::deque<Notification> queue_;  ///< the head is the one under way; only the lane's thread takes it
    size_t bytes_ = 0;

    // The lane's thread.
    uint32_t failures_in_row_ = 0;
    int64_t retry_at_ns_ = 0;
    std::string last_fault_;
    std::mt19937_64 jitter_;

    std::atomic<bool> stopping_{false};
    Parker parker_;
    std::thread thread_;
};

}  // namespace penstock

// Many-to-one hand-over of small requests between threads, bounded. Never where total order matters: the
// queue keeps order per sender only.
#pragma once

#include <concurrentqueue/concurrentqueue.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "schemas/refusal.h"

namespace penstock {

/// Any number of senders, one receiver. A full mailbox refuses; the sender keeps its request and tries again.
template <typename T>
class Mailbox {
  public:
    explicit Mailbox(size_t capacity) : capacity_(capacity), queue_(capacity) {}

    /// Wakes the receiver when it sleeps. Set before threads start; called on the sender's thread.
    void set_waker(std::function<void()> waker) { waker_ = std::move(waker); }

    /// Any thread. False, and `request` untouched, when `capacity` requests wait.
    bool try_push(T&& request) {
        if (waiting_.fetch_add(1, std::memory_order_acq_rel) >= capacity_) {
            waiting_.fetch_sub(1, std::memory_order_acq_rel);
            return false;
        }
        queue_.enqueue(std::move(request));
        if (waker_) waker_();
        return true;
    }
    /// The receiver's thread.
    bool try_pop(T& request) {
        if (!queue_.try_dequeue(request)) return false;
        waiting_.fetch_sub(1, std::memory_order_acq_rel);
        return true;
    }
    /// Any thread; a moment old.
    bool empty() const { return waiting_.load(std::memory_order_acquire) == 0; }

  private:
    const size_t capacity_;
    std::atomic<size_t> waiting_{0};
    moodycamel::ConcurrentQueue<T> queue_;
    std::function<void()> waker_;
};

/// Tells the sender of a request that its record is on disk. Shared by both sides: either may go first.
class Durability {
  public:
    void reached() { durable_.store(true, std::memory_order_release); }
    bool is_durable() const { return durable_.load(std::memory_order_acquire); }

  private:
    std::atomic<bool> durable_{false};
};

/// Asks the intake thread, which alone makes log records, to keep a dead letter. `done->reached()` is called
/// once it is committed; if the process ends before, the sender asks again after the restart.
struct DeadLetterRequest {
    Refusal cause = Refusal::kNone;
    std::string detail;        ///< one sentence: what, where, what to do
    std::string peer;          ///< the component, for example "region eu"
    uint64_t position = 0;     ///< log sequence of the event
    uint16_t tenant = 0;       ///< id in the log's names
    std::vector<uint8_t> raw;  ///< whole; the receiver caps what it keeps
    std::shared_ptr<Durability> done;
};
using DeadLetterMailbox = Mailbox<DeadLetterRequest>;

}  // namespace penstock

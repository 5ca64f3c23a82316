// Many-to-one hand-over of small requests between threads, bounded. Never where total order matters: the
// queue keeps order per sender only.
#pragma once

#include <concurrentqueue/concurrentqueue.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/dead_letter.h"
#include "schemas/answers.h"
#include "schemas/log_record.h"
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

/// What came of a LetterRequest.
struct LetterAnswer {
    enum class Result : uint8_t { kDone, kNotOpen, kBusy, kNoRoom, kStoredBefore };
    Result result = Result::kDone;
    Seq seq = 0;  ///< of the record that says who did it, and when
    // Of a retry that is done.
    RetryOutcome outcome = RetryOutcome::kUnknown;
    Seq result_seq = 0;  ///< of the stored event, or of the new dead letter
    Refusal cause = Refusal::kNone;
    std::string detail = {};
};

/// Asks the intake thread to send a dead letter through intake again, or to drop it.
struct LetterRequest {
    Seq letter = 0;
    bool drop = false;
    std::string by, note;
    std::optional<CommandKey> once = {};  ///< of a command under an Idempotency-Key
    // Of a retry.
    DeadLetter original;         ///< who sent it, and as what
    std::vector<uint8_t> bytes;  ///< the event
    bool flatbuffer = false;     ///< its format; else JSON
    bool edited = false;         ///< not the bytes that were refused
    /// Where a region refused a stored event: its sequence, and its identity, which is free again.
    Seq event = 0;
    Hash128 identity;
    /// On the intake thread, once all is durable and applied. Not called when the process ends before.
    std::function<void(LetterAnswer)> answer;
};
using LetterMailbox = Mailbox<LetterRequest>;

/// What became of one event.
struct EventAnswer {
    enum class Result : uint8_t { kStored, kDuplicate, kRefused };
    Result result = Result::kStored;
    Refusal cause = Refusal::kNone;
    std::string detail = {};
};
/// All of one request: events in its order, or a reason why none was looked at.
struct EventsAnswer {
    std::vector<EventAnswer> events;
    bool overloaded = false;      ///< the log or the dedup window has no room
    bool disabled = false;        ///< the tenant is
    int64_t rate_limited_ns = 0;  ///< the tenant is over its rate: come again after this
};

/// Asks the intake thread to take events that came otherwise than over its own sockets.
struct EventsRequest {
    uint16_t tenant = 0;  ///< id in the log's names
    std::string peer;
    std::vector<std::string> events;  ///< JSON, a CloudEvent each; at most limits::kBatchEventsMax
    /// On the intake thread, once all is durable and applied. Not called when the process ends before.
    std::function<void(EventsAnswer)> answer;
};
using EventsMailbox = Mailbox<EventsRequest>;

/// Asks the intake thread for a control record: what people and programs change.
struct ControlRequest {
    ControlKind kind{};
    std::string name, text;
    /// On the intake thread, once the record is durable and applied: its sequence. May be empty. Not called
    /// when the process ends before.
    std::function<void(Seq)> answer = {};
};
using ControlMailbox = Mailbox<ControlRequest>;

}  // namespace penstock

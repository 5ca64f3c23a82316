// A ring of preallocated slots with one producer and a few consumers that each see every slot, in order.
// A slot is used again when the slowest consumer has passed it: no reference counts, no free list.
// Idea: LMAX Disruptor's sequences, for one producer (Thompson et al., 2011).
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

#include "pipeline/parker.h"

namespace penstock {

/// Positions count from 0 and never wrap (64 bits). Slot of position p is p & (capacity - 1).
///
///     consumed (slowest)      published        claimed by the producer: the next one only
///     ──────┬────────────────────┬─────────────────┬──────
///      free │ readable           │ being filled    │
template <typename T, size_t kConsumers, typename Platform = FutexPlatform>
class BroadcastRing {
  public:
    /// `capacity`: a power of two.
    explicit BroadcastRing(size_t capacity) : mask_(capacity - 1), slots_(new T[capacity]) {}

    // --- producer's thread ---
    /// The slot to fill next, or null while the slowest consumer is a whole ring behind.
    T* try_claim(size_t kept_free = 0) {
        const uint64_t p = published_.value.load(std::memory_order_relaxed);
        if (p - slowest_seen_ + kept_free > mask_) {
            slowest_seen_ = slowest();
            if (p - slowest_seen_ + kept_free > mask_) return nullptr;
        }
        return &slots_[p & mask_];
    }
    /// Makes the claimed slot readable and wakes the consumers that sleep.
    void publish() {
        published_.value.store(published_.value.load(std::memory_order_relaxed) + 1,
                               std::memory_order_seq_cst);
        for (auto& c : consumers_) c.parker.unpark();
    }
    /// All consumers have passed what lies below, as far as the producer has looked.
    uint64_t slowest_seen() const { return slowest_seen_; }
    /// The producer sleeps here until try_claim may succeed; consumers wake it by advance().
    void wait_for_slot(int64_t timeout_ns, size_t kept_free = 0) {
        producer_parker_.prepare();
        if (try_claim(kept_free)) return producer_parker_.cancel();
        producer_parker_.park(timeout_ns);
    }

    // --- a consumer's thread ---
    /// Positions [consumed, returned) are readable.
    uint64_t published() const { return published_.value.load(std::memory_order_acquire); }
    uint64_t consumed(size_t consumer) const {
        return consumers_[consumer].position.load(std::memory_order_acquire);
    }
    const T& at(uint64_t position) const { return slots_[position & mask_]; }
    /// Gives back everything below `position`.
    void advance(size_t consumer, uint64_t position) {
        consumers_[consumer].position.store(position, std::memory_order_seq_cst);
        producer_parker_.unpark();
    }
    /// Sleeps until something is published beyond what the consumer has, wake(consumer), or the timeout.
    void wait(size_t consumer, int64_t timeout_ns) {
        Consumer& c = consumers_[consumer];
        c.parker.prepare();
        if (published_.value.load(std::memory_order_seq_cst) != c.position.load(std::memory_order_relaxed))
            return c.parker.cancel();
        c.parker.park(timeout_ns);
    }

    // --- any thread ---
    void wake(size_t consumer) { consumers_[consumer].parker.unpark(); }
    uint64_t depth(size_t consumer) const { return published() - consumed(consumer); }
    size_t capacity() const { return mask_ + 1; }

  private:
    uint64_t slowest() const {
        uint64_t min = consumed(0);
        for (size_t i = 1; i < kConsumers; ++i) min = std::min(min, consumed(i));
        return min;
    }
    struct alignas(64) Position {
        typename Platform::template Atomic<uint64_t> value{0};
    };
    struct alignas(64) Consumer {
        typename Platform::template Atomic<uint64_t> position{0};
        BasicParker<Platform> parker;
    };
    const uint64_t mask_;
    std::unique_ptr<T[]> slots_;
    Position published_;                     // written by the producer
    alignas(64) uint64_t slowest_seen_ = 0;  // the producer's own
    std::array<Consumer, kConsumers> consumers_;
    BasicParker<Platform> producer_parker_;
};

}  // namespace penstock

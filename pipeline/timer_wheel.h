// Timers by deadline: a hierarchical wheel (Varghese and Lauck, 1987) of 8 levels of 64 slots, one
// millisecond in the lowest, with a bit a slot so that empty spans are skipped. Arm and cancel are O(1).
// Deadlines keep their nanoseconds: a timer fires when now > deadline, not when its millisecond is over.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <limits>
#include <vector>

#include "schemas/log_record.h"

namespace penstock {

using TimerId = uint32_t;
inline constexpr TimerId kNoTimer = 0xffffffff;

/// One thread. `Payload`: small, trivially copyable. 24 bytes and the payload a timer.
template <typename Payload>
class TimerWheel {
  public:
    struct Due {
        StampNs deadline_ns;
        uint64_t order;  ///< of arming: breaks ties, so that the same calls give the same firings
        Payload payload;
    };

    size_t size() const { return size_; }
    StampNs now_ns() const { return now_ns_; }
    size_t bytes() const { return nodes_.capacity() * sizeof(Node); }

    /// A deadline that has passed already is due at the next advance. Years 1678 to 2261.
    TimerId arm(StampNs deadline_ns, const Payload& payload) {
        TimerId id;
        if (free_ != kNoTimer) {
            id = free_;
            free_ = nodes_[id].next;
        } else {
            id = static_cast<TimerId>(nodes_.size());
            nodes_.emplace_back();
        }
        Node& n = nodes_[id];
        n.deadline_ns = deadline_ns;
        n.order = next_order_++;
        n.payload = payload;
        place(id);
        ++size_;
        return id;
    }

    void cancel(TimerId id) {
        unlink(id);
        release(id);
        --size_;
    }

    /// Moves time forward (never back) and calls fire(Due) for every timer with deadline < now, by
    /// (deadline, order). `fire` may arm, not cancel; what it arms with a deadline < now is due at the next
    /// advance.
    template <typename Fire>
    void advance(StampNs now_ns, Fire fire) {
        if (now_ns <= now_ns_) return;
        now_ns_ = now_ns;
        const uint64_t target = tick_of(now_ns);
        if (target == tick_ && now_ns <= current_min_ns_) return;
        due_.clear();
        while (tick_ < target) {
            take_slot(0, tick_ & 63, now_ns);  // all of it is in the past now
            tick_ = next_occupied(target);
            cascade();
        }
        take_slot(0, tick_ & 63, now_ns);
        refresh_current_min();
        std::sort(due_.begin(), due_.end(), [](const Due& a, const Due& b) {
            return a.deadline_ns != b.deadline_ns ? a.deadline_ns < b.deadline_ns : a.order < b.order;
        });
        for (const Due& d : due_) fire(d);
    }

    static constexpr StampNs kNever = std::numeric_limits<StampNs>::max();

    /// The earliest deadline, when it lies in the current millisecond or before; else kNever. May be that of
    /// a timer that was cancelled meanwhile; the next advance mends it.
    StampNs due_ns() const { return current_min_ns_; }

    /// When to look again: no timer has its deadline before this instant. kNever when none is armed.
    StampNs next_look_ns() const {
        if (current_min_ns_ != kNever) return current_min_ns_;
        const uint64_t tick = next_occupied(~uint64_t{0});
        return tick == ~uint64_t{0} ? kNever : start_of(tick);
    }

    /// Sorts far timers nearer, up to `now_ns`, without firing: after it due_ns() is exact for timers due by
    /// then. Changes nothing that advance() would do.
    void tighten(StampNs now_ns) {
        while (current_min_ns_ == kNever) {
            const uint64_t tick = next_occupied(~uint64_t{0});
            if (tick == ~uint64_t{0} || tick > tick_of(now_ns)) return;
            tick_ = tick;
            cascade();
            refresh_current_min();
        }
    }

  private:
    static constexpr int kLevels = 8;  // 64^8 milliseconds hold the 45 bits that 2^64 nanoseconds make
    static constexpr StampNs kTickNs = 1'000'000;
    // Ticks count from the earliest stamp, so that they are never negative.
    static uint64_t tick_of(StampNs ns) {
        return (static_cast<uint64_t>(ns) ^ (uint64_t{1} << 63)) / static_cast<uint64_t>(kTickNs);
    }
    static StampNs start_of(uint64_t tick) {
        return static_cast<StampNs>((tick * static_cast<uint64_t>(kTickNs)) ^ (uint64_t{1} << 63));
    }

    struct Node {
        StampNs deadline_ns = 0;
        uint64_t order = 0;
        TimerId next = kNoTimer, prev = kNoTimer;  // prev of a slot's head: kNoTimer
        uint16_t slot = 0;                         // level * 64 + cell
        Payload payload{};
    };

    void place(TimerId id) {
        Node& n = nodes_[id];
        const uint64_t tick = std::max(tick_of(n.deadline_ns), tick_);
        const uint64_t differs = tick ^ tick_;
        const int level = differs == 0 ? 0 : (static_cast<int>(std::bit_width(differs)) - 1) / 6;
        const auto cell = static_cast<unsigned>(tick >> (level * 6) & 63);
        n.slot = static_cast<uint16_t>(level * 64 + static_cast<int>(cell));
        n.prev = kNoTimer;
        n.next = heads_[n.slot];
        if (n.next != kNoTimer) nodes_[n.next].prev = id;
        heads_[n.slot] = id;
        occupied_[static_cast<size_t>(level)] |= uint64_t{1} << cell;
        if (differs == 0) current_min_ns_ = std::min(current_min_ns_, n.deadline_ns);
    }
    void unlink(TimerId id) {
        Node& n = nodes_[id];
        if (n.prev != kNoTimer) {
            nodes_[n.prev].next = n.next;
        } else {
            heads_[n.slot] = n.next;
            if (n.next == kNoTimer) occupied_[n.slot / 64u] &= ~(uint64_t{1} << (n.slot % 64u));
        }
        if (n.next != kNoTimer) nodes_[n.next].prev = n.prev;
    }
    void release(TimerId id) {
        nodes_[id].next = free_;
        free_ = id;
    }

    void take_slot(size_t level, size_t cell, StampNs now_ns) {
        TimerId id = heads_[level * 64 + cell];
        while (id != kNoTimer) {
            const TimerId next = nodes_[id].next;
            if (nodes_[id].deadline_ns < now_ns) {
                unlink(id);
                due_.push_back({nodes_[id].deadline_ns, nodes_[id].order, nodes_[id].payload});
                release(id);
                --size_;
            }
            id = next;
        }
    }

    /// The next tick, at most `target`, at which a slot of some level begins that holds a timer. Lower levels
    /// come first in time: every timer of a level lies beyond the current cell of the level below it.
    uint64_t next_occupied(uint64_t target) const {
        uint64_t best = target;
        for (int level = 0; level < kLevels; ++level) {
            const uint64_t bits = occupied_[static_cast<size_t>(level)];
            if (bits == 0) continue;
            const int shift = level * 6;
            const auto cell = static_cast<unsigned>(tick_ >> shift & 63);
            const uint64_t later = cell == 63 ? 0 : bits & (~uint64_t{0} << (cell + 1));
            if (later == 0) continue;
            const uint64_t at =
                ((tick_ >> shift & ~uint64_t{63}) + static_cast<uint64_t>(std::countr_zero(later))) << shift;
            best = std::min(best, at);
        }
        return best;
    }

    /// After a move of tick_: timers of the upper levels' current cells go down to where they belong.
    void cascade() {
        for (int level = kLevels - 1; level > 0; --level) {
            const auto cell = static_cast<size_t>(tick_ >> (level * 6) & 63);
            TimerId id = heads_[static_cast<size_t>(level) * 64 + cell];
            if (id == kNoTimer) continue;
            heads_[static_cast<size_t>(level) * 64 + cell] = kNoTimer;
            occupied_[static_cast<size_t>(level)] &= ~(uint64_t{1} << cell);
            while (id != kNoTimer) {
                const TimerId next = nodes_[id].next;
                place(id);
                id = next;
            }
        }
    }

    void refresh_current_min() {
        current_min_ns_ = kNever;
        for (TimerId id = heads_[tick_ & 63]; id != kNoTimer; id = nodes_[id].next)
            current_min_ns_ = std::min(current_min_ns_, nodes_[id].deadline_ns);
    }

    std::vector<Node> nodes_;
    std::array<TimerId, kLevels * 64> heads_ = filled();
    std::array<uint64_t, kLevels> occupied_{};
    std::vector<Due> due_;
    TimerId free_ = kNoTimer;
    uint64_t next_order_ = 0;
    size_t size_ = 0;
    uint64_t tick_ = 0;  ///< everything below has been taken
    StampNs now_ns_ = std::numeric_limits<StampNs>::min();
    StampNs current_min_ns_ = kNever;  ///< lower bound of the deadlines in the current lowest slot

    static constexpr std::array<TimerId, kLevels * 64> filled() {
        std::array<TimerId, kLevels * 64> a{};
        a.fill(kNoTimer);
        return a;
    }
};

}  // namespace penstock

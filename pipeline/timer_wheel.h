// Timers by deadline: a hierarchical wheel (Varghese and Lauck, 1987) of 8 levels of 256 slots, one
// millisecond in the lowest and 64 times the level below in the others, with a bit a slot so that empty spans
// are skipped. Arm and cancel are O(1). A slot goes down a level in small parts while its time comes near, so
// that no single millisecond pays for seconds of timers. A slot holds its timers themselves, in chunks: who
// goes through it reads memory in its order, and of millions of timers hardly any is in the cache.
// Deadlines keep their nanoseconds: a timer fires when now > deadline, not when its millisecond is over.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <limits>
#include <vector>

#include "pipeline/paged_array.h"
#include "pipeline/prefetch.h"
#include "schemas/log_record.h"

namespace penstock {

using TimerId = uint32_t;
inline constexpr TimerId kNoTimer = 0xffffffff;

/// One thread. `Payload`: small, trivially copyable. 25 bytes and the payload a timer, and growth never
/// copies.
template <typename Payload>
class TimerWheel {
  public:
    struct Due {
        StampNs deadline_ns;
        uint64_t order;  ///< breaks ties, so that the same calls give the same firings
        Payload payload;
    };

    size_t size() const { return size_; }
    StampNs now_ns() const { return now_ns_; }
    size_t bytes() const {
        return places_.bytes() + chunks_.bytes() + slots_.size() * sizeof(Slot) +
               due_.capacity() * sizeof(Due);
    }

    /// A deadline that has passed already is due at the next advance. Years 1678 to 2261.
    TimerId arm(StampNs deadline_ns, const Payload& payload) {
        return arm(deadline_ns, payload, next_order_++);
    }
    /// With an order of the caller's own; where that is equal too, the payload's `<` decides, if it has one.
    TimerId arm(StampNs deadline_ns, const Payload& payload, uint64_t order) {
        TimerId id = free_;
        if (id != kNoTimer) {
            free_ = places_[id];
            if (free_ != kNoTimer) prefetch_line(&places_[free_]);  // it will be the next one's turn
        } else {
            id = places_.size();
            places_.add();
        }
        place({deadline_ns, order, payload, id});
        ++size_;
        return id;
    }

    /// Asks for what cancel() will read, first one and, once that is there, the other.
    void prefetch(TimerId id) const { prefetch_line(&places_[id]); }
    void prefetch_place(TimerId id) const {
        const Chunk& c = chunks_[places_[id] / kPlaces];
        prefetch_line(&c);
        prefetch_line(&c.timers[places_[id] % kPlaces]);
    }

    void cancel(TimerId id) {
        unlink(places_[id]);
        release(id);
        --size_;
    }

    /// Moves time forward (never back) and calls fire(Due) for every timer with deadline < now, by
    /// (deadline, order). `fire` may arm, not cancel; what it arms with a deadline < now is due at the next
    /// advance. `soon(Due)` is called for each some firings before, for many at once, to ask for the memory
    /// that it concerns.
    template <typename Fire>
    void advance(StampNs now_ns, Fire fire) {
        advance(now_ns, fire, [](const Due&) {});
    }
    template <typename Fire, typename Soon>
    void advance(StampNs now_ns, Fire fire, Soon soon) {
        if (now_ns <= now_ns_) return;
        now_ns_ = now_ns;
        const uint64_t target = tick_of(now_ns);
        if (target == tick_ && now_ns <= current_min_ns_) return;
        due_.clear();
        const uint64_t before = tick_;
        while (tick_ < target) {
            take_current(now_ns);  // all of it is in the past now
            tick_ = next_occupied(target);
            cascade();
        }
        take_current(now_ns);
        if (tick_ > before) spread(tick_ - before);
        refresh_current_min();
        std::sort(due_.begin(), due_.end(), [](const Due& a, const Due& b) {
            if (a.deadline_ns != b.deadline_ns) return a.deadline_ns < b.deadline_ns;
            if constexpr (requires { a.payload < b.payload; })
                if (a.order == b.order) return a.payload < b.payload;
            return a.order < b.order;
        });
        for (size_t i = 0; i < due_.size(); ++i) {
            if (i % kSoon == 0)
                for (size_t k = i; k < std::min(i + kSoon, due_.size()); ++k) soon(due_[k]);
            fire(due_[i]);
        }
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
    static constexpr size_t kLevels = 8;   // 64^7 * 256 milliseconds hold the 45 bits of 2^64 nanoseconds
    static constexpr size_t kSlots = 256;  // of a level; four times what one slot of the next level spans
    static constexpr StampNs kTickNs = 1'000'000;
    static constexpr size_t kSoon = 32;
    // Ticks count from the earliest stamp, so that they are never negative.
    static uint64_t tick_of(StampNs ns) {
        return (static_cast<uint64_t>(ns) ^ (uint64_t{1} << 63)) / static_cast<uint64_t>(kTickNs);
    }
    static StampNs start_of(uint64_t tick) {
        return static_cast<StampNs>((tick * static_cast<uint64_t>(kTickNs)) ^ (uint64_t{1} << 63));
    }

    struct Timer {
        StampNs deadline_ns;
        uint64_t order;
        Payload payload;
        TimerId id;
    };
    /// A part of what a slot holds; all but the last of a slot are full.
    static constexpr uint32_t kPlaces = 32, kChunkTimers = kPlaces - 1, kNoChunk = 0xffffffff;
    struct Chunk {
        uint32_t slot;    ///< level * kSlots + cell
        uint32_t before;  ///< the slot's chunk before this; of a free one the next free
        alignas(32) std::array<Timer, kChunkTimers> timers;
    };
    struct Slot {
        uint32_t last_chunk = kNoChunk;
        uint32_t in_last = 0;
        uint32_t timers = 0;
    };
    /// Slots of a level that hold a timer.
    struct Level {
        std::array<uint64_t, kSlots / 64> occupied{};
        uint32_t slots = 0;

        void set(size_t cell) {
            occupied[cell / 64] |= uint64_t{1} << cell % 64;
            ++slots;
        }
        void clear(size_t cell) {
            occupied[cell / 64] &= ~(uint64_t{1} << cell % 64);
            --slots;
        }
    };

    void place(const Timer& timer) {
        const uint64_t tick = std::max(tick_of(timer.deadline_ns), tick_);
        // The lowest level whose slots reach so far from the current one.
        const int beyond = static_cast<int>(std::bit_width(tick - tick_)) - 8;
        size_t level = beyond <= 0 ? 0 : static_cast<size_t>(beyond + 5) / 6;
        if ((tick >> (level * 6)) - (tick_ >> (level * 6)) >= kSlots) ++level;
        const size_t cell = (tick >> (level * 6)) % kSlots;
        Slot& slot = slots_[level * kSlots + cell];
        if (slot.last_chunk == kNoChunk || slot.in_last == kChunkTimers)
            add_chunk(static_cast<uint32_t>(level * kSlots + cell));
        places_[timer.id] = slot.last_chunk * kPlaces + slot.in_last;
        chunks_[slot.last_chunk].timers[slot.in_last++] = timer;
        if (slot.timers++ == 0) levels_[level].set(cell);
        if (tick == tick_) current_min_ns_ = std::min(current_min_ns_, timer.deadline_ns);
    }
    void add_chunk(uint32_t slot_number) {
        uint32_t number = free_chunk_;
        if (number != kNoChunk) {
            free_chunk_ = chunks_[number].before;
        } else {
            number = chunks_.size();
            chunks_.add();
        }
        Slot& slot = slots_[slot_number];
        chunks_[number].slot = slot_number;
        chunks_[number].before = slot.last_chunk;
        slot.last_chunk = number;
        slot.in_last = 0;
    }
    /// The last of its slot takes its place.
    void unlink(uint32_t place) {
        Chunk& of = chunks_[place / kPlaces];
        const uint32_t slot = of.slot;
        const Timer& last = chunks_[slots_[slot].last_chunk].timers[slots_[slot].in_last - 1];
        of.timers[place % kPlaces] = last;
        places_[last.id] = place;
        drop_last(slot);
    }
    void drop_last(uint32_t slot_number) {
        Slot& slot = slots_[slot_number];
        if (--slot.timers == 0) levels_[slot_number / kSlots].clear(slot_number % kSlots);
        if (--slot.in_last > 0) return;
        Chunk& last = chunks_[slot.last_chunk];
        const uint32_t before = last.before;
        last.before = free_chunk_;
        free_chunk_ = slot.last_chunk;
        slot.last_chunk = before;
        slot.in_last = before == kNoChunk ? 0 : kChunkTimers;
    }
    void release(TimerId id) {
        places_[id] = free_;
        free_ = id;
    }

    /// From the last to the first: `visit(timer, place)` may unlink that one.
    template <typename Visit>
    void for_each(const Slot& slot, Visit visit) {
        uint32_t count = slot.in_last;
        for (uint32_t number = slot.last_chunk; number != kNoChunk; count = kChunkTimers) {
            const uint32_t here = number;
            number = chunks_[here].before;  // before it may be free
            if (number != kNoChunk) prefetch_line(&chunks_[number]);
            for (uint32_t i = count; i-- > 0;) visit(chunks_[here].timers[i], here * kPlaces + i);
        }
    }

    void take_current(StampNs now_ns) {
        for_each(slots_[tick_ % kSlots], [&](const Timer& timer, uint32_t place) {
            if (timer.deadline_ns >= now_ns) return;
            due_.push_back({timer.deadline_ns, timer.order, timer.payload});
            const TimerId id = timer.id;
            unlink(place);
            release(id);
            --size_;
        });
    }

    /// Of the slots of `level` after the current one: the number (in the level's own units, from the origin)
    /// of the first that holds a timer; kNone: none does.
    static constexpr uint64_t kNone = ~uint64_t{0};
    uint64_t first_occupied(size_t level) const {
        const Level& l = levels_[level];
        if (l.slots == 0) return kNone;
        const uint64_t after = (tick_ >> (level * 6)) + 1;
        for (uint64_t at = after; at < after + kSlots; at = (at / 64 + 1) * 64) {
            const uint64_t bits = l.occupied[at % kSlots / 64] >> at % 64;
            if (bits == 0) continue;
            const uint64_t found = at + static_cast<uint64_t>(std::countr_zero(bits));
            return found < after + kSlots - 1 ? found : kNone;  // the last would be the current one
        }
        return kNone;
    }

    /// The next tick, at most `target`, at which a slot of some level begins that holds a timer.
    uint64_t next_occupied(uint64_t target) const {
        uint64_t best = target;
        for (size_t level = 0; level < kLevels; ++level)
            if (const uint64_t at = first_occupied(level); at != kNone)
                best = std::min(best, at << (level * 6));
        return best;
    }

    /// After a move of tick_: timers of the upper levels' current slots go down to where they belong.
    void cascade() {
        for (size_t level = kLevels - 1; level > 0; --level)
            if (levels_[level].slots > 0) {
                const auto slot = static_cast<uint32_t>(level * kSlots + (tick_ >> (level * 6)) % kSlots);
                move_down(slot, slots_[slot].timers);
            }
    }

    /// Ahead of time: a part of the next slot of each upper level goes down as soon as the level below
    /// reaches its end, so that none is left when it begins.
    void spread(uint64_t elapsed_ticks) {
        for (size_t level = 1; level < kLevels; ++level) {
            const uint64_t at = first_occupied(level);
            if (at == kNone || (at + 1) * 64 - (tick_ >> ((level - 1) * 6)) > kSlots) continue;
            const auto slot = static_cast<uint32_t>(level * kSlots + at % kSlots);
            const uint32_t timers = slots_[slot].timers;
            const uint64_t left_ticks = (at << (level * 6)) - tick_;
            move_down(slot, elapsed_ticks < left_ticks
                                ? static_cast<uint32_t>(timers * elapsed_ticks / left_ticks) + 1
                                : timers);
        }
    }

    void move_down(uint32_t slot_number, uint32_t timers) {
        const Slot& slot = slots_[slot_number];
        for (; timers > 0; --timers) {
            const Timer timer = chunks_[slot.last_chunk].timers[slot.in_last - 1];
            drop_last(slot_number);
            place(timer);
        }
    }

    void refresh_current_min() {
        current_min_ns_ = kNever;
        for_each(slots_[tick_ % kSlots], [&](const Timer& timer, uint32_t) {
            current_min_ns_ = std::min(current_min_ns_, timer.deadline_ns);
        });
    }

    PagedArray<uint32_t> places_;  ///< by TimerId: chunk * kPlaces + index in it; of a free one the next free
    PagedArray<Chunk> chunks_;
    std::vector<Slot> slots_ = std::vector<Slot>(kLevels * kSlots);
    std::array<Level, kLevels> levels_{};
    std::vector<Due> due_;
    TimerId free_ = kNoTimer;
    uint32_t free_chunk_ = kNoChunk;
    uint64_t next_order_ = 0;
    size_t size_ = 0;
    uint64_t tick_ = 0;  ///< everything below has been taken
    StampNs now_ns_ = std::numeric_limits<StampNs>::min();
    StampNs current_min_ns_ = kNever;  ///< lower bound of the deadlines in the current lowest slot
};

}  // namespace penstock

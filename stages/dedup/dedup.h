// dedup: an event that was stored within the window is recognised, exactly, by its 128-bit identity.
#pragma once

#include "pipeline/event_batch.h"
#include "pipeline/segmented_map.h"

namespace penstock {

/// Intake thread. 24 bytes a slot and a tag, 28 to 55 bytes a key. The window is never cut short: at the
/// memory bound has_room() turns false and intake stops reading until keys expire.
class DedupStage {
  public:
    struct Options {
        int64_t window_ns = 600'000'000'000;
        size_t memory_bytes_max = 4ULL << 30;
    };
    explicit DedupStage(const Options& options);

    /// Drops duplicates from the work's items (verdict kDuplicate) and refuses conflicts: same identity,
    /// other content. `now_ns`: wall time. Returns the items looked at.
    size_t do_work(WorkBatch& work, StampNs now_ns);

    /// The event shall be stored again though it is known: its region refused it.
    void retract(const EventIdentity& identity) { keys_.erase(identity.id); }

    /// Recovery: the event is in the log. In any order.
    void restore(const EventIdentity& identity, StampNs received_ns, StampNs now_ns);

    /// Recovery of many: two threads, a Filler each, whose identities differ in the top bit of id.hi. Then
    /// absorb() of both, before anything else.
    class Filler {
      public:
        explicit Filler(DedupStage& stage)
            : stage_(stage), keys_(stage.keys_), now_tick_(stage.tick_of(stage.now_ns_)) {}
        void restore(const EventIdentity& identity, StampNs received_ns) {
            const uint64_t value = (identity.content & ~kTickMask) | stage_.tick_of(received_ns);
            uint64_t* known = keys_.find(identity.id);
            if (!known)
                keys_.insert(identity.id, value);
            else if (newer(value, *known, now_tick_))
                *known = value;
        }

      private:
        friend DedupStage;
        DedupStage& stage_;
        SegmentedMap<uint64_t>::Filler keys_;
        uint64_t now_tick_;
    };
    /// Before the Fillers: there will be so many.
    void expect(size_t keys, StampNs now_ns) {
        move_time(now_ns);
        keys_.reserve(keys);
    }
    void absorb(Filler& filler) {
        keys_.absorb(filler.keys_, [tick = tick_of(now_ns_)](uint64_t value, uint64_t known) {
            return newer(value, known, tick);
        });
    }

    /// Forgets expired keys of as many segments as the time since the last call makes due: all are seen well
    /// before their ticks could come round.
    void housekeep(StampNs now_ns);

    bool has_room() const { return keys_.bytes() < memory_bytes_max_ || keys_.load() < kLoadWithRoom; }
    size_t keys() const { return keys_.size(); }
    size_t bytes() const { return keys_.bytes(); }

  private:
    // value: content hash (upper 48 bits) | tick of receipt (lower 16)
    static constexpr uint64_t kTickMask = 0xffff;
    /// At the bound keys are taken in while segments are this empty on average: then hardly any has to split.
    static constexpr double kLoadWithRoom = 0.6;
    /// Time as far as it has come: a clock that steps back must not let keys look expired. A leap beyond the
    /// window forgets all of them at once, before ticks of another round could be taken for theirs.
    void move_time(StampNs now_ns);
    uint64_t tick_of(StampNs ns) const { return static_cast<uint64_t>(ns / tick_ns_) & kTickMask; }
    /// Of one identity in whatever order, the latest counts.
    static bool newer(uint64_t value, uint64_t known, uint64_t tick) {
        return ((tick - value) & kTickMask) <= ((tick - known) & kTickMask);
    }
    bool expired(uint64_t value, uint64_t tick) const { return ((tick - value) & kTickMask) > window_ticks_; }

    SegmentedMap<uint64_t> keys_;
    const size_t memory_bytes_max_;
    const int64_t window_ns_;
    int64_t tick_ns_;
    uint64_t window_ticks_;
    StampNs now_ns_ = 0;  ///< the latest that was told
    StampNs swept_ns_ = 0;
    double sweep_due_ = 0;  ///< segments that time has made due
};

}  // namespace penstock

// sequence: gives every record its place in the log and its time, and hands it to the log and the state.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <string_view>

#include "pipeline/batch_ring.h"
#include "pipeline/clock.h"
#include "pipeline/dead_letter.h"

namespace penstock {

/// Thrown where the intake thread would wait for ever: the appliance stops or has failed.
struct IntakeStopped {};

/// Intake thread. Sequences and stamps rise strictly, whatever the wall clock does.
///
/// Two slabs are open at a time, events and dead letters. Dead letters are published first: a record of
/// events also makes its producers' progress durable, and progress past a refused event must never be
/// durable before its dead letter is.
class Sequencer {
  public:
    /// `next_seq`, `last_stamp_ns`: where the log ends. `give_up`: asked while the ring is full.
    Sequencer(BatchRing& ring, const Clock& clock, Seq next_seq, StampNs last_stamp_ns,
              std::function<bool()> give_up);

    /// Asked while the ring is full: whether a deadline waits for a record that tells it the time. Then a
    /// tick goes first, so that a slow disk does not hold deadlines up. Unset: never.
    std::function<bool()> tick_due;

    /// The batch of events being filled.
    EventBatch& events() { return *events_; }
    /// Nothing is open: all that was handed over has been published.
    bool empty() const {
        return events_->count() == 0 && events_->header.producer_count == 0 && letters_->count() == 0;
    }

    void add_dead_letter(const DeadLetter& letter);
    void add_position(const ProducerPosition& position);

    /// Publishes what is open. May wait for the ring's slowest reader; throws IntakeStopped.
    void publish();
    void publish_control(ControlKind kind, std::string_view name, std::string_view text);
    /// Publishes what is open, which a retry of this dead letter led to (an event, a new dead letter, or
    /// nothing), behind a control record that tells of the retry. Answers the control record's sequence; what
    /// it led to has the next.
    Seq publish_retry(Seq letter, std::string_view text);

    Seq next_seq() const { return next_seq_; }
    StampNs last_stamp_ns() const { return last_stamp_ns_; }
    /// The time by which intake judges: never back, and no later stamp is before it. Else a clock that is set
    /// back would give stamps that lie inside a window which dedup has seen end.
    StampNs time_ns() { return time_ns_ = std::max({time_ns_, last_stamp_ns_, clock_.wall_ns()}); }

  private:
    void publish_slab(RecordKind kind, std::unique_ptr<EventBatch>& slab);
    void hand_over(std::unique_ptr<EventBatch>& slot, RecordKind kind, std::unique_ptr<EventBatch>& slab);
    void tick();
    void publish_letters();

    BatchRing& ring_;
    const Clock& clock_;
    std::function<bool()> give_up_;
    const size_t kept_for_ticks_;  ///< slots of the ring
    bool may_tick_ = true;
    std::unique_ptr<EventBatch> events_, letters_, tick_;
    Seq next_seq_;
    StampNs last_stamp_ns_;
    StampNs time_ns_ = 0;
};

}  // namespace penstock

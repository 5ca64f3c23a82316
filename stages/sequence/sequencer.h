// sequence: gives every record its place in the log and its time, and hands it to the log and the state.
#pragma once

#include <string_view>

#include "pipeline/batch_ring.h"
#include "pipeline/clock.h"
#include "pipeline/dead_letter.h"

namespace penstock {

/// Intake thread. Sequences and stamps rise strictly, whatever the wall clock does.
class Sequencer {
  public:
    /// `next_seq`, `last_stamp_ns`: where the log ends.
    Sequencer(BatchRing& ring, const Clock& clock, Seq next_seq, StampNs last_stamp_ns);

    /// The batch being filled, empty at first. Waits for the ring's slowest reader when it is full; null
    /// only when `give_up()` turned true meanwhile.
    template <typename GiveUp>
    EventBatch* open(GiveUp give_up) {
        while (!batch_) {
            batch_ = ring_.try_claim();
            if (batch_) {
                batch_->clear();
            } else {
                if (give_up()) return nullptr;
                ring_.wait_for_slot(10'000'000);
            }
        }
        return batch_;
    }
    bool has_items() const { return batch_ && (batch_->count() > 0 || batch_->header.producer_count > 0); }

    /// Adds a producer's progress to the open batch. False when it has no room: publish first.
    bool add_position(const ProducerPosition& position);

    /// Publishes the open batch of events (with only positions in it: as a control record).
    void publish_events();
    /// `items` fit into one record (add_dead_letter says so). The open batch must be empty.
    void publish_dead_letters();
    /// Adds to the open batch, which then holds dead letters only. False: publish first.
    bool add_dead_letter(const DeadLetter& letter);
    void publish_control(ControlKind kind, std::string_view name, std::string_view text);

    /// Records handed over so far: the ring's position.
    uint64_t published() const { return ring_.published(); }
    Seq next_seq() const { return next_seq_; }
    StampNs last_stamp_ns() const { return last_stamp_ns_; }

  private:
    void publish(RecordKind kind);
    BatchRing& ring_;
    const Clock& clock_;
    EventBatch* batch_ = nullptr;
    Seq next_seq_;
    StampNs last_stamp_ns_;
};

}  // namespace penstock

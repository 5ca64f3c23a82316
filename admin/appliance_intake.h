// The intake thread's chain: parse, dedup, enrich, route, sequence, in this order, on the open batch.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "pipeline/mailbox.h"
#include "pipeline/telemetry.h"
#include "stages/dedup/dedup.h"
#include "stages/enrich/enrich.h"
#include "stages/ingest/intake_sink.h"
#include "stages/log/log_stage.h"
#include "stages/parse/parse.h"
#include "stages/route/route.h"
#include "stages/sequence/sequencer.h"

namespace penstock {

/// Intake thread. All references outlive it.
class IntakeChain final : public IntakeSink {
  public:
    struct Parts {
        ParseStage& parse;
        DedupStage& dedup;
        EnrichStage& enrich;
        RouteStage& route;
        Sequencer& sequencer;
        const LogStage& log;
        BatchRing& ring;
        DeadLetterMailbox& mailbox;
        Telemetry& telemetry;
        const Clock& clock;
    };
    explicit IntakeChain(const Parts& parts) : p_(parts) {}

    void process(WorkBatch& work) override;
    void keep_dead_letter(const DeadLetter& letter) override { p_.sequencer.add_dead_letter(letter); }
    void note_position(const ProducerPosition& position) override { p_.sequencer.add_position(position); }
    void control(ControlKind kind, std::string_view name, std::string_view text) override {
        p_.sequencer.publish_control(kind, name, text);
    }
    std::optional<uint64_t> publish() override;
    uint64_t committed_position() const override { return p_.ring.consumed(kLogConsumer); }
    bool admits() const override { return p_.log.has_room() && p_.dedup.has_room(); }

    /// Between rounds: dead letters of other threads, a tick when `due_ns` has passed, expiry of dedup keys.
    void housekeep(StampNs due_ns);
    /// The state thread needs a record that tells it that `due_ns` has passed.
    bool needs_tick(StampNs due_ns);
    /// Something was gathered and not published yet: come back soon.
    bool gathering() const { return !p_.sequencer.empty(); }
    /// Parse to route, for as many raw events as the batch has room for.
    void run_stages(WorkBatch& work);

  private:
    void keep_refused(const WorkBatch& work, size_t refused_from, size_t raw_from);
    StampNs now_ns() const { return p_.sequencer.time_ns(); }

    Parts p_;
    StampNs ticked_due_ns_ = 0;
    int64_t ticked_at_ns_ = 0;
    struct Ticket {
        uint64_t position;
        std::shared_ptr<Durability> done;
    };
    std::vector<Ticket> tickets_;
};

}  // namespace penstock

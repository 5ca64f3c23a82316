// The appliance's parts, wired as admin/appliance.cpp does it, on one thread: whoever drives it decides which
// of its threads runs next. Everything in it is the real code; sockets, disk, regions and clock are
// simulated.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "admin/appliance_intake.h"
#include "admin/appliance_recovery.h"
#include "admin/appliance_workflows.h"
#include "stages/alert/alert_book.h"
#include "stages/ingest/ingest.h"
#include "stages/sequence/producer_positions.h"
#include "stages/sla/sla_stage.h"
#include "storage/flush.h"

namespace penstock::simulation {

/// One run of the process, from its start until it ends or is killed (then it is simply destroyed).
class SimulatedAppliance {
  public:
    struct Options {
        std::string data_dir;
        std::vector<std::string> regions;  ///< names; each also names its database
        std::string workflow;              ///< document; empty: none
        uint64_t log_bytes_max = 1 << 28;
        int64_t log_retention_ns = 0;
        uint64_t log_retention_bytes = 0;
        int64_t window_ns = 0;
        int64_t instance_retention_ns = 0;
        int64_t recovery_hold_ns = 0;
        int64_t checkpoint_ns = 0;
        FlushOptions flush;
    };
    /// Opens log and state and recovers. `committed`: after each durable group; `others`: called while intake
    /// waits for a slot of the ring, to let the other threads run. Throws what the real one would stop with.
    SimulatedAppliance(const Options& options, const Clock& clock, std::function<void()> committed,
                       std::function<void()> others, std::function<void(const SlaEffect&)> told);
    ~SimulatedAppliance();

    /// Boot record and workflows, as the first thing that is published.
    void publish_start();

    // One step of each thread; nothing waits. What they throw stops the appliance.
    void intake_step();
    void log_step() { log_stage_->do_work(0); }
    void state_step() { sla_stage_->do_work(0); }
    void checkpoint_step();
    /// The flusher says when it wants to run again: flush_due().
    void flush_step(size_t region);
    bool flush_due(size_t region) const { return clock_.monotonic_ns() >= flush_at_ns_[region]; }

    /// SIGTERM: as Appliance::stop() in order. Throws when a part fails meanwhile.
    void stop(const std::function<void(int64_t)>& pass_time);

    uint64_t log_depth() const { return ring_.depth(kLogConsumer); }
    uint64_t state_depth() const { return ring_.depth(kStateConsumer); }
    /// Everything is committed, applied and in the last checkpoint.
    bool checkpointed() const { return state_applied_seq_ == telemetry_.committed_seq && log_depth() == 0; }
    void request_checkpoint() { sla_stage_->request_checkpoint(); }
    bool flushed() const;
    StampNs due_ns() const { return sla_stage_->due_ns(); }

    EventLog& log() { return log_; }
    const StateStore& state() const { return state_; }
    const Engine& engine() const { return engine_; }
    Telemetry& telemetry() { return telemetry_; }

  private:
    Seq may_trim_below() const;

    const Options options_;
    const Clock& clock_;
    std::function<void()> others_;
    Telemetry telemetry_;
    EventLog log_;
    StateStore state_;
    BatchRing ring_;
    DeadLetterMailbox mailbox_{8};
    Engine engine_;
    ProducerPositions positions_;
    AlertBook alerts_;
    Vocabulary vocabulary_;
    DedupStage dedup_;
    EnrichStage enrich_;
    std::map<std::string, std::string> active_documents_;
    std::unique_ptr<LogStage> log_stage_;
    std::unique_ptr<SlaStage> sla_stage_;
    std::unique_ptr<Sequencer> sequencer_;
    std::unique_ptr<ParseStage> parse_;
    std::unique_ptr<RouteStage> route_;
    std::unique_ptr<IntakeChain> chain_;
    std::unique_ptr<Ingest> ingest_;
    std::vector<std::unique_ptr<RegionFlusher>> flushers_;
    std::vector<int64_t> flush_at_ns_;
    Seq state_applied_seq_ = 1;
};

}  // namespace penstock::simulation

// The engine: deterministic state machines of SLAs. Input is a record and its stamps, output is counts and
// effects. It runs on three clocks without knowing which: live stamps, the log's stamps on recovery, a
// stream's own times in simulation.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "pipeline/segmented_map.h"
#include "pipeline/state_machine.h"
#include "pipeline/telemetry.h"
#include "pipeline/timer_wheel.h"
#include "schemas/event_fields.h"
#include "schemas/finding.h"
#include "stages/sla/instances.h"
#include "stages/sla/observer.h"
#include "stages/sla/workflow.h"

namespace penstock {

/// What the outside may be told, once the record that caused it is durable.
struct SlaEffect {
    enum class Kind : uint8_t {
        kMissed,     ///< the deadline has passed
        kRetracted,  ///< after kMissed an event came that happened in time: delivered late
        kLate,       ///< after kMissed an event came that happened after the deadline
    };
    Kind kind;
    uint32_t workflow, edge;
    Hash128 key;
    Seq anchor_seq;  ///< the event that armed the deadline
    Seq cause_seq;   ///< the record item that let it be judged
    StampNs deadline_ns;
    StampNs at_ns;  ///< logical time: max(deadline, stamp of the cause)
};

/// One thread. Semantics of an edge, for each key: the first event that reaches `from` anchors it (or the
/// last before it is settled), the first after that which reaches `to` settles it; deadline = the anchor's
/// own time
/// + within, of all time or of business hours; met when the settling event's own time is at or before the
/// deadline, else late; missed while now > deadline and nothing has settled it. Cancelled: another of
/// exclusive edges was taken, a stage behind an optional one was reached, or a terminal stage.
class Engine final : public StateMachine {
  public:
    struct Options {
        /// Of instances with nothing armed; 0: for ever. A boot record that says another wins: the log tells
        /// all that state follows from.
        int64_t instance_retention_ns = 0;
    };
    explicit Engine(Options options);
    ~Engine() override;

    // --- input ---
    void apply(const RecordView& record) override;
    /// One event at time `now_ns`; `apply` calls it for each, simulation directly.
    void on_event(const EventHead& head, std::span<const uint8_t> bytes, Seq seq, StampNs now_ns);
    /// Time passes: fires what is due before `now_ns`.
    void advance(StampNs now_ns, Seq cause_seq);
    /// Publishes the workflow; one of the same name is replaced, its instances forgotten.
    void define(Workflow workflow, StampNs now_ns = kNoTime, Seq cause_seq = 0);
    void retire(std::string_view name, StampNs now_ns = kNoTime, Seq cause_seq = 0);

    // --- output ---
    /// Called in order, from inside apply.
    std::function<void(const SlaEffect&)> on_effect;
    /// The same, for alerts; also what a workflow that goes leaves behind.
    FindingSink on_finding;
    WorkflowCounts counts(uint32_t workflow) const;
    std::vector<uint32_t> workflow_ids() const;
    const Workflow* workflow(uint32_t id) const;
    /// The document that is active under this name, or empty.
    std::string_view document(std::string_view name) const;
    /// Fills everything but `recent`.
    void snapshot(SlaSnapshot& out) const;
    size_t instances() const;
    const Observer& observer() const { return observer_; }
    size_t timers() const { return wheel_.size(); }

    // --- time ---
    /// See TimerWheel: the earliest deadline if near, and when to look again.
    /// While deadlines wait after a start: the end of that.
    StampNs due_ns() const override {
        return observer_.holding() ? observer_.hold_until_ns() : wheel_.due_ns();
    }
    StampNs next_look_ns() const {
        return observer_.holding() ? observer_.hold_until_ns() : wheel_.next_look_ns();
    }
    void tighten(StampNs now_ns) {
        if (!observer_.holding()) wheel_.tighten(now_ns);
    }

    // --- state ---
    uint8_t row_prefix() const override { return 'S'; }
    void begin_save(Checkpoint& out) override;
    bool save_some(size_t rows) override;
    void load_row(std::span<const uint8_t> key, std::span<const uint8_t> value) override;
    void loaded(StampNs last_stamp_ns) override;

  private:
    struct Running;  // a published workflow with its instances
    struct Timer {
        uint32_t workflow, instance;
        uint32_t edge;  ///< kRetentionEdge: the instance's retention
    };
    struct Role {
        uint32_t workflow, stage;
    };
    struct Moment {
        uint32_t instance;
        Seq seq;
        StampNs now_ns;
    };
    static constexpr uint32_t kRetentionEdge = 0xffffffff;

    Running* running(uint32_t id) const { return id < running_.size() ? running_[id].get() : nullptr; }
    void index_roles();
    void fire(const TimerWheel<Timer>::Due& due, StampNs now_ns, Seq cause_seq);
    /// The key reaches `reached_`.
    void reach(Running& r, const Hash128& key, const EventHead& head, Seq seq, StampNs now_ns);
    // Of one edge of an instance; false: it was not the time for that.
    bool settle(Running& r, uint32_t edge, StampNs time_ns, const Moment& at);
    bool anchor(Running& r, uint32_t edge, StampNs time_ns, const Moment& at);
    /// It need not come any more. What was missed before `time_ns` stays missed, but is no trouble any more.
    bool cancel(Running& r, uint32_t edge, StampNs time_ns, const Moment& at);
    void disarm(EdgeState& state);
    /// Before every change of an instance's row.
    void before_change(Running& r, uint32_t instance);
    void save_instance(Running& r, uint32_t instance);
    void tell(Finding::Kind kind, const Running& r, uint32_t instance, uint32_t edge, Seq cause_seq,
              StampNs now_ns);
    static bool any_armed(const Running& r, uint32_t instance);
    void retain_or_evict(Running& r, uint32_t instance, StampNs now_ns);
    void drop_instances(Running& r, StampNs now_ns, Seq cause_seq);
    void emit(SlaEffect::Kind kind, const Running& r, uint32_t instance, uint32_t edge, Seq cause_seq,
              StampNs now_ns);
    bool key_of(const Running& r, const EventHead& head, std::span<const uint8_t> bytes, Hash128& out) const;

    void control(const fb::Control& control, StampNs now_ns, Seq seq);

    Options options_;
    Observer observer_;
    std::vector<std::unique_ptr<Running>> running_;           ///< by workflow id; null: retired
    absl::flat_hash_map<uint64_t, std::vector<Role>> roles_;  ///< by type hash; of a workflow together
    std::vector<const WorkflowStage*> reached_;               ///< while on_event runs
    TimerWheel<Timer> wheel_;
    std::vector<Timer> retention_due_;  ///< while advance runs
    uint64_t fired_ = 0, retracted_ = 0, evicted_ = 0;
    std::vector<uint32_t> retired_unsaved_;
    std::vector<std::pair<uint32_t, Hash128>> gone_;  ///< instances to erase at the next checkpoint
    bool totals_dirty_ = false;

    Checkpoint* saving_ = nullptr;                            ///< from begin_save until all is copied
    std::vector<std::pair<uint32_t, Hash128>> gone_unsaved_;  ///< gone_ of the cut, from the end
    RowWriter key_row_, value_row_;
};

}  // namespace penstock

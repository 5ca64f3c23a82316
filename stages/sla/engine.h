// The engine: deterministic state machines of SLAs. Input is a record and its stamps, output is counts and
// findings. It runs on three clocks without knowing which: live stamps, the log's stamps on recovery, a
// stream's own times in simulation.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "pipeline/state_machine.h"
#include "pipeline/telemetry.h"
#include "pipeline/timer_wheel.h"
#include "schemas/event_fields.h"
#include "schemas/finding.h"
#include "schemas/workflow_view.h"
#include "stages/sla/case_fold.h"
#include "stages/sla/instances.h"
#include "stages/sla/observer.h"
#include "stages/sla/source_clock.h"
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

/// Instances that are being looked for.
struct InstanceListing {
    uint32_t running = 0xffffffff;  ///< the version that is looked at
    uint32_t at = 0;
    std::vector<std::pair<StampNs, Hash128>> found;  ///< a heap; with the soonest deadline of each
};

/// One thread. docs/workflows.md says what each member of a document means; a case's state is a function of
/// its events in the order of their own times (CaseFold), of the clock that judges it, and of nothing else.
class Engine final : public StateMachine {
  public:
    struct Options {
        /// Of instances with nothing pending; 0: for ever. A boot record that says another wins: the log
        /// tells all that state follows from. So with the next.
        int64_t instance_retention_ns = 0;
        SourceLimits sources = {};
    };
    explicit Engine(Options options);
    ~Engine() override;

    // --- input ---
    void apply(const RecordView& record) override;
    /// One event at time `now_ns`; `apply` calls it for each, simulation directly.
    void on_event(const EventHead& head, std::span<const uint8_t> bytes, Seq seq, StampNs now_ns);
    /// One control record. `apply` calls it, simulation directly.
    void control(const fb::Control& control, StampNs now_ns, Seq seq);
    /// By id. A boot record says them, too.
    void name_tenants(std::vector<std::string> names);
    void name_tenant(std::string_view name, int64_t id);
    /// Time passes: fires what is due before `now_ns`.
    void advance(StampNs now_ns, Seq cause_seq);
    /// No event of the source older than `time_ns` will follow.
    void watermark(uint16_t tenant, std::string_view source, StampNs time_ns, StampNs now_ns, Seq cause_seq);

    // --- versions ---
    /// Who changes a version, and why.
    struct By {
        std::string_view who = "configuration", note = {};
    };
    /// Publishes the workflow as the active version; what is in flight ends on the one before.
    void define(Workflow workflow, StampNs now_ns = kNoTime, Seq cause_seq = 0);
    void retire(std::string_view name, StampNs now_ns = kNoTime, Seq cause_seq = 0);
    /// A version of any state. Drafts may have faults; others throw WorkflowError. Returns its number.
    uint32_t add_version(std::string_view name, std::string_view document, VersionState state, bool migrate,
                         By by, StampNs now_ns, Seq cause_seq);
    /// kShadow, kActive or kRetired. False: there is no such version, or it cannot become that.
    bool change_version(std::string_view name, uint32_t number, VersionState to, bool migrate, By by,
                        StampNs now_ns, Seq cause_seq);

    /// Forgets a version that does not run.
    void discard(std::string_view name, uint32_t number);

    // --- output ---
    /// Called in order, from inside apply.
    std::function<void(const SlaEffect&)> on_effect;
    /// The same, for alerts; also what a workflow that goes leaves behind.
    FindingSink on_finding;
    /// Whether nothing is expected at this time; null: everything always is.
    std::function<bool(uint16_t tenant, std::string_view workflow, std::string_view rule,
                       std::string_view group, StampNs at_ns)>
        not_expected;
    /// What parse makes of a subject, for views by key; null: as of other selectors.
    std::function<Hash128(uint16_t tenant, std::string_view subject)> subject_key;
    WorkflowCounts counts(uint32_t workflow) const;
    /// Of active versions.
    std::vector<uint32_t> workflow_ids() const;
    const Workflow* workflow(uint32_t id) const;
    /// The document that is active under this name, or empty.
    std::string_view document(std::string_view name) const;
    /// Fills everything but `recent`.
    void snapshot(SlaSnapshot& out) const;
    size_t instances() const;
    const Observer& observer() const { return observer_; }
    size_t timers() const;
    /// The latest time that it was told; before that, since a start, the log's.
    StampNs now_ns() const { return std::max(now_ns_, last_stamp_ns_); }
    /// Bytes of instances with their index, and of timers.
    std::pair<size_t, size_t> memory() const;

    // --- views ---
    std::vector<WorkflowView> views() const;
    WorkflowView view(std::string_view name) const;
    std::vector<std::string> names() const;
    std::vector<WorkflowVersion> versions(std::string_view name) const;
    std::vector<SeriesPoint> series(const SeriesQuery& query) const;
    /// A list is made in parts, between which events may be applied: looks at so many instances, and tells
    /// whether there are more. Then `listed` has those that are still there.
    bool list_some(const InstanceQuery& query, InstanceListing& listing, size_t instances) const;
    std::vector<InstanceView> listed(InstanceListing& listing) const;
    std::vector<InstanceView> lifecycle(std::string_view workflow, uint16_t tenant,
                                        std::string_view key) const;
    /// Looks at some instances for what views tell beside counts; a whole look at `now_ns` is kept for a
    /// second. False: there is nothing to look at.
    bool sweep_some(size_t instances, StampNs now_ns);

    // --- time ---
    /// See TimerWheel: the earliest deadline if near, and when to look again.
    /// While deadlines wait after a start: the end of that.
    StampNs due_ns() const override;
    StampNs next_look_ns() const;
    void tighten(StampNs now_ns);

    // --- state ---
    uint8_t row_prefix() const override { return 'S'; }
    void begin_save(Checkpoint& out) override;
    bool save_some(size_t rows) override;
    void load_row(std::span<const uint8_t> key, std::span<const uint8_t> value) override;
    void loaded(StampNs last_stamp_ns) override;

  private:
    void apply_events(const RecordView& record);
    /// An event whose turn comes soon.
    struct Soon {
        uint32_t workflow;
        uint32_t instance;  ///< where its case probably is
    };
    void prefetch_case(Soon& soon, const Hash128& key, size_t step) const;
    void prefetch_checks(std::span<const EngineTimer> checks) const;
    /// The running version that an event's case is of, where its key tells which case; kNotRunning: its head
    /// alone does not tell.
    uint32_t running_by_key(const EventHead& head) const;
    struct Running;  // a version that runs, with its instances
    using Timer = EngineTimer;
    struct Role {
        uint32_t workflow, stage;
    };
    struct Moment {
        uint32_t instance;
        Seq seq;
        StampNs now_ns;  ///< by the instance's clock
    };
    struct Version {
        WorkflowVersion seen;
        uint32_t running = kNotRunning;
        bool dirty = true;
    };
    static constexpr uint32_t kNotRunning = 0xffffffff;
    static constexpr uint16_t kLiveClock = 0;

    Running* running(uint32_t id) const { return id < running_.size() ? running_[id].get() : nullptr; }
    Running* active(std::string_view name) const;

    // Records (engine.cpp).
    void boot(std::string_view text, StampNs now_ns);
    uint16_t clock_of(const EventHead& head, const fb::Event& event, Seq seq, StampNs now_ns);
    SourceClock& add_clock(SourceClock::Kind kind, uint16_t tenant, std::string_view source, Hash128 id);
    static Hash128 clock_id(SourceClock::Kind kind, uint16_t tenant, std::string_view source);
    void advance_clock(uint16_t clock, StampNs now_ns, Seq cause_seq);
    void judge_lag(SourceClock& clock, StampNs now_ns, Seq cause_seq);
    void index_roles();
    bool key_of(const Running& r, const EventHead& head, std::span<const uint8_t> bytes, Hash128& out) const;
    bool is_drained_elsewhere(const Running& r, const Hash128& key) const;

    // Rules beside the graph (engine_watches.cpp).
    void begin_watches(Running& r, StampNs now_ns);
    uint32_t watching_of(Running& r, uint32_t rule, uint16_t tenant, bool start, StampNs now_ns);
    void watch(const EventHead& head, const fb::Event& event, Seq seq, StampNs now_ns);
    void fire_watch(Running& r, uint32_t place, StampNs now_ns, Seq cause_seq);
    void arm_watch(Running& r, uint32_t place);
    void end_watches(Running& r, StampNs now_ns, Seq cause_seq);
    void tell_watch(uint32_t running_id, uint32_t place, const Watcher::Trouble& trouble);
    void save_watches(Checkpoint& out);
    void load_watch(RowReader& key, std::span<const uint8_t> key_bytes, std::span<const uint8_t> value);
    std::optional<uint16_t> tenant_of(const Workflow& workflow) const;

    // Cases (engine_cases.cpp).
    /// The key reaches `reached_`.
    void reach(Running& r, const Hash128& key, const EventHead& head, const fb::Event& event, Seq seq,
               uint16_t clock, StampNs now_ns);
    void fold_in_order(Running& r, Instance& instance, const EventHead& head, Seq seq, const Moment& at);
    void fold_again(Running& r, const Moment& at);
    void whole_state(const Running& r, uint32_t instance, CaseState& out) const;
    void commit(Running& r, const Moment& at);
    void end_trouble(Running& r, const Moment& at, const Obligation& was, Obligation::Phase now);
    void arm(Running& r, uint32_t instance, uint32_t item, Obligation& obligation);
    void disarm(const Instance& instance, TimerId& timer);
    void disarm_check(Instance& instance);
    TimerWheel<Timer>& check_wheel(const Instance& instance);
    bool is_history(const Instance& instance) const;
    bool outlived(const Running& r, const Instance& instance, StampNs now_ns) const;
    void move_to_clock(Running& r, uint32_t instance, uint16_t clock, Seq cause_seq);
    void fire(const TimerWheel<Timer>::Due& due, StampNs now_ns, Seq cause_seq);
    void check(Running& r, uint32_t instance, StampNs now_ns, Seq cause_seq);
    static bool has_begun(const Running& r, const Instance& instance);
    void evict(Running& r, uint32_t instance, Seq cause_seq, StampNs now_ns);
    void seal(Running& r, const Moment& at);
    void account(Running& r, const Instance& instance, uint16_t edge, Obligation::Phase phase, int by);
    void flow(Running& r, const Instance& instance, uint16_t edge, Obligation::Phase phase, StampNs now_ns);
    void count_flight(Running& r, const Instance& instance, bool was, bool is);
    uint16_t group_of(Running& r, const fb::Event& event);
    uint16_t group_named(Running& r, const std::string& text, const std::string& alert_text);
    bool alerts(const Running& r, const Instance& instance) const;
    void tell(Finding::Kind kind, const Running& r, const Instance& instance, const Obligation& o,
              Seq cause_seq, StampNs now_ns);
    void tell_disorder(Finding::Kind kind, const Running& r, const Instance& instance, const CaseEvent& event,
                       Seq cause_seq, StampNs now_ns);
    void tell_duplicate(Running& r, const Moment& at);
    void review_disorder(Running& r, uint32_t instance, Seq cause_seq, StampNs now_ns);
    void emit(SlaEffect::Kind kind, const Running& r, const Instance& instance, const Obligation& o,
              Seq cause_seq, StampNs now_ns);

    // Versions (engine_versions.cpp).
    void run(Version& v, VersionState state, Workflow workflow);
    void activate(std::string_view name, uint32_t number, bool migrate, StampNs now_ns, Seq cause_seq);
    void set_state(Version& v, VersionState state);
    Version* find_version(std::string_view name, uint32_t number);
    void migrate(Running& from, Running& to, StampNs now_ns, Seq cause_seq);
    void take_over(Running& from, Running& to, StampNs now_ns, Seq cause_seq);
    void drop(Version& v, StampNs now_ns, Seq cause_seq);
    void drop_instances(Running& r, StampNs now_ns, Seq cause_seq);
    void end_drained(StampNs now_ns, Seq cause_seq);
    static void note(Version& v, std::string_view action, By by, StampNs now_ns, Seq cause_seq);

    // Views (engine_view.cpp).
    WorkflowView summary(const Running& r) const;
    void sweep_instance(Running& r, const Instance& instance, StampNs now_ns) const;
    std::vector<SeriesPoint> stage_series(const Running& r, const SeriesQuery& query) const;
    InstanceView instance_view(const Running& r, const Instance& instance) const;

    // Rows (engine_state.cpp).
    /// Before every change of an instance's row.
    void before_change(Running& r, uint32_t instance);
    void save_instance(Running& r, uint32_t instance);
    std::span<const uint8_t> instance_key(uint32_t running_id, uint32_t place);  ///< until the next call
    void save_workflow(Running& r, Checkpoint& out);
    void forget_rows(const Running& r);
    void save_versions(Checkpoint& out);
    void save_clocks(Checkpoint& out);
    void load_workflow(uint32_t id, RowReader& value);
    void load_instance(Running& r, RowReader& key, RowReader& value);
    void load_version(RowReader& key, RowReader& value);

    Options options_;
    Observer observer_;
    std::vector<std::string> tenants_;               ///< names by id, as the boot record has them
    std::vector<std::unique_ptr<Running>> running_;  ///< by id; null: retired
    std::map<std::string, std::vector<Version>, std::less<>> versions_;
    absl::flat_hash_map<uint64_t, std::vector<Role>> roles_;        ///< by type hash; of a workflow together
    absl::flat_hash_map<uint64_t, std::vector<Role>> watch_roles_;  ///< by type hash; stage: the rule
    std::vector<std::tuple<uint32_t, uint32_t, uint16_t, std::unique_ptr<Watcher>>>
        watchers_ended_;                                ///< their rows go at the next checkpoint
    std::vector<std::unique_ptr<SourceClock>> clocks_;  ///< the first: the appliance's
    absl::flat_hash_map<Hash128, uint16_t, ClockIdHash> clock_by_id_;
    bool any_watermarks_ = false;
    bool any_drains_ = false;
    std::vector<Timer> checks_;  ///< while advance runs
    uint64_t fired_ = 0, retracted_ = 0, evicted_ = 0;
    std::vector<std::vector<uint8_t>> rows_gone_;      ///< of versions that run no more
    std::vector<std::pair<uint32_t, uint32_t>> gone_;  ///< instances to erase at the next checkpoint
    std::vector<std::pair<std::string, uint32_t>> versions_gone_;
    bool totals_dirty_ = false;
    StampNs now_ns_ = kNoTime;
    StampNs last_stamp_ns_ = kNoTime;  ///< of the log at the start; for views only

    // Scratch.
    std::vector<uint16_t> reached_;  ///< while on_event runs
    CaseState state_, before_;
    std::vector<uint8_t> matched_;

    uint32_t sweeping_ = 0;  ///< the workflow that is looked at

    Checkpoint* saving_ = nullptr;                             ///< from begin_save until all is copied
    std::vector<std::pair<uint32_t, uint32_t>> gone_unsaved_;  ///< gone_ of the cut, from the end
    RowWriter key_row_, value_row_;
};

}  // namespace penstock

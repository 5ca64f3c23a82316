// Alerts, silences and what is to be told of them: a function of the log.
#pragma once

#include <deque>
#include <limits>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/state_machine.h"
#include "schemas/alert.h"
#include "schemas/event_fields.h"
#include "schemas/finding.h"

namespace penstock {

/// Decided, and not settled yet. Holds what the alert was like then: a repetition tells the same.
struct PendingNotice {
    uint64_t order = 0;  ///< rises; each target's go in this order
    uint64_t effect_id = 0;
    std::string target, kind, reason;
    StampNs at_ns = 0;
    Seq cause_seq = 0;  ///< nothing leaves before this record is durable
    // The alert.
    uint64_t alert = 0;
    uint16_t tenant = 0;
    std::string workflow, rule;
    uint32_t episode = 0;
    uint64_t version = 0;
    AlertState state = AlertState::kFiring;
    AlertEnd end = AlertEnd::kNone;
    uint8_t severity = 0;
    uint64_t open = 0, total = 0;
    StampNs first_deadline_ns = 0, last_deadline_ns = 0, began_ns = 0;
    std::vector<Seq> anchors;  ///< of the last instances, oldest first
};

/// Applied by one thread, read by any. Memory: an entry of bounded size for each rule and tenant that had
/// trouble, kSilencesMax silences, kOutboxMax pending notifications.
///
/// The same trouble is one alert: its id is a hash of tenant, workflow and rule, and it counts the instances
/// in trouble. From the first that is open to the last that is not is an episode.
class AlertBook final : public StateMachine, public AlertReader {
  public:
    static constexpr int64_t kGroupWaitNs = 10'000'000'000;
    static constexpr int64_t kRepeatNs = 4 * 3'600'000'000'000;
    static constexpr size_t kInstancesMax = 20, kHistoryMax = 100, kNoticesMax = 40;
    static constexpr size_t kSilencesMax = 1000, kEndedSilencesMax = 200, kOutboxMax = 10'000;

    static uint64_t id_of(uint16_t tenant, std::string_view workflow, std::string_view rule);

    /// From inside the engine's apply of a record, so before this machine's.
    void on_finding(const Finding& finding);

    uint8_t row_prefix() const override { return 'A'; }
    void apply(const RecordView& record) override;
    StampNs due_ns() const override;
    void begin_save(Checkpoint& out) override;
    bool save_some(size_t) override { return false; }
    void load_row(std::span<const uint8_t> key, std::span<const uint8_t> value) override;
    void loaded(StampNs) override {}

    std::optional<Alert> alert(uint64_t id) const override;
    std::vector<Alert> alerts(const AlertFilter& filter, std::optional<AlertCursor> after,
                              size_t limit) const override;
    std::vector<Silence> silences() const override;
    std::optional<Silence> silence_over(const Alert& alert, StampNs now_ns) const override;
    bool refused(Seq seq) const override;
    std::array<uint64_t, kAlertStateNames.size()> counts() const override;

    /// Pending notifications of `from_order` and behind whose record is below `committed`, in order.
    std::vector<PendingNotice> pending(uint64_t from_order, Seq committed, size_t max) const;
    size_t pending_count() const;

  private:
    enum class Due : uint8_t { kNone = 0, kFiring = 1, kWorse = 2, kRepeat = 3, kSilenceEnded = 4 };
    struct Entry {
        Alert alert;
        // Instances that a person closed with an earlier episode: they may still come right.
        uint64_t closed_open = 0;
        Seq closed_seq = 0;
        StampNs closed_ns = 0;
        // What is to be told, and what was.
        Due due = Due::kNone;
        StampNs due_ns = 0;
        std::string due_reason;
        bool told = false;  ///< a firing notice of this episode was decided, sent or not
        uint32_t notices_made = 0;
        std::vector<std::string> reached;  ///< targets that this episode's firing went to
    };
    struct Target {
        std::string name;
        uint8_t severity_at_least = 0;
        std::vector<uint16_t> tenants;  ///< empty: all
    };
    struct Now {
        StampNs ns;
        Seq seq;
    };
    enum TimerOf : uint8_t { kOfSilence = 0, kOfAlert = 1 };

    // Findings.
    void missed(Entry& e, const Finding& f, Now now);
    void settled(Entry& e, const Finding& f, AlertEnd end, Now now);
    void begin_episode(Entry& e, const Finding& f, Now now);
    void resolve(Entry& e, AlertEnd end, std::string_view by, std::string_view note, Now now);
    // Control records.
    void control(const RecordView& record);
    void boot(std::string_view facts, Now now);
    bool command(ControlKind kind, std::string_view name, std::string_view text, Now now);
    bool add_silence(std::string_view text, Now now);
    bool expire_silence(std::string_view name, std::string_view text, Now now);
    void settle_notice(std::string_view name, std::string_view text, Now now);
    void workflow_retired(std::string_view workflow, Now now);
    // Time, and what is told.
    void run_timers(Now now);
    void set_due(Entry& e, Due due, StampNs at_ns, std::string reason = {});
    void end_silence(Silence& s, Now now);
    void decide(Entry& e, Now now);
    void tell(Entry& e, std::string_view kind, const std::string& reason, Now now);
    void make_notice(Entry& e, const Target& to, std::string_view kind, const std::string& reason, Now now);
    void step(Entry& e, AlertStepKind kind, std::string_view by, std::string_view cause, std::string note,
              Now now);
    const Silence* silencing(const Alert& alert, StampNs now_ns) const;
    void prune_silences();

    mutable std::mutex mutex_;  // guards what follows
    std::map<uint64_t, Entry> entries_;
    std::map<uint64_t, Silence> silences_;
    std::map<uint64_t, PendingNotice> outbox_;  ///< by order
    std::map<uint64_t, uint64_t> order_of_;     ///< effect id -> order
    std::set<std::tuple<StampNs, TimerOf, uint64_t>> timers_;
    std::vector<Target> targets_;
    StampNs quiet_until_ns_ = 0;  ///< after a start nothing is told before
    uint64_t next_order_ = 1;
    std::set<uint64_t> dirty_entries_, dirty_silences_, dirty_outbox_;
    bool facts_dirty_ = false;
    std::deque<Seq> refused_;  ///< the last commands that were; no part of the state
};

}  // namespace penstock

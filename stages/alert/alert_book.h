// Alerts, silences and what is to be told of them: a function of the log.
#pragma once

#include <array>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/record_text.h"
#include "pipeline/saved_map.h"
#include "pipeline/state_machine.h"
#include "schemas/alert.h"
#include "schemas/event_fields.h"
#include "schemas/finding.h"
#include "stages/alert/inhibition.h"
#include "stages/alert/notice.h"
#include "stages/alert/policy.h"
#include "stages/alert/window.h"

namespace penstock {

/// Applied by one thread, read by any. Memory: an entry of bounded size for each rule, tenant and group that
/// had trouble, and for each of them and target that groups; kSilencesMax silences and as many maintenance
/// windows, kOutboxMax pending notifications.
///
/// The same trouble is one alert: its id is a hash of tenant, workflow, rule and group, and it counts the
/// instances in trouble. From the first that is open to the last that is not is an episode.
class AlertBook final : public StateMachine, public AlertReader {
  public:
    /// After a start nothing is told for so long.
    static constexpr int64_t kQuietNs = 10'000'000'000;
    static constexpr size_t kInstancesMax = 20, kHistoryMax = 100, kNoticesMax = 40;
    static constexpr size_t kSilencesMax = 1000, kEndedSilencesMax = 200, kOutboxMax = 10'000;

    static uint64_t id_of(uint16_t tenant, std::string_view workflow, std::string_view rule,
                          std::string_view group = {});

    /// From inside the engine's apply of a record, so before this machine's.
    void on_finding(const Finding& finding);
    /// Whether a deadline falls into a maintenance window in which nothing is expected. State thread.
    bool not_expected(uint16_t tenant, std::string_view workflow, std::string_view rule,
                      std::string_view group, StampNs at_ns) const;

    AlertBook();
    uint8_t row_prefix() const override { return kPrefix; }
    void apply(const RecordView& record) override;
    StampNs due_ns() const override;
    void begin_save(Checkpoint& out) override;
    bool save_some(size_t rows) override;
    void load_row(std::span<const uint8_t> key, std::span<const uint8_t> value) override;
    void loaded(StampNs last_stamp_ns) override;

    std::optional<Alert> alert(uint64_t id) const override;
    std::vector<Alert> alerts(const AlertFilter& filter, std::optional<AlertCursor> after,
                              size_t limit) const override;
    std::vector<Silence> silences() const override;
    std::vector<MaintenanceWindow> maintenance() const override;
    AlertSuppressions suppressions(const Alert& alert, StampNs now_ns) const override;
    bool refused(Seq seq) const override;
    std::array<uint64_t, kAlertStateNames.size()> counts() const override;

    /// Pending notifications of `from_order` and behind whose record is below `committed`, in order.
    std::vector<PendingNotice> pending(uint64_t from_order, Seq committed, size_t max) const;
    size_t pending_count() const;

  private:
    static constexpr uint8_t kPrefix = 'A';
    /// What is to be told when kTell comes. Numbers are stored.
    enum class Due : uint8_t {
        kNone = 0,
        kFiring = 1,
        kWorse = 2,
        kSilenceEnded = 4,
        kMaintenanceEnded = 5,
        kInhibitionEnded = 6,
    };
    /// Of an alert. Those of one instant run in this order; places in a stored list.
    enum Timer : uint8_t { kFire, kTell, kRepeat, kEscalate, kAckTimeout, kSteadyAgain, kTimers };
    struct Repeat {
        std::string target;
        StampNs at_ns = 0;
    };
    struct Entry {
        Alert alert;
        // Instances that a person closed with an earlier episode: they may still come right.
        uint64_t closed_open = 0;
        Seq closed_seq = 0;
        StampNs closed_ns = 0;
        // What is to be told, and what was.
        std::array<StampNs, kTimers> timers{};  ///< 0: not set
        Due due = Due::kNone;
        std::string due_reason;
        bool fired = false;        ///< this episode did
        bool told = false;         ///< a firing notice of this episode was decided, sent or not
        bool inhibited = false;    ///< the last decision was to hold back, for another alert's sake
        bool ladder_held = false;  ///< a step of the ladder was held back
        uint32_t notices_made = 0;
        std::vector<std::string> reached;  ///< targets that this episode's firing went to
        std::vector<Repeat> repeats;
        EscalationLadder ladder;  ///< as it was when the episode began
        uint32_t ladder_step = 0;
        StampNs ladder_from_ns = 0;
        std::vector<StampNs> changes;  ///< fired or resolved; the last that may count as flapping
        std::vector<uint64_t> groups;  ///< of notices, in which it fires or has news
    };
    struct Now {
        StampNs ns;
        Seq seq;
    };
    /// What a timer is of: a silence, a maintenance window, one of an alert's; a group is told last, with all
    /// that came at the same instant.
    enum TimerOf : uint8_t { kOfSilence = 0, kOfWindow = 1, kOfAlert = 2, kOfGroup = kOfAlert + kTimers };
    static uint8_t kind_of(Timer timer) { return static_cast<uint8_t>(uint8_t{kOfAlert} + uint8_t{timer}); }

    static void put_entry(RowWriter& out, const Entry& e);
    // Findings and episodes (alert_book.cpp).
    Entry& entry_of(const Finding& f);
    void trouble(Entry& e, const Finding& f, Now now);
    void settled(Entry& e, const Finding& f, AlertEnd end, Now now);
    void begin_episode(Entry& e, const Finding& f, Now now);
    void fire(Entry& e, Now now);
    void resolve(Entry& e, AlertEnd end, std::string_view by, std::string_view note, Now now);
    void end_withdrawn(AlertEnd end, Now now);
    void changed(Entry& e, Now now);
    void steady(Entry& e, Now now);
    void step(Entry& e, AlertStepKind kind, std::string_view by, std::string_view cause, std::string note,
              Now now);
    // Control records (alert_commands.cpp).
    void control(const RecordView& record);
    void boot(std::string_view facts, Now now);
    bool command(ControlKind kind, std::string_view name, std::string_view text, Now now);
    void acked(Entry& e, std::string by, std::string note, Now now);
    bool add_silence(std::string_view text, Now now);
    bool expire_silence(std::string_view name, std::string_view text, Now now);
    bool add_window(std::string_view text, Now now);
    bool end_window(std::string_view name, std::string_view text, Now now);
    void settle_notice(std::string_view name, std::string_view text, Now now);
    void workflow_retired(std::string_view workflow, Now now);
    // Time (alert_timers.cpp).
    void run_timers(Now now);
    void run_timer(Entry& e, Timer timer, Now now);
    void set_timer(Entry& e, Timer timer, StampNs at_ns);
    void clear_timer(Entry& e, Timer timer);
    void set_due(Entry& e, Due due, StampNs at_ns, std::string reason = {});
    void clear_due(Entry& e);
    void silence_over(Silence& s, Now now);
    void span_over(Window& w, Now now);
    void told_again(const AlertScope& scope, uint8_t severity_at_least, Due due, const std::string& reason,
                    Now now);
    void release_inhibited(Now now);
    void begin_ladder(Entry& e, Now now);
    void escalate(Entry& e, Now now);
    void ack_led_to_nothing(Entry& e, Now now);
    // What is told (alert_delivery.cpp).
    void decide(Entry& e, Now now);
    void repeat(Entry& e, Now now);
    void plan_repeats(Entry& e, const std::vector<std::string>& targets, Now now);
    void plan_missing_repeats(Entry& e, Now now);
    void time_repeats(Entry& e);
    bool is_for(const Entry& e, const AlertTarget& to) const;
    std::string suppressed_by(Entry& e, std::string_view kind, Now now);
    /// `named`: to these alone; without, to all that it is for.
    void tell(Entry& e, std::string_view kind, const std::string& reason, Now now,
              const std::vector<std::string>* named = nullptr);
    void tell_end(Entry& e, const std::string& reason, Now now);
    void make_notice(Entry& e, const std::string& target, std::string_view kind, const std::string& reason,
                     Now now);
    /// Among what the alert's readers see.
    void note_notice(Entry& e, const PendingNotice& p, std::string_view kind, uint32_t episode, Now now);
    void push_notice(PendingNotice p, Now now);
    // Groups (alert_groups.cpp).
    NoticeGroup& group_of(const AlertTarget& to, NoticeGroupKey key);
    /// It is repeated with the group, though nothing is told now.
    void join(Entry& e, const AlertTarget& to, Now now);
    /// What is told waits for the group. Answers for how long.
    int64_t add_news(Entry& e, const AlertTarget& to, std::string_view kind, const std::string& reason,
                     Now now);
    int64_t add_end(const AlertTarget& to, NoticeAlert end, Now now);
    int64_t time_news(NoticeGroup& g, const AlertTarget& to, Now now);
    /// Acked, or over: what is not told any more. Groups without alerts are to be dropped behind it.
    void leave_groups(Entry& e, std::string_view why, Now now);
    void drop_empty_groups();
    void severity_rose(Entry& e, Now now);
    /// Targets that group and have not heard of it, as it was acked while they waited.
    void tell_unreached(Entry& e, Now now);
    /// A configuration came: groups that are none any more dissolve, the others wait for producers.
    void regroup(Now now);
    void dissolve(NoticeGroup g, Now now);
    void tell_group(NoticeGroup& g, Now now);
    std::vector<NoticeAlert> news_of(NoticeGroup& g, bool repeated, Now now);
    void send_group(NoticeGroup& g, std::vector<NoticeAlert> told, Now now);
    void time_group(NoticeGroup& g);
    const Silence* silencing(const Alert& alert, StampNs now_ns) const;
    const MaintenanceWindow* maintaining(const Alert& alert, StampNs now_ns) const;

    mutable std::mutex mutex_;  // guards what follows
    SavedMap<Entry> entries_;
    SavedMap<Silence> silences_;
    SavedMap<Window> windows_;
    SavedMap<NoticeGroup> groups_;
    SavedMap<PendingNotice> outbox_;         ///< by order
    std::map<uint64_t, uint64_t> order_of_;  ///< effect id -> order
    std::set<std::tuple<StampNs, uint8_t, uint64_t>> timers_;
    std::string facts_;  ///< of the last boot record
    AlertPolicy policy_;
    StampNs quiet_until_ns_ = 0;  ///< after a start nothing is told before
    uint64_t next_order_ = 1;
    bool facts_dirty_ = false;
    // What follows from the above.
    Inhibition inhibition_;
    std::set<uint64_t> inhibited_;      ///< alerts whose last notice was held back for another's sake
    std::set<uint64_t> not_expecting_;  ///< windows in which nothing is expected
    // No part of the state.
    std::set<uint64_t> emptied_groups_;  ///< to be dropped, within the record that is applied
    std::set<uint64_t> withdrawn_;  ///< alerts whose last instances were, within the record that is applied
    std::deque<Seq> refused_;       ///< the last commands that were
};

}  // namespace penstock

// Alerts as everybody sees them: what the book of alerts (stages/alert) keeps, and how it is read.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/finding.h"
#include "schemas/log_record.h"

namespace penstock {

/// Of an episode. Numbers are stored.
enum class AlertState : uint8_t {
    kFiring = 0,
    kAcked = 1,
    kResolved = 2,
    kPending = 3,  ///< begun; nobody is told before the wait for more is over
};
inline constexpr std::array<std::string_view, 4> kAlertStateNames{"firing", "acked", "resolved", "pending"};

/// What ended an instance's trouble, and with the last of them the episode. Numbers are stored.
enum class AlertEnd : uint8_t {
    kNone = 0,
    kDeliveredLate = 1,
    kLate = 2,
    kWithdrawn = 3,
    kClosed = 4,       ///< by a person
    kRecovered = 5,    ///< what was wrong is right again
    kRuleRetired = 6,  ///< with its workflow
};
inline constexpr std::array<std::string_view, 7> kAlertEndNames{
    "open", "delivered_late", "late", "withdrawn", "closed", "recovered", "rule_retired"};

/// One missed deadline, or another trouble.
struct AlertInstance {
    Hash128 key;
    std::string key_text;  ///< empty: it is in the event at anchor_seq
    Seq anchor_seq = 0;    ///< 0: no event armed it
    StampNs deadline_ns = 0;
    AlertEnd end = AlertEnd::kNone;
    StampNs end_ns = 0;
    Evidence evidence = Evidence::kClock;
};

/// Numbers are stored.
enum class AlertStepKind : uint8_t {
    kFiring = 0,
    kWorse = 1,  ///< the severity rose
    kAcked = 2,
    kUnacked = 3,
    kAssigned = 4,
    kResolved = 5,
    kSent = 6,     ///< a notification was decided; cause: its kind
    kNotSent = 7,  ///< it was decided to tell nobody; cause: of what kind it would have been
    kPending = 8,
    kFlapping = 9,
    kSteady = 10,   ///< it flaps no more
    kGrouped = 11,  ///< what is to be told waits for others; cause: of what kind it is
};
inline constexpr std::array<std::string_view, 12> kAlertStepNames{
    "firing", "worse",    "acked",   "unacked",  "assigned", "resolved",
    "sent",   "not_sent", "pending", "flapping", "steady",   "grouped"};

struct AlertStep {
    Seq seq = 0;  ///< of the record that caused it
    StampNs at_ns = 0;
    uint64_t version = 0;  ///< of the alert behind it
    uint32_t episode = 0;
    AlertStepKind kind = AlertStepKind::kFiring;
    std::string by, cause, note;
};

/// Numbers are stored.
enum class NoticeState : uint8_t { kPending = 0, kDelivered = 1, kFailed = 2 };
inline constexpr std::array<std::string_view, 3> kNoticeStateNames{"pending", "delivered", "failed"};

/// A notification to one target, and its fate.
struct AlertNotice {
    uint64_t effect_id = 0;
    uint32_t episode = 0;
    std::string target, kind;
    StampNs at_ns = 0;  ///< when it was decided
    NoticeState state = NoticeState::kPending;
    uint32_t attempts = 0;
    StampNs done_ns = 0;
    std::string detail;
};

struct Alert {
    uint64_t id = 0;  ///< hash of tenant, workflow, rule and group
    uint16_t tenant = 0;
    std::string workflow, rule;
    std::string group;      ///< "market=XNYS"; empty: the workflow's alerts are not told apart
    bool flapping = false;  ///< it fires and resolves so often that neither is told
    uint64_t version = 0;   ///< rises with each step that is not about a notification
    // Of the last episode.
    uint32_t episode = 0;
    AlertState state = AlertState::kResolved;
    AlertEnd end = AlertEnd::kNone;
    std::string trouble;           ///< what began it: missed, disorder, out_of_range
    std::string runbook;           ///< a link, or empty
    std::string escalation;        ///< name of its ladder, or empty
    StampNs escalates_ns = 0;      ///< when the ladder's next step is due; 0: not now
    uint8_t severity = 0;          ///< the highest
    uint64_t open = 0, total = 0;  ///< instances in trouble: now, and in all
    StampNs first_deadline_ns = 0, last_deadline_ns = 0;
    StampNs began_ns = 0, changed_ns = 0, ended_ns = 0;
    std::string acked_by, assignee;
    std::vector<AlertInstance> instances;  ///< the last 20, oldest first
    // Of all episodes.
    std::vector<AlertStep> history;    ///< the last 100, oldest first
    std::vector<AlertNotice> notices;  ///< the last 40, oldest first
};

/// Which alerts are meant: all that is given must match.
struct AlertScope {
    std::optional<uint16_t> tenant;
    std::optional<std::string> workflow, rule, group;

    bool empty() const { return !tenant && !workflow && !rule && !group; }
    bool covers(uint16_t of_tenant, std::string_view of_workflow, std::string_view of_rule,
                std::string_view of_group) const {
        return (!tenant || *tenant == of_tenant) && (!workflow || *workflow == of_workflow) &&
               (!rule || *rule == of_rule) && (!group || *group == of_group);
    }
    bool covers(const Alert& a) const { return covers(a.tenant, a.workflow, a.rule, a.group); }
};

struct Silence : AlertScope {
    uint64_t id = 0;                ///< sequence of the record that added it
    uint8_t severity_at_least = 0;  ///< 0: any
    StampNs begin_ns = 0, end_ns = 0;
    std::string owner, reason, by;
    bool ended = false;
    std::string expired_by;  ///< empty: its end came

    bool matches(const Alert& alert) const { return covers(alert) && alert.severity >= severity_at_least; }
    bool active(StampNs now_ns) const { return !ended && begin_ns <= now_ns && now_ns < end_ns; }
};

/// Work that is planned: once, or again and again.
struct MaintenanceWindow : AlertScope {
    uint64_t id = 0;             ///< sequence of the record that added it
    bool do_not_expect = false;  ///< else it only holds back what is sent
    /// Once: the window. Recurring: occurrences before and after are none; end_ns may be kForever.
    StampNs begin_ns = 0, end_ns = 0;
    std::string schedule;     ///< JSON, docs/calendars.md; empty: once
    int64_t duration_ns = 0;  ///< of each occurrence
    std::string last_date;    ///< local date of the last occurrence, or empty
    std::string owner, reason, by;
    bool ended = false;
    std::string ended_by;  ///< empty: its end came
    /// The occurrence that is on now, or the next; 0: there is none any more.
    StampNs span_begin_ns = 0, span_end_ns = 0;

    static constexpr StampNs kForever = std::numeric_limits<StampNs>::max();
    bool active(StampNs now_ns) const { return !ended && span_begin_ns <= now_ns && now_ns < span_end_ns; }
};

/// What keeps an alert's notifications back now, beside its state. 0: none.
struct AlertSuppressions {
    uint64_t silence = 0, maintenance = 0;
    uint64_t inhibited_by = 0;  ///< an alert
};

struct AlertFilter {
    std::optional<AlertState> state = {};
    uint8_t severity_at_least = 0;
    std::optional<uint16_t> tenant = {};
    std::string workflow = {};  ///< empty: any
    std::optional<std::string> group = {};
};

/// Where a page of alerts ended: they go from the newest episode to the oldest.
struct AlertCursor {
    StampNs began_ns;
    uint64_t id;
};

/// Any thread. A record shows here a moment before it is durable; what changes something through the API is
/// answered after.
class AlertReader {
  public:
    virtual ~AlertReader() = default;
    virtual std::optional<Alert> alert(uint64_t id) const = 0;
    /// Without instances, history and notices. `after`: where the page before ended.
    virtual std::vector<Alert> alerts(const AlertFilter& filter, std::optional<AlertCursor> after,
                                      size_t limit) const = 0;
    /// Newest first.
    virtual std::vector<Silence> silences() const = 0;
    /// Newest first.
    virtual std::vector<MaintenanceWindow> maintenance() const = 0;
    virtual AlertSuppressions suppressions(const Alert& alert, StampNs now_ns) const = 0;
    /// The command in this record was not carried out: somebody was faster.
    virtual bool refused(Seq seq) const = 0;
    virtual std::array<uint64_t, kAlertStateNames.size()> counts() const = 0;
};

}  // namespace penstock

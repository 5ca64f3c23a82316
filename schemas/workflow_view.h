// Workflows as everybody sees them: what the engine keeps, and how it is read.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/log_record.h"

namespace penstock {

/// Of a version of a document. Numbers are stored.
enum class VersionState : uint8_t {
    kDraft = 0,      ///< kept; it may have faults
    kValidated = 1,  ///< kept, without faults
    kShadow = 2,     ///< runs beside the active one, alerts nobody
    kActive = 3,
    kDraining = 4,  ///< another is active; what is in flight ends on this one
    kRetired = 5,
};
inline constexpr std::array<std::string_view, 6> kVersionStateNames{"draft",  "validated", "shadow",
                                                                    "active", "draining",  "retired"};

/// A change of a version: who, when, what. The document's difference follows from the versions.
struct VersionStep {
    Seq seq = 0;
    StampNs at_ns = 0;
    std::string action, by, note;
};
struct WorkflowVersion {
    uint32_t number = 0;  ///< of its name, from 1
    VersionState state = VersionState::kDraft;
    std::string document, faults;  ///< faults: of a draft, one a line
    std::vector<VersionStep> history;
    uint64_t instances = 0;
};

enum class Health : uint8_t { kGreen = 0, kAmber = 1, kRed = 2 };
inline constexpr std::array<std::string_view, 3> kHealthNames{"green", "amber", "red"};

/// Since the version was published, except where it says now.
struct RuleCounts {
    uint64_t anchored = 0, met = 0, late = 0, missed = 0, pending = 0, cancelled = 0;
    uint64_t excused = 0;       ///< deadlines in a maintenance window in which nothing was expected
    uint64_t at_risk = 0;       ///< now: of the pending, those past the rule's amber share
    uint64_t undetermined = 0;  ///< now: of the pending, those past their deadline whose source lags
    uint64_t in_trouble = 0;    ///< now: missed, and neither ended nor withdrawn
    friend bool operator==(const RuleCounts&, const RuleCounts&) = default;
};
struct RuleView {
    enum class Kind : uint8_t { kEdge, kExpected, kAbsence, kVolume };
    Kind kind = Kind::kEdge;
    std::string name;
    std::string from, to;  ///< stages of an edge; of others: empty, and the type
    int64_t within_ms = 0;
    uint8_t severity = 3;
    std::string runbook;
    RuleCounts counts;
    Health health = Health::kGreen;
    StampNs oldest_trouble_ns = 0;  ///< deadline; 0: none
    StampNs next_due_ns = 0;        ///< of the pending; 0: none
    // Of rules on the clock, since the version was published: events that changed nothing.
    uint64_t duplicates = 0;  ///< for what had come already
    uint64_t unmatched = 0;   ///< for nothing that is expected, or too late for their window
};
inline constexpr std::array<std::string_view, 4> kRuleKindNames{"edge", "expected", "absence", "volume"};

struct StageView {
    std::string name, type, terminal;  ///< terminal: "", "success", "failure"
    uint64_t reached = 0;              ///< events that reached it
    uint64_t waiting = 0;              ///< now: instances with a deadline pending behind it
    Health health = Health::kGreen;
};

/// Events whose order contradicts the graph.
struct DisorderCounts {
    uint64_t unexpected = 0, out_of_order = 0, duplicate = 0;
};

/// How long the instances with something pending have been under way, from their first event.
struct Ageing {
    /// Upper bounds; the last bucket has none.
    static constexpr std::array<int64_t, 7> kBoundsS{60, 300, 1'800, 7'200, 28'800, 86'400, 604'800};
    std::array<uint64_t, kBoundsS.size() + 1> buckets{};
};

struct GroupView {
    std::string group;  ///< "market=XNYS, region=us"
    uint64_t in_flight = 0, completed = 0, failed = 0;
    RuleCounts counts;  ///< of all edges together
    Health health = Health::kGreen;
};

struct WorkflowView {
    std::string name, tenant;  ///< tenant: empty for all
    uint32_t version = 0;
    VersionState state = VersionState::kActive;
    Health health = Health::kGreen;
    std::string reason;  ///< "red: 3 missed of severity 5, oldest 4 min"
    uint64_t instances = 0, in_flight = 0, completed = 0, failed = 0;
    uint64_t condition_errors = 0;
    DisorderCounts disorder;
    std::vector<RuleView> rules;
    std::vector<StageView> stages;
    std::vector<GroupView> groups;  ///< at most 1,000; the busiest
    Ageing ageing;
    Seq applied_seq = 0;
    StampNs at_ns = 0;
};

/// One minute or hour. By when it was found, not by when it happened.
struct SeriesPoint {
    StampNs start_ns = 0;
    uint64_t anchored = 0, met = 0, late = 0, missed = 0, cancelled = 0, completed = 0, failed = 0;
};
struct SeriesQuery {
    std::string workflow;
    /// At most one; none: the workflow. Of a stage: what the rules that lead to it came to.
    std::optional<std::string> rule, stage, group;
    bool hours = false;              ///< else minutes
    StampNs from_ns = 0, to_ns = 0;  ///< half open
};

enum class RulePhase : uint8_t {
    kIdle,
    kPending,
    kAtRisk,
    kMissed,
    kMet,
    kLate,
    kCancelled,
    kExpired,
    kExcused
};
inline constexpr std::array<std::string_view, 9> kRulePhaseNames{
    "idle", "pending", "at_risk", "missed", "met", "late", "cancelled", "missed_then_ended", "excused"};

/// What one key went through in one workflow.
struct InstanceView {
    struct Hop {
        std::string stage;
        StampNs time_ns = 0;
        Seq seq = 0;          ///< of the event
        std::string verdict;  ///< "", "unexpected", "out_of_order", "duplicate"
    };
    struct Rule {
        std::string name;
        RulePhase phase = RulePhase::kIdle;
        Seq anchor_seq = 0;
        StampNs deadline_ns = 0;
    };
    std::string workflow, group;
    std::string alert_group;  ///< the part of it by which its alerts are told apart
    uint32_t version = 0;
    Hash128 key;
    uint16_t tenant = 0;
    std::string state;  ///< "open", "completed", "failed"
    std::vector<Hop> hops;
    std::vector<Rule> rules;
    StampNs first_ns = 0, last_ns = 0;  ///< own times of its first and last event
};
struct InstanceQuery {
    std::string workflow;
    std::optional<std::string> rule, group;
    std::optional<RulePhase> phase;  ///< of the rule, or of any
    size_t limit = 100;
};

/// Any thread, while the appliance runs; each answer is of one position in the log. Nothing where the engine
/// did not answer in time.
class WorkflowReader {
  public:
    virtual ~WorkflowReader() = default;
    /// Active and shadow ones, without rules, stages and groups.
    virtual std::optional<std::vector<WorkflowView>> workflows() const = 0;
    /// The active version. No such workflow: an empty name.
    virtual std::optional<WorkflowView> workflow(std::string_view name) const = 0;
    virtual std::optional<std::vector<WorkflowVersion>> versions(std::string_view name) const = 0;
    /// Every name that has a version, whatever its state.
    virtual std::optional<std::vector<std::string>> names() const = 0;
    virtual std::optional<std::vector<SeriesPoint>> series(const SeriesQuery& query) const = 0;
    /// Oldest deadline first.
    virtual std::optional<std::vector<InstanceView>> instances(const InstanceQuery& query) const = 0;
    /// By the text of its key. No such instance: empty list; several where several versions or workflows have
    /// it (an empty workflow: all).
    virtual std::optional<std::vector<InstanceView>> lifecycle(std::string_view workflow, uint16_t tenant,
                                                               std::string_view key) const = 0;
};

}  // namespace penstock

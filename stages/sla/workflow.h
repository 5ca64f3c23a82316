// A workflow document: the stages that a key goes through, and the edges between them, each a relative SLA.
// docs/workflows.md has the JSON.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/civil/calendar.h"
#include "pipeline/expression/expression.h"
#include "stages/sla/watcher.h"

namespace penstock {

inline constexpr uint16_t kNoLoop = 0xffff;

/// A point that a key reaches by an event of its type for which its condition holds; a join, once all that it
/// joins are reached too.
struct WorkflowStage {
    enum class Terminal : uint8_t { kNo, kSuccess, kFailure };

    std::string name, type;          ///< type: empty for a join without an event of its own
    uint64_t type_hash = 0;          ///< of the type's text, as in EventHead::type_hash
    std::optional<Expression> when;  ///< none: every event of the type
    Terminal terminal = Terminal::kNo;
    bool optional = false;        ///< reaching a stage behind it skips it
    bool exclusive = false;       ///< of the edges out of it one is taken: it cancels the others
    std::vector<uint32_t> joins;  ///< stages that it waits for; empty: it is no join

    // By number of the edge, rising; made of the edges.
    std::vector<uint32_t> in, out;  ///< that end here, that begin here
    std::vector<uint32_t> skips;    ///< into optional stages that lie before this one
    std::vector<uint32_t>
        before;               ///< stages of which one is reached before this one, in order; none: it begins
    uint16_t loop = kNoLoop;  ///< of Workflow::loops, which it lies in
};

struct Edge {
    enum class Anchor : uint8_t { kFirst, kLast, kEach };

    std::string name;           ///< unique in its workflow
    uint32_t from = 0, to = 0;  ///< stages
    int64_t within_ns = 0;
    std::shared_ptr<const Calendar> hours;  ///< whose business hours count; null: all time does
    Anchor anchor = Anchor::kFirst;         ///< which event of `from` it counts from
    int64_t grace_ns = 0;                   ///< it is missed so long after its deadline
    double amber = 0;                       ///< share of `within` after which it is at risk; 0: it never is
    int32_t loop_max = -1;                  ///< it leads back, so often at most; below 0: it does not
    uint16_t loop = kNoLoop;                ///< which both its ends lie in
    uint8_t severity = 3;                   ///< of what it finds, 1 to 5
    std::string runbook, escalation;        ///< a link and a ladder of the configuration, or empty

    bool leads_back() const { return loop_max >= 0; }
};

/// What becomes of an event that contradicts the graph. It is counted in any case.
enum class OnDisorder : uint8_t { kDrop, kFlag, kAlert };

/// Which attribute correlates events.
struct KeySelector {
    enum class Kind : uint8_t { kSubject, kSource, kKeys, kGroups, kExtension, kData };
    Kind kind = Kind::kSubject;
    std::vector<std::string> path;  ///< name in keys or groups; the extension; members of data
};

/// An attribute by which instances are counted.
struct GroupField {
    std::string name;  ///< the selector's last part: "market" of "groups.market"
    KeySelector selector;
    bool tells_alerts_apart = false;
};

/// A rule beside the graph.
struct Watch {
    WatchRule rule;
    std::function<std::unique_ptr<Watcher>(uint16_t tenant)> make;
};

struct Workflow {
    std::string name;
    std::string tenant;  ///< whose events it watches; empty: each tenant's, for itself
    std::string key_text;
    KeySelector key;
    std::vector<GroupField> groups;
    std::vector<WorkflowStage> stages;
    std::vector<Edge> edges;
    std::vector<Watch> watches;
    std::vector<uint32_t> joins;               ///< stages that are, in the order in which they can be reached
    std::vector<std::vector<uint32_t>> loops;  ///< stages of each
    int64_t disorder_ns =
        60'000'000'000;  ///< events that come or happened out of order by less are no violation
    OnDisorder unexpected = OnDisorder::kFlag, out_of_order = OnDisorder::kFlag,
               duplicate = OnDisorder::kFlag;
    std::string document;    ///< as given
    bool long_form = false;  ///< it names its stages

    /// What a case went through decides more than its open edges do.
    bool needs_history() const { return !joins.empty() || !loops.empty() || unexpected == OnDisorder::kDrop; }
    const WorkflowStage& from(const Edge& e) const { return stages[e.from]; }
    const WorkflowStage& to(const Edge& e) const { return stages[e.to]; }
};

/// One line a fault: "/edges/2/within: '5 minutes' is no duration; ...".
struct WorkflowError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Throws WorkflowError with all faults.  In the short form, {"name", "key", "edges": [{"from", "to",
/// "within_ms"}]} without stages, an edge's from and to are event types, and each is a stage of its own.
Workflow parse_workflow(std::string_view document);

}  // namespace penstock

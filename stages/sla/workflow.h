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

namespace penstock {

/// A point that a key reaches by an event of its type for which its condition holds.
struct WorkflowStage {
    enum class Terminal : uint8_t { kNo, kSuccess, kFailure };

    std::string name, type;
    uint64_t type_hash = 0;          ///< of the type's text, as in EventHead::type_hash
    std::optional<Expression> when;  ///< none: every event of the type
    Terminal terminal = Terminal::kNo;
    bool optional = false;   ///< reaching a stage behind it skips it
    bool exclusive = false;  ///< of the edges out of it one is taken: it cancels the others

    // By number of the edge, rising; made of the edges.
    std::vector<uint32_t> in, out;  ///< that end here, that begin here
    std::vector<uint32_t> skips;    ///< into optional stages that lie before this one
};

struct Edge {
    enum class Anchor : uint8_t { kFirst, kLast };

    std::string name;           ///< unique in its workflow
    uint32_t from = 0, to = 0;  ///< stages
    int64_t within_ns = 0;
    std::shared_ptr<const Calendar> hours;  ///< whose business hours count; null: all time does
    Anchor anchor = Anchor::kFirst;         ///< which event of `from` it counts from
    uint8_t severity = 3;                   ///< of what it finds, 1 to 5
    std::string runbook;                    ///< a link, or empty
};

/// Which attribute correlates events.
struct KeySelector {
    enum class Kind : uint8_t { kSubject, kSource, kKeys, kGroups, kExtension, kData };
    Kind kind = Kind::kSubject;
    std::vector<std::string> path;  ///< name in keys or groups; the extension; members of data
};

struct Workflow {
    std::string name;
    std::string key_text;
    KeySelector key;
    std::vector<WorkflowStage> stages;
    std::vector<Edge> edges;
    std::string document;    ///< as given
    bool long_form = false;  ///< it names its stages

    const WorkflowStage& from(const Edge& e) const { return stages[e.from]; }
    const WorkflowStage& to(const Edge& e) const { return stages[e.to]; }
};

/// One line a fault: "/edges/2/within: '5 minutes' is no duration; ...".
struct WorkflowError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Throws WorkflowError with all faults. In the short form, {"name", "key", "edges": [{"from", "to",
/// "within_ms"}]} without stages, an edge's from and to are event types, and each is a stage of its own.
Workflow parse_workflow(std::string_view document);

}  // namespace penstock

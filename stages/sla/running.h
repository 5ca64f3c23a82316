// A version of a workflow that runs, with its instances: inside the engine only.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "stages/sla/engine.h"
#include "stages/sla/instances.h"
#include "stages/sla/series.h"

namespace penstock {

struct Engine::Running {
    Running(uint32_t number, uint32_t version_number, VersionState version_state, Workflow w)
        : id(number), version(version_number), state(version_state), workflow(std::move(w)), fold(workflow) {
        counts.resize(workflow.edges.size());
        edge_series.resize(workflow.edges.size());
        reached.resize(workflow.stages.size());
        groups.emplace_back();
    }
    struct Group {
        std::string text;        ///< "market=XNYS, region=us"; empty: the workflow has no groups
        std::string alert_text;  ///< the same of the fields by which alerts are told apart
        RuleCounts counts;
        uint64_t in_flight = 0, completed = 0, failed = 0;
        Series series;
        bool dirty = true;
    };
    /// A rule beside the graph, of one tenant.
    struct Watching {
        uint32_t rule;  ///< of Workflow::watches
        uint16_t tenant;
        std::unique_ptr<Watcher> watcher;
        TimerId timer = kNoTimer;
        bool saved = false;  ///< that it is there
    };
    /// What a look at all its instances found last; no part of the state.
    struct Sweep {
        uint32_t at = 0;
        StampNs done_ns = kNoTime;
        std::vector<StampNs> next_due_ns, oldest_trouble_ns;  ///< by edge; 0: none
        std::vector<uint64_t> undetermined;
        Ageing ageing;
    };

    const uint32_t id, version;
    VersionState state;
    const Workflow workflow;
    mutable CaseFold fold;         ///< its scratch space changes, nothing else
    std::vector<uint32_t> drains;  ///< ids of the versions before, while cases end on them

    InstancePool pool;
    absl::flat_hash_map<uint32_t, CaseState> sealed;  ///< by instance: what its oldest events came to
    std::vector<RuleCounts> counts;                   ///< by edge
    std::vector<uint64_t> reached;                    ///< by stage
    DisorderCounts disorder;
    uint64_t in_flight = 0, completed = 0, failed = 0;
    uint64_t condition_errors = 0;  ///< conditions that could not be evaluated, and so did not match
    std::vector<Group> groups;      ///< the first: of instances without one
    std::map<std::string, uint16_t, std::less<>> group_of;
    Series series;
    std::vector<Series> edge_series;
    std::vector<Watching> watching;

    std::vector<uint32_t> changed;  ///< instances changed in this interval; some may have gone
    std::vector<uint32_t> unsaved;  ///< those of the interval before, while it is saved; from the end
    uint32_t interval = 1;          ///< between two cuts
    bool header_dirty = true;

    Sweep sweep, swept;  ///< under way; the last that was whole
};

}  // namespace penstock

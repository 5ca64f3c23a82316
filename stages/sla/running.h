// A published workflow with its instances: inside the engine only.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "stages/sla/engine.h"
#include "stages/sla/instances.h"

namespace penstock {

struct Engine::Running {
    Running(uint32_t number, Workflow w) : id(number), workflow(std::move(w)), pool(workflow.edges.size()) {
        counts.resize(workflow.edges.size());
    }
    struct Counts {
        uint64_t anchored = 0, met = 0, late = 0, missed = 0, pending = 0, cancelled = 0;
    };
    const uint32_t id;
    const Workflow workflow;
    InstancePool pool;
    std::vector<Counts> counts;     ///< by edge
    uint64_t condition_errors = 0;  ///< conditions that could not be evaluated, and so did not match
    std::vector<uint32_t> changed;  ///< instances changed in this interval; some may have gone
    std::vector<uint32_t> unsaved;  ///< those of the interval before, while it is saved; from the end
    uint32_t interval = 1;          ///< between two cuts
    bool header_dirty = true;
};

}  // namespace penstock

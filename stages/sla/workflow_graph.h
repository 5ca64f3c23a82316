// What follows from stages and edges together: which lie before which, which may be skipped, and the loops.
#pragma once

#include "pipeline/faults.h"
#include "stages/sla/workflow.h"

namespace penstock {

/// Fills in what stages, edges and workflow have beside their members. Faults: a cycle without a bound, a
/// stage that nothing leads to, a join that waits for itself, two edges of one name.
void connect(Workflow& workflow, Faults& faults);

}  // namespace penstock

// What `penstock simulate` tells beside edges: the order of events, rules on the clock, groups.
#pragma once

#include <string>

#include "schemas/workflow_view.h"

namespace penstock::cli {

/// Members of the answer's object, each with a comma in front; nothing of what the workflow has not.
std::string rules_and_groups_json(const WorkflowView& view);
/// A paragraph each, with an empty line in front.
std::string rules_and_groups_table(const WorkflowView& view);

/// One member of the answer's object, with a comma behind.
std::string order_json(const DisorderCounts& disorder);
/// A line with an empty one in front; nothing where no event contradicted the graph.
std::string order_text(const DisorderCounts& disorder);

}  // namespace penstock::cli

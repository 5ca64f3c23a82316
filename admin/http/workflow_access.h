// What the routes of workflows need of the rest.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <string_view>

#include "schemas/simulation_view.h"
#include "schemas/workflow_view.h"

namespace penstock {

/// The references outlive the server.
struct WorkflowAccess {
    const WorkflowReader& reader;
    SimulationService& simulations;
    /// What is wrong with a document, one fault a line; empty: nothing. HTTP thread.
    std::function<std::string(std::string_view document)> faults_of;
    /// Names that a file of the configuration has: their active version is the file's.
    std::set<std::string, std::less<>> of_files = {};
};

}  // namespace penstock

#include "admin/appliance_workflows.h"

namespace penstock {

std::optional<std::vector<WorkflowView>> EngineReader::workflows() const { return std::nullopt; }
std::optional<WorkflowView> EngineReader::workflow(std::string_view) const { return std::nullopt; }
std::optional<std::vector<WorkflowVersion>> EngineReader::versions(std::string_view) const {
    return std::nullopt;
}
std::optional<std::vector<std::string>> EngineReader::names() const { return std::nullopt; }
std::optional<std::vector<SeriesPoint>> EngineReader::series(const SeriesQuery&) const {
    return std::nullopt;
}
std::optional<std::vector<InstanceView>> EngineReader::instances(const InstanceQuery&) const {
    return std::nullopt;
}
std::optional<std::vector<InstanceView>> EngineReader::lifecycle(std::string_view, uint16_t,
                                                                 std::string_view) const {
    return std::nullopt;
}

}  // namespace penstock

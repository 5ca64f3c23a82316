// The engine's workflows as the API reads them.
#pragma once

#include "schemas/workflow_view.h"

namespace penstock {

/// Any thread.
class EngineReader final : public WorkflowReader {
  public:
    std::optional<std::vector<WorkflowView>> workflows() const override;
    std::optional<WorkflowView> workflow(std::string_view name) const override;
    std::optional<std::vector<WorkflowVersion>> versions(std::string_view name) const override;
    std::optional<std::vector<std::string>> names() const override;
    std::optional<std::vector<SeriesPoint>> series(const SeriesQuery& query) const override;
    std::optional<std::vector<InstanceView>> instances(const InstanceQuery& query) const override;
    std::optional<std::vector<InstanceView>> lifecycle(std::string_view workflow, uint16_t tenant,
                                                       std::string_view key) const override;
};

}  // namespace penstock

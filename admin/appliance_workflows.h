// The engine's workflows as the API reads them.
#pragma once

#include <atomic>
#include <functional>
#include <span>

#include "schemas/identity.h"
#include "schemas/workflow_view.h"
#include "stages/alert/alert_book.h"
#include "stages/sla/sla_stage.h"
#include "storage/event_log.h"

namespace penstock {

/// Any thread. Each answer is made by the state thread between two batches.
class EngineReader final : public WorkflowReader {
  public:
    /// Before that, and where `stage` is null, nothing is answered.
    void attach(SlaStage* stage) { stage_.store(stage, std::memory_order_release); }

    std::optional<std::vector<WorkflowView>> workflows() const override;
    std::optional<WorkflowView> workflow(std::string_view name) const override;
    std::optional<std::vector<WorkflowVersion>> versions(std::string_view name) const override;
    std::optional<std::vector<std::string>> names() const override;
    std::optional<std::vector<SeriesPoint>> series(const SeriesQuery& query) const override;
    std::optional<std::vector<InstanceView>> instances(const InstanceQuery& query) const override;
    std::optional<std::vector<InstanceView>> lifecycle(std::string_view workflow, uint16_t tenant,
                                                       std::string_view key) const override;

  private:
    template <typename Answer>
    std::optional<Answer> ask(std::function<Answer(Engine&)> question) const;

    std::atomic<SlaStage*> stage_{nullptr};
};

/// What the engine finds goes to the book, which says when nothing is expected. Both outlive their use.
void connect(Engine& engine, AlertBook& alerts);
/// The names of tenants, as the boot record has them: JSON.
std::string tenant_names_json(const NameList& names);
/// How parse makes an event's key of its subject.
std::function<Hash128(uint16_t tenant, std::string_view subject)> subject_hasher(
    std::span<const uint8_t> secret);
/// Active documents by name that the configuration published; others are the API's.
std::map<std::string, std::string> documents_of_configuration(const Engine& engine);

}  // namespace penstock

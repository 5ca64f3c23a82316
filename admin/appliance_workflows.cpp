#include "admin/appliance_workflows.h"

#include <boost/json.hpp>
#include <memory>

namespace penstock {
namespace {

constexpr int64_t kPatienceNs = 2'000'000'000;
/// So many instances are looked at before an answer that tells what follows from all of them: a millisecond.
constexpr size_t kLookedAt = 8'192;
/// The same of a list, which looks at less of each.
constexpr size_t kListed = 32'768;

}  // namespace

template <typename Answer>
std::optional<Answer> EngineReader::ask(std::function<Answer(Engine&)> question) const {
    SlaStage* stage = stage_.load(std::memory_order_acquire);
    if (!stage) return std::nullopt;
    // It may run after nobody waits for it any more.
    auto answer = std::make_shared<Answer>();
    const bool answered =
        stage->ask([answer, question](Engine& engine) { *answer = question(engine); }, kPatienceNs);
    if (!answered) return std::nullopt;
    return std::move(*answer);
}

std::optional<std::vector<WorkflowView>> EngineReader::workflows() const {
    return ask<std::vector<WorkflowView>>([stage = stage_.load()](Engine& engine) {
        std::vector<WorkflowView> views = engine.views();
        for (WorkflowView& view : views) view.applied_seq = stage->applied_seq();
        return views;
    });
}

std::optional<WorkflowView> EngineReader::workflow(std::string_view name) const {
    return ask<WorkflowView>([name = std::string(name), stage = stage_.load()](Engine& engine) {
        engine.sweep_some(kLookedAt, engine.now_ns());
        WorkflowView view = engine.view(name);
        view.applied_seq = stage->applied_seq();
        return view;
    });
}

std::optional<std::vector<WorkflowVersion>> EngineReader::versions(std::string_view name) const {
    return ask<std::vector<WorkflowVersion>>(
        [name = std::string(name)](Engine& engine) { return engine.versions(name); });
}

std::optional<std::vector<std::string>> EngineReader::names() const {
    return ask<std::vector<std::string>>([](Engine& engine) { return engine.names(); });
}

std::optional<std::vector<SeriesPoint>> EngineReader::series(const SeriesQuery& query) const {
    return ask<std::vector<SeriesPoint>>([query](Engine& engine) { return engine.series(query); });
}

std::optional<std::vector<InstanceView>> EngineReader::instances(const InstanceQuery& query) const {
    // In parts: events go on in between.
    auto listing = std::make_shared<InstanceListing>();
    for (bool more = true; more;) {
        const auto answer = ask<bool>([=](Engine& engine) {  // a copy: it may run when nobody waits
            return engine.list_some(query, *listing, kListed);
        });
        if (!answer) return std::nullopt;
        more = *answer;
    }
    return ask<std::vector<InstanceView>>([listing](Engine& engine) { return engine.listed(*listing); });
}

std::optional<std::vector<InstanceView>> EngineReader::lifecycle(std::string_view workflow, uint16_t tenant,
                                                                 std::string_view key) const {
    return ask<std::vector<InstanceView>>(
        [workflow = std::string(workflow), tenant, key = std::string(key)](Engine& engine) {
            return engine.lifecycle(workflow, tenant, key);
        });
}

void connect(Engine& engine, AlertBook& alerts) {
    engine.on_finding = [&alerts](const Finding& finding) { alerts.on_finding(finding); };
    engine.not_expected = [&alerts](uint16_t tenant, std::string_view workflow, std::string_view rule,
                                    std::string_view group, StampNs at_ns) {
        return alerts.not_expected(tenant, workflow, rule, group, at_ns);
    };
}

std::string tenant_names_json(const NameList& names) {
    boost::json::array out;
    for (const std::string& name : names) out.emplace_back(name);
    return boost::json::serialize(out);
}

std::function<Hash128(uint16_t tenant, std::string_view subject)> subject_hasher(
    std::span<const uint8_t> secret) {
    auto hasher = std::make_shared<IdentityHasher>(secret);
    return [hasher](uint16_t tenant, std::string_view subject) { return hasher->key(tenant, subject); };
}

std::map<std::string, std::string> documents_of_configuration(const Engine& engine) {
    std::map<std::string, std::string> out;
    for (const std::string& name : engine.names())
        for (const WorkflowVersion& v : engine.versions(name))
            if (v.state == VersionState::kActive && !v.history.empty() &&
                v.history.back().by == Engine::By{}.who)
                out.emplace(name, v.document);
    return out;
}

}  // namespace penstock

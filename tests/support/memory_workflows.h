// Workflows, versions and simulations as a test wants them to be.
#pragma once

#include <algorithm>
#include <map>
#include <mutex>

#include "admin/http/workflow_access.h"

namespace penstock::test {

/// An engine that answers what it was given; none of it changes while a server reads it, but under `mutex`.
struct MemoryWorkflows final : WorkflowReader {
    mutable std::mutex mutex;
    bool silent = false;  ///< it does not answer in time
    std::vector<WorkflowView> running;
    std::map<std::string, std::vector<WorkflowVersion>, std::less<>> published;
    std::vector<SeriesPoint> points;
    std::vector<InstanceView> known;
    // What was asked last.
    mutable SeriesQuery series_query;
    mutable InstanceQuery instance_query;

    std::optional<std::vector<WorkflowView>> workflows() const override { return answer(running); }
    std::optional<WorkflowView> workflow(std::string_view name) const override {
        std::lock_guard lock(mutex);
        const auto at =
            std::find_if(running.begin(), running.end(), [&](const auto& v) { return v.name == name; });
        if (silent) return std::nullopt;
        return at == running.end() ? WorkflowView() : *at;
    }
    std::optional<std::vector<WorkflowVersion>> versions(std::string_view name) const override {
        std::lock_guard lock(mutex);
        if (silent) return std::nullopt;
        const auto at = published.find(name);
        return at == published.end() ? std::vector<WorkflowVersion>() : at->second;
    }
    std::optional<std::vector<std::string>> names() const override {
        std::lock_guard lock(mutex);
        if (silent) return std::nullopt;
        std::vector<std::string> all;
        for (const auto& [name, versions] : published) all.push_back(name);
        return all;
    }
    std::optional<std::vector<SeriesPoint>> series(const SeriesQuery& query) const override {
        series_query = query;
        return answer(points);
    }
    std::optional<std::vector<InstanceView>> instances(const InstanceQuery& query) const override {
        instance_query = query;
        return answer(known);
    }
    std::optional<std::vector<InstanceView>> lifecycle(std::string_view workflow, uint16_t tenant,
                                                       std::string_view) const override {
        auto found = answer(known);
        if (found)
            std::erase_if(*found, [&](const InstanceView& i) {
                return i.tenant != tenant || (!workflow.empty() && i.workflow != workflow);
            });
        return found;
    }

  private:
    template <typename T>
    std::optional<T> answer(const T& what) const {
        std::lock_guard lock(mutex);
        return silent ? std::nullopt : std::optional(what);
    }
};

/// Starts nothing; keeps what was asked.
struct MemorySimulations final : SimulationService {
    std::vector<SimulationView> all;
    bool busy = false;

    std::optional<uint64_t> start(SimulationRequest request) override {
        if (busy) return std::nullopt;
        SimulationView& view = all.emplace_back();
        view.id = all.size();
        view.request = std::move(request);
        return view.id;
    }
    std::vector<SimulationView> simulations() const override { return all; }
    std::optional<SimulationView> simulation(uint64_t id) const override {
        return id == 0 || id > all.size() ? std::nullopt : std::optional(all[id - 1]);
    }
    bool cancel(uint64_t id) override {
        if (id == 0 || id > all.size()) return false;
        all[id - 1].state = SimulationState::kCancelled;
        return true;
    }
};

/// For tests of what has nothing to do with workflows: there are none.
inline WorkflowAccess no_workflows() {
    static const MemoryWorkflows kReader;
    static MemorySimulations simulations;
    return {kReader, simulations, [](std::string_view) { return std::string(); }};
}

}  // namespace penstock::test

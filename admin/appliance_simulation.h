// Simulations over the hot log or a region's database: a candidate document and the active one, side by side,
// over what was recorded.
#pragma once

#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "admin/simulation_runs.h"
#include "schemas/simulation_view.h"
#include "storage/event_log.h"
#include "storage/postgres.h"

namespace penstock {

/// A thread a simulation, of low priority. Each event is given to both engines in recorded order, at the time
/// at which it was received; nobody is told what they find.
class LogSimulations final : public SimulationService {
  public:
    /// Connection strings by region, of those that have one. Any thread.
    using RegionDsns = std::function<std::map<std::string, std::string>()>;
    /// `engine`: as the live one's.
    LogSimulations(const EventLog& log, const Engine::Options& engine, RegionDsns region_dsns = {});
    /// Cancels what runs.
    ~LogSimulations() override;

    std::optional<uint64_t> start(SimulationRequest request) override;
    std::vector<SimulationView> simulations() const override;
    std::optional<SimulationView> simulation(uint64_t id) const override;
    bool cancel(uint64_t id) override;

  private:
    struct Job {
        StopSignal stop;
        SimulationView view;  ///< under mutex_
        std::thread thread;
    };
    void run(Job& job);
    bool run_span(const Job& job, const SimulationRequest& request, SimulationView& found,
                  const SimulationWatch& watch) const;
    void forget_old();

    const EventLog& log_;
    const Engine::Options engine_;
    const RegionDsns region_dsns_;
    mutable std::mutex mutex_;
    std::list<Job> jobs_;  ///< newest first; the caller's thread changes it, under mutex_
    uint64_t next_id_ = 1;
};

}  // namespace penstock

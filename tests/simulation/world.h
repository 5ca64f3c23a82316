// One simulated history: producers, network, appliance, disk, regions and time, all following from one seed.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/simulation/appliance.h"
#include "tests/simulation/checker.h"
#include "tests/simulation/disk.h"
#include "tests/simulation/network.h"
#include "tests/simulation/producer.h"
#include "tests/simulation/region.h"
#include "tests/support/manual_clock.h"

namespace penstock::simulation {

/// What of one run is reported; plain numbers, so that it goes through a pipe.
struct RunFigures {
    uint64_t runs = 0, steps = 0, starts = 0, power_cuts = 0, kills = 0, graceful_stops = 0, own_stops = 0;
    uint64_t disk_operations = 0, disk_faults = 0, connections_lost = 0, clock_steps = 0, take_overs = 0;
    uint64_t events = 0, dead_letters = 0, rows = 0, met = 0, late = 0, missed = 0;
    uint64_t digest = 0;  ///< of all that happened: the same seed gives the same

    void add(const RunFigures& other);
};

struct RunOptions {
    uint64_t seed = 0;
    uint64_t steps = 2'500;  ///< before faults end
    bool trace = false;      ///< says on stderr what happens
    std::string folder;      ///< for the data folders; in memory, best
};

/// One thread, one a process (the disk, the network and the regions are the process's).
class World {
  public:
    explicit World(const RunOptions& options);
    ~World();

    /// Returns what was violated first, with its step; empty: nothing.
    std::string run();
    const RunFigures& figures() const { return figures_; }

  private:
    /// Which kinds of trouble this history has: each seed mixes its own.
    struct Plan {
        unsigned crash = 0, disk_fault = 0, lose = 0, region = 0, clock_step = 0, stop = 0, take_over = 0;
        unsigned full = 0;        ///< all per 10,000 steps
        unsigned start_over = 0;  ///< per 1,000 steps of a named producer
        unsigned power_percent = 50;
        bool workflow_changes = false;
        bool rot = false;     ///< ends with a bit of the log that has changed
        int64_t step_ns = 0;  ///< mean of time between two steps
    };
    void make_plan();
    void make_producers();
    void step();
    void settle();
    void start();
    void end_process(const std::string& why);
    void restart_soon() { away_steps_ = random_.below(30); }
    template <typename Work>
    void guarded(const char* what, Work work);
    void other_threads();
    void trouble();
    void trouble_regions();
    void take_over();
    void graceful_stop();
    void pass_time(int64_t ns);
    bool settled();
    void check_end();
    void rot();
    template <typename... Args>
    void note(fmt::format_string<Args...> format, Args&&... args);

    const RunOptions options_;
    Random random_;
    test::ManualClock clock_;
    Disk& disk_;
    Network& network_;
    Plan plan_;
    SimulatedAppliance::Options appliance_options_;
    std::unique_ptr<Checker> checker_;
    std::vector<std::unique_ptr<Producer>> producers_;
    std::vector<RegionDatabase*> regions_;
    std::unique_ptr<SimulatedAppliance> appliance_;
    std::string log_id_;
    uint64_t away_steps_ = 0, step_ = 0;
    uint64_t faults_known_ = 0;  ///< of the disk, when the appliance was started
    bool full_ = false, workflow_changed_ = false, fenced_ = false, settling_ = false;
    RunFigures figures_;
};

}  // namespace penstock::simulation

// The engines of a simulation, candidate and active version side by side, and what they find.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "admin/simulation_differences.h"
#include "schemas/event_fields.h"
#include "schemas/simulation_view.h"
#include "stages/sla/engine.h"

namespace penstock {

/// Told now and then; false: stop.
using SimulationWatch = std::function<bool(double progress)>;

/// One thread. All references outlive it.
class SimulationRuns {
  public:
    /// `engine`: as the live one's.
    SimulationRuns(const SimulationRequest& request, const Engine::Options& engine,
                   const std::vector<uint8_t>& hash_secret, const std::vector<std::string>& tenants,
                   SimulationView& out);
    ~SimulationRuns();

    /// As if the documents had been published then. Once: with the first that is taken, unless it was before.
    void begin(StampNs now_ns);
    /// Events in recorded order, at the time at which they were received.
    void take(const EventHead& head, std::span<const uint8_t> bytes, Seq seq, StampNs received_ns);
    void advance(StampNs now_ns, Seq seq);
    /// What a source said of its own time.
    void watermark(const fb::Control& control, StampNs now_ns, Seq seq);
    /// Fills in what was found. Again does no harm.
    void tell(const std::function<std::string(Seq anchor)>& key_text_of);

  private:
    class Run;
    SimulationView& out_;
    SimulationDifferences differences_;
    std::vector<std::unique_ptr<Run>> runs_;
    bool begun_ = false;
};

}  // namespace penstock

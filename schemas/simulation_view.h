// Simulations of a workflow over the log's history: what is asked, and what is answered.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/log_record.h"

namespace penstock {

struct SimulationRequest {
    std::string workflow;             ///< its name
    std::string candidate, baseline;  ///< documents; no baseline: empty
    std::string region;               ///< whose database is read; empty: the log
    StampNs from_ns = 0, to_ns = 0;   ///< received then: half open
    std::string key;                  ///< whose findings are wanted one by one; empty: nobody's
    uint16_t tenant = 0;              ///< of the key
};

enum class SimulationState : uint8_t { kRunning, kDone, kCancelled, kFailed };
inline constexpr std::array<std::string_view, 4> kSimulationStateNames{"running", "done", "cancelled",
                                                                       "failed"};

/// Of one rule, at the end of the span.
struct SimulatedRule {
    std::string name;
    uint64_t anchored = 0, met = 0, late = 0, missed = 0, pending = 0, cancelled = 0;
};
/// One document's run.
struct SimulatedRun {
    std::vector<SimulatedRule> rules;
    uint64_t troubles = 0;  ///< found, also those that ended
    uint64_t digest = 0;    ///< of all that was found, in order: equal runs have equal ones
};

/// Something that one of the runs found wrong, and the other did not, or not at that time.
struct SimulatedTrouble {
    std::string rule, key, group;
    uint16_t tenant = 0;
    uint8_t severity = 0;
    StampNs deadline_ns = 0;           ///< 0: none
    StampNs baseline_deadline_ns = 0;  ///< of one that moved
    StampNs at_ns = 0;                 ///< when it was found
};
struct SimulatedDifference {
    uint64_t total = 0;
    std::vector<SimulatedTrouble> shown;  ///< the first, by when they were found
};
/// What a run found about the key that was asked for.
struct SimulatedFinding {
    bool candidate = true;  ///< else of the baseline
    std::string_view kind;  ///< "missed", "delivered_late", ...
    std::string rule;
    StampNs deadline_ns = 0, at_ns = 0;
    Seq cause_seq = 0;
};

struct SimulationView {
    uint64_t id = 0;
    SimulationRequest request;
    SimulationState state = SimulationState::kRunning;
    std::string failure;  ///< one sentence
    double progress = 0;  ///< 0 to 1
    uint64_t events = 0;
    double events_per_second = 0;
    StampNs first_ns = 0;  ///< received time of the first record that was read: later than asked where the
                           ///< log begins later; 0: none
    // Once it is done.
    SimulatedRun candidate;
    std::optional<SimulatedRun> baseline;
    SimulatedDifference added, removed, moved;
    bool differences_cut =
        false;  ///< there were too many: they are counted from the beginning of the span only
    std::vector<SimulatedFinding> findings;
};

/// Any thread.
class SimulationService {
  public:
    static constexpr size_t kRunningMax = 2, kKeptMax = 16;
    static constexpr size_t kShownMax = 1'000;  ///< of each difference, and of a key's findings

    virtual ~SimulationService() = default;
    /// Its id; nothing while kRunningMax run. Documents are valid and of one name.
    virtual std::optional<uint64_t> start(SimulationRequest request) = 0;
    /// Newest first, without what they found.
    virtual std::vector<SimulationView> simulations() const = 0;
    virtual std::optional<SimulationView> simulation(uint64_t id) const = 0;
    /// Ends it soon. False: there is none.
    virtual bool cancel(uint64_t id) = 0;
};

}  // namespace penstock

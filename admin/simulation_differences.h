// What one run of a simulation finds and the other does not.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <array>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "schemas/finding.h"
#include "schemas/simulation_view.h"

namespace penstock {

/// Troubles that both runs find are forgotten at once, so that memory grows with the differences only. One
/// thread.
class SimulationDifferences {
  public:
    static constexpr size_t kTroublesMax = 500'000;
    explicit SimulationDifferences(size_t troubles_max = kTroublesMax) : troubles_max_(troubles_max) {}

    /// A trouble, of the candidate or of the baseline.
    void found(const Finding& finding, bool candidate);
    /// Fills in added, removed and moved. `key_text_of`: of the event that armed the deadline.
    void tell(SimulationView& out, const std::function<std::string(Seq anchor)>& key_text_of) const;

  private:
    struct Id {
        uint32_t rule;
        uint16_t tenant;
        Hash128 key;
        StampNs deadline_ns;
        friend bool operator==(const Id&, const Id&) = default;
        template <typename H>
        friend H AbslHashValue(H h, const Id& id) {
            return H::combine(std::move(h), id.rule, id.tenant, id.key.lo, id.key.hi, id.deadline_ns);
        }
    };
    struct Trouble {
        uint32_t times;  ///< that it was found more often than by the other
        uint8_t severity;
        Seq anchor_seq;
        StampNs at_ns;
        std::string key, group;
    };
    struct Found {
        Id id;
        const Trouble* trouble;
        StampNs baseline_deadline_ns;
    };
    std::vector<Found> sorted(bool candidate) const;
    SimulatedDifference told(std::vector<Found> all,
                             const std::function<std::string(Seq)>& key_text_of) const;

    const size_t troubles_max_;
    std::array<absl::flat_hash_map<Id, Trouble>, 2> only_;  ///< baseline, candidate
    std::map<std::string, uint32_t, std::less<>> rules_;
    std::vector<std::string> rule_names_;
    bool full_ = false;  ///< what comes is not kept any more
};

}  // namespace penstock

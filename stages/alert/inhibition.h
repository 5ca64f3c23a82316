// Which alerts are hidden by others, as Alertmanager has it.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "stages/alert/policy.h"

namespace penstock {

/// Alerts that are firing or acked and match a rule's source, by what must be equal. Not a part of the state:
/// it follows from the alerts. Time of each call: logarithmic in the alerts, a rule.
class Inhibition {
  public:
    /// Forgets the sources.
    void set_rules(std::vector<InhibitRule> rules);
    /// Its state or severity may have changed. True: it hides nothing any more, and did.
    bool update(const Alert& alert);
    /// The alert that hides this one; 0: none does.
    uint64_t inhibitor_of(const Alert& alert) const;

  private:
    struct Rule {
        InhibitRule rule;
        /// By what must be equal. true: it matches the target's side too, and so hides only what does not
        /// match both.
        std::map<std::string, std::set<std::pair<bool, uint64_t>>> sources;
    };
    struct Place {
        size_t rule;
        std::string key;
        bool both;
    };
    std::vector<Rule> rules_;
    std::map<uint64_t, std::vector<Place>> places_;  ///< of each source
};

}  // namespace penstock

// Absence: an event of a kind comes at least every so often, for each key.
#pragma once

#include <boost/json/fwd.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/civil/calendar.h"
#include "stages/sla/key_selector.h"
#include "stages/sla/watcher.h"

namespace penstock {

struct AbsenceRule {
    WatchRule watch;
    int64_t every_ns = 0, grace_ns = 0;
    std::shared_ptr<const Calendar> hours;  ///< whose business hours count; null: all time does
    std::optional<KeySelector> key;         ///< none: all events together
    std::vector<std::string> keys;          ///< expected though never seen
    int64_t forget_ns = 0;                  ///< after which a key that is absent, and not expected, goes
};
using AbsenceRules = std::vector<std::shared_ptr<const AbsenceRule>>;

/// An array of rules. With faults: what could be read.
AbsenceRules read_absence(const boost::json::value& value, std::string_view pointer,
                          const CalendarLookup& calendars, Faults& faults);

/// For each key: `every` after the own time of its newest event it is absent, until one comes that is no
/// older than that now. Made for a million keys: an event costs a look-up, a timer is armed again when it
/// fires.
std::unique_ptr<Watcher> make_absence(std::shared_ptr<const AbsenceRule> rule, uint16_t tenant);

}  // namespace penstock

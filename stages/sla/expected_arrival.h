// Absolute SLAs: something arrives by a local time, again and again, for each of the keys that are expected.
#pragma once

#include <boost/json/fwd.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/civil/schedule.h"
#include "stages/sla/key_selector.h"
#include "stages/sla/watcher.h"

namespace penstock {

struct ExpectedRule {
    WatchRule watch;
    std::vector<std::string> keys;  ///< that are expected; without: one event, whatever its key
    KeySelector key;
    std::optional<Schedule> due;  ///< there, once it has been read without faults
    int64_t grace_ns = 0;
    std::optional<int64_t> open_ns;          ///< before due; an event of this time or later counts
    std::optional<int64_t> late_horizon_ns;  ///< after due; until then an event counts
    std::optional<KeySelector> date;         ///< names the occurrence by its business date, whatever the time
    int64_t amber_ns = 0;                    ///< before due; 0: never at risk
};
using ExpectedRules = std::vector<std::shared_ptr<const ExpectedRule>>;

/// An array of rules. With faults: what could be read.
ExpectedRules read_expected(const boost::json::value& value, std::string_view pointer,
                            const CalendarLookup& calendars, Faults& faults);

/// An occurrence is known by its business date and its number on that date, and stays open until its horizon:
/// for each key it is met, late or missed. An event that could be of several is of the first that its key has
/// not met. Due instants are computed once, when the occurrence comes in sight, and kept.
std::unique_ptr<Watcher> make_expected(std::shared_ptr<const ExpectedRule> rule, uint16_t tenant);

}  // namespace penstock

// Volume: how many events of a kind come in each window of time, group by group.
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

struct VolumeRule {
    struct By {
        std::string name;  ///< the selector's last part
        KeySelector selector;
    };
    WatchRule watch;
    std::vector<By> by;  ///< none: one group
    int64_t window_ns = 0;
    std::optional<Zone> zone;  ///< whose midnight windows are aligned to; none: UTC
    int64_t lateness_ns = 0;   ///< after its end a window waits so long for what happened in it
    std::optional<uint64_t> min, max;
    double drop = 0, spike = 0;  ///< shares of the baseline; 0: none
    uint32_t baseline_windows = 0;
};
using VolumeRules = std::vector<std::shared_ptr<const VolumeRule>>;

/// An array of rules. With faults: what could be read.
VolumeRules read_volume(const boost::json::value& value, std::string_view pointer,
                        const CalendarLookup& calendars, Faults& faults);

/// Windows are half open, and are judged in order, once each, from the first that begins after the
/// publication. A group counts from the window of its first event.
std::unique_ptr<Watcher> make_volume(std::shared_ptr<const VolumeRule> rule, uint16_t tenant);

}  // namespace penstock

// A maintenance window in time.
#pragma once

#include <optional>
#include <string_view>

#include "pipeline/civil/schedule.h"
#include "schemas/alert.h"

namespace penstock {

class Window {
  public:
    /// Throws CivilError when the schedule or the last date cannot be used.
    explicit Window(MaintenanceWindow facts);

    MaintenanceWindow facts;

    /// Whether it is on at this time, past or to come. Of a recurring one: looks its schedule up.
    bool holds_at(StampNs at_ns) const;
    /// Makes the span that of the occurrence which is on now, or else of the next.
    void seek(StampNs now_ns);

  private:
    /// The first whose end is after this time.
    std::optional<Occurrence> occurrence_at(StampNs at_ns) const;

    std::optional<Schedule> schedule_;
    std::optional<Date> last_date_;
};

}  // namespace penstock

// IANA time zones: local time from and to UTC, past 2038 too (the rules of the zone's last years go on).
// A local time that the clocks skip is the first instant after the gap; one that comes twice is the first.
#pragma once

#include <absl/time/time.h>

#include <string>
#include <string_view>

#include "pipeline/faults.h"
#include "schemas/log_record.h"

namespace penstock {

/// Cheap to copy; the data stay in memory, as first read, until the process ends.
class Zone {
  public:
    Zone() : zone_(absl::UTCTimeZone()), name_("UTC") {}
    /// "America/New_York". Throws CivilError, with the nearest names where some are near.
    static Zone load(std::string_view name);

    const std::string& name() const { return name_; }

    /// Fractions of a second are cut off (towards the past).
    absl::CivilSecond local(StampNs at_ns) const;
    /// By the rules above. Beyond the years 1678 to 2261: the nearest end of StampNs.
    StampNs to_utc(absl::CivilSecond local) const { return instants(local).first_ns; }

    enum class Kind : uint8_t { kUnique, kSkipped, kRepeated };
    struct Instants {
        Kind kind;
        StampNs first_ns;   ///< to_utc() of it
        StampNs second_ns;  ///< where it comes twice; else the same
    };
    Instants instants(absl::CivilSecond local) const;

    friend bool operator==(const Zone& a, const Zone& b) { return a.zone_ == b.zone_; }

  private:
    absl::TimeZone zone_;
    std::string name_;
};

/// Of the zone data as found when this or Zone::load was first called, for example "2025b"; else "unknown".
const std::string& tzdb_version();

}  // namespace penstock

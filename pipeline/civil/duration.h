// Lengths of time as people write them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "pipeline/faults.h"

namespace penstock {

/// In nanoseconds: the short form "1h30m" (units d, h, m, s, ms, us, ns; whole numbers; each unit once, the
/// largest first), or ISO 8601 "P1DT2H", "PT0.5S", "P2W" (no years or months: they have no fixed length). A
/// day has 24 hours. Throws CivilError.
int64_t parse_duration(std::string_view text);

/// The short form: "1h30m", "0s", "-250ms".
std::string format_duration(int64_t duration_ns);

}  // namespace penstock

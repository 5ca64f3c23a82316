// The Prometheus text exposition (format 0.0.4) of the whole appliance.
#pragma once

#include <string>

#include "admin/http/counters.h"
#include "storage/dead_letter_book.h"

namespace penstock::http {

inline constexpr const char* kMetricsContentType = "text/plain; version=0.0.4; charset=utf-8";

/// Everything that the appliance counts, with the prefix `penstock_`, in base units. Labels have a closed set
/// of values: stage, region, cause, status, outcome. Reads atomics only; any thread.
std::string metrics_text(const Telemetry& telemetry, const DeadLetterBook::Counts& letters,
                         const Counters& counters);

}  // namespace penstock::http

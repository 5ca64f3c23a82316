// penstock simulate over a running appliance's history, by its API.
#pragma once

#include <string>

#include "admin/cli/place.h"

namespace penstock::cli {

struct HistoryFlags {
    Place place;
    std::string from, to;     ///< RFC 3339, or how long ago; empty: the beginning, now
    std::string region;       ///< whose database is read; empty: the log
    std::string key, tenant;  ///< whose findings are told one by one
};

/// Runs the document beside the active version, shows how far it is, and what it found. SIGINT cancels it.
/// Returns the exit code; throws CommandError.
int simulate_history(const std::string& document, HistoryFlags flags);

}  // namespace penstock::cli

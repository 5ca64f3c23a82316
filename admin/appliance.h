// The appliance: every part, joined. The only place that knows them all.
#pragma once

#include <cstdint>
#include <vector>

#include "admin/config.h"

namespace penstock {

struct StartOptions {
    bool accept_partial_state = false;  ///< start although state/ is gone and the log cannot rebuild it whole
    /// How long to wait for an appliance that runs on the data folder (DataFolder::kForever: until it ends).
    /// No port is bound meanwhile.
    int64_t wait_s = 0;
    std::vector<ConfigNotes::Setting> settings = {};  ///< for people to look at
};

/// Runs until SIGTERM or SIGINT, then stops in order: takes no more, commits, answers, checkpoints, flushes
/// what the regions take within seconds. Returns the exit code: 0 stopped in order, 1 failed (the reason is
/// in the log). Blocks both signals for the whole process.
int run_appliance(const Config& config, const StartOptions& start = {});

}  // namespace penstock

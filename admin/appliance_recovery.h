// What a start reads before it takes in anything: state from its checkpoint and the tail of the log.
#pragma once

#include <vector>

#include "pipeline/clock.h"
#include "pipeline/state_machine.h"
#include "stages/dedup/dedup.h"
#include "storage/event_log.h"
#include "storage/state_store.h"

namespace penstock {

/// Loads the rows, then replays every record that they do not hold. Throws LogError when the two do not fit
/// together.
void recover_state(const EventLog& log, const StateStore& state, const std::vector<StateMachine*>& machines);

/// Identities of the events received within the window.
void recover_dedup(const EventLog& log, DedupStage& dedup, int64_t window_ns, const Clock& clock);

}  // namespace penstock

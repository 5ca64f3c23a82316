// What a start reads before it takes in anything: state from its checkpoint and the tail of the log.
#pragma once

#include <signal.h>

#include <vector>

#include "pipeline/clock.h"
#include "pipeline/state_machine.h"
#include "stages/dedup/dedup.h"
#include "storage/event_log.h"
#include "storage/identity_runs.h"
#include "storage/state_store.h"

namespace penstock {

/// Loads the rows, then replays every record that they do not hold. Throws LogError when the two do not fit
/// together, a record is damaged, or there is no state and the log does not begin at its beginning (unless
/// `accept_partial_state`).
void recover_state(const EventLog& log, const StateStore& state, const std::vector<StateMachine*>& machines,
                   bool accept_partial_state);

/// Identities of the events received within the window: from `runs` where there are some, else from the log.
/// Throws LogError.
void recover_dedup(const EventLog& log, const IdentityRunWriter* runs, DedupStage& dedup, int64_t window_ns,
                   const Clock& clock);

/// LMDB's pages carry no checksum, and a damaged one may lead a reader anywhere. While this lives, such a
/// crash ends the process with a message that says what to do, and exit code 1. One at a time.
class DamageGuard {
  public:
    DamageGuard();
    ~DamageGuard();
    DamageGuard(const DamageGuard&) = delete;
    DamageGuard& operator=(const DamageGuard&) = delete;

  private:
    struct sigaction before_[3];
};

}  // namespace penstock

// Writes what follows the log at leisure: checkpoints of the state, and runs of identities.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "pipeline/clock.h"
#include "stages/sla/sla_stage.h"
#include "storage/event_log.h"
#include "storage/identity_runs.h"
#include "storage/state_store.h"

namespace penstock {

/// A thread of its own: of ten million cases a checkpoint takes some seconds to write.
class StateWriter {
  public:
    struct Parts {
        SlaStage& sla;
        StateStore& state;        ///< written by this thread only, from start() on
        IdentityRunWriter& runs;  ///< the same
        const EventLog& log;
        const Clock& clock;
    };
    /// `fail` is told what went wrong, on the writer's thread; then it ends.
    StateWriter(const Parts& parts, std::function<void(const std::string&)> fail);
    /// Finishes what it writes.
    ~StateWriter();
    StateWriter(const StateWriter&) = delete;
    StateWriter& operator=(const StateWriter&) = delete;

    void start();
    /// Looks for a checkpoint at once. Any thread.
    void wake();
    /// What is written holds every record below it. Any thread.
    Seq applied_seq() const { return applied_seq_.load(std::memory_order_acquire); }

  private:
    void run();
    void write_checkpoint();

    const Parts parts_;
    const std::function<void(const std::string&)> fail_;
    std::atomic<Seq> applied_seq_;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool woken_ = false, stop_ = false;  ///< by mutex_
    std::thread thread_;
};

}  // namespace penstock

// log: makes what was published durable, in groups, and trims what nobody needs any more.
#pragma once

#include <functional>
#include <vector>

#include "pipeline/batch_ring.h"
#include "pipeline/clock.h"
#include "pipeline/telemetry.h"
#include "storage/event_log.h"

namespace penstock {

/// Log thread. A commit that fails ends the stage for good: the process restarts and replays.
class LogStage {
  public:
    struct Options {
        int64_t retention_ns;
        uint64_t retention_bytes;
        int64_t keep_at_least_ns;  ///< the dedup window: recovery reads it back
    };
    /// `on_commit`: after each durable group. `may_trim_below`: every region and the state have passed it.
    LogStage(Options options, BatchRing& ring, EventLog& log, Telemetry& telemetry, const Clock& clock,
             std::function<void()> on_commit, std::function<Seq()> may_trim_below);

    /// Commits what waits, or sleeps at most `timeout_ns` for it. Returns how many records became durable.
    /// Throws LogError.
    size_t do_work(int64_t timeout_ns);

    /// False when the log is so full that a commit could fail.
    bool has_room() const { return has_room_.load(std::memory_order_relaxed); }

  private:
    void housekeep();
    void look_for_room(uint64_t used);
    const Options options_;
    BatchRing& ring_;
    EventLog& log_;
    Telemetry& telemetry_;
    const Clock& clock_;
    std::function<void()> on_commit_;
    std::function<Seq()> may_trim_below_;
    std::vector<RecordView> group_;
    int64_t next_housekeeping_ns_ = 0;
    uint64_t bytes_since_housekeeping_ = 0;
    std::atomic<bool> has_room_{true};
};

}  // namespace penstock

// sla: applies every record to the state machines, tells what fired once it is durable, and copies out
// checkpoints.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <vector>

#include "pipeline/batch_ring.h"
#include "pipeline/clock.h"
#include "pipeline/spin_wait.h"
#include "pipeline/state_machine.h"
#include "pipeline/telemetry.h"
#include "stages/sla/engine.h"

namespace penstock {

/// State thread, where nothing else is said. Records are applied before they are durable; whatever leaves
/// waits for Telemetry::committed_seq.
class SlaStage {
  public:
    struct Options {
        int64_t checkpoint_ns = 30'000'000'000;
        int64_t spin_ns = 0;  ///< looks for a batch so long before it sleeps
    };
    /// `others`: state machines beside the engine, which get each record after it; all outlive the stage.
    /// `on_due`: called when the intake thread should look at due_ns().
    SlaStage(Options options, BatchRing& ring, Engine& engine, std::vector<StateMachine*> others,
             Telemetry& telemetry, const Clock& clock, std::function<void()> on_due);

    /// Applies what waits, or sleeps at most `timeout_ns` for it. Returns the events applied.
    size_t do_work(int64_t timeout_ns);

    /// Any thread: when a timer is due that no event has fired yet; TimerWheel::kNever where none is near.
    /// The sequencer then makes a tick record.
    StampNs due_ns() const { return due_ns_.load(std::memory_order_acquire); }

    /// One other thread: the checkpoint that waits to be written, once every record in it is durable; else
    /// null.
    std::unique_ptr<Checkpoint> take_checkpoint();
    /// The state thread: the machines hold every record below it.
    Seq applied_seq() const { return applied_seq_; }
    /// Any thread: makes the next do_work copy out a checkpoint (graceful stop).
    void request_checkpoint() { checkpoint_requested_.store(true, std::memory_order_release); }

    /// Any thread but this one: runs `question` on this thread between two batches, so that what it sees is
    /// of one position in the log. False: not within `timeout_ns`; it may run later, or never.
    bool ask(std::function<void(Engine&)> question, int64_t timeout_ns);

    /// Counts, and the latest deadlines missed whose cause is durable, newest first.
    struct View {
        SlaSnapshot snapshot;
        std::vector<SlaEffect> recent;
        std::vector<std::string> workflow_of, from_of, to_of;  ///< beside recent
    };
    /// Any thread; never null.
    std::shared_ptr<const View> view() const {
        std::lock_guard lock(mutex_);
        return view_;
    }

  private:
    void apply(const EventBatch& batch);
    void release_durable();
    void publish_view(int64_t now_ns);
    void begin_checkpoint(int64_t now_ns);
    void copy_some(size_t rows);
    void look_ahead();
    /// True: there were some.
    bool answer_questions();

    const Options options_;
    BatchRing& ring_;
    Engine& engine_;
    std::vector<StateMachine*> machines_;
    Telemetry& telemetry_;
    const Clock& clock_;
    std::function<void()> on_due_;

    std::deque<SlaEffect> held_;    ///< cause not durable yet
    std::deque<SlaEffect> recent_;  ///< newest first
    Seq applied_seq_ = 1;
    int64_t next_view_ns_ = 0, next_checkpoint_ns_;
    SpinWait spin_;
    std::unique_ptr<Checkpoint> copying_;
    int64_t copying_ns_ = 0;  ///< spent on it
    std::atomic<StampNs> due_ns_{TimerWheel<int>::kNever};
    std::atomic<bool> checkpoint_requested_{false};
    int64_t last_asked_ns_ = 0;  ///< monotonic; 0: never

    std::mutex questions_mutex_;
    std::vector<std::packaged_task<void(Engine&)>> questions_;
    std::atomic<bool> asked_{false};

    mutable std::mutex mutex_;  // guards what follows; held for a pointer's length
    std::shared_ptr<const View> view_ = std::make_shared<View>();
    std::unique_ptr<Checkpoint> checkpoint_;
};

}  // namespace penstock

#include "stages/sla/sla_stage.h"

#include <algorithm>
#include <chrono>

namespace penstock {

namespace {
constexpr int64_t kViewNs = 250'000'000;
constexpr size_t kRecentMax = 50;
/// Rows of a checkpoint that are copied after a batch, beside one for each of its events: some microseconds.
constexpr size_t kCopyRows = 32;
/// The same when no batch waits.
constexpr size_t kCopyRowsIdle = 256;
/// Instances that are looked at for views, while somebody looks at those: after a batch, and when none waits.
constexpr size_t kSweep = 64, kSweepIdle = 2'048;
constexpr int64_t kWatchedNs = 60'000'000'000;
constexpr StampNs kNever = TimerWheel<int>::kNever;
}  // namespace

SlaStage::SlaStage(Options options, BatchRing& ring, Engine& engine, std::vector<StateMachine*> others,
                   Telemetry& telemetry, const Clock& clock, std::function<void()> on_due)
    : options_(options),
      ring_(ring),
      engine_(engine),
      machines_(std::move(others)),
      telemetry_(telemetry),
      clock_(clock),
      on_due_(std::move(on_due)),
      applied_seq_(telemetry.applied_seq.load()),
      next_checkpoint_ns_(clock.monotonic_ns() + options.checkpoint_ns),
      spin_(options.spin_ns) {
    machines_.insert(machines_.begin(), &engine_);  // first: others may take what it finds
    engine_.on_effect = [this](const SlaEffect& effect) {
        if (effect.kind != SlaEffect::Kind::kMissed) return;
        held_.push_back(effect);
        if (held_.size() > 2 * kRecentMax)
            held_.pop_front();  // the list shows the latest; the counts have all
    };
}

size_t SlaStage::do_work(int64_t timeout_ns) {
    const uint64_t from = ring_.consumed(kStateConsumer), published = ring_.published();
    StageTelemetry& stage = telemetry_.stage(Stage::kSla);
    stage.depth.set(static_cast<int64_t>(published - from));
    size_t events = 0;
    for (uint64_t position = from; position < published; ++position) {
        const EventBatch& batch = *ring_.at(position);
        const int64_t began_ns = clock_.monotonic_ns();
        apply(batch);
        const int64_t now_ns = clock_.monotonic_ns();
        const size_t count = batch.header.kind == RecordKind::kEvents ? batch.count() : 0;
        if (count > 0) {
            stage.events_in.add(count);
            stage.events_out.add(count);
            stage.batch_ns.record(static_cast<uint64_t>(now_ns - began_ns), count);
            if (batch.read_ns)
                telemetry_.processing_ns.record(static_cast<uint64_t>(now_ns - batch.read_ns), count);
        }
        events += count;
        applied_seq_ = batch.view().end_seq();
        ring_.advance(kStateConsumer, position + 1);
        if (copying_) copy_some(kCopyRows + count);
    }
    telemetry_.applied_seq.store(applied_seq_, std::memory_order_release);

    const int64_t now_ns = clock_.monotonic_ns();
    if (answer_questions()) last_asked_ns_ = now_ns;
    const bool watched = last_asked_ns_ != 0 && now_ns - last_asked_ns_ < kWatchedNs;
    if (watched) engine_.sweep_some(published == from ? kSweepIdle : kSweep, clock_.wall_ns());
    release_durable();
    if (now_ns >= next_view_ns_) publish_view(now_ns);
    if (now_ns >= next_checkpoint_ns_ || checkpoint_requested_.load(std::memory_order_acquire))
        begin_checkpoint(now_ns);
    if (published == from) {
        if (copying_) {
            copy_some(kCopyRowsIdle);
            return 0;
        }
        look_ahead();
        const StampNs look = engine_.next_look_ns();
        const int64_t until_look =
            look == kNever ? timeout_ns : std::max<int64_t>(look - clock_.wall_ns(), 0) + 100'000;
        spin_.wait([&] { return ring_.published() != from || asked_.load(std::memory_order_relaxed); },
                   [&] { ring_.wait(kStateConsumer, std::min(timeout_ns, until_look)); });
    }
    return events;
}

bool SlaStage::answer_questions() {
    if (!asked_.exchange(false, std::memory_order_acquire)) return false;
    std::vector<std::packaged_task<void(Engine&)>> questions;
    {
        std::lock_guard lock(questions_mutex_);
        questions.swap(questions_);
    }
    for (auto& question : questions) question(engine_);
    return !questions.empty();
}

bool SlaStage::ask(std::function<void(Engine&)> question, int64_t timeout_ns) {
    std::packaged_task<void(Engine&)> task(std::move(question));
    std::future<void> answered = task.get_future();
    {
        std::lock_guard lock(questions_mutex_);
        questions_.push_back(std::move(task));
    }
    asked_.store(true, std::memory_order_release);
    ring_.wake(kStateConsumer);
    if (answered.wait_for(std::chrono::nanoseconds(timeout_ns)) != std::future_status::ready) return false;
    answered.get();  // what the question threw
    return true;
}

void SlaStage::apply(const EventBatch& batch) {
    const RecordView view = batch.view();
    for (StateMachine* machine : machines_) machine->apply(view);
}

void SlaStage::look_ahead() {
    engine_.tighten(clock_.wall_ns());
    StampNs due = kNever;
    for (const StateMachine* machine : machines_) due = std::min(due, machine->due_ns());
    // A later one needs no wake: the intake thread looks when the earlier one is due.
    if (due < due_ns_.exchange(due, std::memory_order_acq_rel)) on_due_();
}

void SlaStage::release_durable() {
    const Seq committed = telemetry_.committed_seq.load(std::memory_order_acquire);
    while (!held_.empty() && held_.front().cause_seq < committed) {
        recent_.push_front(held_.front());
        held_.pop_front();
        if (recent_.size() > kRecentMax) recent_.pop_back();
    }
}

void SlaStage::publish_view(int64_t now_ns) {
    next_view_ns_ = now_ns + kViewNs;
    auto view = std::make_shared<View>();
    engine_.snapshot(view->snapshot);
    view->snapshot.applied_seq = applied_seq_;
    for (const SlaEffect& effect : recent_) {
        const Workflow* workflow = engine_.workflow(effect.workflow);
        if (!workflow) continue;
        view->recent.push_back(effect);
        view->workflow_of.push_back(workflow->name);
        view->from_of.push_back(workflow->from(workflow->edges[effect.edge]).name);
        view->to_of.push_back(workflow->to(workflow->edges[effect.edge]).name);
    }
    std::lock_guard lock(mutex_);
    view_ = std::move(view);
}

void SlaStage::begin_checkpoint(int64_t now_ns) {
    if (copying_) return;
    {
        std::lock_guard lock(mutex_);
        if (checkpoint_) return;  // the last one is not written yet; this one will hold its changes and more
    }
    next_checkpoint_ns_ = now_ns + options_.checkpoint_ns;
    checkpoint_requested_.store(false, std::memory_order_release);
    copying_ = std::make_unique<Checkpoint>();
    copying_->applied_seq = applied_seq_;
    for (StateMachine* machine : machines_) machine->begin_save(*copying_);
    copying_ns_ = clock_.monotonic_ns() - now_ns;
}

void SlaStage::copy_some(size_t rows) {
    const int64_t began_ns = clock_.monotonic_ns();
    bool more = false;
    for (StateMachine* machine : machines_) more |= machine->save_some(rows);
    copying_ns_ += clock_.monotonic_ns() - began_ns;
    if (more) return;
    telemetry_.checkpoint_ns.record(static_cast<uint64_t>(copying_ns_));
    telemetry_.checkpoints.add();
    std::lock_guard lock(mutex_);
    checkpoint_ = std::move(copying_);
}

std::unique_ptr<Checkpoint> SlaStage::take_checkpoint() {
    std::lock_guard lock(mutex_);
    // Never ahead of the log: a state that holds what the log lost would be wrong for ever.
    if (!checkpoint_ || checkpoint_->applied_seq > telemetry_.committed_seq.load(std::memory_order_acquire))
        return nullptr;
    return std::move(checkpoint_);
}

}  // namespace penstock

#include "admin/appliance_simulation.h"

#include <pthread.h>
#include <xxhash.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

#include "admin/appliance_view.h"
#include "admin/simulation_differences.h"
#include "pipeline/thread_priority.h"
#include "schemas/identity.h"
#include "stages/sla/engine.h"

namespace penstock {
namespace {

using Steady = std::chrono::steady_clock;

/// How long one read transaction may stay open: while it does, freed pages of the log are not used again.
constexpr auto kSlice = std::chrono::milliseconds(20);

std::string_view name_of(Finding::Kind kind) {
    switch (kind) {
        case Finding::Kind::kMissed:
            return "missed";
        case Finding::Kind::kDeliveredLate:
            return "delivered_late";
        case Finding::Kind::kLate:
            return "late";
        case Finding::Kind::kWithdrawn:
            return "withdrawn";
        case Finding::Kind::kRecovered:
            return "recovered";
        case Finding::Kind::kDisorder:
            return "disorder";
        case Finding::Kind::kOutOfRange:
            return "out_of_range";
    }
    return "";
}

/// One document's engine, and what it finds.
class Run {
  public:
    Run(const std::string& document, bool candidate, int64_t instance_retention_ns,
        const SimulationRequest& request, const std::vector<uint8_t>& hash_secret,
        SimulationDifferences& differences, std::vector<SimulatedFinding>& findings)
        : engine_({instance_retention_ns}),
          candidate_(candidate),
          request_(request),
          differences_(differences),
          findings_(findings) {
        if (!request.key.empty()) {
            subject_key_ = IdentityHasher(hash_secret).key(request.tenant, request.key);
            const XXH128_hash_t h =
                XXH3_128bits_withSeed(request.key.data(), request.key.size(), request.tenant);
            selected_key_ = {h.low64, h.high64};
        }
        engine_.on_finding = [this](const Finding& finding) { take(finding); };
        workflow_ = parse_workflow(document);
    }

    /// As if it had been published then.
    void begin(StampNs now_ns) { engine_.define(std::move(workflow_), now_ns); }

    Engine& engine() { return engine_; }
    SimulatedRun result() const {
        SimulatedRun out;
        out.troubles = troubles_;
        out.digest = digest_;
        for (const std::string& name : engine_.names())
            for (const RuleView& r : engine_.view(name).rules)
                out.rules.push_back({r.name, r.counts.anchored, r.counts.met, r.counts.late, r.counts.missed,
                                     r.counts.pending, r.counts.cancelled});
        return out;
    }

  private:
    void take(const Finding& f) {
        digest_ = IdentityHasher::mix(digest_, XXH3_64bits(f.rule.data(), f.rule.size()));
        for (const uint64_t part : {static_cast<uint64_t>(f.kind), f.key.lo, f.key.hi,
                                    static_cast<uint64_t>(f.deadline_ns), static_cast<uint64_t>(f.at_ns)})
            digest_ = IdentityHasher::mix(digest_, part);
        if (is_trouble(f.kind)) {
            ++troubles_;
            differences_.found(f, candidate_);
        }
        if (is_of_asked_key(f) && findings_.size() < SimulationService::kShownMax)
            findings_.push_back(
                {candidate_, name_of(f.kind), std::string(f.rule), f.deadline_ns, f.at_ns, f.cause_seq});
    }
    /// Keys are hashed by their subject, or by what the workflow selects, unkeyed.
    bool is_of_asked_key(const Finding& f) const {
        if (request_.key.empty() || f.tenant != request_.tenant) return false;
        return f.key == subject_key_ || f.key == selected_key_ || f.key_text == request_.key;
    }

    Engine engine_;
    Workflow workflow_;  ///< until it begins
    const bool candidate_;
    const SimulationRequest& request_;
    Hash128 subject_key_, selected_key_;
    SimulationDifferences& differences_;
    std::vector<SimulatedFinding>& findings_;
    uint64_t troubles_ = 0, digest_ = 0;
};

/// The documents over a span of the log. One thread.
class Span {
  public:
    /// Told now and then; false: stop.
    using Watch = std::function<bool(double progress)>;

    Span(const EventLog& log, const SimulationRequest& request, int64_t instance_retention_ns,
         SimulationView& out)
        : log_(log), request_(request), out_(out) {
        const auto add = [&](const std::string& document, bool candidate) {
            runs_.push_back(std::make_unique<Run>(document, candidate, instance_retention_ns, request,
                                                  log.identity().hash_secret, differences_, out.findings));
        };
        add(request.candidate, true);
        if (!request.baseline.empty()) add(request.baseline, false);
    }

    /// False: it was stopped.
    bool run(const Watch& watch) {
        const LogReader reader(log_);
        const EventLog::Bounds bounds = log_.bounds();
        const Seq first = reader.find_received(request_.from_ns);
        const Seq end = std::max(first + 1, reader.find_received(request_.to_ns));
        Seq at = first;
        for (more_ = true; more_;) {
            const auto slice_end = Steady::now() + kSlice;
            const Seq begins = at;
            more_ = false;  // unless the log goes on
            at = reader.scan(begins, [&](const RecordView& record) {
                if (begins != first && !more_ && record.first_seq() > begins)
                    throw std::runtime_error(
                        "retention took a part of the span before it was read; choose a later one");
                more_ = record.header->base_stamp_ns < request_.to_ns;
                if (more_) take(record);
                return more_ && Steady::now() < slice_end;
            });
            const double done = static_cast<double>(at - first) / static_cast<double>(end - first);
            if (!watch(std::min(done, 1.0))) return false;
        }
        begin(request_.from_ns);
        // Where the log goes on behind the span, its end is a time that has come.
        if (bounds.last_stamp_ns >= request_.to_ns)
            for (const auto& run : runs_) run->engine().advance(request_.to_ns, at);
        return true;
    }

    void tell() {
        out_.candidate = runs_[0]->result();
        if (runs_.size() > 1) out_.baseline = runs_[1]->result();
        differences_.tell(out_, [this](Seq anchor) { return event_key_text(log_, anchor); });
    }

  private:
    /// With the first record of the span.
    void begin(StampNs now_ns) {
        if (std::exchange(begun_, true)) return;
        for (const auto& run : runs_) run->begin(now_ns);
    }
    void take(const RecordView& record) {
        if (record.header->kind != RecordKind::kEvents) {
            if (record.last_stamp() < request_.from_ns) return;
            const StampNs now_ns = std::min(record.last_stamp(), request_.to_ns);
            begin(now_ns);
            for (const auto& run : runs_) run->engine().advance(now_ns, record.first_seq());
            return;
        }
        for (size_t i = 0; i < record.count(); ++i) {
            const StampNs stamp = record.stamp(i);
            if (stamp < request_.from_ns) continue;
            if (stamp >= request_.to_ns) return;
            if (out_.first_ns == 0) out_.first_ns = stamp;
            begin(stamp);
            ++out_.events;
            for (const auto& run : runs_)
                run->engine().on_event(record.heads[i], record.bytes(i), record.first_seq() + i, stamp);
        }
    }

    const EventLog& log_;
    const SimulationRequest& request_;
    SimulationView& out_;
    SimulationDifferences differences_;
    std::vector<std::unique_ptr<Run>> runs_;
    bool more_ = false, begun_ = false;
};

}  // namespace

LogSimulations::LogSimulations(const EventLog& log, int64_t instance_retention_ns)
    : log_(log), instance_retention_ns_(instance_retention_ns) {}

LogSimulations::~LogSimulations() {
    for (Job& job : jobs_) job.stop = true;
    for (Job& job : jobs_)
        if (job.thread.joinable()) job.thread.join();
}

std::optional<uint64_t> LogSimulations::start(SimulationRequest request) {
    std::lock_guard lock(mutex_);
    const auto running = std::count_if(jobs_.begin(), jobs_.end(), [](const Job& job) {
        return job.view.state == SimulationState::kRunning;
    });
    if (static_cast<size_t>(running) >= kRunningMax) return std::nullopt;
    forget_old();
    Job& job = jobs_.emplace_front();
    job.view.id = next_id_++;
    job.view.request = std::move(request);
    job.thread = std::thread([this, &job] { run(job); });
    return job.view.id;
}

/// A job that is not running any more has only to return from its thread.
void LogSimulations::forget_old() {
    while (jobs_.size() >= kKeptMax) {
        const auto oldest = std::find_if(jobs_.rbegin(), jobs_.rend(), [](const Job& job) {
            return job.view.state != SimulationState::kRunning;
        });
        if (oldest == jobs_.rend()) return;
        oldest->thread.join();
        jobs_.erase(std::prev(oldest.base()));
    }
}

std::vector<SimulationView> LogSimulations::simulations() const {
    std::lock_guard lock(mutex_);
    std::vector<SimulationView> out;
    for (const Job& job : jobs_) {
        SimulationView& view = out.emplace_back();
        view.id = job.view.id;
        view.request.workflow = job.view.request.workflow;
        view.request.from_ns = job.view.request.from_ns;
        view.request.to_ns = job.view.request.to_ns;
        view.state = job.view.state;
        view.failure = job.view.failure;
        view.progress = job.view.progress;
        view.events = job.view.events;
        view.events_per_second = job.view.events_per_second;
        view.first_ns = job.view.first_ns;
    }
    return out;
}

std::optional<SimulationView> LogSimulations::simulation(uint64_t id) const {
    std::lock_guard lock(mutex_);
    for (const Job& job : jobs_)
        if (job.view.id == id) return job.view;
    return std::nullopt;
}

bool LogSimulations::cancel(uint64_t id) {
    std::lock_guard lock(mutex_);
    for (Job& job : jobs_)
        if (job.view.id == id) {
            job.stop = true;
            return true;
        }
    return false;
}

void LogSimulations::run(Job& job) {
    pthread_setname_np(pthread_self(), "simulation");
    yield_to_others(19);
    const SimulationRequest request = [&] {
        std::lock_guard lock(mutex_);
        return job.view.request;
    }();
    SimulationView found;
    const auto began = Steady::now();
    const auto watch = [&](double progress) {
        const double seconds = std::chrono::duration<double>(Steady::now() - began).count();
        std::lock_guard lock(mutex_);
        job.view.progress = progress;
        job.view.events = found.events;
        job.view.events_per_second = seconds > 0 ? static_cast<double>(found.events) / seconds : 0;
        job.view.first_ns = found.first_ns;
        return !job.stop;
    };
    try {
        Span span(log_, request, instance_retention_ns_, found);
        if (span.run(watch))
            span.tell(), found.state = SimulationState::kDone;
        else
            found.state = SimulationState::kCancelled;
    } catch (const std::exception& e) {
        found.state = SimulationState::kFailed;
        found.failure = e.what();
    }
    std::lock_guard lock(mutex_);
    if (found.state == SimulationState::kDone) job.view.progress = 1;
    job.view.candidate = std::move(found.candidate);
    job.view.baseline = std::move(found.baseline);
    job.view.added = std::move(found.added);
    job.view.removed = std::move(found.removed);
    job.view.moved = std::move(found.moved);
    job.view.differences_cut = found.differences_cut;
    job.view.findings = std::move(found.findings);
    job.view.failure = std::move(found.failure);
    job.view.state = found.state;
}

}  // namespace penstock

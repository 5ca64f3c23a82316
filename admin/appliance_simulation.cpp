#include "admin/appliance_simulation.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <vector>

#include "admin/appliance_view.h"
#include "admin/simulation_runs.h"
#include "pipeline/clock.h"
#include "pipeline/thread_priority.h"
#include "storage/regional_history.h"

namespace penstock {
namespace {

using Steady = std::chrono::steady_clock;

/// How long one read transaction may stay open: while it does, freed pages of the log are not used again.
constexpr auto kSlice = std::chrono::milliseconds(20);

/// The documents over a span of the log. One thread.
class LogSpan {
  public:
    LogSpan(const EventLog& log, const SimulationRequest& request, SimulationRuns& runs)
        : log_(log), request_(request), runs_(runs) {}

    /// False: it was stopped.
    bool run(const SimulationWatch& watch) {
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
        runs_.begin(request_.from_ns);  // nothing was in the span
        // Where the log goes on behind the span, its end is a time that has come.
        if (bounds.last_stamp_ns >= request_.to_ns) runs_.advance(request_.to_ns, at);
        runs_.tell([this](Seq anchor) { return event_key_text(log_, anchor); });
        return true;
    }

  private:
    void take(const RecordView& record) {
        if (record.header->kind != RecordKind::kEvents) {
            const StampNs now_ns = record.last_stamp();
            if (now_ns < request_.from_ns) return;
            if (record.header->kind == RecordKind::kControl && now_ns < request_.to_ns) {
                const auto& control = *flatbuffers::GetRoot<fb::Control>(record.bytes(0).data());
                if (static_cast<ControlKind>(control.kind()) == ControlKind::kWatermark)
                    return runs_.watermark(control, now_ns, record.first_seq());
            }
            runs_.advance(std::min(now_ns, request_.to_ns), record.first_seq());
            return;
        }
        for (size_t i = 0; i < record.count(); ++i) {
            const StampNs stamp = record.stamp(i);
            if (stamp < request_.from_ns) continue;
            if (stamp >= request_.to_ns) return;
            runs_.take(record.heads[i], record.bytes(i), record.first_seq() + i, stamp);
        }
    }

    const EventLog& log_;
    const SimulationRequest& request_;
    SimulationRuns& runs_;
    bool more_ = false;
};

/// The same over what a region's database has of the log.
class RegionSpan {
  public:
    RegionSpan(const EventLog& log, const std::string& dsn, const SimulationRequest& request,
               const StopSignal& stop, SimulationRuns& runs)
        : request_(request), runs_(runs), history_({request.region, dsn}, log, stop) {}

    bool run(const SimulationWatch& watch) {
        bool goes_on = true;
        StampNs first_ns = 0, last_ns = 0;
        Seq next = 1;
        auto told = Steady::now();
        const auto ask = [&](StampNs reached_ns) {
            told = Steady::now();
            goes_on = watch(progress(first_ns, reached_ns));
            return goes_on;
        };
        history_.read(
            request_.from_ns, request_.to_ns,
            [&](const RegionalHistory::Row& row) {
                if (first_ns == 0) first_ns = row.received_ns;
                last_ns = row.received_ns;
                next = row.seq + 1;
                runs_.take(row.head, row.bytes, row.seq, row.received_ns);
                return Steady::now() < told + kSlice || ask(row.received_ns);
            },
            ask);
        if (!goes_on) return false;
        runs_.begin(request_.from_ns);  // nothing was in the span
        // The region has what is behind the span, too: its end is a time that has come.
        if (history_.reached_ns() >= request_.to_ns) runs_.advance(request_.to_ns, next);
        tell(last_ns);
        return true;
    }

  private:
    /// By time, from the first event on: nobody has counted the rows.
    double progress(StampNs first_ns, StampNs reached_ns) const {
        const StampNs end_ns = std::min(request_.to_ns, history_.reached_ns() + 1);
        if (first_ns == 0 || end_ns <= first_ns) return 0;
        return std::clamp(static_cast<double>(reached_ns - first_ns) / static_cast<double>(end_ns - first_ns),
                          0.0, 1.0);
    }
    /// Twice: first which keys are wanted, then with them.
    void tell(StampNs last_ns) {
        std::vector<Seq> wanted;
        runs_.tell([&](Seq anchor) {
            wanted.push_back(anchor);
            return std::string();
        });
        const auto texts = history_.key_texts(wanted, request_.from_ns, last_ns + kMicrosecondNs);
        runs_.tell([&](Seq anchor) {
            const auto text = texts.find(anchor);
            return text == texts.end() ? "(no longer in the region)" : text->second;
        });
    }

    static constexpr int64_t kMicrosecondNs = 1'000;
    const SimulationRequest& request_;
    SimulationRuns& runs_;
    RegionalHistory history_;
};

}  // namespace

LogSimulations::LogSimulations(const EventLog& log, const Engine::Options& engine, RegionDsns region_dsns)
    : log_(log), engine_(engine), region_dsns_(std::move(region_dsns)) {}

LogSimulations::~LogSimulations() {
    for (Job& job : jobs_) job.stop.request(monotonic_now_ns());
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
        view.request.region = job.view.request.region;
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
            job.stop.request(monotonic_now_ns());
            return true;
        }
    return false;
}

/// False: it was stopped.
bool LogSimulations::run_span(const Job& job, const SimulationRequest& request, SimulationView& found,
                              const SimulationWatch& watch) const {
    SimulationRuns runs(request, engine_, log_.identity().hash_secret,
                        {log_.names().tenants.begin(), log_.names().tenants.end()}, found);
    if (request.region.empty()) return LogSpan(log_, request, runs).run(watch);
    const auto dsns = region_dsns_ ? region_dsns_() : std::map<std::string, std::string>();
    const auto dsn = dsns.find(request.region);
    if (dsn == dsns.end())
        throw std::runtime_error("region " + request.region + " has no database; give its dsn");
    return RegionSpan(log_, dsn->second, request, job.stop, runs).run(watch);
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
        return !job.stop.requested();
    };
    try {
        found.state =
            run_span(job, request, found, watch) ? SimulationState::kDone : SimulationState::kCancelled;
    } catch (const PostgresStopped&) {
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

#include "admin/http/status.h"

#include <algorithm>

#include "admin/http/text.h"

namespace penstock::http {
namespace {

constexpr int64_t kSecondNs = 1'000'000'000;
constexpr int64_t kKeepNs = 5 * kSecondNs;
constexpr auto kRelaxed = std::memory_order_relaxed;

uint64_t dead_letters_of(const Telemetry& t) {
    uint64_t sum = 0;
    for (const auto& cause : t.dead_letters) sum += cause.read();
    return sum;
}

void write_percentiles(JsonWriter& json, const Histogram::Snapshot& recent) {
    const auto quantile = [&](std::string_view name, double q) {
        json.key(name);
        // Without a sample there is no percentile; zero would look like a very good one.
        if (recent.count == 0) {
            json.null();
        } else {
            json.value(static_cast<double>(recent.quantile(q)) / 1000.0);
        }
    };
    quantile("p50_us", 0.50);
    quantile("p99_us", 0.99);
}

void write_ingest(JsonWriter& json, const Telemetry& t, const Sampler& sampler, bool listening) {
    json.key("ingest").begin_object();
    // Both are set before the appliance is ready, and must not be read earlier.
    json.field("address", listening ? t.ingest_address : std::string());
    json.field("backend", listening ? t.ingest_backend : std::string());
    json.field("bytes", t.received_bytes.read())
        .field("bytes_per_second", sampler.per_second(Sampler::kBytesIn));
    json.field("producers", t.producers.read()).field("backpressure_pauses", t.backpressure_pauses.read());
    json.field("rate_limit_pauses", t.rate_limit_pauses.read()).field("overloaded", t.overloaded.read() != 0);
    json.key("connections").begin_object();
    json.field("open", t.connections_open.read()).field("accepted", t.connections_accepted.read());
    json.field("refused", t.connections_refused.read()).field("timed_out", t.connections_timed_out.read());
    json.end_object().end_object();
}

void write_events(JsonWriter& json, const Telemetry& t, const Sampler& sampler) {
    json.key("events").begin_object();
    json.field("received", t.events_received.read()).field("stored", t.events_stored.read());
    json.field("duplicates", t.events_duplicate.read()).field("resent", t.events_resent.read());
    json.field("dead_letters", dead_letters_of(t));
    json.field("received_per_second", sampler.per_second(Sampler::kReceived));
    json.field("stored_per_second", sampler.per_second(Sampler::kStored));
    json.field("duplicates_per_second", sampler.per_second(Sampler::kDuplicate));
    json.field("dead_letters_per_second", sampler.per_second(Sampler::kDeadLetters));
    json.end_object();
}

void write_stages(JsonWriter& json, const Telemetry& t, const Sampler& sampler) {
    json.key("stages").begin_array();
    for (size_t i = 0; i < kStageCount; ++i) {
        const StageTelemetry& s = t.stages[i];
        json.begin_object().field("name", kStageNames[i]);
        json.field("events_in", s.events_in.read()).field("events_out", s.events_out.read());
        json.field("per_second", sampler.stage_per_second(i)).field("depth", s.depth.read());
        write_percentiles(json, sampler.stage_recent(i));
        json.end_object();
    }
    json.end_array();
}

void write_log(JsonWriter& json, const Telemetry& t, const Sampler& sampler) {
    json.key("log").begin_object();
    json.field("first_seq", t.first_seq.load(kRelaxed)).field("next_seq", t.committed_seq.load(kRelaxed));
    json.field("commits", t.commits.read()).field("batches", t.commit_batches.read());
    json.field("commits_per_second", sampler.per_second(Sampler::kCommits));
    json.field("bytes_per_second", sampler.per_second(Sampler::kLogBytes));
    json.key("commit").begin_object();
    write_percentiles(json, sampler.recent(Sampler::kCommit));
    json.end_object();
    json.field("bytes_used", t.log_bytes_used.read()).field("bytes_max", t.log_bytes_max.read());
    json.field("records_trimmed", t.records_trimmed.read());
    json.end_object();
}

void write_regions(JsonWriter& json, const Telemetry& t, const Sampler& sampler, const Scope& scope) {
    json.key("regions").begin_array();
    for (size_t i = 0; i < t.regions.size(); ++i) {
        const RegionTelemetry& r = *t.regions[i];
        if (r.removed() || !scope.sees_region(r.name)) continue;
        json.begin_object().field("name", r.name).field("configured", r.configured.load(kRelaxed));
        json.field("state",
                   r.drained() ? "drained" : kRegionStateNames[static_cast<size_t>(r.state.load(kRelaxed))]);
        json.field("failures", r.failures_total.read());
        if (scope.all_tenants()) {
            json.field("stored", r.stored_total.load(kRelaxed));
            json.field("rows_per_second", sampler.region_rows_per_second(i));
            json.field("lag_seconds", static_cast<double>(r.lag_ns.load(kRelaxed)) * 1e-9);
            json.field("waiting", r.waiting_events.load(kRelaxed));
            json.field("flushed_seq", r.flushed_seq.load(kRelaxed));
        }
        json.field("breaker", kBreakerNames[static_cast<size_t>(r.breaker.load(kRelaxed))]);
        json.field("error", r.error()).end_object();
    }
    json.end_array();
}

void write_sla(JsonWriter& json, const Telemetry& t) {
    const auto sla = t.sla();
    json.key("sla").begin_object();
    json.field("applied_seq", t.applied_seq.load(kRelaxed));
    json.field("instances", sla->instances).field("timers", sla->timers).field("fired", sla->fired_total);
    json.field("retracted", sla->retracted_total).field("evicted", sla->evicted_total);
    // After a start: whom the deadlines wait for; null when they do not.
    json.key("hold");
    if (sla->hold_until_ns == 0) {
        json.null();
    } else {
        json.begin_object().field("until", rfc3339(sla->hold_until_ns)).key("awaited").begin_array();
        for (const std::string& producer : sla->awaited) json.value(producer);
        json.end_array().end_object();
    }
    json.key("observer_gaps").begin_array();
    for (const ObserverGap& gap : sla->gaps) {
        json.begin_object().field("from", rfc3339(gap.from_ns)).field("to", rfc3339(gap.to_ns));
        json.field("awaited", uint64_t{gap.awaited}).field("caught_up", uint64_t{gap.caught_up});
        json.key("judged");
        gap.judged_ns == 0 ? json.null() : json.value(rfc3339(gap.judged_ns));
        json.end_object();
    }
    json.end_array();
    json.key("workflows").begin_array();
    for (const auto& workflow : sla->workflows) {
        json.begin_object().field("name", workflow.name).field("condition_errors", workflow.condition_errors);
        json.key("edges").begin_array();
        for (const auto& e : workflow.edges) {
            json.begin_object().field("name", e.name).field("from", e.from).field("to", e.to);
            json.field("within_ms", e.within_ms);
            json.field("anchored", e.anchored).field("met", e.met).field("late", e.late);
            json.field("missed", e.missed).field("pending", e.pending);
            json.field("cancelled", e.cancelled).end_object();
        }
        json.end_array().end_object();
    }
    json.end_array().key("recent_missed").begin_array();
    for (const auto& m : sla->recent) {
        json.begin_object().field("workflow", m.workflow).field("from", m.from).field("to", m.to);
        json.field("key", m.key)
            .field("deadline", rfc3339(m.deadline_ns))
            .field("fired", rfc3339(m.fired_ns));
        json.end_object();
    }
    json.end_array().end_object();
}

/// What cannot be told apart by region and tenant.
void write_totals(JsonWriter& json, const Telemetry& t, const Sampler& sampler, const Counters& counters,
                  bool listening) {
    write_ingest(json, t, sampler, listening);
    write_events(json, t, sampler);
    json.key("latency").begin_object().key("processing").begin_object();
    write_percentiles(json, sampler.recent(Sampler::kProcessing));
    json.end_object().key("ack").begin_object();
    write_percentiles(json, sampler.recent(Sampler::kAck));
    json.end_object().end_object();
    write_stages(json, t, sampler);
    write_log(json, t, sampler);
    json.key("dead_letters").begin_array();
    for (size_t i = 1; i < kRefusalCount; ++i) {
        const uint64_t count = t.dead_letters[i].read();
        if (count == 0) continue;
        json.begin_object().field("cause", kRefusals[i].name).field("count", count);
        json.field("help", kRefusals[i].help).end_object();
    }
    json.end_array();
    json.key("dedup").begin_object().field("keys", t.dedup_keys.read()).field("bytes", t.dedup_bytes.read());
    json.end_object();
    write_sla(json, t);
    json.key("alerts").begin_object();
    for (size_t i = 0; i < kAlertStateNames.size(); ++i)
        json.field(kAlertStateNames[i], t.alerts[i].load(kRelaxed));
    json.end_object();
    json.key("http").begin_object().field("connections", counters.connections_open.read());
    json.field("stream_clients", counters.stream_clients.read()).end_object();
}

}  // namespace

void Sampler::sample() {
    const Telemetry& t = telemetry_;
    Sample s;
    s.at_ns = clock_.monotonic_ns();
    s.wall_ns = clock_.wall_ns();
    s.counts = {t.events_received.read(),   t.events_stored.read(),  t.events_duplicate.read(),
                dead_letters_of(t),         t.received_bytes.read(), t.commits.read(),
                t.log_bytes_appended.read()};
    s.timings = {t.ack_ns.snapshot(), t.processing_ns.snapshot(), t.commit_ns.snapshot()};
    for (size_t i = 0; i < kStageCount; ++i) {
        // What a stage took in is its work; what it passes on may be less (dedup) or nothing (the last one).
        s.stage_events[i] = t.stages[i].events_in.read();
        s.stage_timings[i] = t.stages[i].batch_ns.snapshot();
    }
    for (const auto& region : t.regions) s.region_rows.push_back(region->rows_total.read());
    samples_.push_back(std::move(s));
    while (samples_.size() > 2 && samples_.back().at_ns - samples_[1].at_ns >= kKeepNs) samples_.pop_front();
    extend_trend();
}

void Sampler::extend_trend() {
    const Sample& now = samples_.back();
    if (trend_base_.at_ns == 0) {
        trend_base_ = now;
        return;
    }
    const int64_t passed = now.at_ns - trend_base_.at_ns;
    if (passed < kSecondNs - kSecondNs / 20) return;  // timers come a little early or late
    const double seconds = static_cast<double>(passed) * 1e-9;
    const auto per_second_since = [&](Count c) {
        return static_cast<double>(now.counts[c] - trend_base_.counts[c]) / seconds;
    };
    trend_.push_back({now.wall_ns, per_second_since(kReceived), per_second_since(kStored),
                      per_second_since(kDeadLetters)});
    if (trend_.size() > kTrendPointsMax) trend_.pop_front();
    trend_base_ = now;
}

const Sampler::Sample& Sampler::a_second_ago() const {
    for (auto it = samples_.rbegin(); it != samples_.rend(); ++it) {
        if (samples_.back().at_ns - it->at_ns >= kSecondNs - kSecondNs / 20) return *it;
    }
    return samples_.front();
}

double Sampler::rate(uint64_t now, uint64_t then, const Sample& from) const {
    const int64_t passed = samples_.back().at_ns - from.at_ns;
    return passed <= 0 ? 0.0 : static_cast<double>(now - then) / (static_cast<double>(passed) * 1e-9);
}

double Sampler::per_second(Count which) const {
    if (samples_.empty()) return 0;
    const Sample& from = a_second_ago();
    return rate(samples_.back().counts[which], from.counts[which], from);
}

double Sampler::stage_per_second(size_t stage) const {
    if (samples_.empty()) return 0;
    const Sample& from = a_second_ago();
    return rate(samples_.back().stage_events[stage], from.stage_events[stage], from);
}

double Sampler::region_rows_per_second(size_t region) const {
    if (samples_.empty()) return 0;
    const Sample &from = a_second_ago(), &to = samples_.back();
    // One that came since has no rate yet.
    if (region >= from.region_rows.size() || region >= to.region_rows.size()) return 0;
    return rate(to.region_rows[region], from.region_rows[region], from);
}

Histogram::Snapshot Sampler::recent(Timing which) const {
    if (samples_.empty()) return {};
    return samples_.back().timings[which].since(samples_.front().timings[which]);
}

Histogram::Snapshot Sampler::stage_recent(size_t stage) const {
    if (samples_.empty()) return {};
    return samples_.back().stage_timings[stage].since(samples_.front().stage_timings[stage]);
}

std::string status_json(const Telemetry& t, const Sampler& sampler, const Clock& clock,
                        const Counters& counters, std::string_view build, const Scope& scope) {
    const StampNs now = clock.wall_ns();
    JsonWriter json;
    json.begin_object();
    json.field("version", t.version).field("build", build).field("log_id", t.log_id);
    const Readiness readiness = t.readiness.load(std::memory_order_acquire);
    json.field("readiness", kReadinessNames[static_cast<size_t>(readiness)]);
    json.field("failure", t.failure());
    json.field("now", rfc3339(now)).field("sampled", rfc3339(sampler.sampled_ns()));
    json.field("started", rfc3339(t.started_ns));
    json.field("uptime_seconds", std::max<StampNs>(0, now - t.started_ns) / kSecondNs);
    write_regions(json, t, sampler, scope);
    const bool limited = !scope.all_tenants() || !scope.all_regions();
    json.field("limited", limited);
    if (!limited) write_totals(json, t, sampler, counters, readiness == Readiness::kReady);
    return json.end_object().take();
}

std::string trend_json(const Sampler& sampler) {
    JsonWriter json;
    json.begin_object().field("step_seconds", 1).key("points").begin_array();
    for (const auto& p : sampler.trend()) {
        json.begin_array().value(p.at_ns / kSecondNs).value(p.received).value(p.stored).value(p.dead_letters);
        json.end_array();
    }
    json.end_array().end_object();
    return json.take();
}

}  // namespace penstock::http

#include "admin/http/metrics.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cstdio>

namespace penstock::http {
namespace {

constexpr std::array<double, 18> kBounds{1e-6,   1e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2,
                                         2.5e-2, 5e-2, 0.1,  0.25,   0.5,  1.0,  2.5,    5.0,  10.0};

/// The text under way. A family is begun once; samples follow it directly, as the format asks.
class Exposition {
  public:
    void begin(std::string_view name, std::string_view type, std::string_view help) {
        name_ = name;
        append("# HELP penstock_{} {}\n# TYPE penstock_{} {}\n", name, help, name, type);
    }
    template <typename T>
    void sample(T value) {
        append("penstock_{} {}\n", name_, value);
    }
    template <typename T>
    void sample(std::string_view label, std::string_view label_value, T value) {
        append("penstock_{}{{{}=\"{}\"}} {}\n", name_, label, escaped(label_value), value);
    }
    template <typename T>
    void single(std::string_view name, std::string_view type, std::string_view help, T value) {
        begin(name, type, help);
        sample(value);
    }

    /// Cumulative buckets at round bounds. The histogram's own bucket that holds a bound counts above it, so
    /// an objective never looks better than it is (by at most one bucket, 12.5%).
    void histogram(const Histogram& source, std::string_view label = {}, std::string_view label_value = {}) {
        const Histogram::Snapshot s = source.snapshot();
        const std::string own = label.empty() ? "" : fmt::format("{}=\"{}\"", label, escaped(label_value));
        const std::string prefix = own.empty() ? "" : own + ",";
        const std::string braces = own.empty() ? "" : "{" + own + "}";
        uint64_t cumulative = 0;
        size_t cell = 0;
        for (const double bound : kBounds) {
            const auto bound_ns = static_cast<uint64_t>(bound * 1e9 + 0.5);
            while (cell < Histogram::kBuckets && Histogram::upper_edge(cell) <= bound_ns) {
                cumulative += s.cells[cell++];
            }
            append("penstock_{}_bucket{{{}le=\"{}\"}} {}\n", name_, prefix, bound, cumulative);
        }
        append("penstock_{}_bucket{{{}le=\"+Inf\"}} {}\n", name_, prefix, s.count);
        append("penstock_{}_sum{} {}\n", name_, braces, seconds(static_cast<double>(s.sum)));
        append("penstock_{}_count{} {}\n", name_, braces, s.count);
    }

    static double seconds(double ns) { return ns * 1e-9; }
    std::string take() { return std::move(out_); }

  private:
    template <typename... Args>
    void append(fmt::format_string<Args...> format, Args&&... args) {
        fmt::format_to(std::back_inserter(out_), format, std::forward<Args>(args)...);
    }
    static std::string escaped(std::string_view text) {
        std::string out;
        for (const char c : text) {
            if (c == '\n') {
                out += "\\n";
                continue;
            }
            if (c == '"' || c == '\\') out += '\\';
            out += c;
        }
        return out;
    }

    std::string out_, name_;
};

void intake(Exposition& x, const Telemetry& t) {
    x.single("received_bytes_total", "counter", "Bytes read from producers.", t.received_bytes.read());
    x.single("connections_open", "gauge", "Producer connections open now.", t.connections_open.read());
    x.single("connections_accepted_total", "counter", "Producer connections accepted.",
             t.connections_accepted.read());
    x.single("connections_refused_total", "counter", "Producer connections refused at the limit.",
             t.connections_refused.read());
    x.single("connections_timed_out_total", "counter", "Producer connections closed for idling or stalling.",
             t.connections_timed_out.read());
    x.single("producers", "gauge", "Named producers known.", t.producers.read());
    x.single("backpressure_pauses_total", "counter",
             "Times that reading stopped because a later stage was full.", t.backpressure_pauses.read());
    x.single("rate_limit_pauses_total", "counter",
             "Times that a tenant was not read because it was over its rate.", t.rate_limit_pauses.read());
    x.single("overloaded", "gauge",
             "1 while no producer is read because the log or the dedup window is full.", t.overloaded.read());
    x.single("events_received_total", "counter", "Events read, before any check.", t.events_received.read());
    x.single("events_stored_total", "counter", "Events accepted and sequenced.", t.events_stored.read());
    x.single("events_duplicate_total", "counter", "Events recognised as repeats by their identity.",
             t.events_duplicate.read());
    x.single("events_resent_total", "counter", "Events recognised as repeats by producer and sequence.",
             t.events_resent.read());
    x.begin("dead_letters_total", "counter", "Events refused and kept as dead letters, by cause.");
    for (size_t i = 1; i < kRefusalCount; ++i) x.sample("cause", kRefusals[i].name, t.dead_letters[i].read());
    x.single("dedup_keys", "gauge", "Identities in the dedup window.", t.dedup_keys.read());
    x.single("dedup_bytes", "gauge", "Memory of the dedup window.", t.dedup_bytes.read());
    x.begin("ack_seconds", "histogram", "Time from the last byte read to the durable ack, of each event.");
    x.histogram(t.ack_ns);
}

void stages(Exposition& x, const Telemetry& t) {
    const auto each = [&](auto&& emit) {
        for (size_t i = 0; i < kStageCount; ++i) emit(kStageNames[i], t.stages[i]);
    };
    x.begin("stage_events_in_total", "counter", "Events that a stage took.");
    each([&](auto name, const StageTelemetry& s) { x.sample("stage", name, s.events_in.read()); });
    x.begin("stage_events_out_total", "counter", "Events that a stage passed on.");
    each([&](auto name, const StageTelemetry& s) { x.sample("stage", name, s.events_out.read()); });
    x.begin("stage_depth_batches", "gauge", "Batches that wait before a stage.");
    each([&](auto name, const StageTelemetry& s) { x.sample("stage", name, s.depth.read()); });
    x.begin("stage_batch_seconds", "histogram", "Time that a stage spent on the batch of each event.");
    each([&](auto name, const StageTelemetry& s) { x.histogram(s.batch_ns, "stage", name); });
}

void log_and_engine(Exposition& x, const Telemetry& t) {
    x.single("log_first_sequence", "gauge", "Oldest sequence still in the log.",
             t.first_seq.load(std::memory_order_relaxed));
    x.single("log_committed_sequence", "gauge", "All sequences below are durable.",
             t.committed_seq.load(std::memory_order_relaxed));
    x.single("log_commits_total", "counter", "Durable group commits.", t.commits.read());
    x.single("log_batches_total", "counter", "Batches committed.", t.commit_batches.read());
    x.single("log_appended_bytes_total", "counter", "Bytes appended to the log.",
             t.log_bytes_appended.read());
    x.single("log_used_bytes", "gauge", "Space that the log takes on disk.", t.log_bytes_used.read());
    x.single("log_max_bytes", "gauge", "Space that the log may take.", t.log_bytes_max.read());
    x.single("log_records_trimmed_total", "counter", "Records removed by retention.",
             t.records_trimmed.read());
    x.begin("log_commit_seconds", "histogram", "Time of a group commit.");
    x.histogram(t.commit_ns);

    x.begin("processing_seconds", "histogram",
            "Time from the last byte read to SLA effects computed, of each event.");
    x.histogram(t.processing_ns);
    x.single("sla_applied_sequence", "gauge", "Sequence that the SLA engine has reached.",
             t.applied_seq.load(std::memory_order_relaxed));
    const auto sla = t.sla();
    x.single("sla_instances", "gauge", "Workflow instances in flight.", sla->instances);
    x.single("sla_timers", "gauge", "Deadlines armed.", sla->timers);
    x.single("sla_fired_total", "counter", "Deadlines that passed.", sla->fired_total);
    x.single("sla_retracted_total", "counter", "Missed deadlines taken back: an on-time event arrived late.",
             sla->retracted_total);
    x.single("sla_evicted_total", "counter", "Instances given up at the limit or by age.",
             sla->evicted_total);
    uint64_t met = 0, late = 0, missed = 0, pending = 0, cancelled = 0, condition_errors = 0;
    for (const auto& workflow : sla->workflows) {
        for (const auto& edge : workflow.edges) {
            met += edge.met, late += edge.late, missed += edge.missed, pending += edge.pending;
            cancelled += edge.cancelled;
        }
        condition_errors += workflow.condition_errors;
    }
    // Gauges: a missed edge becomes late or met when its event arrives after all.
    x.begin("sla_edges", "gauge", "Edges of all workflows by outcome.");
    x.sample("outcome", "met", met);
    x.sample("outcome", "late", late);
    x.sample("outcome", "missed", missed);
    x.sample("outcome", "pending", pending);
    x.sample("outcome", "cancelled", cancelled);
    x.single("sla_condition_errors", "gauge",
             "Conditions of active workflows that could not be evaluated, and so did not match.",
             condition_errors);
    x.single("checkpoints_total", "counter", "Checkpoints of the engine's state.", t.checkpoints.read());
    x.begin("checkpoint_seconds", "histogram", "Time of a checkpoint.");
    x.histogram(t.checkpoint_ns);
}

void regions(Exposition& x, const Telemetry& t) {
    if (t.regions.empty()) return;
    const auto each = [&](auto&& value) {
        for (const auto& region : t.regions)
            if (!region->removed()) x.sample("region", region->name, value(*region));
    };
    constexpr auto kRelaxed = std::memory_order_relaxed;
    x.begin("region_configured", "gauge", "1 where the region has a database.");
    each([](const RegionTelemetry& r) { return r.configured.load(kRelaxed) ? 1 : 0; });
    x.begin("region_stored_rows", "gauge", "Rows in the region's database that came from this log.");
    each([](const RegionTelemetry& r) { return r.stored_total.load(kRelaxed); });
    x.begin("region_lag_seconds", "gauge", "Age of the oldest event that waits for the region.");
    each([](const RegionTelemetry& r) {
        return Exposition::seconds(static_cast<double>(r.lag_ns.load(kRelaxed)));
    });
    x.begin("region_waiting_events", "gauge", "Events that wait for the region.");
    each([](const RegionTelemetry& r) { return r.waiting_events.load(kRelaxed); });
    x.begin("region_flushed_sequence", "gauge", "The region's cursor in the log.");
    each([](const RegionTelemetry& r) { return r.flushed_seq.load(kRelaxed); });
    x.begin("region_breaker_open", "gauge", "0: closed, 0.5: half open, 1: open.");
    each([](const RegionTelemetry& r) {
        const BreakerState state = r.breaker.load(kRelaxed);
        return state == BreakerState::kClosed ? 0.0 : state == BreakerState::kOpen ? 1.0 : 0.5;
    });
    x.begin("region_flushes_total", "counter", "Transactions committed in the region.");
    each([](const RegionTelemetry& r) { return r.flushes_total.read(); });
    x.begin("region_rows_total", "counter", "Rows flushed to the region since start.");
    each([](const RegionTelemetry& r) { return r.rows_total.read(); });
    x.begin("region_failures_total", "counter", "Flushes that failed.");
    each([](const RegionTelemetry& r) { return r.failures_total.read(); });
    x.begin("region_flush_seconds", "histogram", "Time of a flush transaction.");
    for (const auto& region : t.regions)
        if (!region->removed()) x.histogram(region->flush_ns, "region", region->name);
}

void process_and_http(Exposition& x, const Counters& c) {
    if (FILE* file = std::fopen("/proc/self/stat", "re")) {
        unsigned long long user = 0, system = 0;
        long long resident_pages = 0;
        // Fields 14, 15 and 24; the second is a name that may hold blanks, but ends in the last ')'.
        char text[1024] = {};
        const size_t got = std::fread(text, 1, sizeof text - 1, file);
        std::fclose(file);
        const size_t name_end = std::string_view(text, got).rfind(')');
        if (name_end != std::string_view::npos &&
            std::sscanf(
                text + name_end + 1,
                " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d %*d %*d %*d %*d %*u %*u %lld",
                &user, &system, &resident_pages) == 3) {
            const auto hertz = static_cast<double>(sysconf(_SC_CLK_TCK));
            x.single("process_cpu_seconds_total", "counter", "CPU time of the process, user and system.",
                     static_cast<double>(user + system) / hertz);
            x.single("process_resident_memory_bytes", "gauge", "Resident memory, the log's mapping included.",
                     resident_pages * sysconf(_SC_PAGESIZE));
        }
    }
    x.single("http_connections_open", "gauge", "HTTP connections open now.", c.connections_open.read());
    x.single("http_connections_accepted_total", "counter", "HTTP connections accepted.",
             c.connections_accepted.read());
    x.single("http_connections_refused_total", "counter", "HTTP connections refused at the limit.",
             c.connections_refused.read());
    x.single("http_requests_total", "counter", "HTTP requests answered.", c.requests.read());
    x.single("http_client_errors_total", "counter", "Answers of class 4xx.", c.client_errors.read());
    x.single("http_server_errors_total", "counter", "Answers of class 5xx.", c.server_errors.read());
    x.single("query_cache_hits_total", "counter", "Queries over events answered from the cache.",
             c.query_cache_hits.read());
    x.single("query_cache_misses_total", "counter", "Queries over events that were not.",
             c.query_cache_misses.read());
    x.single("query_cache_bytes", "gauge", "Size of the cached answers.", c.query_cache_bytes.read());
    x.single("queries_refused_total", "counter", "Queries refused because too many were under way.",
             c.queries_refused.read());
    x.single("http_stream_clients", "gauge", "WebSocket clients of the live stream.",
             c.stream_clients.read());
    x.single("http_stream_pushes_total", "counter", "Snapshots sent to stream clients.",
             c.stream_pushes.read());
    x.single("http_stream_pushes_skipped_total", "counter", "Snapshots not sent because a client was slow.",
             c.stream_pushes_skipped.read());
}

}  // namespace

std::string metrics_text(const Telemetry& telemetry, const DeadLetterBook::Counts& letters,
                         const Counters& counters) {
    Exposition x;
    x.begin("build_info", "gauge", "Always 1; the label tells the version.");
    x.sample("version", telemetry.version, 1);
    x.single("ready", "gauge", "1 when the appliance takes and answers events.",
             telemetry.readiness.load(std::memory_order_relaxed) == Readiness::kReady ? 1 : 0);
    x.single("start_time_seconds", "gauge", "When the appliance started, seconds since 1970.",
             Exposition::seconds(static_cast<double>(telemetry.started_ns)));
    intake(x, telemetry);
    x.begin("dead_letters_held", "gauge", "Dead letters in the log, by what has been done with them.");
    for (size_t i = 0; i < letters.size(); ++i) x.sample("status", kLetterStatusNames[i], letters[i]);
    x.begin("alerts", "gauge", "Alerts by the state of their last episode.");
    for (size_t i = 0; i < telemetry.alerts.size(); ++i)
        x.sample("state", kAlertStateNames[i], telemetry.alerts[i].load(std::memory_order_relaxed));
    x.begin("notifications_total", "counter", "Attempts to deliver notifications, by outcome.");
    constexpr std::array<std::string_view, 3> kOutcomes{"delivered", "failed", "retried"};
    for (size_t i = 0; i < kOutcomes.size(); ++i)
        x.sample("outcome", kOutcomes[i], telemetry.notifications[i].load(std::memory_order_relaxed));
    stages(x, telemetry);
    log_and_engine(x, telemetry);
    regions(x, telemetry);
    process_and_http(x, counters);
    return x.take();
}

}  // namespace penstock::http

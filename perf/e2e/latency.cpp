// Open loop: every event has its time; what a producer sees from that time to the durable ack, and what the
// appliance itself takes from the last byte read to the SLA effects computed.
#include <fstream>
#include <iostream>
#include <string>

#include "perf/e2e/e2e.h"
#include "perf/support/id_digest.h"

namespace penstock::bench {
namespace {

constexpr double kProcessingTargetUs = 1000, kDurableTargetMs = 5;

/// Of all processors since the host started: what its own host gave to others while they wanted to run, and
/// the whole. On a shared machine a percent of it is a percent of events that waited for milliseconds.
struct HostTime {
    double stolen = 0, all = 0;

    HostTime() {
        std::ifstream stat("/proc/stat");
        std::string cpu;
        stat >> cpu;
        for (int field = 0; field < 8; ++field) {  // user nice system idle iowait irq softirq steal
            double ticks = 0;
            stat >> ticks;
            all += ticks;
            stolen = ticks;
        }
    }
};

void run_one(const EndToEndOptions& options, EventFeed::Format format) {
    const std::string folder = options.folder + "/" + std::string(name_of(format));
    ApplianceProcess appliance(
        {options.program,
         folder,
         fmt::format("[state]\ncheckpoint_s = {}\n[sla]\nworkflows = [\"workflow.json\"]\n",
                     options.checkpoint_s),
         std::string(kWorkflow),
         {}});
    const EventFeed::Options given{.format = format, .mix = options.mix};
    EventFeed feed(given);
    {  // pages, code and branch predictors
        LoadOptions warm{.port = appliance.ingest_port(),
                         .format = format,
                         .events = static_cast<uint64_t>(options.rate),
                         .rate = options.rate,
                         .connections = options.connections};
        Load(feed, warm).run();
    }
    const auto before = appliance.histogram("penstock_processing_seconds");
    LoadOptions load{.port = appliance.ingest_port(),
                     .format = format,
                     .events = static_cast<uint64_t>(options.rate * options.seconds),
                     .rate = options.rate,
                     .connections = options.connections};
    Runs p50, p99, anonymous;
    const double cpu_before = appliance.cpu_seconds();
    const HostTime host_before;
    Load producer(feed, load);
    Watcher watcher(1'000'000'000, [&](int second) {
        anonymous.add(static_cast<double>(appliance.anonymous_bytes()) / 1048576);
        if (second % 5 != 0) return;
        const auto processing = appliance.status().at("latency").at("processing");
        p50.add(real_of(processing.at("p50_us")));
        p99.add(real_of(processing.at("p99_us")));
    });
    const LoadReport& report = producer.run();
    watcher.finish();
    const double cpu = (appliance.cpu_seconds() - cpu_before) / report.seconds;
    const HostTime host;
    options.mix ? check_event_accounts(appliance, feed.effects()) : check_accounts(appliance, feed.effects());
    const auto after = appliance.histogram("penstock_processing_seconds");
    appliance.stop();
    appliance.verify_log();
    digest_of_log(folder + "/data/log")
        .expect_same(digest_of_feed(given, feed.effects().events, Repeats::kOnce),
                     order_over(options.connections));

    const std::string name = fmt::format("{}{}", name_of(format), options.mix ? "_mix" : "");
    const auto ms = [&](double q) { return static_cast<double>(report.latency.quantile(q)) / 1e6; };
    Result(fmt::format("e2e/open_loop/{}/durable_ack_p50", name), ms(0.5), "ms")
        .more("rate", options.rate)
        .more("connections", static_cast<double>(options.connections))
        .more("checkpoint_s", options.checkpoint_s)
        .more("seconds", report.seconds)
        .more("acked", static_cast<double>(report.acked))
        .more("p90_ms", ms(0.9))
        .more("p99_ms", ms(0.99))
        .more("p99_9_ms", ms(0.999))
        .more("p99_99_ms", ms(0.9999))
        .more("max_ms", static_cast<double>(report.latency.max_ns()) / 1e6)
        .more("appliance_cpu_cores", cpu)
        .more("producer_cpu_cores", report.cpu_seconds / report.seconds)
        .note("from the intended send time, at the producer")
        .print();
    Result(fmt::format("e2e/open_loop/{}/durable_ack_p99", name), ms(0.99), "ms")
        .target(kDurableTargetMs, true)
        .print();
    Result(fmt::format("e2e/open_loop/{}/durable_ack_p99.9", name), ms(0.999), "ms").print();
    Result(fmt::format("e2e/open_loop/{}/durable_ack_p99.99", name), ms(0.9999), "ms").print();
    if (p50.count() > 0) {
        Result(fmt::format("e2e/open_loop/{}/processing_p50", name), p50, "us")
            .note("windows of 5 s")
            .print();
        uint64_t within = 0, all = after.count - before.count;
        for (size_t i = 0; i < after.at_most.size(); ++i)
            if (after.at_most[i].first < 0.00100001)
                within = after.at_most[i].second - before.at_most[i].second;
        Result(fmt::format("e2e/open_loop/{}/processing_p99", name), p99, "us")
            .target(kProcessingTargetUs, true)
            .more("share_within_1ms", all == 0 ? 0 : static_cast<double>(within) / static_cast<double>(all))
            .more("host_stolen_share", (host.stolen - host_before.stolen) / (host.all - host_before.all))
            .note("last byte read to SLA effects computed; the appliance's histogram, windows of 5 s")
            .print();
    }
    if (anonymous.count() > 0)
        Result(fmt::format("e2e/open_loop/{}/anonymous_memory", name), anonymous, "MiB")
            .note("of the appliance, each second; dedup keys of a window of 600 s and SLA instances gather")
            .print();
}

}  // namespace

void run_latency(const EndToEndOptions& options) {
    if (options.format != "binary") run_one(options, EventFeed::Format::kJson);
    if (options.format != "json") run_one(options, EventFeed::Format::kBinary);
}

}  // namespace penstock::bench

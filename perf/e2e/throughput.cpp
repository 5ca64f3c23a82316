// Closed loop: one producer that sends as fast as its events are acknowledged, whole pipeline on.
#include <filesystem>
#include <iostream>
#include <memory>

#include "perf/e2e/e2e.h"

namespace penstock::bench {
namespace {

constexpr double kTargetJson = 400'000;

struct Side {
    explicit Side(EventFeed::Format wire_format)
        : format(wire_format),
          feed({.format = wire_format, .seed = wire_format == EventFeed::Format::kJson ? 1u : 2u}) {}
    EventFeed::Format format;
    EventFeed feed;
    Runs events_per_s, cpu_ns, own_cpu_ns;
};

}  // namespace

void run_throughput(const EndToEndOptions& options) {
    ApplianceProcess appliance({options.program,
                                options.folder,
                                std::string(kLargeLog) + "[sla]\nworkflows = [\"workflow.json\"]\n",
                                std::string(kWorkflow),
                                {}});
    std::vector<std::unique_ptr<Side>> sides;
    if (options.format != "binary") sides.push_back(std::make_unique<Side>(EventFeed::Format::kJson));
    if (options.format != "json") sides.push_back(std::make_unique<Side>(EventFeed::Format::kBinary));
    const auto total = [&] {
        FeedEffects all;
        for (const auto& side : sides) all = sum(all, side->feed.effects());
        return all;
    };
    for (size_t run = 0; run <= options.runs; ++run) {
        for (auto& side : sides) {
            LoadOptions load;
            load.port = appliance.ingest_port();
            load.format = side->format;
            load.events = run == 0 ? kWarmUpEvents : options.events;
            const double cpu_before = appliance.cpu_seconds();
            const LoadReport report = Load(side->feed, load).run();
            check_accounts(appliance, total());
            if (run == 0) continue;
            const auto n = static_cast<double>(load.events);
            side->events_per_s.add(n / report.seconds);
            side->cpu_ns.add((appliance.cpu_seconds() - cpu_before) * 1e9 / n);
            side->own_cpu_ns.add(report.cpu_seconds * 1e9 / n);
            std::cerr << fmt::format("throughput {} {}/{}: {:.0f} events/s\n", name_of(side->format), run,
                                     options.runs, n / report.seconds);
        }
    }
    const uint64_t anonymous = appliance.anonymous_bytes();
    appliance.stop();
    appliance.verify_log();
    for (const auto& side : sides) {
        Result result(fmt::format("e2e/throughput/{}", name_of(side->format)), side->events_per_s,
                      "events/s");
        if (side->format == EventFeed::Format::kJson) result.target(kTargetJson);
        result.more("bytes_an_event", side->feed.bytes_an_event())
            .more("appliance_cpu_ns_an_event", side->cpu_ns.median())
            .more("producer_cpu_ns_an_event", side->own_cpu_ns.median())
            .more("events_a_run", static_cast<double>(options.events))
            .more("anonymous_mib_at_end", static_cast<double>(anonymous) / 1048576)
            .note("one connection, closed loop, durable acks, SLA timers armed")
            .print();
    }
}

}  // namespace penstock::bench

#include "perf/e2e/in_turns.h"

#include <iostream>

namespace penstock::bench {
namespace {

EventFeed::Options binary(EventFeed::Options feed) {
    feed.format = EventFeed::Format::kBinary;
    return feed;
}

}  // namespace

Side::Side(const EndToEndOptions& options, const Options& side)
    : name(side.name),
      folder(options.folder + "/" + side.name),
      feed(binary(side.feed)),
      load_options(side.load),
      appliance({options.program, folder, side.config, std::string(side.workflow), {}}) {}

LoadReport Side::load(uint64_t events, double rate) {
    LoadOptions now = load_options;
    now.port = appliance.ingest_port();
    now.format = EventFeed::Format::kBinary;
    now.events = events;
    now.rate = rate;
    const LoadReport report = Load(feed, now).run();
    check_accounts(appliance, feed.effects());
    return report;
}

void Side::measure(uint64_t events) {
    const double cpu_before = appliance.cpu_seconds();
    const LoadReport report = load(events);
    const auto n = static_cast<double>(events);
    events_per_s.add(n / report.seconds);
    cpu_ns.add((appliance.cpu_seconds() - cpu_before) * 1e9 / n);
    producer_cpu_ns.add(report.cpu_seconds * 1e9 / n);
    std::cerr << fmt::format("{} {}: {:.0f} events/s\n", name, events_per_s.count(), events_per_s.last());
}

void Side::stop() {
    appliance.stop();
    appliance.verify_log();
}

void compare_in_turns(const EndToEndOptions& options, Side& few, Side& many, std::string_view prefix,
                      std::string_view note) {
    Runs share, cpu;
    for (Side* side : {&few, &many}) side->load(kWarmUpEvents);
    for (size_t run = 1; run <= options.runs; ++run) {
        std::cerr << fmt::format("{} {}/{}\n", prefix, run, options.runs);
        for (Side* side : {&few, &many}) side->measure(options.events);
        share.add(many.events_per_s.last() / few.events_per_s.last());
        cpu.add(many.cpu_ns.last() / few.cpu_ns.last());
    }
    for (Side* side : {&few, &many}) {
        const auto status = side->appliance.status();
        Result(fmt::format("{}/throughput/{}", prefix, side->name), side->events_per_s, "events/s")
            .more("appliance_cpu_ns_an_event", side->cpu_ns.median())
            .more("producer_cpu_ns_an_event", side->producer_cpu_ns.median())
            .more("events_a_run", static_cast<double>(options.events))
            .more("connections", static_cast<double>(side->load_options.connections))
            .more("dedup_keys_at_end", real_of(status.at("dedup").at("keys")))
            .more("cases_at_end", real_of(status.at("sla").at("instances")))
            .more("anonymous_mib_at_end", static_cast<double>(side->appliance.anonymous_bytes()) / 1048576)
            .note("binary, closed loop, durable acks; in turns")
            .print();
    }
    Result(fmt::format("{}/{}_to_{}", prefix, many.name, few.name), share, "ratio")
        .target(kShareOfFew)
        .more("appliance_cpu_ratio", cpu.median())
        .note(note)
        .print();
}

}  // namespace penstock::bench

// An appliance with 1,000 workflows beside one with a single one, and how long after its deadline a missed
// one is told. All binary: what the engine costs shows most beside the cheaper format.
#include <filesystem>
#include <fstream>
#include <iostream>

#include "perf/e2e/e2e.h"
#include "perf/support/latency.h"
#include "stages/sla/engine.h"
#include "storage/event_log.h"

namespace penstock::bench {
namespace {

constexpr uint32_t kWorkflows = 1'000;
constexpr uint64_t kWarmUpEvents = 200'000;
constexpr double kShareOfOne = 0.7, kDelayMs = 20;
constexpr EventFeed::Format kFormat = EventFeed::Format::kBinary;

struct Side {
    Side(const EndToEndOptions& options, uint32_t workflows)
        : folder(options.folder + "/" + std::to_string(workflows)),
          feed({.format = kFormat, .workflows = workflows == 1 ? 0 : workflows}),
          appliance(appliance_options(options.program, folder, workflows)) {}

    static ApplianceProcess::Options appliance_options(const std::string& program, const std::string& folder,
                                                       uint32_t workflows) {
        std::filesystem::create_directories(folder);
        std::string files;
        for (uint32_t w = 0; w < workflows; ++w) {
            const std::string name = fmt::format("w{}.json", w);
            std::ofstream(folder + "/" + name)
                << (workflows == 1 ? std::string(kWorkflow) : workflow_of_own_types(w));
            files += fmt::format("{}\"{}\"", w == 0 ? "" : ", ", name);
        }
        return {program,
                folder,
                "[log]\nbytes_max = \"32GiB\"\nretention_bytes = \"24GiB\"\n[state]\ncheckpoint_s = 5\n"
                "[sla]\nworkflows = [" +
                    files + "]\n",
                {},
                {}};
    }
    /// rate: 0 as fast as it goes.
    LoadReport load(uint64_t events, double rate = 0) {
        const LoadReport report =
            Load(feed, {.port = appliance.ingest_port(), .format = kFormat, .events = events, .rate = rate})
                .run();
        check_accounts(appliance, feed.effects());
        return report;
    }

    const std::string folder;
    EventFeed feed;
    ApplianceProcess appliance;
    Runs events_per_s, cpu_ns;
};

/// Of the deadlines in a span under load.
struct Delays {
    std::string_view name;
    StampNs from_ns = 0, to_ns = 0;
    double events_per_s = 0;
    LatencyHistogram delay = {};

    void print() const {
        const auto ms = [&](double q) { return static_cast<double>(delay.quantile(q)) / 1e6; };
        const double seconds = static_cast<double>(to_ns - from_ns) * 1e-9;
        Result(fmt::format("e2e/workflows/deadline_delay_p99/{}", name), ms(0.99), "ms")
            .target(kDelayMs, true)
            .more("p50_ms", ms(0.5))
            .more("p99_9_ms", ms(0.999))
            .more("max_ms", static_cast<double>(delay.max_ns()) / 1e6)
            .more("deadlines_a_second", static_cast<double>(delay.count()) / seconds)
            .more("events_a_second", events_per_s)
            .note("from each missed deadline to the stamp of the record that told it; 1,000 workflows")
            .print();
    }
};

/// What the appliance told, once more and all of it: its engine over its log.
void tell_again(const std::string& folder, std::span<Delays> spans, uint64_t missed_at_least) {
    const EventLog log({.path = folder + "/data/log", .read_only = true});
    Engine engine(Engine::Options{});
    uint64_t missed = 0;
    engine.on_effect = [&](const SlaEffect& effect) {
        if (effect.kind != SlaEffect::Kind::kMissed) return;
        ++missed;
        for (Delays& span : spans)
            if (effect.deadline_ns >= span.from_ns && effect.deadline_ns < span.to_ns)
                span.delay.record(effect.at_ns - effect.deadline_ns);
    };
    LogReader(log).scan(1, [&](const RecordView& record) {
        engine.apply(record);
        return true;
    });
    expect(missed >= missed_at_least,
           fmt::format("the log tells of {} missed deadlines, the appliance of {}", missed, missed_at_least));
}

}  // namespace

void run_workflows(const EndToEndOptions& options) {
    Side one(options, 1), thousand(options, kWorkflows);
    Runs share, cpu;
    for (size_t run = 0; run <= options.runs; ++run) {
        for (Side* side : {&one, &thousand}) {
            const uint64_t events = run == 0 ? kWarmUpEvents : options.events;
            const double cpu_before = side->appliance.cpu_seconds();
            const LoadReport report = side->load(events);
            if (run == 0) continue;
            const auto n = static_cast<double>(events);
            side->events_per_s.add(n / report.seconds);
            side->cpu_ns.add((side->appliance.cpu_seconds() - cpu_before) * 1e9 / n);
            std::cerr << fmt::format("workflows {} {}/{}: {:.0f} events/s\n", side == &one ? 1 : kWorkflows,
                                     run, options.runs, n / report.seconds);
        }
        if (run == 0) continue;
        share.add(thousand.events_per_s.last() / one.events_per_s.last());
        cpu.add(thousand.cpu_ns.last() / one.cpu_ns.last());
    }
    for (Side* side : {&one, &thousand})
        Result(fmt::format("e2e/workflows/throughput/{}", side == &one ? 1 : kWorkflows), side->events_per_s,
               "events/s")
            .more("appliance_cpu_ns_an_event", side->cpu_ns.median())
            .more("events_a_run", static_cast<double>(options.events))
            .more("anonymous_mib_at_end", static_cast<double>(side->appliance.anonymous_bytes()) / 1048576)
            .note("binary, one connection, closed loop, durable acks; in turns")
            .print();
    Result("e2e/workflows/1000_to_one", share, "ratio")
        .target(kShareOfOne)
        .more("appliance_cpu_ratio", cpu.median())
        .note("events/s with 1,000 workflows to those with one")
        .print();
    one.appliance.stop();

    Delays spans[] = {{.name = "closed_loop"}, {.name = "open_loop"}};
    for (Delays& span : spans) {
        const bool open = &span == &spans[1];
        span.from_ns = SystemClock().wall_ns();
        const LoadReport report =
            open ? thousand.load(static_cast<uint64_t>(options.rate * options.seconds), options.rate)
                 : thousand.load(4 * options.events);
        span.to_ns = span.from_ns + static_cast<int64_t>(report.seconds * 1e9);
        span.events_per_s = static_cast<double>(report.acked) / report.seconds;
    }
    const uint64_t missed = number_of(thousand.appliance.status().at("sla").at("fired"));
    thousand.appliance.stop();
    thousand.appliance.verify_log();
    tell_again(thousand.folder, spans, missed);
    for (const Delays& span : spans) span.print();
}

}  // namespace penstock::bench

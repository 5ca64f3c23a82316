// An appliance with 1,000 workflows beside one with a single one, and how long after its deadline a missed
// one is told.
#include <filesystem>
#include <fstream>

#include "perf/e2e/in_turns.h"
#include "perf/support/latency.h"
#include "stages/sla/engine.h"
#include "storage/event_log.h"

namespace penstock::bench {
namespace {

constexpr uint32_t kWorkflows = 1'000;
constexpr double kDelayMs = 20;

/// Writes so many documents, and names them for appliances with folders beside them.
std::string config_of_own_types(const std::string& folder, uint32_t workflows) {
    std::filesystem::create_directories(folder);
    std::string files;
    for (uint32_t w = 0; w < workflows; ++w) {
        const std::string name = fmt::format("w{}.json", w);
        std::ofstream(folder + "/" + name) << workflow_of_own_types(w);
        files += fmt::format("{}\"../{}\"", w == 0 ? "" : ", ", name);
    }
    return fmt::format("{}[sla]\nworkflows = [{}]\n", kLargeLog, files);
}

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
    Side one(options, {.name = "1",
                       .config = std::string(kLargeLog) + "[sla]\nworkflows = [\"workflow.json\"]\n",
                       .workflow = kWorkflow});
    Side thousand(options, {.name = std::to_string(kWorkflows),
                            .config = config_of_own_types(options.folder, kWorkflows),
                            .feed = {.workflows = kWorkflows}});
    compare_in_turns(options, one, thousand, "e2e/workflows",
                     "events/s with 1,000 workflows to those with one; one connection");
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
    thousand.stop();
    tell_again(thousand.folder, spans, missed);
    for (const Delays& span : spans) span.print();
}

}  // namespace penstock::bench

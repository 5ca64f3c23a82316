// kill -9 under load, with a full dedup window and a million keys in flight: how long until it accepts again.
#include <chrono>
#include <fstream>
#include <iostream>
#include <thread>

#include "perf/e2e/e2e.h"

namespace penstock::bench {
namespace {

constexpr double kTargetS = 5;
constexpr uint64_t kBlockEvents = 65'536;
/// What it waits for never comes, so that every key stays in flight.
constexpr std::string_view kOpenWorkflow = R"({
  "name": "cases", "key": "subject",
  "edges": [{"from": "motion_detection", "to": "case_closed", "within_ms": 3600000}]
}
)";

}  // namespace

void run_recovery(const EndToEndOptions& options) {
    const ApplianceProcess::Options appliance_options{options.program,
                                                      options.folder,
                                                      "[sla]\nworkflows = [\"workflow.json\"]\n",
                                                      std::string(kOpenWorkflow),
                                                      {}};
    const auto blocks = static_cast<double>(options.window_events) / static_cast<double>(kBlockEvents);
    // Some subjects of a block see no motion.
    const auto cameras = static_cast<uint32_t>(1.1 * static_cast<double>(options.keys) / blocks) + 1;
    EventFeed feed({.format = EventFeed::Format::kBinary, .block_events = kBlockEvents, .cameras = cameras});
    uint64_t acked = options.window_events;
    {
        ApplianceProcess appliance(appliance_options);
        std::cerr << fmt::format("recovery: {} events first\n", options.window_events);
        Load(feed, {.port = appliance.ingest_port(),
                    .format = EventFeed::Format::kBinary,
                    .events = options.window_events})
            .run();
        std::cerr << fmt::format("recovery: {:.0f} events/s for {} s, then kill -9\n", options.rate,
                                 options.seconds);
        Load load(feed, {.port = appliance.ingest_port(),
                         .format = EventFeed::Format::kBinary,
                         .events = static_cast<uint64_t>(options.rate * options.seconds * 2),
                         .rate = options.rate});
        std::thread killer([&] {
            std::this_thread::sleep_for(std::chrono::duration<double>(options.seconds));
            appliance.kill_now();
        });
        try {
            load.run();
            killer.join();
            throw CheckFailed("the load ended before the kill");
        } catch (const CheckFailed&) {
            throw;
        } catch (const std::runtime_error&) {  // the connection was lost
            killer.join();
        }
        acked += load.acked_now();
    }
    const int64_t began_ns = monotonic_now_ns();
    ApplianceProcess appliance(appliance_options);
    const int64_t ready_ns = monotonic_now_ns();
    Load(feed, {.port = appliance.ingest_port(), .format = EventFeed::Format::kBinary, .events = 1}).run();
    const double seconds = static_cast<double>(monotonic_now_ns() - began_ns) * 1e-9;
    std::this_thread::sleep_for(
        std::chrono::milliseconds(500));  // the status is of some tenths of a second ago
    const auto status = appliance.status();
    const uint64_t known = number_of(status.at("dedup").at("keys"));
    expect(known >= acked + 1,
           fmt::format("{} events were acknowledged, {} identities are known", acked, known));
    uint64_t pending = 0;
    for (const auto& workflow : status.at("sla").at("workflows").as_array())
        for (const auto& edge : workflow.at("edges").as_array()) pending += number_of(edge.at("pending"));
    expect(pending >= options.keys,
           fmt::format("{} keys are in flight, {} were asked for", pending, options.keys));
    std::ifstream log(options.folder + "/appliance.log");
    for (std::string line; std::getline(log, line);)
        if (line.find("recovery: ") != line.npos) std::cerr << line << '\n';
    Result("e2e/recovery", seconds, "s")
        .target(kTargetS, true)
        .more("ready_s", static_cast<double>(ready_ns - began_ns) * 1e-9)
        .more("identities", static_cast<double>(known))
        .more("keys_in_flight", static_cast<double>(pending))
        .more("rate_at_kill", options.rate)
        .more("anonymous_mib", static_cast<double>(appliance.anonymous_bytes()) / 1048576)
        .note("from the start of the process to the first durable ack, after kill -9")
        .print();
}

}  // namespace penstock::bench

// What an appliance costs that nobody uses, and how long it takes to be ready: with the defaults, a workflow
// and the console.
#include <iostream>
#include <thread>

#include "perf/e2e/e2e.h"

namespace penstock::bench {
namespace {

constexpr double kStartS = 1, kMemoryMb = 100, kCoreShare = 0.03;
constexpr double kSettleS = 3;

void wait_s(double seconds) {
    const int64_t until = monotonic_now_ns() + static_cast<int64_t>(seconds * 1e9);
    while (monotonic_now_ns() < until && !stop_requested())
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
}

}  // namespace

void run_idle(const EndToEndOptions& options) {
    Runs start_s, resident_mb, core_share;
    for (size_t run = 0; run < options.runs; ++run) {
        const int64_t begin = monotonic_now_ns();
        ApplianceProcess appliance({options.program,
                                    fmt::format("{}/{}", options.folder, run),
                                    "[sla]\nworkflows = [\"workflow.json\"]\n",
                                    std::string(kWorkflow),
                                    {}});
        start_s.add(static_cast<double>(monotonic_now_ns() - begin) * 1e-9);
        wait_s(kSettleS);
        const double cpu_before = appliance.cpu_seconds();
        const int64_t from = monotonic_now_ns();
        wait_s(options.seconds / static_cast<double>(options.runs));
        const double seconds = static_cast<double>(monotonic_now_ns() - from) * 1e-9;
        core_share.add((appliance.cpu_seconds() - cpu_before) / seconds);
        resident_mb.add(static_cast<double>(appliance.resident_bytes()) / 1e6);
        std::cerr << fmt::format("idle {}/{}: ready in {:.2f} s, {:.1f}% of a core, {:.0f} MB\n", run + 1,
                                 options.runs, start_s.last(), core_share.last() * 100, resident_mb.last());
        expect_equal(number_of(appliance.status().at("events").at("received")), 0u, "events of nobody");
        appliance.stop();
    }
    Result("e2e/idle/start", start_s, "s")
        .target(kStartS, true)
        .note("an empty folder: from the fork to the status that says ready, looked at every 20 ms")
        .print();
    Result("e2e/idle/memory", resident_mb, "MB")
        .target(kMemoryMb, true)
        .note("all that is resident, the program itself among it")
        .print();
    Result("e2e/idle/core_share", core_share, "of a core").target(kCoreShare, true).print();
}

}  // namespace penstock::bench

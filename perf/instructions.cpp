// Instructions an event from raw bytes to SLA effects: the stages in one thread, without sockets and log. The
// same events in every run. Under `valgrind --tool=callgrind --toggle-collect=penstock_measured` only the
// measured part counts; perf/callgrind.sh does so.
//   bench_instructions json|binary [events, default 65536]
#include <cstdlib>
#include <iostream>

#include "perf/support/intake_pipe.h"

namespace penstock::bench {
namespace {
IntakePipe* pipe_under_test = nullptr;
std::vector<RawEvent>* raw_under_test = nullptr;
}  // namespace
}  // namespace penstock::bench

extern "C" __attribute__((noinline)) void penstock_measured() {
    penstock::bench::pipe_under_test->take(*penstock::bench::raw_under_test);
}

int main(int argc, char** argv) {
    using namespace penstock;
    using namespace penstock::bench;
    const std::string_view name = argc > 1 ? argv[1] : "";
    if (name != "json" && name != "binary") {
        std::cerr << "usage: bench_instructions json|binary [events]\n";
        return 2;
    }
    const bool binary = name == "binary";
    const uint64_t events = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 65'536;
    try {
        EventFeed feed({.format = binary ? EventFeed::Format::kBinary : EventFeed::Format::kJson,
                        .block_events = 16'384,
                        .cameras = 2'048});
        IntakePipe pipe;
        std::vector<RawEvent> raw;
        pipe_under_test = &pipe, raw_under_test = &raw;
        StampNs time = 1'767'225'600'000'000'000;
        while (pipe.events() < events) {
            const auto part = feed.next(std::min<uint64_t>(512, events - pipe.events()), time += 1'000'000);
            raw_events(feed, feed.position() - part.events, part.events,
                       binary ? RawEvent::Format::kFlatBuffer : RawEvent::Format::kJson, raw);
            penstock_measured();
        }
        expect_equal(pipe.refused() + pipe.duplicates(), 0u, "events refused or repeated");
        const WorkflowCounts counts = pipe.engine().counts(0);
        for (size_t e = 0; e < kEdges; ++e)
            expect_equal(counts.edges[e].anchored, feed.effects().anchored[e], "deadlines armed");
        fmt::print("events {} digest {:016x}\n", pipe.events(), pipe.digest());
    } catch (const std::exception& e) {
        std::cerr << "bench_instructions: " << e.what() << '\n';
        return 1;
    }
}

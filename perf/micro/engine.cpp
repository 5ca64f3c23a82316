// The SLA engine on records as the sequencer makes them.
#include "perf/micro/micro.h"
#include "perf/support/intake_pipe.h"

namespace penstock::bench {

void bench_engine(const MicroOptions& options) {
    const uint64_t blocks = options.quick ? 2 : 12;
    EventFeed feed({.format = EventFeed::Format::kJson, .block_events = 65'536});
    std::vector<std::unique_ptr<EventBatch>> records;
    IntakePipe pipe;
    pipe.engine_on = false;
    pipe.visit = [&](const EventBatch& batch) { records.push_back(std::make_unique<EventBatch>(batch)); };
    std::vector<RawEvent> raw;
    StampNs time = 1'767'225'600'000'000'000;
    for (uint64_t done = 0; done < blocks * 65'536; done += 512) {
        const auto part = feed.next(512, time += 1'000'000);
        raw_events(feed, feed.position() - part.events, part.events, RawEvent::Format::kJson, raw);
        pipe.take(raw);
    }
    Runs events_per_s;
    size_t instances = 0, timers = 0;
    for (size_t run = 0; run < options.runs; ++run) {
        Engine engine(Engine::Options{});
        engine.define(parse_workflow(kWorkflow));
        const int64_t begin = monotonic_now_ns();
        for (const auto& record : records) engine.apply(record->view());
        events_per_s.add(static_cast<double>(pipe.events()) / seconds_since(begin));
        const WorkflowCounts counts = engine.counts(0);
        for (size_t e = 0; e < kEdges; ++e) {
            expect_equal(counts.edges[e].anchored, feed.effects().anchored[e], "deadlines armed");
            expect_equal(counts.edges[e].met + counts.edges[e].late, feed.effects().settled[e],
                         "deadlines settled");
        }
        instances = engine.instances(), timers = engine.timers();
    }
    Result("engine/events", events_per_s, "events/s")
        .more("instances_at_end", static_cast<double>(instances))
        .more("timers_at_end", static_cast<double>(timers))
        .note("three edges; one event in eight begins an instance, deadlines armed, cancelled and missed")
        .print();
}

}  // namespace penstock::bench

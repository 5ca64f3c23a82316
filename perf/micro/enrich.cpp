// enrich with one masked member of the payload.
#include "perf/micro/micro.h"
#include "perf/support/intake_pipe.h"

namespace penstock::bench {

void bench_enrich(const MicroOptions& options) {
    constexpr uint64_t kEvents = 512;
    const uint64_t rounds = options.quick ? 20 : 200;
    EnrichStage::Options enrich;
    enrich.masks.push_back(*FieldPath::parse("data.frame"));
    EnrichStage stage(enrich);
    ParseStage parse(fixed_secret(), vocabulary(), EnrichStage::growth_bytes_max(enrich));
    EventFeed feed({.format = EventFeed::Format::kJson, .block_events = kEvents});
    feed.next(kEvents, 1'767'225'600'000'000'000);
    EventBatch parsed, batch;
    WorkBatch work;
    work.batch = &parsed;
    work.sources.emplace_back();
    raw_events(feed, 0, kEvents, RawEvent::Format::kJson, work.raw);
    work.verdicts.assign(kEvents, Verdict::kPending);
    parse.do_work(work);
    expect_equal(parsed.count(), kEvents, "events parsed");
    Runs events_per_s;
    for (size_t run = 0; run < options.runs; ++run) {
        int64_t spent_ns = 0;
        for (uint64_t round = 0; round < rounds; ++round) {
            batch = parsed;
            work.batch = &batch;
            work.begin = 0;
            const int64_t begin = monotonic_now_ns();
            stage.do_work(work);
            spent_ns += monotonic_now_ns() - begin;
        }
        for (size_t i = 0; i < kEvents; ++i) {
            const auto data =
                view_of(event_of({batch.heap + batch.heads[i].offset, batch.heads[i].length})->data());
            expect(data.find("\"frame\":\"***\"") != data.npos && data.find("frame-") == data.npos,
                   "a member was not masked");
        }
        events_per_s.add(static_cast<double>(kEvents * rounds) * 1e9 / static_cast<double>(spent_ns));
    }
    Result("enrich/mask", events_per_s, "events/s")
        .note("one masked member; the event is built again")
        .print();
}

}  // namespace penstock::bench

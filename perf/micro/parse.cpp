// parse on one core: the generator's events as JSON, and as FlatBuffers.
#include "perf/micro/micro.h"
#include "perf/support/intake_pipe.h"

namespace penstock::bench {
namespace {

struct Parsed {
    double events_per_s = 0;
    uint64_t digest = 0;
};

Parsed parse_all(const EventFeed& feed, uint64_t events, RawEvent::Format format) {
    ParseStage parse(fixed_secret(), vocabulary(), 0);
    EventBatch batch;
    WorkBatch work;
    work.batch = &batch;
    work.sources.emplace_back();
    int64_t spent_ns = 0;
    uint64_t digest = 0, done = 0;
    while (done < events) {
        work.raw_done = 0;
        raw_events(feed, done, std::min<uint64_t>(limits::kBatchEventsMax / 2, events - done), format,
                   work.raw);
        work.verdicts.assign(work.raw.size(), Verdict::kPending);
        batch.clear();
        const int64_t begin = monotonic_now_ns();
        parse.do_work(work);
        spent_ns += monotonic_now_ns() - begin;
        expect_equal(batch.count(), work.raw.size(), "events parsed");
        for (size_t i = 0; i < batch.count(); ++i)
            digest = IdentityHasher::mix(
                digest, IdentityHasher::mix(batch.identities[i].id.lo, batch.identities[i].content));
        done += batch.count();
    }
    return {static_cast<double>(events) * 1e9 / static_cast<double>(spent_ns), digest};
}

}  // namespace

void bench_parse(const MicroOptions& options) {
    const uint32_t events = options.quick ? 20'000 : 200'000;
    constexpr StampNs kTime = 1'767'225'600'123'000'000;
    EventFeed json({.format = EventFeed::Format::kJson, .block_events = events});
    EventFeed binary({.format = EventFeed::Format::kBinary, .block_events = events});
    json.next(events, kTime), binary.next(events, kTime);
    Runs of_json, of_binary;
    for (size_t i = 0; i < options.runs; ++i) {
        const Parsed a = parse_all(json, events, RawEvent::Format::kJson);
        const Parsed b = parse_all(binary, events, RawEvent::Format::kFlatBuffer);
        expect_equal(a.digest, b.digest, "identities and contents by JSON and by FlatBuffers");
        of_json.add(a.events_per_s);
        of_binary.add(b.events_per_s);
    }
    Result("parse/json", of_json, "events/s")
        .more("bytes_an_event", json.bytes_an_event())
        .note("one core; checks, hashes, FlatBuffers built")
        .print();
    Result("parse/flatbuffers", of_binary, "events/s")
        .more("bytes_an_event", binary.bytes_an_event())
        .note("one core; verified, hashed, copied")
        .print();
}

}  // namespace penstock::bench

// The SLA engine with many workflows, many cases and many deadlines: its rates, and its memory by the
// allocator's own account.
#include <malloc.h>

#include <array>
#include <memory>

#include "perf/micro/micro.h"
#include "schemas/event_fields.h"
#include "schemas/identity.h"
#include "stages/sla/engine.h"

namespace penstock::bench {
namespace {

constexpr StampNs kStart = 1'767'225'600'000'000'000;
constexpr int64_t kMsNs = 1'000'000, kSecondNs = 1'000'000'000, kMinuteNs = 60 * kSecondNs;
constexpr uint32_t kWorkflows = 1'000;
constexpr uint64_t kLag = 10'000;  ///< so many other cases get an event between two of one case
constexpr double kBytesAnInstance = 200, kBytesATimer = 48;

/// Bytes that the allocator has given out, with what it puts around them.
double allocated() {
    const struct mallinfo2 now = mallinfo2();
    return static_cast<double>(now.uordblks + now.hblkhd);
}

/// Three edges over three types of its own.
std::string triangle(uint32_t workflow, uint32_t types) {
    return fmt::format(
        R"({{"name":"w{0}","key":"subject","edges":[
            {{"from":"a{1}","to":"b{1}","within":"1h"}},
            {{"from":"b{1}","to":"c{1}","within":"1h"}},
            {{"from":"a{1}","to":"c{1}","within":"2h"}}]}})",
        workflow, types);
}

/// Feeds an engine records of events whose bytes are built once for each type: of others they differ in key
/// and time only.
class Feed {
  public:
    explicit Feed(Engine& engine) : engine_(engine) {}
    /// All types before the first event.
    size_t add_type(const std::string& type) {
        EventFields fields;
        fields.id = "1", fields.source = "/bench", fields.type = type, fields.subject = "case";
        const auto bytes = builder_.build(fields);
        types_.push_back(
            {type_hash(type), static_cast<uint32_t>(heap_.size()), static_cast<uint32_t>(bytes.size())});
        heap_.insert(heap_.end(), bytes.begin(), bytes.end());
        heap_.resize((heap_.size() + 7) / 8 * 8);
        return types_.size() - 1;
    }
    void give(size_t type, uint64_t number, StampNs now_ns) {
        if (heads_.empty()) header_.base_stamp_ns = now_ns;
        EventHead& head = heads_.emplace_back();
        Random key(number);
        head.key.lo = key.next(), head.key.hi = key.next();
        head.time_ns = now_ns;
        head.type_hash = types_[type].hash, head.offset = types_[type].offset,
        head.length = types_[type].length;
        ++events_;
        if (heads_.size() == kRecordEvents) flush();
    }
    void flush() {
        header_.kind = RecordKind::kEvents;
        header_.count = static_cast<uint32_t>(heads_.size());
        header_.first_seq = events_ - heads_.size() + 1;
        engine_.apply({.header = &header_, .heads = heads_, .heap = heap_});
        heads_.clear();
    }
    uint64_t events() const { return events_; }

  private:
    static constexpr size_t kRecordEvents = 512;
    struct Type {
        uint64_t hash;
        uint32_t offset, length;
    };
    Engine& engine_;
    EventBuilder builder_;
    std::vector<Type> types_;
    std::vector<uint8_t> heap_;
    RecordHeader header_{};
    std::vector<EventHead> heads_;
    uint64_t events_ = 0;
};

/// Cases that go from a to b to c in time, many at once.
struct Rate {
    uint32_t workflows, concerned;  ///< so many of the workflows watch the same types
    Runs events_per_s = {};

    void run(uint64_t cases) {
        Engine engine(Engine::Options{kSecondNs});
        for (uint32_t w = 0; w < workflows; ++w) engine.define(parse_workflow(triangle(w, w / concerned)));
        const uint64_t sets = workflows / concerned;  // of three types; what is left over sees none of them
        Feed feed(engine);
        for (uint64_t t = 0; t < sets; ++t)
            for (const char stage : {'a', 'b', 'c'}) feed.add_type(fmt::format("{}{}", stage, t));
        const int64_t begin = monotonic_now_ns();
        for (uint64_t i = 0; i < cases + 2 * kLag; ++i)
            for (uint64_t stage = 0; stage < 3; ++stage) {
                const uint64_t number = i - stage * kLag;
                if (number >= cases) continue;  // below 0 too
                feed.give(number % sets * 3 + stage, number, kStart + static_cast<StampNs>(i) * 3'000);
            }
        feed.flush();
        events_per_s.add(static_cast<double>(feed.events()) / seconds_since(begin));
        uint64_t met = 0, pending = 0;
        for (const uint32_t id : engine.workflow_ids())
            for (const auto& edge : engine.counts(id).edges) met += edge.met, pending += edge.pending;
        expect_equal(met, cases * 3 * concerned, "deadlines met");
        expect_equal(pending, 0u, "deadlines pending");
    }
};

void rates(const MicroOptions& options) {
    Rate one{1, 1}, own{kWorkflows, 1}, three{kWorkflows, 3};
    Runs share;
    for (size_t i = 0; i < options.runs; ++i) {
        for (Rate* rate : {&one, &own, &three}) rate->run(options.quick ? 50'000 : 500'000);
        share.add(own.events_per_s.last() / one.events_per_s.last());
    }
    Result("workflows/one", one.events_per_s, "events/s")
        .note("three events a case, each of them arms or settles deadlines; cases go after a second")
        .print();
    Result("workflows/1000_of_own_types", own.events_per_s, "events/s")
        .note("an event concerns one of them")
        .print();
    Result("workflows/1000_three_concerned", three.events_per_s, "events/s")
        .more("cases_moved_a_second", 3 * three.events_per_s.median())
        .note("an event moves a case of each of three workflows")
        .print();
    Result("workflows/1000_to_one", share, "ratio")
        .note("events/s with 1,000 workflows of own types to those with one; in turns; the engine alone")
        .print();
}

void instance_memory(const MicroOptions& options) {
    const uint64_t cases = options.quick ? 100'000 : 1'000'000;
    Engine engine(Engine::Options{});
    engine.define(parse_workflow(triangle(0, 0)));
    Feed feed(engine);
    const size_t a = feed.add_type("a0"), b = feed.add_type("b0");
    const double before = allocated();
    const int64_t begin = monotonic_now_ns();
    for (uint64_t i = 0; i < cases + kLag; ++i) {
        const StampNs now_ns = kStart + static_cast<StampNs>(i) * 2'000;
        if (i < cases) feed.give(a, i, now_ns);
        if (i >= kLag) feed.give(b, i - kLag, now_ns);
    }
    feed.flush();
    const double seconds = seconds_since(begin), bytes = allocated() - before;
    const auto n = static_cast<double>(cases);
    expect_equal(engine.instances(), cases, "instances");
    expect_equal(engine.timers(), 2 * cases, "timers");
    const auto [instances, timers] = engine.memory();
    expect(std::abs(static_cast<double>(instances + timers) / bytes - 1) < 0.1,
           "the engine's account of its memory is not the allocator's");
    Result(options.quick ? "workflows/instance_100K" : "workflows/instance_1M",
           (bytes - static_cast<double>(timers)) / n, "bytes")
        .target(kBytesAnInstance, true)
        .more("engine_says", static_cast<double>(instances) / n)
        .more("timers_of_an_instance", static_cast<double>(timers) / n)
        .more("ns_an_event", seconds * 1e9 / static_cast<double>(feed.events()))
        .note("two events, a deadline met and two pending; the allocator's account without timers")
        .print();
}

void many_timers(const MicroOptions& options) {
    constexpr uint64_t kEdgesOut = 10;
    const uint64_t cases = options.quick ? 100'000 : 1'000'000, timers = cases * kEdgesOut;
    std::string document = R"({"name":"w","key":"subject","edges":[)";
    for (uint64_t e = 0; e < kEdgesOut; ++e)
        document +=
            fmt::format(R"({}{{"from":"a","to":"b{}","within":"{}m"}})", e == 0 ? "" : ",", e, 10 * (e + 1));
    Engine engine(Engine::Options{});
    engine.define(parse_workflow(document + "]}"));
    int64_t worst_ns = 0;
    engine.on_effect = [&](const SlaEffect& effect) {
        worst_ns = std::max(worst_ns, effect.at_ns - effect.deadline_ns);
    };
    Feed feed(engine);
    const size_t a = feed.add_type("a");
    const double before = allocated();
    int64_t begin = monotonic_now_ns();
    for (uint64_t i = 0; i < cases; ++i)  // over the ten minutes before the first is due
        feed.give(a, i, kStart + static_cast<StampNs>(i * (10 * kMinuteNs / cases)));
    feed.flush();
    const double arm_s = seconds_since(begin), bytes = allocated() - before;
    expect_equal(engine.timers(), timers, "timers armed");
    const auto [instance_bytes, timer_bytes] = engine.memory();
    expect(std::abs(static_cast<double>(instance_bytes + timer_bytes) / bytes - 1) < 0.1,
           "the engine's account of its memory is not the allocator's");

    begin = monotonic_now_ns();
    const StampNs end_ns = kStart + static_cast<StampNs>(kEdgesOut + 1) * 10 * kMinuteNs;
    for (StampNs now_ns = kStart + 10 * kMinuteNs; now_ns <= end_ns + kMsNs; now_ns += kMsNs)
        engine.advance(now_ns, feed.events());
    const double fire_s = seconds_since(begin);
    uint64_t missed = 0;
    for (const auto& edge : engine.counts(0).edges) missed += edge.missed;
    expect_equal(missed, timers, "deadlines missed");
    expect(worst_ns <= kMsNs, "a deadline fired later than at the next step");

    const auto n = static_cast<double>(timers);
    const std::string size = options.quick ? "1M" : "10M";
    Result("workflows/timer_" + size, (bytes - static_cast<double>(instance_bytes)) / n, "bytes")
        .target(kBytesATimer, true)
        .more("engine_says", static_cast<double>(timer_bytes) / n)
        .more("with_its_instance", bytes / n)
        .more("mib_in_all", bytes / 1048576)
        .note("ten deadlines an instance; the allocator's account without instances")
        .print();
    Result("workflows/arm_" + size, arm_s * 1e9 / n, "ns a timer").note("ten an event").print();
    Result("workflows/fire_" + size, fire_s * 1e9 / n, "ns a timer")
        .note("in steps of 1 ms, counted and told")
        .print();
}

}  // namespace

void bench_workflows(const MicroOptions& options) {
    instance_memory(options);
    many_timers(options);
    rates(options);
}

}  // namespace penstock::bench

// The timer wheel: arm, cancel half, let the rest fire.
#include <numeric>

#include "perf/micro/micro.h"
#include "pipeline/timer_wheel.h"

namespace penstock::bench {
namespace {

/// As large as the engine's.
struct Payload {
    uint32_t number, spare, edge;
};
constexpr StampNs kStart = 1'767'225'600'000'000'000;
constexpr int64_t kSpanNs = 3'600'000'000'000, kStepNs = 1'000'000;

struct Figures {
    double arm = 0, cancel = 0, fire = 0, bytes = 0;
};

Figures run_once(uint32_t timers) {
    TimerWheel<Payload> wheel;
    wheel.advance(kStart, [](const auto&) {});
    Random random(timers);
    std::vector<int64_t> deadlines(timers);
    std::vector<TimerId> ids(timers);
    for (int64_t& d : deadlines) d = kStart + 1 + static_cast<int64_t>(random.next() % kSpanNs);
    Figures out;
    int64_t begin = monotonic_now_ns();
    for (uint32_t i = 0; i < timers; ++i) ids[i] = wheel.arm(deadlines[i], {i, 0, 0});
    out.arm = seconds_since(begin);
    out.bytes = static_cast<double>(wheel.bytes());
    expect_equal(wheel.size(), timers, "timers armed");

    std::vector<uint32_t> order(timers);  // what is cancelled comes from anywhere
    std::iota(order.begin(), order.end(), 0u);
    for (uint32_t i = timers - 1; i > 0; --i) std::swap(order[i], order[random.next() % (i + 1)]);
    const uint32_t cancelled = timers / 2;
    begin = monotonic_now_ns();
    for (uint32_t i = 0; i < cancelled; ++i) wheel.cancel(ids[order[i]]);
    out.cancel = seconds_since(begin);
    expect_equal(wheel.size(), timers - cancelled, "timers left");

    int64_t last = 0;
    uint64_t fired = 0, wrong = 0;
    begin = monotonic_now_ns();
    for (StampNs now = kStart; now <= kStart + kSpanNs + kStepNs; now += kStepNs) {
        wheel.advance(now, [&](const auto& due) {
            wrong += due.deadline_ns < last || due.deadline_ns >= now ||
                     due.deadline_ns != deadlines[due.payload.number];
            last = due.deadline_ns;
            ++fired;
        });
    }
    out.fire = seconds_since(begin);
    expect_equal(fired, timers - cancelled, "timers fired");
    expect_equal(wrong, 0u, "timers out of order or of time");
    out.arm *= 1e9 / timers, out.cancel *= 1e9 / cancelled, out.fire *= 1e9 / static_cast<double>(fired),
        out.bytes /= timers;
    return out;
}

void run_size(uint32_t timers, size_t runs, const std::string& name) {
    Runs arm, cancel, fire;
    double bytes = 0;
    for (size_t i = 0; i < runs; ++i) {
        const Figures f = run_once(timers);
        arm.add(f.arm), cancel.add(f.cancel), fire.add(f.fire);
        bytes = f.bytes;
    }
    Result("timers/arm_" + name, arm, "ns a timer")
        .more("bytes_a_timer", bytes)
        .note("deadlines spread over an hour")
        .print();
    Result("timers/cancel_" + name, cancel, "ns a timer").note("half of them, in any order").print();
    Result("timers/fire_" + name, fire, "ns a timer")
        .note("the rest, in steps of 1 ms, cascades and empty steps included")
        .print();
}

}  // namespace

void bench_timers(const MicroOptions& options) {
    run_size(options.quick ? 100'000 : 1'000'000, options.runs, options.quick ? "100K" : "1M");
    if (!options.quick) run_size(10'000'000, std::min<size_t>(options.runs, 3), "10M");
}

}  // namespace penstock::bench

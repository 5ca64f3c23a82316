// BroadcastRing between two threads.
#include <immintrin.h>
#include <sched.h>

#include <thread>

#include "perf/micro/micro.h"
#include "pipeline/broadcast_ring.h"

namespace penstock::bench {
namespace {

using Ring = BroadcastRing<uint64_t, 1>;
constexpr size_t kCapacity = 64;
constexpr int64_t kNapNs = 100'000'000;

/// Waits without sleeping; lets others run after a while, or one of two threads on one core would hang.
class Spin {
  public:
    void turn() {
        if (++turns_ % 4096 == 0) sched_yield();
        _mm_pause();
    }

  private:
    uint32_t turns_ = 0;
};

void put(Ring& ring, uint64_t value, bool parked) {
    Spin spin;
    for (;;) {
        if (uint64_t* slot = ring.try_claim()) {
            *slot = value;
            return ring.publish();
        }
        parked ? ring.wait_for_slot(kNapNs) : spin.turn();
    }
}
void await(Ring& ring, uint64_t position, bool parked) {
    Spin spin;
    while (ring.published() <= position) parked ? ring.wait(0, kNapNs) : spin.turn();
}

/// One way, as fast as it goes: nanoseconds a slot.
double stream(uint64_t slots, bool parked) {
    Ring ring(kCapacity);
    uint64_t wrong = 0;
    std::thread consumer([&] {
        for (uint64_t at = 0; at < slots;) {
            await(ring, at, parked);
            const uint64_t published = ring.published();
            for (; at < published; ++at) wrong += ring.at(at) != at * 7;
            ring.advance(0, at);
        }
    });
    const int64_t begin = monotonic_now_ns();
    for (uint64_t i = 0; i < slots; ++i) put(ring, i * 7, parked);
    consumer.join();
    const double took = seconds_since(begin);
    expect_equal(wrong, 0u, "slots out of order");
    return took * 1e9 / static_cast<double>(slots);
}

/// To and fro over two rings, one slot under way: nanoseconds a hop.
double ping_pong(uint64_t rounds, bool parked) {
    Ring there(kCapacity), back(kCapacity);
    std::thread peer([&] {
        for (uint64_t at = 0; at < rounds; ++at) {
            await(there, at, parked);
            const uint64_t value = there.at(at);
            there.advance(0, at + 1);
            put(back, value + 1, parked);
        }
    });
    uint64_t wrong = 0;
    const int64_t begin = monotonic_now_ns();
    for (uint64_t at = 0; at < rounds; ++at) {
        put(there, at * 3, parked);
        await(back, at, parked);
        wrong += back.at(at) != at * 3 + 1;
        back.advance(0, at + 1);
    }
    const double took = seconds_since(begin);
    peer.join();
    expect_equal(wrong, 0u, "answers that are not their question's");
    return took * 1e9 / static_cast<double>(2 * rounds);
}

}  // namespace

void bench_ring(const MicroOptions& options) {
    const uint64_t slots = options.quick ? 100'000 : 5'000'000, rounds = options.quick ? 10'000 : 200'000;
    Runs streamed, spinning, parked;
    for (size_t i = 0; i < options.runs; ++i) {
        streamed.add(stream(slots, false));
        spinning.add(ping_pong(rounds, false));
        parked.add(ping_pong(rounds / 4, true));
    }
    Result("ring/stream", streamed, "ns a batch").note("one way, both threads awake, 64 slots").print();
    Result("ring/hop_awake", spinning, "ns a hop").note("to and fro, both threads awake").print();
    Result("ring/hop_parked", parked, "ns a hop")
        .note("to and fro, each sleeps until the other wakes it")
        .print();
}

}  // namespace penstock::bench

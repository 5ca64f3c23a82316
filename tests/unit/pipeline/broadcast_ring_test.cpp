#include "pipeline/broadcast_ring.h"

#include <gtest/gtest.h>
#include <xxhash.h>

#include <thread>

#include "pipeline/clock.h"
#include "tests/support/seed.h"

namespace penstock::test {
namespace {

using Ring = BroadcastRing<uint64_t, 2>;

TEST(BroadcastRing, EveryConsumerSeesEverythingInOrder) {
    Ring ring(8);
    for (uint64_t i = 0; i < 6; ++i) {
        *ring.try_claim() = i * 10;
        ring.publish();
    }
    for (const size_t consumer : {0, 1}) {
        EXPECT_EQ(ring.depth(consumer), 6u);
        for (uint64_t p = ring.consumed(consumer); p < ring.published(); ++p) EXPECT_EQ(ring.at(p), p * 10);
        ring.advance(consumer, ring.published());
        EXPECT_EQ(ring.depth(consumer), 0u);
    }
}

TEST(BroadcastRing, ASlotIsNotUsedAgainBeforeTheSlowestHasPassed) {
    Ring ring(4);
    for (int round = 0; round < 10; ++round) {
        const uint64_t base = ring.published();
        for (uint64_t i = 0; i < 4; ++i) {
            ASSERT_NE(ring.try_claim(), nullptr);
            ring.publish();
        }
        EXPECT_EQ(ring.try_claim(), nullptr);
        ring.advance(0, base + 4);
        EXPECT_EQ(ring.try_claim(), nullptr) << "the other has not";
        ring.advance(1, base + 1);
        uint64_t* slot = ring.try_claim();
        ASSERT_NE(slot, nullptr);
        EXPECT_EQ(slot, &ring.at(base)) << "the slot that both have passed";
        ring.advance(1, base + 4);
    }
}

TEST(BroadcastRing, AClaimThatIsNotPublishedIsSeenByNobody) {
    Ring ring(4);
    *ring.try_claim() = 1;
    EXPECT_EQ(ring.published(), 0u);
    EXPECT_EQ(ring.try_claim(), ring.try_claim()) << "the same slot until it is published";
}

/// Slots of several words, so that a slot that is used too early shows.
struct Slot {
    uint64_t words[16] = {};
};

TEST(BroadcastRing, TwoReadersBesideAWriterSeeEveryWord) {
    SCOPED_TRACE(seed_note());
    constexpr uint64_t kCount = 300'000;
    BroadcastRing<Slot, 2> ring(16);
    uint64_t sums[2] = {0, 0};
    std::atomic<int> torn{0};
    const auto reader = [&](size_t consumer) {
        Random random(consumer);
        uint64_t at = 0;
        while (at < kCount) {
            const uint64_t to = ring.published();
            if (to == at) {
                ring.wait(consumer, 1'000'000'000);
                continue;
            }
            for (; at < to; ++at) {
                const Slot& slot = ring.at(at);
                for (const uint64_t word : slot.words)
                    if (word != slot.words[0]) ++torn;
                sums[consumer] = sums[consumer] * 31 + slot.words[0];
                if (random.below(3000) == 0) std::this_thread::yield();
                if (random.below(4) == 0) ring.advance(consumer, at + 1);
            }
            ring.advance(consumer, at);
        }
    };
    std::thread first(reader, 0), second(reader, 1);
    uint64_t expected = 0;
    for (uint64_t i = 0; i < kCount;) {
        Slot* slot = ring.try_claim();
        if (!slot) {
            ring.wait_for_slot(1'000'000'000);
            continue;
        }
        const uint64_t value = XXH3_64bits(&i, sizeof i);
        for (uint64_t& word : slot->words) word = value;
        expected = expected * 31 + value;
        ring.publish();
        ++i;
    }
    first.join(), second.join();
    EXPECT_EQ(sums[0], expected);
    EXPECT_EQ(sums[1], expected);
    EXPECT_EQ(torn.load(), 0);
}

TEST(BroadcastRing, ParkingLosesNoWake) {
    // Ping-pong through two rings: a lost wake costs the whole timeout of ten seconds.
    constexpr int kRounds = 20'000;
    BroadcastRing<int, 1> there(2), back(2);
    const auto send = [](auto& ring, int value) {
        while (int* slot = ring.try_claim()) {
            *slot = value;
            return ring.publish();
        }
    };
    const auto receive = [](auto& ring) {
        while (ring.depth(0) == 0) ring.wait(0, 10'000'000'000);
        const uint64_t at = ring.consumed(0);
        const int value = ring.at(at);
        ring.advance(0, at + 1);
        return value;
    };
    const int64_t began = monotonic_now_ns();
    std::thread echo([&] {
        for (int i = 0; i < kRounds; ++i) send(back, receive(there));
    });
    for (int i = 0; i < kRounds; ++i) {
        send(there, i);
        ASSERT_EQ(receive(back), i);
    }
    echo.join();
    EXPECT_LT(monotonic_now_ns() - began, 9'000'000'000);
}

TEST(BroadcastRing, AWakeWithoutWorkEndsASleep) {
    Ring ring(4);
    std::atomic<bool> asleep{false}, up{false};
    std::thread sleeper([&] {
        asleep = true;
        ring.wait(1, 20'000'000'000);
        up = true;
    });
    const int64_t began = monotonic_now_ns();
    while (!up && monotonic_now_ns() - began < 10'000'000'000) {
        ring.wake(1);
        std::this_thread::yield();
    }
    sleeper.join();
    EXPECT_LT(monotonic_now_ns() - began, 10'000'000'000);
}

TEST(BroadcastRing, ASleepEndsAtItsTimeout) {
    Ring ring(4);
    const int64_t began = monotonic_now_ns();
    ring.wait(0, 20'000'000);
    EXPECT_GE(monotonic_now_ns() - began, 19'000'000);
}

}  // namespace
}  // namespace penstock::test

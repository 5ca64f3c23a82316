// The ring and the parker under every (sequentially consistent) interleaving of small cases: no value lost or
// overwritten, no wake-up lost.
#include <gtest/gtest.h>

#include "pipeline/broadcast_ring.h"
#include "tests/support/interleavings.h"

namespace penstock::test {
namespace {

using Cell = Interleavings::Atomic<uint64_t>;
template <size_t kConsumers>
using ModelRing = BroadcastRing<Cell, kConsumers, Interleavings::Platform>;
using ModelParker = BasicParker<Interleavings::Platform>;
constexpr int64_t kForever = 0;  // the model knows no timeouts

/// How a consumer takes what is there: one at a time, all at once, or (a fault) giving back before it reads.
enum class Take { kOne, kAll, kBackFirst };

template <size_t kConsumers>
void produce(ModelRing<kConsumers>& ring, uint64_t count) {
    for (uint64_t i = 1; i <= count; ++i) {
        const auto knows = [&] { Interleavings::knows_only(i * 100 + ring.slowest_seen()); };
        knows();
        Cell* slot = ring.try_claim();
        for (; !slot; slot = ring.try_claim()) ring.wait_for_slot(kForever), knows();
        slot->store(i);
        ring.publish();
    }
}
template <size_t kConsumers>
void consume(ModelRing<kConsumers>& ring, size_t consumer, uint64_t count, Take take) {
    for (uint64_t at = 0; at < count;) {
        Interleavings::knows_only(at);
        const uint64_t published = ring.published();
        if (published == at) {
            ring.wait(consumer, kForever);
            continue;
        }
        const uint64_t to = take == Take::kAll ? published : at + 1;
        if (take == Take::kBackFirst) ring.advance(consumer, to);
        for (uint64_t p = at; p < to; ++p)
            if (ring.at(p).load() != p + 1) Interleavings::fault("a slot does not hold what was published");
        if (take != Take::kBackFirst) ring.advance(consumer, to);
        at = to;
    }
}

/// Sanitizers do not follow fibers.
#ifdef PENSTOCK_SANITIZED
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif
struct RingInterleavings : testing::Test {
    void SetUp() override {
        if (kSanitized) GTEST_SKIP() << "sanitizers do not follow fibers";
    }
};
struct ParkerInterleavings : RingInterleavings {};

template <size_t kConsumers>
Interleavings::Result explore_ring(size_t capacity, uint64_t count, std::array<Take, kConsumers> takes) {
    return Interleavings::explore([=] {
        auto ring = std::make_shared<ModelRing<kConsumers>>(capacity);
        std::vector<Interleavings::Program> threads{[=] { produce(*ring, count); }};
        for (size_t c = 0; c < kConsumers; ++c)
            threads.push_back([=] { consume(*ring, c, count, takes[c]); });
        return threads;
    });
}
void expect_sound(const Interleavings::Result& r) {
    EXPECT_EQ(r.fault, "");
    EXPECT_GT(r.states, 100u);
    std::printf("%llu states, %llu runs\n", static_cast<unsigned long long>(r.states),
                static_cast<unsigned long long>(r.runs));
}

TEST_F(RingInterleavings, OneConsumerOverSeveralWraps) {
    for (const Take take : {Take::kOne, Take::kAll}) {
        expect_sound(explore_ring<1>(1, 4, {take}));
        expect_sound(explore_ring<1>(2, 5, {take}));
        expect_sound(explore_ring<1>(4, 9, {take}));
    }
}

TEST_F(RingInterleavings, TwoConsumersOfWhichTheSlowerHoldsTheSlot) {
    expect_sound(explore_ring<2>(1, 2, {Take::kOne, Take::kOne}));
    expect_sound(explore_ring<2>(2, 3, {Take::kAll, Take::kOne}));
}

TEST_F(RingInterleavings, AConsumerThatGivesBackBeforeItReadsIsFound) {
    EXPECT_NE(explore_ring<1>(1, 3, {Take::kBackFirst}).fault.find("does not hold"), std::string::npos);
}

/// A flag that one thread raises and another waits for.
Interleavings::Result explore_parker(bool looks_again) {
    struct Case {
        ModelParker parker;
        Cell work;
    };
    return Interleavings::explore([=] {
        auto c = std::make_shared<Case>();
        return std::vector<Interleavings::Program>{[=] {
                                                       for (uint64_t taken = 0; taken < 2;) {
                                                           if (const uint64_t there = c->work.load();
                                                               there > taken) {
                                                               taken = there;
                                                               continue;
                                                           }
                                                           c->parker.prepare();
                                                           if (looks_again && c->work.load() > taken)
                                                               c->parker.cancel();
                                                           else
                                                               c->parker.park(kForever);
                                                       }
                                                   },
                                                   [=] {
                                                       for (uint64_t i = 1; i <= 2; ++i) {
                                                           c->work.store(i);
                                                           c->parker.unpark();
                                                       }
                                                   }};
    });
}

TEST_F(ParkerInterleavings, NoWakeUpIsLost) { EXPECT_EQ(explore_parker(true).fault, ""); }

TEST_F(ParkerInterleavings, ASleeperThatDoesNotLookAgainIsFound) {
    EXPECT_NE(explore_parker(false).fault.find("nobody will wake it"), std::string::npos);
}

TEST_F(ParkerInterleavings, TwoWakersAndAnEarlyWakeDoNoHarm) {
    struct Case {
        ModelParker parker;
        Cell a, b;
    };
    const auto r = Interleavings::explore([] {
        auto c = std::make_shared<Case>();
        return std::vector<Interleavings::Program>{
            [=] {
                while (c->a.load() == 0 || c->b.load() == 0) {
                    c->parker.prepare();
                    if (c->a.load() != 0 && c->b.load() != 0)
                        c->parker.cancel();
                    else
                        c->parker.park(kForever);
                }
            },
            [=] { c->parker.unpark(), c->a.store(1), c->parker.unpark(); },
            [=] { c->b.store(1), c->parker.unpark(); }};
    });
    EXPECT_EQ(r.fault, "");
}

}  // namespace
}  // namespace penstock::test

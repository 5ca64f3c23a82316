#include "pipeline/timer_wheel.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <limits>
#include <map>
#include <vector>

#include "tests/support/seed.h"

namespace penstock::test {
namespace {

using Wheel = TimerWheel<uint32_t>;
constexpr StampNs kSecond = 1'000'000'000, kYear = 365LL * 86'400 * kSecond;

std::vector<uint32_t> fired(Wheel& wheel, StampNs now) {
    std::vector<uint32_t> out;
    wheel.advance(now, [&](const Wheel::Due& d) { out.push_back(d.payload); });
    return out;
}

TEST(TimerWheel, ATimerFiresAfterItsDeadlineNotAtIt) {
    Wheel wheel;
    wheel.arm(1'000'500, 1);
    EXPECT_TRUE(fired(wheel, 1'000'500).empty());
    EXPECT_EQ(fired(wheel, 1'000'501), std::vector<uint32_t>{1});
    EXPECT_EQ(wheel.size(), 0u);
}

TEST(TimerWheel, EqualDeadlinesFireInTheOrderOfArming) {
    Wheel wheel;
    for (uint32_t i = 0; i < 1000; ++i) wheel.arm(5 * kSecond + (i % 3), i);
    const auto order = fired(wheel, 6 * kSecond);
    ASSERT_EQ(order.size(), 1000u);
    for (size_t i = 1; i < order.size(); ++i)
        EXPECT_LT(std::pair(order[i - 1] % 3, order[i - 1]), std::pair(order[i] % 3, order[i]));
}

TEST(TimerWheel, WhatFireArmsInThePastIsDueAtTheNextAdvance) {
    Wheel wheel;
    wheel.arm(kSecond, 1);
    std::vector<uint32_t> seen;
    wheel.advance(2 * kSecond, [&](const Wheel::Due& d) {
        seen.push_back(d.payload);
        if (d.payload == 1) wheel.arm(kSecond, 2);
    });
    EXPECT_EQ(seen, std::vector<uint32_t>{1});
    EXPECT_EQ(wheel.due_ns(), kSecond);
    EXPECT_EQ(fired(wheel, 2 * kSecond + 1), std::vector<uint32_t>{2});
}

TEST(TimerWheel, TimeDoesNotGoBack) {
    Wheel wheel;
    fired(wheel, 10 * kSecond);
    wheel.arm(5 * kSecond, 1);
    EXPECT_TRUE(fired(wheel, 7 * kSecond).empty());
    EXPECT_EQ(fired(wheel, 10 * kSecond + 1), std::vector<uint32_t>{1});
}

TEST(TimerWheel, TheEndsOfTimeAreDeadlinesToo) {
    Wheel wheel;
    wheel.arm(std::numeric_limits<StampNs>::max(), 1);
    wheel.arm(std::numeric_limits<StampNs>::min(), 2);
    wheel.arm(std::numeric_limits<StampNs>::max() - 1, 3);
    EXPECT_EQ(fired(wheel, std::numeric_limits<StampNs>::min() + 1), std::vector<uint32_t>{2});
    EXPECT_EQ(fired(wheel, std::numeric_limits<StampNs>::max()), std::vector<uint32_t>{3});
    EXPECT_EQ(wheel.size(), 1u);
}

/// What the wheel says it is, in the obvious way.
class Model {
  public:
    void arm(StampNs deadline, uint32_t payload) { timers_.emplace(deadline, payload); }
    void cancel(uint32_t payload) {
        for (auto it = timers_.begin(); it != timers_.end(); ++it)
            if (it->second == payload) {
                timers_.erase(it);
                return;
            }
    }
    std::vector<uint32_t> advance(StampNs now) {
        std::vector<uint32_t> out;
        if (now <= now_) return out;
        now_ = now;
        while (!timers_.empty() && timers_.begin()->first < now) {
            out.push_back(timers_.begin()->second);
            timers_.erase(timers_.begin());
        }
        return out;
    }
    StampNs earliest() const { return timers_.empty() ? Wheel::kNever : timers_.begin()->first; }
    size_t size() const { return timers_.size(); }
    StampNs now() const { return now_; }

  private:
    std::multimap<StampNs, uint32_t> timers_;  // keeps the order of insertion of equal keys
    StampNs now_ = std::numeric_limits<StampNs>::min();
};

StampNs span(uint64_t kind, uint64_t amount) {
    static constexpr StampNs kSpans[] = {3,           1'000,         1'000'000,        64'000'000,
                                         4 * kSecond, 300 * kSecond, 86'400 * kSecond, 40 * kYear};
    return static_cast<StampNs>(amount % static_cast<uint64_t>(kSpans[kind % std::size(kSpans)]));
}

/// One random life of a wheel beside its model.
void live(uint64_t salt, int steps, bool tightens, uint64_t crowd = 1) {
    Random random(salt);
    Wheel wheel;
    Model model;
    std::map<uint32_t, TimerId> armed;
    uint32_t next = 0;
    StampNs now = 1'767'225'600 * kSecond;
    if (random.chance(80)) RC_ASSERT(fired(wheel, now) == model.advance(now));
    for (int i = 0; i < steps; ++i) {
        const uint64_t what = random.below(100);
        if (what < 50) {
            StampNs deadline = now + span(random.below(8), random.next());
            if (random.chance(10)) deadline = now - span(random.below(7), random.next());
            if (random.chance(30)) deadline -= deadline % 1'000'000;
            for (uint64_t n = 1 + random.below(crowd); n > 0; --n) {
                armed[next] = wheel.arm(deadline, next);
                model.arm(deadline, next++);
                deadline += static_cast<StampNs>(random.below(50'000));
            }
        } else if (what < 70 && !armed.empty()) {
            for (uint64_t n = 1 + random.below(crowd); n > 0 && !armed.empty(); --n) {
                auto it = armed.lower_bound(static_cast<uint32_t>(random.below(next)));
                if (it == armed.end()) it = armed.begin();
                wheel.cancel(it->second);
                model.cancel(it->first);
                armed.erase(it);
            }
        } else if (what < 80 && tightens) {
            const StampNs to = now + span(random.below(8), random.next());
            wheel.tighten(to);
            const StampNs earliest = model.earliest();
            RC_ASSERT(wheel.due_ns() <= earliest || earliest > to);
        } else {
            now += span(random.below(8), random.next());
            if (random.chance(20) && model.earliest() != Wheel::kNever)
                now = std::max(now, model.earliest());  // exactly at a deadline
            const auto expected = model.advance(now);
            RC_ASSERT(fired(wheel, now) == expected);
            for (const uint32_t p : expected) armed.erase(p);
        }
        RC_ASSERT(wheel.size() == model.size());
        RC_ASSERT(wheel.next_look_ns() <= model.earliest());
        if (wheel.due_ns() != Wheel::kNever) RC_ASSERT(wheel.due_ns() <= model.earliest());
        if (now > 7'000'000'000 * kSecond) break;  // forty years more still fit
    }
}

TEST(TimerWheel, DoesWhatASortedMultimapDoes) {
    EXPECT_TRUE(rc::check([](uint64_t salt) { live(salt, 300, false); }));
}
TEST(TimerWheel, TighteningChangesNothingThatAdvanceDoes) {
    EXPECT_TRUE(rc::check([](uint64_t salt) { live(salt, 300, true); }));
}

TEST(TimerWheel, DoesSoWithHundredsInASlot) {
    EXPECT_TRUE(rc::check([](uint64_t salt) { live(salt, 200, true, 400); }));
}

TEST(TimerWheel, TightenFindsTheEarliestDeadlineThatIsDueByThen) {
    Wheel wheel;
    fired(wheel, 1000 * kSecond);
    wheel.arm(1500 * kSecond + 17, 1);
    wheel.arm(1500 * kSecond + 12, 2);
    EXPECT_EQ(wheel.due_ns(), Wheel::kNever);
    wheel.tighten(1499 * kSecond);
    EXPECT_EQ(wheel.due_ns(), Wheel::kNever);
    wheel.tighten(1501 * kSecond);
    EXPECT_EQ(wheel.due_ns(), 1500 * kSecond + 12);
    wheel.arm(1200 * kSecond, 3);  // earlier than what was tightened to
    EXPECT_EQ(wheel.due_ns(), 1200 * kSecond);
    EXPECT_EQ(fired(wheel, 1200 * kSecond + 1), std::vector<uint32_t>{3});
    EXPECT_EQ(fired(wheel, 1600 * kSecond), (std::vector<uint32_t>{2, 1}));
}

TEST(TimerWheel, SlotsOfCancelledTimersAreUsedAgain) {
    Wheel wheel;
    fired(wheel, kSecond);
    wheel.cancel(wheel.arm(kSecond, 1));
    const size_t bytes_of_one = wheel.bytes();
    for (int i = 0; i < 100'000; ++i) wheel.cancel(wheel.arm(kSecond + i * 1'000'000LL, 1));
    EXPECT_EQ(wheel.size(), 0u);
    EXPECT_EQ(wheel.bytes(), bytes_of_one);
    EXPECT_EQ(wheel.next_look_ns() == Wheel::kNever || wheel.next_look_ns() <= 2 * kSecond, true);
}

}  // namespace
}  // namespace penstock::test

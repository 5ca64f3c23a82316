// One target's way under a clock that is turned by hand.
#include <gtest/gtest.h>

#include <deque>
#include <set>

#include "schemas/limits.h"
#include "stages/notify/target_lane.h"
#include "tests/support/manual_clock.h"

namespace penstock::test {
namespace {

constexpr int64_t kSecond = 1'000'000'000, kMinute = 60 * kSecond, kHour = 60 * kMinute;

/// Answers from a script, then with "delivered".
class ScriptedChannel final : public Channel {
  public:
    struct Log {
        std::deque<DeliveryResult> script;
        std::vector<Notification> seen;
        std::vector<int64_t> at_ns;
    };
    ScriptedChannel(Log& log, const Clock& clock) : log_(log), clock_(clock) {}
    DeliveryResult deliver(const Notification& n) override {
        log_.seen.push_back(n);
        log_.at_ns.push_back(clock_.monotonic_ns());
        DeliveryResult result;
        result.delivered = true;
        if (!log_.script.empty()) {
            result = log_.script.front();
            log_.script.pop_front();
        }
        return result;
    }
    void interrupt() override {}
    std::string_view destination() const override { return "a script"; }

  private:
    Log& log_;
    const Clock& clock_;
};

DeliveryResult failed(std::string detail = "HTTP 503", int64_t retry_after_ns = 0) {
    DeliveryResult result;
    result.detail = std::move(detail);
    result.retry_after_ns = retry_after_ns;
    return result;
}
DeliveryResult refused() {
    DeliveryResult result;
    result.permanent = true;
    result.detail = "HTTP 410";
    return result;
}

struct LaneTest : testing::Test {
    ManualClock clock;
    ScriptedChannel::Log log;
    std::vector<DeliveryResult> results;
    DeliveryPolicy policy;
    TargetLane::Room room{limits::kNotificationsMax, limits::kNotificationsBytesMax};

    std::unique_ptr<TargetLane> lane() {
        return std::make_unique<TargetLane>("oncall", std::make_unique<ScriptedChannel>(log, clock), policy,
                                            room, clock,
                                            [this](const DeliveryResult& r) { results.push_back(r); });
    }
    Notification notification(uint64_t id) const {
        Notification n;
        n.effect_id = id;
        n.channel = "oncall";
        n.at_ns = clock.wall_ns();
        n.json = "{}";
        return n;
    }
    /// Until nothing waits, the clock going on as the lane asks.
    void run(TargetLane& lane) {
        while (lane.waiting() > 0) {
            const int64_t wait = lane.step();
            if (wait > 0) clock.advance(wait);
        }
    }
};

TEST_F(LaneTest, DeliversInTheOrderOfOffersAndReportsEach) {
    const auto l = lane();
    for (uint64_t id = 1; id <= 3; ++id) EXPECT_TRUE(l->offer(notification(id)));
    run(*l);
    ASSERT_EQ(results.size(), 3u);
    for (uint64_t id = 1; id <= 3; ++id) {
        EXPECT_EQ(log.seen[id - 1].effect_id, id);
        EXPECT_EQ(results[id - 1].effect_id, id);
        EXPECT_EQ(results[id - 1].attempt, 1u);
        EXPECT_EQ(results[id - 1].channel, "oncall");
        EXPECT_TRUE(results[id - 1].delivered);
    }
}

TEST_F(LaneTest, AFailureIsTriedAgainBeforeWhatComesAfterIt) {
    const auto l = lane();
    log.script = {failed(), failed()};
    l->offer(notification(1));
    l->offer(notification(2));
    run(*l);
    std::vector<uint64_t> order;
    order.reserve(log.seen.size());
    for (const Notification& n : log.seen) order.push_back(n.effect_id);
    EXPECT_EQ(order, (std::vector<uint64_t>{1, 1, 1, 2}));
    ASSERT_EQ(results.size(), 4u);
    for (uint32_t i = 0; i < 3; ++i) EXPECT_EQ(results[i].attempt, i + 1);
    EXPECT_FALSE(results[0].delivered || results[0].permanent);
    EXPECT_GT(results[0].retry_after_ns, 0);
    EXPECT_EQ(results[2].retry_after_ns, 0);
}

TEST_F(LaneTest, WaitsGrowFromOneSecondToFiveMinutesWithFullJitter) {
    std::set<int64_t> late_waits;
    for (uint64_t seed = 0; seed < 50; ++seed) {
        log = {};
        results.clear();
        policy.jitter_seed = seed;
        const auto l = lane();
        log.script.assign(14, failed());
        l->offer(notification(1));
        run(*l);
        ASSERT_EQ(log.at_ns.size(), 15u);
        for (size_t i = 0; i + 1 < log.at_ns.size(); ++i) {
            const int64_t wait = log.at_ns[i + 1] - log.at_ns[i];
            EXPECT_EQ(wait, results[i].retry_after_ns);
            EXPECT_GE(wait, kSecond);
            EXPECT_LE(wait, std::min(kSecond << (i + 1), 5 * kMinute));
            if (i > 9) late_waits.insert(wait / kMinute);
        }
    }
    EXPECT_EQ(late_waits, (std::set<int64_t>{0, 1, 2, 3, 4}));
}

TEST_F(LaneTest, TheSameSeedWaitsTheSame) {
    const auto waits = [&] {
        log = {};
        const auto l = lane();
        log.script.assign(8, failed());
        l->offer(notification(1));
        run(*l);
        std::vector<int64_t> out;
        for (size_t i = 1; i < log.at_ns.size(); ++i) out.push_back(log.at_ns[i] - log.at_ns[i - 1]);
        return out;
    };
    EXPECT_EQ(waits(), waits());
}

TEST_F(LaneTest, WhatTheReceiverAsksForIsTheLeastWait) {
    const auto l = lane();
    log.script = {failed("HTTP 429", 20 * kMinute)};
    l->offer(notification(1));
    run(*l);
    EXPECT_EQ(log.at_ns[1] - log.at_ns[0], 20 * kMinute);
}

TEST_F(LaneTest, AnswersEndTheBackoff) {
    const auto l = lane();
    log.script.assign(10, failed());
    log.script.push_back(refused());
    log.script.push_back(failed());
    l->offer(notification(1));
    l->offer(notification(2));
    run(*l);
    ASSERT_EQ(log.at_ns.size(), 13u);
    EXPECT_EQ(log.at_ns[11], log.at_ns[10]);
    EXPECT_LE(log.at_ns[12] - log.at_ns[11], 2 * kSecond);
}

TEST_F(LaneTest, APermanentFailureMakesWayAtOnce) {
    const auto l = lane();
    log.script = {refused()};
    l->offer(notification(1));
    l->offer(notification(2));
    run(*l);
    ASSERT_EQ(results.size(), 2u);
    EXPECT_TRUE(results[0].permanent);
    EXPECT_EQ(results[0].detail, "HTTP 410");
    EXPECT_TRUE(results[1].delivered);
    EXPECT_EQ(log.at_ns[0], log.at_ns[1]);
}

TEST_F(LaneTest, ADayAfterTheDecisionItIsGivenUpAndSoIsWhatWaitedBehindIt) {
    const auto l = lane();
    log.script.assign(10'000, failed("HTTP 500: no disk"));
    const StampNs decided = clock.wall_ns();
    l->offer(notification(1));
    l->offer(notification(2));
    while (l->waiting() == 2) {
        const int64_t wait = l->step();
        if (wait > 0) clock.advance(wait);
    }
    EXPECT_GE(clock.wall_ns() - decided, 24 * kHour);
    EXPECT_LE(clock.wall_ns() - decided, 24 * kHour + 5 * kMinute);
    const size_t attempts = log.seen.size();
    EXPECT_GT(attempts, 288u);
    EXPECT_EQ(l->step(), 0);
    EXPECT_EQ(l->waiting(), 0u);
    EXPECT_EQ(log.seen.size(), attempts);
    const DeliveryResult& second = results.back();
    EXPECT_TRUE(second.permanent);
    EXPECT_EQ(second.effect_id, 2u);
    EXPECT_EQ(second.attempt, 0u);
    EXPECT_EQ(second.detail, "given up after 24 h; the last fault: HTTP 500: no disk");
}

TEST_F(LaneTest, AnOldNotificationIsTriedOnceWhereTheTargetIsNotKnownToFail) {
    const auto l = lane();
    Notification old = notification(1);
    old.at_ns -= 48 * kHour;
    old.attempt = 5;
    l->offer(std::move(old));
    run(*l);
    ASSERT_EQ(results.size(), 1u);
    EXPECT_TRUE(results[0].delivered);
    EXPECT_EQ(results[0].attempt, 6u);
}

TEST_F(LaneTest, TakesTenThousandAndThenRefusesUntilThereIsRoom) {
    const auto l = lane();
    for (uint64_t id = 0; id < 10'000; ++id) ASSERT_TRUE(l->offer(notification(id)));
    Notification further = notification(10'000);
    EXPECT_FALSE(l->offer(std::move(further)));
    EXPECT_EQ(further.json, "{}") << "untouched";  // NOLINT(bugprone-use-after-move)
    l->step();
    EXPECT_TRUE(l->offer(std::move(further)));
    run(*l);
    ASSERT_EQ(results.size(), 10'001u);
    for (uint64_t id = 0; id <= 10'000; ++id) ASSERT_EQ(log.seen[id].effect_id, id);
}

TEST_F(LaneTest, BytesAreBoundedToo) {
    room.bytes = 1'000;
    const auto l = lane();
    const auto of_bytes = [&](size_t bytes) {
        Notification n = notification(1);
        n.json.assign(bytes, 'x');
        return n;
    };
    EXPECT_TRUE(l->offer(of_bytes(700)));
    EXPECT_FALSE(l->offer(of_bytes(301)));
    EXPECT_TRUE(l->offer(of_bytes(300)));
    run(*l);
    EXPECT_TRUE(l->offer(of_bytes(2'000))) << "one that is larger goes alone";
}

TEST_F(LaneTest, WhatIsTooLargeIsNeverSent) {
    const auto l = lane();
    Notification n = notification(1);
    n.json.assign(limits::kNotificationBytesMax + 1, 'x');
    l->offer(std::move(n));
    run(*l);
    EXPECT_TRUE(log.seen.empty());
    ASSERT_EQ(results.size(), 1u);
    EXPECT_TRUE(results[0].permanent);
}

TEST_F(LaneTest, AStopHandsBackWhatIsLeftWithItsAttempts) {
    const auto l = lane();
    log.script = {failed(), failed()};
    l->offer(notification(1));
    l->offer(notification(2));
    while (log.seen.size() < 2) clock.advance(std::max<int64_t>(l->step(), 0));
    l->request_stop();
    EXPECT_FALSE(l->offer(notification(3)));
    const auto left = l->take_undelivered();
    ASSERT_EQ(left.size(), 2u);
    EXPECT_EQ(left[0].effect_id, 1u);
    EXPECT_EQ(left[0].attempt, 2u);
    EXPECT_EQ(left[1].effect_id, 2u);
    EXPECT_EQ(left[1].attempt, 0u);
}

}  // namespace
}  // namespace penstock::test

// Simulations over a log: two documents side by side, and what differs.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "admin/appliance_simulation.h"
#include "admin/simulation_differences.h"
#include "tests/support/hot_log.h"

namespace penstock {
namespace {

constexpr StampNs kStart = 1'767'225'600'000'000'000;  // of a HotLog
constexpr int64_t kSecond = 1'000'000'000;

std::string within(int seconds) {
    return fmt::format(
        R"({{"name":"w","key":"subject","edges":[{{"name":"in time","from":"a","to":"b","within":"{}s"}}]}})",
        seconds);
}

struct Simulation : testing::Test {
    test::HotLog hot;
    LogSimulations simulations{hot.log(), {}};

    /// One event, received and happened so many seconds after the start.
    void event(int at_s, const std::string& type, const std::string& key) {
        hot.set_stamp(kStart + at_s * kSecond);
        hot.append({test::LoggedEvent{.id = std::to_string(hot.next_seq()), .type = type, .subject = key}});
    }
    SimulationRequest request(const std::string& candidate, const std::string& baseline) {
        SimulationRequest asked;
        asked.workflow = "w";
        asked.candidate = candidate;
        asked.baseline = baseline;
        asked.from_ns = kStart;
        asked.to_ns = kStart + 3'600 * kSecond;
        return asked;
    }
    SimulationView run(const SimulationRequest& asked) {
        const auto id = simulations.start(asked);
        if (!id) throw std::runtime_error("too many run");
        for (;;) {
            const auto view = simulations.simulation(*id);
            if (view->state != SimulationState::kRunning) return *view;
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
    }
};

TEST_F(Simulation, TellsWhatAnotherDocumentWouldHaveAddedAndMoved) {
    event(0, "a", "quick");
    event(0, "a", "slow");
    event(0, "a", "never");
    event(5, "b", "quick");
    event(30, "b", "slow");
    event(100, "x", "other");
    const SimulationView done = run(request(within(10), within(60)));
    ASSERT_EQ(done.state, SimulationState::kDone) << done.failure;
    EXPECT_EQ(done.events, 6u);
    EXPECT_EQ(done.progress, 1);
    EXPECT_EQ(done.first_ns, kStart);
    ASSERT_EQ(done.candidate.rules.size(), 1u);
    EXPECT_EQ(done.candidate.rules[0].late, 1u);
    EXPECT_EQ(done.candidate.rules[0].missed, 1u);
    ASSERT_TRUE(done.baseline);
    EXPECT_EQ(done.baseline->rules[0].met, 2u);
    EXPECT_EQ(done.baseline->rules[0].missed, 1u);
    EXPECT_EQ(done.candidate.troubles, 2u);
    EXPECT_EQ(done.baseline->troubles, 1u);
    ASSERT_EQ(done.added.total, 1u);
    EXPECT_EQ(done.added.shown[0].key, "slow");
    EXPECT_EQ(done.added.shown[0].rule, "in time");
    EXPECT_EQ(done.removed.total, 0u);
    ASSERT_EQ(done.moved.total, 1u);
    EXPECT_EQ(done.moved.shown[0].key, "never");
    EXPECT_LT(done.moved.shown[0].deadline_ns, done.moved.shown[0].baseline_deadline_ns);
}

TEST_F(Simulation, TheSameDocumentTwiceFindsTheSame) {
    for (int i = 0; i < 50; ++i) event(i, i % 3 == 0 ? "a" : "b", std::to_string(i % 7));
    const SimulationView done = run(request(within(4), within(4)));
    EXPECT_GT(done.candidate.troubles, 0u);
    EXPECT_EQ(done.candidate.digest, done.baseline->digest);
    EXPECT_EQ(done.added.total + done.removed.total + done.moved.total, 0u);
    EXPECT_EQ(run(request(within(4), within(4))).candidate.digest, done.candidate.digest);
    EXPECT_NE(run(request(within(5), within(4))).candidate.digest, done.candidate.digest);
}

TEST_F(Simulation, WithoutAnActiveVersionEverythingIsAdded) {
    event(0, "a", "k");
    event(60, "x", "k");
    const SimulationView done = run(request(within(10), ""));
    EXPECT_FALSE(done.baseline);
    EXPECT_EQ(done.added.total, 1u);
}

TEST_F(Simulation, TheSpanIsHalfOpenAndItsEndIsATimeThatHasCome) {
    event(0, "a", "before");
    event(100, "a", "in");
    event(200, "a", "after");
    SimulationRequest asked = request(within(50), "");
    asked.from_ns = kStart + 100 * kSecond;
    asked.to_ns = kStart + 200 * kSecond;
    const SimulationView done = run(asked);
    EXPECT_EQ(done.events, 1u);
    EXPECT_EQ(done.candidate.rules[0].missed, 1u);  // nothing was recorded between its deadline and the end
    asked.to_ns = kStart + 140 * kSecond;
    EXPECT_EQ(run(asked).candidate.rules[0].pending, 1u);
    asked.from_ns = kStart + 500 * kSecond;
    asked.to_ns = kStart + 600 * kSecond;
    EXPECT_EQ(run(asked).events, 0u);
}

TEST_F(Simulation, RulesOnTheClockBeginWithTheSpan) {
    for (const int at_s : {0, 100, 105, 111}) event(at_s, "x", "k");
    SimulationRequest asked =
        request(R"({"name":"w","absence":[{"name":"alive","type":"ping","key":"subject","keys":["gate"],)"
                R"("every":"10s"}]})",
                "");
    asked.from_ns = kStart + 50 * kSecond;
    const SimulationView done = run(asked);
    ASSERT_EQ(done.candidate.rules.size(), 1u) << done.failure;
    EXPECT_EQ(done.candidate.rules[0].name, "alive");
    EXPECT_EQ(done.candidate.rules[0].missed, 1u);
    ASSERT_EQ(done.added.total, 1u);
    EXPECT_EQ(done.added.shown[0].deadline_ns, kStart + 110 * kSecond) << "from the first event of the span";
    asked.from_ns = kStart + 200 * kSecond;
    EXPECT_EQ(run(asked).candidate.rules.size(), 1u) << "also where the span has no event";
}

TEST_F(Simulation, WhatIsFoundAboutOneKeyIsToldOneByOne) {
    event(0, "a", "k");
    event(0, "a", "other");
    event(30, "b", "k");
    SimulationRequest asked = request(within(10), within(60));
    asked.key = "k";
    const SimulationView done = run(asked);
    ASSERT_EQ(done.findings.size(), 2u);
    EXPECT_EQ(done.findings[0].kind, "missed");
    EXPECT_EQ(done.findings[1].kind, "late");
    EXPECT_TRUE(done.findings[1].candidate);
}

TEST_F(Simulation, WhatCannotRunFailsWithTheReason) {
    const SimulationView failed = run(request("{}", ""));
    EXPECT_EQ(failed.state, SimulationState::kFailed);
    EXPECT_NE(failed.failure.find("/name"), std::string::npos);
}

TEST_F(Simulation, TheOldestAreForgottenAndUnknownOnesAreNotCancelled) {
    event(0, "a", "k");
    for (size_t i = 0; i < SimulationService::kKeptMax + 3; ++i) run(request(within(10), ""));
    EXPECT_EQ(simulations.simulations().size(), SimulationService::kKeptMax);
    EXPECT_EQ(simulations.simulations().front().id, SimulationService::kKeptMax + 3);
    EXPECT_FALSE(simulations.simulation(1));
    EXPECT_FALSE(simulations.cancel(1));
    EXPECT_TRUE(simulations.cancel(SimulationService::kKeptMax + 3));  // it is over; nothing happens
}

struct Differences : testing::Test {
    SimulationDifferences differences{3};
    SimulationView out;

    void found(uint64_t key, StampNs deadline, bool candidate) {
        differences.found({.kind = Finding::Kind::kMissed,
                           .workflow = "w",
                           .rule = "r",
                           .key = {key, 0},
                           .deadline_ns = deadline,
                           .at_ns = deadline},
                          candidate);
    }
    void tell() {
        differences.tell(out, [](Seq) { return std::string("key"); });
    }
};

TEST_F(Differences, WhatIsFoundTwiceByOneAndOnceByTheOtherDiffersOnce) {
    found(1, 5, true);
    found(1, 5, true);
    found(1, 5, false);
    tell();
    EXPECT_EQ(out.added.total, 1u);
    EXPECT_FALSE(out.differences_cut);
}

TEST_F(Differences, OfOneKeyTheEarliestArePaired) {
    found(1, 5, true);
    found(1, 9, true);
    found(1, 7, false);
    found(2, 1, false);
    tell();
    ASSERT_EQ(out.moved.total, 1u);
    EXPECT_EQ(out.moved.shown[0].deadline_ns, 5);
    EXPECT_EQ(out.moved.shown[0].baseline_deadline_ns, 7);
    EXPECT_EQ(out.added.total, 1u);
    EXPECT_EQ(out.removed.total, 1u);
}

TEST_F(Differences, BeyondTheBoundNothingIsToldThatIsNotSo) {
    for (uint64_t key = 1; key <= 5; ++key) found(key, 1, true);
    for (uint64_t key = 1; key <= 5; ++key) found(key, 1, false);
    tell();
    EXPECT_EQ(out.added.total + out.removed.total + out.moved.total, 0u);
    EXPECT_TRUE(out.differences_cut);
}

}  // namespace
}  // namespace penstock

// Simulations over what a region's database has, against those over the log that it came from.
#include <gtest/gtest.h>

#include "admin/appliance_simulation.h"
#include "storage/regional_history.h"
#include "tests/support/region_rig.h"

namespace penstock::test {
namespace {

constexpr StampNs kStart = 1'767'225'600'000'000'000;  // of a HotLog: 2026-01-01T00:00:00Z
constexpr int64_t kSecond = 1'000'000'000, kHour = 3'600 * kSecond;

std::string within(int seconds) {
    return fmt::format(
        R"({{"name":"w","key":"subject","edges":[{{"name":"in time","from":"a","to":"b","within":"{}s"}}]}})",
        seconds);
}

class RegionalSimulation : public ::testing::Test {
  protected:
    void SetUp() override {
        PENSTOCK_NEEDS_POSTGRES();
        shared_cluster().reset();
        rig = std::make_unique<RegionRig>(shared_cluster().dsn());
        simulations = std::make_unique<LogSimulations>(rig->hot.log(), Engine::Options{}, [] {
            return std::map<std::string, std::string>{{"eu", shared_cluster().dsn()}};
        });
    }
    void event(int64_t at_s, LoggedEvent one) {
        rig->hot.set_stamp(kStart + at_s * kSecond);
        one.id = std::to_string(rig->hot.next_seq());
        rig->hot.append({one});
    }
    void flush() {
        rig->commit();
        rig->start();
        ASSERT_TRUE(rig->caught_up()) << rig->region.error();
    }
    static SimulationRequest request(const std::string& region, const std::string& candidate,
                                     const std::string& baseline = "") {
        SimulationRequest asked;
        asked.workflow = "w";
        asked.region = region;
        asked.candidate = candidate;
        asked.baseline = baseline;
        asked.to_ns = kStart + 60 * kHour;
        return asked;
    }
    SimulationView ended(uint64_t id) const {
        SimulationView view;
        EXPECT_TRUE(RegionRig::eventually([&] {
            view = simulations->simulation(id).value();
            return view.state != SimulationState::kRunning;
        }));
        return view;
    }
    SimulationView run(const SimulationRequest& asked) { return ended(simulations->start(asked).value()); }

    std::unique_ptr<RegionRig> rig;
    std::unique_ptr<LogSimulations> simulations;
};

TEST_F(RegionalSimulation, FindsWhatTheLogTells) {
    // Over days, through a midnight; each key's second event comes a second to a minute later.
    for (int i = 0; i < 400; ++i) {
        const std::string key = "k" + std::to_string(i);
        LoggedEvent from{.type = "a", .subject = key, .region = "eu", .data = R"({"x":"\u00e4"})"};
        from.tenant = i % 3 == 0 ? "acme" : "default";
        LoggedEvent to = from;
        to.type = "b";
        to.severity = 3;
        to.time_ns = kStart + (i * 500 + 5) * kSecond;
        event(i * 500, from);
        if (i % 5 != 0) event(i * 500 + 1 + i % 60, to);
    }
    event(61 * 3'600, {.type = "x", .region = "eu"});
    flush();
    const SimulationView log = run(request("", within(10), within(30)));
    const SimulationView region = run(request("eu", within(10), within(30)));
    ASSERT_EQ(region.state, SimulationState::kDone) << region.failure;
    EXPECT_EQ(region.events, log.events);
    EXPECT_EQ(region.first_ns, log.first_ns);
    EXPECT_EQ(region.progress, 1);
    EXPECT_EQ(region.candidate.digest, log.candidate.digest);
    EXPECT_EQ(region.baseline->digest, log.baseline->digest);
    EXPECT_GT(region.candidate.troubles, 0u);
    ASSERT_EQ(region.moved.shown.size(), log.moved.shown.size());
    ASSERT_FALSE(region.moved.shown.empty());
    for (size_t i = 0; i < log.moved.shown.size(); ++i) {
        EXPECT_EQ(region.moved.shown[i].key, log.moved.shown[i].key);
        EXPECT_EQ(region.moved.shown[i].deadline_ns, log.moved.shown[i].deadline_ns);
    }
}

TEST_F(RegionalSimulation, HasOnlyTheRegionsEventsOfTheSpan) {
    event(0, {.type = "a", .subject = "before", .region = "eu"});
    event(100, {.type = "a", .subject = "in", .region = "eu"});
    event(101, {.type = "a", .subject = "elsewhere", .region = "us"});
    event(200, {.type = "a", .subject = "after", .region = "eu"});
    flush();
    SimulationRequest asked = request("eu", within(50));
    asked.from_ns = kStart + 100 * kSecond;
    asked.to_ns = kStart + 200 * kSecond;
    const SimulationView done = run(asked);
    ASSERT_EQ(done.state, SimulationState::kDone) << done.failure;
    EXPECT_EQ(done.events, 1u);
    EXPECT_EQ(done.candidate.rules[0].missed, 1u);
    ASSERT_EQ(done.added.shown.size(), 1u);
    EXPECT_EQ(done.added.shown[0].key, "in");
}

TEST_F(RegionalSimulation, KeysGroupsAndExtensionsAreReadBack) {
    flush();
    rig->stop();
    shared_cluster().sql(
        "CREATE TABLE penstock.event_20260101 PARTITION OF penstock.event FOR VALUES FROM "
        "('2026-01-01 00:00+00') TO ('2026-01-02 00:00+00')");
    shared_cluster().sql(
        R"(INSERT INTO penstock.event SELECT 7, '2026-01-01 00:00:01.000002+00', '2026-01-01 00:00:00.5+00',
           log, 4, 'acme', '/s', 'id-1', 'a', NULL, '{"x":1}',
           '{"keys":{"order":"o\u00e41"},"groups":{"site":"n"},"extensions":{"lane":"9"}}' FROM penstock.ledger)");
    const StopSignal never;
    RegionalHistory history({"eu", shared_cluster().dsn()}, rig->hot.log(), never);
    size_t rows = 0;
    history.read(
        kStart, kStart + kHour,
        [&](const RegionalHistory::Row& row) {
            ++rows;
            EXPECT_EQ(row.seq, 7u);
            EXPECT_EQ(row.received_ns, kStart + kSecond + 2'000);
            EXPECT_EQ(row.head.time_ns, kStart + kSecond / 2);
            EXPECT_EQ(row.head.flags, kHeadHasTime);
            EXPECT_EQ(row.head.severity, 4);
            EventFields fields;
            read_event(*event_of(row.bytes), fields);
            EXPECT_EQ(fields.id, "id-1");
            EXPECT_EQ(fields.source, "/s");
            EXPECT_EQ(fields.data, R"({"x":1})");
            EXPECT_EQ(fields.subject, "");
            EXPECT_EQ(fields.keys, (std::vector<EventFields::Pair>{{"order", "o\u00e41"}}));
            EXPECT_EQ(fields.groups, (std::vector<EventFields::Pair>{{"site", "n"}}));
            EXPECT_EQ(fields.extensions, (std::vector<EventFields::Pair>{{"lane", "9"}}));
            return true;
        },
        [](StampNs) { return true; });
    EXPECT_EQ(rows, 1u);
    EXPECT_EQ(history.key_texts({7, 8}, kStart, kStart + kHour), (std::map<Seq, std::string>{{7, "id-1"}}));
}

TEST_F(RegionalSimulation, IsCancelledWhileItWaitsForTheServerAndFailsWithTheReason) {
    event(0, {.type = "a", .subject = "k", .region = "eu"});
    flush();
    rig->stop();
    EXPECT_NE(run(request("us", within(10))).failure.find("region us has no database"), std::string::npos);

    // Whoever holds the table keeps the simulation waiting.
    const StopSignal never;
    PostgresConnection other({shared_cluster().admin_dsn(), "test"}, never);
    other.script("BEGIN; LOCK TABLE penstock.event IN ACCESS EXCLUSIVE MODE");
    const uint64_t id = simulations->start(request("eu", within(10))).value();
    ASSERT_TRUE(RegionRig::eventually(
        [&] { return shared_cluster().number("SELECT count(*) FROM pg_locks WHERE NOT granted") > 0; }));
    EXPECT_TRUE(simulations->cancel(id));
    EXPECT_EQ(ended(id).state, SimulationState::kCancelled);
    other.script("ROLLBACK");

    shared_cluster().sql("DELETE FROM penstock.ledger");
    const SimulationView failed = run(request("eu", within(10)));
    EXPECT_EQ(failed.state, SimulationState::kFailed);
    EXPECT_EQ(failed.failure, "region eu has nothing of this log");
}

}  // namespace
}  // namespace penstock::test

// What the flusher does with a region that is well: each event once, the ledger, partitions.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/support/region_rig.h"

namespace penstock::test {
namespace {

class RegionalFlush : public ::testing::Test {
  protected:
    void SetUp() override {
        PENSTOCK_NEEDS_POSTGRES();
        shared_cluster().reset();
        rig = std::make_unique<RegionRig>(shared_cluster().dsn());
    }
    int64_t number(const std::string& statement) { return shared_cluster().number(statement); }
    int64_t stored() { return number("SELECT count(*) FROM penstock.event"); }
    /// So that the schema is there.
    void start_and_stop() {
        rig->append(1);
        rig->start();
        EXPECT_TRUE(rig->caught_up()) << rig->region.error();
        rig->stop();
    }
    /// Each event once but those that were refused, the ledger behind it, and no failure on the way.
    void expect_all_stored(int64_t refused = 0) {
        const int64_t expected = static_cast<int64_t>(rig->expected()) - refused;
        EXPECT_EQ(stored(), expected);
        EXPECT_EQ(number("SELECT count(DISTINCT seq) FROM penstock.event"), expected);
        EXPECT_EQ(number("SELECT stored FROM penstock.ledger"), expected);
        EXPECT_EQ(number("SELECT refused FROM penstock.ledger"), refused);
        EXPECT_EQ(rig->region.waiting_events.load(), 0u);
        EXPECT_EQ(rig->region.failures_total.read(), 0u);
    }

    std::unique_ptr<RegionRig> rig;
};

TEST_F(RegionalFlush, StoresTheEventsOfItsRegionAndNoOther) {
    for (int i = 0; i < 20; ++i) rig->append(100, 3);
    rig->start();
    ASSERT_TRUE(rig->caught_up()) << rig->region.error();
    EXPECT_EQ(stored(), static_cast<int64_t>(rig->expected()));
    EXPECT_EQ(number("SELECT count(DISTINCT seq) FROM penstock.event"),
              static_cast<int64_t>(rig->expected()));
    EXPECT_EQ(rig->region.stored_total.load(), rig->expected());
    EXPECT_EQ(number("SELECT stored FROM penstock.ledger"), static_cast<int64_t>(rig->expected()));
    EXPECT_EQ(number("SELECT count(*) FROM penstock.event WHERE data->>'n' = substr(id, 2)"), stored());
    EXPECT_EQ(rig->region.waiting_events.load(), 0u);
    EXPECT_EQ(rig->region.lag_ns.load(), 0);
    EXPECT_EQ(rig->region.breaker.load(), BreakerState::kClosed);
}

TEST_F(RegionalFlush, TakesEventsThatComeWhileItRunsAndContinuesAfterARestart) {
    for (int run = 0; run < 3; ++run) {
        rig->start();
        for (int i = 0; i < 30; ++i) {
            rig->append(10);
            if (i % 7 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
        rig->stop(run == 1 ? 5'000'000'000 : 0);
        if (run == 1) {
            EXPECT_EQ(stored(), 600) << "a drained stop leaves nothing behind";
        }
    }
    rig->start();
    ASSERT_TRUE(rig->caught_up()) << rig->region.error();
    EXPECT_EQ(stored(), 900);
    EXPECT_EQ(number("SELECT epoch FROM penstock.ledger"), 4) << "each start takes the log over anew";
}

TEST_F(RegionalFlush, NeverPassesWhatIsCommitted) {
    rig->append(10);
    const Seq committed = rig->hot.next_seq();
    rig->append(10);
    rig->telemetry.committed_seq = committed;
    rig->start();
    ASSERT_TRUE(RegionRig::eventually([&] { return rig->region.flushed_seq.load() >= committed; }));
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    EXPECT_EQ(rig->region.flushed_seq.load(), committed);
    EXPECT_EQ(stored(), 10);
    rig->commit();
    ASSERT_TRUE(rig->caught_up());
    EXPECT_EQ(stored(), 20);
}

TEST_F(RegionalFlush, MovesTheLedgerPastWhatIsNotForTheRegion) {
    LoggedEvent a, b;
    a.id = "a", a.region = "us";
    b.id = "b", b.region = "apac";
    rig->hot.append(std::vector<LoggedEvent>{a, b});
    rig->hot.append_control();
    rig->commit();
    rig->start();
    ASSERT_TRUE(rig->caught_up()) << rig->region.error();
    EXPECT_EQ(stored(), 0);
    EXPECT_EQ(rig->region.flushes_total.read(), 0u);
}

TEST_F(RegionalFlush, KeepsToTheLimitOfRowsAlsoInsideARecord) {
    rig->options.rows_max = 7;
    rig->append(100, 2);
    rig->append(33);
    rig->start();
    ASSERT_TRUE(rig->caught_up()) << rig->region.error();
    EXPECT_EQ(stored(), 83);
    EXPECT_EQ(number("SELECT count(DISTINCT seq) FROM penstock.event"), 83);
    EXPECT_GE(rig->region.flushes_total.read(), 12u);
}

TEST_F(RegionalFlush, PutsEachEventIntoThePartitionOfItsDay) {
    const StampNs day = 86'400'000'000'000, midnight = 1'767'225'600'000'000'000 + 10 * day;
    rig->hot.set_stamp(midnight - 5);  // a batch over midnight: five before, five after
    rig->append(10);
    rig->hot.set_stamp(midnight + 2 * day);
    rig->append(4);
    rig->start();
    ASSERT_TRUE(rig->caught_up()) << rig->region.error();
    EXPECT_EQ(number("SELECT count(*) FROM penstock.event_20260110"), 5);
    EXPECT_EQ(number("SELECT count(*) FROM penstock.event_20260111"), 5);
    EXPECT_EQ(number("SELECT count(*) FROM penstock.event_20260113"), 4);
    EXPECT_EQ(shared_cluster().sql("SELECT max(received) AT TIME ZONE 'UTC' FROM penstock.event_20260110"),
              "2026-01-10 23:59:59.999999")
        << "rounded down, into its own day";
}

TEST_F(RegionalFlush, HasPartitionsForTodayAndTomorrowAndDropsOldOnesByRetention) {
    rig->append(3);  // received on 2026-01-01
    rig->start();
    ASSERT_TRUE(rig->caught_up()) << rig->region.error();
    const char* const ahead =
        "SELECT count(*) FROM pg_class WHERE relnamespace = 'penstock'::regnamespace AND relname IN ("
        "to_char(now() AT TIME ZONE 'UTC', '\"event_\"YYYYMMDD'), "
        "to_char(now() AT TIME ZONE 'UTC' + interval '1 day', '\"event_\"YYYYMMDD'))";
    EXPECT_EQ(number(ahead), 2);
    EXPECT_EQ(stored(), 3);
    rig->stop();
    rig->options.retention_days = 30;
    rig->start();
    ASSERT_TRUE(RegionRig::eventually(
        [&] { return shared_cluster().sql("SELECT to_regclass('penstock.event_20260101')").empty(); }));
    EXPECT_EQ(number(ahead), 2);
    EXPECT_EQ(number("SELECT stored FROM penstock.ledger"), 3)
        << "the ledger counts what was stored, not what is left";
}

TEST_F(RegionalFlush, TwoLogsShareARegion) {
    RegionRig other(shared_cluster().dsn());
    rig->append(50);
    other.append(70);
    rig->start();
    other.start();
    ASSERT_TRUE(rig->caught_up()) << rig->region.error();
    ASSERT_TRUE(other.caught_up()) << other.region.error();
    EXPECT_EQ(stored(), 120);
    EXPECT_EQ(number("SELECT count(*) FROM penstock.ledger"), 2);
    EXPECT_EQ(number("SELECT count(*) FROM (SELECT DISTINCT log, seq FROM penstock.event) x"), 120);
}

TEST_F(RegionalFlush, FindsAnEventByItsKeyThroughTheIndex) {
    rig->options.rows_max = 2000;
    for (int i = 0; i < 60; ++i) rig->append(1000, 1, 100);
    rig->start();
    ASSERT_TRUE(rig->caught_up()) << rig->region.error();
    const int64_t summarized = number(
        "SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am a ON a.oid = "
        "c.relam "
        "WHERE a.amname = 'brin' AND i.indrelid = 'penstock.event_20260101'::regclass");
    EXPECT_EQ(summarized, 1);
    EXPECT_EQ(number("SELECT count(*) FROM penstock.event WHERE tenant = 'default' AND subject = 'cam-5'"),
              619);
}

TEST_F(RegionalFlush, HasTwoTransactionsUnderWayWhileMuchWaits) {
    rig->options.rows_max = 5'000;
    for (int i = 0; i < 200; ++i) rig->append(1'000, 1, 200);
    rig->start();
    EXPECT_TRUE(RegionRig::eventually([&] {
        return number(
                   "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'penstock eu' "
                   "AND query LIKE '%COPY penstock.event%' AND state LIKE 'active%'") == 2;
    }));
    ASSERT_TRUE(rig->caught_up()) << rig->region.error();
    expect_all_stored();
}

TEST_F(RegionalFlush, TransactionsUnderWayEndInTheLogsOrder) {
    rig->options.rows_max = 500;
    start_and_stop();
    for (int i = 0; i < 100; ++i) rig->append(500, 1, 100);
    std::atomic<bool> over{false};
    rig->start();
    // Who reads meanwhile never sees a gap: all below the highest sequence is there.
    std::thread reader([&] {
        while (!over) {
            const int64_t gaps =
                number("SELECT coalesce(max(seq) - min(seq) + 1 - count(*), 0) FROM penstock.event");
            EXPECT_EQ(gaps, 0);
        }
    });
    const bool caught_up = rig->caught_up();
    over = true;
    reader.join();
    ASSERT_TRUE(caught_up) << rig->region.error();
    expect_all_stored();
}

TEST_F(RegionalFlush, DoesWithOneConnectionWhereThereIsNoSecond) {
    shared_cluster().sql(
        "DO $$BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'lonely') THEN "
        "CREATE ROLE lonely LOGIN CONNECTION LIMIT 1; END IF; "
        "EXECUTE format('GRANT CREATE ON DATABASE %I TO lonely', current_database()); END$$");
    rig = std::make_unique<RegionRig>(shared_cluster().dsn() + " user=lonely");
    rig->options.rows_max = 2'000;
    for (int i = 0; i < 60; ++i) rig->append(1'000);
    rig->start();
    ASSERT_TRUE(rig->caught_up()) << rig->region.error();
    expect_all_stored();
}

TEST_F(RegionalFlush, ARefusedRowInOneOfTwoTransactionsStopsNeither) {
    rig->options.rows_max = 1'000;
    start_and_stop();
    shared_cluster().sql("ALTER TABLE penstock.event ADD CHECK (id NOT IN ('e500', 'e3001', 'e17999'))");
    for (int i = 0; i < 20; ++i) rig->append(1'000);
    rig->start();
    ASSERT_TRUE(RegionRig::eventually([&] {
        DeadLetterRequest letter;
        while (rig->dead_letters.try_pop(letter)) letter.done->reached();
        return rig->region.flushed_seq.load() >= rig->telemetry.committed_seq.load();
    })) << rig->region.error();
    expect_all_stored(3);
}

}  // namespace
}  // namespace penstock::test

// What the flusher does when the region, the connection or a second appliance spoils it: each event is stored
// once all the same.
#include <gtest/gtest.h>

#include "tests/support/postgres_proxy.h"
#include "tests/support/region_rig.h"

namespace penstock::test {
namespace {

using namespace std::chrono_literals;

class RegionalFault : public ::testing::Test {
  protected:
    void SetUp() override {
        PENSTOCK_NEEDS_POSTGRES();
        shared_cluster().reset();
    }
    static int64_t number(const std::string& statement) { return shared_cluster().number(statement); }
    static void expect_each_once(RegionRig& rig) {
        ASSERT_TRUE(rig.caught_up()) << rig.region.error();
        const auto expected = static_cast<int64_t>(rig.expected());
        EXPECT_EQ(number("SELECT count(*) FROM penstock.event"), expected);
        EXPECT_EQ(number("SELECT count(DISTINCT seq) FROM penstock.event"), expected);
        EXPECT_EQ(number("SELECT stored FROM penstock.ledger"), expected);
        EXPECT_EQ(rig.region.stored_total.load(), rig.expected());
        EXPECT_EQ(rig.region.breaker.load(), BreakerState::kClosed);
        EXPECT_EQ(rig.region.error(), "");
        EXPECT_EQ(rig.region.waiting_events.load(), 0u);
    }
};

TEST_F(RegionalFault, BackendTerminatedAtAnyMomentStoresEachEventOnce) {
    RegionRig rig(shared_cluster().dsn());
    rig.options.rows_max = 3000;
    rig.start();
    for (int round = 0; round < 60; ++round) {
        for (int i = 0; i < 5; ++i) rig.append(400, 1, 600);
        std::this_thread::sleep_for(std::chrono::milliseconds(round % 13));
        number(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = "
            "'penstock eu'");
    }
    expect_each_once(rig);
    EXPECT_GT(rig.region.failures_total.read(), 5u);
}

TEST_F(RegionalFault, ClusterKilledWhileRowsAreOnTheirWayStoresEachEventOnce) {
    PostgresCluster cluster;
    RegionRig rig(cluster.dsn());
    rig.options.rows_max = 5000;
    rig.start();
    for (int round = 0; round < 5; ++round) {
        for (int i = 0; i < 20; ++i) rig.append(1000, 1, 300);
        std::this_thread::sleep_for(std::chrono::milliseconds(20 + 17 * round));
        cluster.kill9();
        for (int i = 0; i < 3; ++i) rig.append(100);
        cluster.start();
    }
    ASSERT_TRUE(rig.caught_up()) << rig.region.error();
    EXPECT_EQ(cluster.number("SELECT count(*) FROM penstock.event"), static_cast<int64_t>(rig.expected()));
    EXPECT_EQ(cluster.number("SELECT count(DISTINCT seq) FROM penstock.event"),
              static_cast<int64_t>(rig.expected()));
    EXPECT_EQ(cluster.number("SELECT stored FROM penstock.ledger"), static_cast<int64_t>(rig.expected()));
}

class CommitSpoiled : public RegionalFault, public ::testing::WithParamInterface<PostgresProxy::Mode> {};

TEST_P(CommitSpoiled, StoresEachEventOnce) {
    PostgresProxy proxy(shared_cluster().dsn());
    RegionRig rig(proxy.dsn());
    rig.start();
    rig.append(10);
    ASSERT_TRUE(rig.caught_up()) << rig.region.error();
    for (int round = 1; round <= 5; ++round) {
        proxy.spoil_next_commit(GetParam(), 150ms);
        rig.append(100);
        ASSERT_TRUE(RegionRig::eventually([&] { return proxy.spoiled() == round; }));
        rig.append(10);
        ASSERT_TRUE(rig.caught_up()) << rig.region.error();
    }
    expect_each_once(rig);
    EXPECT_GE(rig.region.failures_total.read(), 5u);
}

INSTANTIATE_TEST_SUITE_P(All, CommitSpoiled,
                         ::testing::Values(PostgresProxy::Mode::kLoseAnswer, PostgresProxy::Mode::kLate,
                                           PostgresProxy::Mode::kSwallow),
                         [](const auto& spoiled) -> std::string {
                             switch (spoiled.param) {
                                 case PostgresProxy::Mode::kLoseAnswer:
                                     return "AnswerLost";
                                 case PostgresProxy::Mode::kLate:
                                     return "CommitsAfterTheConnectionIsGone";
                                 default:
                                     return "NeverArrives";
                             }
                         });

TEST_F(RegionalFault, RegionThatIsDownOpensTheBreakerAndIsCaughtUpWithLater) {
    PostgresCluster cluster;
    RegionRig rig(cluster.dsn());
    rig.start();
    rig.append(10);
    ASSERT_TRUE(rig.caught_up()) << rig.region.error();
    cluster.stop();
    rig.append(500, 2);
    ASSERT_TRUE(RegionRig::eventually([&] { return rig.region.breaker.load() != BreakerState::kClosed; }));
    EXPECT_NE(rig.region.error(), "");
    EXPECT_TRUE(RegionRig::eventually([&] { return rig.region.waiting_events.load() == 250; }))
        << rig.region.waiting_events.load();
    EXPECT_GT(rig.region.lag_ns.load(), 0);
    cluster.start();
    ASSERT_TRUE(rig.caught_up()) << rig.region.error();
    EXPECT_TRUE(RegionRig::eventually([&] { return rig.region.breaker.load() == BreakerState::kClosed; }));
    EXPECT_EQ(rig.region.error(), "");
    EXPECT_EQ(cluster.number("SELECT count(*) FROM penstock.event"), 260);
}

TEST_F(RegionalFault, StopIsHeardWithinTwoSecondsWhateverTheServerDoes) {
    PostgresProxy proxy(shared_cluster().dsn());
    RegionRig rig(proxy.dsn());
    rig.start();
    rig.append(10);
    ASSERT_TRUE(rig.caught_up()) << rig.region.error();
    proxy.spoil_next_commit(PostgresProxy::Mode::kHang);
    rig.append(10);
    ASSERT_TRUE(RegionRig::eventually([&] { return proxy.spoiled() == 1; }));
    const auto begin = std::chrono::steady_clock::now();
    rig.stop();
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 2s);
}

TEST_F(RegionalFault, SecondApplianceWithTheSameLogFencesTheFirst) {
    RegionRig rig(shared_cluster().dsn());
    rig.start();
    rig.append(100);
    ASSERT_TRUE(rig.caught_up()) << rig.region.error();
    RegionTelemetry second_region;
    second_region.name = "eu";
    auto second = rig.make_flusher(second_region);
    second->start();
    ASSERT_TRUE(
        RegionRig::eventually([&] { return second_region.flushed_seq.load() == rig.hot.next_seq(); }));
    for (int i = 0; i < 20; ++i) rig.append(50);
    second->notify();
    ASSERT_TRUE(
        RegionRig::eventually([&] { return second_region.flushed_seq.load() == rig.hot.next_seq(); }));
    EXPECT_TRUE(RegionRig::eventually([&] {
        return rig.region.error().find("another appliance") != std::string::npos;
    })) << rig.region.error();
    EXPECT_NE(rig.region.breaker.load(), BreakerState::kClosed);
    EXPECT_EQ(number("SELECT count(*) FROM penstock.event"), static_cast<int64_t>(rig.expected()));
    EXPECT_EQ(number("SELECT count(DISTINCT seq) FROM penstock.event"), static_cast<int64_t>(rig.expected()));
}

TEST_F(RegionalFault, StaleLedgerPositionStoresNothing) {
    RegionRig rig(shared_cluster().dsn());
    rig.append(10);
    PostgresRegionalStore store({"eu", shared_cluster().dsn()});
    const LedgerPosition ledger = store.open({rig.hot.log().identity().log_id, 1, 0});
    RowBatch batch;
    batch.clear(ledger.log, 1, 0);
    LogReader(rig.hot.log()).scan(1, [&](const RecordView& record) {
        for (size_t i = 0; i < record.count(); ++i) batch.add(record, i, "default");
        return true;
    });
    store.store(batch, {0, 10, 1, 11, 1});
    try {
        store.store(batch, {0, 10, 1, 11, 1});
        FAIL() << "the same rows were stored twice";
    } catch (const RegionalError& error) {
        EXPECT_EQ(error.kind, RegionalError::Kind::kMoved);
    }
    EXPECT_EQ(number("SELECT count(*) FROM penstock.event"), 10);
}

TEST_F(RegionalFault, RefusedRowsGoToTheDeadLettersAndTheRestIsStored) {
    RegionRig rig(shared_cluster().dsn());
    rig.start();
    rig.append(1);
    ASSERT_TRUE(rig.caught_up()) << rig.region.error();
    number("ALTER TABLE penstock.event ADD CHECK (id NOT IN ('e7', 'e500', 'e501', 'e1001'))");
    rig.append(1000);
    std::vector<DeadLetterRequest> letters;
    const auto take = [&] {
        DeadLetterRequest letter;
        while (rig.dead_letters.try_pop(letter)) letters.push_back(std::move(letter));
    };
    ASSERT_TRUE(RegionRig::eventually([&] { return take(), letters.size() == 1; })) << rig.region.error();
    std::this_thread::sleep_for(50ms);
    EXPECT_EQ(rig.region.flushed_seq.load(), 7u)
        << "the ledger waits in front of the row until its dead letter is durable";
    ASSERT_TRUE(RegionRig::eventually([&] {
        take();
        for (DeadLetterRequest& letter : letters) letter.done->reached();
        return rig.region.flushed_seq.load() >= rig.hot.next_seq();
    })) << rig.region.error();
    ASSERT_EQ(letters.size(), 4u);
    EXPECT_EQ(letters[0].position, 7u);
    EXPECT_EQ(letters[1].position, 500u);
    EXPECT_EQ(letters[2].position, 501u);
    EXPECT_EQ(letters[3].position, 1001u);
    EXPECT_EQ(letters[0].cause, Refusal::kRegionRefused);
    EXPECT_EQ(letters[0].peer, "region eu");
    EXPECT_NE(letters[0].detail.find("23514"), std::string::npos) << letters[0].detail;
    EXPECT_FALSE(letters[0].raw.empty());
    EXPECT_EQ(number("SELECT count(*) FROM penstock.event"), 997);
    EXPECT_EQ(number("SELECT count(DISTINCT seq) FROM penstock.event"), 997);
    EXPECT_EQ(number("SELECT stored FROM penstock.ledger"), 997);
    EXPECT_EQ(number("SELECT refused FROM penstock.ledger"), 4);
    EXPECT_EQ(rig.region.breaker.load(), BreakerState::kClosed) << "the region itself is well";
}

TEST_F(RegionalFault, PartitionDroppedBehindItsBackIsMadeAgainAndNoRowIsBlamed) {
    RegionRig rig(shared_cluster().dsn());
    rig.start();
    rig.append(10);
    ASSERT_TRUE(rig.caught_up()) << rig.region.error();
    number("DROP TABLE penstock.event_20260101");
    rig.append(10);
    ASSERT_TRUE(rig.caught_up()) << rig.region.error();
    EXPECT_EQ(number("SELECT count(*) FROM penstock.event"), 10);
    EXPECT_TRUE(rig.dead_letters.empty());
}

TEST_F(RegionalFault, LedgerAheadOfTheLogIsRefusedNamingTheSpan) {
    RegionRig rig(shared_cluster().dsn());
    rig.start();
    rig.append(10);
    ASSERT_TRUE(rig.caught_up()) << rig.region.error();
    rig.stop();
    number("UPDATE penstock.ledger SET seq = 5000");
    rig.start();
    ASSERT_TRUE(RegionRig::eventually([&] { return rig.region.error().find("ahead") != std::string::npos; }))
        << rig.region.error();
    EXPECT_NE(rig.region.error().find("11 to 4999"), std::string::npos) << rig.region.error();
    EXPECT_NE(rig.region.breaker.load(), BreakerState::kClosed);
    rig.append(10);
    std::this_thread::sleep_for(200ms);
    EXPECT_EQ(number("SELECT count(*) FROM penstock.event"), 10);
}

TEST_F(RegionalFault, LogOfAnotherHistoryIsRefusedAlsoWhenTheNumbersFit) {
    RegionRig rig(shared_cluster().dsn());
    rig.start();
    rig.append(10);
    ASSERT_TRUE(rig.caught_up()) << rig.region.error();
    rig.stop();
    // As if the region had taken 5 sequences of a log that was then restored and has grown past them.
    number("UPDATE penstock.ledger SET seq = 6");
    rig.start();
    ASSERT_TRUE(RegionRig::eventually([&] {
        return rig.region.error().find("histories") != std::string::npos;
    })) << rig.region.error();
    EXPECT_EQ(number("SELECT count(*) FROM penstock.event"), 10);
}

TEST_F(RegionalFault, LedgerOlderThanTheLogIsRefusedNamingTheSpanUntilSomebodyAcceptsTheLoss) {
    RegionRig rig(shared_cluster().dsn());
    rig.start();
    for (int i = 0; i < 5; ++i) rig.append(10);
    ASSERT_TRUE(rig.caught_up()) << rig.region.error();
    rig.stop();
    rig.hot.log().trim([](const RecordView& record) { return record.end_seq() <= 31; }, 100);
    number("UPDATE penstock.ledger SET seq = 11");
    rig.start();
    ASSERT_TRUE(RegionRig::eventually([&] { return rig.region.error().find("older") != std::string::npos; }))
        << rig.region.error();
    EXPECT_NE(rig.region.error().find("11 to 30"), std::string::npos) << rig.region.error();
    EXPECT_LT(rig.region.flushed_seq.load(), 52u);
    number("UPDATE penstock.ledger SET seq = 51, stamp_ns = 0");
    rig.append(10);
    EXPECT_TRUE(rig.caught_up()) << "the remedy is seen without a restart: " << rig.region.error();
    EXPECT_EQ(number("SELECT count(*) FROM penstock.event"), 60);
}

}  // namespace
}  // namespace penstock::test

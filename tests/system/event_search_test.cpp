// One query over the hot log and five real databases.
#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "storage/cold_index.h"
#include "tests/support/region_fleet.h"

namespace penstock::test {
namespace {

int64_t in_seconds(int64_t s) { return monotonic_now_ns() + s * 1'000'000'000; }

bool matches(const EventQuery& q, const FoundEvent& e) {
    return q.asks_region(e.region) && q.asks_tenant(e.tenant) &&
           (q.subject.empty() || e.subject == q.subject) && (q.type.empty() || e.type == q.type) &&
           e.severity >= q.severity_at_least && q.time.holds(e.time_us) && q.received.holds(e.received_us) &&
           e.data.find(q.text) != std::string::npos;
}

std::string line(const FoundEvent& e) {
    return fmt::format("{} {} {} {} {} {} {} {} {} {} {} {}", e.seq, e.received_us, e.time_us, e.region,
                       e.log, e.tenant, e.source, e.id, e.type, e.subject, e.severity, e.data);
}
std::vector<std::string> lines(const std::vector<FoundEvent>& events) {
    std::vector<std::string> all;
    for (const FoundEvent& e : events) all.push_back(line(e));
    return all;
}

class EventSearchTest : public ::testing::Test {
  protected:
    static void SetUpTestSuite() {
        if (PostgresCluster::available()) databases = std::make_unique<FiveRegions>();
    }
    static void TearDownTestSuite() { databases.reset(); }
    void SetUp() override {
        PENSTOCK_NEEDS_POSTGRES();
        for (const char* name : FiveRegions::kNames)
            databases->number(name, "DROP SCHEMA IF EXISTS penstock CASCADE");
        fleet = std::make_unique<RegionFleet>(*databases);
        search = make_search();
    }
    void TearDown() override {
        search.reset();
        fleet.reset();
    }
    std::unique_ptr<EventSearch> make_search() {
        return std::make_unique<EventSearch>(fleet->hot.log(), fleet->telemetry, fleet->regions());
    }
    /// All pages of it.
    std::vector<FoundEvent> all(const EventQuery& query, const EventOrder& order, size_t limit) {
        std::vector<FoundEvent> found;
        std::optional<EventPosition> after;
        do {
            EventSearch::Page page = search->page(query, order, after, limit, in_seconds(10));
            for (const auto& missing : page.missing) ADD_FAILURE() << missing.region << ": " << missing.why;
            after = page.next;
            if (after) {
                after = read_cursor(write_cursor(*after, query, order), query, order);
                EXPECT_TRUE(after) << "a cursor is what it was";
            }
            std::move(page.events.begin(), page.events.end(), std::back_inserter(found));
        } while (after);
        return found;
    }
    std::vector<FoundEvent> expected(const EventQuery& query, const EventOrder& order) const {
        std::vector<FoundEvent> events = fleet->sent();
        std::erase_if(events, [&](const FoundEvent& e) { return !matches(query, e); });
        keep_page(events, order, std::nullopt, events.size());
        return events;
    }
    /// As if the region's server were gone, and back.
    void close_door(const std::string& region) {
        databases->cluster().sql(fmt::format("ALTER DATABASE {} ALLOW_CONNECTIONS false", region));
        databases->cluster().sql(fmt::format(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '{}'", region));
    }
    void open_door(const std::string& region) {
        databases->cluster().sql(fmt::format("ALTER DATABASE {} ALLOW_CONNECTIONS true", region));
    }

    static std::unique_ptr<FiveRegions> databases;
    std::unique_ptr<RegionFleet> fleet;
    std::unique_ptr<EventSearch> search;
};
std::unique_ptr<FiveRegions> EventSearchTest::databases;

EventQuery random_query(Random& random) {
    EventQuery q;
    const int64_t start = RegionFleet::kStartNs / 1000;
    const auto span = [&] {
        EventQuery::Span s;
        if (random.chance(60)) s.from_us = start + random.between(-3'000'000, 15'000'000);
        if (random.chance(60)) s.to_us = start + random.between(0, 20'000'000);
        return s;
    };
    if (random.chance(25)) q.subject = fmt::format("cam-{}", random.below(45));
    if (random.chance(25)) q.type = random.chance(90) ? "object_detection" : "none such";
    if (random.chance(20)) q.tenant = random.chance(80) ? "acme" : "nobody";
    if (random.chance(20)) q.region = random.chance(80) ? "eu" : "mars";
    if (random.chance(20)) q.text = random.chance(50) ? R"("lobby")" : R"(gate\n)";
    if (random.chance(30)) q.time = span();
    if (random.chance(30)) q.received = span();
    if (random.chance(30)) q.severity_at_least = static_cast<uint8_t>(random.below(6));
    if (random.chance(20)) q.scope.regions = {"eu", "us"};
    if (random.chance(20)) q.scope.tenants = {"acme", "a \"strange\\ one\""};
    return q;
}
EventOrder random_order(Random& random) {
    return {random.chance(50) ? EventOrder::By::kTime : EventOrder::By::kReceived, random.chance(50)};
}

TEST_F(EventSearchTest, GivesWhatAModelGivesWhetherEventsHaveBeenFlushedOrNot) {
    SCOPED_TRACE(seed_note());
    Random random(1);
    for (int round = 0; round < 4; ++round) {
        for (int i = 0; i < 15; ++i) fleet->append(random, 1 + random.below(60));
        if (round == 1 || round == 2) {  // 0: nothing is flushed; 3: the newest are not
            fleet->start();
            ASSERT_TRUE(fleet->caught_up());
            fleet->stop();
        }
        for (int i = 0; i < 30; ++i) {
            const EventQuery query = random_query(random);
            const EventOrder order = random_order(random);
            SCOPED_TRACE(fmt::format("round {} query {}: {} by {} {}", round, i, text_of(query),
                                     static_cast<int>(order.by), order.oldest_first));
            ASSERT_EQ(lines(all(query, order, 1 + random.below(200))), lines(expected(query, order)));
        }
    }
}

TEST_F(EventSearchTest, PagingWhileEventsFlowInGivesEachOnce) {
    SCOPED_TRACE(seed_note());
    Random random(2);
    for (int i = 0; i < 30; ++i) fleet->append(random, 50);
    fleet->start();
    std::atomic<bool> enough{false};
    std::thread producer([&] {
        Random more(3);
        while (!enough) {
            fleet->append(more, 5);
            std::this_thread::sleep_for(std::chrono::milliseconds(4));
        }
    });
    size_t missed = 0, twice = 0;
    for (int run = 0; run < 8; ++run) {
        const EventOrder order{run % 2 == 0 ? EventOrder::By::kReceived : EventOrder::By::kTime,
                               run % 4 >= 2};
        EventQuery query;
        if (order.oldest_first)  // it would not come to an end
            query.received.to_us = fleet->sent().back().received_us;
        std::multiset<Seq> seen;
        const std::vector<FoundEvent> before = fleet->sent();
        for (const FoundEvent& e : all(query, order, 250)) seen.insert(e.seq);
        for (const FoundEvent& e : before)
            if (matches(query, e)) missed += seen.count(e.seq) != 1;
        for (const Seq seq : seen) twice += seen.count(seq) != 1;
    }
    enough = true;
    producer.join();
    EXPECT_EQ(missed, 0u);
    EXPECT_EQ(twice, 0u);
}

TEST_F(EventSearchTest, ARegionThatIsDownMakesTheAnswerPartialUntilItIsBack) {
    SCOPED_TRACE(seed_note());
    Random random(4);
    for (int i = 0; i < 10; ++i) fleet->append(random, 40);
    fleet->start();
    ASSERT_TRUE(fleet->caught_up());
    const EventQuery query;
    EXPECT_EQ(all(query, {}, 1000).size(), 400u);

    close_door("eu");
    const StampNs down_ns = SystemClock().wall_ns();
    fleet->append(random, 40);  // waits in the log, those of eu too
    auto page = search->page(query, {}, std::nullopt, 1000, in_seconds(5));
    ASSERT_EQ(page.missing.size(), 1u);
    EXPECT_EQ(page.missing[0].region, "eu");
    EXPECT_NE(page.missing[0].why, "");
    EXPECT_GE(page.missing[0].since_ns, down_ns);
    EXPECT_EQ(page.mark, "");
    for (const FoundEvent& e : fleet->sent()) {
        const bool there = std::any_of(page.events.begin(), page.events.end(),
                                       [&](const FoundEvent& f) { return f.seq == e.seq; });
        EXPECT_EQ(there, e.region != "eu" || e.seq > 400) << e.seq;
    }
    const StampNs since = page.missing[0].since_ns;
    page = search->page(query, {}, std::nullopt, 1000, in_seconds(5));
    ASSERT_EQ(page.missing.size(), 1u);
    EXPECT_EQ(page.missing[0].since_ns, since) << "of the first failure";

    open_door("eu");
    ASSERT_TRUE(fleet->caught_up());
    std::this_thread::sleep_for(std::chrono::milliseconds(600));
    EXPECT_EQ(lines(all(query, {}, 1000)), lines(expected(query, {})));
}

TEST_F(EventSearchTest, ARegionThatIsLateCostsNoMoreThanTheDeadline) {
    SCOPED_TRACE(seed_note());
    Random random(5);
    fleet->append(random, 200);
    fleet->start();
    ASSERT_TRUE(fleet->caught_up());
    fleet->stop();
    const std::unique_ptr<PGconn, void (*)(PGconn*)> other(PQconnectdb(databases->dsn("ca").c_str()),
                                                           PQfinish);
    PQclear(PQexec(other.get(), "BEGIN; LOCK TABLE penstock.event IN ACCESS EXCLUSIVE MODE"));
    const int64_t began = monotonic_now_ns();
    const auto page = search->page({}, {}, std::nullopt, 1000, began + 300'000'000);
    EXPECT_LT(monotonic_now_ns() - began, 2'000'000'000);
    ASSERT_EQ(page.missing.size(), 1u);
    EXPECT_EQ(page.missing[0].region, "ca");
    EXPECT_EQ(page.missing[0].since_ns, 0);
    PQclear(PQexec(other.get(), "ROLLBACK"));
    EXPECT_EQ(all({}, {}, 1000).size(), 200u);
}

TEST_F(EventSearchTest, CountsWhatAModelCounts) {
    SCOPED_TRACE(seed_note());
    Random random(6);
    for (int i = 0; i < 20; ++i) fleet->append(random, 40);
    fleet->start();
    ASSERT_TRUE(fleet->caught_up());
    fleet->stop();
    for (int i = 0; i < 10; ++i) fleet->append(random, 40);
    for (int i = 0; i < 40; ++i) {
        const EventQuery query = random_query(random);
        const EventGrouping grouping{random.chance(50), random.chance(50), random.chance(50),
                                     random.chance(50), random.chance(50) ? 60'000'000 : 0};
        SCOPED_TRACE(fmt::format("query {}: {}", i, text_of(query)));
        std::map<EventGroup, uint64_t> wanted, found;
        for (const FoundEvent& e : expected(query, {}))
            ++wanted[{grouping.region ? e.region : "", grouping.tenant ? e.tenant : "",
                      grouping.type ? e.type : "", grouping.severity ? e.severity : 0,
                      grouping.bucket_us ? bucket_of(e.received_us, grouping.bucket_us) : 0}];
        const auto statistics = search->count(query, grouping, in_seconds(5));
        EXPECT_FALSE(statistics.partial());
        for (const auto& [group, counts] : statistics.groups) found[group] = counts.events;
        ASSERT_EQ(found, wanted);
    }
}

TEST_F(EventSearchTest, APayloadThatStaysIsShownInItsRegionAloneToThoseWhoseScopeNamesIt) {
    SCOPED_TRACE(seed_note());
    Random random(7);
    fleet->append(random, 100);
    fleet->start();
    ASSERT_TRUE(fleet->caught_up());
    fleet->stop();
    fleet->append(random, 100);
    auto regions = fleet->regions();
    for (EventSearch::Region& r : regions) r.payload_stays = r.name == "eu";
    search = std::make_unique<EventSearch>(fleet->hot.log(), fleet->telemetry, regions);

    const auto shown = [&](const EventQuery& query) {
        std::map<std::string, std::pair<size_t, size_t>> by_region;  // with payload, without
        for (const FoundEvent& e : search->page(query, {}, std::nullopt, 1000, in_seconds(5)).events) {
            EXPECT_EQ(e.withheld, e.data.empty());
            auto& [with, without] = by_region[e.region];
            ++(e.data.empty() ? without : with);
        }
        return by_region;
    };
    EventQuery everything;
    auto by_region = shown(everything);
    EXPECT_EQ(by_region["eu"].first, 0u);
    EXPECT_GT(by_region["eu"].second, 0u);
    EXPECT_GT(by_region["us"].first, 0u);
    EXPECT_EQ(by_region["us"].second, 0u);

    EventQuery alone;
    alone.region = "eu";
    EXPECT_EQ(shown(alone)["eu"].first, 0u) << "whose scope is everywhere is of no region";
    EventQuery insider = alone;
    insider.scope.regions = {"eu", "us"};
    EXPECT_GT(shown(insider)["eu"].first, 0u);
    insider.region = "";
    EXPECT_EQ(shown(insider)["eu"].first, 0u) << "together with another region";

    // Nor does a search in it tell what is in there.
    EventQuery text;
    text.text = "lobby";
    const auto page = search->page(text, {}, std::nullopt, 1000, in_seconds(5));
    ASSERT_EQ(page.missing.size(), 1u);
    EXPECT_EQ(page.missing[0].region, "eu");
    for (const FoundEvent& e : page.events) EXPECT_NE(e.region, "eu");
    const auto counts = search->count(text, {.region = true}, in_seconds(5));
    for (const auto& [group, n] : counts.groups) EXPECT_NE(group.region, "eu");
}

TEST_F(EventSearchTest, StateTellsWhereAnEventIs) {
    SCOPED_TRACE(seed_note());
    Random random(8);
    fleet->append(random, 50);
    fleet->start();
    ASSERT_TRUE(fleet->caught_up());
    fleet->stop();
    fleet->append(random, 30);
    EventQuery query;
    query.state = EventQuery::State::kWaiting;
    EXPECT_EQ(all(query, {}, 100).size(), 30u);
    query.state = EventQuery::State::kStored;
    EXPECT_EQ(all(query, {}, 100).size(), 50u);
}

TEST_F(EventSearchTest, ADayThatIsOverGetsAnIndexByKey) {
    SCOPED_TRACE(seed_note());
    Random random(10);
    for (int i = 0; i < 60; ++i) fleet->append(random, 20);  // beyond midnight
    fleet->start();
    ASSERT_TRUE(fleet->caught_up());
    const StopSignal never;
    PostgresConnection connection({.dsn = databases->dsn("eu"), .application_name = "test"}, never);
    EXPECT_EQ(index_a_cold_day(connection), "event_20260101_subject");
    EXPECT_EQ(index_a_cold_day(connection), "") << "the second day goes on";
    EventQuery query;
    query.subject = "cam-7";
    EXPECT_EQ(lines(all(query, {}, 10)), lines(expected(query, {})));
}

TEST_F(EventSearchTest, AMarkStaysWhileAnAnswerWouldBeTheSameAndChangesWhenNot) {
    SCOPED_TRACE(seed_note());
    Random random(9);
    for (int i = 0; i < 5; ++i) fleet->append(random, 50);
    fleet->start();
    ASSERT_TRUE(fleet->caught_up());
    EventQuery past;
    past.received.to_us = fleet->sent().back().received_us - 1;
    const std::string mark = search->page(past, {}, std::nullopt, 1000, in_seconds(5)).mark;
    ASSERT_NE(mark, "");
    for (int i = 0; i < 60; ++i) {
        const EventQuery query = random_query(random);
        const auto before = search->page(query, {}, std::nullopt, 1000, in_seconds(5));
        fleet->append(random, 1 + random.below(3));
        if (random.chance(50)) {
            ASSERT_TRUE(fleet->caught_up());
        }
        const std::string now = search->current_mark(query, in_seconds(5));
        const auto after = search->page(query, {}, std::nullopt, 1000, in_seconds(5));
        if (now == before.mark) {
            ASSERT_EQ(lines(after.events), lines(before.events)) << text_of(query);
        }
    }
    EXPECT_EQ(search->current_mark(past, in_seconds(5)), mark) << "what is over does not change";
}

}  // namespace
}  // namespace penstock::test

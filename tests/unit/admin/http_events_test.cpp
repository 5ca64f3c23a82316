#include <fmt/format.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "admin/http/events.h"
#include "tests/support/hot_log.h"

namespace penstock::http {
namespace {

using test::LoggedDeadLetter;
using test::LoggedEvent;

constexpr Seq kNewest = std::numeric_limits<Seq>::max();

struct HttpEvents : testing::Test {
    SystemClock clock;
    test::HotLog hot;
    DeadLetterBook book;

    EventQueries queries(EventQueries::Bounds bounds = {}) { return {hot.log(), clock, bounds}; }
    static std::vector<Seq> seqs(const EventPage& page) {
        std::vector<Seq> out;
        const auto items = boost::json::parse(page.items);
        for (const auto& item : items.as_array()) out.push_back(item.at("seq").to_number<Seq>());
        return out;
    }
    /// `records` records of `each` events; every third type is "rare".
    void fill(int records, int each) {
        hot.hold();
        for (int r = 0; r < records; ++r) {
            std::vector<LoggedEvent> events;
            for (int i = 0; i < each; ++i) {
                const auto n = hot.next_seq() + static_cast<Seq>(i);
                events.push_back({.id = fmt::format("e{}", n),
                                  .type = n % 3 == 0 ? "rare" : "common",
                                  .subject = fmt::format("case {}", n % 10),
                                  .tenant = n % 2 == 0 ? "acme" : "default",
                                  .region = n % 5 == 0 ? "eu" : "us"});
            }
            hot.append(events);
        }
        hot.release();
    }
};

TEST_F(HttpEvents, AnEmptyLogIsAnEmptyPage) {
    const EventPage page = queries().events({}, 10, kNewest);
    EXPECT_EQ(page.items, "[]");
    EXPECT_EQ(page.next_before, 0u);
    EXPECT_EQ(page.stopped, "");
}

TEST_F(HttpEvents, PagesAreNewestFirstWithoutGapOrRepeat) {
    fill(7, 9);
    hot.append_control();
    hot.append(std::vector<LoggedDeadLetter>{{}, {}});
    fill(1, 1);
    for (const size_t limit : {1u, 4u, 9u, 10u, 500u}) {
        std::vector<Seq> all;
        Seq before = kNewest;
        do {
            const EventPage page = queries().events({}, limit, before);
            const auto found = seqs(page);
            EXPECT_LE(found.size(), limit);
            all.insert(all.end(), found.begin(), found.end());
            before = page.next_before;
        } while (before != 0);
        ASSERT_EQ(all.size(), 64u) << limit;
        EXPECT_EQ(all.front(), 67u);
        EXPECT_EQ(all.back(), 1u);
        EXPECT_TRUE(std::is_sorted(all.rbegin(), all.rend()));
    }
}

TEST_F(HttpEvents, FiltersAreExactAndMeetAll) {
    fill(20, 10);
    const auto count = [&](EventFilter filter) { return queries().events(filter, 500, kNewest).count; };
    EXPECT_EQ(count({.subject = "case 3"}), 20u);
    EXPECT_EQ(count({.subject = "case"}), 0u);
    EXPECT_EQ(count({.type = "rare"}), 66u);
    EXPECT_EQ(count({.tenant = "acme"}), 100u);
    EXPECT_EQ(count({.region = "eu"}), 40u);
    EXPECT_EQ(count({.tenant = "acme", .type = "rare", .region = "eu"}), 6u);
    EXPECT_EQ(count({.region = "nowhere"}), 0u);
    EXPECT_EQ(count({.tenant = "nobody"}), 0u);
}

TEST_F(HttpEvents, ASearchThatIsCutShortSaysSoAndGoesOn) {
    fill(3000, 1);
    hot.append({LoggedEvent{.id = "x", .type = "common"}});
    const auto bounded = queries({.time_ns = 1'000'000'000'000, .records = 100, .bytes = 1 << 20});
    const EventFilter filter{.type = "nothing is of this type"};
    EventPage page = bounded.events(filter, 10, kNewest);
    EXPECT_EQ(page.stopped, "records");
    EXPECT_GT(page.next_before, 1u);
    int rounds = 1;
    while (page.next_before != 0) {
        const Seq before = page.next_before;
        page = bounded.events(filter, 10, before);
        ASSERT_TRUE(page.next_before < before) << "a search must get on";
        ++rounds;
    }
    EXPECT_GT(rounds, 1);

    page = queries({.time_ns = 0, .records = 1'000'000, .bytes = 1 << 20}).events(filter, 10, kNewest);
    EXPECT_EQ(page.stopped, "time");
    EXPECT_GT(page.next_before, 0u);
}

TEST_F(HttpEvents, AnAnswerIsBoundedInBytes) {
    for (int i = 0; i < 10; ++i) {
        hot.append({LoggedEvent{.id = fmt::format("{}", i), .data = '"' + std::string(50'000, 'x') + '"'}});
    }
    const EventPage page =
        queries({.time_ns = 1'000'000'000, .records = 1000, .bytes = 120'000}).events({}, 500, kNewest);
    EXPECT_EQ(page.stopped, "bytes");
    EXPECT_EQ(page.count, 3u);
    EXPECT_EQ(page.next_before, 8u);
}

TEST_F(HttpEvents, AnEventIsShownAsCloudEvents) {
    hot.set_stamp(1'767'225'600'000'000'005);
    const Seq seq = hot.append({LoggedEvent{.id = "7",
                                            .type = "t",
                                            .subject = "s\"1",
                                            .tenant = "acme",
                                            .region = "eu",
                                            .data = R"({"big":12345678901234567890,"x":1.50})",
                                            .severity = 4,
                                            .time_ns = 1'767'225'599'000'000'000}});
    const std::string text = queries().event(seq).value();
    const auto item = boost::json::parse(text);
    EXPECT_EQ(item.at("received").as_string(), "2026-01-01T00:00:00.000000005Z");
    EXPECT_EQ(item.at("tenant").as_string(), "acme");
    EXPECT_EQ(item.at("region").as_string(), "eu");
    EXPECT_EQ(item.at("event").at("specversion").as_string(), "1.0");
    EXPECT_EQ(item.at("event").at("subject").as_string(), "s\"1");
    EXPECT_EQ(item.at("event").at("time").as_string(), "2025-12-31T23:59:59.000000000Z");
    EXPECT_EQ(item.at("event").at("severity").as_int64(), 4);
    EXPECT_NE(text.find(R"("data":{"big":12345678901234567890,"x":1.50})"), std::string::npos)
        << "data is kept as sent";
}

TEST_F(HttpEvents, DataThatIsNoJsonStaysText) {
    const Seq seq =
        hot.append({LoggedEvent{.id = "1", .data = "{\"a\":1}, \"injected\":true"},
                    LoggedEvent{.id = "2", .data = "plain"}, LoggedEvent{.id = "3", .data = "\"\xff\""}});
    for (Seq i = 0; i < 3; ++i) {
        const auto item = boost::json::parse(queries().event(seq + i).value());
        EXPECT_TRUE(item.at("event").at("data").is_string());
        EXPECT_FALSE(item.at("event").as_object().contains("injected"));
    }
}

TEST_F(HttpEvents, OnlyEventsAreEvents) {
    const Seq control = hot.append_control();
    const Seq letter = hot.append(std::vector<LoggedDeadLetter>{{}});
    EXPECT_FALSE(queries().event(0).has_value());
    EXPECT_FALSE(queries().event(control).has_value());
    EXPECT_FALSE(queries().event(letter).has_value());
    EXPECT_FALSE(queries().event(99).has_value());
}

TEST_F(HttpEvents, DeadLettersTellCauseAndBytes) {
    fill(2, 5);
    hot.append(std::vector<LoggedDeadLetter>{{Refusal::kBadJson, "not closed", "127.0.0.1:9", "{\"a", 17},
                                             {Refusal::kBadUtf8, "byte 0", "127.0.0.1:9", "\xff\xfe", 18}});
    fill(2, 5);
    const EventPage page = queries().dead_letters({}, book, 10, kNewest);
    const auto items = boost::json::parse(page.items);
    ASSERT_EQ(page.count, 2u);
    EXPECT_EQ(items.at(0).at("cause").as_string(), "bad_utf8");
    EXPECT_EQ(items.at(0).at("raw_base64").as_string(), "//4=");
    EXPECT_EQ(items.at(1).at("cause").as_string(), "bad_json");
    EXPECT_EQ(items.at(1).at("raw").as_string(), "{\"a");
    EXPECT_EQ(items.at(1).at("position").as_int64(), 17);
    EXPECT_EQ(queries().dead_letters({}, book, 1, kNewest).next_before, 12u);
}

TEST_F(HttpEvents, TheNewestAreCountedThoughNotAllShown) {
    fill(3, 10);
    NewestEvents newest = queries().newest(1, 20);
    EXPECT_EQ(newest.count, 20u);
    EXPECT_EQ(newest.skipped, 10u);
    EXPECT_EQ(newest.next_seq, 31u);
    EXPECT_EQ(boost::json::parse(newest.items).at(0).at("seq").as_int64(), 30);
    hot.append(std::vector<LoggedDeadLetter>{{}});
    fill(1, 2);
    newest = queries().newest(newest.next_seq, 20);
    EXPECT_EQ(newest.count, 2u);
    EXPECT_EQ(newest.skipped, 0u);
    EXPECT_EQ(queries().newest(newest.next_seq, 20).items, "[]");
    // A flood is counted without being read.
    fill(20, 1000);
    newest = queries().newest(newest.next_seq, 20);
    EXPECT_EQ(newest.count, 20u);
    EXPECT_EQ(newest.skipped, 19'980u);
}

}  // namespace
}  // namespace penstock::http

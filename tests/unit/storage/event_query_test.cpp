#include "storage/event_query.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/seed.h"

namespace penstock::test {
namespace {

TEST(EventCursor, IsReadAsItWasWritten) {
    SCOPED_TRACE(seed_note());
    Random random;
    for (int i = 0; i < 1'000; ++i) {
        EventQuery query;
        query.subject = random.chance(50) ? "cam" : "";
        const EventOrder order{random.chance(50) ? EventOrder::By::kTime : EventOrder::By::kReceived,
                               random.chance(50)};
        const EventPosition at{static_cast<int64_t>(random.next()), random.next(), "eu-1_x",
                               "0f0e0d0c-0000-4000-8000-000000000001"};
        const auto read = read_cursor(write_cursor(at, query, order), query, order);
        ASSERT_TRUE(read);
        ASSERT_EQ(*read, at);
    }
}

TEST(EventCursor, IsOfOneQueryAndOrderOnly) {
    EventQuery query, other;
    other.type = "a";
    const EventPosition at{1, 2, "eu", "log"};
    const std::string cursor = write_cursor(at, query, {});
    EXPECT_TRUE(read_cursor(cursor, query, {}));
    EXPECT_FALSE(read_cursor(cursor, other, {}));
    EXPECT_FALSE(read_cursor(cursor, query, {.by = EventOrder::By::kTime}));
    EXPECT_FALSE(read_cursor(cursor, query, {.oldest_first = true}));
    other = query;
    other.scope.regions = {"eu"};
    EXPECT_FALSE(read_cursor(cursor, other, {})) << "nor of somebody else who sees less";
}

TEST(EventCursor, OfOtherTextIsNone) {
    const EventQuery query;
    const std::string cursor = write_cursor({1, 2, "eu", "log"}, query, {});
    for (const std::string_view text : {"", ".", "....", "a.b.c.d.e", "zz.1.2.log.eu"})
        EXPECT_FALSE(read_cursor(text, query, {})) << text;
    for (size_t cut = 0; cut < cursor.rfind('.'); ++cut)
        EXPECT_FALSE(read_cursor(cursor.substr(0, cut), query, {})) << cut;
}

TEST(EventPage, IsThatBehindThePlaceInItsOrder) {
    SCOPED_TRACE(seed_note());
    Random random(1);
    for (int round = 0; round < 100; ++round) {
        std::vector<FoundEvent> all;
        for (size_t i = 0; i < 60; ++i) {
            FoundEvent e;
            e.received_us = static_cast<int64_t>(random.below(8));
            e.seq = random.below(6);
            e.region = random.chance(50) ? "eu" : "us";
            e.log = random.chance(50) ? "a" : "b";
            const auto same = [&](const FoundEvent& o) {
                return o.position(EventOrder::By::kReceived) == e.position(EventOrder::By::kReceived);
            };
            if (std::none_of(all.begin(), all.end(), same)) all.push_back(e);
        }
        const EventOrder order{.oldest_first = random.chance(50)};
        std::vector<EventPosition> paged, sorted;
        std::optional<EventPosition> after;
        for (;;) {
            std::vector<FoundEvent> page = all;
            keep_page(page, order, after, 7);
            if (page.empty()) break;
            for (const FoundEvent& e : page) paged.push_back(e.position(order.by));
            after = paged.back();
        }
        for (const FoundEvent& e : all) sorted.push_back(e.position(order.by));
        std::sort(sorted.begin(), sorted.end());
        if (!order.oldest_first) std::reverse(sorted.begin(), sorted.end());
        ASSERT_EQ(paged, sorted);
    }
}

TEST(EventBucket, IsTheSpanThatHoldsAnInstantAlsoBefore1970) {
    EXPECT_EQ(bucket_of(0, 60), 0);
    EXPECT_EQ(bucket_of(59, 60), 0);
    EXPECT_EQ(bucket_of(60, 60), 60);
    EXPECT_EQ(bucket_of(-1, 60), -60);
    EXPECT_EQ(bucket_of(-60, 60), -60);
}

}  // namespace
}  // namespace penstock::test

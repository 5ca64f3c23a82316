#include "storage/row_batch.h"

#include <gtest/gtest.h>

#include <cstring>
#include <optional>

#include "schemas/event_fields.h"

namespace penstock {
namespace {

using Field = std::optional<std::string>;

/// What the server would read: rows of fields, as bytes.
std::vector<std::vector<Field>> decode(std::span<const uint8_t> bytes) {
    size_t at = 0;
    const auto take = [&](size_t n) {
        EXPECT_LE(at + n, bytes.size());
        const std::string part(reinterpret_cast<const char*>(bytes.data()) + at, n);
        at += n;
        return part;
    };
    const auto number = [&](size_t n) {
        int64_t v = 0;
        for (const char c : take(n)) v = v << 8 | static_cast<uint8_t>(c);
        return n == 4 ? static_cast<int32_t>(v) : n == 2 ? static_cast<int16_t>(v) : v;
    };
    std::vector<std::vector<Field>> rows;
    while (at < bytes.size()) {
        auto& row = rows.emplace_back();
        const int64_t columns = number(2);
        for (int64_t c = 0; c < columns; ++c) {
            const int64_t length = number(4);
            row.push_back(length < 0 ? Field() : Field(take(static_cast<size_t>(length))));
        }
    }
    return rows;
}
int64_t integer(const Field& field) {
    int64_t v = static_cast<int8_t>((*field)[0]);
    for (size_t i = 1; i < field->size(); ++i) v = v << 8 | static_cast<uint8_t>((*field)[i]);
    return v;
}

/// One record of events, in the order of the columns that the encoder reads.
struct Record {
    explicit Record(StampNs stamp, Seq first_seq = 41) {
        header.kind = RecordKind::kEvents;
        header.first_seq = first_seq;
        header.base_stamp_ns = stamp;
    }
    void add(const EventFields& fields, StampNs time_ns, uint8_t severity = 0) {
        EventBuilder builder;
        const auto bytes = builder.build(fields);
        EventHead head{};
        head.offset = static_cast<uint32_t>(heap.size());
        head.length = static_cast<uint32_t>(bytes.size());
        head.time_ns = time_ns;
        head.severity = severity;
        head.tenant = 1;
        heap.insert(heap.end(), bytes.begin(), bytes.end());
        heads.push_back(head);
        header.count = static_cast<uint32_t>(heads.size());
    }
    RecordView view() const { return {&header, {}, {}, {}, heads, heap}; }

    RecordHeader header{};
    std::vector<EventHead> heads;
    std::vector<uint8_t> heap;
};

EventFields plain(std::string_view id) {
    EventFields f;
    f.id = id;
    f.source = "/dev/3";
    f.type = "motion_detection";
    return f;
}

constexpr StampNs kStamp = 1'769'846'400'123'456'789;  // 2026-01-31T08:00:00.123456789Z
constexpr int64_t kEpoch2000Us = 946'684'800'000'000;

enum Column {
    kSeq,
    kReceived,
    kTime,
    kLog,
    kSeverity,
    kTenant,
    kSource,
    kId,
    kType,
    kSubject,
    kData,
    kAttributes
};

TEST(RowBatch, EncodesEachColumnInTheTableOrder) {
    Record record(kStamp);
    EventFields f = plain("7");
    f.subject = "cam-3";
    f.data = R"({"frame":"f-1"})";
    record.add(f, kStamp - 1'000'000'000, 3);
    RowBatch batch;
    batch.clear(5, 41, 0);
    batch.add(record.view(), 0, "acme");
    const auto rows = decode(batch.encoded(0, 1));
    ASSERT_EQ(rows.size(), 1u);
    const auto& row = rows[0];
    ASSERT_EQ(row.size(), 12u);
    EXPECT_EQ(row[kSeq]->size(), 8u);
    EXPECT_EQ(integer(row[kSeq]), 41);
    EXPECT_EQ(integer(row[kReceived]), kStamp / 1000 - kEpoch2000Us);
    EXPECT_EQ(integer(row[kTime]), kStamp / 1000 - 1'000'000 - kEpoch2000Us);
    EXPECT_EQ(row[kLog]->size(), 4u);
    EXPECT_EQ(integer(row[kLog]), 5);
    EXPECT_EQ(row[kSeverity]->size(), 2u);
    EXPECT_EQ(integer(row[kSeverity]), 3);
    EXPECT_EQ(row[kTenant], "acme");
    EXPECT_EQ(row[kSource], "/dev/3");
    EXPECT_EQ(row[kId], "7");
    EXPECT_EQ(row[kType], "motion_detection");
    EXPECT_EQ(row[kSubject], "cam-3");
    EXPECT_EQ(row[kData], R"({"frame":"f-1"})");
    EXPECT_FALSE(row[kAttributes]);
}

TEST(RowBatch, WhatWasNotGivenIsNull) {
    Record record(kStamp);
    record.add(plain("7"), kStamp);
    RowBatch batch;
    batch.clear(1, 41, 0);
    batch.add(record.view(), 0, "default");
    const auto row = decode(batch.encoded(0, 1)).at(0);
    EXPECT_FALSE(row[kSeverity]);
    EXPECT_FALSE(row[kSubject]);
    EXPECT_FALSE(row[kData]);
    EXPECT_FALSE(row[kAttributes]);
}

TEST(RowBatch, AttributesBecomeOneJsonObjectWithEscapes) {
    Record record(kStamp);
    EventFields f = plain("7");
    f.keys = {{"order", "A\"1\\"}, {"line", "2"}};
    f.extensions = {{"note", std::string_view("tab\t\x01 z\xc3\xbcrich", 13)}};
    record.add(f, kStamp);
    RowBatch batch;
    batch.clear(1, 41, 0);
    batch.add(record.view(), 0, "default");
    EXPECT_EQ(decode(batch.encoded(0, 1)).at(0)[kAttributes],
              "{\"keys\":{\"order\":\"A\\\"1\\\\\",\"line\":\"2\"},"
              "\"extensions\":{\"note\":\"tab\\u0009\\u0001 z\xc3\xbcrich\"}}");
}

TEST(RowBatch, TextThatGrowsSixfoldByEscapesFits) {
    Record record(kStamp);
    const std::string controls(4096, '\x1f');
    EventFields f = plain("7");
    for (int i = 0; i < 60; ++i) f.extensions.emplace_back(controls, controls);
    record.add(f, kStamp);
    RowBatch batch;
    batch.clear(1, 41, 0);
    batch.add(record.view(), 0, "default");
    EXPECT_GT(decode(batch.encoded(0, 1)).at(0)[kAttributes]->size(), 60u * 2 * 4096 * 6);
}

TEST(RowBatch, PartsOfABatchAreTheirRowsAlone) {
    Record record(kStamp);
    const std::string ids[] = {"a", "b", "c", "d"};
    for (const std::string& id : ids) record.add(plain(id), kStamp);
    RowBatch batch;
    batch.clear(1, 41, 0);
    for (size_t i = 0; i < 4; ++i) batch.add(record.view(), i, "default");
    const auto middle = decode(batch.encoded(1, 3));
    ASSERT_EQ(middle.size(), 2u);
    EXPECT_EQ(middle[0][kId], "b");
    EXPECT_EQ(integer(middle[1][kSeq]), 43);
    EXPECT_EQ(decode(batch.encoded(3, 4)).size(), 1u);
    EXPECT_TRUE(batch.encoded(2, 2).empty());
    EXPECT_EQ(batch.encoded(0, 4).size(), batch.bytes());
    EXPECT_EQ(batch.row(3).received_ns, kStamp + 3) << "items are a nanosecond apart";
}

TEST(RowBatch, IsEmptyAgainAfterClearAndGivesLargeMemoryBack) {
    Record record(kStamp);
    record.add(plain("a"), kStamp);
    RowBatch batch;
    batch.clear(1, 41, 0);
    batch.add(record.view(), 0, "default");
    batch.reach(42, kStamp);
    batch.clear(2, 42, 0);
    EXPECT_EQ(batch.rows(), 0u);
    EXPECT_EQ(batch.bytes(), 0u);
    EXPECT_EQ(batch.from(), 42u);
    EXPECT_EQ(batch.to(), 42u);
    batch.add(record.view(), 0, "default");
    EXPECT_EQ(integer(decode(batch.encoded(0, 1)).at(0)[kLog]), 2);
}

TEST(RowBatch, TimesAreRoundedDownAlsoBefore1970) {
    EXPECT_EQ(floor_to_us(1999), 1);
    EXPECT_EQ(floor_to_us(0), 0);
    EXPECT_EQ(floor_to_us(-1), -1);
    EXPECT_EQ(floor_to_us(-1000), -1);
    EXPECT_EQ(floor_to_us(-1001), -2);
    EXPECT_EQ(floor_to_us(std::numeric_limits<int64_t>::max()), std::numeric_limits<int64_t>::max() / 1000);
    EXPECT_EQ(floor_to_us(std::numeric_limits<int64_t>::min()),
              std::numeric_limits<int64_t>::min() / 1000 - 1);
}

TEST(RowBatch, DaysBeginAtMidnightUtc) {
    constexpr int64_t kDayNs = 86'400'000'000'000;
    EXPECT_EQ(day_of(0), 0);
    EXPECT_EQ(day_of(kDayNs - 1), 0);
    EXPECT_EQ(day_of(kDayNs), 1);
    EXPECT_EQ(day_of(-1), -1);
    EXPECT_EQ(day_of(-kDayNs), -1);
    EXPECT_EQ(day_of(-kDayNs - 1), -2);
}

}  // namespace
}  // namespace penstock

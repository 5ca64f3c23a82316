#include "stages/sequence/sequencer.h"

#include <gtest/gtest.h>

#include <map>

#include "schemas/event_fields.h"
#include "stages/sequence/producer_positions.h"
#include "tests/support/engine_rig.h"
#include "tests/support/manual_clock.h"
#include "tests/support/seed.h"

namespace penstock::test {
namespace {

constexpr StampNs kT = 1'767'225'600 * kSecond;

class SequencerTest : public testing::Test {
  protected:
    /// Puts one event into the open batch.
    void event(Hash128 key = {}, StampNs time = kNoTime, uint16_t region = 0) {
        EventBatch& b = sequencer_.events();
        const uint32_t i = b.header.count++;
        b.heads[i] = EventHead{};
        b.heads[i].key = key;
        b.heads[i].region = region;
        if (time != kNoTime) b.heads[i].time_ns = time, b.heads[i].flags = kHeadHasTime;
        b.identities[i] = {{seen_ + i, 1}, 2};
    }
    void letter(uint64_t position = 1) {
        DeadLetter l;
        l.cause = Refusal::kBadJson;
        l.detail = "why", l.peer = "peer", l.producer = "p", l.position = position, l.tenant = 3;
        l.set_raw(std::vector<uint8_t>(20'000, 'x'));
        sequencer_.add_dead_letter(l);
    }
    /// Next published record; both readers give it back.
    template <typename Look>
    void take(Look look) {
        ASSERT_LT(seen_, ring_.published());
        look(*ring_.at(seen_));
        ++seen_;
        ring_.advance(kLogConsumer, seen_);
        ring_.advance(kStateConsumer, seen_);
    }
    size_t waiting() const { return ring_.published() - seen_; }

    ManualClock clock_{kT};
    BatchRing ring_{8};
    bool give_up_ = false;
    Sequencer sequencer_{ring_, clock_, 100, kT - 5, [this] { return give_up_; }};
    uint64_t seen_ = 0;
};

TEST_F(SequencerTest, SequencesAndStampsRiseStrictlyThoughTheClockStepsBack) {
    SCOPED_TRACE(seed_note());
    Random random;
    Seq seq = 100;
    StampNs stamp = kT - 5;
    for (int i = 0; i < 500; ++i) {
        const size_t events = 1 + random.below(limits::kBatchEventsMax);
        switch (random.below(3)) {
            case 0:
                for (size_t e = 0; e < events; ++e) event();
                sequencer_.publish();
                break;
            case 1:
                letter();
                sequencer_.publish();
                break;
            default:
                sequencer_.publish_control(ControlKind::kTick, "", "");
        }
        while (waiting() > 0)
            take([&](const EventBatch& b) {
                const RecordView r = b.view();
                EXPECT_EQ(r.first_seq(), seq);
                EXPECT_GT(r.header->base_stamp_ns, stamp);
                EXPECT_GE(r.header->base_stamp_ns, clock_.wall_ns());
                seq = r.end_seq();
                stamp = r.last_stamp();
            });
        clock_.set_wall(clock_.wall_ns() + random.between(-3'000, 5'000));
    }
    EXPECT_EQ(sequencer_.next_seq(), seq);
    EXPECT_EQ(sequencer_.last_stamp_ns(), stamp);
}

TEST_F(SequencerTest, NoStampIsBeforeATimeThatIntakeHasJudgedBy) {
    clock_.set_wall(kT + 20'000'000'000);
    EXPECT_EQ(sequencer_.time_ns(), kT + 20'000'000'000);
    clock_.set_wall(kT - 3'600'000'000'000);
    EXPECT_EQ(sequencer_.time_ns(), kT + 20'000'000'000);
    event();
    sequencer_.publish();
    take([&](const EventBatch& b) { EXPECT_GE(b.header.base_stamp_ns, kT + 20'000'000'000); });
}

TEST_F(SequencerTest, NothingOpenPublishesNothing) {
    EXPECT_TRUE(sequencer_.empty());
    sequencer_.publish();
    EXPECT_EQ(waiting(), 0u);
}

TEST_F(SequencerTest, DeadLettersGoBeforeThePositionsThatPassThem) {
    event();
    sequencer_.add_position({{1, 1}, 1, 5});
    letter(4);
    EXPECT_FALSE(sequencer_.empty());
    sequencer_.publish();
    ASSERT_EQ(waiting(), 2u);
    take([](const EventBatch& b) {
        EXPECT_EQ(b.header.kind, RecordKind::kDeadLetters);
        EXPECT_EQ(b.header.producer_count, 0u);
        EXPECT_EQ(b.heads[0].tenant, 3);
        const auto* l = flatbuffers::GetRoot<fb::DeadLetter>(b.heap + b.heads[0].offset);
        EXPECT_EQ(l->raw()->size(), limits::kDeadLetterRawBytesMax);
        EXPECT_EQ(l->whole_length(), 20'000u);
        EXPECT_EQ(l->position(), 4u);
        EXPECT_EQ(view_of(l->detail()), "why");
    });
    take([](const EventBatch& b) {
        EXPECT_EQ(b.header.kind, RecordKind::kEvents);
        EXPECT_EQ(b.header.producer_count, 1u);
    });
    EXPECT_TRUE(sequencer_.empty());
}

TEST_F(SequencerTest, PositionsAloneTravelInAControlRecord) {
    sequencer_.add_position({{1, 1}, 1, 5});
    sequencer_.add_position({{2, 2}, 1, 9});
    sequencer_.add_position({{1, 1}, 1, 7});
    EXPECT_FALSE(sequencer_.empty());
    sequencer_.publish();
    take([](const EventBatch& b) {
        EXPECT_EQ(b.header.kind, RecordKind::kControl);
        EXPECT_EQ(b.header.span(), 1u);
        ASSERT_EQ(b.header.producer_count, 2u);
        EXPECT_EQ(b.producers[0].seq, 7u) << "the newest of one producer";
        const auto* c = flatbuffers::GetRoot<fb::Control>(b.heap + b.heads[0].offset);
        EXPECT_EQ(c->kind(), static_cast<uint16_t>(ControlKind::kPositions));
    });
}

TEST_F(SequencerTest, MorePositionsThanARecordHoldsMakeTwoRecords) {
    for (uint64_t i = 0; i < limits::kRecordProducersMax + 3; ++i) sequencer_.add_position({{i, i}, 1, i});
    sequencer_.publish();
    ASSERT_EQ(waiting(), 2u);
    take([](const EventBatch& b) { EXPECT_EQ(b.header.producer_count, limits::kRecordProducersMax); });
    take([](const EventBatch& b) { EXPECT_EQ(b.header.producer_count, 3u); });
}

TEST_F(SequencerTest, ManyDeadLettersFillRecordsAndNoneIsLost) {
    for (uint64_t i = 1; i <= 100; ++i) letter(i);
    sequencer_.publish();
    uint64_t next = 1;
    EXPECT_GT(waiting(), 1u);
    while (waiting() > 0)
        take([&](const EventBatch& b) {
            EXPECT_LE(b.header.heap_bytes, limits::kSlabBytes);
            for (size_t i = 0; i < b.count(); ++i)
                EXPECT_EQ(flatbuffers::GetRoot<fb::DeadLetter>(b.heap + b.heads[i].offset)->position(),
                          next++);
        });
    EXPECT_EQ(next, 101u);
}

TEST_F(SequencerTest, TheHeaderTellsWhatTheRecordMayHold) {
    SCOPED_TRACE(seed_note());
    Random random;
    for (const size_t count : {1, 2, 17, 500, 1024}) {
        std::vector<Hash128> keys;
        for (size_t i = 0; i < count; ++i) {
            keys.push_back({random.next(), random.next()});
            event(keys.back(), kT - 1000 + static_cast<StampNs>(i), static_cast<uint16_t>(i % 2 ? 3 : 63));
        }
        sequencer_.publish();
        take([&](const EventBatch& b) {
            EXPECT_EQ(b.header.time_min_ns, kT - 1000);
            EXPECT_EQ(b.header.time_max_ns, kT - 1000 + static_cast<StampNs>(count) - 1);
            EXPECT_EQ(b.header.region_mask, count > 1 ? uint64_t{1} << 63 | 1 << 3 : uint64_t{1} << 63);
            for (const Hash128& key : keys) EXPECT_TRUE(bloom_may_hold(b.view().bloom, key));
            int wrong = 0;
            for (int i = 0; i < 10'000; ++i)
                wrong += bloom_may_hold(b.view().bloom, {random.next(), random.next()});
            EXPECT_LT(wrong, 1000) << "two bits in eight a key: about 5%";
        });
    }
}

TEST_F(SequencerTest, EventsWithoutATimeHappenedWhenTheyWereReceived) {
    event({}, kNoTime), event({}, kT - 7), event({}, kNoTime);
    sequencer_.publish();
    take([](const EventBatch& b) {
        EXPECT_EQ(b.heads[0].time_ns, b.header.base_stamp_ns);
        EXPECT_EQ(b.heads[1].time_ns, kT - 7);
        EXPECT_EQ(b.heads[2].time_ns, b.header.base_stamp_ns + 2);
    });
}

TEST_F(SequencerTest, ADeadlineGetsItsRecordWhileEventsWaitForTheRing) {
    int asked = 0;
    sequencer_.tick_due = [&] {
        give_up_ = asked > 0;
        return asked++ == 0;
    };
    const size_t kept = ring_.capacity() / 4;
    for (size_t i = 0; i < ring_.capacity() - kept; ++i) event(), sequencer_.publish();
    EXPECT_EQ(asked, 0);
    event();
    EXPECT_THROW(sequencer_.publish(), IntakeStopped);
    ASSERT_EQ(waiting(), ring_.capacity() - kept + 1);
    const EventBatch& last = *ring_.at(ring_.published() - 1);
    EXPECT_EQ(last.header.kind, RecordKind::kControl);
    EXPECT_EQ(last.header.first_seq, 100 + ring_.capacity() - kept) << "before the events that wait";
    EXPECT_EQ(sequencer_.events().count(), 1u);
}

TEST_F(SequencerTest, AFullRingWaitsUntilTheIntakeStops) {
    for (int i = 0; i < 8; ++i) sequencer_.publish_control(ControlKind::kTick, "", "");
    give_up_ = true;
    EXPECT_THROW(sequencer_.publish_control(ControlKind::kTick, "", ""), IntakeStopped);
}

TEST_F(SequencerTest, AControlTextThatDoesNotFitIsRefusedBeforeItDoesHarm) {
    EXPECT_THROW(
        sequencer_.publish_control(ControlKind::kWorkflow, "w", std::string(limits::kSlabBytes, 'x')),
        std::length_error);
    EXPECT_THROW(
        sequencer_.publish_control(ControlKind::kWatermark, std::string(limits::kSlabBytes, 'x'), ""),
        std::length_error);
    sequencer_.publish_control(ControlKind::kWorkflow, "w", std::string(limits::kControlTextBytesMax, 'x'));
    take([](const EventBatch& b) { EXPECT_LE(b.header.heap_bytes, limits::kSlabBytes); });
}

TEST(ProducerPositionsTest, WhatIsSavedIsLoaded) {
    ProducerPositions first;
    RecordHeader header{};
    const std::vector<ProducerPosition> positions = {{{1, 2}, 3, 400}, {{5, 6}, 1, 1}, {{1, 2}, 4, 2}};
    first.apply({&header, {}, positions, {}, {}, {}});
    Rows rows;
    rows.save(first);
    EXPECT_EQ(rows.size(), 2u);
    ProducerPositions second;
    rows.load(second, 0);
    std::map<uint64_t, std::pair<uint64_t, uint64_t>> found;
    second.for_each([&](const ProducerPosition& p) { found[p.producer.lo] = {p.epoch, p.seq}; });
    EXPECT_EQ(found, (std::map<uint64_t, std::pair<uint64_t, uint64_t>>{{1, {4, 2}}, {5, {1, 1}}}));
    const size_t before = rows.size();
    rows.save(second);
    EXPECT_EQ(rows.size(), before) << "nothing has changed";
}

}  // namespace
}  // namespace penstock::test

#include "stages/dedup/dedup.h"

#include <gtest/gtest.h>
#include <xxhash.h>

#include <memory>
#include <unordered_set>

#include "tests/support/seed.h"

namespace penstock::test {
namespace {

constexpr StampNs kT = 1'767'225'600'000'000'000;
constexpr int64_t kSecond = 1'000'000'000, kWindow = 600 * kSecond;

Hash128 hash_of(uint64_t n) {
    const XXH128_hash_t h = XXH3_128bits(&n, sizeof n);
    return {h.low64, h.high64};
}

class DedupTest : public testing::Test {
  protected:
    void make(DedupStage::Options options) { dedup_ = std::make_unique<DedupStage>(options); }

    /// Verdicts of identities {id, content} that come in one batch.
    std::vector<Verdict> offer(const std::vector<std::pair<uint64_t, uint64_t>>& ids, StampNs now) {
        batch_->clear();
        work_->clear();
        work_->batch = batch_.get();
        work_->begin = 0;
        for (const auto& [id, content] : ids) {
            const uint32_t i = batch_->header.count++;
            batch_->heads[i] = EventHead{};
            batch_->heads[i].offset = batch_->header.heap_bytes;
            batch_->heads[i].length = 8;
            std::memcpy(batch_->heap + batch_->header.heap_bytes, &id, sizeof id);
            batch_->header.heap_bytes += 8;
            batch_->identities[i] = {hash_of(id), content << 16};
            work_->raw_of[i] = i;
            work_->verdicts.push_back(Verdict::kAccepted);
        }
        EXPECT_EQ(dedup_->do_work(*work_, now), ids.size());
        return work_->verdicts;
    }
    Verdict offer_one(uint64_t id, StampNs now, uint64_t content = 1) {
        return offer({{id, content}}, now).front();
    }

    std::unique_ptr<EventBatch> batch_ = std::make_unique<EventBatch>();
    std::unique_ptr<WorkBatch> work_ = std::make_unique<WorkBatch>();
    std::unique_ptr<DedupStage> dedup_ = std::make_unique<DedupStage>(DedupStage::Options{kWindow});
};

constexpr Verdict A = Verdict::kAccepted, D = Verdict::kDuplicate, R = Verdict::kRefused;

TEST_F(DedupTest, RepeatsAndConflictsInOneBatchAreToldApart) {
    EXPECT_EQ(offer({{1, 1}, {2, 1}, {1, 1}, {2, 9}, {3, 1}, {3, 1}}, kT),
              (std::vector<Verdict>{A, A, D, R, A, D}));
    ASSERT_EQ(work_->refused.size(), 1u);
    EXPECT_EQ(work_->refused[0].cause, Refusal::kConflict);
    EXPECT_EQ(work_->refused[0].raw, 3u);
    // What stays lies together, in order, with its bytes.
    ASSERT_EQ(batch_->count(), 3u);
    EXPECT_EQ(batch_->header.heap_bytes, 24u);
    for (uint32_t i = 0; i < 3; ++i) {
        uint64_t id = 0;
        std::memcpy(&id, batch_->heap + batch_->heads[i].offset, sizeof id);
        EXPECT_EQ(id, i + 1);
        EXPECT_EQ(batch_->identities[i].id, hash_of(id));
    }
    EXPECT_EQ(offer({{2, 1}}, kT + 1), std::vector<Verdict>{D}) << "the conflict changed nothing";
}

TEST_F(DedupTest, OnlyTheWorkAtHandIsLookedAt) {
    offer({{1, 1}}, kT);
    work_->begin = 1;
    EXPECT_EQ(dedup_->do_work(*work_, kT), 0u);
    EXPECT_EQ(batch_->count(), 1u);
}

TEST_F(DedupTest, AKeyIsKnownForTheWholeWindowAndNotMuchLonger) {
    for (const int64_t window : {kWindow, 10 * kSecond, int64_t{86'400} * kSecond, int64_t{1} * kSecond}) {
        SCOPED_TRACE(window);
        make({window});
        for (uint64_t i = 0; i < 100; ++i) {
            const StampNs at = kT + static_cast<int64_t>(i) * 7'777'777;
            EXPECT_EQ(offer_one(i, at), A);
        }
        for (uint64_t i = 0; i < 100; ++i) EXPECT_EQ(offer_one(i, kT + window), D) << i;
        const int64_t tick = std::max<int64_t>(window / 8192, 1'000'000);
        for (uint64_t i = 0; i < 100; ++i) {
            const StampNs at = kT + static_cast<int64_t>(i) * 7'777'777;
            EXPECT_EQ(offer_one(i, std::max(at + window + 3 * tick, kT + window + 3 * tick)), A) << i;
        }
    }
}

TEST_F(DedupTest, ARepetitionDoesNotProlongTheWindow) {
    EXPECT_EQ(offer_one(1, kT), A);
    EXPECT_EQ(offer_one(1, kT + kWindow / 2), D);
    EXPECT_EQ(offer_one(1, kT + kWindow + kSecond), A);
}

TEST_F(DedupTest, AClockThatStepsBackForgetsNothing) {
    EXPECT_EQ(offer_one(1, kT), A);
    EXPECT_EQ(offer_one(1, kT - kSecond), D);
    EXPECT_EQ(offer_one(1, kT - 3600 * kSecond), D);
    EXPECT_EQ(offer_one(2, kT - 3600 * kSecond), A);
    EXPECT_EQ(offer_one(2, kT + kSecond), D);
    dedup_->housekeep(kT - 7200 * kSecond);
    EXPECT_EQ(offer_one(1, kT + 2 * kSecond), D);
}

TEST_F(DedupTest, NoLeapOfTheClockMakesAnExpiredKeyLookFresh) {
    for (int64_t windows = 2; windows < 40; ++windows) {
        SCOPED_TRACE(windows);
        make({kWindow});
        EXPECT_EQ(offer_one(1, kT), A);
        if (windows % 2) dedup_->housekeep(kT + windows * kWindow);
        EXPECT_EQ(offer_one(1, kT + windows * kWindow), A);
    }
}

TEST_F(DedupTest, HousekeepingInSmallStepsForgetsWhatExpired) {
    for (uint64_t i = 0; i < 20'000; ++i) dedup_->restore({hash_of(i), 1}, kT, kT);
    EXPECT_EQ(dedup_->keys(), 20'000u);
    for (StampNs now = kT; now < kT + 4 * kWindow; now += kSecond) dedup_->housekeep(now);
    EXPECT_EQ(dedup_->keys(), 0u);
}

TEST_F(DedupTest, RestoredIdentitiesAreKnownFromTheirTimeOfReceipt) {
    dedup_->restore({hash_of(1), 7 << 16}, kT - kWindow / 2, kT);
    dedup_->restore({hash_of(2), 7 << 16}, kT - kWindow - 10 * kSecond, kT);
    EXPECT_EQ(offer_one(1, kT, 7), D);
    EXPECT_EQ(offer_one(1, kT, 8), R);
    EXPECT_EQ(offer_one(2, kT, 7), A);
    EXPECT_EQ(offer_one(1, kT + kWindow / 2 + kSecond, 7), A);
}

TEST_F(DedupTest, AtTheMemoryBoundThereIsNoRoomUntilKeysExpire) {
    constexpr size_t kBound = 4 << 20;
    make({kWindow, kBound});
    uint64_t id = 0;
    for (; dedup_->has_room() && id < 1'000'000; ++id) dedup_->restore({hash_of(id), 1}, kT, kT);
    EXPECT_LT(id, 1'000'000u);
    EXPECT_GT(id, 50'000u);
    dedup_->housekeep(kT + kSecond);
    EXPECT_FALSE(dedup_->has_room()) << "nothing has expired";
    for (StampNs now = kT; now < kT + 3 * kWindow; now += kSecond) dedup_->housekeep(now);
    EXPECT_TRUE(dedup_->has_room());
}

TEST_F(DedupTest, MemoryStaysNearItsBoundWhenMoreComesThanExpires) {
    constexpr size_t kBound = 4 << 20;
    make({10 * kSecond, kBound});
    uint64_t id = 0;
    for (StampNs now = kT; now < kT + 60 * kSecond; now += 10'000'000) {
        for (int i = 0; i < 1000 && dedup_->has_room(); ++i) dedup_->restore({hash_of(id++), 1}, now, now);
        dedup_->housekeep(now);
        ASSERT_LT(dedup_->bytes(), kBound * 3 / 2) << (now - kT) / kSecond << " s";
    }
    EXPECT_GT(id, 400'000u) << "it goes on taking in as keys expire";
}

TEST_F(DedupTest, TwoMillionIdentitiesAgainstASet) {
    SCOPED_TRACE(seed_note());
    Random random;
    std::unordered_set<uint64_t> known;
    uint64_t duplicates = 0;
    for (int batch = 0; batch < 2'000'000 / 1000; ++batch) {
        std::vector<std::pair<uint64_t, uint64_t>> ids;
        for (int i = 0; i < 1000; ++i) ids.push_back({random.below(1'500'000), 3});
        const auto verdicts = offer(ids, kT + batch);
        for (size_t i = 0; i < ids.size(); ++i) {
            const bool fresh = known.insert(ids[i].first).second;
            ASSERT_EQ(verdicts[i], fresh ? A : D) << ids[i].first;
            duplicates += !fresh;
        }
    }
    EXPECT_GT(duplicates, 500'000u);
    EXPECT_EQ(dedup_->keys(), known.size());
    EXPECT_LT(dedup_->bytes() / dedup_->keys(), 60u);
}

}  // namespace
}  // namespace penstock::test

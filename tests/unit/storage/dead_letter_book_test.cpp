#include "storage/dead_letter_book.h"

#include <gtest/gtest.h>

#include "pipeline/batch_ring.h"
#include "stages/sequence/sequencer.h"
#include "tests/support/engine_rig.h"
#include "tests/support/manual_clock.h"
#include "tests/support/seed.h"

namespace penstock::test {
namespace {

/// A book that is fed by a real sequencer, record by record.
class DeadLetterBookTest : public testing::Test {
  protected:
    Seq letter(Refusal cause = Refusal::kBadJson) {
        open_letter(cause);
        const Seq seq = sequencer_.next_seq();
        sequencer_.publish();
        apply();
        return seq;
    }
    void open_letter(Refusal cause) {
        DeadLetter l;
        l.cause = cause;
        l.detail = "why";
        sequencer_.add_dead_letter(l);
    }
    void open_event() {
        EventBatch& b = sequencer_.events();
        b.heads[b.header.count] = EventHead{};
        b.identities[b.header.count++] = {};
    }
    /// Answers the sequence of what the retry led to.
    Seq retry(Seq of, RetryOutcome outcome, const std::string& more = "") {
        if (outcome == RetryOutcome::kStored) open_event();
        if (outcome == RetryOutcome::kRefused) open_letter(Refusal::kBadTime);
        const Seq seq = sequencer_.publish_retry(
            of, R"({"by":"ann","note":"again","edited":true,"outcome":")" +
                    std::string(kRetryOutcomeNames[static_cast<size_t>(outcome)]) + "\"" + more + "}");
        apply();
        return seq + 1;
    }
    void control(ControlKind kind, Seq about) {
        sequencer_.publish_control(kind, std::to_string(about), R"({"by":"bob"})");
        apply();
    }
    void apply() {
        for (; seen_ < ring_.published(); ++seen_) {
            book_.apply(ring_.at(seen_)->view());
            ring_.advance(kLogConsumer, seen_ + 1);
            ring_.advance(kStateConsumer, seen_ + 1);
        }
    }
    /// All that a book says of these letters.
    static std::string told(const DeadLetterBook& book, const std::vector<Seq>& letters) {
        std::string out;
        for (const uint64_t n : book.counts()) out += std::to_string(n) + " ";
        for (const Seq letter : letters) {
            const LetterFate fate = book.fate(letter);
            out += fmt::format("\n{} of {}:", letter, fate.retry_of);
            for (const LetterAction& a : fate.actions)
                out += fmt::format(" {} {} {} {} {} {} {} {} {} {}", a.seq, a.stamp_ns, a.drop, a.by, a.note,
                                   a.edited, static_cast<int>(a.outcome), a.result_seq,
                                   static_cast<int>(a.cause), a.event);
        }
        return out;
    }

    ManualClock clock_{1'767'225'600 * kSecond};
    BatchRing ring_{8};
    Sequencer sequencer_{ring_, clock_, 1, 0, [] { return false; }};
    uint64_t seen_ = 0;
    DeadLetterBook book_;
};

TEST_F(DeadLetterBookTest, ALetterIsOpenUntilItIsRetriedOrDropped) {
    const Seq a = letter(), b = letter(), c = letter();
    EXPECT_EQ(book_.counts(), (DeadLetterBook::Counts{3, 0, 0}));
    const Seq event = retry(a, RetryOutcome::kStored);
    control(ControlKind::kDeadLetterDropped, b);
    EXPECT_EQ(book_.counts(), (DeadLetterBook::Counts{1, 1, 1}));
    const LetterFate fate = book_.fate(a);
    EXPECT_EQ(fate.status(), LetterStatus::kRetried);
    ASSERT_EQ(fate.actions.size(), 1u);
    EXPECT_EQ(fate.actions[0].by, "ann");
    EXPECT_EQ(fate.actions[0].note, "again");
    EXPECT_TRUE(fate.actions[0].edited);
    EXPECT_EQ(fate.actions[0].outcome, RetryOutcome::kStored);
    EXPECT_EQ(fate.actions[0].result_seq, event);
    EXPECT_EQ(book_.fate(b).status(), LetterStatus::kDropped);
    EXPECT_EQ(book_.fate(b).actions[0].by, "bob");
    EXPECT_EQ(book_.fate(c).status(), LetterStatus::kOpen);
}

TEST_F(DeadLetterBookTest, ARetryThatIsRefusedIsLinkedWithItsNewLetter) {
    const Seq first = letter();
    const Seq second = retry(first, RetryOutcome::kRefused);
    EXPECT_EQ(book_.counts(), (DeadLetterBook::Counts{1, 1, 0}));
    EXPECT_EQ(book_.fate(first).actions[0].result_seq, second);
    EXPECT_EQ(book_.fate(first).actions[0].cause, Refusal::kBadTime);
    EXPECT_EQ(book_.fate(second).retry_of, first);
    EXPECT_EQ(book_.fate(second).status(), LetterStatus::kOpen);
    retry(second, RetryOutcome::kDuplicate);
    EXPECT_EQ(book_.counts(), (DeadLetterBook::Counts{0, 2, 0}));
    EXPECT_EQ(book_.fate(second).actions[0].outcome, RetryOutcome::kDuplicate);
}

TEST_F(DeadLetterBookTest, ARetryWhoseEventWasLostWithTheProcessLeavesTheLetterOpen) {
    const Seq a = letter();
    sequencer_.publish_retry(a, R"({"by":"ann","edited":false,"outcome":"stored"})");
    apply();
    EXPECT_EQ(book_.fate(a).status(), LetterStatus::kOpen);
    EXPECT_EQ(book_.counts(), (DeadLetterBook::Counts{1, 0, 0}));
    retry(a, RetryOutcome::kStored);
    EXPECT_EQ(book_.fate(a).actions.size(), 2u) << "the history has both";
    EXPECT_EQ(book_.counts(), (DeadLetterBook::Counts{0, 1, 0}));
}

TEST_F(DeadLetterBookTest, WhatIsNotDurableYetIsNotTold) {
    const Seq a = letter();
    const Seq event = retry(a, RetryOutcome::kStored);
    EXPECT_EQ(book_.fate(a, event - 1).status(), LetterStatus::kOpen);
    EXPECT_EQ(book_.fate(a, event).status(), LetterStatus::kOpen);
    EXPECT_EQ(book_.fate(a, event + 1).status(), LetterStatus::kRetried);
}

TEST_F(DeadLetterBookTest, AnEventThatARegionRefusedIsKnownToBeStoredAgain) {
    const Seq a = letter(Refusal::kRegionRefused);
    EXPECT_FALSE(book_.stored_again(77));
    retry(a, RetryOutcome::kStored, R"(,"event":77)");
    EXPECT_TRUE(book_.stored_again(77));
    const Seq b = letter(Refusal::kRegionRefused);
    retry(b, RetryOutcome::kRefused, R"(,"event":78)");
    EXPECT_FALSE(book_.stored_again(78));
}

TEST_F(DeadLetterBookTest, RetentionTakesLettersAndTheirHistory) {
    const Seq a = letter();
    retry(a, RetryOutcome::kStored);
    EXPECT_EQ(book_.expires_at(), 1024u);
    while (sequencer_.next_seq() < 3000) letter();
    const Seq late = letter();
    control(ControlKind::kDeadLetterDropped, late);
    const uint64_t open = book_.counts()[0];
    control(ControlKind::kDeadLettersExpired, 2048);
    EXPECT_TRUE(book_.fate(a).actions.empty());
    EXPECT_EQ(book_.counts()[1], 0u);
    EXPECT_EQ(book_.counts()[2], 1u);
    EXPECT_LT(book_.counts()[0], open);
    EXPECT_EQ(book_.expires_at(), 3072u);
    control(ControlKind::kDeadLettersExpired, 1'000'000);
    EXPECT_EQ(book_.counts(), (DeadLetterBook::Counts{0, 0, 0}));
    EXPECT_EQ(book_.expires_at(), DeadLetterBook::kNever);
    Rows rows;
    rows.save(book_);
    EXPECT_EQ(rows.size(), 0u);
}

TEST_F(DeadLetterBookTest, ReplayFromAnyCheckpointEqualsLive) {
    SCOPED_TRACE(seed_note());
    Random random;
    std::vector<Seq> letters;
    Rows rows, live_rows;
    const auto open_one = [&]() -> Seq {
        for (int i = 0; i < 50 && !letters.empty(); ++i)
            if (const Seq l = letters[random.below(letters.size())];
                book_.fate(l).status() == LetterStatus::kOpen)
                return l;
        return 0;
    };
    std::unique_ptr<DeadLetterBook> replay = std::make_unique<DeadLetterBook>();
    const auto apply_both = [&](uint64_t from) {
        for (uint64_t i = from; i < ring_.published(); ++i) replay->apply(ring_.at(i)->view());
    };
    for (int step = 0; step < 3'000; ++step) {
        const uint64_t from = ring_.published();
        const Seq one = open_one();
        switch (one == 0 ? 0 : random.below(8)) {
            case 1:
                retry(one, RetryOutcome::kStored, random.chance(50) ? R"(,"event":5)" : "");
                break;
            case 2:
                letters.push_back(retry(one, RetryOutcome::kRefused));
                break;
            case 3:
                retry(one, RetryOutcome::kDuplicate);
                break;
            case 4:
                control(ControlKind::kDeadLetterDropped, one);
                break;
            case 5:
                sequencer_.publish_retry(one, R"({"by":"lost","outcome":"stored"})");
                apply();
                break;
            case 6:
                if (random.chance(3))
                    control(ControlKind::kDeadLettersExpired, random.below(sequencer_.next_seq()));
                break;
            default:
                letters.push_back(letter());
        }
        apply_both(from);
        if (random.chance(2)) {
            rows.save(*replay);
            replay = std::make_unique<DeadLetterBook>();
            rows.load(*replay, 0);
        }
    }
    EXPECT_EQ(told(*replay, letters), told(book_, letters));
    EXPECT_EQ(replay->expires_at(), book_.expires_at());
    rows.save(*replay);
    live_rows.save(book_);
    EXPECT_EQ(rows.rows(), live_rows.rows()) << "byte for byte";
}

}  // namespace
}  // namespace penstock::test

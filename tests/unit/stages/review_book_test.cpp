// The queue of items that people decide.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "tests/support/review_rig.h"
#include "tests/support/seed.h"

namespace penstock {
namespace {

using test::ReviewRig;
using Result = ReviewOutcome::Result;

TEST(ReviewBook, OnlyEventsThatAQueueTakesBecomeItems) {
    ReviewRig rig(R"({"name":"loud","types":["alarm"],"condition":"data.level > 3"},
                     {"name":"rest","types":["alarm","smoke"],"severity_at_least":4})");
    rig.event("alarm", 0, 2, R"({"level":5})");
    rig.event("alarm", 0, 2, R"({"level":1})");
    rig.event("smoke", 0, 4);
    rig.event("other", 0, 5, R"({"level":9})");
    rig.event("alarm", 0, 5, R"({"level":9})", kHeadBackfill);
    EXPECT_EQ(rig.item(1).queue, "loud");
    EXPECT_EQ(rig.item(1).priority, 2);
    EXPECT_EQ(rig.item(2).queue, "rest");
    EXPECT_EQ(rig.item(2).type, "smoke");
    EXPECT_EQ(rig.book->summary().by_state[static_cast<size_t>(ReviewState::kQueued)], 2u);
}

TEST(ReviewBook, WaitingItemsGoToWhoSignsInByPriorityThenDueAndNeverMoreThanTheBound) {
    ReviewRig rig(R"({"name":"q","types":["alarm"],"due_ns":600000000000})", R"("held_max":3)");
    for (const uint8_t severity : {1, 5, 3, 5, 2}) rig.event("alarm", 0, severity);
    rig.person(7);
    EXPECT_EQ(rig.held(7), 3u);
    for (const uint64_t id : {2, 4, 3}) EXPECT_EQ(rig.item(id).holder, 7u) << id;
    EXPECT_EQ(rig.item(1).state, ReviewState::kQueued);
    const auto taken = rig.claim(2, 7);
    ASSERT_EQ(taken.result, Result::kDone);
    rig.decide(2, 7, taken.fence);
    EXPECT_EQ(rig.item(5).holder, 7u) << "room goes to the next at once";
}

TEST(ReviewBook, AnItemGoesToTheLeastLoadedOfItsRegionAndSkills) {
    ReviewRig rig(R"({"name":"q","types":["alarm"]},{"name":"s","types":["fire"],"skills":["fire"]})");
    rig.person(1, {"us"});
    rig.person(2, {"us"});
    rig.person(3, {"eu"});
    rig.person(4, {"us"}, Role::kViewer);
    rig.person(5, {"us"}, Role::kAdmin);
    for (int i = 0; i < 4; ++i) rig.event("alarm", 0);
    EXPECT_EQ(rig.held(1), 2u);
    EXPECT_EQ(rig.held(2), 2u);
    rig.event("alarm", 1);
    EXPECT_EQ(rig.held(3), 1u);
    rig.event("fire", 0);
    EXPECT_EQ(rig.item(6).state, ReviewState::kQueued) << "nobody has the skill";
    rig.person(2, {"us"}, Role::kOperator, {"fire"});
    EXPECT_EQ(rig.item(6).holder, 2u);
}

TEST(ReviewBook, WhoLeavesReturnsAllAndOthersGetItAtOnce) {
    ReviewRig rig;
    rig.person(1);
    for (int i = 0; i < 5; ++i) rig.event();
    const auto claimed = rig.claim(1, 1);
    rig.leaves(1);
    EXPECT_EQ(rig.held(1), 0u);
    EXPECT_EQ(rig.item(1).state, ReviewState::kReturned);
    rig.person(2);
    EXPECT_EQ(rig.held(2), 5u);
    const auto stale = rig.decide(1, 1, claimed.fence);
    EXPECT_EQ(stale.result, Result::kStale);
    EXPECT_NE(stale.why.find("u2 has it"), std::string::npos) << stale.why;
}

TEST(ReviewBook, OfTwoClaimsOneWinsAndTheOtherIsToldWhoHasIt) {
    ReviewRig rig(ReviewRig::kOneQueue, R"("held_max":1)");
    rig.person(1);
    rig.person(2);
    rig.event();
    const uint64_t holder = rig.item(1).holder, other = 3 - holder;
    const auto lost = rig.claim(1, other), won = rig.claim(1, holder);
    EXPECT_EQ(won.result, Result::kDone);
    EXPECT_EQ(lost.result, Result::kStale);
    EXPECT_EQ(lost.holder, fmt::format("u{}", holder));
}

TEST(ReviewBook, ALeaseEndsExactlyAndAnOldFenceIsRefused) {
    ReviewRig rig(ReviewRig::kOneQueue, R"("lease_ns":900000000000)");
    rig.person(1);
    rig.event();
    const auto first = rig.claim(1, 1);
    rig.to_at_work(899);
    EXPECT_EQ(rig.command(ControlKind::kReviewRenewed, 1, 1, fmt::format("\"fence\":{}", first.fence)).result,
              Result::kDone);
    rig.to_at_work(1'798);
    EXPECT_EQ(rig.item(1).state, ReviewState::kInReview);
    rig.to_at_work(1'800);
    EXPECT_EQ(rig.item(1).state, ReviewState::kAssigned) << "nobody else may take it";
    EXPECT_EQ(rig.decide(1, 1, first.fence).result, Result::kStale);
    const auto second = rig.claim(1, 1);
    EXPECT_GT(second.fence, first.fence);
    EXPECT_EQ(rig.decide(1, 1, second.fence).result, Result::kDone);
}

TEST(ReviewBook, ALeaseThatEndsGivesTheItemToSomebodyElse) {
    ReviewRig rig;
    rig.person(1);
    rig.event();
    rig.claim(1, 1);
    rig.person(2);
    rig.to_at_work(901);
    EXPECT_EQ(rig.item(1).holder, 2u);
}

TEST(ReviewBook, WhatIsAssignedIsKeptForSomebodyWhoWorks) {
    ReviewRig rig;
    rig.person(1);
    rig.event(), rig.event();
    rig.person(2);
    rig.to_at_work(600);
    rig.claim(1, 1);
    rig.to_at_work(901);
    EXPECT_EQ(rig.item(2).holder, 1u);
    rig.to_at_work(1'501);
    EXPECT_EQ(rig.item(2).holder, 2u);
}

TEST(ReviewBook, WhoGivesNoSignOfLifeKeepsOnlyWhatTheyHaveBegun) {
    ReviewRig rig;
    rig.person(1);
    rig.event(), rig.event();
    rig.claim(1, 1);
    rig.to(89);
    EXPECT_EQ(rig.held(1), 2u);
    rig.to(91);
    EXPECT_EQ(rig.item(1).state, ReviewState::kInReview);
    EXPECT_EQ(rig.item(2).state, ReviewState::kReturned);
    EXPECT_EQ(rig.item(2).history.back().note, "u1 gave no sign of life");
    rig.event();
    EXPECT_EQ(rig.held(1), 1u) << "nothing new is given to who is away";
    rig.restart();
    rig.event();
    EXPECT_EQ(rig.held(1), 1u);
    rig.person(1);
    EXPECT_EQ(rig.held(1), 4u) << "back at once";
}

TEST(ReviewBook, ADecisionIsKeptForItsRegionUntilThatHasIt) {
    ReviewRig rig;
    rig.person(1);
    rig.event("alarm", 1);
    const auto claimed = rig.claim(1, 1);
    rig.decide(1, 1, claimed.fence, "rejected");
    const Seq seq = rig.item(1).decision_seq;
    EXPECT_TRUE(rig.book->decisions(0, 0, seq + 1).empty());
    const auto kept = rig.book->decisions(1, 0, seq + 1);
    ASSERT_EQ(kept.size(), 1u);
    EXPECT_EQ(kept[0].before, ReviewState::kInReview);
    EXPECT_EQ(kept[0].after, ReviewState::kRejected);
    EXPECT_EQ(kept[0].by, "u1");
    EXPECT_EQ(kept[0].reason, "ok");
    EXPECT_EQ(kept[0].peer, "10.0.0.1");
    EXPECT_TRUE(rig.book->decisions(1, 0, seq).empty());
    rig.control(ControlKind::kRegionsFlushed, "", fmt::format(R"({{"us":{},"eu":{}}})", seq + 1, seq));
    EXPECT_EQ(rig.book->decisions_to_flush(), 1u);
    rig.control(ControlKind::kRegionsFlushed, "", fmt::format(R"({{"eu":{}}})", seq + 1));
    EXPECT_EQ(rig.book->decisions_to_flush(), 0u);
    EXPECT_EQ(rig.book->decisions(1, 0, seq + 1).size(), 1u) << "the region may be restored from a backup";
    rig.restart();
    EXPECT_EQ(rig.book->decisions_to_flush(), 0u);
    rig.control(ControlKind::kRegionsFlushed, "", fmt::format(R"({{"eu":{}}})", seq));
    EXPECT_EQ(rig.book->decisions_to_flush(), 1u) << "it was";
}

TEST(ReviewBook, DecisionsThatARegionHasAreKeptUpToABound) {
    ReviewRig rig(ReviewRig::kOneQueue, R"("undo_ns":0)");
    rig.person(1);
    rig.event();
    const Seq first = rig.fed.back().seq + 2;
    ReviewOutcome last = rig.claim(1, 1);
    rig.decide(1, 1, last.fence);
    for (size_t n = 1; n <= ReviewBook::kDecisionsKept; ++n) {
        rig.event();
        const uint64_t id = rig.book->items({.holder = 1}, 0, 1).at(0).id;
        rig.decide(id, 1, rig.claim(id, 1).fence);
    }
    rig.control(ControlKind::kRegionsFlushed, "", fmt::format(R"({{"us":{}}})", first));
    EXPECT_EQ(rig.book->forgotten_below(0), 0u) << "the region does not have it yet";
    rig.control(ControlKind::kRegionsFlushed, "", fmt::format(R"({{"us":{}}})", rig.fed.back().seq));
    EXPECT_EQ(rig.book->decisions(0, 0, ~Seq{0} >> 1).size(), ReviewBook::kDecisionsKept);
    EXPECT_EQ(rig.book->forgotten_below(0), first + 1);
}

TEST(ReviewBook, ADecisionIsUndoneByAnotherWithinItsTime) {
    ReviewRig rig(ReviewRig::kOneQueue, R"("undo_ns":60000000000)");
    rig.person(1);
    rig.event();
    const auto claimed = rig.claim(1, 1);
    const auto decided = rig.decide(1, 1, claimed.fence);
    const auto undo = [&](uint64_t user, uint32_t version, Role role = Role::kOperator) {
        return rig.command(ControlKind::kReviewUndone, 1, user, fmt::format("\"version\":{}", version), role);
    };
    EXPECT_EQ(rig.book->item(1)->undo_until_ns, rig.book->item(1)->ended_ns + 60'000'000'000);
    EXPECT_EQ(undo(2, decided.version).result, Result::kNotTheirs);
    EXPECT_EQ(undo(1, decided.version - 1).result, Result::kStale);
    const auto undone = undo(1, decided.version);
    EXPECT_EQ(undone.result, Result::kDone);
    EXPECT_EQ(undone.state, ReviewState::kAssigned);
    EXPECT_EQ(rig.book->decisions_to_flush(), 2u);
    const auto again = rig.decide(1, 1, rig.claim(1, 1).fence);
    rig.to(61);
    EXPECT_EQ(undo(1, again.version).result, Result::kTooLate);
    EXPECT_EQ(rig.book->decisions_to_flush(), 3u);
}

TEST(ReviewBook, TheSameIdempotencyKeyGetsTheFirstAnswerAlsoBehindARestart) {
    ReviewRig rig;
    rig.person(1);
    rig.event();
    const auto claimed = rig.claim(1, 1);
    const std::string key = R"(,"key":"k1","request":"a")";
    const auto first = rig.decide(1, 1, claimed.fence, "approved", key);
    rig.restart();
    const auto second = rig.decide(1, 1, claimed.fence, "approved", key);
    EXPECT_EQ(first.result, Result::kDone);
    EXPECT_EQ(second.result, Result::kDone);
    EXPECT_TRUE(second.again);
    EXPECT_EQ(second.version, first.version);
    EXPECT_EQ(second.at_ns, first.at_ns);
    EXPECT_EQ(rig.decide(1, 1, 9, "rejected", R"(,"key":"k1","request":"b")").result, Result::kOtherRequest);
    EXPECT_EQ(rig.book->decisions_to_flush(), 1u);
    rig.to(90'000);
    EXPECT_FALSE(rig.decide(1, 1, claimed.fence, "approved", key).again) << "a day later it is forgotten";
}

TEST(ReviewBook, EscalatedItemsAreForSupervisorsAlone) {
    ReviewRig rig;
    rig.person(1);
    rig.event("alarm", 0, 2);
    const auto claimed = rig.claim(1, 1);
    const auto up = rig.command(ControlKind::kReviewEscalated, 1, 1,
                                fmt::format(R"("fence":{},"note":"unsure")", claimed.fence));
    EXPECT_EQ(up.result, Result::kDone);
    EXPECT_EQ(rig.item(1).state, ReviewState::kQueued);
    EXPECT_EQ(rig.item(1).priority, 3);
    EXPECT_EQ(rig.claim(1, 1).result, Result::kNotTheirs);
    rig.person(2, {}, Role::kSupervisor);
    EXPECT_EQ(rig.item(1).holder, 2u);
}

TEST(ReviewBook, ASupervisorGivesAnItemToSomebodyWithRoomAlone) {
    ReviewRig rig(ReviewRig::kOneQueue, R"("held_max":1)");
    rig.person(1);
    rig.event(), rig.event();
    rig.person(2);
    const auto to = [&](uint64_t item, const std::string& name, Role role) {
        return rig.command(ControlKind::kReviewReassigned, item, 9,
                           fmt::format(R"("version":{},"to":"{}")", rig.item(item).version, name), role);
    };
    EXPECT_EQ(to(1, "u2", Role::kOperator).result, Result::kStale);
    EXPECT_EQ(to(1, "u2", Role::kSupervisor).result, Result::kTooMany);
    EXPECT_EQ(to(1, "nobody", Role::kSupervisor).result, Result::kNoUser);
    rig.decide(2, 2, rig.claim(2, 2).fence);
    EXPECT_EQ(to(1, "u2", Role::kSupervisor).result, Result::kDone);
    EXPECT_EQ(rig.item(1).holder, 2u);
}

TEST(ReviewBook, WhatNobodyDecidesInItsTimeExpiresAndIsForgottenLater) {
    ReviewRig rig(R"({"name":"q","types":["alarm"],"expires_ns":60000000000})",
                  R"("retention_ns":100000000000)");
    rig.person(1);
    rig.event(), rig.event();
    rig.decide(2, 1, rig.claim(2, 1).fence);
    rig.to(61);
    EXPECT_EQ(rig.item(1).state, ReviewState::kExpired);
    EXPECT_EQ(rig.item(2).state, ReviewState::kApproved);
    EXPECT_EQ(rig.claim(1, 1).result, Result::kNotNow);
    EXPECT_EQ(rig.held(1), 0u);
    rig.to(162);
    EXPECT_EQ(rig.item(1).id, 0u);
    EXPECT_EQ(rig.item(2).id, 0u);
}

TEST(ReviewBook, BeyondTheBoundEventsBecomeNoItemsAndAreCounted) {
    ReviewRig rig(ReviewRig::kOneQueue, R"("open_max":2)");
    for (int i = 0; i < 5; ++i) rig.event();
    EXPECT_EQ(rig.book->summary().not_kept, 3u);
    rig.person(1);
    rig.decide(1, 1, rig.claim(1, 1).fence);
    rig.event();
    EXPECT_EQ(rig.item(3).state, ReviewState::kAssigned);
}

/// Whatever happens: nobody over the bound, none held by two, none decided twice without an undo between,
/// nothing waits that somebody could have, and a restart changes nothing.
TEST(ReviewBook, RandomLivesKeepTheRulesAndARestartChangesNothing) {
    for (uint64_t life = 0; life < 60; ++life) {
        test::Random random(700 + life);
        SCOPED_TRACE(fmt::format("{} life {}", test::seed_note(), life));
        const size_t held_max = 1 + random.below(4);
        ReviewRig rig(
            R"({"name":"q","types":["alarm"]},{"name":"s","types":["fire"],"skills":["fire"],"expires_ns":90000000000})",
            fmt::format(
                R"("held_max":{},"lease_ns":20000000000,"undo_ns":30000000000,"retention_ns":200000000000)",
                held_max));
        ReviewRig other(
            R"({"name":"q","types":["alarm"]},{"name":"s","types":["fire"],"skills":["fire"],"expires_ns":90000000000})",
            fmt::format(
                R"("held_max":{},"lease_ns":20000000000,"undo_ns":30000000000,"retention_ns":200000000000)",
                held_max));
        std::map<uint64_t, uint64_t> fences;  // of items
        double now = 0;
        for (int step = 0; step < 250; ++step) {
            const uint64_t user = 1 + random.below(4), id = 1 + random.below(20);
            const Role role = user == 4 ? Role::kSupervisor : Role::kOperator;
            const auto version = [&] { return rig.item(id).version - (random.chance(10) ? 1 : 0); };
            switch (random.below(12)) {
                case 0:
                case 1:
                case 2:
                    rig.event(random.chance(70) ? "alarm" : "fire", static_cast<uint16_t>(random.below(2)),
                              static_cast<uint8_t>(1 + random.below(5)));
                    break;
                case 3:
                    rig.person(user, user == 2 ? std::vector<std::string>{"eu"} : std::vector<std::string>{},
                               role,
                               user == 3 ? std::vector<std::string>{"fire"} : std::vector<std::string>{},
                               random.chance(70));
                    break;
                case 4:
                case 5:
                    if (const auto claimed = rig.claim(id, user); claimed.result == Result::kDone)
                        fences[id] = claimed.fence;
                    break;
                case 6:
                case 7:
                    rig.decide(id, user, fences[id] - (random.chance(10) ? 1 : 0),
                               random.chance(50) ? "approved" : "rejected");
                    break;
                case 8:
                    rig.command(ControlKind::kReviewReleased, id, user,
                                fmt::format("\"fence\":{}", fences[id]));
                    break;
                case 9:
                    rig.command(
                        random.chance(50) ? ControlKind::kReviewUndone : ControlKind::kReviewEscalated, id,
                        user, fmt::format("\"version\":{}", version()), role);
                    break;
                case 10:
                    rig.command(ControlKind::kReviewReassigned, id, 4,
                                fmt::format(R"("version":{},"to":"u{}")", version(), user),
                                Role::kSupervisor);
                    break;
                default:
                    rig.to(now += static_cast<double>(random.below(15)));
            }
            if (random.chance(5)) rig.restart();
            std::map<uint64_t, size_t> held;
            const auto all = rig.book->items({}, 0, 1'000);
            for (const ReviewItem& i : all) {
                ASSERT_EQ(is_held(i.state), i.holder != 0) << "item " << i.id;
                if (i.holder != 0) ++held[i.holder];
                ASSERT_EQ(is_held(i.state), i.lease_until_ns != 0) << "item " << i.id;
                if (is_held(i.state)) ASSERT_GT(i.lease_until_ns, rig.fed.back().stamp_ns) << "item " << i.id;
                if (!waits(i.state)) continue;
                for (const auto& [number, who] : rig.people) {
                    const bool here =
                        who.active && rig.fed.back().stamp_ns < who.last_seen_ns + ReviewBook::kAwayNs;
                    const bool may = here && (who.regions.empty() || i.region == 1) &&
                                     (i.skills.empty() || !who.skills.empty()) &&
                                     (!i.escalated || who.role == Role::kSupervisor);
                    ASSERT_FALSE(may && rig.held(number) < held_max)
                        << "item " << i.id << " waits though u" << number << " has room";
                }
            }
            for (const auto& [number, count] : held) {
                ASSERT_LE(count, held_max);
                ASSERT_EQ(count, rig.held(number));
                ASSERT_TRUE(rig.people[number].active);
            }
        }
        // Decisions of an item alternate with their undoing.
        std::map<uint64_t, bool> decided;
        for (uint16_t region : {0, 1})
            for (const ReviewDecision& d : rig.book->decisions(region, 0, ~Seq{0} >> 1)) {
                const bool undoes = d.action == ReviewStepKind::kUndone;
                ASSERT_EQ(decided[d.item], undoes) << "item " << d.item;
                decided[d.item] = !undoes;
            }
        // The same records without restarts give the same rows.
        ReviewBook replayed;
        for (const ReviewRig::Fed& one : rig.fed) ReviewRig::apply(replayed, one);
        test::Rows rows;
        rows.save(replayed);
        rig.rows.save(*rig.book);
        ASSERT_EQ(rows.rows(), rig.rows.rows());
    }
}

}  // namespace
}  // namespace penstock

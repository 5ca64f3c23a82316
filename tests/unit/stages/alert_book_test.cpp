#include "stages/alert/alert_book.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/support/alert_rig.h"
#include "tests/support/seed.h"

namespace penstock::test {
namespace {

using Told = std::vector<std::string>;

TEST(AlertBookTest, TheSameTroubleIsOneAlertThatCountsItsInstances) {
    AlertRig rig;
    rig.to(20);
    for (uint64_t key = 1; key <= 30; ++key) rig.missed(key);
    Alert a = rig.alert();
    EXPECT_EQ(a.state, AlertState::kPending);
    EXPECT_EQ(a.episode, 1u);
    EXPECT_EQ(a.open, 30u);
    EXPECT_EQ(a.total, 30u);
    ASSERT_EQ(a.instances.size(), AlertBook::kInstancesMax);
    EXPECT_EQ(a.instances.back().key.lo, 30u);
    for (uint64_t key = 1; key < 30; ++key) rig.late(key);
    EXPECT_EQ(rig.alert().open, 1u);
    EXPECT_EQ(rig.alert().state, AlertState::kPending);
    rig.find(Finding::Kind::kDeliveredLate, 30);
    a = rig.alert();
    EXPECT_EQ(a.state, AlertState::kResolved);
    EXPECT_EQ(a.end, AlertEnd::kDeliveredLate);
    EXPECT_EQ(a.total, 30u);
    EXPECT_EQ(rig.book->counts(), (std::array<uint64_t, 4>{0, 0, 1, 0}));
}

TEST(AlertBookTest, TenantsAndRulesAreAlertsOfTheirOwn) {
    AlertRig rig;
    rig.missed(1);
    rig.missed(1, "b -> c");
    rig.find(Finding::Kind::kMissed, 1, "a -> b", -1, 3, 7);
    EXPECT_EQ(rig.book->counts()[3], 3u);
}

TEST(AlertBookTest, ABurstIsOneNoticeAfterTheWait) {
    AlertRig rig;
    rig.to(20);
    rig.missed(1);
    rig.missed(2);
    EXPECT_EQ(rig.book->due_ns(), rig.alert().began_ns + 10 * AlertRig::kSecondNs);
    rig.to(29);
    EXPECT_EQ(rig.told(), Told{});
    rig.to(31);
    ASSERT_EQ(rig.told(), Told{"alert.firing>oncall"});
    EXPECT_EQ(rig.pending()[0].open, 2u);
    EXPECT_EQ(rig.pending()[0].instances.size(), 2u);
}

TEST(AlertBookTest, NothingLeavesBeforeItsRecordIsDurable) {
    AlertRig rig;
    rig.to(20);
    rig.missed(1);
    rig.to(31);
    const Seq cause = rig.pending().at(0).cause_seq;
    EXPECT_TRUE(rig.book->pending(0, cause, 10).empty());
    EXPECT_EQ(rig.book->pending(0, cause + 1, 10).size(), 1u);
}

TEST(AlertBookTest, WhatIsOverBeforeTheWaitIsNotTold) {
    AlertRig rig;
    rig.to(20);
    rig.missed(1);
    rig.to(25);
    rig.late(1);
    rig.to(60);
    EXPECT_EQ(rig.told(), Told{});
    EXPECT_EQ(rig.decisions(), "not_sent alert.firing: over before the wait for more was\n");
}

TEST(AlertBookTest, WhoWasToldOfFiringIsToldOfTheEndWhateverSuppresses) {
    AlertRig rig(R"([{"name":"a"},{"name":"b","severity_at_least":5}])");
    rig.to(20);
    rig.missed(1);
    rig.to(31);
    rig.silence(1000);
    rig.to(40);
    rig.late(1);
    EXPECT_EQ(rig.told(), (Told{"alert.firing>a", "alert.resolved>a"}));
    EXPECT_EQ(rig.decisions(),
              "sent alert.firing: to a; not to b (severity 3 is below 5)\n"
              "sent alert.resolved: to a\n");
}

TEST(AlertBookTest, TargetsOfOtherTenantsAreNotTold) {
    AlertRig rig(R"([{"name":"a","tenants":[7]},{"name":"b","tenants":[0,7]}])");
    rig.to(20);
    rig.missed(1);
    rig.to(31);
    EXPECT_EQ(rig.told(), Told{"alert.firing>b"});
}

TEST(AlertBookTest, ARiseOfSeverityIsToldAtOnceAndAlsoWhenAcked) {
    AlertRig rig;
    rig.to(20);
    rig.missed(1);
    rig.to(31);
    rig.command(ControlKind::kAlertAcked);
    rig.missed(2, "a -> b", 5);
    EXPECT_EQ(rig.alert().severity, 5);
    EXPECT_EQ(rig.alert().state, AlertState::kAcked);
    EXPECT_EQ(rig.told(), (Told{"alert.firing>oncall", "alert.severity>oncall"}));
    rig.missed(3, "a -> b", 2);
    EXPECT_EQ(rig.alert().severity, 5);
}

TEST(AlertBookTest, ItIsRepeatedEveryFourHoursUntilItIsAcked) {
    AlertRig rig;
    rig.to(20);
    rig.missed(1);
    rig.to(31);
    rig.to(31 + 4 * 3600);
    rig.to(31 + 8 * 3600);
    EXPECT_EQ(rig.told(), (Told{"alert.firing>oncall", "alert.repeated>oncall", "alert.repeated>oncall"}));
    rig.command(ControlKind::kAlertAcked);
    rig.to(31 + 20 * 3600);
    EXPECT_EQ(rig.told().size(), 3u);
    rig.command(ControlKind::kAlertUnacked);
    rig.to(31 + 24 * 3600 + 1);
    EXPECT_EQ(rig.told().size(), 4u);
}

TEST(AlertBookTest, ASilenceKeepsNotificationsBackNotTheRecordAndItsEndIsTold) {
    AlertRig rig;
    rig.to(20);
    const Seq silence = rig.silence(100);
    rig.missed(1);
    rig.to(31);
    EXPECT_EQ(rig.alert().state, AlertState::kFiring);
    EXPECT_EQ(rig.told(), Told{});
    EXPECT_EQ(rig.decisions(), fmt::format("not_sent alert.firing: silence {} of bob: works\n", silence));
    EXPECT_EQ(rig.book->suppressions(rig.alert(), AlertRig::at(50)).silence, silence);
    rig.to(101);
    EXPECT_EQ(rig.told(), Told{"silence.ended>oncall"});
    EXPECT_EQ(rig.pending()[0].reason, "the silence of bob ended: works");
    EXPECT_EQ(rig.book->suppressions(rig.alert(), AlertRig::at(101)).silence, 0u);
    EXPECT_TRUE(rig.book->silences().at(0).ended);
}

TEST(AlertBookTest, ASilenceThatIsExpiredByHandIsToldWithWhoDidIt) {
    AlertRig rig;
    rig.to(20);
    const Seq silence = rig.silence(10'000, R"("rule":"a -> b")");
    const Seq other = rig.silence(10'000, R"("rule":"x -> y")");
    rig.missed(1);
    rig.to(40);
    rig.control(ControlKind::kSilenceExpired, std::to_string(other), R"({"by":"eve"})");
    EXPECT_EQ(rig.told(), Told{});
    rig.control(ControlKind::kSilenceExpired, std::to_string(silence), R"({"by":"ann"})");
    ASSERT_EQ(rig.told(), Told{"silence.ended>oncall"});
    EXPECT_EQ(rig.pending()[0].reason, "the silence of bob was ended by ann: works");
    EXPECT_TRUE(rig.book->refused(
        rig.control(ControlKind::kSilenceExpired, std::to_string(silence), R"({"by":"ann"})")));
}

TEST(AlertBookTest, ASilenceNeedsAMatcherAndAnEndToCome) {
    AlertRig rig;
    rig.to(20);
    EXPECT_TRUE(rig.book->refused(rig.silence(100, R"("by":"x")")));
    EXPECT_TRUE(rig.book->refused(rig.silence(19)));
    EXPECT_FALSE(rig.book->refused(rig.silence(21)));
    EXPECT_EQ(rig.book->silences().size(), 1u);
}

TEST(AlertBookTest, ACommandForAnotherVersionIsRefusedAndResolvedWinsOverAck) {
    AlertRig rig;
    rig.to(20);
    rig.missed(1);
    const auto seen = static_cast<int64_t>(rig.alert().version);
    rig.command(ControlKind::kAlertAssigned, "a -> b", R"(,"to":"bob")");
    EXPECT_EQ(rig.alert().assignee, "bob");
    EXPECT_TRUE(rig.book->refused(rig.command(ControlKind::kAlertAcked, "a -> b", "", seen)));
    EXPECT_EQ(rig.alert().state, AlertState::kPending);
    const auto before = static_cast<int64_t>(rig.alert().version);
    rig.late(1);
    EXPECT_TRUE(rig.book->refused(rig.command(ControlKind::kAlertAcked, "a -> b", "", before)));
    EXPECT_EQ(rig.alert().state, AlertState::kResolved);
}

TEST(AlertBookTest, AnAckLastsForTheEpisodeAndALaterFindingBeginsTheNext) {
    AlertRig rig;
    rig.to(20);
    rig.missed(1);
    rig.command(ControlKind::kAlertAcked, "a -> b", R"(,"note":"mine")");
    EXPECT_EQ(rig.alert().acked_by, "ann");
    EXPECT_EQ(rig.alert().history.at(1).note, "mine");
    rig.late(1);
    rig.to(60);
    rig.missed(2);
    EXPECT_EQ(rig.alert().state, AlertState::kPending);
    EXPECT_EQ(rig.alert().episode, 2u);
    EXPECT_EQ(rig.alert().acked_by, "");
    EXPECT_EQ(rig.alert().total, 1u);
    rig.to(71);
    EXPECT_EQ(rig.told(), Told{"alert.firing>oncall"});
}

TEST(AlertBookTest, WhatAPersonClosedDoesNotCountInTheNextEpisode) {
    AlertRig rig;
    rig.to(20);
    rig.missed(1);
    rig.missed(2);
    rig.to(31);
    rig.command(ControlKind::kAlertResolved, "a -> b", R"(,"note":"lost for ever")");
    EXPECT_EQ(rig.alert().state, AlertState::kResolved);
    EXPECT_EQ(rig.alert().end, AlertEnd::kClosed);
    rig.to(60);
    rig.missed(3);
    rig.late(1);
    EXPECT_EQ(rig.alert().open, 1u);
    EXPECT_EQ(rig.alert().state, AlertState::kPending);
    rig.late(3);
    EXPECT_EQ(rig.alert().state, AlertState::kResolved);
    rig.late(2);
    EXPECT_EQ(rig.alert().episode, 2u);
    EXPECT_EQ(rig.told(), (Told{"alert.firing>oncall", "alert.resolved>oncall"}));
}

TEST(AlertBookTest, AWorkflowThatIsRetiredResolvesItsAlerts) {
    AlertRig rig;
    rig.to(20);
    rig.missed(1);
    rig.missed(2);
    rig.find(Finding::Kind::kWithdrawn, 1);
    rig.control(ControlKind::kWorkflowRetired, "w", "");  // of 2 nothing was left to withdraw
    EXPECT_EQ(rig.alert().state, AlertState::kResolved);
    EXPECT_EQ(rig.alert().end, AlertEnd::kRuleRetired);
}

TEST(AlertBookTest, AResultEndsAPendingNoticeAndWithoutOneItIsHandedOutAgainUnderTheSameId) {
    AlertRig rig(R"([{"name":"a"},{"name":"b"}])");
    rig.to(20);
    rig.missed(1);
    rig.to(31);
    const auto before = rig.pending();
    ASSERT_EQ(before.size(), 2u);
    EXPECT_NE(before[0].effect_id, before[1].effect_id);
    rig.delivered(before[0].effect_id);
    rig.restart();
    const auto after = rig.pending();
    ASSERT_EQ(after.size(), 1u);
    EXPECT_EQ(after[0].effect_id, before[1].effect_id);
    EXPECT_EQ(after[0].instances, before[1].instances);
    EXPECT_EQ(rig.alert().notices.at(0).state, NoticeState::kDelivered);
    EXPECT_EQ(rig.alert().notices.at(1).state, NoticeState::kPending);
    rig.delivered(before[0].effect_id);  // twice does no harm
    EXPECT_EQ(rig.pending().size(), 1u);
}

TEST(AlertBookTest, AfterAStartNothingIsToldBeforeProducersCouldSpeak) {
    AlertRig rig;
    rig.to(20);
    rig.missed(1);
    rig.restart();
    rig.to(3600);
    // As when the process was down from 21 on: its first record is the boot.
    AlertRig down;
    down.to(20);
    down.missed(1);
    down.restart();
    AlertRig::Fed boot{{},
                       ControlKind::kBoot,
                       "",
                       R"({"targets":[{"name":"oncall"}]})",
                       down.next_seq(),
                       AlertRig::at(3600)};
    AlertRig::apply(*down.book, boot);
    EXPECT_EQ(down.book->pending_count(), 0u);
    EXPECT_EQ(down.book->due_ns(), AlertRig::at(3610));
    EXPECT_EQ(rig.book->pending_count(), 1u);
}

TEST(AlertBookTest, HistoryAndNoticesAreBounded) {
    AlertRig rig;
    for (int i = 1; i < 300; ++i) {
        rig.to(i * 60);
        rig.missed(1);
        rig.to(i * 60 + 20);
        rig.late(1);
    }
    EXPECT_EQ(rig.alert().history.size(), AlertBook::kHistoryMax);
    EXPECT_EQ(rig.alert().notices.size(), AlertBook::kNoticesMax);
    EXPECT_EQ(rig.alert().episode, 299u);
}

TEST(AlertBookTest, PagesGoFromTheNewestEpisodeToTheOldest) {
    AlertRig rig;
    for (int i = 0; i < 7; ++i) {
        rig.to(20 + i / 2);  // some begin in one second
        rig.missed(1, fmt::format("r{}", i), static_cast<uint8_t>(1 + i % 5));
    }
    std::vector<std::string> seen;
    std::optional<AlertCursor> after;
    for (;;) {
        const auto page = rig.book->alerts({}, after, 2);
        if (page.empty()) break;
        for (const Alert& a : page) seen.push_back(a.rule);
        after = AlertCursor{page.back().began_ns, page.back().id};
    }
    EXPECT_EQ(seen, (std::vector<std::string>{"r6", "r5", "r4", "r3", "r2", "r1", "r0"}));
    EXPECT_EQ(rig.book->alerts({.severity_at_least = 4}, {}, 10).size(), 2u);
    EXPECT_EQ(rig.book->alerts({.state = AlertState::kAcked}, {}, 10).size(), 0u);
    EXPECT_EQ(rig.book->alerts({.workflow = "w"}, {}, 10).size(), 7u);
}

/// What an alert is, by the plainest rules: every instance is kept for ever.
struct Model {
    struct One {
        bool open = true;
        uint32_t episode;
    };
    struct Episodes {
        AlertState state = AlertState::kResolved;
        uint32_t episode = 0;
        uint8_t severity = 0;
        double began = 0;
        std::map<uint64_t, One> instances;  ///< in trouble or once so
        uint64_t open() const {
            uint64_t n = 0;
            for (const auto& [key, one] : instances) n += one.open && one.episode == episode;
            return n;
        }
    };
    std::map<std::string, Episodes> of;
};

TEST(AlertBookTest, AgreesWithThePlainModelAndWithItselfThroughCheckpointsAtAnyRecord) {
    SCOPED_TRACE(seed_note());
    for (uint64_t round = 0; round < 40; ++round) {
        Random random(round);
        AlertRig rig(R"([{"name":"a"},{"name":"b","severity_at_least":4},{"name":"c","tenants":[1]}])",
                     R"({"pending_ns":9500000000})");
        Model model;
        double now = 20;
        uint64_t next_key = 1;
        std::vector<uint64_t> sent;
        std::set<uint64_t> ids;
        for (int i = 0; i < 250; ++i) {
            now += random.chance(5) ? static_cast<double>(random.below(20'000))
                                    : static_cast<double>(random.below(12));
            rig.to(now);
            const std::string rule = fmt::format("r{}", random.below(3));
            Model::Episodes& m = model.of[rule];
            for (auto& [name, one] : model.of)
                if (one.state == AlertState::kPending && now >= one.began + 9.5)
                    one.state = AlertState::kFiring;
            const auto pick = [&]() -> uint64_t {
                std::vector<uint64_t> open;
                for (const auto& [key, one] : m.instances)
                    if (one.open) open.push_back(key);
                return open.empty() ? 0 : open[random.below(open.size())];
            };
            switch (random.below(9)) {
                case 0:
                case 1: {
                    const auto severity = static_cast<uint8_t>(1 + random.below(5));
                    if (m.state == AlertState::kResolved) {
                        ++m.episode;
                        m.state = AlertState::kPending;
                        m.began = now;
                        m.severity = 0;
                    }
                    m.severity = std::max(m.severity, severity);
                    m.instances[next_key] = {true, m.episode};
                    rig.missed(next_key++, rule, severity);
                    break;
                }
                case 2:
                case 3:
                case 4:
                    if (const uint64_t key = pick()) {
                        Model::One& one = m.instances[key];
                        one.open = false;
                        if (one.episode == m.episode && m.open() == 0) m.state = AlertState::kResolved;
                        rig.find(random.chance(50) ? Finding::Kind::kLate : Finding::Kind::kDeliveredLate,
                                 key, rule);
                    }
                    break;
                case 5:
                    if (m.state == AlertState::kFiring || m.state == AlertState::kPending)
                        m.state = AlertState::kAcked;
                    rig.command(ControlKind::kAlertAcked, rule);
                    break;
                case 6:
                    if (m.state == AlertState::kAcked) m.state = AlertState::kFiring;
                    rig.command(ControlKind::kAlertUnacked, rule);
                    break;
                case 7:
                    if (random.chance(30)) {
                        // The instances stay as they are; they belong to an episode that is over.
                        if (m.state != AlertState::kResolved) {
                            m.state = AlertState::kResolved;
                            for (auto& [key, one] : m.instances)
                                if (one.episode == m.episode) one.episode = 0;
                        }
                        rig.command(ControlKind::kAlertResolved, rule, R"(,"note":"n")");
                    } else {
                        rig.silence(now + static_cast<double>(random.below(300)),
                                    fmt::format(R"("rule":"{}")", rule));
                    }
                    break;
                case 8:
                    if (random.chance(50)) rig.restart();
                    if (const auto waits = rig.pending(); !waits.empty())
                        rig.delivered(waits[random.below(waits.size())].effect_id);
                    break;
            }
            const Alert a = rig.alert(rule);
            ASSERT_EQ(a.state, m.state) << "round " << round << " step " << i;
            ASSERT_EQ(a.episode, m.episode);
            ASSERT_EQ(a.open, m.open()) << "round " << round << " step " << i;
            if (m.episode > 0) {
                ASSERT_EQ(a.severity, m.severity);
            }
            for (const AlertNotice& n : a.notices) ids.insert(n.effect_id);
        }
        // Who was told of an episode's trouble is told of its end, once; and nobody else is.
        std::map<std::tuple<uint64_t, uint32_t, std::string>, std::pair<int, int>> reached;
        for (const auto& [rule, m] : model.of) {
            const Alert a = rig.alert(rule);
            for (const AlertNotice& n : a.notices) {
                auto& [firing, resolved] = reached[{a.id, n.episode, n.target}];
                n.kind == "alert.resolved" ? ++resolved : ++firing;
            }
            const uint32_t oldest = a.notices.empty() ? 0 : a.notices.front().episode;
            for (const auto& [key, counts] : reached)
                if (std::get<0>(key) == a.id && std::get<1>(key) > oldest) {
                    EXPECT_GT(counts.first, 0);
                    const bool over = std::get<1>(key) < a.episode || a.state == AlertState::kResolved;
                    EXPECT_EQ(counts.second, over ? 1 : 0);
                }
        }
        // A replay without any restart gives the same rows, byte for byte.
        AlertBook replayed;
        for (const AlertRig::Fed& one : rig.fed) AlertRig::apply(replayed, one);
        Rows once;
        once.save(replayed);
        rig.rows.save(*rig.book);
        ASSERT_EQ(once.rows(), rig.rows.rows()) << "round " << round;
    }
}

}  // namespace
}  // namespace penstock::test

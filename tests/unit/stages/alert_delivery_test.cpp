// What is told of alerts, to whom, and what holds it back.
#include <gtest/gtest.h>

#include "tests/support/alert_rig.h"
#include "tests/support/seed.h"

namespace penstock::test {
namespace {

using Told = std::vector<std::string>;

constexpr const char* kLadder =
    R"({"escalation":[{"name":"night","steps":[{"after_ns":900000000000,"targets":["phone"]},)"
    R"({"after_ns":3600000000000,"targets":["phone","boss"]}],"ack_timeout_ns":%}]})";
constexpr const char* kThree =
    R"([{"name":"oncall"},{"name":"phone","escalation_only":true},{"name":"boss","escalation_only":true}])";

std::string ladder(int64_t ack_timeout_s = 0) {
    std::string text = kLadder;
    return text.replace(text.find('%'), 1, std::to_string(ack_timeout_s * 1'000'000'000));
}

/// Rows of a book that is fed the same records without any restart.
void expect_replay_agrees(AlertRig& rig) {
    AlertBook replayed;
    for (const AlertRig::Fed& one : rig.fed) AlertRig::apply(replayed, one);
    Rows once;
    once.save(replayed);
    rig.rows.save(*rig.book);
    EXPECT_EQ(once.rows(), rig.rows.rows());
}

// --- findings ---------------------------------------------------------------------------------------------

TEST(AlertEpisodeTest, ARateOutOfItsBoundsIsTroubleUntilItRecovers) {
    AlertRig rig;
    rig.to(20);
    rig.key_text = "eu/cameras";
    rig.runbook = "https://wiki.example/rates";
    rig.find(Finding::Kind::kOutOfRange, 1);
    EXPECT_EQ(rig.alert().trouble, "out_of_range");
    EXPECT_EQ(rig.alert().instances.at(0).key_text, "eu/cameras");
    rig.to(31);
    EXPECT_EQ(rig.alert().state, AlertState::kFiring);
    ASSERT_EQ(rig.told(), Told{"alert.firing>oncall"});
    EXPECT_EQ(rig.pending()[0].runbook, "https://wiki.example/rates");
    EXPECT_EQ(rig.pending()[0].instances.at(0).key_text, "eu/cameras");
    rig.find(Finding::Kind::kRecovered, 1);
    EXPECT_EQ(rig.alert().end, AlertEnd::kRecovered);
    EXPECT_EQ(kAlertEndNames[static_cast<size_t>(rig.alert().end)], "recovered");
    expect_replay_agrees(rig);
}

TEST(AlertEpisodeTest, DisorderStaysUntilAPersonClosesIt) {
    AlertRig rig;
    rig.to(20);
    rig.find(Finding::Kind::kDisorder, 1);
    rig.to(10'000);
    EXPECT_EQ(rig.alert().state, AlertState::kFiring);
    rig.command(ControlKind::kAlertResolved, "a -> b", R"(,"note":"seen")");
    EXPECT_EQ(rig.alert().end, AlertEnd::kClosed);
}

TEST(AlertEpisodeTest, GroupsAreAlertsOfTheirOwnAndWithoutOneTheIdIsAsEver) {
    AlertRig rig;
    rig.to(20);
    rig.missed(1);
    const uint64_t plain = rig.alert().id;
    EXPECT_EQ(plain, AlertBook::id_of(0, "w", "a -> b"));
    rig.group = "market=XNYS";
    rig.missed(2);
    EXPECT_NE(rig.alert().id, plain);
    EXPECT_EQ(rig.alert().group, "market=XNYS");
    EXPECT_EQ(rig.book->alerts({.group = "market=XNYS"}, {}, 10).size(), 1u);
    EXPECT_EQ(rig.book->alerts({}, {}, 10).size(), 2u);
    const Seq silence = rig.silence(100, R"("group":"market=XNYS")");
    EXPECT_EQ(rig.book->suppressions(rig.alert(), AlertRig::at(25)).silence, silence);
    rig.restart();
    EXPECT_EQ(rig.book->suppressions(rig.alert(), AlertRig::at(25)).silence, silence);
    rig.group = "";
    EXPECT_EQ(rig.book->suppressions(rig.alert(), AlertRig::at(25)).silence, 0u);
}

TEST(AlertEpisodeTest, WhatIsWithdrawnByItselfIsNotARetiredRule) {
    AlertRig rig;
    rig.to(20);
    rig.missed(1);
    rig.find(Finding::Kind::kWithdrawn, 1);
    EXPECT_EQ(rig.alert().state, AlertState::kResolved);
    EXPECT_EQ(rig.alert().end, AlertEnd::kWithdrawn);
}

TEST(AlertEpisodeTest, WhatIsWithdrawnByTheRecordThatRetiresTheWorkflowEndedWithIt) {
    for (const bool by_version : {false, true}) {
        AlertRig rig;
        rig.to(20);
        rig.missed(1);
        rig.to(31);
        AlertRig::Fed one = rig.fed.back();
        Finding f = rig.fed.at(rig.fed.size() - 2).findings.at(0);
        one.kind = by_version ? ControlKind::kWorkflowVersion : ControlKind::kWorkflowRetired;
        one.name = "w";
        one.text = R"({"action":"retire"})";
        one.seq = rig.next_seq();
        one.stamp_ns = AlertRig::at(40);
        f.kind = Finding::Kind::kWithdrawn;
        f.cause_seq = one.seq;
        f.at_ns = one.stamp_ns;
        one.findings = {f};
        AlertRig::apply(*rig.book, one);
        EXPECT_EQ(rig.alert().end, AlertEnd::kRuleRetired);
        EXPECT_EQ(rig.alert().history.back().note, "to oncall; the workflow was retired");
        EXPECT_EQ(rig.book->pending(0, one.seq + 1, 10).back().end, AlertEnd::kRuleRetired);
    }
}

TEST(AlertEpisodeTest, TheWaitIsConfigured) {
    AlertRig rig(R"([{"name":"oncall"}])", R"({"pending_ns":60000000000})");
    rig.to(20);
    rig.missed(1);
    rig.to(79);
    EXPECT_EQ(rig.alert().state, AlertState::kPending);
    rig.to(81);
    EXPECT_EQ(rig.alert().state, AlertState::kFiring);
    EXPECT_EQ(rig.told(), Told{"alert.firing>oncall"});
    AlertRig at_once(R"([{"name":"oncall"}])", R"({"pending_ns":0})");
    at_once.to(20);
    at_once.missed(1);
    EXPECT_EQ(at_once.alert().state, AlertState::kFiring);
    EXPECT_EQ(at_once.told(), Told{"alert.firing>oncall"});
}

TEST(AlertEpisodeTest, WhatIsTakenBackAfterAnAckBeforeItFiredIsToldAtOnce) {
    AlertRig rig;
    rig.to(20);
    rig.missed(1);
    rig.command(ControlKind::kAlertAcked);
    rig.to(60);
    EXPECT_EQ(rig.told(), Told{});
    rig.command(ControlKind::kAlertUnacked);
    EXPECT_EQ(rig.alert().state, AlertState::kFiring);
    EXPECT_EQ(rig.told(), Told{"alert.firing>oncall"});
}

// --- maintenance ------------------------------------------------------------------------------------------

/// 2026-01-01 is a Thursday; the rig begins at its midnight, UTC.
constexpr double kHour = 3600, kDay = 24 * kHour;

TEST(AlertMaintenanceTest, AWindowHoldsBackAndItsEndIsTold) {
    AlertRig rig;
    rig.to(20);
    const Seq id = rig.maintenance(fmt::format(R"("workflow":"w","end_ns":{})", AlertRig::at(100)));
    rig.missed(1);
    rig.to(31);
    EXPECT_EQ(rig.decisions(), fmt::format("not_sent alert.firing: maintenance {} of bob: works\n", id));
    EXPECT_EQ(rig.book->suppressions(rig.alert(), AlertRig::at(31)).maintenance, id);
    EXPECT_FALSE(rig.book->not_expected(0, "w", "a -> b", "", AlertRig::at(50)));  // it only mutes
    rig.restart();
    rig.to(101);
    ASSERT_EQ(rig.told(), Told{"maintenance.ended>oncall"});
    EXPECT_EQ(rig.pending()[0].reason, "the maintenance of bob ended: works");
    EXPECT_TRUE(rig.book->maintenance().at(0).ended);
    expect_replay_agrees(rig);
}

TEST(AlertMaintenanceTest, ARecurringWindowIsOnAtEachOccurrenceUntilItsLastDate) {
    AlertRig rig;
    rig.to(20);
    const Seq id = rig.maintenance(
        R"("workflow":"w","effect":"do_not_expect","duration_ns":7200000000000,"last_date":"2026-01-11",)"
        R"("schedule":{"zone":"America/New_York","weekdays":["sun"],"at":"02:00"})");
    ASSERT_FALSE(rig.book->refused(id));
    const double first = 3 * kDay + 7 * kHour;  // Sunday the 4th, 02:00 in New York
    const auto expected = [&](double at) {
        return !rig.book->not_expected(0, "w", "a -> b", "g=1", AlertRig::at(at));
    };
    for (int round = 0; round < 2; ++round) {
        EXPECT_TRUE(expected(first - 1));
        EXPECT_FALSE(expected(first));
        EXPECT_FALSE(expected(first + 2 * kHour - 1));
        EXPECT_TRUE(expected(first + 2 * kHour));
        EXPECT_FALSE(expected(first + 7 * kDay));
        EXPECT_TRUE(expected(first + 14 * kDay));  // the 18th: past the last date
        EXPECT_FALSE(rig.book->not_expected(0, "v", "a -> b", "", AlertRig::at(first)));
        rig.restart();
        rig.to(first + 7 * kDay + 60);  // also later, of what was before
    }
    EXPECT_TRUE(rig.book->maintenance().at(0).active(AlertRig::at(first + 7 * kDay + 60)));
    rig.to(first + 7 * kDay + 2 * kHour);
    EXPECT_TRUE(rig.book->maintenance().at(0).ended);
    expect_replay_agrees(rig);
}

TEST(AlertMaintenanceTest, OccurrencesThatMeetAreOne) {
    AlertRig rig;
    rig.to(20);
    rig.maintenance(
        R"("workflow":"w","duration_ns":7200000000000,"schedule":{"zone":"UTC","cron":"@hourly"})");
    rig.to(kHour + 20);
    rig.missed(1);
    rig.to(9 * kHour);
    EXPECT_EQ(rig.told(), Told{});
}

TEST(AlertMaintenanceTest, EndedByHandItEndsForGoodAlsoBeforeItBegan) {
    AlertRig rig;
    rig.to(20);
    const Seq later = rig.maintenance(
        fmt::format(R"("workflow":"w","begin_ns":{},"end_ns":{})", AlertRig::at(500), AlertRig::at(900)));
    const Seq now = rig.maintenance(fmt::format(R"("rule":"a -> b","end_ns":{})", AlertRig::at(900)));
    rig.missed(1);
    rig.to(40);
    rig.control(ControlKind::kMaintenanceEnded, std::to_string(later), R"({"by":"eve"})");
    EXPECT_EQ(rig.told(), Told{});
    rig.control(ControlKind::kMaintenanceEnded, std::to_string(now), R"({"by":"ann"})");
    ASSERT_EQ(rig.told(), Told{"maintenance.ended>oncall"});
    EXPECT_EQ(rig.pending()[0].reason, "the maintenance of bob was ended by ann: works");
    for (const MaintenanceWindow& w : rig.book->maintenance()) EXPECT_TRUE(w.ended);
    EXPECT_TRUE(rig.book->refused(
        rig.control(ControlKind::kMaintenanceEnded, std::to_string(now), R"({"by":"ann"})")));
}

TEST(AlertMaintenanceTest, WhatMatchesAllOrNeverEndsOrCannotBeReadIsRefused) {
    AlertRig rig;
    rig.to(20);
    for (
        const std::string& members :
        {fmt::format(R"("end_ns":{})", AlertRig::at(100)), std::string(R"("workflow":"w")"),
         fmt::format(R"("workflow":"w","end_ns":{})", AlertRig::at(10)),
         std::string(R"("workflow":"w","duration_ns":60,"schedule":{"zone":"Mars/Base","cron":"@daily"})"),
         std::string(R"("workflow":"w","schedule":{"zone":"UTC","cron":"@daily"})"),
         std::string(
             R"("workflow":"w","duration_ns":60,"last_date":"2025-01-01","schedule":{"zone":"UTC","cron":"@daily"})")})
        EXPECT_TRUE(rig.book->refused(rig.maintenance(members))) << members;
    EXPECT_TRUE(rig.book->maintenance().empty());
}

// --- inhibition -------------------------------------------------------------------------------------------

TEST(AlertInhibitionTest, AFiringOrAckedSourceHidesItsTargetsAndItsEndShowsThem) {
    AlertRig rig(R"([{"name":"oncall"}])",
                 R"({"inhibit":[{"source":{"rule":"up"},"target":{"rule":"cam"},"equal":["tenant"]}]})");
    rig.to(20);
    rig.missed(1, "up");
    rig.missed(2, "cam");
    rig.find(Finding::Kind::kMissed, 3, "cam", -1, 3, 7);  // another tenant's
    rig.to(31);
    EXPECT_EQ(rig.told(), (Told{"alert.firing>oncall", "alert.firing>oncall"}));
    EXPECT_EQ(rig.decisions("cam"),
              fmt::format("not_sent alert.firing: inhibited by alert {:016x}\n", rig.alert("up").id));
    EXPECT_EQ(rig.book->suppressions(rig.alert("cam"), 0).inhibited_by, rig.alert("up").id);
    rig.command(ControlKind::kAlertAcked, "up");
    rig.restart();
    EXPECT_EQ(rig.book->suppressions(rig.alert("cam"), 0).inhibited_by, rig.alert("up").id);
    rig.late(1, "up");
    EXPECT_EQ(rig.book->suppressions(rig.alert("cam"), 0).inhibited_by, 0u);
    rig.to(40);
    EXPECT_EQ(rig.pending().back().kind, "alert.resolved");
    rig.to(42);
    EXPECT_EQ(rig.pending().back().kind, "inhibition.ended");
    EXPECT_EQ(rig.pending().back().rule, "cam");
    expect_replay_agrees(rig);
}

TEST(AlertInhibitionTest, WhatEndsWithItsSourceIsNeverTold) {
    AlertRig rig(R"([{"name":"oncall"}])",
                 R"({"inhibit":[{"source":{"rule":"up"},"target":{"rule":"cam"},"equal":[]}]})");
    rig.to(20);
    rig.missed(1, "up");
    rig.missed(2, "cam");
    rig.to(31);
    rig.late(1, "up");
    rig.to(35);
    rig.late(2, "cam");
    rig.to(60);
    EXPECT_EQ(rig.told(), (Told{"alert.firing>oncall", "alert.resolved>oncall"}));
}

TEST(AlertInhibitionTest, WhatMatchesBothSidesIsNotHiddenByItsLikeAndNeverByItself) {
    AlertRig rig(R"([{"name":"oncall"}])",
                 R"({"inhibit":[{"source":{"severity_at_least":4},"target":{"workflow":"w"},"equal":[]}]})");
    rig.to(20);
    rig.missed(1, "x", 5);
    rig.missed(2, "y", 4);
    rig.missed(3, "z", 2);
    rig.to(31);
    EXPECT_NE(rig.told(), Told{});
    EXPECT_EQ(rig.book->suppressions(rig.alert("x"), 0).inhibited_by, 0u);
    EXPECT_EQ(rig.book->suppressions(rig.alert("y"), 0).inhibited_by, 0u);
    EXPECT_NE(rig.book->suppressions(rig.alert("z"), 0).inhibited_by, 0u);  // it matches the target's only
}

TEST(AlertInhibitionTest, WithoutAnyOfItsEqualLabelsARuleDoesNotApply) {
    AlertRig rig(R"([{"name":"oncall"}])",
                 R"({"inhibit":[{"source":{"rule":"up"},"target":{"rule":"cam"},"equal":["group"]}]})");
    rig.to(20);
    rig.missed(1, "up");
    rig.missed(2, "cam");
    rig.group = "site=a";
    rig.missed(3, "up");
    rig.missed(4, "cam");
    const uint64_t source = rig.alert("up").id;
    rig.group = "site=b";
    rig.missed(5, "cam");
    rig.to(31);
    EXPECT_EQ(rig.book->suppressions(rig.alert("cam"), 0).inhibited_by, 0u);
    rig.group = "site=a";
    EXPECT_EQ(rig.book->suppressions(rig.alert("cam"), 0).inhibited_by, source);
    rig.group = "";
    EXPECT_EQ(rig.book->suppressions(rig.alert("cam"), 0).inhibited_by, 0u);
}

TEST(AlertInhibitionTest, AgreesWithALookAtEveryPair) {
    SCOPED_TRACE(seed_note());
    for (uint64_t round = 0; round < 200; ++round) {
        Random random(round);
        const auto matcher = [&] {
            return InhibitRule::Matcher{random.chance(50) ? fmt::format("w{}", random.below(2)) : "",
                                        random.chance(50) ? fmt::format("r{}", random.below(2)) : "",
                                        static_cast<uint8_t>(random.below(6))};
        };
        std::vector<InhibitRule> rules(1 + random.below(3));
        for (InhibitRule& rule : rules)
            rule = {matcher(), matcher(), random.chance(50), random.chance(50), random.chance(50)};
        Inhibition inhibition;
        inhibition.set_rules(rules);
        std::vector<Alert> alerts(12);
        for (size_t i = 0; i < alerts.size(); ++i) {
            alerts[i].id = i + 1;
            alerts[i].tenant = static_cast<uint16_t>(random.below(2));
            alerts[i].workflow = fmt::format("w{}", random.below(2));
            alerts[i].rule = fmt::format("r{}", random.below(2));
            alerts[i].group = random.chance(50) ? "" : fmt::format("g={}", random.below(2));
        }
        const auto hides = [&](const Alert& s, const Alert& t) {
            if (s.id == t.id || (s.state != AlertState::kFiring && s.state != AlertState::kAcked))
                return false;
            for (const InhibitRule& r : rules) {
                const bool absent = r.equal_group && !r.equal_tenant && !r.equal_workflow &&
                                    s.group.empty() && t.group.empty();
                if (r.source.matches(s) && r.target.matches(t) && !absent &&
                    !(r.source.matches(t) && r.target.matches(s)) &&
                    (!r.equal_tenant || s.tenant == t.tenant) &&
                    (!r.equal_workflow || s.workflow == t.workflow) && (!r.equal_group || s.group == t.group))
                    return true;
            }
            return false;
        };
        for (int i = 0; i < 100; ++i) {
            Alert& changed = alerts[random.below(alerts.size())];
            changed.state = static_cast<AlertState>(random.below(4));
            changed.severity = static_cast<uint8_t>(1 + random.below(5));
            inhibition.update(changed);
            for (const Alert& t : alerts) {
                const uint64_t by = inhibition.inhibitor_of(t);
                if (by != 0) {
                    ASSERT_TRUE(hides(alerts[by - 1], t)) << "round " << round;
                    continue;
                }
                for (const Alert& s : alerts) ASSERT_FALSE(hides(s, t)) << "round " << round;
            }
        }
    }
}

// --- escalation -------------------------------------------------------------------------------------------

TEST(AlertEscalationTest, StepsAreToldUntilItIsAckedAndTheEndReachesAll) {
    AlertRig rig(kThree, ladder());
    rig.escalation = "night";
    rig.to(20);
    rig.missed(1);
    rig.to(31);
    EXPECT_EQ(rig.alert().escalates_ns, rig.alert().changed_ns + 900 * AlertRig::kSecondNs);
    rig.restart();
    rig.to(935);
    EXPECT_EQ(rig.told(), (Told{"alert.firing>oncall", "alert.escalated>phone"}));
    EXPECT_EQ(rig.pending()[1].reason, "step 1 of night: nobody took it for 15m");
    rig.command(ControlKind::kAlertAcked);
    EXPECT_EQ(rig.alert().escalates_ns, 0);
    rig.to(8000);
    EXPECT_EQ(rig.told().size(), 2u);
    rig.late(1);
    EXPECT_EQ(rig.told(), (Told{"alert.firing>oncall", "alert.escalated>phone", "alert.resolved>oncall",
                                "alert.resolved>phone"}));
    expect_replay_agrees(rig);
}

TEST(AlertEscalationTest, ItIsFixedAtTheEpisodesStart) {
    AlertRig rig(kThree, ladder());
    rig.escalation = "night";
    rig.to(20);
    rig.missed(1);
    rig.to(31);
    rig.boot(kThree, "{}");  // configured without it
    rig.to(935);
    EXPECT_EQ(rig.told().back(), "alert.escalated>phone");
    rig.late(1);
    rig.to(1000);
    rig.missed(2);
    EXPECT_EQ(rig.alert().history.back().note, "no ladder night is configured");
    rig.to(9000);
    EXPECT_EQ(rig.told().back(), "alert.firing>oncall");
}

TEST(AlertEscalationTest, ARiseOfSeverityBeginsItAnewAlsoBehindAnAckWhichThenMayBeGivenAgain) {
    AlertRig rig(kThree, ladder());
    rig.escalation = "night";
    rig.to(20);
    rig.missed(1);
    rig.to(31);
    rig.to(935);
    rig.missed(2, "a -> b", 4);
    rig.to(1'700);
    EXPECT_EQ(rig.told(), (Told{"alert.firing>oncall", "alert.escalated>phone", "alert.severity>oncall",
                                "alert.severity>phone"}));
    rig.to(1'900);
    EXPECT_EQ(rig.told().back(), "alert.escalated>phone");
    rig.command(ControlKind::kAlertAcked);
    EXPECT_TRUE(rig.book->refused(rig.command(ControlKind::kAlertAcked)));
    rig.missed(3, "a -> b", 5);
    EXPECT_NE(rig.alert().escalates_ns, 0);
    EXPECT_FALSE(rig.book->refused(rig.command(ControlKind::kAlertAcked)));
    EXPECT_EQ(rig.alert().escalates_ns, 0);
}

TEST(AlertEscalationTest, AnAckThatLedToNothingIsTakenBack) {
    AlertRig rig(kThree, ladder(1800));
    rig.escalation = "night";
    rig.to(20);
    rig.missed(1);
    rig.to(31);
    rig.command(ControlKind::kAlertAcked);
    rig.restart();
    rig.to(1'800);
    EXPECT_EQ(rig.alert().state, AlertState::kAcked);
    rig.to(1'840);
    EXPECT_EQ(rig.alert().state, AlertState::kFiring);
    EXPECT_EQ(rig.told().back(), "alert.escalated>oncall");
    EXPECT_EQ(rig.pending().back().reason, "ann took it, but it did not end in 30m");
    rig.to(2'745);
    EXPECT_EQ(rig.told().back(), "alert.escalated>phone");
    expect_replay_agrees(rig);
}

TEST(AlertEscalationTest, StepsThatASilenceHeldBackAreTakenAgainBehindIt) {
    AlertRig rig(kThree, ladder());
    rig.escalation = "night";
    rig.to(20);
    rig.missed(1);
    rig.to(31);
    rig.silence(2'000);
    rig.to(1'000);
    rig.to(2'001);
    EXPECT_EQ(rig.told(), (Told{"alert.firing>oncall", "silence.ended>oncall"}));
    rig.to(2'000 + 905);
    EXPECT_EQ(rig.told().back(), "alert.escalated>phone");
}

// --- flapping ---------------------------------------------------------------------------------------------

TEST(AlertFlappingTest, ManyChangesAreOneNoticeAndTheEndIsToldWhenItIsSteady) {
    AlertRig rig(R"([{"name":"oncall"}])", R"({"flap_count":4,"flap_window_ns":900000000000})");
    double at = 20;
    for (uint64_t key = 1; key <= 5; ++key) {
        rig.to(at);
        rig.missed(key);
        rig.to(at + 20);
        rig.late(key);
        at += 60;
        if (key == 3) rig.restart();
    }
    EXPECT_EQ(rig.told(), (Told{"alert.firing>oncall", "alert.resolved>oncall", "alert.firing>oncall",
                                "alert.flapping>oncall"}));
    EXPECT_TRUE(rig.alert().flapping);
    EXPECT_EQ(rig.alert().state, AlertState::kResolved);
    EXPECT_NE(rig.decisions().find("not_sent alert.firing: flapping\n"), std::string::npos);
    EXPECT_NE(rig.decisions().find("not_sent alert.resolved: flapping: not before 15m without a change\n"),
              std::string::npos);
    rig.to(at + 800);
    EXPECT_EQ(rig.told().size(), 4u);
    rig.to(at + 900);
    EXPECT_FALSE(rig.alert().flapping);
    EXPECT_EQ(rig.told().back(), "alert.resolved>oncall");
    EXPECT_EQ(rig.told().size(), 5u);
    expect_replay_agrees(rig);
}

TEST(AlertFlappingTest, WhatStaysFiringIsToldWhenItIsSteady) {
    AlertRig rig(R"([{"name":"oncall"}])", R"({"flap_count":3,"flap_window_ns":100000000000})");
    rig.to(20);
    rig.missed(1);
    rig.to(31);
    rig.late(1);
    rig.missed(2);
    rig.to(42);
    EXPECT_EQ(rig.told().back(), "alert.flapping>oncall");
    rig.to(150);
    EXPECT_EQ(rig.told().back(), "alert.firing>oncall");
    EXPECT_EQ(rig.pending().back().reason, "no change for 1m40s");
    rig.late(2);
    EXPECT_EQ(rig.told().back(), "alert.resolved>oncall");
}

TEST(AlertFlappingTest, WhatWasNeverToldIsNoChange) {
    AlertRig rig(R"([{"name":"oncall"}])", R"({"flap_count":2,"flap_window_ns":900000000000})");
    rig.to(20);
    for (uint64_t key = 1; key < 10; ++key) {
        rig.missed(key);
        rig.late(key);
    }
    EXPECT_FALSE(rig.alert().flapping);
}

// --- repetitions ------------------------------------------------------------------------------------------

TEST(AlertRepeatTest, EachTargetHasItsOwnInterval) {
    AlertRig rig(R"([{"name":"a","repeat_ns":60000000000},{"name":"b","repeat_ns":150000000000}])");
    rig.to(20);
    rig.missed(1);
    for (double at = 31; at < 200; at += 10) rig.to(at);
    EXPECT_EQ(rig.told(), (Told{"alert.firing>a", "alert.firing>b", "alert.repeated>a", "alert.repeated>a",
                                "alert.repeated>b"}));
    rig.boot(R"([{"name":"b","repeat_ns":150000000000},{"name":"c","repeat_ns":60000000000}])");
    rig.to(260);
    EXPECT_EQ(rig.told().size(), 6u);
    EXPECT_EQ(rig.told().back(), "alert.repeated>c");  // it learns of what fired before it was configured
    expect_replay_agrees(rig);
}

// --- all of it --------------------------------------------------------------------------------------------

TEST(AlertDeliveryTest, SavedAndLoadedAtAnyRecordItDecidesTheSameAndWhoWasToldOfTroubleIsToldOfItsEnd) {
    SCOPED_TRACE(seed_note());
    for (uint64_t round = 0; round < 30; ++round) {
        Random random(round);
        AlertRig rig(
            kThree,
            R"({"pending_ns":5000000000,"flap_count":4,"flap_window_ns":300000000000,)"
            R"("inhibit":[{"source":{"rule":"r0"},"target":{"rule":"r1"},"equal":["group"]},)"
            R"({"source":{"severity_at_least":5},"target":{"severity_at_least":1},"equal":["tenant"]}],)" +
                ladder(600).substr(1));
        double now = 20;
        uint64_t next_key = 1;
        std::map<std::string, std::vector<uint64_t>> open;
        for (int i = 0; i < 300; ++i) {
            now += random.chance(5) ? static_cast<double>(random.below(5'000))
                                    : static_cast<double>(random.below(40));
            rig.to(now);
            rig.group = random.chance(50) ? "" : fmt::format("g={}", random.below(2));
            rig.escalation = random.chance(70) ? "night" : "";
            const std::string rule = fmt::format("r{}", random.below(3));
            auto& mine = open[rule + rig.group];
            switch (random.below(8)) {
                case 0:
                case 1:
                    mine.push_back(next_key);
                    rig.missed(next_key++, rule, static_cast<uint8_t>(1 + random.below(5)));
                    break;
                case 2:
                case 3:
                    if (mine.empty()) break;
                    rig.find(random.chance(50) ? Finding::Kind::kRecovered : Finding::Kind::kWithdrawn,
                             mine.back(), rule);
                    mine.pop_back();
                    break;
                case 4:
                    rig.command(random.chance(70) ? ControlKind::kAlertAcked : ControlKind::kAlertUnacked,
                                rule);
                    break;
                case 5:
                    if (random.chance(50))
                        rig.silence(now + static_cast<double>(1 + random.below(300)),
                                    fmt::format(R"("rule":"{}")", rule));
                    else
                        rig.maintenance(fmt::format(
                            R"("rule":"{}","duration_ns":60000000000,"end_ns":{},"schedule":{{"zone":"UTC","cron":"*/5 * * * *"}})",
                            rule, AlertRig::at(now + static_cast<double>(1 + random.below(2'000)))));
                    break;
                case 6:
                    if (const auto waits = rig.pending(); !waits.empty())
                        rig.delivered(waits[random.below(waits.size())].effect_id);
                    break;
                case 7:
                    if (random.chance(10)) rig.boot(kThree, ladder());
                    rig.restart();
                    break;
            }
        }
        rig.to(now + 100'000);
        for (const Alert& listed : rig.book->alerts({}, {}, 100)) {
            const Alert a = *rig.book->alert(listed.id);
            EXPECT_FALSE(a.flapping);  // it was steady for long
            if (a.state != AlertState::kResolved || a.notices.size() == AlertBook::kNoticesMax) continue;
            // The last that each target heard is the end.
            std::map<std::string, std::string> last;
            for (const AlertNotice& n : a.notices) last[n.target] = n.kind;
            for (const auto& [target, kind] : last)
                EXPECT_EQ(kind, "alert.resolved") << target << " round " << round;
        }
        expect_replay_agrees(rig);
    }
}

}  // namespace
}  // namespace penstock::test

// Alerts that a target is told of together.
#include <gtest/gtest.h>

#include "tests/support/alert_rig.h"
#include "tests/support/seed.h"

namespace penstock::test {
namespace {

using Told = std::vector<std::string>;

/// 30 s wait, 5 min interval, 1 h repetition; alerts fire 10 s after they began.
constexpr const char* kByWorkflowTarget =
    R"([{"name":"team","group_by":["workflow"],"group_wait_ns":30000000000,)"
    R"("group_interval_ns":300000000000,"repeat_ns":3600000000000}])";

std::string target(const std::string& group_by) {
    std::string text = kByWorkflowTarget;
    return text.replace(text.find(R"(["workflow"])"), 12, group_by);
}

void expect_replay_agrees(AlertRig& rig) {
    AlertBook replayed;
    for (const AlertRig::Fed& one : rig.fed) AlertRig::apply(replayed, one);
    Rows once;
    once.save(replayed);
    rig.rows.save(*rig.book);
    EXPECT_EQ(once.rows(), rig.rows.rows());
}

/// A tick a second. What began behind a tick fires with the eleventh from there.
void pass(AlertRig& rig, int until) {
    while (rig.now() < until) rig.to(rig.now() + 1);
}

/// Each notification as "at: counts: what is told of each rule".
Told groups(const AlertRig& rig) {
    Told out;
    for (const PendingNotice& p : rig.pending()) {
        std::string line = fmt::format("{}: {}/{}/{}", (p.at_ns - AlertRig::kStart) / AlertRig::kSecondNs,
                                       p.firing, p.acked, p.resolved);
        for (const NoticeAlert& a : p.alerts)
            line += fmt::format(" {}={}", a.rule, a.kind.empty() ? "-" : a.kind);
        out.push_back(line);
    }
    return out;
}

TEST(AlertGroupTest, WhatFiresWithinTheWaitIsOneNotificationAndLaterNewsComeWithTheInterval) {
    AlertRig rig(kByWorkflowTarget);
    rig.to(20);
    rig.missed(1, "r1", 3);
    pass(rig, 35);
    rig.missed(2, "r2", 4);
    pass(rig, 60);
    EXPECT_EQ(rig.told(), Told{});
    pass(rig, 61);  // 31 + 30
    ASSERT_EQ(rig.told(), Told{"alert.group>team"});
    EXPECT_EQ(groups(rig).back(), "61: 2/0/0 r2=alert.firing r1=alert.firing");
    EXPECT_EQ(rig.pending()[0].severity, 4);
    EXPECT_EQ(rig.pending()[0].group_key.workflow, "w");
    pass(rig, 100);
    rig.missed(3, "r3", 5);
    rig.late(1, "r1");
    pass(rig, 360);
    EXPECT_EQ(rig.told().size(), 1u);
    pass(rig, 361);  // 61 + 300
    EXPECT_EQ(groups(rig).back(), "361: 2/0/1 r3=alert.firing r1=alert.resolved r2=-");
    expect_replay_agrees(rig);
}

TEST(AlertGroupTest, EachDecisionIsAStepOfEachAlertAndEachHasTheNotificationAndItsFate) {
    AlertRig rig(kByWorkflowTarget);
    rig.to(20);
    rig.missed(1, "r1");
    rig.missed(2, "r2");
    pass(rig, 31);
    EXPECT_EQ(rig.alert("r1").history.back().kind, AlertStepKind::kGrouped);
    EXPECT_EQ(rig.alert("r1").history.back().note, "to team in 30s");
    pass(rig, 61);
    for (const char* rule : {"r1", "r2"}) {
        EXPECT_EQ(rig.decisions(rule), "sent alert.firing: to team with 1 more\n");
        ASSERT_EQ(rig.alert(rule).notices.size(), 1u);
        EXPECT_EQ(rig.alert(rule).notices[0].kind, "alert.firing");
    }
    rig.restart();
    rig.delivered(rig.pending()[0].effect_id);
    for (const char* rule : {"r1", "r2"})
        EXPECT_EQ(rig.alert(rule).notices[0].state, NoticeState::kDelivered);
    EXPECT_EQ(rig.told(), Told{});
    expect_replay_agrees(rig);
}

TEST(AlertGroupTest, TheGroupIsRepeatedExactlyWhenItsIntervalHasPassed) {
    AlertRig rig(R"([{"name":"team","group_by":["workflow"],"group_wait_ns":30000000000,)"
                 R"("group_interval_ns":300000000000,"repeat_ns":400000000000}])");
    rig.to(20);
    rig.missed(1, "r1");
    rig.missed(2, "r2");
    pass(rig, 61);
    pass(rig, 460);
    EXPECT_EQ(rig.told().size(), 1u);
    pass(rig, 461);  // not rounded up to a multiple of 300
    EXPECT_EQ(groups(rig).back().substr(0, 10), "461: 2/0/0");
    rig.command(ControlKind::kAlertAcked, "r1");
    pass(rig, 861);
    EXPECT_EQ(groups(rig).back(), "861: 1/0/0 r2=alert.repeated");
    rig.late(2, "r2");
    pass(rig, 1'161);
    EXPECT_EQ(groups(rig).back(), "1161: 0/0/1 r2=alert.resolved");
    rig.to(100'000);
    EXPECT_EQ(rig.told().size(), 4u);  // what is acked is not repeated
    expect_replay_agrees(rig);
}

TEST(AlertGroupTest, WhatIsOverOrAckedBeforeTheWaitIsNotToldAndSaysSo) {
    AlertRig rig(kByWorkflowTarget);
    rig.to(20);
    rig.missed(1, "r1");
    rig.missed(2, "r2");
    pass(rig, 40);
    rig.late(1, "r1");
    rig.command(ControlKind::kAlertAcked, "r2");
    pass(rig, 1'000);
    EXPECT_EQ(rig.told(), Told{});
    EXPECT_EQ(rig.decisions("r1"), "not_sent alert.firing: team: it was over before the group was told\n");
    EXPECT_EQ(rig.decisions("r2"), "not_sent alert.firing: team: acked before the group was told\n");
    rig.command(ControlKind::kAlertUnacked, "r2");
    pass(rig, 1'031);
    EXPECT_EQ(groups(rig), Told{"1031: 1/0/0 r2=alert.firing"});
    expect_replay_agrees(rig);
}

TEST(AlertGroupTest, TheEndReachesWhomFiringReachedWhateverSuppresses) {
    AlertRig rig(kByWorkflowTarget);
    rig.to(20);
    rig.missed(1, "r1");
    pass(rig, 61);
    rig.silence(10'000);
    rig.late(1, "r1");
    pass(rig, 361);
    EXPECT_EQ(groups(rig).back(), "361: 0/0/1 r1=alert.resolved");
    pass(rig, 400);
    rig.missed(2, "r1");  // its group was told to the end: the next waits as the first
    pass(rig, 500);
    EXPECT_EQ(rig.told().size(), 2u);
    expect_replay_agrees(rig);
}

TEST(AlertGroupTest, ASilenceThatBeginsWhileTheGroupWaitsHoldsBackAndItsEndTells) {
    AlertRig rig(kByWorkflowTarget);
    rig.to(20);
    rig.missed(1, "r1");
    rig.missed(2, "r2");
    pass(rig, 40);
    rig.silence(100, R"("rule":"r1")");
    pass(rig, 61);
    EXPECT_EQ(groups(rig), Told{"61: 1/0/0 r2=alert.firing"});
    EXPECT_NE(rig.decisions("r1").find("not_sent alert.firing: silence"), std::string::npos);
    pass(rig, 101);
    pass(rig, 361);
    EXPECT_EQ(groups(rig).back(), "361: 2/0/0 r1=silence.ended r2=-");
    expect_replay_agrees(rig);
}

TEST(AlertGroupTest, AnEndThatWaitsAndTheNextEpisodeAreBothTold) {
    AlertRig rig(kByWorkflowTarget);
    rig.to(20);
    rig.missed(1, "r1");
    pass(rig, 61);
    rig.late(1, "r1");
    pass(rig, 100);
    rig.missed(2, "r1");
    pass(rig, 361);
    EXPECT_EQ(groups(rig).back(), "361: 1/0/1 r1=alert.firing r1=alert.resolved");
    const PendingNotice last = rig.pending().back();
    EXPECT_EQ(last.alerts[0].episode, 2u);
    EXPECT_EQ(last.alerts[1].episode, 1u);
    rig.late(2, "r1");
    pass(rig, 661);
    EXPECT_EQ(groups(rig).back(), "661: 0/0/1 r1=alert.resolved");
    expect_replay_agrees(rig);
}

TEST(AlertGroupTest, AGroupIsWhatTheFieldsSay) {
    AlertRig rig(target(R"(["severity","group"])"));
    rig.to(20);
    rig.missed(1, "r1", 3);
    rig.missed(2, "r2", 4);
    rig.group = "g=1";
    rig.missed(3, "r1", 4);
    rig.missed(4, "r2", 4);
    pass(rig, 61);
    ASSERT_EQ(rig.told().size(), 3u);
    size_t together = 0;
    for (const PendingNotice& p : rig.pending())
        if (p.group_key.group == "g=1") together = p.alerts.size();
    EXPECT_EQ(together, 2u);
    expect_replay_agrees(rig);
}

TEST(AlertGroupTest, ARiseOfSeverityTakesItToTheGroupOfThatSeverity) {
    AlertRig rig(target(R"(["severity"])"));
    rig.to(20);
    rig.missed(1, "r1", 3);
    pass(rig, 61);
    rig.missed(2, "r1", 5);
    pass(rig, 92);
    EXPECT_EQ(groups(rig), (Told{"61: 1/0/0 r1=alert.firing", "92: 1/0/0 r1=alert.severity"}));
    EXPECT_EQ(rig.pending().back().group_key.severity, 5);
    rig.late(1, "r1");
    rig.late(2, "r1");
    pass(rig, 392);
    EXPECT_EQ(groups(rig).back(), "392: 0/0/1 r1=alert.resolved");
    rig.to(100'000);
    EXPECT_EQ(rig.told().size(), 3u);  // the other group is no more
    expect_replay_agrees(rig);
}

TEST(AlertGroupTest, ARiseBehindAnAckIsToldInTheGroup) {
    AlertRig rig(kByWorkflowTarget);
    rig.to(20);
    rig.missed(1, "r1", 3);
    pass(rig, 61);
    rig.command(ControlKind::kAlertAcked, "r1");
    rig.missed(2, "r1", 5);
    pass(rig, 92);
    EXPECT_EQ(groups(rig).back(), "92: 0/1/0 r1=alert.severity");
    rig.late(1, "r1");
    rig.late(2, "r1");
    pass(rig, 1'000);
    EXPECT_EQ(rig.pending().back().resolved, 1u);
    expect_replay_agrees(rig);
}

TEST(AlertGroupTest, AfterAStartTheGroupWaitsForProducersAndThenItsWait) {
    AlertRig rig(kByWorkflowTarget);
    rig.to(20);
    rig.missed(1, "r1");
    pass(rig, 50);
    rig.restart();
    pass(rig, 55);
    rig.boot(kByWorkflowTarget);
    pass(rig, 95);
    EXPECT_EQ(rig.told(), Told{});
    pass(rig, 96);  // 55 + 10 + 30, and a tick
    EXPECT_EQ(groups(rig), Told{"96: 1/0/0 r1=alert.firing"});
    expect_replay_agrees(rig);
}

TEST(AlertGroupTest, TargetsThatDoNotGroupAreToldAsEver) {
    AlertRig rig(
        R"([{"name":"oncall"},{"name":"team","group_by":["workflow"],"group_wait_ns":30000000000}])");
    rig.to(20);
    rig.missed(1, "r1");
    pass(rig, 31);
    EXPECT_EQ(rig.told(), Told{"alert.firing>oncall"});
    pass(rig, 61);
    EXPECT_EQ(rig.told(), (Told{"alert.firing>oncall", "alert.group>team"}));
    rig.late(1, "r1");
    EXPECT_EQ(rig.told().back(), "alert.resolved>oncall");
    pass(rig, 361);
    EXPECT_EQ(rig.told().back(), "alert.group>team");
    expect_replay_agrees(rig);
}

TEST(AlertGroupTest, AConfigurationWithoutTheGroupLosesNeitherTroubleNorEnd) {
    AlertRig rig(kByWorkflowTarget);
    rig.to(20);
    rig.missed(1, "r1");
    rig.missed(2, "r2");
    pass(rig, 61);
    rig.late(1, "r1");
    rig.missed(3, "r3");
    pass(rig, 80);  // both wait for 360
    rig.boot(R"([{"name":"team","repeat_ns":3600000000000}])");
    EXPECT_EQ(rig.told(), (Told{"alert.group>team", "alert.resolved>team"}));
    pass(rig, 91);
    EXPECT_EQ(rig.told().back(), "alert.repeated>team");
    EXPECT_EQ(rig.pending().back().rule, "r3");
    rig.boot(kByWorkflowTarget);
    rig.to(10'000);
    EXPECT_EQ(rig.told().back(), "alert.group>team");
    EXPECT_EQ(rig.pending().back().firing, 2u);
    expect_replay_agrees(rig);
}

TEST(AlertGroupTest, ALargeGroupListsTheWorstAndCountsAll) {
    AlertRig rig(kByWorkflowTarget);
    rig.to(20);
    for (uint64_t i = 1; i <= 60; ++i)
        rig.missed(i, fmt::format("r{}", i), static_cast<uint8_t>(i == 60 ? 5 : 2));
    pass(rig, 61);
    ASSERT_EQ(rig.told().size(), 1u);
    const PendingNotice p = rig.pending()[0];
    EXPECT_EQ(p.firing, 60u);
    EXPECT_EQ(p.alerts.size(), 50u);
    EXPECT_EQ(p.alerts[0].rule, "r60");
    EXPECT_EQ(p.told.size(), 60u);
    EXPECT_EQ(rig.decisions("r1"), "sent alert.firing: to team with 59 more\n");
    expect_replay_agrees(rig);
}

TEST(AlertGroupTest, SavedAndLoadedAtAnyRecordItDecidesTheSameAndWhoWasToldOfTroubleIsToldOfItsEnd) {
    SCOPED_TRACE(seed_note());
    const std::string targets =
        R"([{"name":"oncall"},{"name":"all","group_by":["tenant"],"group_interval_ns":60000000000,)"
        R"("repeat_ns":500000000000},{"name":"fine","group_by":["severity","group"],)"
        R"("group_wait_ns":20000000000,"group_interval_ns":100000000000,"repeat_ns":60000000000},)"
        R"({"name":"phone","escalation_only":true,"group_by":["workflow"]}])";
    const std::string other =
        R"([{"name":"all","group_by":["workflow"]},{"name":"oncall","group_by":["group"]},{"name":"fine"}])";
    const std::string rules =
        R"({"pending_ns":5000000000,"flap_count":4,"flap_window_ns":300000000000,)"
        R"("inhibit":[{"source":{"rule":"r0"},"target":{"rule":"r1"},"equal":["group"]}],)"
        R"("escalation":[{"name":"night","steps":[{"after_ns":90000000000,"targets":["phone"]}],)"
        R"("ack_timeout_ns":600000000000}]})";
    for (uint64_t round = 0; round < 40; ++round) {
        Random random(round);
        AlertRig rig(targets, rules);
        const bool changes = round % 4 == 0;  // of the configuration
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
                    rig.find(Finding::Kind::kRecovered, mine.back(), rule);
                    mine.pop_back();
                    break;
                case 4:
                    rig.command(random.chance(70) ? ControlKind::kAlertAcked : ControlKind::kAlertUnacked,
                                rule);
                    break;
                case 5:
                    rig.silence(now + static_cast<double>(1 + random.below(300)),
                                fmt::format(R"("rule":"{}")", rule));
                    break;
                case 6:
                    if (const auto waits = rig.pending(); !waits.empty())
                        rig.delivered(waits[random.below(waits.size())].effect_id);
                    break;
                case 7:
                    if (random.chance(10)) rig.boot(changes && random.chance(50) ? other : targets, rules);
                    rig.restart();
                    break;
            }
        }
        rig.boot(targets, rules);
        for (const double later : {100'000, 100'400, 100'800, 101'200}) rig.to(now + later);
        for (const Alert& listed : rig.book->alerts({}, {}, 100)) {
            const Alert a = *rig.book->alert(listed.id);
            if (changes || a.notices.size() == AlertBook::kNoticesMax) continue;
            std::map<std::pair<std::string, uint32_t>, std::string> last;
            for (const AlertNotice& n : a.notices)
                if (auto& kind = last[{n.target, n.episode}]; kind != "alert.resolved") kind = n.kind;
            for (const auto& [where, kind] : last) {
                const bool over = a.state == AlertState::kResolved;
                if (over && where.second == a.episode)
                    EXPECT_EQ(kind, "alert.resolved") << where.first << " round " << round;
            }
        }
        expect_replay_agrees(rig);
    }
}

}  // namespace
}  // namespace penstock::test

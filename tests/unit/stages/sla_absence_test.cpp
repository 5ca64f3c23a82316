// Absence: an event comes at least every so often, or it is said that it does not.
#include <gtest/gtest.h>

#include "stages/sla/absence.h"
#include "tests/support/watcher_rig.h"

namespace penstock::test {
namespace {

const StampNs kT = new_york("2026-02-02", "12:00");
StampNs at(int64_t minutes) { return kT + minutes * kMinuteNs; }

std::string beat(const std::string& more = R"(, "key": "subject")") {
    return R"({"name": "heartbeat", "type": "camera.alive", "every": "5m")" + more + "}";
}

/// Each test runs as it is, and with a restart after every step.
class SlaAbsence : public testing::TestWithParam<bool> {
  protected:
    WatcherRig rig(const std::string& rule, const CalendarLookup& calendars = {}) {
        const auto read = one_rule(read_absence, rule, calendars);
        return WatcherRig([read] { return make_absence(read, 3); }, GetParam());
    }
};
INSTANTIATE_TEST_SUITE_P(StraightAndRestarted, SlaAbsence, testing::Bool(),
                         [](const auto& p) { return p.param ? "Restarted" : "Straight"; });

TEST_P(SlaAbsence, AKeyIsAbsentOnlyAfterItsDeadlineAndTheNextEventRecoversIt) {
    auto r = rig(beat());
    r.start(kT);
    r.event("cam", at(0));
    r.event("cam", at(5));
    r.pass(at(10));
    EXPECT_EQ(r.news(), News{});
    r.pass(at(10) + 1);
    EXPECT_EQ(r.news(), News{"missed cam"});
    EXPECT_EQ(r.told[0].anchor, 2u) << "the last event";
    EXPECT_EQ(r.told[0].deadline, at(10));
    r.pass(at(60));
    EXPECT_EQ(r.news(), News{}) << "once while it lasts";
    r.event("cam", at(60));
    EXPECT_EQ(r.news(), News{"recovered cam"});
    EXPECT_EQ(r.told[1].anchor, r.told[0].anchor);
    EXPECT_EQ(r.told[1].deadline, r.told[0].deadline);
    r.pass(at(66));
    EXPECT_EQ(r.news(), News{"missed cam"}) << "and anew";
}

TEST_P(SlaAbsence, TheGraceMovesTheJudgementNotTheDeadline) {
    auto r = rig(beat(R"(, "key": "subject", "grace": "2m")"));
    r.start(kT);
    r.event("cam", at(0));
    r.pass(at(7));
    EXPECT_EQ(r.news(), News{});
    r.event("cam", at(6), at(7));
    r.pass(at(13) + 1);
    EXPECT_EQ(r.news(), News{"missed cam"});
    EXPECT_EQ(r.told[0].deadline, at(11));
}

TEST_P(SlaAbsence, AnOlderEventThatComesLateMovesNothingBack) {
    auto r = rig(beat());
    r.start(kT);
    r.event("cam", at(4));
    r.event("cam", at(1), at(5));
    r.pass(at(9));
    EXPECT_EQ(r.news(), News{});
    r.pass(at(9) + 1);
    EXPECT_EQ(r.news(), News{"missed cam"});
    r.event("cam", at(3), at(10));
    EXPECT_EQ(r.news(), News{}) << "nor does it end the absence";
}

TEST_P(SlaAbsence, AnEventThatIsItselfTooOldDoesNotEndTheAbsence) {
    auto r = rig(beat());
    r.start(kT);
    r.event("cam", at(0));
    r.pass(at(30));
    r.event("cam", at(20), at(31));
    EXPECT_EQ(r.news(), News{"missed cam"});
    r.event("cam", at(27), at(32));
    EXPECT_EQ(r.news(), News{"recovered cam"});
    r.pass(at(32) + 1);
    EXPECT_EQ(r.news(), News{"missed cam"}) << "five minutes after its own time";
}

TEST_P(SlaAbsence, ExpectedKeysAreAbsentThoughNeverSeenAndAreNeverForgotten) {
    auto r = rig(beat(R"(, "keys": ["b", "a"], "forget": "1h")"));
    r.start(kT);
    r.event("a", at(-1), at(1));
    r.pass(at(5));
    EXPECT_EQ(r.news(), News{});
    r.pass(at(6));
    EXPECT_EQ(r.news(), (News{"missed a", "missed b"})) << "by deadline, then by name";
    EXPECT_EQ(r.told[0].anchor, 0u);
    r.pass(at(10'000));
    EXPECT_EQ(r.news(), News{});
    r.event("b", at(10'000) + 1);
    EXPECT_EQ(r.news(), News{"recovered b"});
}

TEST_P(SlaAbsence, OtherKeysAreForgottenWhenTheyStayAbsent) {
    auto r = rig(beat(R"(, "key": "subject", "forget": "1h")"));
    r.start(kT);
    r.event("cam", at(0));
    r.pass(at(65));
    EXPECT_EQ(r.news(), News{"missed cam"});
    EXPECT_EQ(r.watcher->view().counts.in_trouble, 1u);
    r.pass(at(65) + 1);
    EXPECT_EQ(r.news(), News{"withdrawn cam"});
    EXPECT_EQ(r.rows().size(), 1u) << "what was counted";
    const RuleView v = r.watcher->view();
    EXPECT_EQ(v.counts.in_trouble, 0u);
    EXPECT_EQ(v.counts.missed, 1u);
    r.event("cam", at(-60), at(66));
    EXPECT_EQ(r.news(), News{}) << "so old that it would be forgotten already";
    r.event("cam", at(66), at(67));
    r.event("new", at(30), at(67) + 1);
    EXPECT_EQ(r.news(), News{"missed new"}) << "late on arrival";
}

TEST_P(SlaAbsence, AfterALongSilenceAKeyIsMissedAndForgottenInOneStep) {
    auto r = rig(beat(R"(, "key": "subject", "forget": "1h")"));
    r.start(kT);
    r.event("z", at(0));
    r.event("a", at(1));
    r.pass(at(6'000));
    EXPECT_EQ(r.news(), (News{"missed z", "withdrawn z", "missed a", "withdrawn a"}));
}

TEST_P(SlaAbsence, WithoutAKeyAllEventsTogetherAreExpected) {
    auto r = rig(beat(""));
    r.start(kT);
    r.event("x", at(3));
    r.event("y", at(7));
    r.event("", at(11));
    r.pass(at(16) + 1);
    EXPECT_EQ(r.news(), News{"missed camera.alive"});
    EXPECT_EQ(r.told[0].deadline, at(16));
}

TEST_P(SlaAbsence, OnlyBusinessHoursCount) {
    const auto office = std::make_shared<const Calendar>(parse_calendar(
        R"({"name": "office", "zone": "America/New_York", "working_weekdays": ["mon","tue","wed","thu","fri"],
            "hours": [["09:00", "17:00"]]})"));
    auto r = rig(R"({"name": "n", "type": "t", "every": "1h", "hours": "office", "key": "subject"})",
                 [&](std::string_view) { return office; });
    r.start(new_york("2026-03-06", "12:00"));
    r.event("desk", new_york("2026-03-06", "16:30"));
    r.pass(new_york("2026-03-09", "09:30"));  // a weekend in which clocks went forward
    EXPECT_EQ(r.news(), News{});
    r.pass(new_york("2026-03-09", "09:30") + 1);
    EXPECT_EQ(r.news(), News{"missed desk"});
    EXPECT_EQ(r.told[0].deadline, new_york("2026-03-09", "09:30"));
}

TEST_P(SlaAbsence, TheViewTellsWhatIsDueNextAndWhatIsWrongLongest) {
    auto r = rig(beat());
    r.start(kT);
    EXPECT_EQ(r.watcher->view().next_due_ns, 0);
    r.event("a", at(0));
    r.event("b", at(2));
    r.event("c", at(4));
    EXPECT_EQ(r.watcher->view().next_due_ns, at(5));
    r.pass(at(8));
    const RuleView v = r.watcher->view();
    EXPECT_EQ(v.next_due_ns, at(9));
    EXPECT_EQ(v.oldest_trouble_ns, at(5));
    EXPECT_EQ(v.health, Health::kAmber) << "severity 3";
    EXPECT_EQ(v.counts.anchored, v.counts.met + v.counts.late + v.counts.missed + v.counts.pending);
    EXPECT_EQ(v.to, "camera.alive");
}

TEST_P(SlaAbsence, ARuleThatGoesWithdrawsInOrderAndErasesItsRows) {
    auto r = rig(beat());
    r.start(kT);
    for (const char* key : {"b", "c", "a"}) r.event(key, at(0), at(0) + static_cast<StampNs>(r.seq));
    r.event("late", at(3));
    r.pass(at(6));
    r.news();
    r.end(at(7));
    EXPECT_EQ(r.news(), (News{"withdrawn a", "withdrawn b", "withdrawn c"}));
    EXPECT_TRUE(r.rows().empty());
}

TEST(SlaAbsenceRules, SayEveryFaultWithItsPlaceAndHowToMendIt) {
    const std::string faults = rule_faults(read_absence, R"([
      {"name": "a", "type": "t", "hours": "office", "forget": "1h"},
      {"name": "b", "type": "t", "every": "0s", "keys": [], "key": "groups.a.b", "hors": "x"}])");
    for (const std::string_view part :
         {"/rules/0/every: is missing; write for example \"every\": \"5m\"",
          "/rules/0/hours: 'office' is no calendar of /calendars; add it there",
          "/rules/0/forget: means nothing without key", "/rules/1/every: must be from 1s to ",
          "/rules/1/keys: must be an array of 1 to 20000",
          "/rules/1/key: 'groups.a.b' cannot correlate events",
          "/rules/1/hors: is not known; did you mean hours?"})
        EXPECT_NE(faults.find(part), std::string::npos) << part << "\nin\n" << faults;
}

}  // namespace
}  // namespace penstock::test

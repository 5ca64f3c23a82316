// Absolute SLAs: what arrives by a local time, and what is said when it does not.
#include <gtest/gtest.h>

#include "stages/sla/expected_arrival.h"
#include "tests/support/watcher_rig.h"

namespace penstock::test {
namespace {

std::string daily(const std::string& more = "", const std::string& at = R"("08:00")") {
    return R"({"name": "prices", "type": "file.arrived",
               "due": {"zone": "America/New_York", "weekdays": ["mon","tue","wed","thu","fri","sat","sun"],
                       "at": )" +
           at + "}" + more + "}";
}

/// Each test runs as it is, and with a restart after every step.
class SlaExpected : public testing::TestWithParam<bool> {
  protected:
    WatcherRig rig(const std::string& rule, const CalendarLookup& calendars = {}) {
        const auto read = one_rule(read_expected, rule, calendars);
        return WatcherRig([read] { return make_expected(read, 3); }, GetParam());
    }
    static EventFields with_data(std::string_view data, std::string_view subject = "") {
        EventFields f;
        f.subject = subject;
        f.data = data;
        return f;
    }
};
INSTANTIATE_TEST_SUITE_P(StraightAndRestarted, SlaExpected, testing::Bool(),
                         [](const auto& p) { return p.param ? "Restarted" : "Straight"; });

TEST_P(SlaExpected, WhatArrivesExactlyAtDueIsInTimeAndANanosecondLaterIsLate) {
    auto r = rig(daily());
    r.start(new_york("2026-02-02", "12:00"));
    r.event("", new_york("2026-02-03", "08:00"));
    r.event("", new_york("2026-02-04", "08:00") + 1);
    EXPECT_EQ(r.news(), (News{"missed 2026-02-04", "late 2026-02-04"})) << "time had passed it";
    const RuleCounts c = r.watcher->view().counts;
    EXPECT_EQ(c.met, 1u);
    EXPECT_EQ(c.late, 1u);
    EXPECT_EQ(c.missed, 0u);
}

TEST_P(SlaExpected, ItIsMissedOnlyAfterTheGrace) {
    auto r = rig(daily(R"(, "grace": "5m")"));
    r.start(new_york("2026-02-02", "12:00"));
    r.pass(new_york("2026-02-03", "08:05"));
    EXPECT_EQ(r.news(), News{});
    r.pass(new_york("2026-02-03", "08:05") + 1);
    EXPECT_EQ(r.news(), News{"missed 2026-02-03"});
    EXPECT_EQ(r.told[0].deadline, new_york("2026-02-03", "08:00")) << "the grace moves no deadline";
    EXPECT_EQ(r.told[0].at, new_york("2026-02-03", "08:05") + 1);
    EXPECT_EQ(r.told[0].anchor, 0u);
}

TEST_P(SlaExpected, InTheGraceAnEventIsMetOrLateByItsOwnTimeWithoutTrouble) {
    auto r = rig(daily(R"(, "grace": "5m", "keys": ["a", "b"])"));
    r.start(new_york("2026-02-02", "12:00"));
    r.event("a", new_york("2026-02-03", "07:59"), new_york("2026-02-03", "08:04"));
    r.event("b", new_york("2026-02-03", "08:01"), new_york("2026-02-03", "08:04"));
    r.pass(new_york("2026-02-03", "09:00"));
    EXPECT_EQ(r.news(), News{});
    EXPECT_EQ(r.watcher->view().counts.met, 1u);
    EXPECT_EQ(r.watcher->view().counts.late, 1u);
}

TEST_P(SlaExpected, AfterItWasMissedItIsDeliveredLateOrLateByItsOwnTime) {
    auto r = rig(daily(R"(, "keys": ["a", "b", "c"], "severity": 4)"));
    r.start(new_york("2026-02-02", "12:00"));
    r.pass(new_york("2026-02-03", "08:30"));
    EXPECT_EQ(r.news(), (News{"missed a 2026-02-03", "missed b 2026-02-03", "missed c 2026-02-03"}));
    EXPECT_EQ(r.watcher->view().health, Health::kRed);
    EXPECT_EQ(r.watcher->view().oldest_trouble_ns, new_york("2026-02-03", "08:00"));
    r.event("b", new_york("2026-02-03", "07:58"), new_york("2026-02-03", "08:31"));
    r.event("a", new_york("2026-02-03", "08:32"));
    EXPECT_EQ(r.news(), (News{"delivered late b 2026-02-03", "late a 2026-02-03"}));
    EXPECT_EQ(r.told[3].key, r.told[1].key) << "what ends a trouble has its key and deadline";
    EXPECT_EQ(r.told[3].deadline, r.told[1].deadline);
    const RuleCounts c = r.watcher->view().counts;
    EXPECT_EQ(c.in_trouble, 1u);
    EXPECT_EQ(c.missed, 1u);
    EXPECT_EQ(c.anchored, c.met + c.late + c.missed + c.pending);
}

TEST_P(SlaExpected, TwoMissedOccurrencesOfAKeyAreTwoTroubles) {
    auto r = rig(daily(R"(, "keys": ["a"], "late_horizon": "3d", "open": "4h")"));
    r.start(new_york("2026-02-02", "12:00"));
    r.pass(new_york("2026-02-04", "09:00"));
    EXPECT_EQ(r.news(), (News{"missed a 2026-02-03", "missed a 2026-02-04"}));
    EXPECT_NE(r.told[0].key, r.told[1].key);
    r.event("a", new_york("2026-02-04", "10:00"));
    EXPECT_EQ(r.news(), News{"late a 2026-02-03"}) << "the first that is not met";
}

TEST_P(SlaExpected, AnotherEventForWhatIsMetIsCountedAsADuplicateAndNothingElse) {
    auto r = rig(daily(R"(, "open": "4h", "late_horizon": "4h")"));
    r.start(new_york("2026-02-02", "12:00"));
    r.event("", new_york("2026-02-03", "07:00"));
    r.event("", new_york("2026-02-03", "07:30"));
    r.event("", new_york("2026-02-03", "11:00"));
    EXPECT_EQ(r.watcher->view().duplicates, 2u);
    r.pass(new_york("2026-02-04", "08:01"));
    EXPECT_EQ(r.news(), News{"missed 2026-02-04"}) << "a repeat of yesterday's is not today's";
}

TEST_P(SlaExpected, TheWindowIsClosedAtBothEnds) {
    auto r = rig(daily(R"(, "open": "4h", "late_horizon": "2h")"));
    r.start(new_york("2026-02-02", "12:00"));
    r.event("", new_york("2026-02-03", "04:00") - 1);
    EXPECT_EQ(r.watcher->view().unmatched, 1u);
    r.event("", new_york("2026-02-03", "04:00"));
    EXPECT_EQ(r.watcher->view().counts.met, 1u);
    r.pass(new_york("2026-02-04", "09:00"));
    r.event("", new_york("2026-02-04", "10:00"));
    EXPECT_EQ(r.news(), (News{"missed 2026-02-04", "late 2026-02-04"}));
    r.pass(new_york("2026-02-05", "09:00"));
    r.event("", new_york("2026-02-05", "10:00") + 1);
    EXPECT_EQ(r.news(), (News{"missed 2026-02-05", "withdrawn 2026-02-05"})) << "closed at its horizon";
    EXPECT_EQ(r.watcher->view().unmatched, 2u);
    EXPECT_EQ(r.watcher->view().counts.missed, 1u);
    EXPECT_EQ(r.watcher->view().counts.in_trouble, 0u);
}

TEST_P(SlaExpected, WithoutAWindowAnEventIsOfTheNearerDueTime) {
    auto r = rig(daily());
    r.start(new_york("2026-02-02", "12:00"));
    r.pass(new_york("2026-02-03", "19:00"));
    r.event("", new_york("2026-02-03", "20:00"));
    EXPECT_EQ(r.news(), (News{"missed 2026-02-03", "late 2026-02-03"}));
    r.pass(new_york("2026-02-04", "09:00"));
    r.event("", new_york("2026-02-04", "20:00") + 1);
    EXPECT_EQ(r.news(), News{"missed 2026-02-04"}) << "it is tomorrow's, early";
    r.pass(new_york("2026-02-05", "08:00") + 1);
    EXPECT_EQ(r.news(), News{"withdrawn 2026-02-04"}) << "once the next is judged";
    EXPECT_EQ(r.watcher->view().health, Health::kGreen);
}

TEST_P(SlaExpected, WhenClocksGoForwardDueIsTheFirstInstantAfterTheGap) {
    auto r = rig(daily("", R"("02:30")"));
    r.start(new_york("2026-03-07", "12:00"));
    const StampNs due = new_york("2026-03-08", "03:00");
    EXPECT_EQ(due - new_york("2026-03-07", "02:30"), kDayNs - kHourNs / 2);
    r.pass(due);
    EXPECT_EQ(r.news(), News{});
    r.pass(due + 1);
    EXPECT_EQ(r.news(), News{"missed 2026-03-08"});
    r.pass(new_york("2026-03-09", "02:30") + 1);
    EXPECT_EQ(r.news(), (News{"withdrawn 2026-03-08", "missed 2026-03-09"}));
}

TEST_P(SlaExpected, WhenClocksGoBackDueIsTheFirstOfTheTwo) {
    auto r = rig(daily(R"(, "grace": "30m")", R"("01:30")"));
    r.start(new_york("2026-10-31", "12:00"));
    const StampNs first = new_york("2026-11-01", "01:30");
    r.pass(first + kHourNs / 2);
    EXPECT_EQ(r.news(), News{});
    r.pass(first + kHourNs / 2 + 1);
    EXPECT_EQ(r.news(), News{"missed 2026-11-01"}) << "not again at the second";
    r.pass(first + 3 * kHourNs);
    EXPECT_EQ(r.news(), News{});
}

TEST_P(SlaExpected, ByEightIsByEightAcrossBothChangesOfTheClocks) {
    for (const auto& [before, after, hours] :
         {std::tuple{"2026-03-07", "2026-03-08", 23}, std::tuple{"2026-10-31", "2026-11-01", 25}}) {
        auto r = rig(daily());
        r.start(new_york(before, "07:00"));
        r.event("", new_york(before, "08:00"));
        EXPECT_EQ(new_york(after, "08:00") - new_york(before, "08:00"), hours * kHourNs);
        r.event("", new_york(after, "08:00"));
        EXPECT_EQ(r.news(), News{});
        EXPECT_EQ(r.watcher->view().counts.met, 2u);
    }
}

TEST_P(SlaExpected, AMonthsEndMovesBeforeAHoliday) {
    const auto banking = std::make_shared<const Calendar>(parse_calendar(
        R"({"name": "us", "zone": "America/New_York", "working_weekdays": ["mon","tue","wed","thu","fri"],
            "holidays": [{"date": "2026-12-31", "name": "stocktaking"}]})"));
    const CalendarLookup lookup = [&](std::string_view) { return banking; };
    const std::string rule = R"({"name": "ledger", "type": "t", "due": {"calendar": "us", "month_days": [-1],
                                 "at": "17:00", "on_holiday": "previous"}})";
    auto r = rig(rule, lookup);
    r.start(new_york("2026-02-01", "00:00"));
    r.pass(new_york("2026-02-27", "17:00"));  // the 28th is a Saturday
    EXPECT_EQ(r.news(), News{});
    r.pass(new_york("2026-02-27", "17:01"));
    EXPECT_EQ(r.news(), News{"missed 2026-02-27"});
    auto december = rig(rule, lookup);
    december.start(new_york("2026-12-01", "00:00"));
    december.pass(new_york("2026-12-30", "17:01"));
    EXPECT_EQ(december.news(), News{"missed 2026-12-30"});
}

TEST_P(SlaExpected, ADateInThePayloadNamesTheOccurrenceWhateverTheTime) {
    auto r = rig(
        daily(R"(, "date": "data.business_date", "late_horizon": "2d")", R"(["08:00", "16:00", "20:00"])"));
    r.start(new_york("2026-02-02", "21:00"));
    r.pass(new_york("2026-02-03", "09:00"));
    EXPECT_EQ(r.news(), News{"missed 2026-02-03"});
    r.event(with_data(R"({"business_date": "2026-02-04"})"), new_york("2026-02-03", "10:00"),
            new_york("2026-02-03", "10:00"));
    EXPECT_EQ(r.news(), News{}) << "tomorrow's first, early";
    r.event(with_data(R"({"business_date": "2026-02-03"})"), new_york("2026-02-03", "11:00"),
            new_york("2026-02-03", "11:00"));
    EXPECT_EQ(r.news(), News{"late 2026-02-03"}) << "the first of that date that is not met";
    for (const char* date : {"2026-02-03", "2026-02-03", "2026-02-04", "2026-02-04"})
        r.event(with_data(std::string(R"({"business_date": ")") + date + "\"}"),
                new_york("2026-02-03", "12:00"), new_york("2026-02-03", "12:00"));
    EXPECT_EQ(r.watcher->view().counts.met, 5u) << "of each date three are due";
    r.event(with_data(R"({"business_date": "2026-02-03"})"), new_york("2026-02-03", "13:00"),
            new_york("2026-02-03", "13:00"));
    EXPECT_EQ(r.watcher->view().duplicates, 1u);
    for (const char* odd : {R"({"business_date": "2026-02-30"})", R"({"business_date": 7})", "{}",
                            R"({"business_date": "2025-01-01"})", R"({"business_date": "2199-01-01"})"})
        r.event(with_data(odd), new_york("2026-02-03", "13:00"), new_york("2026-02-03", "13:00"));
    EXPECT_EQ(r.watcher->view().unmatched, 5u);
    r.pass(new_york("2026-02-04", "20:30"));
    EXPECT_EQ(r.news(), News{}) << "all was there";
}

TEST_P(SlaExpected, AfterALongSilenceEachIsJudgedOnceInOrder) {
    auto r = rig(daily(R"(, "late_horizon": "1d12h", "open": "1h")"));
    r.start(new_york("2026-02-02", "12:00"));
    r.pass(new_york("2026-02-05", "09:00"));
    EXPECT_EQ(r.news(),
              (News{"missed 2026-02-03", "missed 2026-02-04", "withdrawn 2026-02-03", "missed 2026-02-05"}));
    r.pass(new_york("2026-02-05", "10:00"));
    EXPECT_EQ(r.news(), News{});
}

TEST_P(SlaExpected, ARuleBeginsWithWhatIsDueAfterItsPublication) {
    auto r = rig(daily());
    r.start(new_york("2026-02-03", "08:00"));
    EXPECT_EQ(r.watcher->view().next_due_ns, new_york("2026-02-04", "08:00"));
    r.pass(new_york("2026-02-04", "07:00"));
    EXPECT_EQ(r.news(), News{});
}

TEST_P(SlaExpected, AmberBeforeDueIsAtRisk) {
    auto r = rig(daily(R"(, "amber": "15m", "keys": ["a", "b"])"));
    r.start(new_york("2026-02-02", "12:00"));
    r.event("a", new_york("2026-02-03", "07:00"));
    r.pass(new_york("2026-02-03", "07:45"));
    EXPECT_EQ(r.watcher->view().counts.at_risk, 0u);
    r.pass(new_york("2026-02-03", "07:45") + 1);
    EXPECT_EQ(r.watcher->view().counts.at_risk, 1u) << "b";
    EXPECT_EQ(r.watcher->view().health, Health::kAmber);
    r.event("b", new_york("2026-02-03", "07:50"));
    EXPECT_EQ(r.watcher->view().health, Health::kGreen);
}

TEST_P(SlaExpected, KeysThatNobodyExpectsAreCountedAndTheSelectorFindsTheKey) {
    auto r = rig(daily(R"(, "keys": ["feed-a"], "key": "data.file.feed")"));
    r.start(new_york("2026-02-02", "12:00"));
    const StampNs t = new_york("2026-02-03", "07:00");
    r.event(with_data(R"({"file": {"feed": "feed-z"}})"), t, t);
    r.event("feed-a", t, t + 1);
    EXPECT_EQ(r.watcher->view().unmatched, 2u);
    r.event(with_data(R"({"file": {"feed": "feed-a"}})"), t, t + 2);
    EXPECT_EQ(r.watcher->view().counts.met, 1u);
}

TEST_P(SlaExpected, DatesThatAreOverLeaveNothingDue) {
    auto r = rig(R"({"name": "n", "type": "t", "due": {"zone": "America/New_York", "dates": ["2026-02-03"],
                     "at": "08:00"}, "late_horizon": "1h"})");
    r.start(new_york("2026-02-02", "12:00"));
    r.pass(new_york("2026-02-04", "12:00"));
    EXPECT_EQ(r.news(), (News{"missed 2026-02-03", "withdrawn 2026-02-03"}));
    EXPECT_EQ(r.watcher->due_ns(), std::numeric_limits<StampNs>::max());
}

TEST_P(SlaExpected, ARuleThatGoesWithdrawsWhatItFoundAndItsRows) {
    auto r = rig(daily(R"(, "keys": ["a", "b"])"));
    r.start(new_york("2026-02-02", "12:00"));
    r.event("a", new_york("2026-02-03", "07:00"));
    r.pass(new_york("2026-02-03", "09:00"));
    r.news();
    r.end(new_york("2026-02-03", "10:00"));
    EXPECT_EQ(r.news(), News{"withdrawn b 2026-02-03"});
    EXPECT_TRUE(r.rows().empty());
}

TEST(SlaExpectedLoad, AnOccurrenceInSightKeepsItsDueInstantWhenTheZoneDataChange) {
    // As after an update of tzdata: the same occurrences, due at other instants.
    const auto before = one_rule(read_expected, daily()),
               after = one_rule(read_expected, daily("", R"("09:00")"));
    bool updated = false;
    WatcherRig r([&] { return make_expected(updated ? after : before, 0); });
    r.start(new_york("2026-02-02", "12:00"));
    updated = true;
    r.restart();
    EXPECT_EQ(r.watcher->view().next_due_ns, new_york("2026-02-03", "08:00"));
    r.pass(new_york("2026-02-05", "08:30"));
    std::vector<StampNs> deadlines;
    for (const ToldTrouble& t : r.told)
        if (t.kind == Finding::Kind::kMissed) deadlines.push_back(t.deadline);
    EXPECT_EQ(deadlines.front(), new_york("2026-02-03", "08:00"));
    EXPECT_EQ(deadlines.back(), new_york("2026-02-04", "09:00"));
    EXPECT_EQ(deadlines.size(), 2u);
}

TEST(SlaExpectedRules, SayEveryFaultWithItsPlaceAndHowToMendIt) {
    const std::string faults = rule_faults(read_expected, R"([
      {"name": "a", "type": "t", "severty": 2, "when": "severty > 1", "severity": 9, "runbook": "wiki"},
      {"name": "a", "type": "", "due": {"zone": "America/New_Yrk", "weekdays": ["mon"], "at": "08:00"},
       "keys": ["x", "x", 3], "key": "time", "grace": "1h", "late_horizon": "1h", "amber": 5, "escalation": ""},
      {"type": "t", "key": "subject", "due": {"zone": "UTC", "weekdays": ["mon"], "at": "8"}, "open": "2y",
       "date": "data..x"},
      7])");
    for (const std::string_view part :
         {"/rules/0/severty: is not known; did you mean severity? known are name",
          "/rules/0/due: is missing; write for example",
          "/rules/0/when: column 1: 'severty' is no name here",
          "/rules/0/severity: must be an integer from 1 to 5",
          "/rules/0/runbook: must be a link",
          "/rules/1/name: 'a' is taken; give each rule its own name",
          "/rules/1/type: must be a non-empty string",
          "/rules/1/due/zone: ",
          "/rules/1/keys/1: 'x' is there already; remove one",
          "/rules/1/keys/2: must be a non-empty string",
          "/rules/1/key: 'time' cannot correlate events",
          "/rules/1/late_horizon: must be longer than grace",
          "/rules/1/amber: must be a duration as text",
          "/rules/1/escalation: must be a non-empty string",
          "/rules/2/name: is missing",
          "/rules/2/key: means nothing without keys",
          "/rules/2/due/at: must be a time of day",
          "/rules/2/open: ",
          "/rules/2/date: has an empty part",
          "/rules/3: must be an object"})
        EXPECT_NE(faults.find(part), std::string::npos) << part << "\nin\n" << faults;
    EXPECT_EQ(rule_faults(read_expected, "{}"), "/rules: must be an array of 1 to 1000 rules");
}

}  // namespace
}  // namespace penstock::test

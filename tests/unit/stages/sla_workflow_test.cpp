// Documents of workflows: what they say, and what is said of their faults.
#include <gtest/gtest.h>

#include "tests/support/engine_rig.h"

namespace penstock::test {
namespace {

std::string faults_of(std::string_view document) {
    try {
        parse_workflow(document);
    } catch (const WorkflowError& e) {
        return e.what();
    }
    return "";
}

constexpr std::string_view kLong = R"({
  "name": "orders", "key": "subject",
  "calendars": [{"name": "london", "zone": "Europe/London", "working_weekdays": ["mon","tue","wed","thu","fri"],
                 "hours": [["09:00", "17:00"]]}],
  "stages": [{"name": "placed", "type": "order.placed", "exclusive": true},
             {"name": "large", "type": "order.checked", "when": "data.total >= 1000"},
             {"name": "small", "type": "order.checked", "when": "data.total < 1000"},
             {"name": "shipped", "type": "order.shipped", "terminal": "success"}],
  "edges": [{"name": "large in time", "from": "placed", "to": "large", "within": "2h", "severity": 5,
             "runbook": "https://wiki/large", "hours": "london"},
            {"from": "placed", "to": "small", "within": "10m"},
            {"from": "small", "to": "shipped", "within_ms": 90000, "anchor": "last"}]
})";

TEST(SlaWorkflow, TheLongFormSaysWhatItSays) {
    const Workflow w = parse_workflow(kLong);
    ASSERT_EQ(w.stages.size(), 4u);
    ASSERT_EQ(w.edges.size(), 3u);
    EXPECT_EQ(w.edges[0].name, "large in time");
    EXPECT_EQ(w.edges[1].name, "placed -> small");
    EXPECT_EQ(w.edges[0].within_ns, 7200 * kSecond);
    EXPECT_EQ(w.edges[0].severity, 5);
    EXPECT_EQ(w.edges[1].severity, 3) << "where none is given";
    EXPECT_NE(w.edges[0].hours, nullptr);
    EXPECT_EQ(w.edges[2].anchor, Edge::Anchor::kLast);
    EXPECT_EQ(w.stages[3].terminal, WorkflowStage::Terminal::kSuccess);
    EXPECT_EQ(w.stages[0].terminal, WorkflowStage::Terminal::kNo);
    EXPECT_EQ(w.document, kLong);
}

TEST(SlaWorkflow, TheShortFormNeedsNoStages) {
    const Workflow w = parse_workflow(
        R"({"name":"w","key":"subject","edges":[{"from":"a","to":"b","within_ms":5},{"from":"a","to":"b","within_ms":9}]})");
    EXPECT_EQ(w.stages.size(), 2u);
    EXPECT_EQ(w.edges[0].name, "a -> b");
    EXPECT_EQ(w.edges[1].name, "a -> b #2");
}

TEST(SlaWorkflow, EveryFaultIsToldWithItsPlaceAndHowToMendIt) {
    const std::string faults = faults_of(R"({
      "name": "w", "key": "id", "surplus": 1,
      "calendars": [{"name": "c", "zone": "Europe/Londn"}],
      "stages": [{"name": "placed", "type": "p", "when": "severty > 2"},
                 {"name": "checked", "when": "severity + 1"},
                 {"name": "placed", "type": "q", "terminal": "maybe"},
                 {"name": "unused", "optional": "yes"}],
      "edges": [{"from": "plced", "to": "checked", "within": "5 minutes"},
                {"from": "placed", "to": "checked", "within": "5m", "within_ms": 3, "severity": 9},
                {"from": "placed", "to": "checked", "hours": "d", "anchor": "middle"},
                {"from": "placed", "to": "checked", "within": "0s", "runbook": "wiki"}, 7]
    })");
    for (const std::string_view part :
         {"/surplus: is not known", "/key: 'id' cannot correlate events",
          "/calendars/0/zone: ", "/stages/0/when: column 1: 'severty' is no name here; did you mean severity",
          "/stages/1/when: ", "/stages/2/name: 'placed' is taken",
          "/stages/2/terminal: must be one of success, failure", "/stages/3/optional: must be true or false",
          "/edges/0/from: 'plced' is no stage of /stages; did you mean 'placed'", "/edges/0/within: ",
          "/edges/1/within: stands beside within_ms", "/edges/1/severity: must be an integer from 1 to 5",
          "/edges/2/within: is missing", "/edges/2/hours: 'd' is no calendar",
          "/edges/2/anchor: must be one of first, last", "/edges/3/within: must be longer than nothing",
          "/edges/3/runbook: must be a link", "/edges/4: must be an object"})
        EXPECT_NE(faults.find(part), std::string::npos) << part << "\nin\n" << faults;
}

TEST(SlaWorkflow, WhatCannotWorkTogetherIsRefused) {
    const auto document = [](std::string_view stages, std::string_view edges) {
        return R"({"name":"w","key":"subject","stages":)" + std::string(stages) + R"(,"edges":)" +
               std::string(edges) + "}";
    };
    const std::string_view edge = R"([{"from":"a","to":"b","within":"1m"}])";
    EXPECT_EQ(faults_of(document(R"([{"name":"a"},{"name":"b"}])", edge)), "");
    EXPECT_EQ(faults_of(document(R"([{"name":"a","terminal":"success"},{"name":"b"}])", edge)),
              "/stages/0/terminal: a terminal stage has no edge out of it; remove one or the other");
    EXPECT_EQ(faults_of(document(R"([{"name":"a"},{"name":"b","optional":true}])", edge)),
              "/stages/1/optional: nothing follows that could skip it; add an edge out of it");
    EXPECT_EQ(faults_of(document(R"([{"name":"a"},{"name":"b"},{"name":"c"}])", edge)),
              "/stages/2: has no edge and ends nothing; give it an edge, or remove it");
    EXPECT_EQ(faults_of(document(R"([{"name":"a"},{"name":"b"},{"name":"c","terminal":"failure"}])", edge)),
              "");
    EXPECT_EQ(faults_of("[]"), "/: must be an object with name, key and edges");
    EXPECT_NE(faults_of("{").find("is not valid JSON"), std::string::npos);
}

TEST(SlaWorkflow, ACycleNeedsABound) {
    EXPECT_EQ(
        faults_of(R"({"name":"w","key":"subject","edges":[{"from":"a","to":"b","within":"1m"},
        {"from":"b","to":"c","within":"1m"},{"from":"c","to":"b","within":"1m"}]})"),
        "/edges/2: is part of a cycle without a bound (b, c); give the edge that leads back \"loop\": how "
        "often at most");
    EXPECT_EQ(faults_of(R"({"name":"w","key":"subject","edges":[{"from":"a","to":"b","within":"1m"},
        {"from":"b","to":"c","within":"1m"},{"from":"c","to":"b","within":"1m","loop":3}]})"),
              "");
    EXPECT_EQ(
        faults_of(R"({"name":"w","key":"subject","edges":[{"from":"a","to":"b","within":"1m","loop":3}]})"),
        "/edges/0/loop: nothing leads from b back to a; remove it, or add the way");
    EXPECT_EQ(
        faults_of(
            R"({"name":"w","key":"subject","stages":[{"name":"a","join":["b"]},{"name":"b","join":["a"]},{"name":"in"}],
        "edges":[{"from":"in","to":"a","within":"1m"}]})"),
        "/stages: the joins a, b wait for each other; remove one of them");
}

TEST(SlaWorkflow, FaultsOfWhatStagesEdgesAndGroupsMaySay) {
    const std::string faults = faults_of(R"({
      "name": "w", "key": "subject", "groups": ["groups.market", 7], "alerts_by": ["groups.region"],
      "disorder": "soon", "order": {"unexpected": "ignore"},
      "stages": [{"name": "a"}, {"name": "b", "type": "b", "when": "data.total > 'much'"},
                 {"name": "c", "join": ["nobody"]}],
      "edges": [{"from": "a", "to": "b", "within": "1m", "grace": "-1s", "amber": 2},
                {"from": "a", "to": "c", "within": "1m", "loop": 500}]
    })");
    for (const std::string_view part :
         {"/groups/1: ", "/alerts_by/0: ", "/disorder: ",
          "/order/unexpected: must be one of drop, flag, alert", "/stages/2/join/0: is no stage of /stages",
          "/edges/0/grace: ", "/edges/0/amber: must be a share of within",
          "/edges/1/loop: must be how often it leads back at most"})
        EXPECT_NE(faults.find(part), std::string::npos) << part << "\nin\n" << faults;
}

constexpr StampNs kT = 1'767'225'600 * kSecond;  // Thursday, 2026-01-01T00:00:00Z

/// An event of `type` for key "k", that happened and came at T + `at_s`.
class SlaGraph : public testing::Test {
  protected:
    void define(std::string_view document) {
        rig.engine.define(parse_workflow(document));
        rig.engine.on_finding = [this](const Finding& f) { found.push_back({f.kind, std::string(f.rule)}); };
    }
    void event(const std::string& type, int64_t at_s, std::string_view data = "") {
        EventFields f;
        f.id = "1";
        f.source = "/s";
        f.type = type;
        f.subject = "k";
        f.data = data;
        rig.feed(f, "k", kT + at_s * kSecond, kT + at_s * kSecond);
    }
    void pass(int64_t at_s) { rig.engine.advance(kT + at_s * kSecond, ++rig.seq); }
    /// met, late, missed, pending, cancelled, anchored.
    std::vector<uint64_t> counts(size_t edge) {
        const EdgeCounts c = rig.engine.counts(0).edges.at(edge);
        return {c.met, c.late, c.missed, c.pending, c.cancelled, c.anchored};
    }
    using Counts = std::vector<uint64_t>;
    using Found = std::vector<std::pair<Finding::Kind, std::string>>;

    EngineRig rig;
    Found found;
};

TEST_F(SlaGraph, AStageIsReachedOnlyWhereItsConditionHolds) {
    define(R"({"name":"w","key":"subject",
      "stages":[{"name":"in"},{"name":"big","type":"done","when":"data.n > 10"},{"name":"small","type":"done","when":"data.n <= 10"}],
      "edges":[{"from":"in","to":"big","within":"60s"},{"from":"in","to":"small","within":"60s"}]})");
    event("in", 0);
    event("done", 1, R"({"n": 11})");
    EXPECT_EQ(counts(0), (Counts{1, 0, 0, 0, 0, 1}));
    EXPECT_EQ(counts(1), (Counts{0, 0, 0, 1, 0, 1}));
    event("done", 2, R"({"m": 1})");  // neither holds: both conditions have an error
    event("done", 3);
    EXPECT_EQ(counts(1), (Counts{0, 0, 0, 1, 0, 1}));
    EXPECT_EQ(rig.engine.counts(0).condition_errors, 4u);
    event("done", 4, R"({"n": 10})");
    EXPECT_EQ(counts(1), (Counts{1, 0, 0, 0, 0, 1}));
}

TEST_F(SlaGraph, OneOfExclusiveEdgesCancelsTheOthersAndEndsTheTroubleOfWhatWasMissed) {
    define(
        R"({"name":"w","key":"subject","stages":[{"name":"in","exclusive":true},{"name":"a"},{"name":"b"},{"name":"c"}],
      "edges":[{"from":"in","to":"a","within":"10s"},{"from":"in","to":"b","within":"60s"},{"from":"in","to":"c","within":"90s"}]})");
    event("in", 0);
    event("b", 20);
    EXPECT_EQ(counts(0), (Counts{0, 0, 1, 0, 0, 1})) << "missed at 10 s, before another way was taken";
    EXPECT_EQ(counts(1), (Counts{1, 0, 0, 0, 0, 1}));
    EXPECT_EQ(counts(2), (Counts{0, 0, 0, 0, 1, 1}));
    EXPECT_EQ(found, (Found{{Finding::Kind::kMissed, "in -> a"}, {Finding::Kind::kWithdrawn, "in -> a"}}));
    pass(1000);
    EXPECT_EQ(found.size(), 2u) << "what was cancelled does not fire";
    event("a", 1001);
    EXPECT_EQ(counts(0), (Counts{0, 0, 1, 0, 0, 1}));
}

TEST_F(SlaGraph, WhatEndsACaseCancelsByItsOwnTimeHoweverLateItComes) {
    define(
        R"({"name":"w","key":"subject","stages":[{"name":"a"},{"name":"b"},{"name":"c"},{"name":"end","terminal":"success"}],
      "edges":[{"from":"a","to":"b","within":"10s"},{"from":"a","to":"c","within":"60s"}]})");
    event("a", 0);
    pass(100);
    EXPECT_EQ(found.size(), 2u);
    EventFields end;
    end.id = "2", end.source = "/s", end.type = "end", end.subject = "k";
    rig.feed(end, "k", kT + 30 * kSecond, kT + 101 * kSecond);
    EXPECT_EQ(counts(0), (Counts{0, 0, 1, 0, 0, 1})) << "missed before the end";
    EXPECT_EQ(counts(1), (Counts{0, 0, 0, 0, 1, 1})) << "it ended before the deadline";
    EXPECT_EQ(found.size(), 4u) << "neither is trouble any more";
}

TEST_F(SlaGraph, AStageBehindOptionalOnesSkipsThem) {
    define(
        R"({"name":"w","key":"subject","stages":[{"name":"a"},{"name":"b","optional":true},{"name":"c","optional":true},{"name":"d"}],
      "edges":[{"from":"a","to":"b","within":"10s"},{"from":"b","to":"c","within":"10s"},{"from":"c","to":"d","within":"10s"},
               {"from":"a","to":"d","within":"30s"}]})");
    event("a", 0);
    event("d", 5);
    EXPECT_EQ(counts(0), (Counts{0, 0, 0, 0, 1, 1}));
    EXPECT_EQ(counts(3), (Counts{1, 0, 0, 0, 0, 1}));
    pass(100);
    EXPECT_TRUE(found.empty());
    // The optional stage itself, when it is reached, is judged.
    EXPECT_EQ(counts(1), (Counts{0, 0, 0, 0, 0, 0}));
}

TEST_F(SlaGraph, ATerminalStageEndsWhatWaitsAndKeepsWhatWasMissedInTheCounts) {
    define(
        R"({"name":"w","key":"subject","stages":[{"name":"a"},{"name":"b"},{"name":"c"},{"name":"failed","terminal":"failure"}],
      "edges":[{"from":"a","to":"b","within":"10s"},{"from":"a","to":"c","within":"60s"},{"from":"b","to":"failed","within":"1h"}]})");
    event("a", 0);
    pass(20);
    event("failed", 21);
    EXPECT_EQ(counts(0), (Counts{0, 0, 1, 0, 0, 1}));
    EXPECT_EQ(counts(1), (Counts{0, 0, 0, 0, 1, 1}));
    EXPECT_EQ(found, (Found{{Finding::Kind::kMissed, "a -> b"}, {Finding::Kind::kWithdrawn, "a -> b"}}));
    event("b", 30);
    EXPECT_EQ(counts(0), (Counts{0, 0, 1, 0, 0, 1})) << "it is over";
}

TEST_F(SlaGraph, AnEdgeCountsFromTheLastAnchorWhereTheDocumentSaysSo) {
    define(
        R"({"name":"w","key":"subject","edges":[{"from":"a","to":"b","within":"10s","anchor":"last"},{"from":"a","to":"b","within":"10s"}]})");
    event("a", 0);
    event("a", 8);
    EventFields older;
    older.id = "2", older.source = "/s", older.type = "a", older.subject = "k";
    rig.feed(older, "k", kT + 2 * kSecond, kT + 9 * kSecond);  // happened before the last one
    event("b", 17);
    EXPECT_EQ(counts(0), (Counts{1, 0, 0, 0, 0, 1}));
    EXPECT_EQ(counts(1), (Counts{0, 1, 0, 0, 0, 1}));
}

TEST_F(SlaGraph, BusinessHoursAloneCountWhereTheDocumentSaysSo) {
    define(R"({"name":"w","key":"subject",
      "calendars":[{"name":"office","zone":"UTC","working_weekdays":["mon","tue","wed","thu","fri"],
                    "hours": [["09:00", "17:00"]]}],
      "edges":[{"from":"a","to":"b","within":"2h","hours":"office"}]})");
    constexpr int64_t kHour = 3600, kDay = 24 * kHour;
    event("a", kDay + 16 * kHour);  // Friday, 16:00
    pass(4 * kDay + 10 * kHour);    // Monday, 10:00: due, not yet missed
    EXPECT_EQ(counts(0), (Counts{0, 0, 0, 1, 0, 1}));
    pass(4 * kDay + 10 * kHour + 1);
    EXPECT_EQ(counts(0), (Counts{0, 0, 1, 0, 0, 1}));
}

TEST_F(SlaGraph, ACheckpointKeepsWhatWasCancelledAndTheErrorsOfConditions) {
    const std::string_view document =
        R"({"name":"w","key":"subject","stages":[{"name":"in","exclusive":true},{"name":"a"},{"name":"b","when":"data.x == 1"}],
      "edges":[{"from":"in","to":"a","within":"10s"},{"from":"in","to":"b","within":"60s"}]})";
    define(document);
    event("in", 0);
    event("b", 1);
    event("a", 2);
    Rows rows;
    rows.save(rig.engine);
    EngineRig again;
    rows.load(again.engine, kT + 2 * kSecond);
    const WorkflowCounts counts = again.engine.counts(0);
    EXPECT_EQ(counts.edges[1].cancelled, 1u);
    EXPECT_EQ(counts.edges[0].met, 1u);
    EXPECT_EQ(counts.condition_errors, 1u);
    again.engine.advance(kT + 1000 * kSecond, 9);
    EXPECT_EQ(again.engine.counts(0).edges[1].missed, 0u);
}

}  // namespace
}  // namespace penstock::test

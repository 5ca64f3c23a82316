// What views tell: health and why, stages, cases, trends. Each also with a restart between all calls.
#include <gtest/gtest.h>

#include <map>
#include <optional>

#include "tests/support/case_rig.h"

namespace penstock::test {
namespace {

class SlaView : public testing::TestWithParam<bool> {
  protected:
    /// "2 at 60: anchored 1, met 1".
    std::vector<std::string> points(const std::optional<std::string>& rule = {},
                                    const std::optional<std::string>& group = {}, bool hours = false,
                                    double from_s = 0, double to_s = 100'000) const {
        std::vector<std::string> out;
        for (const SeriesPoint& p :
             rig.engine->series({"w", rule, {}, group, hours, CaseRig::at(from_s), CaseRig::at(to_s)})) {
            std::string text = std::to_string((p.start_ns - CaseRig::kStart) / kSecond) + " s:";
            for (const auto& [name, n] : {std::pair{"anchored", p.anchored},
                                          {"met", p.met},
                                          {"late", p.late},
                                          {"missed", p.missed},
                                          {"cancelled", p.cancelled},
                                          {"completed", p.completed},
                                          {"failed", p.failed}})
                if (n > 0) text += " " + std::string(name) + " " + std::to_string(n);
            out.push_back(text);
        }
        return out;
    }
    void sweep(double now_s) { rig.engine->sweep_some(1'000, CaseRig::at(now_s)); }
    CaseRig rig{GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Restarts, SlaView, testing::Bool(),
                         [](const auto& p) { return p.param ? "BetweenAllCalls" : "None"; });
using Points = std::vector<std::string>;

TEST_P(SlaView, HealthSaysWhy) {
    rig.define(R"({"name":"w","key":"subject","stages":[{"name":"a"},{"name":"b"},{"name":"c"}],
      "edges":[{"from":"a","to":"b","within":"10s","severity":5},{"from":"a","to":"c","within":"100s","severity":2}]})");
    EXPECT_EQ(rig.engine->view("w").reason, "green");
    rig.event("k", "a", 0);
    rig.event("l", "a", 22);
    rig.pass_to(30.5);
    sweep(30.5);
    EXPECT_EQ(rig.engine->view("w").reason,
              "red: 1 missed, severity up to 5, the oldest 20 s ago; 1 at risk");
    EXPECT_EQ(rig.engine->views().at(0).reason, rig.engine->view("w").reason);
    const WorkflowView view = rig.engine->view("w");
    EXPECT_EQ(view.rules.at(0).health, Health::kRed);
    EXPECT_EQ(view.rules.at(1).health, Health::kGreen);
    EXPECT_EQ(view.rules.at(0).oldest_trouble_ns, CaseRig::at(10));
    EXPECT_EQ(view.rules.at(0).next_due_ns, CaseRig::at(32));
    EXPECT_EQ(view.rules.at(1).next_due_ns, CaseRig::at(100));
    EXPECT_EQ(view.in_flight, 2u);
    rig.event("k", "b", 31);
    rig.event("l", "b", 31);
    EXPECT_EQ(rig.engine->view("w").reason, "green");
    rig.pass(100);
    EXPECT_EQ(rig.engine->view("w").health, Health::kAmber) << "severity 2 is no red";
}

TEST_P(SlaView, StagesTellHowOftenTheyWereReachedAndWhoWaitsBehindThem) {
    rig.define(
        R"({"name":"w","key":"subject","stages":[{"name":"a"},{"name":"b"},{"name":"done","type":"d","terminal":"success"}],
      "edges":[{"from":"a","to":"b","within":"10s","severity":4},{"from":"b","to":"done","within":"10s"}]})");
    for (const char* key : {"k", "l", "m"}) rig.event(key, "a", 0);
    rig.event("k", "b", 1);
    rig.pass(10.5);
    const WorkflowView view = rig.engine->view("w");
    ASSERT_EQ(view.stages.size(), 3u);
    EXPECT_EQ(view.stages[0].reached, 3u);
    EXPECT_EQ(view.stages[0].waiting, 0u) << "l and m are missed";
    EXPECT_EQ(view.stages[0].health, Health::kGreen);
    EXPECT_EQ(view.stages[1].reached, 1u);
    EXPECT_EQ(view.stages[1].waiting, 1u);
    EXPECT_EQ(view.stages[1].health, Health::kRed) << "it is b that did not come";
    EXPECT_EQ(view.stages[2].type, "d");
    EXPECT_EQ(view.stages[2].terminal, "success");
}

TEST_P(SlaView, AgeingCountsCasesWithSomethingPendingFromTheirFirstEvent) {
    rig.define(
        R"({"name":"w","key":"subject","edges":[{"from":"a","to":"b","within":"1h"},{"from":"a","to":"c","within":"5s"}]})");
    rig.event("old", "a", 0);
    rig.event("minute", "a", 240);
    rig.event("done", "a", 240);
    rig.event("done", "b", 241);
    rig.event("young", "a", 290);
    rig.pass_to(300);
    sweep(300);
    const Ageing ageing = rig.engine->view("w").ageing;
    EXPECT_EQ(ageing.buckets[0], 1u) << "younger than a minute";
    EXPECT_EQ(ageing.buckets[1], 1u) << "from one minute to five";
    EXPECT_EQ(ageing.buckets[2], 1u) << "five minutes: of the next";
}

TEST_P(SlaView, SeriesCountByWhenItWasFound) {
    rig.define(R"({"name":"w","key":"subject","groups":["groups.market"],
      "stages":[{"name":"a"},{"name":"b"},{"name":"c","terminal":"success"},{"name":"x","terminal":"failure"}],
      "edges":[{"from":"a","to":"b","within":"10s"},{"from":"b","to":"c","within":"1h"}]})");
    const Also xnys{.groups = {{"market", "XNYS"}}}, xlon{.groups = {{"market", "XLON"}}};
    rig.event("k", "a", 0, xnys);
    rig.event("k", "b", 5, xnys);
    rig.event("l", "a", 45, xlon);
    rig.pass_to(61);
    rig.event("l", "b", 62, xlon);
    rig.event("l", "x", 119, xlon);
    rig.event("k", "c", 3600, xnys);
    EXPECT_EQ(points(),
              (Points{"0 s: anchored 3 met 1", "60 s: anchored 1 late 1 missed 1 cancelled 1 failed 1",
                      "3600 s: met 1 completed 1"}));
    EXPECT_EQ(points("a -> b"), (Points{"0 s: anchored 2 met 1", "60 s: late 1 missed 1"}));
    EXPECT_EQ(points({}, "market=XLON"),
              (Points{"0 s: anchored 1", "60 s: anchored 1 late 1 missed 1 cancelled 1 failed 1"}));
    const auto of_stage = rig.engine->series({"w", {}, "b", {}, true, CaseRig::at(0), CaseRig::at(3600)});
    ASSERT_EQ(of_stage.size(), 1u) << "what leads to it";
    EXPECT_EQ(of_stage[0].met + of_stage[0].late, 2u);
    EXPECT_EQ(points("b -> a"), Points{});
    EXPECT_EQ(points({}, "market=XTKS"), Points{});
    EXPECT_EQ(points("a -> b", {}, true), (Points{"0 s: anchored 2 met 1 late 1 missed 1"}));
    EXPECT_EQ(points("a -> b", {}, false, 60, 120), (Points{"60 s: late 1 missed 1"}));
    EXPECT_EQ(points("a -> b", {}, false, 0, 60), (Points{"0 s: anchored 2 met 1"})) << "half open";
}

TEST_P(SlaView, CasesAreListedByTheirOldestDeadline) {
    rig.define(
        R"({"name":"w","key":"subject","edges":[{"from":"a","to":"b","within":"10s"},{"from":"a","to":"c","within":"1h"}]})");
    const std::vector<std::string> keys{"third", "first", "second", "met"};
    for (const auto& [key, at_s] : {std::pair{"third", 3}, {"first", 1}, {"second", 2}, {"met", 0}})
        rig.delayed(key, "a", at_s, 5);
    rig.event("met", "b", 6);
    rig.pass(13);
    const auto listed = [&](RulePhase phase, const std::optional<std::string>& rule = {},
                            size_t limit = 100) {
        std::string out;
        InstanceListing listing;
        while (rig.engine->list_some({"w", rule, {}, phase, limit}, listing, 3)) {
        }
        for (const InstanceView& v : rig.engine->listed(listing))
            for (const std::string& key : keys)
                if (v.key == EngineRig::key_of(key)) out += (out.empty() ? "" : " ") + key;
        return out;
    };
    EXPECT_EQ(listed(RulePhase::kMissed), "first second third");
    EXPECT_EQ(listed(RulePhase::kMissed, {}, 2), "first second");
    EXPECT_EQ(listed(RulePhase::kMet), "met");
    EXPECT_EQ(listed(RulePhase::kMissed, "a -> c"), "");
    EXPECT_EQ(listed(RulePhase::kPending, "a -> c"), "met first second third");
}

TEST_P(SlaView, ALifecycleHasEveryEventInOrderAndWhatIsToBeSaidOfIt) {
    rig.define(
        R"({"name":"w","key":"subject","stages":[{"name":"a"},{"name":"b"},{"name":"c"},{"name":"d","terminal":"success"}],
      "edges":[{"from":"a","to":"b","within":"10s"},{"from":"b","to":"c","within":"10s"},{"from":"c","to":"d","within":"1h"}]})");
    rig.define(R"({"name":"also","key":"subject","edges":[{"from":"a","to":"d","within":"1h"}]})");
    rig.event("k", "a", 0);
    rig.event("k", "a", 1);
    rig.event("k", "c", 2);
    rig.delayed("k", "a", -5, 20);
    const auto told = [&] {
        std::string out;
        const auto views = rig.engine->lifecycle("w", 0, "k");
        for (const InstanceView::Hop& hop : views.at(0).hops)
            out += hop.stage + "@" + std::to_string((hop.time_ns - CaseRig::kStart) / kSecond) +
                   (hop.verdict.empty() ? " " : "(" + hop.verdict + ") ");
        return out;
    };
    EXPECT_EQ(told(), "a@-5 a@0(duplicate) a@1(duplicate) c@2(unexpected) ");
    rig.event("k", "b", 100);
    EXPECT_EQ(told(), "a@-5 a@0(duplicate) a@1(duplicate) c@2(out_of_order) b@100 ");
    const InstanceView open = rig.engine->lifecycle("w", 0, "k").at(0);
    EXPECT_EQ(open.state, "open");
    EXPECT_EQ(open.first_ns, CaseRig::at(-5));
    EXPECT_EQ(open.last_ns, CaseRig::at(100));
    rig.event("k", "d", 101);
    const auto both = rig.engine->lifecycle("", 0, "k");
    ASSERT_EQ(both.size(), 2u) << "of all workflows";
    EXPECT_EQ(both[0].state, "completed");
    std::map<std::string, RulePhase> phases;
    for (const InstanceView::Rule& rule : both[0].rules) phases[rule.name] = rule.phase;
    EXPECT_EQ(phases["a -> b"], RulePhase::kLate);
    EXPECT_EQ(phases["b -> c"], RulePhase::kCancelled);
    EXPECT_EQ(phases["c -> d"], RulePhase::kMet);
    EXPECT_TRUE(rig.engine->lifecycle("", 0, "nobody").empty());
}

}  // namespace
}  // namespace penstock::test

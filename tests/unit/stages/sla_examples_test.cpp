// docs/examples: what is told, and when. The figures were worked out by hand; simulate_test.cpp has the
// counts.
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <fstream>
#include <sstream>

#include "pipeline/rfc3339.h"
#include "tests/support/case_rig.h"

namespace penstock::test {
namespace {

namespace json = boost::json;

std::string text_of(const std::string& file) {
    std::ifstream in(std::string(PENSTOCK_SOURCE_DIR) + "/docs/examples/" + file);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
}

/// Seconds of the rig, of a time on 2026-03-10.
double on_the_tenth(const std::string& time) {
    const StampNs ns = parse_rfc3339("2026-03-10T" + time + "Z").value();
    return static_cast<double>(ns - CaseRig::kStart) / 1e9;
}

class SlaExamples : public testing::TestWithParam<bool> {
  protected:
    /// Publishes at the time of the first event.
    void play(const std::string& name) {
        std::istringstream lines(text_of(name + ".ndjson"));
        for (std::string line; std::getline(lines, line);) {
            const json::object e = json::parse(line).as_object();
            const auto text = [&](const char* member) { return std::string(e.at(member).as_string()); };
            const StampNs ns = parse_rfc3339(text("time")).value();
            const double at_s = static_cast<double>(ns - CaseRig::kStart) / 1e9;
            if (rig.seq == 0) {
                rig.pass_to(at_s);
                rig.define(text_of(name + ".workflow.json"));
            }
            const std::string source = text("source");
            Also also;
            also.source = source;
            if (const json::value* groups = e.if_contains("groups"))
                for (const auto& [group, value] : groups->as_object())
                    also.groups.emplace_back(group, std::string_view(value.as_string()));
            rig.event(text("subject"), text("type"), at_s, also);
        }
    }
    /// When it was told.
    double told_s(size_t i) const {
        return static_cast<double>(rig.found.at(i).finding.at_ns - CaseRig::kStart) / 1e9;
    }
    CaseRig rig{GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Restarts, SlaExamples, testing::Bool(),
                         [](const auto& p) { return p.param ? "BetweenAllCalls" : "None"; });

TEST_P(SlaExamples, ATradeOverFourSystemsWithAStalledReply) {
    play("trade");
    EXPECT_EQ(rig.news(), (News{
                              "missed ordered -> checked of T-3",  // 30 s were over at 09:05:30
                              "late ordered -> checked of T-3",    // 20 s later
                              "missed reply of execution of T-2",  // the 5 min at 09:06:40
                              "late reply of execution of T-2",    // 3 min 20 s later
                              "missed reply of execution of T-3",  // at 09:11; it never comes
                          }));
    EXPECT_EQ(told_s(2), on_the_tenth("09:07:00")) << "the first event after it";
    EXPECT_EQ(rig.found[2].finding.deadline_ns, CaseRig::at(on_the_tenth("09:06:40")));
    EXPECT_EQ(rig.found[2].finding.severity, 4);
    EXPECT_EQ(rig.found[2].runbook, "https://wiki.example/execution");
    EXPECT_EQ(rig.engine->view("trades").health, Health::kRed);
}

TEST_P(SlaExamples, AThenBWithinNThenC) {
    play("chain");
    EXPECT_EQ(rig.news(),
              (News{
                  "missed A -> B of batch-3",  // neither at 02:25 nor in the grace. Of batch-2 it came in it
                  "withdrawn A -> B of batch-3",  // C has come: nobody waits for B any more
                  "disorder order of batch-3",    // C without B
                  "disorder order of batch-4",    // B without A, as it looked at 03:01
                  "withdrawn order of batch-4",   // C ended it
                  "missed B -> C of batch-5",     // at 03:35, from the first B
                  "late B -> C of batch-5",       // at 03:50
                  "missed A -> B of batch-6",     // at 03:56
              }));
    EXPECT_EQ(rig.disorder("nightly"), "1 unexpected, 1 out of order, 1 duplicate");
    EXPECT_EQ(told_s(7), on_the_tenth("04:05:00"));
    EXPECT_EQ(rig.found[7].finding.deadline_ns, CaseRig::at(on_the_tenth("03:55:00")));
    rig.pass(on_the_tenth("04:09:59"));
    EXPECT_EQ(rig.news(), News{});
}

TEST_P(SlaExamples, CountsByMarketAndRegion) {
    play("counts");
    EXPECT_EQ(rig.news(), (News{
                              "missed received -> confirmed of l2", "late received -> confirmed of l2",
                              "out of range trades of a market of market=XLON",  // 1 from 14:10 to 14:20
                              "missed received -> confirmed of n7",
                              "recovered trades of a market of market=XLON",  // 2 from 14:20 to 14:30
                          }));
    for (const size_t i : {0, 1, 2, 4}) EXPECT_EQ(rig.found[i].group, "market=XLON") << i;
    EXPECT_EQ(rig.found[3].group, "market=XNYS");
    std::map<std::string, std::string> groups;
    for (const GroupView& g : rig.engine->view("desk").groups) groups[g.group] = CaseRig::text_of(g.counts);
    EXPECT_EQ(groups, (std::map<std::string, std::string>{
                          {"market=XNYS, region=us", "anchored 6, met 4, missed 1, pending 1, in trouble 1"},
                          {"market=XNYS, region=eu", "anchored 2, met 1, cancelled 1"},
                          {"market=XLON, region=eu", "anchored 5, met 4, late 1"}}));
}

}  // namespace
}  // namespace penstock::test

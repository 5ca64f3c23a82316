// penstock simulate over a file of events: the examples, with the figures that were worked out by hand.
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <filesystem>
#include <fstream>

#include "admin/cli/commands.h"
#include "admin/cli/terminal.h"

namespace penstock::cli {
namespace {

namespace json = boost::json;

const std::string kExamples = PENSTOCK_SOURCE_DIR "/docs/examples/";

std::string simulated(const std::string& workflow, const std::string& events, const std::string& format) {
    int code = -1;
    CLI::App app;
    add_simulate(app, code);
    testing::internal::CaptureStdout();
    app.parse(std::vector<std::string>{format, "-o", events, "--events", workflow, "--workflow", "simulate"});
    const std::string out = testing::internal::GetCapturedStdout();
    EXPECT_EQ(code, kOk);
    return out;
}
json::value example(const std::string& name) {
    return json::parse(simulated(kExamples + name + ".workflow.json", kExamples + name + ".ndjson", "json"));
}
/// anchored, met, late, missed, pending, cancelled.
std::vector<int64_t> figures(const json::value& of) {
    std::vector<int64_t> out;
    for (const char* name : {"anchored", "met", "late", "missed", "pending", "cancelled"})
        if (const json::value* v = of.as_object().if_contains(name)) out.push_back(v->to_number<int64_t>());
    return out;
}
using Figures = std::vector<int64_t>;

struct TemporaryFiles : testing::Test {
    std::string folder;
    void SetUp() override {
        std::string pattern = (std::filesystem::temp_directory_path() / "penstock-cli-XXXXXX").string();
        folder = ::mkdtemp(pattern.data());
    }
    void TearDown() override { std::filesystem::remove_all(folder); }
    std::string file(const std::string& name, const std::string& text) {
        std::ofstream(folder + "/" + name) << text;
        return folder + "/" + name;
    }
};
using SimulateEvents = TemporaryFiles;

TEST(SimulateExamples, Trade) {
    const json::value out = example("trade");
    EXPECT_EQ(out.at("events"), 17);
    const json::value& edges = out.at("edges");
    ASSERT_EQ(edges.as_array().size(), 5u);
    EXPECT_EQ(figures(edges.at(0)), (Figures{5, 3, 1, 0, 0, 1})) << "T-3 late, T-4 rejected";
    EXPECT_EQ(figures(edges.at(1)), (Figures{4, 3, 0, 0, 1, 0})) << "T-5 is checked, and not yet sent";
    EXPECT_EQ(figures(edges.at(2)), (Figures{3, 1, 1, 1, 0, 0})) << "T-2 stalls, of T-3 nothing comes";
    EXPECT_EQ(figures(edges.at(3)), (Figures{2, 2, 0, 0, 0, 0})) << "T-1 and T-2";
    EXPECT_EQ(figures(edges.at(4)), (Figures{5, 2, 0, 0, 2, 1})) << "T-3 has until 11:05";
    EXPECT_EQ(edges.at(2).at("name"), "reply of execution");
    EXPECT_EQ(out.at("order"), json::parse(R"({"unexpected": 0, "out_of_order": 0, "duplicate": 0})"));
    EXPECT_FALSE(out.as_object().contains("rules"));
    EXPECT_FALSE(out.as_object().contains("groups"));
}

TEST(SimulateExamples, Chain) {
    const json::value out = example("chain");
    EXPECT_EQ(out.at("events"), 18);
    EXPECT_EQ(figures(out.at("edges").at(0)), (Figures{7, 3, 1, 2, 0, 1}));
    EXPECT_EQ(figures(out.at("edges").at(1)), (Figures{5, 3, 1, 0, 1, 0}));
    EXPECT_EQ(out.at("order"), json::parse(R"({"unexpected": 1, "out_of_order": 1, "duplicate": 1})"));
}

TEST(SimulateExamples, CountsByGroupAndByWindow) {
    const json::value out = example("counts");
    EXPECT_EQ(figures(out.at("edges").at(0)), (Figures{13, 9, 1, 1, 1, 1}));
    const json::value& rules = out.at("rules");
    ASSERT_EQ(rules.as_array().size(), 1u);
    EXPECT_EQ(rules.at(0).at("kind"), "volume");
    EXPECT_EQ(figures(rules.at(0)), (Figures{6, 5, 0, 1, 0})) << "three windows of two markets";
    std::map<std::string, Figures> groups;
    for (const json::value& g : out.at("groups").as_array()) {
        groups[std::string(g.at("group").as_string())] = figures(g);
        if (g.at("group") == "market=XNYS, region=eu") {
            EXPECT_EQ(g.at("completed"), 1);
            EXPECT_EQ(g.at("failed"), 1);
            EXPECT_EQ(g.at("in_flight"), 0);
        }
    }
    EXPECT_EQ(groups, (std::map<std::string, Figures>{{"market=XNYS, region=us", {6, 4, 0, 1, 1, 0}},
                                                      {"market=XNYS, region=eu", {2, 1, 0, 0, 0, 1}},
                                                      {"market=XLON, region=eu", {5, 4, 1, 0, 0, 0}}}));
}

TEST(SimulateExamples, FilesByEightAcrossBothChangesOfTheClocks) {
    const json::value out = example("files");
    EXPECT_EQ(figures(out.at("edges").at(0)), (Figures{73, 73, 0, 0, 0})) << "each is loaded in time";
    const json::value& rule = out.at("rules").at(0);
    EXPECT_EQ(rule.at("kind"), "expected");
    EXPECT_EQ(rule.at("met"), 72);
    EXPECT_EQ(rule.at("late"), 1);
    EXPECT_EQ(rule.at("missed"), 1);
}

TEST(SimulateExamples, TheTableHasRulesAndGroups) {
    const std::string out =
        simulated(kExamples + "counts.workflow.json", kExamples + "counts.ndjson", "text");
    for (const char* part : {"received -> confirmed within 5 m", "trades of a market (volume trade.received)",
                             "market=XNYS, region=us", "unmatched", "in flight"})
        EXPECT_NE(out.find(part), std::string::npos) << part << "\nin\n" << out;
}

TEST_F(SimulateEvents, TheShortFormHasItsOldAnswer) {
    const std::string workflow =
        file("w.json", R"({"name":"w","key":"subject","edges":[{"from":"a","to":"b","within_ms":60000}]})");
    const std::string events = file(
        "e.ndjson",
        R"({"specversion":"1.0","id":"1","source":"/s","type":"a","subject":"k","time":"2026-01-01T00:00:00Z"})"
        "\n"
        R"({"specversion":"1.0","id":"2","source":"/s","type":"b","subject":"k","time":"2026-01-01T00:00:30Z"})"
        "\n");
    EXPECT_EQ(json::parse(simulated(workflow, events, "json")),
              json::parse(R"({"events": 2, "clock_end_ms": 1767225630000, "edges": [
                {"from": "a", "to": "b", "within_ms": 60000,
                 "anchored": 1, "met": 1, "late": 0, "missed": 0, "pending": 0}]})"));
}

TEST_F(SimulateEvents, AWorkflowOfATenantSeesTheFileAsItsOwn) {
    const std::string workflow = file("w.json", R"({"name":"w","tenant":"acme","absence":[
      {"name":"alive","type":"ping","key":"subject","every":"10s"}]})");
    const std::string events = file(
        "e.ndjson",
        R"({"specversion":"1.0","id":"1","source":"/s","type":"ping","subject":"k","time":"2026-01-01T00:00:00Z"})"
        "\n"
        R"({"specversion":"1.0","id":"2","source":"/s","type":"pong","subject":"k","time":"2026-01-01T00:00:30Z"})"
        "\n");
    const json::value out = json::parse(simulated(workflow, events, "json"));
    EXPECT_EQ(out.at("edges").as_array().size(), 0u);
    EXPECT_EQ(out.at("rules").at(0).at("kind"), "absence");
    EXPECT_EQ(out.at("rules").at(0).at("missed"), 1);
    EXPECT_EQ(simulated(workflow, events, "text").find("edge"), std::string::npos) << "it has none";
}

}  // namespace
}  // namespace penstock::cli

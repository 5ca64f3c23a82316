// penstock workflow, lifecycle, and simulate over history, against an appliance that a test plays.
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <filesystem>
#include <fstream>

#include "admin/cli/commands.h"
#include "admin/cli/terminal.h"
#include "tests/unit/admin/cli/fake_appliance.h"

namespace penstock::cli {
namespace {

namespace json = boost::json;
using test::FakeAppliance;
using test::Peer;

const std::string kDocument =
    R"({"name":"my orders","key":"subject","edges":[{"from":"a","to":"b","within":"5m"}]})";

struct WorkflowCommands : testing::Test {
    std::string out, complaint;
    std::vector<Peer::HttpRequest> asked;
    std::string folder;

    void SetUp() override {
        std::string pattern = (std::filesystem::temp_directory_path() / "penstock-cli-XXXXXX").string();
        folder = ::mkdtemp(pattern.data());
    }
    void TearDown() override { std::filesystem::remove_all(folder); }
    std::string file(const std::string& text) {
        const std::string path = folder + "/w.json";
        std::ofstream(path) << text;
        return path;
    }
    /// Runs a command as main() would; each answer is given once, in order.
    int run(std::vector<std::string> arguments, const std::vector<std::pair<int, std::string>>& answers) {
        std::vector<FakeAppliance::Script> scripts;
        for (const auto& [status, body] : answers)
            scripts.push_back([this, status = status, body = body](Peer& peer) {
                asked.push_back(peer.serve_http(status, body));
            });
        FakeAppliance appliance(scripts);
        int code = kOk;
        CLI::App app;
        app.require_subcommand(1);
        add_workflow(app, code);
        add_lifecycle(app, code);
        add_simulate(app, code);
        if (!answers.empty()) {
            arguments.push_back("--server");
            arguments.push_back("127.0.0.1:" + std::to_string(appliance.port()));
        }
        std::reverse(arguments.begin(), arguments.end());
        testing::internal::CaptureStdout();
        testing::internal::CaptureStderr();
        try {
            app.parse(arguments);
        } catch (const CommandError& e) {
            complain(e.what());
            code = e.code;
        } catch (const CLI::ParseError&) {
            code = kUsage;
        }
        out = testing::internal::GetCapturedStdout();
        complaint = testing::internal::GetCapturedStderr();
        return code;
    }
};

TEST_F(WorkflowCommands, ListShowsHealthAndWhy) {
    const std::string answer = R"({"items":[{"name":"my orders","version":3,"state":"active","health":"red",
        "reason":"red: 3 missed","in_flight":7}],"not_running":["old"]})";
    EXPECT_EQ(run({"workflow", "list"}, {{200, answer}}), kOk);
    EXPECT_EQ(asked[0].line, "GET /api/v1/workflows HTTP/1.1");
    EXPECT_NE(out.find("red: 3 missed"), std::string::npos) << out;
    EXPECT_NE(out.find("old"), std::string::npos);
    EXPECT_EQ(run({"workflow", "list", "-o", "json"}, {{200, answer}}), kOk);
    EXPECT_EQ(json::parse(out).at("version"), 3);
}

TEST_F(WorkflowCommands, ShowEscapesTheNameAndPrintsItsRules) {
    EXPECT_EQ(run({"workflow", "show", "my orders"},
                  {{200, R"({"name":"my orders","health":"green","rules":[{"name":"a -> b","health":"green",
                      "counts":{"met":41}}],"stages":[{"name":"a","type":"t"}],"groups":[]})"}}),
              kOk);
    EXPECT_EQ(asked[0].line, "GET /api/v1/workflows/my%20orders HTTP/1.1");
    EXPECT_NE(out.find("a -> b"), std::string::npos);
    EXPECT_NE(out.find("41"), std::string::npos);
    EXPECT_EQ(run({"workflow", "show", "x"}, {{404, R"({"detail":"\"x\" is not known"})"}}), kFailed);
    EXPECT_NE(complaint.find("\"x\" is not known"), std::string::npos);
}

TEST_F(WorkflowCommands, PublishSendsTheDocumentAsItIs) {
    const std::string path = file(kDocument + "\n");
    EXPECT_EQ(
        run({"workflow", "publish", path, "--shadow", "--migrate", "--by", "ann", "--note", "an hour more"},
            {{201, R"({"workflow":"my orders","version":4,"state":"shadow"})"}}),
        kOk);
    EXPECT_EQ(asked[0].line,
              "POST /api/v1/workflows?state=shadow&migrate=true&by=ann&note=an%20hour%20more HTTP/1.1");
    EXPECT_EQ(asked[0].body, kDocument + "\n");
    EXPECT_EQ(out, "my orders: version 4 is shadow\n");
    EXPECT_EQ(run({"workflow", "publish", path, "--shadow", "--draft"}, {}), kUsage);
    EXPECT_EQ(run({"workflow", "publish", folder + "/none.json"}, {}), kUsage);
}

TEST_F(WorkflowCommands, FaultsAreToldOneALine) {
    EXPECT_EQ(run({"workflow", "publish", file("{}")},
                  {{422, R"({"detail":"only a draft may have faults","faults":[{"pointer":"/name",
                      "what":"is missing"},{"pointer":"/edges","what":"is empty"}]})"}}),
              kFailed);
    EXPECT_TRUE(complaint.starts_with("/name: is missing\n/edges: is empty\n")) << complaint;
}

TEST_F(WorkflowCommands, VersionsAreTakenIntoUse) {
    EXPECT_EQ(run({"workflow", "activate", "my orders", "3", "--by", "bob", "--migrate"},
                  {{200, R"({"workflow":"my orders","version":3,"state":"active"})"}}),
              kOk);
    EXPECT_EQ(asked[0].line, "POST /api/v1/workflows/my%20orders/versions/3 HTTP/1.1");
    EXPECT_EQ(json::parse(asked[0].body),
              (json::value{{"action", "activate"}, {"by", "bob"}, {"note", ""}, {"migrate", true}}));
    EXPECT_EQ(run({"workflow", "retire", "my orders", "0"}, {}), kUsage);
    EXPECT_EQ(run({"workflow", "versions", "my orders"},
                  {{200, R"({"items":[{"version":3,"state":"active","history":[{"action":"activate",
                      "by":"bob","at":"2026-01-31T08:00:00.000000000Z"}]}]})"}}),
              kOk);
    EXPECT_NE(out.find("2026-01-31 08:00:00 UTC activate by bob"), std::string::npos) << out;
}

TEST_F(WorkflowCommands, DiffIsPrintedAsPeopleReadOne) {
    EXPECT_EQ(run({"workflow", "diff", "w", "3", "--against", "1"},
                  {{200, R"({"lines":[{"op":"same","text":"{"},{"op":"removed","text":"a"},
                      {"op":"added","text":"b"}]})"}}),
              kOk);
    EXPECT_EQ(asked[0].line, "GET /api/v1/workflows/w/versions/3/diff?against=1 HTTP/1.1");
    EXPECT_EQ(out, "  {\n- a\n+ b\n");
}

TEST_F(WorkflowCommands, CheckNeedsNoAppliance) {
    EXPECT_EQ(run({"workflow", "check", file(kDocument)}, {}), kOk);
    EXPECT_NE(out.find("no faults"), std::string::npos);
    EXPECT_EQ(run({"workflow", "check", file(R"({"name":"w"})")}, {}), kUsage);
    EXPECT_NE(complaint.find("/edges"), std::string::npos) << complaint;
}

TEST_F(WorkflowCommands, ALifecycleSaysHowLateEachEventWas) {
    EXPECT_EQ(run({"lifecycle", "order 7", "--workflow", "w"},
                  {{200, R"({"items":[{"workflow":"w","version":1,"subject":"order 7","state":"open","hops":[
                      {"stage":"a","time":"2026-01-31T08:00:00.000000000Z","settled":[]},
                      {"stage":"b","time":"2026-01-31T08:00:30.000000000Z","since_previous_ms":30000,
                       "settled":[{"rule":"a -> b","late_by_ms":10000}]}],
                      "rules":[{"name":"b -> c","phase":"pending","deadline":"2026-01-31T09:00:00.000000000Z"}]}]})"}}),
              kOk);
    EXPECT_EQ(asked[0].line, "GET /api/v1/lifecycle?key=order%207&workflow=w HTTP/1.1");
    EXPECT_NE(out.find("after 30 s; a -> b late by 10 s"), std::string::npos) << out;
    EXPECT_NE(out.find("due 2026-01-31 09:00:00 UTC"), std::string::npos);
    EXPECT_EQ(run({"lifecycle", "nobody"}, {{200, R"({"items":[]})"}}), kFailed);
}

TEST_F(WorkflowCommands, SimulateOverHistoryWaitsAndTellsTheDifference) {
    const std::string done = R"({"id":"5","state":"done","events":9,"candidate":{"rules":[{"name":"a -> b",
        "met":1,"missed":2}]},"baseline":{"rules":[{"name":"a -> b","met":2,"missed":1}]},
        "added":{"total":21,"shown":[{"rule":"a -> b","key":"order-7","deadline":"2026-01-31T09:00:00Z"}]},
        "removed":{"total":0,"shown":[]},"moved":{"total":0,"shown":[]}})";
    EXPECT_EQ(
        run({"simulate", "--workflow", file(kDocument), "--from", "2026-01-01T00:00:00Z", "--key", "k"},
            {{202, R"({"id":"5"})"}, {200, R"({"id":"5","state":"running","progress":0.5})"}, {200, done}}),
        kOk);
    EXPECT_EQ(asked[0].line, "POST /api/v1/simulations HTTP/1.1");
    const json::value body = json::parse(asked[0].body);
    EXPECT_EQ(body.at("document"), json::parse(kDocument));
    EXPECT_EQ(body.at("from"), "2026-01-01T00:00:00Z");
    EXPECT_EQ(asked[2].line, "GET /api/v1/simulations/5 HTTP/1.1");
    EXPECT_NE(out.find("1 -> 2"), std::string::npos) << out;
    EXPECT_NE(out.find("order-7"), std::string::npos);
    EXPECT_NE(out.find("and 20 more"), std::string::npos);
    EXPECT_EQ(run({"simulate", "--workflow", file(kDocument)},
                  {{202, R"({"id":"6"})"}, {200, R"({"id":"6","state":"failed","failure":"too old"})"}}),
              kFailed);
    EXPECT_NE(complaint.find("too old"), std::string::npos);
}

TEST_F(WorkflowCommands, AFileOfEventsAndASpanOfHistoryExcludeEachOther) {
    EXPECT_EQ(run({"simulate", "--workflow", file(kDocument), "--events", "-", "--from", "7d"}, {}), kUsage);
}

}  // namespace
}  // namespace penstock::cli

// Workflows over HTTP, against an engine in memory and an intake thread that applies what is asked.
#include <gtest/gtest.h>

#include <atomic>
#include <boost/json.hpp>
#include <thread>

#include "admin/http/line_diff.h"
#include "admin/http/server.h"
#include "stages/sla/workflow.h"
#include "tests/support/alert_rig.h"
#include "tests/support/hot_log.h"
#include "tests/support/http_client.h"
#include "tests/support/http_parts.h"
#include "tests/support/memory_workflows.h"

namespace penstock {
namespace {

namespace json = boost::json;
using test::HttpAnswer;
using test::HttpClient;

constexpr int64_t kSecondNs = 1'000'000'000;
const std::string kDocument =
    R"({"name":"my orders","key":"subject","edges":[{"from":"a","to":"b","within":"5m"}]})";

WorkflowVersion version(uint32_t number, const std::string& document,
                        VersionState state = VersionState::kDraft) {
    WorkflowVersion made;
    made.number = number;
    made.state = state;
    made.document = document;
    return made;
}

InstanceView instance(std::vector<InstanceView::Hop> hops, const InstanceView::Rule& rule) {
    InstanceView made;
    made.workflow = "my orders";
    made.version = 1;
    made.state = "open";
    made.hops = std::move(hops);
    made.rules = {rule};
    return made;
}

struct HttpWorkflows : testing::Test {
    SystemClock clock;
    test::HotLog hot;
    Telemetry telemetry;
    DeadLetterBook letters_book;
    LetterMailbox letters{1};
    AlertBook alerts;
    ControlMailbox requests{4};
    test::MemoryWorkflows engine;
    test::MemorySimulations simulations;
    std::unique_ptr<HttpServer> server;
    std::atomic<bool> stop{false}, refuse{false};
    std::thread intake;
    Seq next_seq = 100;

    void SetUp() override {
        telemetry.readiness = Readiness::kReady;
        WorkflowView view;
        view.name = "my orders";
        view.version = 1;
        view.health = Health::kRed;
        view.reason = "red: 3 missed of severity 5";
        view.rules.resize(1);
        view.rules[0].name = "a -> b";
        view.rules[0].from = "a", view.rules[0].to = "b";
        view.rules[0].counts.missed = 3;
        view.stages.push_back({"a", "a", "", 7, 3, Health::kGreen});
        view.groups.push_back({"market=XNYS", 1, 2, 3, {}, Health::kAmber});
        view.ageing.buckets[7] = 9;
        engine.running.push_back(view);
        engine.published["my orders"].push_back(version(1, kDocument, VersionState::kActive));
        WorkflowAccess access{engine, simulations, [](std::string_view document) {
                                  try {
                                      parse_workflow(document);
                                      return std::string();
                                  } catch (const WorkflowError& e) {
                                      return std::string(e.what());
                                  }
                              }};
        access.of_files = {"filed"};
        server = std::make_unique<HttpServer>(HttpServer::Options{.listen = "127.0.0.1:0"},
                                              test::http_parts(telemetry, hot.log(), clock, letters_book,
                                                               letters, requests, alerts, std::move(access)));
        server->start();
        intake = std::thread([this] {
            ControlRequest request;
            while (!stop) {
                if (requests.try_pop(request)) request.answer(apply(request));
                std::this_thread::sleep_for(std::chrono::milliseconds(1));
            }
        });
    }
    void TearDown() override {
        stop = true;
        intake.join();
        server->stop();
    }
    /// As the engine would, in short.
    Seq apply(const ControlRequest& request) {
        const Seq seq = next_seq++;
        if (refuse || request.kind != ControlKind::kWorkflowVersion) return seq;
        const json::object text = json::parse(request.text).as_object();
        const std::string action(text.at("action").as_string());
        auto number = text.at("version").to_number<uint32_t>();
        std::lock_guard lock(engine.mutex);
        auto& versions = engine.published[request.name];
        if (number == 0) {
            number = static_cast<uint32_t>(versions.size() + 1);
            versions.push_back(version(number, std::string(text.at("document").as_string())));
            try {
                parse_workflow(versions.back().document);
                versions.back().state = VersionState::kValidated;
            } catch (const WorkflowError& e) {
                versions.back().faults = e.what();
            }
        }
        WorkflowVersion& changed = versions.at(number - 1);
        if (action == "discard") {
            versions.erase(versions.begin() + (number - 1));
            return seq;
        }
        if (action == "activate")
            for (WorkflowVersion& v : versions)
                if (v.state == VersionState::kActive) v.state = VersionState::kRetired;
        if (action == "activate") changed.state = VersionState::kActive;
        if (action == "shadow") changed.state = VersionState::kShadow;
        if (action == "retire") changed.state = VersionState::kRetired;
        changed.history.push_back({seq, 5, action, std::string(text.at("by").as_string()),
                                   std::string(text.at("note").as_string())});
        return seq;
    }
    HttpAnswer get(const std::string& target) { return HttpClient(server->port()).get("/api/v1" + target); }
    HttpAnswer post(const std::string& target, const std::string& body) {
        return HttpClient(server->port()).post("/api/v1" + target, body);
    }
    static void expect_problem(const HttpAnswer& answer, int status, std::string_view slug) {
        EXPECT_EQ(answer.status, status) << answer.body;
        ASSERT_EQ(answer.header("content-type"), "application/problem+json");
        EXPECT_EQ(json::parse(answer.body).at("type").as_string(),
                  fmt::format("urn:penstock:problem:{}", slug));
    }
    static json::value ok(const HttpAnswer& answer, int status = 200) {
        EXPECT_EQ(answer.status, status) << answer.body;
        return json::parse(answer.body);
    }
};

TEST_F(HttpWorkflows, AreListedWithTheirHealthAndTheReason) {
    engine.published["only a draft"].push_back(version(1, ""));
    const json::value list = ok(get("/workflows"));
    ASSERT_EQ(list.at("items").as_array().size(), 1u);
    EXPECT_EQ(list.at("items").at(0).at("name"), "my orders");
    EXPECT_EQ(list.at("items").at(0).at("health"), "red");
    EXPECT_EQ(list.at("items").at(0).at("reason"), "red: 3 missed of severity 5");
    EXPECT_EQ(list.at("items").at(0).at("owner"), "api");
    EXPECT_FALSE(list.at("items").at(0).as_object().contains("rules"));
    EXPECT_EQ(list.at("not_running"), json::array{"only a draft"});
}

TEST_F(HttpWorkflows, OneIsShownByItsEscapedNameWithRulesStagesGroupsAndAgeing) {
    const json::value w = ok(get("/workflows/my%20orders"));
    EXPECT_EQ(w.at("rules").at(0).at("counts").at("missed"), 3);
    EXPECT_TRUE(w.at("rules").at(0).at("next_due").is_null());
    EXPECT_EQ(w.at("stages").at(0).at("waiting"), 3);
    EXPECT_EQ(w.at("groups").at(0).at("group"), "market=XNYS");
    EXPECT_TRUE(w.at("ageing").at(7).at("up_to_s").is_null());
    EXPECT_EQ(w.at("ageing").at(7).at("instances"), 9);
    expect_problem(get("/workflows/nobody"), 404, "no-such-workflow");
}

TEST_F(HttpWorkflows, AnEngineThatDoesNotAnswerIsToldWithATimeToAskAgain) {
    engine.silent = true;
    for (const char* target : {"/workflows", "/workflows/x", "/workflows/x/series", "/workflows/x/instances",
                               "/workflows/x/versions", "/workflows/x/versions/1", "/lifecycle?key=k"}) {
        const HttpAnswer answer = get(target);
        expect_problem(answer, 503, "engine-busy");
        EXPECT_EQ(answer.header("retry-after"), "1");
    }
}

TEST_F(HttpWorkflows, SeriesAskForTheSpanAndTheRuleThatAreGiven) {
    engine.points.push_back({.start_ns = 60 * kSecondNs, .met = 4});
    const json::value series =
        ok(get("/workflows/my%20orders/series?rule=a%20-%3E%20b&resolution=hour&from=2026-01-01T00:00:00Z&"
               "to=2026-01-02T00:00:00Z"));
    EXPECT_EQ(series.at("points").at(0).at("met"), 4);
    EXPECT_EQ(series.at("points").at(0).at("start"), "1970-01-01T00:01:00.000000000Z");
    EXPECT_EQ(engine.series_query.rule, "a -> b");
    EXPECT_TRUE(engine.series_query.hours);
    EXPECT_EQ(engine.series_query.to_ns - engine.series_query.from_ns, 86'400 * kSecondNs);
    expect_problem(get("/workflows/w/series?resolution=day"), 400, "bad-parameter");
    expect_problem(get("/workflows/w/series?rule=r&group=g"), 400, "bad-parameter");
    expect_problem(get("/workflows/w/series?from=2026-01-01T00:00:00Z&to=2026-01-01T00:00:00Z"), 400,
                   "bad-parameter");
    expect_problem(get("/workflows/w/series?from=2016-01-01T00:00:00Z&to=2026-01-01T00:00:00Z"), 400,
                   "bad-parameter");
}

TEST_F(HttpWorkflows, InstancesAreFilteredByRuleAndPhase) {
    const Seq first = hot.append({test::LoggedEvent{.id = "1", .subject = "order-7"}});
    engine.known.push_back(
        instance({{"a", 5, first, ""}}, {"a -> b", RulePhase::kMissed, first, 9 * kSecondNs}));
    const json::value found =
        ok(get("/workflows/my%20orders/instances?phase=missed&rule=a%20-%3E%20b&limit=7"));
    EXPECT_EQ(found.at("items").at(0).at("subject"), "order-7");
    EXPECT_EQ(found.at("items").at(0).at("rules").at(0).at("phase"), "missed");
    EXPECT_EQ(engine.instance_query.phase, RulePhase::kMissed);
    EXPECT_EQ(engine.instance_query.limit, 7u);
    expect_problem(get("/workflows/w/instances?phase=sad"), 400, "bad-parameter");
}

TEST_F(HttpWorkflows, ALifecycleTellsEachHopsDurationLatenessAndPayload) {
    const Seq first = hot.append(
        {test::LoggedEvent{.id = "1", .subject = "order-7", .data = "{\"n\":1}"},
         test::LoggedEvent{.id = "2", .subject = "order-7", .data = "\"" + std::string(600, 'x') + "\""}});
    engine.known.push_back(instance({{"a", 100 * kSecondNs, first, ""},
                                     {"b", 130 * kSecondNs, first + 1, ""},
                                     {"b", 140 * kSecondNs, first + 2, "duplicate"}},
                                    {"a -> b", RulePhase::kLate, first, 120 * kSecondNs}));
    alerts.on_finding({.kind = Finding::Kind::kMissed,
                       .workflow = "my orders",
                       .rule = "a -> b",
                       .key = {},
                       .anchor_seq = first});
    alerts.on_finding({.kind = Finding::Kind::kMissed,
                       .workflow = "my orders",
                       .rule = "a -> b",
                       .key = {},
                       .anchor_seq = first,
                       .group = "market=XNYS"});
    const json::value life = ok(get("/lifecycle?key=order-7&workflow=my%20orders")).at("items").at(0);
    const json::array& hops = life.at("hops").as_array();
    ASSERT_EQ(hops.size(), 3u);
    EXPECT_FALSE(hops[0].as_object().contains("since_previous_ms"));
    EXPECT_TRUE(hops[0].at("settled").as_array().empty());
    EXPECT_EQ(hops[0].at("data"), "{\"n\":1}");
    EXPECT_EQ(hops[0].at("received"), "2026-01-01T00:00:00.000000000Z");
    EXPECT_EQ(hops[1].at("since_previous_ms"), 30'000);
    ASSERT_EQ(hops[1].at("settled").as_array().size(), 1u);
    EXPECT_EQ(hops[1].at("settled").at(0).at("rule"), "a -> b");
    EXPECT_EQ(hops[1].at("settled").at(0).at("late_by_ms"), 10'000);
    EXPECT_EQ(hops[1].at("data").as_string().size(), 512u);
    EXPECT_EQ(hops[1].at("data_bytes"), 602);
    EXPECT_EQ(hops[2].at("verdict"), "duplicate");
    EXPECT_TRUE(hops[2].at("settled").as_array().empty());
    EXPECT_FALSE(hops[2].as_object().contains("received"));  // not in the log any more
    EXPECT_EQ(life.at("rules").at(0).at("phase"), "late");
    ASSERT_EQ(life.at("alerts").as_array().size(), 1u);
    EXPECT_EQ(life.at("alerts").at(0).at("id").as_string(),
              fmt::format("{:016x}", AlertBook::id_of(0, "my orders", "a -> b")));
    EXPECT_EQ(life.at("alerts").at(0).at("steps").at(0).at("step"), "pending");
    EXPECT_TRUE(ok(get("/lifecycle?key=order-7&tenant=acme")).at("items").as_array().empty());
    expect_problem(get("/lifecycle"), 400, "bad-parameter");
    expect_problem(get("/lifecycle?key=k&tenant=nobody"), 400, "bad-parameter");
}

TEST_F(HttpWorkflows, ADraftMayHaveFaultsAndIsToldThem) {
    const json::value draft =
        ok(post("/workflows?by=ann&note=try", R"({"name":"w","key":"subject","edges":[]})"), 201);
    EXPECT_EQ(draft.at("workflow"), "w");
    EXPECT_EQ(draft.at("version"), 1);
    EXPECT_EQ(draft.at("state"), "draft");
    ASSERT_FALSE(draft.at("faults").as_array().empty());
    EXPECT_EQ(draft.at("faults").at(0).at("pointer"), "/edges");
    EXPECT_EQ(draft.at("history").at(0).at("by"), "ann");
    expect_problem(post("/workflows/w/versions/1", R"({"action":"activate"})"), 422, "faulty-document");
    EXPECT_EQ(ok(post("/workflows/w/versions/1", R"({"action":"discard"})")).at("state"), "discarded");
    expect_problem(get("/workflows/w/versions/1"), 404, "no-such-version");
}

TEST_F(HttpWorkflows, WhatShallRunIsRefusedWithAllItsFaults) {
    const HttpAnswer answer = post("/workflows?state=active", R"({"name":"w","colour":1,"edges":[]})");
    expect_problem(answer, 422, "faulty-document");
    EXPECT_EQ(json::parse(answer.body).at("error"), "faulty-document");
    EXPECT_GE(json::parse(answer.body).at("faults").as_array().size(), 2u);
    expect_problem(post("/workflows", "{}"), 422, "faulty-document");  // not even a name
    expect_problem(post("/workflows", "no json"), 422, "faulty-document");
    expect_problem(post("/workflows?state=sad", kDocument), 400, "bad-parameter");
    expect_problem(post("/workflows?migrate=maybe", kDocument), 400, "bad-parameter");
    EXPECT_FALSE(engine.published.contains("w"));
}

TEST_F(HttpWorkflows, ADocumentIsCheckedWithoutBeingKept) {
    const json::value faulty =
        ok(post("/workflow-check", R"({"name":"x","key":"subject","edges":[{"from":"a"}]})"));
    EXPECT_FALSE(faulty.at("faults").as_array().empty());
    EXPECT_EQ(faulty.at("faults").at(0).at("pointer").as_string().substr(0, 8), "/edges/0");
    EXPECT_EQ(ok(post("/workflow-check", "{\"name\":")).at("faults").as_array().size(), 1u);
    const json::value right = ok(post("/workflow-check", R"({"name":"x","expected":[
        {"name":"by eight","type":"f","due":{"calendar":"b","working_days":true,"at":"08:00"}}],
        "calendars":[{"name":"b","zone":"America/New_York","working_weekdays":["mon"]}]})"));
    EXPECT_TRUE(right.at("faults").as_array().empty()) << json::serialize(right);
    EXPECT_EQ(right.at("due").at(0).at("rule"), "by eight");
    EXPECT_EQ(right.at("due").at(0).at("zone"), "America/New_York");
    EXPECT_EQ(right.at("due").at(0).at("at").as_array().size(), 5u);
    EXPECT_EQ(engine.published.size(), 1u);
}

TEST_F(HttpWorkflows, AVersionIsPublishedShadowedActivatedAndRetired) {
    EXPECT_EQ(ok(post("/workflows?state=shadow", kDocument), 201).at("version"), 2);
    EXPECT_EQ(ok(get("/workflows/my%20orders/versions")).at("items").at(1).at("state"), "shadow");
    const std::string second = "/workflows/my%20orders/versions/2";
    EXPECT_EQ(ok(get(second)).at("document").at("name"), "my orders");
    const json::value active =
        ok(post(second, R"({"action":"activate","by":"bob","note":"go","migrate":true})"));
    EXPECT_EQ(active.at("state"), "active");
    EXPECT_EQ(active.at("history").at(1).at("by"), "bob");
    expect_problem(post(second, R"({"action":"activate"})"), 409, "not-allowed");
    expect_problem(post(second, R"({"action":"discard"})"), 409, "not-allowed");
    EXPECT_EQ(ok(post(second, R"({"action":"retire"})")).at("state"), "retired");
    expect_problem(post(second, R"({"action":"sing"})"), 400, "bad-body");
    expect_problem(post(second, R"({"action":"retire","migrate":1})"), 400, "bad-body");
    expect_problem(post("/workflows/my%20orders/versions/9", R"({"action":"retire"})"), 404,
                   "no-such-version");
    expect_problem(post("/workflows/my%20orders/versions/x", R"({"action":"retire"})"), 400, "bad-parameter");
    telemetry.readiness = Readiness::kStopping;
    expect_problem(post("/workflows", kDocument), 503, "not-ready");
}

TEST_F(HttpWorkflows, WhatTheEngineDidNotDoIsAConflict) {
    refuse = true;
    expect_problem(post("/workflows", kDocument), 409, "not-done");
    expect_problem(post("/workflows/my%20orders/versions/1", R"({"action":"retire"})"), 409, "not-done");
}

TEST_F(HttpWorkflows, TheActiveVersionOfAFileIsTheFiles) {
    std::string filed = kDocument;
    filed.replace(filed.find("my orders"), 9, "filed");
    expect_problem(post("/workflows?state=active", filed), 409, "file-owned");
    EXPECT_EQ(ok(post("/workflows?state=shadow", filed), 201).at("state"), "shadow");
    expect_problem(post("/workflows/filed/versions/1", R"({"action":"activate"})"), 409, "file-owned");
    EXPECT_EQ(ok(post("/workflows/filed/versions/1", R"({"action":"retire"})")).at("state"), "retired");
    {
        std::lock_guard lock(engine.mutex);
        engine.published["filed"][0].state = VersionState::kActive;
    }
    expect_problem(post("/workflows/filed/versions/1", R"({"action":"retire"})"), 409, "file-owned");
}

TEST_F(HttpWorkflows, ADifferenceIsByLinesOfThePrettyDocuments) {
    std::string changed = kDocument;
    changed.replace(changed.find("5m"), 2, "9m");
    ok(post("/workflows", changed), 201);
    const json::value diff = ok(get("/workflows/my%20orders/versions/2/diff"));
    EXPECT_EQ(diff.at("against"), 1);
    EXPECT_EQ(diff.at("added"), 1);
    EXPECT_EQ(diff.at("removed"), 1);
    std::string ops;
    for (const json::value& line : diff.at("lines").as_array())
        if (line.at("op") != "same")
            ops += fmt::format("{}{};", line.at("op").get_string().c_str(),
                               line.at("text").get_string().c_str());
    EXPECT_EQ(ops, "removed      \"within\": \"5m\";added      \"within\": \"9m\";");
    EXPECT_EQ(ok(get("/workflows/my%20orders/versions/1/diff")).at("removed"), 0);
    EXPECT_EQ(ok(get("/workflows/my%20orders/versions/1/diff?against=2")).at("added"), 1);
    expect_problem(get("/workflows/my%20orders/versions/1/diff?against=7"), 404, "no-such-version");
    expect_problem(get("/workflows/my%20orders/versions/1/diff?against=x"), 400, "bad-parameter");
}

TEST_F(HttpWorkflows, ASimulationIsBegunLookedAtAndCancelled) {
    const HttpAnswer begun =
        post("/simulations",
             R"({"document":)" + kDocument + R"(,"from":"2026-01-01T00:00:00Z","key":"k","tenant":"acme"})");
    EXPECT_EQ(ok(begun, 202).at("id"), "1");
    EXPECT_EQ(begun.header("location"), "/api/v1/simulations/1");
    const SimulationRequest& asked = simulations.all.at(0).request;
    EXPECT_EQ(asked.workflow, "my orders");
    EXPECT_EQ(asked.baseline, kDocument);
    EXPECT_EQ(asked.tenant, 1);
    EXPECT_LT(asked.from_ns, asked.to_ns);
    EXPECT_EQ(ok(get("/simulations")).at("items").at(0).at("state"), "running");
    EXPECT_FALSE(ok(get("/simulations/1")).as_object().contains("added"));
    EXPECT_EQ(ok(HttpClient(server->port()).request("DELETE", "/api/v1/simulations/1")).at("state"),
              "cancelled");
    EXPECT_EQ(ok(post("/simulations", R"({"workflow":"my orders","version":1})"), 202).at("id"), "2");
    simulations.all[1].state = SimulationState::kDone;
    simulations.all[1].added.total = 1;
    simulations.all[1].added.shown.emplace_back().key = "order-7";
    const json::value done = ok(get("/simulations/2"));
    EXPECT_EQ(done.at("added").at("shown").at(0).at("key"), "order-7");
    EXPECT_TRUE(done.at("candidate").at("rules").as_array().empty());
    expect_problem(get("/simulations/9"), 404, "no-such-simulation");
    expect_problem(HttpClient(server->port()).request("DELETE", "/api/v1/simulations/9"), 404,
                   "no-such-simulation");
}

TEST_F(HttpWorkflows, ASimulationNeedsOneValidDocumentAndASpan) {
    expect_problem(post("/simulations", "{}"), 400, "bad-body");
    expect_problem(post("/simulations", R"({"workflow":"w"})"), 400, "bad-body");
    expect_problem(post("/simulations", R"({"document":[]})"), 400, "bad-body");
    expect_problem(
        post(
            "/simulations",
            R"({"workflow":"my orders","version":1,"from":"2026-01-02T00:00:00Z","to":"2026-01-01T00:00:00Z"})"),
        400, "bad-body");
    expect_problem(post("/simulations", R"({"workflow":"my orders","version":8})"), 404, "no-such-version");
    expect_problem(post("/simulations", R"({"document":{"name":"w"}})"), 422, "faulty-document");
    simulations.busy = true;
    const HttpAnswer busy = post("/simulations", R"({"workflow":"my orders","version":1})");
    expect_problem(busy, 429, "too-many-simulations");
    EXPECT_EQ(busy.header("retry-after"), "5");
    EXPECT_EQ(HttpClient(server->port())
                  .request("DELETE", "/api/v1/simulations/1", "Origin: http://elsewhere.example\r\n")
                  .status,
              403);
}

std::string ops_of(const std::string& a, const std::string& b) {
    std::string out;
    for (const http::DiffLine& line : http::diff_lines(a, b))
        out += (line.op == http::DiffLine::Op::kSame    ? " "
                : line.op == http::DiffLine::Op::kAdded ? "+"
                                                        : "-") +
               line.text;
    return out;
}

TEST(LineDiff, IsTheShortestWay) {
    EXPECT_EQ(ops_of("", ""), "");
    EXPECT_EQ(ops_of("a\n", ""), "-a");
    EXPECT_EQ(ops_of("", "a\nb\n"), "+a+b");
    EXPECT_EQ(ops_of("a\nb\nc\n", "a\nc\n"), " a-b c");
    EXPECT_EQ(ops_of("a\nb\nc\na\nb\nb\na\n", "c\nb\na\nb\na\nc\n").size(), 18u);  // Myers' example: 5 edits
}

/// Whatever the documents, the lines that are not added make the one, those that are not removed the other.
TEST(LineDiff, HoldsBothDocumentsAlsoWhereTheyAreTooDifferent) {
    std::string a, b;
    for (int i = 0; i < 3'000; ++i) {
        a += fmt::format("{}\n", i % 7);
        b += fmt::format("{}\n", i * 31 % 11 + 5);
    }
    for (const auto& [before, after] : {std::pair(a, b), std::pair(a.substr(0, 400), b.substr(0, 300))}) {
        std::string was, is;
        for (const http::DiffLine& line : http::diff_lines(before, after)) {
            if (line.op != http::DiffLine::Op::kAdded) was += line.text + "\n";
            if (line.op != http::DiffLine::Op::kRemoved) is += line.text + "\n";
        }
        EXPECT_EQ(was, before);
        EXPECT_EQ(is, after.ends_with('\n') ? after : after + "\n");
    }
}

}  // namespace
}  // namespace penstock

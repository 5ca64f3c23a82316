// Alerts over HTTP, against a real book and an intake thread that applies what is asked.
#include <gtest/gtest.h>

#include <atomic>
#include <boost/json.hpp>
#include <thread>

#include "admin/http/server.h"
#include "tests/support/alert_rig.h"
#include "tests/support/hot_log.h"
#include "tests/support/http_client.h"
#include "tests/support/http_parts.h"
#include "tests/support/memory_workflows.h"

namespace penstock {
namespace {

namespace json = boost::json;
using test::AlertRig;
using test::HttpAnswer;
using test::HttpClient;

struct HttpAlerts : testing::Test {
    SystemClock clock;
    test::HotLog hot;
    Telemetry telemetry;
    DeadLetterBook letters_book;
    LetterMailbox letters{1};
    AlertRig rig;
    ControlMailbox requests{2};
    std::unique_ptr<HttpServer> server;
    std::atomic<bool> stop{false};
    std::thread intake;
    std::function<void()> before_apply = [] {};

    void SetUp() override {
        hot.append({test::LoggedEvent{.id = "1", .subject = "cam-1"}});
        // As if it were just now: silences are judged by the clock.
        rig.to(static_cast<double>(clock.wall_ns() - AlertRig::kStart) / 1e9 - 25);
        rig.find(Finding::Kind::kMissed, 1, "b -> c", -1, 2, 1);
        rig.to(rig.now() + 1);
        rig.missed(1);
        rig.to(rig.now() + 20);
        telemetry.readiness = Readiness::kReady;
        server = std::make_unique<HttpServer>(
            HttpServer::Options{.listen = "127.0.0.1:0"},
            test::http_parts(telemetry, hot.log(), clock, letters_book, letters, requests, *rig.book));
        server->start();
        intake = std::thread([this] {
            ControlRequest request;
            while (!stop) {
                if (requests.try_pop(request)) {
                    before_apply();
                    request.answer(rig.control(request.kind, request.name, request.text));
                }
                std::this_thread::sleep_for(std::chrono::milliseconds(1));
            }
        });
    }
    void TearDown() override {
        stop = true;
        intake.join();
        server->stop();
    }
    HttpAnswer get(const std::string& target) { return HttpClient(server->port()).get("/api/v1" + target); }
    HttpAnswer post(const std::string& target, const std::string& body) {
        return HttpClient(server->port()).post("/api/v1" + target, body);
    }
    std::string alert() const { return fmt::format("/alerts/{:016x}", rig.alert().id); }
    std::string version(int64_t more = 0) const {
        return fmt::format(R"({{"by":"ann","note":"n","version":{}}})",
                           static_cast<int64_t>(rig.alert().version) + more);
    }
    static void expect_problem(const HttpAnswer& answer, int status, std::string_view slug) {
        EXPECT_EQ(answer.status, status) << answer.body;
        ASSERT_EQ(answer.header("content-type"), "application/problem+json");
        EXPECT_EQ(json::parse(answer.body).at("type").as_string(),
                  fmt::format("urn:penstock:problem:{}", slug));
    }
};

TEST_F(HttpAlerts, AreListedWithFiltersAndACursor) {
    json::value all = json::parse(get("/alerts").body);
    ASSERT_EQ(all.at("items").as_array().size(), 2u);
    EXPECT_EQ(all.at("items").at(0).at("rule"), "a -> b");
    EXPECT_EQ(all.at("items").at(1).at("tenant"), "acme");
    EXPECT_TRUE(all.at("next").is_null());

    const HttpAnswer first = get("/alerts?limit=1&state=firing");
    const json::value page = json::parse(first.body);
    EXPECT_NE(first.header("link").find("rel=\"next\""), std::string::npos);
    const std::string next(page.at("next").as_string());
    const json::value second = json::parse(get(next.substr(std::string("/api/v1").size())).body);
    EXPECT_EQ(second.at("items").at(0).at("rule"), "b -> c");
    EXPECT_TRUE(second.at("next").is_null());

    const auto count = [&](const std::string& query) {
        return json::parse(get("/alerts?" + query).body).at("items").as_array().size();
    };
    EXPECT_EQ(count("severity_at_least=3"), 1u);
    EXPECT_EQ(count("tenant=acme"), 1u);
    EXPECT_EQ(count("tenant=nobody"), 0u);
    EXPECT_EQ(count("workflow=w&state=resolved"), 0u);
    expect_problem(get("/alerts?state=sad"), 400, "bad-parameter");
    expect_problem(get("/alerts?after=x"), 400, "bad-parameter");
}

TEST_F(HttpAlerts, OneIsShownWithInstancesByTheirSubjectsAndItsHistory) {
    rig.book->on_finding({.kind = Finding::Kind::kMissed,
                          .workflow = "w",
                          .rule = "a -> b",
                          .key = {9, 9},
                          .anchor_seq = 1,
                          .cause_seq = rig.next_seq(),
                          .deadline_ns = 5,
                          .at_ns = AlertRig::at(rig.now() + 1)});
    const json::value shown = json::parse(get(alert()).body);
    EXPECT_EQ(shown.at("instances").at(1).at("subject"), "cam-1");
    EXPECT_EQ(shown.at("instances").at(0).at("state"), "open");
    EXPECT_EQ(shown.at("history").at(0).at("step"), "pending");
    EXPECT_EQ(shown.at("history").at(1).at("step"), "firing");
    expect_problem(get("/alerts/0123456789abcdef"), 404, "no-such-alert");
    expect_problem(get("/alerts/7"), 404, "no-such-alert");
}

TEST_F(HttpAlerts, ACommandIsAnsweredWithTheAlertAsItIsThen) {
    HttpAnswer answer = post(alert() + "/ack", version());
    ASSERT_EQ(answer.status, 200) << answer.body;
    json::value now = json::parse(answer.body);
    EXPECT_EQ(now.at("state"), "acked");
    EXPECT_EQ(now.at("acked_by"), "ann");
    EXPECT_EQ(json::parse(post(alert() + "/unack", version()).body).at("state"), "firing");
    now = json::parse(
        post(alert() + "/assign", fmt::format(R"({{"to":"bob","version":{}}})", rig.alert().version)).body);
    EXPECT_EQ(now.at("assignee"), "bob");
    now = json::parse(post(alert() + "/resolve", version()).body);
    EXPECT_EQ(now.at("state"), "resolved");
    EXPECT_EQ(now.at("cause"), "closed");
}

TEST_F(HttpAlerts, AStaleVersionIsToldWhatChangedAndByWhom) {
    post(alert() + "/ack", version());
    const HttpAnswer answer = post(alert() + "/ack", version(-1));
    expect_problem(answer, 409, "alert-changed");
    const json::value problem = json::parse(answer.body);
    EXPECT_EQ(problem.at("state"), "acked");
    EXPECT_EQ(problem.at("version").to_number<uint64_t>(), rig.alert().version);
    ASSERT_EQ(problem.at("changes").as_array().size(), 1u);
    EXPECT_EQ(problem.at("changes").at(0).at("by"), "ann");
    expect_problem(post(alert() + "/ack", version()), 409, "alert-changed");  // it is acked
}

TEST_F(HttpAlerts, WhatResolvesWhileAnAckIsOnItsWayWins) {
    before_apply = [this] { rig.late(1); };
    expect_problem(post(alert() + "/ack", version()), 409, "alert-changed");
    EXPECT_EQ(rig.alert().state, AlertState::kResolved);
}

TEST_F(HttpAlerts, WrongBodiesAreRefused) {
    expect_problem(post(alert() + "/ack", "{}"), 400, "bad-body");
    expect_problem(post(alert() + "/ack", "[]"), 400, "bad-body");
    expect_problem(post(alert() + "/ack", R"({"version":1,"to":"x"})"), 400, "bad-body");
    expect_problem(post(alert() + "/resolve", R"({"version":1})"), 400, "bad-body");  // why is missing
    expect_problem(post("/alerts/77/ack", version()), 404, "no-such-alert");
    telemetry.readiness = Readiness::kStopping;
    expect_problem(post(alert() + "/ack", version()), 503, "not-ready");
}

TEST_F(HttpAlerts, SilencesAreAddedListedAndExpired) {
    const HttpAnswer made = post(
        "/silences",
        R"({"workflow":"w","tenant":"acme","end":"2126-01-01T00:00:00Z","owner":"ann","reason":"works"})");
    ASSERT_EQ(made.status, 201) << made.body;
    const json::value silence = json::parse(made.body);
    EXPECT_EQ(silence.at("state"), "active");
    EXPECT_EQ(silence.at("tenant"), "acme");
    EXPECT_EQ(json::parse(get("/alerts?tenant=acme").body).at("items").at(0).at("silence"), silence.at("id"));
    EXPECT_EQ(json::parse(get("/silences?state=active").body).at("items").as_array().size(), 1u);
    const std::string one = fmt::format("/silences/{}/expire", silence.at("id").to_number<uint64_t>());
    EXPECT_EQ(json::parse(post(one, R"({"by":"bob"})").body).at("expired_by"), "bob");
    expect_problem(post(one, "{}"), 409, "silence-over");
    expect_problem(post("/silences/999/expire", "{}"), 404, "no-such-silence");
    EXPECT_EQ(json::parse(get("/silences").body).at("items").at(0).at("state"), "expired");
}

TEST_F(HttpAlerts, ASilenceNeedsAMatcherAnEndAnOwnerAndAReason) {
    const std::string rest = R"("owner":"a","reason":"r")", end = R"("end":"2126-01-01T00:00:00Z")";
    for (const std::string& body :
         {"{" + end + "," + rest + "}", R"({"rule":"x",)" + rest + "}", R"({"rule":"x",)" + end + "}",
          R"({"rule":"x","end":"2020-01-01T00:00:00Z",)" + rest + "}",
          R"({"rule":"x","tenant":"nobody",)" + end + "," + rest + "}",
          R"({"severity_at_least":9,)" + end + "," + rest + "}"})
        expect_problem(post("/silences", body), 400, "bad-body");
    EXPECT_TRUE(rig.book->silences().empty());
}

TEST_F(HttpAlerts, GroupRunbookAndWhatHoldsThemBackAreShown) {
    rig.group = "market=XNYS";
    rig.key_text = "XNYS/2026-01-31";
    rig.runbook = "https://wiki.example/x";
    rig.missed(7);
    const json::value made =
        json::parse(post("/maintenance",
                         R"({"group":"market=XNYS","end":"2126-01-01T00:00:00Z","owner":"a","reason":"r"})")
                        .body);
    const json::value list = json::parse(get("/alerts?group=market%3DXNYS").body);
    ASSERT_EQ(list.at("items").as_array().size(), 1u);
    const json::value& one = list.at("items").at(0);
    EXPECT_EQ(one.at("group"), "market=XNYS");
    EXPECT_EQ(one.at("state"), "pending");
    EXPECT_EQ(one.at("runbook"), "https://wiki.example/x");
    EXPECT_EQ(one.at("maintenance"), made.at("id"));
    const json::value whole = json::parse(get("/alerts/" + std::string(one.at("id").as_string())).body);
    EXPECT_EQ(whole.at("instances").at(0).at("subject"), "XNYS/2026-01-31");
    EXPECT_EQ(
        post("/silences", R"({"group":"market=XNYS","end":"2126-01-01T00:00:00Z","owner":"a","reason":"r"})")
            .status,
        201);
}

TEST_F(HttpAlerts, MaintenanceIsAddedListedAndEnded) {
    const HttpAnswer answer = post(
        "/maintenance",
        R"({"workflow":"w","effect":"do_not_expect","schedule":{"zone":"Europe/Berlin","cron":"*/5 * * * *"},)"
        R"("duration":"1h","last_date":"2126-12-31","owner":"ann","reason":"restarts","by":"bob"})");
    ASSERT_EQ(answer.status, 201) << answer.body;
    const json::value made = json::parse(answer.body);
    EXPECT_EQ(made.at("state"), "active");
    EXPECT_EQ(made.at("effect"), "do_not_expect");
    EXPECT_EQ(made.at("duration"), "1h");
    EXPECT_EQ(made.at("schedule").at("zone"), "Europe/Berlin");
    EXPECT_FALSE(made.as_object().contains("end"));
    EXPECT_EQ(json::parse(get("/maintenance?state=active").body).at("items").as_array().size(), 1u);
    EXPECT_EQ(json::parse(get("/maintenance?state=waiting").body).at("items").as_array().size(), 0u);
    const std::string one = fmt::format("/api/v1/maintenance/{}", made.at("id").to_number<uint64_t>());
    const auto remove = [&](const std::string& target) {
        return HttpClient(server->port()).request("DELETE", target);
    };
    const HttpAnswer ended = remove(one + "?by=eve");
    EXPECT_EQ(ended.status, 200) << ended.body;
    EXPECT_EQ(json::parse(ended.body).at("ended_by"), "eve");
    expect_problem(remove(one), 409, "maintenance-over");
    expect_problem(remove("/api/v1/maintenance/999"), 404, "no-such-maintenance");
    expect_problem(get("/maintenance/1"), 405, "method-not-allowed");
    expect_problem(remove("/api/v1/maintenance"), 405, "method-not-allowed");
    const HttpAnswer foreign =
        HttpClient(server->port()).request("DELETE", one, "Origin: http://evil.example\r\n");
    expect_problem(foreign, 403, "foreign-origin");
}

TEST_F(HttpAlerts, AllFaultsOfAMaintenanceWindowAreToldAtOnce) {
    const HttpAnswer answer =
        post("/maintenance", R"({"schedule":{"zone":"Mars/Base","at":"25:00"},"duration":"soon",)"
                             R"("last_date":"2026-02-30","effect":"shout","whom":"x","reason":"r"})");
    expect_problem(answer, 400, "bad-body");
    const std::string detail(json::parse(answer.body).at("detail").as_string());
    for (const char* pointer : {"/schedule/zone: ", "/schedule/at: ", "/duration: ", "/last_date: ",
                                "/effect: ", "/whom: ", "/owner: ", "/: matches everything"})
        EXPECT_NE(detail.find(pointer), std::string::npos) << pointer << " in " << detail;
    for (const std::string& body :
         {std::string(R"({"workflow":"w","owner":"a","reason":"r"})"),
          std::string(R"({"workflow":"w","owner":"a","reason":"r","end":"2020-01-01T00:00:00Z"})"),
          std::string(
              R"({"workflow":"w","owner":"a","reason":"r","end":"2126-01-01T00:00:00Z","duration":"1h"})"),
          std::string("[]"), std::string("{")})
        expect_problem(post("/maintenance", body), 400, "bad-body");
    EXPECT_TRUE(rig.book->maintenance().empty());
}

}  // namespace
}  // namespace penstock

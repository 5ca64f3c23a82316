// Dead letters over HTTP, against an intake thread that answers as told.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <thread>

#include "admin/http/server.h"
#include "stages/alert/alert_book.h"
#include "tests/support/hot_log.h"
#include "tests/support/http_client.h"
#include "tests/support/http_parts.h"
#include "tests/support/memory_workflows.h"

namespace penstock {
namespace {

namespace json = boost::json;
using test::HttpAnswer;
using test::HttpClient;
using test::LoggedDeadLetter;

struct HttpDeadLetters : testing::Test {
    SystemClock clock;
    test::HotLog hot;
    Telemetry telemetry;
    DeadLetterBook book;
    LetterMailbox letters{2};
    AlertBook alerts;
    ControlMailbox control_requests{4};
    std::unique_ptr<HttpServer> server;
    std::atomic<bool> stop{false};
    std::thread intake;
    LetterRequest last;  ///< read after the answer has come

    void SetUp() override {
        telemetry.readiness = Readiness::kReady;
        server = std::make_unique<HttpServer>(
            HttpServer::Options{.listen = "127.0.0.1:0"},
            test::http_parts(telemetry, hot.log(), clock, book, letters, control_requests, alerts));
        server->start();
    }
    void TearDown() override {
        stop = true;
        if (intake.joinable()) intake.join();
        server->stop();
    }
    void answer_with(const LetterAnswer& answer) {
        intake = std::thread([this, answer] {
            LetterRequest request;
            while (!stop) {
                if (letters.try_pop(request)) {
                    last = std::move(request);
                    last.answer(answer);
                }
                std::this_thread::sleep_for(std::chrono::milliseconds(1));
            }
        });
    }
    HttpAnswer get(const std::string& target) { return HttpClient(server->port()).get(target); }
    HttpAnswer post(const std::string& target, const std::string& body, const std::string& headers = {}) {
        return HttpClient(server->port()).post("/api/v1/deadletters/" + target, body, headers);
    }
    static void expect_problem(const HttpAnswer& answer, int status, std::string_view slug) {
        EXPECT_EQ(answer.status, status) << answer.body;
        ASSERT_EQ(answer.header("content-type"), "application/problem+json");
        EXPECT_EQ(json::parse(answer.body).at("type").as_string(),
                  "urn:penstock:problem:" + std::string(slug));
    }
    Seq letter(const std::string& raw, Refusal cause = Refusal::kBadJson) {
        return hot.append(
            std::vector<LoggedDeadLetter>{{.cause = cause, .detail = "why", .peer = "p:1", .raw = raw}});
    }
};

TEST_F(HttpDeadLetters, AreFilteredByCauseTenantTimeAndStatus) {
    hot.append(std::vector<LoggedDeadLetter>{{.cause = Refusal::kBadJson}, {.cause = Refusal::kBadTime}});
    const auto found = [&](const std::string& query) {
        const HttpAnswer answer = get("/api/v1/deadletters?" + query);
        return answer.status == 200 ? static_cast<int>(json::parse(answer.body).at("items").as_array().size())
                                    : -1;
    };
    EXPECT_EQ(found("cause=bad_time"), 1);
    EXPECT_EQ(found("cause=conflict"), 0);
    EXPECT_EQ(found("tenant=default"), 2);
    EXPECT_EQ(found("tenant=acme"), 0);
    EXPECT_EQ(found("tenant=nobody"), 0);
    EXPECT_EQ(found("status=open"), 2);
    EXPECT_EQ(found("status=dropped"), 0);
    EXPECT_EQ(found("since=2026-01-01T00:00:00Z"), 2) << "the first instant is included";
    EXPECT_EQ(found("since=2026-01-01T00:00:00.000000001Z"), 1);
    EXPECT_EQ(found("until=2026-01-01T00:00:00Z"), 0);
    const HttpAnswer wrong = get("/api/v1/deadletters?cause=nonsense&status=gone&since=yesterday");
    expect_problem(wrong, 400, "bad-parameter");
    EXPECT_EQ(json::parse(wrong.body).at("errors").as_array().size(), 3u);
}

TEST_F(HttpDeadLetters, FiltersStayInTheLinkToTheNextPage) {
    for (int i = 0; i < 5; ++i) letter("x");
    std::string target = "/api/v1/deadletters?limit=2&cause=bad_json&status=open";
    size_t found = 0;
    for (int pages = 0; pages < 10; ++pages) {
        const HttpAnswer answer = get(target);
        const json::value page = json::parse(answer.body);
        found += page.at("items").as_array().size();
        if (page.at("next").is_null()) break;
        target = page.at("next").as_string().c_str();
        EXPECT_EQ(answer.header("link"), "<" + target + ">; rel=\"next\"");
    }
    EXPECT_EQ(found, 5u);
}

TEST_F(HttpDeadLetters, OneIsShownWithTenantAndStatus) {
    const Seq seq = letter("{\"a");
    const json::value shown = json::parse(get(fmt::format("/api/v1/deadletters/{}", seq)).body);
    EXPECT_EQ(shown.at("tenant"), "default");
    EXPECT_EQ(shown.at("status"), "open");
    EXPECT_EQ(shown.at("raw"), "{\"a");
    EXPECT_TRUE(shown.at("history").as_array().empty());
    expect_problem(get("/api/v1/deadletters/99"), 404, "no-such-dead-letter");
    expect_problem(get("/api/v1/deadletters/x"), 400, "bad-parameter");
}

TEST_F(HttpDeadLetters, ARetryIsAskedOfTheIntakeAndItsOutcomeAnswered) {
    answer_with({.seq = 8, .outcome = RetryOutcome::kStored, .result_seq = 9});
    const Seq seq = letter("{\"a\":1}");
    const HttpAnswer answer = post(fmt::format("{}/retry", seq), R"({"by":"ann","note":"n"})");
    ASSERT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(json::parse(answer.body),
              json::parse(R"({"seq":1,"status":"retried","action_seq":8,"outcome":"stored","event_seq":9})"));
    EXPECT_EQ(last.letter, seq);
    EXPECT_EQ(last.by, "ann");
    EXPECT_EQ(last.note, "n");
    EXPECT_FALSE(last.edited);
    EXPECT_FALSE(last.drop);
    EXPECT_EQ(std::string(last.bytes.begin(), last.bytes.end()), "{\"a\":1}");
    EXPECT_EQ(last.original.peer, "p:1");
    EXPECT_EQ(last.event, 0u);
}

TEST_F(HttpDeadLetters, AReplacementIsSentInsteadAndADropSendsNothing) {
    answer_with({.seq = 8, .outcome = RetryOutcome::kRefused, .result_seq = 9, .cause = Refusal::kBadTime});
    const Seq seq = letter("nonsense");
    const HttpAnswer answer = post(fmt::format("{}/retry", seq), "{\"replace\":\" {\\\"b\\\":2}\\n\"}");
    EXPECT_EQ(json::parse(answer.body).at("outcome"), "refused");
    EXPECT_EQ(json::parse(answer.body).at("cause"), "bad_time");
    EXPECT_EQ(json::parse(answer.body).at("new_dead_letter"), 9);
    EXPECT_TRUE(last.edited);
    EXPECT_EQ(std::string(last.bytes.begin(), last.bytes.end()), "{\"b\":2}");
    EXPECT_TRUE(last.by.starts_with("http 127.0.0.1:")) << last.by;
    const std::string text(3'000, 'r');  // longer than a string holds in itself
    post(fmt::format("{}/retry", seq), fmt::format(R"({{"replace":"{}"}})", text));
    EXPECT_EQ(std::string(last.bytes.begin(), last.bytes.end()), text);
    EXPECT_EQ(post(fmt::format("{}/drop", seq), "{}").status, 200);
    EXPECT_TRUE(last.drop);
}

TEST_F(HttpDeadLetters, WhatIsCutOrAWholeFrameNeedsAReplacement) {
    answer_with({.outcome = RetryOutcome::kStored});
    const Seq frame = letter("PSK1 and the rest of a frame", Refusal::kBadChecksum);
    expect_problem(post(fmt::format("{}/retry", frame), "{}"), 422, "no-event");
    EXPECT_EQ(post(fmt::format("{}/retry", frame), R"({"replace":"{}"})").status, 200);
    hot.append(std::vector<LoggedDeadLetter>{{.raw = "the first bytes", .cut_off = 100}});
    const HttpAnswer cut = post(fmt::format("{}/retry", frame + 1), "{}");
    expect_problem(cut, 422, "cut");
    EXPECT_NE(cut.body.find("--replace"), std::string::npos);
    EXPECT_EQ(post(fmt::format("{}/retry", frame + 1), R"({"replace":"{}"})").status, 200);
    EXPECT_EQ(post(fmt::format("{}/drop", frame + 1), "{}").status, 200);
}

TEST_F(HttpDeadLetters, PagesOfOtherSitesAndFormsChangeNothing) {
    const std::string at = fmt::format("{}/drop", letter("x"));
    expect_problem(post(at, "{}", "Origin: http://evil.example\r\n"), 403, "foreign-origin");
    expect_problem(post(at, "{}", "Origin: null\r\n"), 403, "foreign-origin");
    for (const char* type : {"text/plain", "application/x-www-form-urlencoded", "application/jsonp"})
        expect_problem(post(at, "{}", std::string("Content-Type: ") + type + "\r\n"), 415, "not-json");
    EXPECT_TRUE(letters.empty());
    answer_with({});
    EXPECT_EQ(post(at, "{}", fmt::format("Origin: http://localhost:{}\r\n", server->port())).status, 200);
    EXPECT_EQ(post(at, "{}", "Content-Type: application/json; charset=utf-8\r\n").status, 200);
}

TEST_F(HttpDeadLetters, ABodyThatSaysSomethingElseIsRefused) {
    const std::string at = fmt::format("{}/retry", letter("x"));
    for (const char* body : {"[]", "{", R"({"by":1})", R"({"replac":"x"})"})
        expect_problem(post(at, body), 400, "bad-body");
    expect_problem(post(fmt::format("{}/drop", 1), R"({"replace":"x"})"), 400, "bad-body");
    expect_problem(post(at, fmt::format(R"({{"note":"{}"}})", std::string(1025, 'n'))), 400, "bad-body");
    expect_problem(
        post(at, fmt::format(R"({{"replace":"{}"}})", std::string(limits::kEventBytesMax + 1, 'n'))), 400,
        "bad-body");
    expect_problem(post("7/retry", "{}"), 404, "no-such-dead-letter");
    const HttpAnswer wrong_method = get("/api/v1/deadletters/1/retry");
    expect_problem(wrong_method, 405, "method-not-allowed");
    EXPECT_EQ(wrong_method.header("allow"), "POST");
    EXPECT_TRUE(letters.empty());
}

TEST_F(HttpDeadLetters, WhatTheIntakeRefusesHasItsOwnProblem) {
    using Result = LetterAnswer::Result;
    const std::string at = fmt::format("{}/retry", letter("x"));
    const std::vector<std::tuple<Result, int, std::string>> all{
        {Result::kNotOpen, 409, "not-open"},
        {Result::kBusy, 409, "in-progress"},
        {Result::kNoRoom, 503, "overloaded"},
        {Result::kStoredBefore, 409, "stored-before"}};
    for (const auto& [result, status, slug] : all) {
        stop = false;
        answer_with({.result = result});
        expect_problem(post(at, "{}"), status, slug);
        stop = true;
        intake.join();
    }
    telemetry.readiness = Readiness::kRecovering;
    expect_problem(post(at, "{}"), 503, "not-ready");
}

TEST_F(HttpDeadLetters, RequestsThatWaitHoldUpNobodyAndTooManyAreTurnedAway) {
    const std::string target = fmt::format("/api/v1/deadletters/{}/retry", letter("x"));
    const std::string request = fmt::format(
        "POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: "
        "2\r\n\r\n{{}}",
        target);
    HttpClient first(server->port()), second(server->port());
    first.send(request);
    second.send(request);
    while (letters.empty()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    EXPECT_EQ(get("/healthz").status, 200);
    std::this_thread::sleep_for(std::chrono::milliseconds(100));  // both wait in the mailbox
    HttpClient client(server->port());
    client.send(request);
    const HttpAnswer third = client.receive();
    expect_problem(third, 503, "busy");
    answer_with({.outcome = RetryOutcome::kDuplicate});
    EXPECT_EQ(first.receive().status, 200);
    EXPECT_EQ(second.receive().status, 200);
}

TEST_F(HttpDeadLetters, AClientThatAsksBeforeItSendsItsBodyIsToldToGoOn) {
    answer_with({.outcome = RetryOutcome::kDuplicate});
    const std::string target = fmt::format("/api/v1/deadletters/{}/retry", letter("x"));
    HttpClient client(server->port());
    client.send("POST " + target +
                " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nExpect: "
                "100-continue\r\nContent-Length: 2\r\n\r\n");
    EXPECT_EQ(client.receive().status, 100);
    client.send("{}");
    EXPECT_EQ(client.receive().status, 200);
}

}  // namespace
}  // namespace penstock

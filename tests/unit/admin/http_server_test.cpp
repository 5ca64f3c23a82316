#include <fmt/format.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <regex>
#include <thread>

#include "admin/http/console_files.h"
#include "admin/http/origin.h"
#include "admin/http/page_assets.h"
#include "admin/http/server.h"
#include "schemas/refusal.h"
#include "stages/alert/alert_book.h"
#include "tests/support/hot_log.h"
#include "tests/support/http_client.h"
#include "tests/support/http_parts.h"
#include "tests/support/memory_workflows.h"

namespace penstock {
namespace {

using test::HttpAnswer;
using test::HttpClient;

struct HttpServerTest : testing::Test {
    SystemClock clock;
    test::HotLog hot;
    Telemetry telemetry;
    DeadLetterBook book;
    LetterMailbox letters{4};
    AlertBook alerts;
    test::MemoryWorkflows workflows;
    test::MemorySimulations simulations;
    ControlMailbox control_requests{4};

    HttpServer::Parts parts(WorkflowAccess access = test::no_workflows()) {
        return test::http_parts(telemetry, hot.log(), clock, book, letters, control_requests, alerts,
                                std::move(access));
    }
    std::unique_ptr<HttpServer> server;

    void SetUp() override {
        telemetry.readiness = Readiness::kReady;
        HttpServer::Options options{.listen = "127.0.0.1:0"};
        options.tenants.of_configuration.emplace_back().id = 1;
        options.regions.of_configuration.emplace_back().name = "1";
        start(options);
    }
    void start(const HttpServer::Options& options) {
        server = std::make_unique<HttpServer>(
            options,
            parts(WorkflowAccess{workflows, simulations, [](std::string_view) { return std::string(); }}));
        server->start();
    }
    HttpAnswer get(const std::string& target, const std::string& headers = {}) {
        return HttpClient(server->port()).get(target, headers);
    }
    static void expect_problem(const HttpAnswer& answer, int status, std::string_view slug) {
        EXPECT_EQ(answer.status, status);
        ASSERT_EQ(answer.header("content-type"), "application/problem+json");
        const auto problem = boost::json::parse(answer.body);
        EXPECT_EQ(problem.at("type").as_string(), "urn:penstock:problem:" + std::string(slug));
        EXPECT_EQ(problem.at("status").as_int64(), status);
        EXPECT_FALSE(problem.at("title").as_string().empty());
        EXPECT_FALSE(problem.at("detail").as_string().empty());
        EXPECT_EQ(answer.header("x-content-type-options"), "nosniff");
    }
};

TEST_F(HttpServerTest, HealthIsNotReadiness) {
    EXPECT_EQ(get("/healthz").status, 200);
    EXPECT_EQ(get("/readyz").status, 200);
    telemetry.readiness = Readiness::kRecovering;
    EXPECT_EQ(get("/healthz").status, 200);
    HttpAnswer answer = get("/readyz");
    expect_problem(answer, 503, "not-ready-recovering");
    EXPECT_EQ(answer.header("retry-after"), "1");
    telemetry.readiness = Readiness::kFailed;
    telemetry.set_failure("the disk is full");
    answer = get("/readyz");
    expect_problem(answer, 503, "not-ready-failed");
    EXPECT_EQ(boost::json::parse(answer.body).at("detail").as_string(), "the disk is full");
}

TEST_F(HttpServerTest, EveryRouteOfTheOpenApiDocumentAnswers) {
    hot.append({test::LoggedEvent{.id = "1"}});
    hot.append(std::vector<test::LoggedDeadLetter>{{}});
    alerts.on_finding(
        {.kind = Finding::Kind::kMissed, .workflow = "w", .rule = "r", .key = {}, .anchor_seq = 1});
    const std::string alert = fmt::format("{:016x}", AlertBook::id_of(0, "w", "r"));
    workflows.running.emplace_back().name = "1";
    WorkflowVersion& version = workflows.published["1"].emplace_back();
    version.number = 1;
    version.document = R"({"name":"1"})";
    simulations.start({});
    const std::string document = get("/api/v1/openapi.yaml").body;
    size_t routes = 0;
    for (size_t at = document.find("\n  /"); at != std::string::npos; at = document.find("\n  /", at + 1)) {
        std::string path = document.substr(at + 3, document.find(':', at) - at - 3);
        const size_t method = document.find('\n', at + 1) + 1;
        const bool changes = document.compare(method, 9, "    post:") == 0 ||
                             document.compare(method, 11, "    delete:") == 0 ||
                             document.compare(method, 8, "    put:") == 0;
        for (size_t brace; (brace = path.find('{')) != std::string::npos;)
            path.replace(brace, path.find('}') + 1 - brace,
                         path.find("alerts") != path.npos        ? alert
                         : path.find("deadletters") == path.npos ? "1"
                                                                 : "2");
        if (path == "/api/v1/lifecycle") path += "?key=k";
        const bool is_stream = path == "/api/v1/stream" || path == "/api/v1/ws";
        const bool is_empty = path == "/api/v1/users/1" || path == "/api/v1/review/items/1";
        const bool is_search = path == "/api/v1/events/search" || path == "/api/v1/events/stats" ||
                               path == "/api/v1/events/export";
        const int expected = is_stream ? 426 : changes ? 405 : is_empty ? 404 : is_search ? 503 : 200;
        EXPECT_EQ(get(path).status, expected) << path;
        ++routes;
    }
    EXPECT_EQ(routes, 76u);
}

TEST_F(HttpServerTest, TellsWithWhatItRuns) {
    start({.listen = "127.0.0.1:0", .settings = {{"ingest.listen", "127.0.0.1:7400", "penstock.toml:12"}}});
    const auto items = boost::json::parse(get("/api/v1/config").body).at("items").as_array();
    ASSERT_EQ(items.size(), 1u);
    EXPECT_EQ(items[0].at("key").as_string(), "ingest.listen");
    EXPECT_EQ(items[0].at("value").as_string(), "127.0.0.1:7400");
    EXPECT_EQ(items[0].at("origin").as_string(), "penstock.toml:12");
}

TEST(HttpProblems, EveryTypeInTheSourceIsInTheApisDocument) {
    const auto text_of = [](const std::filesystem::path& file) {
        std::ifstream in(file);
        return std::string{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    };
    const std::filesystem::path source(PENSTOCK_SOURCE_DIR);
    const std::string document = text_of(source / "schemas/openapi.yaml");
    const auto listed = [&](std::string_view slug) {
        return document.find(fmt::format("- urn:penstock:problem:{}\n", slug)) != std::string::npos;
    };
    const std::regex made(R"re((problem\(|return \{)\s*[45]\d\d,\s*"([a-z-]+)")re");
    size_t found = 0;
    for (const auto& file : std::filesystem::directory_iterator(source / "admin/http")) {
        if (file.path().extension() != ".cpp") continue;
        const std::string text = text_of(file);
        for (std::sregex_iterator at(text.begin(), text.end(), made), end; at != end; ++at, ++found)
            EXPECT_TRUE(listed((*at)[2].str())) << (*at)[2] << " of " << file.path();
    }
    EXPECT_GT(found, 80u);
    for (const RefusalInfo& cause : kRefusals)
        EXPECT_TRUE(cause.name == "none" || listed(cause.name)) << cause.name;
}

TEST_F(HttpServerTest, WhatIsNotThereIsAProblem) {
    expect_problem(get("/nowhere"), 404, "not-found");
    expect_problem(get("/api/v1/events/1/more"), 404, "not-found");
    expect_problem(get("/assets/0123/page.css"), 404, "not-found");
    expect_problem(get("/api/v1/events/12"), 404, "no-such-event");
    expect_problem(get("/api/v1/events/x"), 400, "bad-parameter");
}

TEST_F(HttpServerTest, OtherMethodsAreToldWhatIsAllowed) {
    for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "BREW"}) {
        const HttpAnswer answer = HttpClient(server->port()).request(method, "/healthz");
        EXPECT_EQ(answer.status, 405) << method;
        EXPECT_EQ(answer.header("allow"), "GET, HEAD") << method;
    }
}

TEST_F(HttpServerTest, HeadTellsTheLengthWithoutTheBody) {
    HttpClient client(server->port());
    const HttpAnswer head = client.request("HEAD", "/");
    EXPECT_EQ(head.status, 200);
    EXPECT_EQ(head.header("content-length"), std::to_string(client.get("/").body.size()));
    EXPECT_EQ(client.get("/healthz").body, R"({"status":"alive"})") << "the connection goes on after it";
}

TEST_F(HttpServerTest, WrongParametersAreAllListed) {
    const HttpAnswer answer = get("/api/v1/events?limit=0&befor=7&type=%zz&region=eu&region=us");
    expect_problem(answer, 400, "bad-parameter");
    const auto errors = boost::json::parse(answer.body).at("errors").as_array();
    ASSERT_EQ(errors.size(), 4u);
    EXPECT_EQ(get("/api/v1/events?limit=501").status, 400);
    EXPECT_EQ(get("/api/v1/deadletters?subject=x").status, 400);
}

TEST_F(HttpServerTest, PagesAreLinked) {
    std::vector<test::LoggedEvent> events(5);
    for (size_t i = 0; i < events.size(); ++i) events[i] = {.id = std::to_string(i), .subject = "case & 1"};
    hot.append(events);
    std::string target = "/api/v1/events?limit=2&subject=case+%26+1";
    size_t found = 0;
    while (true) {
        const HttpAnswer answer = get(target);
        ASSERT_EQ(answer.status, 200);
        const auto page = boost::json::parse(answer.body);
        found += page.at("items").as_array().size();
        if (page.at("next").is_null()) {
            EXPECT_EQ(answer.header("link"), "");
            break;
        }
        target = page.at("next").as_string().c_str();
        EXPECT_EQ(answer.header("link"), "<" + target + ">; rel=\"next\"");
    }
    EXPECT_EQ(found, 5u);
}

TEST_F(HttpServerTest, OnlyLoopbackNamesAreAnsweredOnLoopback) {
    for (const char* host :
         {"localhost", "localhost:3000", "LOCALHOST", "127.0.0.1:80", "127.8.9.1", "[::1]", "[::1]:3000"}) {
        EXPECT_EQ(get("/healthz", std::string("Host: ") + host + "\r\n").status, 200) << host;
    }
    for (const char* host : {"evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "[::1",
                             "localhost:99999", "localhost:x", "10.0.0.1", "", "2130706433"}) {
        expect_problem(get("/healthz", std::string("Host: ") + host + "\r\n"), 421, "misdirected");
    }
    expect_problem(get("/healthz", "Host: localhost\r\nHost: evil.example\r\n"), 400, "bad-host");
    HttpClient client(server->port());
    client.send("GET /healthz HTTP/1.1\r\n\r\n");
    expect_problem(client.receive(), 400, "bad-host");
}

TEST_F(HttpServerTest, OversizeRequestsAreRefusedNotRead) {
    expect_problem(get("/healthz", "X-Long: " + std::string(20'000, 'a') + "\r\n"), 431, "header-too-large");
    HttpClient client(server->port());
    client.send("POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000000\r\n\r\n" +
                std::string(70'000, 'b'));
    expect_problem(client.receive(), 413, "body-too-large");
    EXPECT_EQ(get("/healthz", "Expect: 100-continue\r\nContent-Length: 10\r\n").status, 200);
}

TEST_F(HttpServerTest, NonsenseIsRefusedAndTheConnectionClosed) {
    HttpClient client(server->port());
    client.send("\x16\x03\x01 is not HTTP\r\n\r\n");
    expect_problem(client.receive(), 400, "bad-request");
    EXPECT_TRUE(client.closed());
    expect_problem(get("http://localhost/healthz"), 400, "bad-request");
}

TEST_F(HttpServerTest, SeveralRequestsShareAConnection) {
    HttpClient client(server->port());
    client.send(
        "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_EQ(client.receive().body, R"({"status":"alive"})");
    EXPECT_EQ(client.receive().body, R"({"status":"ready"})");
    client.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(client.receive().status, 200);
    EXPECT_TRUE(client.closed());
}

TEST_F(HttpServerTest, TheConsoleRunsAndIsStyledByItsNonceAlone) {
    if (http::console_files().empty()) GTEST_SKIP() << "built without the console";
    const HttpAnswer page = get("/console/some/page?q=1");
    EXPECT_EQ(page.header("content-type"), "text/html; charset=utf-8");
    EXPECT_EQ(page.header("cache-control"), "no-cache");
    const std::string policy = page.header("content-security-policy");
    EXPECT_NE(policy.find("default-src 'none'"), std::string::npos);
    EXPECT_NE(policy.find("frame-ancestors 'none'"), std::string::npos);
    EXPECT_NE(policy.find("require-trusted-types-for 'script'"), std::string::npos);
    EXPECT_EQ(policy.find("unsafe"), std::string::npos);
    const size_t at = policy.find("'nonce-") + 7;
    const std::string nonce = policy.substr(at, policy.find('\'', at) - at);
    EXPECT_GE(nonce.size(), 22u);
    EXPECT_NE(page.body.find("nonce=\"" + nonce + "\""), std::string::npos);
    EXPECT_EQ(page.body.find("@NONCE@"), std::string::npos);
    EXPECT_NE(get("/").header("content-security-policy"), policy) << "each answer has a nonce of its own";
    EXPECT_EQ(HttpClient(server->port()).request("POST", "/console/").status, 405);
}

TEST_F(HttpServerTest, TheConsolesFilesComeInTheBestFormThatTheClientTakes) {
    if (http::console_files().empty()) GTEST_SKIP() << "built without the console";
    size_t compressed = 0;
    for (const http::ConsoleFile& file : http::console_files()) {
        const std::string path(file.path);
        const HttpAnswer plain = get(path);
        EXPECT_EQ(plain.body, file.plain) << path;
        EXPECT_EQ(plain.header("content-encoding"), "");
        EXPECT_EQ(plain.header("vary"), "Accept-Encoding");
        EXPECT_NE(plain.header("cache-control").find("immutable"), std::string::npos);
        if (file.brotli.empty() || file.gzip.empty()) continue;
        ++compressed;
        const HttpAnswer best = get(path, "Accept-Encoding: gzip, deflate, br\r\n");
        EXPECT_EQ(best.header("content-encoding"), "br");
        EXPECT_EQ(best.body, file.brotli);
        EXPECT_EQ(get(path, "Accept-Encoding: br;q=0, gzip;q=0.5\r\n").body, file.gzip);
        EXPECT_EQ(get(path, "Accept-Encoding: *\r\n").body, file.brotli);
        EXPECT_EQ(get(path, "Accept-Encoding: *;q=0\r\n").body, file.plain);
        EXPECT_EQ(get(path, "Accept-Encoding: identity, gzip;q=0.0\r\n").body, file.plain);
    }
    EXPECT_GE(compressed, 2u);
    EXPECT_EQ(get("/assets/index-00000000.js").status, 404);
}

TEST_F(HttpServerTest, ConnectionsAreBounded) {
    start({.listen = "127.0.0.1:0", .connections_max = 3});
    std::vector<std::unique_ptr<HttpClient>> held;
    for (int i = 0; i < 3; ++i) {
        held.push_back(std::make_unique<HttpClient>(server->port()));
        EXPECT_EQ(held.back()->get("/healthz").status, 200);
    }
    HttpClient turned_away(server->port());
    const HttpAnswer answer = turned_away.receive();
    EXPECT_EQ(answer.status, 503);
    EXPECT_EQ(answer.header("retry-after"), "5");
    held.pop_back();
    // The place is free as soon as the server has seen the end.
    int status = 0;
    for (int i = 0; i < 100 && status != 200; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        HttpClient next(server->port());
        next.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
        status = next.receive().status;
    }
    EXPECT_EQ(status, 200);
}

TEST_F(HttpServerTest, ATakenAddressIsNamedWithTheRemedy) {
    const std::string address = "127.0.0.1:" + std::to_string(server->port());
    HttpServer second({.listen = address}, parts());
    try {
        second.start();
        FAIL() << "two servers on one address";
    } catch (const HttpServerError& e) {
        EXPECT_NE(std::string(e.what()).find(address), std::string::npos);
        EXPECT_NE(std::string(e.what()).find("http.listen"), std::string::npos);
    }
    for (const char* wrong : {"", "localhost", "127.0.0.1:", "127.0.0.1:70000", ":3000", "127.0.0.1:a"}) {
        HttpServer bad({.listen = wrong}, parts());
        EXPECT_THROW(bad.start(), HttpServerError) << wrong;
    }
}

TEST_F(HttpServerTest, StopsAtOnceAndTwice) {
    HttpClient idle(server->port());
    EXPECT_EQ(idle.get("/healthz").status, 200);
    const auto began = std::chrono::steady_clock::now();
    server->stop();
    server->stop();
    EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(450));
    HttpServer never_started({.listen = "127.0.0.1:0"}, parts());
    never_started.stop();
}

TEST(HttpOrigin, APageOfAnotherSiteIsForeign) {
    EXPECT_TRUE(http::same_origin("", "localhost:3000"));
    EXPECT_TRUE(http::same_origin("http://localhost:3000", "localhost:3000"));
    EXPECT_TRUE(http::same_origin("https://wall.example", "WALL.example"));
    EXPECT_FALSE(http::same_origin("http://localhost:3001", "localhost:3000"));
    EXPECT_FALSE(http::same_origin("http://evil.example", "localhost:3000"));
    EXPECT_FALSE(http::same_origin("null", "localhost:3000"));
    EXPECT_FALSE(http::same_origin("file://", ""));
}

}  // namespace
}  // namespace penstock

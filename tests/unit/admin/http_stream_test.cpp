#include <gtest/gtest.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>
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

namespace beast = boost::beast;
using boost::asio::ip::tcp;

/// A WebSocket client that waits for each message.
class StreamReader {
  public:
    StreamReader(uint16_t port, const std::string& origin = {}, const std::string& query = {}) {
        socket_.next_layer().connect({boost::asio::ip::address_v4::loopback(), port});
        timeval patience{5, 0};
        ::setsockopt(socket_.next_layer().native_handle(), SOL_SOCKET, SO_RCVTIMEO, &patience,
                     sizeof patience);
        if (!origin.empty()) {
            socket_.set_option(
                beast::websocket::stream_base::decorator([origin](beast::websocket::request_type& request) {
                    request.set(beast::http::field::origin, origin);
                }));
        }
        socket_.handshake(refusal, "localhost:" + std::to_string(port), "/api/v1/stream" + query, error);
    }
    boost::json::value next() {
        beast::flat_buffer buffer;
        socket_.read(buffer, error);
        if (error) return nullptr;
        return boost::json::parse(beast::buffers_to_string(buffer.data()));
    }
    void say(const std::string& text) { socket_.write(boost::asio::buffer(text), error); }
    auto close_reason() const { return socket_.reason(); }

    beast::error_code error;
    beast::websocket::response_type refusal;

  private:
    boost::asio::io_context io_;
    beast::websocket::stream<tcp::socket> socket_{io_};
};

struct HttpStream : testing::Test {
    SystemClock clock;
    test::HotLog hot;
    Telemetry telemetry;
    DeadLetterBook book;
    LetterMailbox letters{1};
    AlertBook alerts;
    ControlMailbox control_requests{4};
    std::unique_ptr<HttpServer> server;

    void SetUp() override {
        telemetry.readiness = Readiness::kReady;
        server = std::make_unique<HttpServer>(
            HttpServer::Options{.listen = "127.0.0.1:0"},
            test::http_parts(telemetry, hot.log(), clock, book, letters, control_requests, alerts));
        server->start();
    }
    void append(size_t events) {
        hot.append(std::vector<test::LoggedEvent>(events, {.id = "e", .data = "{}"}));
    }
};

TEST_F(HttpStream, WhoComesAgainBeginsBehindWhatItHasSeen) {
    append(40);
    StreamReader again(server->port(), {}, "?since=5");
    auto hello = again.next();
    ASSERT_FALSE(again.error);
    EXPECT_EQ(hello.at("kind").as_string(), "hello");
    ASSERT_EQ(hello.at("events").as_array().size(), 20u);
    EXPECT_EQ(hello.at("events_skipped").to_number<int>(), 15);
    StreamReader close(server->port(), {}, "?since=38");
    hello = close.next();
    EXPECT_EQ(hello.at("events").as_array().size(), 2u);
    EXPECT_EQ(hello.at("events_skipped").to_number<int>(), 0);
    StreamReader up_to_date(server->port(), {}, "?since=40");
    hello = up_to_date.next();
    EXPECT_EQ(hello.at("events").as_array().size(), 0u);
    StreamReader ahead(server->port(), {}, "?since=4000");
    EXPECT_EQ(ahead.next().at("events").as_array().size(), 20u) << "of another log: from the newest on";
    StreamReader wrong(server->port(), {}, "?since=x");
    EXPECT_EQ(wrong.refusal.result_int(), 400u);
}

TEST_F(HttpStream, BeginsWithWhatIsAndGoesOnWithWhatComes) {
    append(3);
    StreamReader reader(server->port(), "http://localhost:" + std::to_string(server->port()));
    ASSERT_FALSE(reader.error) << reader.error.message();
    const auto hello = reader.next();
    EXPECT_EQ(hello.at("kind").as_string(), "hello");
    EXPECT_EQ(hello.at("status").at("readiness").as_string(), "ready");
    EXPECT_EQ(hello.at("events").as_array().size(), 3u);
    EXPECT_TRUE(hello.at("trend").at("points").is_array());
    append(25);
    const auto began = std::chrono::steady_clock::now();
    auto push = reader.next();
    while (!push.is_null() && push.at("events").as_array().empty()) push = reader.next();
    ASSERT_FALSE(push.is_null()) << reader.error.message();
    EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(1500));
    EXPECT_EQ(push.at("kind").as_string(), "push");
    EXPECT_EQ(push.at("events").as_array().size(), 20u);
    EXPECT_EQ(push.at("events_skipped").as_int64(), 5);
    EXPECT_EQ(push.at("events").at(0).at("seq").as_int64(), 28);
    EXPECT_FALSE(push.at("events").at(0).as_object().contains("data"));
    EXPECT_FALSE(push.as_object().contains("trend"));
}

TEST_F(HttpStream, ClientsShareASnapshotAndMayLeave) {
    StreamReader first(server->port());
    first.next();
    {
        StreamReader second(server->port());
        second.next();
        second.say("nobody listens to this");
        EXPECT_EQ(second.next().at("status").at("http").at("stream_clients").as_int64(), 2);
    }
    int64_t clients = 2;
    for (int i = 0; i < 6 && clients != 1; ++i)
        clients = first.next().at("status").at("http").at("stream_clients").as_int64();
    EXPECT_EQ(clients, 1);
}

TEST_F(HttpStream, PagesOfOtherSitesMayNotListen) {
    StreamReader foreign(server->port(), "http://evil.example");
    EXPECT_EQ(foreign.error, beast::websocket::error::upgrade_declined);
    EXPECT_EQ(foreign.refusal.result_int(), 403u);
    EXPECT_EQ(foreign.refusal[beast::http::field::content_type], "application/problem+json");
}

TEST_F(HttpStream, PlainRequestsAreToldToUpgrade) {
    const auto answer = test::HttpClient(server->port()).get("/api/v1/stream");
    EXPECT_EQ(answer.status, 426);
    EXPECT_EQ(answer.header("upgrade"), "websocket");
}

TEST_F(HttpStream, AMessageTooLongEndsTheConnection) {
    StreamReader reader(server->port());
    reader.next();
    reader.say(std::string(100'000, 'x'));
    while (!reader.error) reader.next();
    EXPECT_EQ(test::HttpClient(server->port()).get("/healthz").status, 200);
}

TEST_F(HttpStream, SaysGoodbye) {
    StreamReader reader(server->port());
    reader.next();
    std::thread stopping([&] { server->stop(); });
    while (!reader.error) reader.next();
    stopping.join();
    EXPECT_EQ(reader.error, beast::websocket::error::closed);
    EXPECT_EQ(reader.close_reason().code, beast::websocket::close_code::going_away);
}

}  // namespace
}  // namespace penstock

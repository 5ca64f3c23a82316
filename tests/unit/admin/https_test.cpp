// The admin side over TLS, with real handshakes.
#include <gtest/gtest.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <boost/json.hpp>
#include <filesystem>

#include "admin/cli/http_call.h"
#include "admin/cli/terminal.h"
#include "admin/http/server.h"
#include "stages/alert/alert_book.h"
#include "tests/support/hot_log.h"
#include "tests/support/http_client.h"
#include "tests/support/http_parts.h"
#include "tests/support/receiver.h"
#include "tests/support/tls_peer.h"

namespace penstock::test {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace bhttp = beast::http;

struct HttpsTest : testing::Test {
    SystemClock clock;
    HotLog hot;
    Telemetry telemetry;
    DeadLetterBook book;
    LetterMailbox letters{4};
    AlertBook alerts;
    ControlMailbox control_requests{4};
    const LocalCertificate certificate;
    TlsIdentity identity{certificate.file(), certificate.key_file()};
    std::unique_ptr<HttpServer> server;

    void SetUp() override {
        telemetry.readiness = Readiness::kReady;
        start(0);
    }
    void start(uint64_t hsts_s) {
        server = std::make_unique<HttpServer>(
            HttpServer::Options{.listen = "127.0.0.1:0", .tls = &identity, .hsts_s = hsts_s},
            http_parts(telemetry, hot.log(), clock, book, letters, control_requests, alerts));
        server->start();
    }
    cli::ApiAddress api(const std::string& host, const std::string& ca) const {
        return {{host, server->port()}, {.wanted = true, .ca_file = ca, .certificate = {}}};
    }
    std::string why_not(const cli::ApiAddress& address) const {
        try {
            cli::http_get(address, "/healthz");
            return "";
        } catch (const cli::CommandError& e) {
            return e.what();
        }
    }
};

/// A browser's way: one connection, several requests.
class TlsHttp {
  public:
    TlsHttp(uint16_t port, const std::string& ca) {
        context_.load_verify_file(ca);
        stream_.set_verify_mode(asio::ssl::verify_peer);
        stream_.next_layer().connect({asio::ip::address_v4::loopback(), port});
        stream_.handshake(asio::ssl::stream_base::client);
    }
    bhttp::response<bhttp::string_body> get(const std::string& target, bool close = false) {
        bhttp::request<bhttp::empty_body> request(bhttp::verb::get, target, 11);
        request.set(bhttp::field::host, "localhost");
        request.keep_alive(!close);
        bhttp::write(stream_, request);
        bhttp::response<bhttp::string_body> answer;
        bhttp::read(stream_, buffer_, answer);
        return answer;
    }
    /// After the last answer: whether the server ended as TLS has it.
    bool farewell() {
        char c;
        beast::error_code ec;
        stream_.read_some(asio::buffer(&c, 1), ec);
        return ec == asio::error::eof;
    }

  private:
    asio::io_context io_;
    asio::ssl::context context_{asio::ssl::context::tls_client};
    beast::flat_buffer buffer_;
    asio::ssl::stream<asio::ip::tcp::socket> stream_{io_, context_};
};

TEST_F(HttpsTest, RequestsAreAnsweredOnOneConnectionUntilItsEnd) {
    TlsHttp client(server->port(), certificate.file());
    for (int i = 0; i < 3; ++i) {
        const auto answer = client.get("/api/v1/status");
        EXPECT_EQ(answer.result_int(), 200u);
        EXPECT_TRUE(boost::json::parse(answer.body()).is_object());
        EXPECT_EQ(answer.count(bhttp::field::strict_transport_security), 0u) << "only when asked";
    }
    EXPECT_EQ(client.get("/healthz", true).result_int(), 200u);
    EXPECT_TRUE(client.farewell());
}

TEST_F(HttpsTest, BrowsersAreToldToComeByHttpsWhereAsked) {
    start(86'400);
    EXPECT_EQ(
        TlsHttp(server->port(), certificate.file()).get("/healthz")[bhttp::field::strict_transport_security],
        "max-age=86400");
    const HttpAnswer plain = HttpClient(server->port()).get("/healthz");
    EXPECT_EQ(plain.header("strict-transport-security"), "");
}

TEST_F(HttpsTest, PlainHttpIsToldToUseHttps) {
    HttpClient client(server->port());
    const HttpAnswer answer = client.get("/api/v1/status");
    EXPECT_EQ(answer.status, 400);
    EXPECT_EQ(answer.header("content-type"), "application/problem+json");
    EXPECT_EQ(boost::json::parse(answer.body).at("type").as_string(), "urn:penstock:problem:tls-required");
    EXPECT_NE(answer.body.find("https://"), std::string::npos);
    EXPECT_TRUE(client.closed());
}

TEST_F(HttpsTest, TheLiveStreamComesByTls) {
    asio::io_context io;
    asio::ssl::context context(asio::ssl::context::tls_client);
    context.load_verify_file(certificate.file());
    beast::websocket::stream<asio::ssl::stream<asio::ip::tcp::socket>> socket(io, context);
    beast::get_lowest_layer(socket).connect({asio::ip::address_v4::loopback(), server->port()});
    socket.next_layer().handshake(asio::ssl::stream_base::client);
    socket.handshake("localhost", "/api/v1/stream");
    beast::flat_buffer buffer;
    socket.read(buffer);
    EXPECT_EQ(boost::json::parse(beast::buffers_to_string(buffer.data())).at("kind").as_string(), "hello");
    server->stop();
    beast::error_code ec;
    buffer.clear();
    while (!ec) socket.read(buffer, ec);
    EXPECT_EQ(socket.reason().code, beast::websocket::close_code::going_away) << ec.message();
}

TEST_F(HttpsTest, WhoStopsInsideTheHandshakeHoldsUpNobody) {
    TlsPeer half(server->port()), silent(server->port());
    half.wire.resize(half.wire.size() / 2);
    half.work();
    EXPECT_EQ(TlsHttp(server->port(), certificate.file()).get("/healthz").result_int(), 200u);
    for (int i = 0; i < 50; ++i) {
        TlsPeer gone(server->port());
        gone.work(static_cast<size_t>(i) * 10);
    }
    EXPECT_EQ(TlsHttp(server->port(), certificate.file()).get("/healthz").result_int(), 200u);
}

TEST_F(HttpsTest, ANewCertificateIsShownWithoutARestart) {
    TlsHttp before(server->port(), certificate.file());
    EXPECT_EQ(before.get("/healthz").result_int(), 200u);
    const LocalCertificate next;
    std::filesystem::copy_file(next.file(), certificate.file(),
                               std::filesystem::copy_options::overwrite_existing);
    std::filesystem::copy_file(next.key_file(), certificate.key_file(),
                               std::filesystem::copy_options::overwrite_existing);
    identity.reload_changed_files();
    EXPECT_EQ(TlsHttp(server->port(), next.file()).get("/healthz").result_int(), 200u);
    EXPECT_EQ(before.get("/healthz").result_int(), 200u) << "open connections go on";
}

TEST_F(HttpsTest, CommandsBelieveOnlyWhomTheyShould) {
    EXPECT_EQ(why_not(api("localhost", certificate.file())), "");
    const LocalCertificate stranger;
    EXPECT_NE(why_not(api("localhost", stranger.file())).find("certificate"), std::string::npos);
    EXPECT_NE(why_not(api("localhost", "")).find("self-signed certificate"), std::string::npos);
    const std::string other_name = why_not(api("127.0.0.1", certificate.file()));
    EXPECT_NE(other_name.find("mismatch"), std::string::npos) << other_name;
}

TEST_F(HttpsTest, ACertificateThatIsNamedIsBelievedWhateverItsNameAndAge) {
    const LocalCertificate expired(-3'600), stranger;
    identity.~TlsIdentity();
    new (&identity) TlsIdentity(expired.file(), expired.key_file());
    start(0);
    EXPECT_NE(why_not(api("localhost", expired.file())).find("expired"), std::string::npos);
    cli::ApiAddress address = api("127.0.0.1", "");
    address.tls.certificate = expired.file();
    EXPECT_EQ(why_not(address), "");
    address.tls.certificate = stranger.file();
    EXPECT_NE(why_not(address), "");
}

}  // namespace
}  // namespace penstock::test

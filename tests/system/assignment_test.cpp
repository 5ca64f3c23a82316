// What people are given to review reaches them: on their live stream, and by mail where they wish it.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/core/detail/base64.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/json.hpp>

#include "tests/support/appliance_process.h"
#include "tests/support/http_exchange.h"
#include "tests/support/smtp_receiver.h"

namespace penstock::test {
namespace {

namespace beast = boost::beast;
namespace json = boost::json;

class Assignments : public testing::Test {
  protected:
    Assignments() {
        appliance.set_config(fmt::format(
            "[review]\nmail = \"office\"\nmail_wait_s = 1\n[[review.queue]]\nname = \"alarms\"\ntypes = "
            "[\"alarm\"]\n[[notify.target]]\nname = \"office\"\nkind = \"mail\"\nhost = \"127.0.0.1\"\nport "
            "= "
            "{}\ntls = \"none\"\nfrom = \"penstock@example.org\"\nto = "
            "[\"desk@example.org\"]\n[[region]]\nname "
            "= \"us\"\n",
            smtp.port()));
        appliance.start();
    }
    HttpExchange::Answer ask(const std::string& method, const std::string& path, const std::string& body,
                             const std::string& cookie = {}) const {
        HttpExchange::Headers headers{{"Content-Type", "application/json"}};
        if (!cookie.empty()) headers["Cookie"] = cookie;
        return HttpExchange(std::to_string(appliance.http_port())).ask(method, path, headers, body);
    }
    /// Her session's cookie.
    std::string add_ann() const {
        const CommandResult made =
            penstock({"user", "add", "ann", "--role", "operator", "--email", "ann@example.org", "--password",
                      "--server", fmt::format("127.0.0.1:{}", appliance.http_port())},
                     "correct horse battery\n");
        EXPECT_EQ(made.exit_code, 0) << made.err;
        const auto in =
            ask("POST", "/api/v1/session", R"({"name":"ann","password":"correct horse battery"})");
        EXPECT_EQ(in.status, 201u) << in.body;
        const std::string cookie = in.headers.at("set-cookie");
        return cookie.substr(0, cookie.find(';'));
    }
    void wish(const std::string& cookie, const std::string& how) const {
        const auto kept =
            ask("PUT", "/api/v1/preferences", fmt::format(R"({{"assignments":"{}"}})", how), cookie);
        EXPECT_EQ(kept.status, 200u) << kept.body;
    }
    void alarm(const std::string& id) const {
        const TemporaryFile file(
            "events.ndjson",
            fmt::format(
                R"({{"specversion":"1.0","id":"{}","source":"/cam","type":"alarm","subject":"gate-{}"}})", id,
                id) +
                "\n");
        EXPECT_EQ(penstock({"send", file.path(), "--to", appliance.events()}).exit_code, 0);
    }
    static std::string text_of(const SmtpMail& mail) {
        std::string encoded = mail.message.substr(mail.message.find("\r\n\r\n") + 4), text;
        std::erase_if(encoded, [](char c) { return c == '\r' || c == '\n'; });
        text.resize(encoded.size());
        text.resize(beast::detail::base64::decode(text.data(), encoded.data(), encoded.size()).first);
        return text;
    }
    bool has_mails(size_t count) {
        return eventually([&] { return smtp.mails().size() >= count; });
    }

    SmtpReceiver smtp;
    ApplianceProcess appliance;
};

TEST_F(Assignments, AreMailedToWhoWishesItAndToldOnceAlsoAcrossAKill) {
    const std::string cookie = add_ann();
    alarm("1");
    EXPECT_TRUE(eventually([&] {
        return ask("GET", "/api/v1/review/items?holder=me", "", cookie).body.find("gate-1") !=
               std::string::npos;
    }));
    EXPECT_TRUE(smtp.mails().empty()) << "she has not asked for mails";
    wish(cookie, "mail");
    ASSERT_TRUE(has_mails(1));
    const SmtpMail first = smtp.mails()[0];
    EXPECT_EQ(first.to, std::vector<std::string>{"<ann@example.org>"}) << "and nobody else";
    EXPECT_NE(text_of(first).find("gate-1"), std::string::npos) << first.message;
    // That it was told is a record soon; the trail of a stop in order has it surely.
    appliance.stop();
    appliance.start();
    appliance.kill9();
    appliance.start();
    ask("GET", "/api/v1/session", "", cookie);
    alarm("2");
    ASSERT_TRUE(has_mails(2));
    EXPECT_EQ(text_of(smtp.mails()[1]).find("gate-1"), std::string::npos) << "told before";
    EXPECT_NE(text_of(smtp.mails()[1]).find("gate-2"), std::string::npos);
    EXPECT_EQ(smtp.mails().size(), 2u);
    appliance.stop();
}

TEST_F(Assignments, AreToldOnTheStreamOfWhomTheyAreFor) {
    const std::string cookie = add_ann();
    boost::asio::io_context io;
    beast::websocket::stream<beast::tcp_stream> socket(io);
    beast::get_lowest_layer(socket).connect(
        boost::asio::ip::tcp::endpoint(boost::asio::ip::make_address("127.0.0.1"), appliance.http_port()));
    socket.set_option(beast::websocket::stream_base::decorator(
        [&](beast::websocket::request_type& request) { request.set("Cookie", cookie); }));
    const std::string host = fmt::format("127.0.0.1:{}", appliance.http_port());
    socket.handshake(host, "/api/v1/ws");
    alarm("1");
    std::string told;
    for (int i = 0; i < 40 && told.empty(); ++i) {
        beast::flat_buffer buffer;
        socket.read(buffer);
        const std::string text = beast::buffers_to_string(buffer.data());
        if (json::parse(text).at("kind").as_string() == "assigned") told = text;
    }
    EXPECT_NE(told.find("\"gate-1\""), std::string::npos) << told;
    appliance.stop();
}

}  // namespace
}  // namespace penstock::test

// Commands under an Idempotency-Key with the real program, through a restart and a kill.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>

#include "admin/http/text.h"
#include "pipeline/clock.h"
#include "tests/support/appliance_process.h"
#include "tests/support/http_exchange.h"

namespace penstock::test {
namespace {

namespace json = boost::json;
using Headers = HttpExchange::Headers;
using Answer = HttpExchange::Answer;

class Idempotency : public testing::Test {
  protected:
    struct Command {
        std::string method, target, body;
        Headers who;
        Answer first;
    };
    void SetUp() override {
        appliance.start();
        connect();
        std::string key;
        std::ifstream(appliance.data_dir() + "/admin.key") >> key;
        admin = {{"X-API-Key", key}};
    }
    void connect() { client = std::make_unique<HttpExchange>(std::to_string(appliance.http_port())); }
    Answer ask(const Command& c, const std::string& key, const std::string& body) {
        Headers headers = c.who;
        headers["Idempotency-Key"] = key;
        return client->ask(c.method, c.target, headers, body);
    }
    json::value done(const std::string& method, const std::string& target, const std::string& body = "",
                     const Headers& who = {}) {
        Command c{method, target, body, who.empty() ? admin : who, {}};
        c.first = ask(c, fmt::format("key-{}", commands.size()), body);
        EXPECT_LT(c.first.status, 300u) << method << " " << target << " " << c.first.body;
        EXPECT_FALSE(c.first.headers.contains("idempotent-replayed"));
        commands.push_back(c);
        json::error_code failed;
        return json::parse(c.first.body, failed);
    }
    void check_all_again() {
        for (size_t i = 0; i < commands.size(); ++i) {
            const Command& c = commands[i];
            const std::string key = fmt::format("key-{}", i);
            const Answer again = ask(c, key, c.body);
            EXPECT_EQ(again.status, c.first.status) << c.method << " " << c.target << " " << again.body;
            EXPECT_EQ(again.headers.contains("idempotent-replayed"), true) << c.method << " " << c.target;
            if (again.body.find("\"withheld\"") == std::string::npos)
                EXPECT_EQ(again.body, c.first.body) << c.method << " " << c.target;
            for (const char* name : {"location", "content-type"})
                EXPECT_EQ(again.headers.contains(name), c.first.headers.contains(name)) << c.target << name;
            const Answer other = ask(c, key, c.body.empty() ? R"({"x":1})" : c.body + " ");
            EXPECT_EQ(other.status, 422u) << c.method << " " << c.target << " " << other.body;
        }
    }
    static std::string text(const json::value& of, std::string_view name) {
        const json::value& v = of.at(name);
        return v.is_string() ? std::string(v.get_string()) : json::serialize(v);
    }

    ApplianceProcess appliance{"[access]\ndemo = true\n[routing]\nunknown_region = \"refuse\"\n"};
    std::unique_ptr<HttpExchange> client;
    Headers admin;
    std::vector<Command> commands;
};

TEST_F(Idempotency, EveryCommandIsDoneOnceAndAnsweredAlikeAlsoAfterARestartAndAKill) {
    const json::value tenant = done("POST", "/api/v1/tenants", R"({"name":"acme"})");
    done("PATCH", "/api/v1/tenants/acme", R"({"rate_limit":9})");
    done("POST", "/api/v1/tenants/acme/keys", "{}");
    done("DELETE", "/api/v1/tenants/acme/keys/" + text(tenant.at("keys").at(0), "id"));
    const std::string key = text(done("POST", "/api/v1/keys", R"({"name":"wall","role":"viewer"})"), "id");
    done("POST", "/api/v1/keys/" + key + "/rotate", "{}");
    done("DELETE", "/api/v1/keys/" + key);
    done("POST", "/api/v1/users",
         R"({"name":"ann","role":"operator","password":"open sesame","token":true})");
    done("PATCH", "/api/v1/users/ann", R"({"display_name":"Ann"})");
    done("POST", "/users/ann/active", "{}");
    done("DELETE", "/api/v1/users/ann/active");
    const Answer in =
        client->ask("POST", "/api/v1/session", {}, R"({"name":"emma.wilson","password":"pass123"})");
    const std::string& cookie = in.headers.at("set-cookie");
    const Headers emma{{"Cookie", cookie.substr(0, cookie.find(';'))}};
    done("PUT", "/api/v1/preferences", R"({"theme":"dark"})", emma);
    client->ask("POST", "/api/v1/session", {}, R"({"name":"mike.ross","password":"pass123"})");
    const json::value sessions =
        json::parse(client->ask("GET", "/api/v1/sessions?user=mike.ross", admin).body);
    done("DELETE", "/api/v1/sessions/" + text(sessions.at("items").at(0), "id"));
    done("DELETE", "/api/v1/users/ann");

    const std::string document =
        R"({"name":"parcels","key":"subject","edges":[{"from":"taken","to":"shipped","within_ms":300}]})";
    done("POST", "/api/v1/workflows?state=active", document);
    done("POST", "/api/v1/workflows", document);
    done("POST", "/api/v1/workflows/parcels/versions/2", R"({"action":"discard"})");
    done("POST", "/api/v1/workflows/parcels/versions/1", R"({"action":"retire"})");
    done("POST", "/api/v1/workflows/parcels/versions/1", R"({"action":"activate"})");

    const auto event = [](const std::string& id, const std::string& more) {
        return fmt::format(
            R"({{"specversion":"1.0","id":"{}","source":"/s","type":"taken","subject":"p-{}"{}}})", id, id,
            more);
    };
    for (const char* id : {"1", "2"})
        EXPECT_EQ(client->ask("POST", "/api/v1/events", admin, event(id, R"(,"region":"atlantis")")).status,
                  422u);
    const json::value letters = json::parse(client->ask("GET", "/api/v1/deadletters", admin).body);
    const auto letter = [&](size_t i) {
        return "/api/v1/deadletters/" + text(letters.at("items").at(i), "seq");
    };
    done("POST", letter(0) + "/drop", R"({"note":"nobody needs it"})");
    done("POST", letter(1) + "/retry", json::serialize(json::object{{"replace", event("1", "")}}));

    std::string alert;
    ASSERT_TRUE(eventually([&] {
        const json::value list = json::parse(client->ask("GET", "/api/v1/alerts?state=firing", admin).body);
        if (!list.at("items").as_array().empty())
            alert = "/api/v1/alerts/" + text(list.at("items").at(0), "id");
        return !alert.empty();
    })) << appliance.log_text();
    const auto command = [&](const std::string& what, const std::string& more) {
        const std::string version = text(json::parse(client->ask("GET", alert, admin).body), "version");
        done("POST", alert + "/" + what, fmt::format(R"({{"version":{}{}}})", version, more));
    };
    command("ack", R"(,"note":"on it")");
    command("assign", R"(,"to":"bob")");
    command("unack", "");
    command("resolve", R"(,"note":"lost")");
    const std::string matching =
        fmt::format(R"({{"workflow":"parcels","owner":"bob","reason":"the scale","end":"{}"}})",
                    http::rfc3339(SystemClock().wall_ns() + 3'600'000'000'000));
    const std::string silence = text(done("POST", "/api/v1/silences", matching), "id");
    done("POST", "/api/v1/silences/" + silence + "/expire", "{}");
    const std::string window = text(done("POST", "/api/v1/maintenance", matching), "id");
    done("DELETE", "/api/v1/maintenance/" + window);
    const std::string run =
        text(done("POST", "/api/v1/simulations", R"({"workflow":"parcels","version":1})"), "id");
    done("DELETE", "/api/v1/simulations/" + run);

    const auto count = [&](const std::string& list) {
        return json::parse(client->ask("GET", list, admin).body).at("items").as_array().size();
    };
    const size_t silences = count("/api/v1/silences"), versions = count("/api/v1/workflows/parcels/versions");
    check_all_again();
    appliance.stop();
    appliance.start();
    connect();
    check_all_again();
    appliance.kill9();
    appliance.start();
    connect();
    check_all_again();
    EXPECT_EQ(count("/api/v1/silences"), silences);
    EXPECT_EQ(count("/api/v1/workflows/parcels/versions"), versions);
    appliance.stop();
    const CommandResult verified = penstock({"log", "verify", "--data-dir", appliance.data_dir()});
    EXPECT_NE((verified.out + verified.err).find("is what its records make"), std::string::npos)
        << verified.out << verified.err;
}

TEST_F(Idempotency, ASecretIsInTheFirstAnswerAloneAndNowhereOnTheDisk) {
    const std::string key = text(done("POST", "/api/v1/keys", R"({"name":"wall","role":"viewer"})"), "key"),
                      of_tenant = text(done("POST", "/api/v1/tenants", R"({"name":"acme"})"), "key"),
                      token = text(
                          done("POST", "/api/v1/users", R"({"name":"ann","role":"viewer","token":true})"),
                          "token");
    const std::array<const char*, 3> names{"key", "key", "token"};
    for (size_t i = 0; i < commands.size(); ++i) {
        const json::value again =
            json::parse(ask(commands[i], fmt::format("key-{}", i), commands[i].body).body);
        EXPECT_EQ(again.at("withheld").as_string(), names[i]);
        EXPECT_FALSE(again.as_object().contains(names[i]));
    }
    appliance.stop();
    for (const auto& file : std::filesystem::recursive_directory_iterator(appliance.data_dir())) {
        if (!file.is_regular_file()) continue;
        std::ifstream in(file.path(), std::ios::binary);
        const std::string bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
        for (const std::string& secret : {key, of_tenant, token})
            EXPECT_EQ(bytes.find(secret), std::string::npos) << file.path();
    }
}

}  // namespace
}  // namespace penstock::test

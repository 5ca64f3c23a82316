// Tenants made and changed while the real program runs, and killed.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "tests/support/appliance_process.h"
#include "tests/support/http_client.h"

namespace penstock::test {
namespace {

namespace json = boost::json;

std::string events(const std::string& prefix, int count) {
    std::string lines;
    for (int i = 0; i < count; ++i)
        lines +=
            fmt::format(R"({{"specversion":"1.0","id":"{}-{}","source":"/s","type":"t"}})", prefix, i) + "\n";
    return lines;
}

class Tenants : public testing::Test {
  protected:
    json::object run(std::vector<std::string> arguments, int expected = 0) const {
        arguments.insert(arguments.begin(), "tenant");
        arguments.insert(arguments.end(),
                         {"--server", fmt::format("127.0.0.1:{}", appliance.http_port()), "-o", "json"});
        const CommandResult result = penstock(arguments);
        EXPECT_EQ(result.exit_code, expected) << result.err;
        json::error_code failed;
        json::value answer = json::parse(result.out, failed);
        return !failed && answer.is_object() ? answer.get_object() : json::object();
    }
    std::string key_of(const json::object& answer) const { return std::string(answer.at("key").as_string()); }
    CommandResult send(const std::string& tenant, const std::string& key, const std::string& prefix) const {
        const TemporaryFile file("events.ndjson", events(prefix, 10)), key_file("key", key);
        return penstock({"send", file.path(), "--to", appliance.events(), "--tenant", tenant,
                         "--api-key-file", key_file.path(), "--retry-for", "0"});
    }
    std::string stored(const std::string& tenant) const {
        return appliance.get("/api/v1/events?tenant=" + tenant);
    }

    ApplianceProcess appliance{
        "[[review.queue]]\nname = \"views\"\ntypes = [\"page_view\"]\n[[region]]\nname = "
        "\"us\"\n[[region]]\nname = \"eu\"\n[[tenant]]\nname = \"fixed\"\nkey_hash = "
        "\"blake2b:0000000000000000000000000000000000000000000000000000000000000000\"\n"};
};

TEST_F(Tenants, OneIsMadeServedAndSurvivesKill9) {
    appliance.start();
    const json::object made = run({"add", "acme", "--region", "eu"});
    EXPECT_EQ(made.at("origin").as_string(), "api");
    const std::string key = key_of(made);
    EXPECT_EQ(send("acme", key, "a").exit_code, 0);
    EXPECT_NE(stored("acme").find("\"region\":\"eu\""), std::string::npos) << stored("acme");
    EXPECT_EQ(appliance.get("/api/v1/tenants/acme").find(key), std::string::npos) << "shown once";
    appliance.kill9();
    EXPECT_EQ(appliance.log_text().find(key), std::string::npos);
    appliance.start();
    EXPECT_EQ(send("acme", key, "b").exit_code, 0);
    EXPECT_NE(appliance.get("/api/v1/tenants").find("\"acme\""), std::string::npos);
    appliance.stop();
    const CommandResult verified = penstock({"log", "verify", "--data-dir", appliance.data_dir()});
    EXPECT_NE((verified.out + verified.err).find("is what its records make"), std::string::npos)
        << verified.out << verified.err;
}

TEST_F(Tenants, AConnectionIsClosedWithACauseWhenItsTenantIsDisabled) {
    appliance.start();
    const std::string key = key_of(run({"add", "acme"}));
    HttpClient raw(appliance.events_port());
    raw.send(fmt::format("{{\"penstock\":\"hello\",\"tenant\":\"acme\",\"key\":\"{}\"}}\n", key));
    run({"disable", "acme"});
    EXPECT_TRUE(raw.closed());
    EXPECT_EQ(send("acme", key, "a").exit_code, 1);
    run({"enable", "acme"});
    EXPECT_EQ(send("acme", key, "a").exit_code, 0);
    appliance.stop();
}

TEST_F(Tenants, KeysRotateWithoutAGap) {
    appliance.start();
    const json::object made = run({"add", "acme"});
    const std::string first = key_of(made), second = key_of(run({"key", "add", "acme"}));
    EXPECT_EQ(send("acme", first, "a").exit_code, 0);
    EXPECT_EQ(send("acme", second, "b").exit_code, 0);
    const int64_t id = made.at("keys").as_array().at(0).at("id").as_int64();
    run({"key", "revoke", "acme", std::to_string(id)});
    EXPECT_EQ(send("acme", first, "c").exit_code, 1);
    EXPECT_EQ(send("acme", second, "d").exit_code, 0);
    appliance.kill9();
    appliance.start();
    EXPECT_EQ(send("acme", first, "e").exit_code, 1) << "it stays so";
    EXPECT_EQ(send("acme", second, "f").exit_code, 0);
    appliance.stop();
}

TEST_F(Tenants, TheSameEventByTcpAndByHttpIsADuplicateHoweverItsNumbersAndTextsAreSpelled) {
    appliance.start();
    const std::vector<std::string> payloads{
        R"({"n":1.0})",
        R"({"n":1e2,"m":-0.0,"k":0.10})",
        R"({"big":123456789012345678901234567890,"small":-9223372036854775808,"most":18446744073709551615})",
        R"({"text":"caf\u00e9 \ud83d\ude00 \/ \"q\" \\ \t"})",
        R"([1.50,[2E+3,{"a":[]}],null,true])",
        R"(6.02214076e23)",
        R"({"b":1,"a":2,"b2":{"z":0.1e-2}})"};
    std::string lines, batch = "[";
    for (size_t i = 0; i < payloads.size(); ++i) {
        const std::string event = fmt::format(
            R"({{"specversion":"1.0","id":"same-{}","source":"/s","type":"t","subject":"caf\u00e9","data":{}}})",
            i, payloads[i]);
        lines += event + "\n";
        batch += (i == 0 ? "\n  " : ",\r\n\t") + event;
    }
    const TemporaryFile file("events.ndjson", lines);
    const CommandResult sent = penstock({"send", file.path(), "--to", appliance.events()});
    ASSERT_EQ(sent.exit_code, 0) << sent.err;
    const auto post = [&](const std::string& body) {
        return HttpClient(appliance.http_port()).post("/api/v1/events", body);
    };
    const HttpAnswer again = post(batch + " ]\n");
    EXPECT_NE(again.body.find(fmt::format("\"accepted\":0,\"duplicates\":{},\"refused\":0", payloads.size())),
              std::string::npos)
        << again.body;
    // The short form, and a named tenant, put the event together anew: from the producer's own text.
    for (size_t i = 0; i < payloads.size(); ++i) {
        const std::string named = fmt::format(
            R"({{"tenant_id":"default","data":{},"specversion":"1.0","id":"same-{}","source":"/s","type":"t","subject":"café"}})",
            payloads[i], i);
        EXPECT_EQ(post(named).status, 200) << named;
        const std::string in_short = fmt::format(
            R"({{"event_id":"same-{}","source":"/s","event_type":"t","subject":"caf\u00e9","metadata":{}}})",
            i, payloads[i]);
        const HttpAnswer answer = post(in_short);
        EXPECT_EQ(answer.status, 200) << in_short << answer.body;
    }
    EXPECT_NE(stored("default").find("123456789012345678901234567890"), std::string::npos)
        << stored("default");
    appliance.stop();
}

TEST_F(Tenants, AKeySendsEventsOverHttpAndSeesNothingOfOthers) {
    appliance.start();
    const std::string key = key_of(run({"add", "acme"})), other = key_of(run({"add", "other"}));
    const auto post = [&](const std::string& body, const std::string& credentials) {
        return HttpClient(appliance.http_port()).post("/api/v1/events", body, credentials + "\r\n");
    };
    const std::string acme = "X-API-Key: " + key;
    const HttpAnswer one = post(
        R"({"tenant_id":"acme","event_type":"page_view","timestamp":"2026-01-15T10:30:00Z","metadata":{"page":"/home"}})",
        acme);
    EXPECT_EQ(one.status, 201) << one.body;
    const std::string same = R"({"specversion":"1.0","id":"1","source":"/s","type":"t"})";
    EXPECT_EQ(post(same, "Authorization: Bearer " + key).status, 201);
    EXPECT_EQ(post(same, acme).status, 200) << "known already";
    const HttpAnswer batch =
        post(R"([{"specversion":"1.0","id":"2","source":"/s","type":"t"},{"specversion":"1.0","id":"3"},7])",
             acme);
    EXPECT_EQ(batch.status, 207);
    EXPECT_NE(batch.body.find("\"accepted\":1,\"duplicates\":0,\"refused\":2"), std::string::npos)
        << batch.body;
    EXPECT_EQ(post(R"({"specversion":"1.0","source":"/s"})", acme).status, 422);
    EXPECT_EQ(post(R"({"tenant_id":"other","event_type":"t"})", acme).status, 403);
    EXPECT_EQ(post(same, "X-API-Key: pk_wrong").status, 401);
    const auto get = [&](const std::string& path, const std::string& k) {
        return HttpClient(appliance.http_port()).get(path, "X-API-Key: " + k + "\r\n");
    };
    EXPECT_NE(get("/api/v1/events", key).body.find("page_view"), std::string::npos);
    EXPECT_EQ(get("/api/v1/events", other).body.find("page_view"), std::string::npos);
    EXPECT_NE(HttpClient(appliance.http_port()).get("/api/v1/review/summary").body.find("\"us\":1"),
              std::string::npos);
    EXPECT_EQ(get("/api/v1/review/summary", other).body.find("\"us\""), std::string::npos);
    EXPECT_EQ(get("/api/v1/tenants", key).status, 403);
    EXPECT_EQ(get("/api/v1/audit", key).status, 403);
    run({"disable", "acme"});
    EXPECT_EQ(post(same, acme).status, 401);
    run({"enable", "acme"});
    appliance.kill9();
    appliance.start();
    EXPECT_EQ(post(same, acme).status, 200) << "what was answered is kept";
    appliance.stop();
}

TEST_F(Tenants, ThoseOfTheConfigurationAreShownAndNotChanged) {
    appliance.start();
    const std::string list = appliance.get("/api/v1/tenants");
    EXPECT_NE(list.find("\"default\""), std::string::npos);
    EXPECT_NE(list.find("\"fixed\""), std::string::npos);
    EXPECT_EQ(list.find("blake2b"), std::string::npos);
    run({"disable", "fixed"}, 1);
    run({"add", "fixed"}, 1);
    run({"add", "acme", "--region", "mars"}, 1);
    run({"add", "Not A Name"}, 1);
    run({"disable", "nobody"}, 1);
    appliance.stop();
}

}  // namespace
}  // namespace penstock::test

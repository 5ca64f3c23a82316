// Every operation of schemas/openapi.yaml against the real program over real regions: each is done once and
// refused once at least, and tests/contract/check_answers.py holds all answers against the document.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <fstream>

#include "admin/http/text.h"
#include "pipeline/clock.h"
#include "tests/support/appliance_process.h"
#include "tests/support/five_regions.h"
#include "tests/support/http_exchange.h"

namespace penstock::test {
namespace {

namespace json = boost::json;
using Headers = HttpExchange::Headers;
using Answer = HttpExchange::Answer;

/// What the checker finds wrong; empty: nothing.
std::string faults_of(const std::string& document_path, const std::string& answers) {
    const TemporaryFile file("answers.ndjson", answers);
    const std::string command = fmt::format("/usr/bin/python3 {}/tests/contract/check_answers.py {} {} 2>&1",
                                            PENSTOCK_SOURCE_DIR, document_path, file.path());
    std::string said;
    FILE* pipe = ::popen(command.c_str(), "r");
    char chunk[4096];
    while (pipe && std::fgets(chunk, sizeof chunk, pipe) != nullptr) said += chunk;
    return pipe && ::pclose(pipe) == 0 ? "" : said + "no end without faults";
}

class Contract : public testing::Test {
  protected:
    static constexpr const char* kConfig = R"(
[access]
demo = true
[routing]
unknown_region = "refuse"
[[review.queue]]
name = "cameras"
types = ["intrusion_detection"]
due = "15m"
expires = "8h"
[[review.queue]]
name = "alerts"
alerts = true
[[notify.target]]
name = "oncall"
kind = "webhook"
url = "http://127.0.0.1:9/"
secrets = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]
allow_private = true
[[tenant]]
name = "fixed"
key_hash = "blake2b:0000000000000000000000000000000000000000000000000000000000000000"
)";

    void SetUp() override {
        PENSTOCK_NEEDS_POSTGRES();
        regions = std::make_unique<FiveRegions>();
        appliance = std::make_unique<ApplianceProcess>(kConfig + regions->config());
        appliance->start();
        std::ifstream(appliance->data_dir() + "/admin.key") >> admin_key;
        client = std::make_unique<HttpExchange>(std::to_string(appliance->http_port()));
    }
    Headers admin() const { return {{"X-API-Key", admin_key}}; }
    /// As the admin. `status`: what it must be.
    Answer ask(unsigned status, const std::string& method, const std::string& target,
               const std::string& body = "", const Headers& as = {}) {
        const Answer answer = client->ask(method, target, as.empty() ? admin() : as, body);
        EXPECT_EQ(answer.status, status) << method << " " << target << " " << body << "\n" << answer.body;
        return answer;
    }
    json::value value(unsigned status, const std::string& method, const std::string& target,
                      const std::string& body = "", const Headers& as = {}) {
        json::error_code failed;
        return json::parse(ask(status, method, target, body, as).body, failed);
    }
    static std::string text(const json::value& of, std::string_view name) {
        const json::value& v = of.at(name);
        return v.is_string() ? std::string(v.get_string()) : json::serialize(v);
    }
    /// The member of the answer's first item, once there is one.
    std::string first(const std::string& target, std::string_view name) {
        std::string found;
        EXPECT_TRUE(eventually([&] {
            const json::value list = json::parse(client->ask("GET", target, admin()).body);
            const json::array& items = list.at("items").as_array();
            if (!items.empty()) found = text(items[0], name);
            return !items.empty();
        })) << target
            << appliance->log_text();
        return found;
    }
    Headers sign_in(const std::string& name) {
        const Answer in =
            ask(201, "POST", "/api/v1/session", fmt::format(R"({{"name":"{}","password":"pass123"}})", name),
                Headers{{"X-None", ""}});
        const auto cookie = in.headers.find("set-cookie");
        EXPECT_NE(cookie, in.headers.end()) << in.body;
        return {{"Cookie", cookie->second.substr(0, cookie->second.find(';'))}};
    }
    static std::string event(const std::string& id, const std::string& type, const std::string& subject,
                             const std::string& more = "") {
        return fmt::format(
            R"({{"specversion":"1.0","id":"{}","source":"/gate","type":"{}","subject":"{}","time":"{}","data":{{"n":1}}{}}})",
            id, type, subject, http::rfc3339(SystemClock().wall_ns()), more);
    }
    void pages_and_health();
    void tenants_and_keys();
    void regions_that_come_and_go();
    void users_and_sessions();
    void workflows();
    void events();
    void dead_letters();
    void alerts();
    void review();
    void refusals_of_all();

    std::unique_ptr<FiveRegions> regions;
    std::unique_ptr<ApplianceProcess> appliance;
    std::unique_ptr<HttpExchange> client;
    std::string admin_key;
};

void Contract::pages_and_health() {
    for (const char* open : {"/healthz", "/health", "/readyz", "/metrics", "/", "/sign-in"}) {
        ask(200, "GET", open);
        // Under another name nothing is answered.
        Headers elsewhere = admin();
        elsewhere["Host"] = "elsewhere.example";
        ask(421, "GET", open, "", elsewhere);
    }
    ask(303, "GET", "/", "", {{"X-None", ""}});
    ask(200, "GET", "/api/v1/openapi.yaml");
    ask(200, "GET", "/api/v1/status");
    for (const char* stream : {"/api/v1/stream", "/api/v1/ws"}) {
        EXPECT_EQ(client->open_stream(stream, admin()).status, 101u);
        EXPECT_EQ(client->open_stream(stream).status, 401u);
        Headers foreign = admin();
        foreign["Origin"] = "https://elsewhere.example";
        EXPECT_EQ(client->open_stream(stream, foreign).status, 403u);
        ask(426, "GET", stream);
    }
}

void Contract::regions_that_come_and_go() {
    ask(200, "GET", "/api/v1/config");
    ask(200, "GET", "/api/v1/regions");
    ask(200, "GET", "/api/v1/regions/eu");
    ask(404, "GET", "/api/v1/regions/nowhere");
    ask(201, "POST", "/api/v1/regions", R"({"name":"mena","aliases":["me"],"payload":"stays"})");
    ask(409, "POST", "/api/v1/regions", R"({"name":"me"})");
    ask(400, "POST", "/api/v1/regions", R"({"name":"No Name","dsn":"nonsense"})");
    ask(200, "PATCH", "/api/v1/regions/mena", R"({"aliases":[],"payload":"leaves"})");
    ask(400, "PATCH", "/api/v1/regions/mena", "{}");
    ask(409, "PATCH", "/api/v1/regions/eu", R"({"aliases":[]})");
    ask(409, "DELETE", "/api/v1/regions/mena");
    ask(409, "POST", "/api/v1/regions/us/drain", "{}");
    ask(200, "POST", "/api/v1/regions/mena/drain", "{}");
    ask(200, "POST", "/api/v1/regions/mena/resume", "{}");
    ask(404, "POST", "/api/v1/regions/nowhere/resume", "{}");
    ask(200, "POST", "/api/v1/regions/mena/drain", "{}");
    EXPECT_TRUE(
        eventually([&] { return text(value(200, "GET", "/api/v1/regions/mena"), "state") == "drained"; }));
    ask(200, "DELETE", "/api/v1/regions/mena");
}

void Contract::tenants_and_keys() {
    const json::value made =
        value(201, "POST", "/api/v1/tenants", R"({"name":"acme","region":"eu","by":"ann"})");
    ask(409, "POST", "/api/v1/tenants", R"({"name":"acme"})");
    ask(400, "POST", "/api/v1/tenants", R"({"name":"No Name"})");
    ask(200, "GET", "/api/v1/tenants");
    ask(200, "GET", "/api/v1/tenants/acme");
    ask(404, "GET", "/api/v1/tenants/nobody");
    ask(200, "PATCH", "/api/v1/tenants/acme", R"({"rate_limit":1000,"burst":2000})");
    ask(400, "PATCH", "/api/v1/tenants/acme", "{}");
    ask(409, "PATCH", "/api/v1/tenants/fixed", R"({"enabled":false})");
    const json::value second = value(201, "POST", "/api/v1/tenants/acme/keys", "{}");
    ask(404, "POST", "/api/v1/tenants/nobody/keys", "{}");
    const std::string first_key = text(made.at("keys").at(0), "id");
    ask(200, "DELETE", "/api/v1/tenants/acme/keys/" + first_key);
    ask(404, "DELETE", "/api/v1/tenants/acme/keys/" + first_key);
    ask(403, "GET", "/api/v1/tenants", "", {{"X-API-Key", text(second, "key")}});

    const std::string key =
        text(value(201, "POST", "/api/v1/keys", R"({"name":"wall","role":"viewer"})"), "id");
    ask(400, "POST", "/api/v1/keys", R"({"name":"wall"})");
    Headers once = admin();
    once["Idempotency-Key"] = "a-key";
    for (int i = 0; i < 2; ++i) ask(201, "POST", "/api/v1/keys", R"({"name":"hall","role":"viewer"})", once);
    ask(422, "POST", "/api/v1/keys", R"({"name":"mall","role":"viewer"})", once);
    once["Idempotency-Key"] = "no key";
    ask(400, "POST", "/api/v1/keys", R"({"name":"mall","role":"viewer"})", once);
    ask(200, "GET", "/api/v1/keys");
    ask(200, "POST", "/api/v1/keys/" + key + "/rotate", "{}");
    ask(404, "POST", "/api/v1/keys/none/rotate", "{}");
    ask(200, "DELETE", "/api/v1/keys/" + key);
    ask(404, "DELETE", "/api/v1/keys/" + key);
    ask(409, "DELETE", "/api/v1/keys/local-admin");
}

void Contract::users_and_sessions() {
    ask(201, "POST", "/api/v1/users",
        R"({"name":"ann","role":"operator","regions":["eu"],"skills":["fire"],"password":"open sesame","token":true})");
    ask(409, "POST", "/api/v1/users", R"({"name":"ann","role":"viewer"})");
    ask(400, "POST", "/api/v1/users", R"({"name":"bob"})");
    ask(415, "POST", "/api/v1/users", R"({"name":"bob"})",
        {{"X-API-Key", admin_key}, {"Content-Type", "text/plain"}});
    ask(200, "GET", "/api/v1/users");
    ask(200, "GET", "/api/v1/users/ann");
    ask(404, "GET", "/api/v1/users/nobody");
    ask(200, "PATCH", "/api/v1/users/ann", R"({"display_name":"Ann","email":"ann@example.org"})");
    ask(409, "PATCH", "/api/v1/users/ann", R"({"role":"viewer","version":1})");
    ask(409, "PATCH", "/api/v1/users/emma.wilson", R"({"role":"viewer"})");

    const Headers nobody{{"X-None", ""}}, emma = sign_in("emma.wilson"), mike = sign_in("mike.ross");
    ask(400, "POST", "/api/v1/session", "{}", nobody);
    ask(401, "POST", "/api/v1/session", R"({"name":"mike.ross","password":"wrong"})", nobody);
    ask(409, "POST", "/api/v1/session", R"({"token":"123123123123123"})", nobody);
    client->ask("POST", "/api/v1/session", {{"Content-Type", "application/x-www-form-urlencoded"}},
                "name=mike.ross&password=pass123");
    ask(200, "GET", "/api/v1/session");
    ask(200, "GET", "/api/v1/session", "", emma);
    ask(200, "GET", "/api/v1/sessions");
    const std::string of_mike = first("/api/v1/sessions?user=mike.ross", "id");
    ask(400, "GET", "/api/v1/sessions?colour=red");
    ask(404, "DELETE", "/api/v1/sessions/" + of_mike, "", emma);
    ask(200, "DELETE", "/api/v1/sessions/" + of_mike);
    for (const std::string place : {"/users/", "/api/v1/users/"}) {
        ask(200, "POST", place + "emma.wilson/active", "{}", emma);
        ask(404, "POST", place + "nobody/active", "{}");
        ask(200, "DELETE", place + "emma.wilson/active", "", emma);
        ask(404, "DELETE", place + "nobody/active");
    }
    ask(200, "PUT", "/api/v1/preferences", R"({"theme":"dark","columns":["time"]})", emma);
    ask(409, "PUT", "/api/v1/preferences", "{}");
    ask(200, "PUT", "/api/v1/views/late%20trades", R"({"address":"/console/search?q=type:trade"})", emma);
    ask(400, "PUT", "/api/v1/views/away", R"({"address":"//elsewhere.example"})");
    ask(200, "GET", "/api/v1/views");
    ask(200, "DELETE", "/api/v1/views/late%20trades");
    ask(404, "DELETE", "/api/v1/views/late%20trades");
    ask(200, "GET", "/api/v1/preferences", "", emma);
    ask(200, "GET", "/api/v1/session", "", emma);
    ask(200, "DELETE", "/api/v1/session", "", emma);
    ask(409, "DELETE", "/api/v1/session");
    ask(200, "DELETE", "/api/v1/users/ann");
    ask(404, "DELETE", "/api/v1/users/ann");
}

void Contract::workflows() {
    const std::string document =
        R"({"name":"parcels","key":"subject","edges":[{"from":"taken","to":"shipped","within_ms":300}]})";
    ask(201, "POST", "/api/v1/workflows?state=active&note=first", document);
    ask(200, "POST", "/api/v1/workflow-check", document);
    ask(200, "POST", "/api/v1/workflow-check", R"({"name":"x","edges":[{"from":"a"}]})");
    ask(401, "POST", "/api/v1/workflow-check", document, {{"X-None", ""}});
    ask(201, "POST", "/api/v1/workflows", R"({"name":"parcels","edges":[{"from":"taken","to":"taken"}]})");
    ask(422, "POST", "/api/v1/workflows?state=active", R"({"name":"parcels"})");
    ask(400, "POST", "/api/v1/workflows?state=perhaps", document);
    ask(200, "POST", "/api/v1/workflows/parcels/versions/2", R"({"action":"discard","by":"ann"})");
    const std::string version = text(
        value(
            201, "POST", "/api/v1/workflows?state=draft",
            R"({"name":"parcels","key":"subject","edges":[{"from":"taken","to":"shipped","within_ms":600}]})"),
        "version");
    ask(201, "POST", "/api/v1/workflows?state=active",
        R"({"name":"desk","key":"subject","stages":[{"name":"asked","type":"asked"},{"name":"answered","type":"answered","terminal":"success"}],"edges":[{"from":"asked","to":"answered","within":"1h"}]})");
    const std::string draft = "/api/v1/workflows/parcels/versions/" + version;
    ask(200, "POST", draft, R"({"action":"shadow"})");
    ask(409, "POST", draft, R"({"action":"discard"})");
    ask(200, "GET", draft);
    ask(404, "GET", "/api/v1/workflows/parcels/versions/99");
    ask(200, "GET", draft + "/diff?against=1");
    ask(400, "GET", draft + "/diff?against=first");
    ask(200, "GET", "/api/v1/workflows/parcels/versions");
    ask(404, "GET", "/api/v1/workflows/none/versions");
    for (const char* name : {"parcels", "desk"}) ask(200, "GET", fmt::format("/api/v1/workflows/{}", name));
    ask(404, "GET", "/api/v1/workflows/none");

    ask(201, "POST", "/api/v1/events", event("w1", "taken", "parcel-7"));
    ask(201, "POST", "/api/v1/events", event("w2", "asked", "case-1"));
    first("/api/v1/alerts", "id");  // missed
    ask(201, "POST", "/api/v1/events", event("w3", "taken", "parcel-8"));
    ask(201, "POST", "/api/v1/events", event("w4", "shipped", "parcel-8"));
    ask(200, "GET", "/api/v1/workflows");
    ask(200, "GET", "/api/v1/workflows/parcels");
    const json::value series = value(200, "GET", "/api/v1/workflows/parcels/series");
    EXPECT_FALSE(series.at("points").as_array().empty());
    ask(400, "GET", "/api/v1/workflows/parcels/series?resolution=second");
    ask(200, "GET", "/api/v1/workflows/parcels/instances");
    first("/api/v1/workflows/desk/instances", "subject");
    ask(400, "GET", "/api/v1/workflows/parcels/instances?phase=blue");
    const json::value lives = value(200, "GET", "/api/v1/lifecycle?key=parcel-8");
    EXPECT_FALSE(lives.at("items").as_array().empty());
    ask(200, "GET", "/api/v1/lifecycle?key=parcel-7");
    ask(400, "GET", "/api/v1/lifecycle");

    const auto simulate = [&](const std::string& body) {
        const std::string id = text(value(202, "POST", "/api/v1/simulations", body), "id");
        EXPECT_TRUE(eventually([&] {
            return text(json::parse(client->ask("GET", "/api/v1/simulations/" + id, admin()).body),
                        "state") != "running";
        }));
        return id;
    };
    const std::string id = simulate(
        R"({"document":{"name":"parcels","key":"subject","edges":[{"from":"taken","to":"shipped","within_ms":1}]},"key":"parcel-8"})");
    EXPECT_TRUE(eventually([&] { return regions->events() >= 3; }));
    simulate(fmt::format(R"({{"workflow":"parcels","version":{},"region":"us"}})", version));
    ask(400, "POST", "/api/v1/simulations", "{}");
    ask(404, "POST", "/api/v1/simulations", R"({"workflow":"parcels","version":77})");
    ask(422, "POST", "/api/v1/simulations", R"({"document":{"name":"x"}})");
    ask(200, "GET", "/api/v1/simulations");
    ask(404, "GET", "/api/v1/simulations/99");
    ask(200, "DELETE", "/api/v1/simulations/" + id);
    ask(404, "DELETE", "/api/v1/simulations/99");
}

void Contract::events() {
    const std::string again = R"({"specversion":"1.0","id":"again","source":"/gate","type":"page_view"})";
    ask(201, "POST", "/api/v1/events", again);
    ask(200, "POST", "/api/v1/events", again);
    ask(201, "POST", "/api/v1/events",
        R"({"event_type":"page_view","timestamp":"2026-01-15T10:30:00Z","metadata":{"page":"/home"}})");
    ask(200, "POST", "/api/v1/events",
        "[" +
            event(
                "e1", "page_view", "cam-1",
                R"(,"severity":4,"region":"eu","keys":{"order":"7"},"groups":{"market":"XNYS"},"shift":"late")") +
            "," + event("e2", "page_view", "cam-1") + "]");
    ask(207, "POST", "/api/v1/events",
        "[" + event("e3", "page_view", "cam-2") + R"(,7,{"specversion":"1.0"}])");
    ask(422, "POST", "/api/v1/events", event("e4", "page_view", "cam-2", R"(,"region":"atlantis")"));
    ask(403, "POST", "/api/v1/events", R"({"tenant_id":"nobody","event_type":"t"})");
    ask(400, "POST", "/api/v1/events", "[]");
    EXPECT_TRUE(eventually([&] { return regions->events() >= 8; })) << appliance->log_text();
    const std::string seq = first("/api/v1/events?type=page_view", "seq");
    ask(200, "GET", "/api/v1/events?limit=2");
    ask(400, "GET", "/api/v1/events?limit=none");
    ask(200, "GET", "/api/v1/events/" + seq);
    ask(404, "GET", "/api/v1/events/999999");
    const json::value found = value(200, "GET", "/api/v1/events/search?limit=2");
    ask(200, "GET", text(found, "next"));
    ask(200, "GET", "/api/v1/events/search?state=stored&region=eu");
    ask(400, "GET", "/api/v1/events/search?sort=colour");
    for (const char* group : {"", "?group=region,tenant,type,severity,hour"})
        ask(200, "GET", fmt::format("/api/v1/events/stats{}", group));
    ask(400, "GET", "/api/v1/events/stats?group=colour");
    ask(200, "GET", "/api/v1/events/export");
    ask(200, "GET", "/api/v1/events/export?format=csv");
    ask(400, "GET", "/api/v1/events/export?format=xml");
}

void Contract::dead_letters() {
    const json::value list = value(200, "GET", "/api/v1/deadletters?limit=2");
    ask(200, "GET", text(list, "next"));
    const json::value unknown = value(200, "GET", "/api/v1/deadletters?cause=unknown_region");
    ask(400, "GET", "/api/v1/deadletters?cause=bad_mood");
    const std::string letter = "/api/v1/deadletters/" + text(unknown.at("items").at(0), "seq");
    ask(200, "GET", letter);
    ask(404, "GET", "/api/v1/deadletters/999999");
    const json::value again = value(200, "POST", letter + "/retry", R"({"by":"ann","note":"as it is"})");
    const std::string next = "/api/v1/deadletters/" + text(again, "new_dead_letter");
    ask(200, "POST", next + "/retry",
        json::serialize(json::object{{"replace", event("e4", "page_view", "cam-2")}}));
    ask(409, "POST", next + "/retry", "{}");
    ask(200, "GET", next);
    const json::value others = value(200, "GET", "/api/v1/deadletters?status=open");
    const std::string other = "/api/v1/deadletters/" + text(others.at("items").at(0), "seq");
    ask(200, "POST", other + "/drop", R"({"note":"nobody needs it"})");
    ask(409, "POST", other + "/drop", "{}");
    ask(400, "POST", other + "/drop", R"({"colour":"red"})");
}

void Contract::alerts() {
    const std::string place = "/api/v1/alerts/" + first("/api/v1/alerts", "id");
    ask(400, "GET", "/api/v1/alerts?state=red");
    ask(404, "GET", "/api/v1/alerts/0123456789abcdef");
    const auto command = [&](const std::string& what, const std::string& more = "") {
        // A version that has just changed is refused, and the steps since are told.
        ask(409, "POST", fmt::format("{}/{}", place, what), fmt::format(R"({{"version":0{}}})", more));
        EXPECT_TRUE(eventually([&] {
            const std::string version = text(json::parse(client->ask("GET", place, admin()).body), "version");
            return client
                       ->ask("POST", fmt::format("{}/{}", place, what), admin(),
                             fmt::format(R"({{"version":{}{}}})", version, more))
                       .status == 200;
        })) << what;
    };
    ask(404, "POST", "/api/v1/alerts/0123456789abcdef/ack", R"({"version":1})");
    command("ack", R"(,"by":"ann","note":"on it")");
    command("unack");
    command("assign", R"(,"to":"bob")");
    const std::string end = http::rfc3339(SystemClock().wall_ns() + 3'600'000'000'000);
    const std::string matching = fmt::format(
        R"("tenant":"default","workflow":"parcels","rule":"taken -> shipped","owner":"bob","reason":"the scale","end":"{}")",
        end);
    const std::string silence =
        text(value(201, "POST", "/api/v1/silences", "{" + matching + R"(,"severity_at_least":1})"), "id");
    ask(400, "POST", "/api/v1/silences", "{}");
    ask(200, "GET", place);
    ask(200, "GET", "/api/v1/silences?state=active");
    ask(400, "GET", "/api/v1/silences?state=red");
    ask(200, "POST", "/api/v1/silences/" + silence + "/expire", R"({"by":"ann"})");
    ask(409, "POST", "/api/v1/silences/" + silence + "/expire", "{}");
    ask(200, "GET", "/api/v1/silences");
    const std::string window = text(value(201, "POST", "/api/v1/maintenance", "{" + matching + "}"), "id");
    ask(201, "POST", "/api/v1/maintenance",
        R"({"workflow":"parcels","effect":"do_not_expect","owner":"bob","reason":"each night","duration":"90m",)"
        R"("schedule":{"cron":"0 3 * * *","zone":"Europe/Berlin"},"last_date":"2036-01-31"})");
    ask(400, "POST", "/api/v1/maintenance", "{}");
    ask(200, "GET", "/api/v1/maintenance");
    ask(400, "GET", "/api/v1/maintenance?state=red");
    ask(200, "DELETE", "/api/v1/maintenance/" + window + "?by=ann");
    ask(409, "DELETE", "/api/v1/maintenance/" + window);
    command("resolve", R"(,"note":"lost")");
    ask(200, "GET", place);
}

void Contract::review() {
    const Headers john = sign_in("john.smith"), carlos = sign_in("carlos.garcia"),
                  james = sign_in("james.wilson");
    for (int i = 0; i < 9; ++i)
        ask(201, "POST", "/api/v1/events",
            event(fmt::format("r{}", i), "intrusion_detection", "cam-9", R"(,"region":"us","severity":3)"));
    const std::string items = "/api/v1/review/items";
    json::array mine;
    EXPECT_TRUE(eventually([&] {
        mine = json::parse(client->ask("GET", items + "?holder=me", john).body).at("items").as_array();
        return mine.size() >= 4;
    }));
    ASSERT_GE(mine.size(), 4u);
    const auto place = [&](size_t i) { return items + "/" + text(mine[i], "id"); };
    ask(400, "GET", items + "?state=red");
    ask(200, "GET", items + "?limit=2");
    ask(404, "GET", items + "/999999");
    ask(404, "POST", items + "/999999/claim", "{}", john);
    const std::string fence = text(value(200, "POST", place(0) + "/claim", "{}", john), "fence");
    ask(200, "GET", place(0), "", john);
    ask(409, "POST", place(0) + "/claim", "{}", james);
    ask(200, "POST", place(0) + "/renew", fmt::format(R"({{"fence":{}}})", fence), john);
    ask(409, "POST", place(0) + "/renew", R"({"fence":99999})", john);
    ask(409, "POST", place(0) + "/decide", R"({"fence":99999,"decision":"approved"})", john);
    const json::value decided =
        value(200, "POST", place(0) + "/decide",
              fmt::format(R"({{"fence":{},"decision":"rejected","reason":"a cat"}})", fence), john);
    ask(400, "POST", place(0) + "/undo", "{}", john);
    ask(200, "POST", place(0) + "/undo",
        fmt::format(R"({{"version":{},"reason":"a dog"}})", text(decided, "version")), john);
    const auto version = [&](size_t i) {
        return text(json::parse(client->ask("GET", place(i), admin()).body), "version");
    };
    ask(200, "POST", place(1) + "/release", fmt::format(R"({{"version":{},"reason":"lunch"}})", version(1)),
        john);
    ask(400, "POST", place(1) + "/release", "{}", john);
    ask(200, "POST", place(1) + "/reassign", fmt::format(R"({{"version":{},"to":"john.smith"}})", version(1)),
        james);
    ask(403, "POST", place(1) + "/reassign",
        fmt::format(R"({{"version":{},"to":"carlos.garcia"}})", version(1)), james);
    ask(403, "POST", place(1) + "/reassign", R"({"version":1,"to":"john.smith"})", john);
    ask(200, "POST", place(1) + "/escalate", fmt::format(R"({{"version":{},"reason":"a bear"}})", version(1)),
        john);
    ask(400, "POST", place(1) + "/escalate", "{}", john);
    ask(200, "PUT", "/assignments/" + text(mine[2], "id"), R"({"status":"completed"})", john);
    ask(409, "PUT", "/assignments/" + text(mine[2], "id"), R"({"status":"rejected","reason":"no"})", john);
    ask(200, "POST", "/api/v1/review/decisions",
        fmt::format(R"({{"items":[{{"id":{},"version":{},"decision":"approved"}}]}})", text(mine[3], "id"),
                    version(3)),
        john);
    ask(207, "POST", "/api/v1/review/decisions",
        fmt::format(
            R"({{"items":[{{"id":{},"version":1,"decision":"approved"}},{{"id":999999,"version":1,"decision":"approved"}}]}})",
            text(mine[3], "id")),
        john);
    ask(400, "POST", "/api/v1/review/decisions", R"({"items":[]})", john);
    ask(200, "GET", "/api/v1/review/summary");
    ask(200, "GET", "/api/v1/review/summary", "", carlos);
    ask(200, "GET", items + "?state=all");
    EXPECT_TRUE(eventually(
        [&] { return client->ask("GET", place(3), admin()).body.find("\"viewed\"") != std::string::npos; }));
    ask(200, "GET", "/api/v1/audit?limit=3");
    ask(200, "GET", "/api/v1/audit?limit=500");
    ask(400, "GET", "/api/v1/audit?limit=none");
    ask(200, "GET", "/api/v1/audit/head");
}

/// Who has not signed in is refused everywhere but at the open doors.
void Contract::refusals_of_all() {
    const Headers nobody{{"X-None", ""}};
    for (const char* read :
         {"/api/v1/status", "/api/v1/workflows", "/api/v1/simulations", "/api/v1/openapi.yaml",
          "/api/v1/session", "/api/v1/users", "/api/v1/preferences", "/api/v1/views", "/api/v1/keys",
          "/api/v1/tenants", "/api/v1/regions", "/api/v1/config", "/api/v1/audit/head",
          "/api/v1/review/summary", "/api/v1/events"})
        ask(401, "GET", read, "", nobody);
    // An answer of success after all that has happened, too.
    ask(200, "GET", "/api/v1/status");
    client->open_stream("/api/v1/stream", admin());
}

TEST_F(Contract, EveryOperationIsDoneAndRefusedAndAnswersAsTheDocumentSays) {
    pages_and_health();
    tenants_and_keys();
    regions_that_come_and_go();
    users_and_sessions();
    workflows();
    events();
    dead_letters();
    alerts();
    review();
    refusals_of_all();
    EXPECT_EQ(faults_of(PENSTOCK_SOURCE_DIR "/schemas/openapi.yaml", client->kept()), "");
}

TEST(ContractChecker, NoticesWhatIsNotDoneNotListedNotDescribedOrMissing) {
    const TemporaryFile document("openapi.yaml", R"(
paths:
  /things/{id}:
    get:
      operationId: thing
      responses:
        "200": {content: {application/json: {schema: {$ref: "#/components/schemas/Thing"}}}}
        4XX: {content: {application/problem+json: {schema: {$ref: "#/components/schemas/Problem"}}}}
components:
  schemas:
    Problem: {type: object, required: [type, status], properties: {type: {enum: [gone]}, status: {type: integer}}}
    Base: {type: object, required: [id], properties: {id: {type: integer}}}
    Thing:
      allOf:
        - {$ref: "#/components/schemas/Base"}
        - {type: object, required: [at], properties: {at: {type: string, format: date-time}}}
)");
    const auto faults = [&](int status, const std::string& type, const std::string& body) {
        const json::object refusal{{"method", "GET"},
                                   {"target", "/things/1"},
                                   {"status", 404},
                                   {"type", "application/problem+json"},
                                   {"body", R"({"type":"gone","status":404})"}};
        json::object answer = refusal;
        answer["status"] = status;
        answer["type"] = type;
        answer["body"] = body;
        return faults_of(document.path(), json::serialize(refusal) + "\n" + json::serialize(answer) + "\n");
    };
    const std::string json_type = "application/json", good = R"({"id":1,"at":"2026-01-31T08:00:00Z"})";
    EXPECT_EQ(faults(200, json_type, good), "");
    EXPECT_NE(faults(200, json_type, R"({"id":1,"at":"2026-01-31T08:00:00Z","colour":"red"})").find("colour"),
              std::string::npos);
    EXPECT_NE(faults(200, json_type, R"({"id":1})").find("'at' is a required property"), std::string::npos);
    EXPECT_NE(faults(200, json_type, R"({"id":1,"at":"yesterday"})").find("date-time"), std::string::npos);
    EXPECT_NE(faults(201, json_type, good).find("does not list this status"), std::string::npos);
    EXPECT_NE(faults(200, "text/plain", good).find("does not list the type"), std::string::npos);
    EXPECT_NE(
        faults(409, "application/problem+json", R"({"type":"taken","status":409})").find("is not one of"),
        std::string::npos);
    EXPECT_NE(faults(404, "application/problem+json", R"({"type":"gone","status":404})")
                  .find("no answer of success"),
              std::string::npos);
}

}  // namespace
}  // namespace penstock::test

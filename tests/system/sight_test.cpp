// Who is limited to a tenant or a region tries every address, with the ids of what is not theirs: no answer
// may hold a text of it.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <fstream>

#include "admin/http/router.h"
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

// In all that is of the other tenant, its name first; in what one's own tenant has in the other region.
constexpr const char* kOfTenant = "zanzibar";
constexpr const char* kOfRegion = "yokohama";

class Sight : public testing::Test {
  protected:
    void SetUp() override {
        PENSTOCK_NEEDS_POSTGRES();
        regions = std::make_unique<FiveRegions>();
        appliance = std::make_unique<ApplianceProcess>(
            "[routing]\nunknown_region = \"refuse\"\n[[review.queue]]\nname = \"views\"\ntypes = "
            "[\"taken\"]\n" +
            regions->config());
        appliance->start();
        client = std::make_unique<HttpExchange>(std::to_string(appliance->http_port()));
        std::string key;
        std::ifstream(appliance->data_dir() + "/admin.key") >> key;
        admin = {{"X-API-Key", key}};
        make_what_others_have();
    }
    json::value must(unsigned status, const std::string& method, const std::string& target,
                     const std::string& body = "") {
        const Answer answer = client->ask(method, target, admin, body);
        EXPECT_EQ(answer.status, status) << method << " " << target << " " << body << "\n" << answer.body;
        json::error_code failed;
        return json::parse(answer.body, failed);
    }
    void event(const std::string& tenant, const std::string& region, const std::string& id,
               const std::string& type, const std::string& subject, const std::string& marker) {
        const json::object e{{"specversion", "1.0"},
                             {"tenant_id", tenant},
                             {"id", id + marker},
                             {"source", "/" + marker},
                             {"type", type},
                             {"subject", subject},
                             {"region", region},
                             {"severity", 4},
                             {"time", http::rfc3339(SystemClock().wall_ns())},
                             {"keys", {{"order", marker}}},
                             {"groups", {{"market", marker}}},
                             {"data", {{"text", marker}}}};
        must(region == "atlantis" ? 422 : 201, "POST", "/api/v1/events", json::serialize(e));
    }
    void make_what_others_have() {
        for (const char* tenant : {kOfTenant, "acme"})
            must(201, "POST", "/api/v1/tenants", fmt::format(R"({{"name":"{}"}})", tenant));
        const auto flow = [](const std::string& name, const std::string& tenant, const std::string& type) {
            return fmt::format(
                R"({{"name":"{}"{},"key":"subject","groups":["groups.market"],"edges":[{{"from":"{}","to":"shipped","within_ms":300}}]}})",
                name, tenant.empty() ? "" : fmt::format(R"(,"tenant":"{}")", tenant), type);
        };
        must(201, "POST", "/api/v1/workflows?state=active", flow("flow-all", "", "taken"));
        must(201, "POST", "/api/v1/workflows?state=active", flow("flow-theirs", kOfTenant, kOfTenant));
        must(201, "POST", "/api/v1/workflows?state=active", flow("flow-mine", "acme", "taken"));
        must(201, "POST", "/api/v1/workflows?state=draft&note=zanzibar",
             flow("flow-draft", kOfTenant, "taken"));
        for (const char* type : {"taken", kOfTenant}) event(kOfTenant, "us", type, type, "case-1", kOfTenant);
        event(kOfTenant, "atlantis", "lost", "taken", "case-1", kOfTenant);
        event("acme", "eu", "far", "taken", "case-2", kOfRegion);
        event("acme", "us", "near", "taken", "case-3", "plain");
        EXPECT_TRUE(eventually([&] { return ids("/api/v1/alerts", "id").size() >= 4; }))
            << appliance->log_text();
        const std::string end = http::rfc3339(SystemClock().wall_ns() + 3'600'000'000'000);
        const std::string of_theirs =
            fmt::format(R"({{"tenant":"{0}","owner":"{0}","reason":"{0}","end":"{1}"}})", kOfTenant, end);
        must(201, "POST", "/api/v1/silences", of_theirs);
        must(201, "POST", "/api/v1/maintenance", of_theirs);
        must(201, "POST", "/api/v1/keys", R"({"name":"zanzibar","role":"viewer","tenants":["zanzibar"]})");
        must(201, "POST", "/api/v1/users",
             R"({"name":"zanzibar","role":"operator","tenants":["zanzibar"],"password":"open sesame"})");
        client->ask("POST", "/api/v1/session", {}, R"({"name":"zanzibar","password":"open sesame"})");
        const json::value run =
            must(202, "POST", "/api/v1/simulations", R"({"workflow":"flow-all","version":1})");
        EXPECT_TRUE(eventually([&] {
            return client->ask("GET", "/api/v1/simulations/" + std::string(run.at("id").as_string()), admin)
                       .body.find("running") == std::string::npos;
        }));
        EXPECT_TRUE(eventually([&] { return regions->events() == 4; })) << appliance->log_text();
        must(201, "POST", "/api/v1/users",
             R"({"name":"of-acme","role":"admin","tenants":["acme"],"password":"open sesame"})");
        must(201, "POST", "/api/v1/users",
             R"({"name":"of-us","role":"admin","regions":["us"],"password":"open sesame"})");
    }
    Headers sign_in(const std::string& name) {
        const Answer in = client->ask("POST", "/api/v1/session", {},
                                      fmt::format(R"({{"name":"{}","password":"open sesame"}})", name));
        EXPECT_EQ(in.status, 201u) << in.body;
        const std::string& cookie = in.headers.at("set-cookie");
        return {{"Cookie", cookie.substr(0, cookie.find(';'))}};
    }
    /// Of all items of a list, as the admin sees it.
    std::vector<std::string> ids(const std::string& list, std::string_view name) {
        std::vector<std::string> out;
        const json::value page = json::parse(client->ask("GET", list, admin).body);
        for (const json::value& item : page.at("items").as_array()) {
            const json::value& v = item.at(name);
            out.push_back(v.is_string() ? std::string(v.get_string()) : json::serialize(v));
        }
        return out;
    }
    /// What may stand for the braces of an address.
    std::vector<std::string> arguments_of(const std::string& path) {
        if (path.find("/workflows/") != path.npos) return {"flow-all", "flow-theirs", "flow-draft"};
        if (path.find("/simulations/") != path.npos) return ids("/api/v1/simulations", "id");
        if (path.find("/events/") != path.npos) return ids("/api/v1/events?limit=500", "seq");
        if (path.find("/deadletters/") != path.npos) return ids("/api/v1/deadletters", "seq");
        if (path.find("/alerts/") != path.npos) return ids("/api/v1/alerts", "id");
        if (path.find("/silences/") != path.npos) return ids("/api/v1/silences", "id");
        if (path.find("/maintenance/") != path.npos) return ids("/api/v1/maintenance", "id");
        if (path.find("/review/") != path.npos || path.find("/assignments/") != path.npos)
            return ids("/api/v1/review/items?state=all", "id");
        if (path.find("/sessions/") != path.npos) return ids("/api/v1/sessions?user=zanzibar", "id");
        if (path.find("/users/") != path.npos) return ids("/api/v1/users", "user");
        if (path.find("/keys/{id}") != path.npos) return ids("/api/v1/keys", "id");
        return ids("/api/v1/tenants", "id");
    }
    /// Every address, as somebody who is limited; what changes something, too.
    void try_everything(const Headers& who, const std::string& marker) {
        size_t tried = 0;
        const auto check = [&](const std::string& method, const std::string& target, const Answer& answer) {
            EXPECT_EQ(answer.body.find(marker), std::string::npos) << method << " " << target << "\n"
                                                                   << answer.body;
            for (const auto& [name, value] : answer.headers)
                EXPECT_EQ(value.find(marker), std::string::npos) << method << " " << target << " " << name;
            EXPECT_NE(answer.status, 500u) << method << " " << target;
            ++tried;
        };
        for (const http::Router::Way& way : http::Router::ways()) {
            const std::string method(way.method), path(way.path);
            // Signing out would end it; the page and the document are the same for all.
            if (path == "/api/v1/session" && method != "GET") continue;
            std::vector<std::string> targets{path};
            if (path.find('{') != path.npos) {
                targets.clear();
                for (const std::string& argument : arguments_of(path)) {
                    std::string target = path;
                    for (size_t brace, n = 0; (brace = target.find('{')) != target.npos; ++n)
                        target.replace(brace, target.find('}') + 1 - brace, n == 0 ? argument : "1");
                    targets.push_back(target);
                }
            }
            if (path == "/api/v1/lifecycle")
                targets = {path + "?key=case-1", path + "?key=case-2", path + "?key=case-1&workflow=flow-all",
                           path + "?key=case-2&tenant=acme"};
            if (path == "/api/v1/events/stats") targets = {path + "?group=tenant,type,region"};
            if (path == "/api/v1/events/export") targets = {path, path + "?format=csv"};
            if (path == "/api/v1/events" && method == "GET") targets.push_back(path + "?subject=case-1");
            if (path == "/api/v1/events/search") targets.push_back(path + "?key=case-1&limit=1");
            if (path == "/api/v1/review/items") targets.push_back(path + "?state=all");
            for (const std::string& target : targets)
                check(method, target, client->ask(method, target, who, method == "GET" ? "" : "{}"));
        }
        for (const char* stream : {"/api/v1/stream", "/api/v1/ws"})
            check("GET", stream, client->open_stream(stream, who));
        EXPECT_GT(tried, 150u);
    }

    std::unique_ptr<FiveRegions> regions;
    std::unique_ptr<ApplianceProcess> appliance;
    std::unique_ptr<HttpExchange> client;
    Headers admin;
};

TEST_F(Sight, WhoIsLimitedToATenantSeesNoTextAndNoCountOfAnother) {
    const Headers who = sign_in("of-acme");
    EXPECT_NE(client->ask("GET", "/api/v1/events", admin).body.find(kOfTenant), std::string::npos)
        << "it is there";
    try_everything(who, kOfTenant);
    const auto get = [&](const std::string& target) { return client->ask("GET", target, who); };
    EXPECT_EQ(get("/metrics").status, 403u);
    const json::object status = json::parse(get("/api/v1/status").body).as_object();
    EXPECT_TRUE(status.at("limited").as_bool());
    for (const char* total :
         {"events", "ingest", "log", "stages", "dead_letters", "dedup", "sla", "alerts", "http"})
        EXPECT_FALSE(status.contains(total)) << total;
    for (const json::value& region : status.at("regions").as_array())
        EXPECT_FALSE(region.as_object().contains("stored"));
    EXPECT_FALSE(json::parse(client->open_stream("/api/v1/stream", who).body).as_object().contains("trend"));
    // What is one's own is there.
    const std::string workflows = get("/api/v1/workflows").body;
    EXPECT_NE(workflows.find("flow-mine"), std::string::npos) << workflows;
    EXPECT_EQ(workflows.find("flow-all"), std::string::npos) << "it counts all";
    EXPECT_EQ(get("/api/v1/workflows/flow-mine/series").status, 200u);
    EXPECT_EQ(get("/api/v1/workflows/flow-all/series").status, 404u);
    EXPECT_NE(get("/api/v1/workflows/flow-all/instances").body.find("case-2"), std::string::npos);
    EXPECT_NE(get("/api/v1/lifecycle?key=case-2").body.find("flow-all"), std::string::npos);
    const json::value page = json::parse(get("/api/v1/events").body);
    EXPECT_EQ(page.at("items").as_array().size(), 2u);
    EXPECT_EQ(page.at("scanned_events").to_number<int>(), 2);
    EXPECT_EQ(json::parse(get("/api/v1/events/stats").body).at("events").to_number<int>(), 2);
}

TEST_F(Sight, WhoIsLimitedToARegionSeesNoTextOfAnother) {
    const Headers who = sign_in("of-us");
    try_everything(who, kOfRegion);
    const auto get = [&](const std::string& target) { return client->ask("GET", target, who); };
    EXPECT_EQ(get("/metrics").status, 403u);
    const json::object status = json::parse(get("/api/v1/status").body).as_object();
    ASSERT_EQ(status.at("regions").as_array().size(), 1u);
    EXPECT_EQ(status.at("regions").at(0).at("stored").to_number<int>(), 3);
    EXPECT_FALSE(status.contains("events"));
    EXPECT_EQ(json::parse(get("/api/v1/events").body).at("items").as_array().size(), 3u);
    EXPECT_EQ(get("/api/v1/workflows/flow-all").body.find("market="), std::string::npos)
        << "groups are of events";
}

}  // namespace
}  // namespace penstock::test

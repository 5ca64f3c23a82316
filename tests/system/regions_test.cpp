// Regions that come and go while the real program runs and is killed, and payloads that stay where they are.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/support/appliance_process.h"
#include "tests/support/five_regions.h"
#include "tests/support/http_client.h"

namespace penstock::test {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

class Regions : public testing::Test {
  protected:
    static void SetUpTestSuite() {
        if (PostgresCluster::available()) databases = std::make_unique<FiveRegions>();
    }
    static void TearDownTestSuite() { databases.reset(); }
    void SetUp() override {
        PENSTOCK_NEEDS_POSTGRES();
        for (const char* name : FiveRegions::kNames)
            databases->number(name, "DROP SCHEMA IF EXISTS penstock CASCADE");
        appliance.set_config(
            fmt::format("{}[[region]]\nname = \"us\"\ndsn = \"{}\"\n", kOptions, databases->dsn("us")));
    }
    static constexpr const char* kOptions = "[flush]\nlinger_ms = 20\n[access]\nrequired = \"false\"\n";

    CommandResult run(std::vector<std::string> arguments) const {
        arguments.insert(arguments.end(),
                         {"--server", fmt::format("127.0.0.1:{}", appliance.http_port()), "-o", "json"});
        return penstock(arguments);
    }
    /// What it answered; an empty object where it failed.
    json::object regions(std::vector<std::string> arguments, int expected = 0) const {
        arguments.insert(arguments.begin(), "regions");
        const CommandResult result = run(std::move(arguments));
        EXPECT_EQ(result.exit_code, expected) << result.out << result.err;
        json::error_code failed;
        const json::value answer = json::parse(result.out, failed);
        return !failed && answer.is_object() ? answer.get_object() : json::object();
    }
    std::string state_of(const std::string& region) const {
        const HttpAnswer answer = HttpClient(appliance.http_port()).get("/api/v1/regions/" + region);
        return answer.status == 200 ? std::string(json::parse(answer.body).at("state").as_string()) : "none";
    }
    void add(const std::string& region) const {
        const TemporaryFile dsn("dsn", databases->dsn(region));
        regions({"add", region, "--dsn-file", dsn.path(), "--alias", region + "-alias"});
    }
    CommandResult send(const std::string& region, const std::string& prefix, int count = 10,
                       const std::string& data = "1") const {
        std::string lines;
        for (int i = 0; i < count; ++i)
            lines += fmt::format(
                "{{\"specversion\":\"1.0\",\"id\":\"{}-{}\",\"source\":\"/"
                "s\",\"type\":\"t\",\"subject\":\"k\","
                "\"region\":\"{}\",\"data\":{}}}\n",
                prefix, i, region, data);
        const TemporaryFile file("events.ndjson", lines);
        return penstock({"send", file.path(), "--to", appliance.events(), "--retry-for", "0"});
    }
    int64_t twice() const {
        int64_t sum = 0;
        for (const char* region : {"us", "eu"})
            sum += databases->number(region,
                                     "SELECT count(*) - count(DISTINCT (source, id)) FROM penstock.event");
        return sum;
    }
    bool has(const std::string& region, int64_t count) const {
        return eventually([&] { return databases->events(region) == count; });
    }

    static inline std::unique_ptr<FiveRegions> databases;
    ApplianceProcess appliance;
};

TEST_F(Regions, OneIsAddedFilledDrainedAndRemovedWithoutARestart) {
    appliance.start();
    EXPECT_EQ(send("eu", "early").exit_code, 1) << "nobody knows it";
    add("eu");
    EXPECT_EQ(send("eu", "a").exit_code, 0);
    EXPECT_EQ(send("eu-alias", "b").exit_code, 0);
    EXPECT_TRUE(has("eu", 20));
    EXPECT_NE(appliance.get("/api/v1/events/search?region=eu&limit=100").find("\"a-9\""), std::string::npos);

    EXPECT_EQ(regions({"remove", "eu"}, 1).size(), 0u) << "it takes events";
    EXPECT_EQ(regions({"drain", "eu", "--wait", "30"}).at("state").as_string(), "drained");
    EXPECT_EQ(send("eu", "c").exit_code, 1);
    EXPECT_NE(appliance.get("/api/v1/deadletters?cause=region_draining").find("\"region_draining\""),
              std::string::npos);
    EXPECT_EQ(databases->events("eu"), 20);
    EXPECT_EQ(regions({"remove", "eu"}).at("state").as_string(), "removed");
    EXPECT_EQ(state_of("eu"), "none");
    EXPECT_TRUE(
        eventually([&] { return appliance.get("/metrics").find("region=\"eu\"") == std::string::npos; }));
    EXPECT_EQ(send("us", "d").exit_code, 0);
    EXPECT_TRUE(has("us", 10));

    add("eu");
    EXPECT_EQ(send("eu", "e").exit_code, 0);
    EXPECT_TRUE(has("eu", 30)) << "what it had is not stored again";
    EXPECT_EQ(twice(), 0);
    EXPECT_TRUE(eventually([&] {
        return databases->number("eu",
                                 "SELECT count(*) FROM penstock.audit WHERE action = 'region.set' AND "
                                 "target = 'eu' AND done") >= 4;
    })) << "added, drained, removed, added, in its own database";
    appliance.stop();
    const CommandResult verified = penstock({"log", "verify", "--data-dir", appliance.data_dir()});
    EXPECT_NE((verified.out + verified.err).find("is what its records make"), std::string::npos)
        << verified.out << verified.err;
}

TEST_F(Regions, WhatWasAnsweredSurvivesKill9AtEveryStep) {
    appliance.start();
    const auto killed = [&] {
        appliance.kill9();
        appliance.start();
    };
    add("eu");
    killed();
    EXPECT_EQ(state_of("eu"), "active");
    databases->cluster().stop();  // what comes now waits in the log
    EXPECT_EQ(send("eu", "a", 100).exit_code, 0);
    regions({"drain", "eu"});
    killed();
    EXPECT_EQ(state_of("eu"), "draining");
    EXPECT_EQ(send("eu", "late").exit_code, 1);
    regions({"remove", "eu"}, 1);
    databases->cluster().start();
    EXPECT_TRUE(eventually([&] { return state_of("eu") == "drained"; }, 40));
    EXPECT_EQ(databases->events("eu"), 100);
    killed();
    EXPECT_TRUE(eventually([&] { return state_of("eu") == "drained"; }, 40));
    regions({"remove", "eu"});
    killed();
    EXPECT_EQ(state_of("eu"), "none");
    EXPECT_EQ(send("us", "b").exit_code, 0);
    EXPECT_TRUE(has("us", 10));
    EXPECT_EQ(twice(), 0);
    appliance.stop();
}

TEST_F(Regions, AConnectionStringIsInNoAnswerNoLogAndNoFile) {
    appliance.start();
    const std::string secret = "correct-horse-battery";
    const TemporaryFile dsn("dsn", "host=127.0.0.1 port=1 dbname=x user=y password=" + secret);
    regions({"add", "eu", "--dsn-file", dsn.path()});
    EXPECT_TRUE(eventually([&] { return state_of("eu") == "active"; }));
    std::string all;
    for (const char* path :
         {"/api/v1/regions", "/api/v1/regions/eu", "/api/v1/status", "/api/v1/audit", "/metrics"})
        all += appliance.get(path);
    const TemporaryFile broken("dsn", "password=" + secret + " nonsense");
    all += run({"regions", "add", "anz", "--dsn-file", broken.path()}).err;
    appliance.stop();
    all += appliance.log_text();
    for (const auto& file : fs::recursive_directory_iterator(appliance.data_dir())) {
        std::ifstream in(file.path(), std::ios::binary);
        if (file.is_regular_file()) all.append(std::istreambuf_iterator<char>(in), {});
    }
    EXPECT_EQ(all.find(secret), std::string::npos);
}

TEST_F(Regions, ThatOthersAreSentToCannotBeDrained) {
    appliance.set_config(fmt::format(
        "{}[[region]]\nname = \"us\"\n[[region]]\nname = \"eu\"\n[[region]]\nname = \"ca\"\n", kOptions));
    appliance.start();
    const auto drain = [&](const char* region) {
        return HttpClient(appliance.http_port()).post(fmt::format("/api/v1/regions/{}/drain", region), "{}");
    };
    EXPECT_NE(drain("us").body.find("default-region"), std::string::npos);
    EXPECT_EQ(run({"tenant", "add", "acme", "--region", "eu"}).exit_code, 0);
    EXPECT_NE(drain("eu").body.find("region-in-use"), std::string::npos);
    EXPECT_EQ(drain("ca").status, 200) << "also one of the configuration";
    EXPECT_EQ(run({"tenant", "limit", "acme", "--region", "ca"}).exit_code, 1) << "it takes no events";
    EXPECT_EQ(send("ca", "a").exit_code, 1);
    EXPECT_EQ(regions({"resume", "ca"}).at("state").as_string(), "active");
    EXPECT_EQ(send("ca", "a").exit_code, 0);
    appliance.stop();
}

/// A region whose payload stays and is sealed, and all the ways to it.
class Residency : public Regions {
  protected:
    void SetUp() override {
        PENSTOCK_NEEDS_POSTGRES();
        for (const char* name : FiveRegions::kNames)
            databases->number(name, "DROP SCHEMA IF EXISTS penstock CASCADE");
        ::chmod(key.path().c_str(), 0600);
        appliance.set_config(fmt::format(
            "[flush]\nlinger_ms = 20\n[sla]\nworkflows = [\"{}\"]\n[[review.queue]]\nname = \"all\"\ntypes = "
            "[\"t\"]\n[[region]]\nname = \"us\"\ndsn = \"{}\"\n[[region]]\nname = \"eu\"\ndsn = "
            "\"{}\"\npayload = \"stays\"\nkey_file = \"{}\"\n",
            workflow.path(), databases->dsn("us"), databases->dsn("eu"), key.path()));
    }
    std::string key_for(const std::string& name, std::vector<std::string> scope) const {
        std::vector<std::string> arguments{"key", "add", name, "--role", "admin"};
        arguments.insert(arguments.end(), scope.begin(), scope.end());
        const CommandResult made = run(arguments);
        EXPECT_EQ(made.exit_code, 0) << made.err;
        return std::string(json::parse(made.out).at("key").as_string());
    }
    HttpAnswer get(const std::string& path, const std::string& api_key) const {
        return HttpClient(appliance.http_port()).get(path, "X-API-Key: " + api_key + "\r\n");
    }
    bool on_disk(const std::string& folder, const std::string& text) const {
        for (const auto& file : fs::recursive_directory_iterator(folder)) {
            if (!file.is_regular_file()) continue;
            std::ifstream in(file.path(), std::ios::binary);
            const std::string bytes{std::istreambuf_iterator<char>(in), {}};
            if (bytes.find(text) != std::string::npos) return true;
        }
        return false;
    }

    const TemporaryFile key{"eu.key", std::string(64, 'e') + "\n"};
    const TemporaryFile workflow{
        "watch.json",
        R"({"name":"watch","key":"subject","stages":[{"name":"a","type":"t"},{"name":"b","type":"u"}],)"
        R"("edges":[{"from":"a","to":"b","within":"1s"}]})"};
};

TEST_F(Residency, APayloadThatStaysIsFoundByNobodyBeyondItsRegion) {
    appliance.start();
    const std::string everywhere = key_for("all", {}), europe = key_for("europe", {"--region", "eu"}),
                      america = key_for("america", {"--region", "us"});
    EXPECT_EQ(send("eu", "e", 5, R"({"text":"marker-of-europe"})").exit_code, 0);
    EXPECT_EQ(send("us", "u", 5, R"({"text":"marker-of-america"})").exit_code, 0);
    EXPECT_EQ(send("eu", "bad", 1, R"({"text":"marker-of-europe"},"severity":99)").exit_code, 1);
    const TemporaryFile torn("torn",
                             "{\"specversion\":\"1.0\",\"region\":\"eu\",\"data\":\"marker-of-europe\n");
    EXPECT_EQ(penstock({"send", torn.path(), "--to", appliance.events(), "--retry-for", "0"}).exit_code, 1);
    const std::vector<std::string> ways{"/api/v1/events",
                                        "/api/v1/events?region=eu",
                                        "/api/v1/events?subject=k",
                                        "/api/v1/events/search",
                                        "/api/v1/events/search?region=eu",
                                        "/api/v1/events/search?key=k",
                                        "/api/v1/events/search?text=marker-of-europe",
                                        "/api/v1/events/search?region=eu&text=marker-of-europe",
                                        "/api/v1/events/stats?by=region",
                                        "/api/v1/deadletters",
                                        "/api/v1/lifecycle?key=k",
                                        "/api/v1/workflows/watch/instances",
                                        "/api/v1/alerts",
                                        "/api/v1/review/items?limit=50",
                                        "/api/v1/status",
                                        "/api/v1/audit",
                                        "/api/v1/regions",
                                        "/metrics"};
    const auto check = [&](const char* when) {
        for (const std::string& way : ways) {
            const HttpAnswer all = get(way, everywhere), us = get(way, america), eu = get(way, europe);
            EXPECT_EQ(all.body.find("marker-of-europe"), std::string::npos) << when << way << all.body;
            EXPECT_EQ(us.body.find("marker-of-europe"), std::string::npos) << when << way << us.body;
            EXPECT_EQ(eu.body.find("marker-of-america"), std::string::npos) << when << way << eu.body;
        }
        const auto exported = [&](const std::string& api_key, std::vector<std::string> more) {
            more.insert(more.begin(), {"events", "export", "--api-key", api_key, "--server",
                                       fmt::format("127.0.0.1:{}", appliance.http_port())});
            return penstock(more).out;
        };
        for (const std::vector<std::string>& more :
             std::vector<std::vector<std::string>>{{}, {"--format", "csv"}, {"--region", "eu"}}) {
            for (const std::string* who : {&everywhere, &america})
                EXPECT_EQ(exported(*who, more).find("marker-of-europe"), std::string::npos) << when;
            EXPECT_EQ(exported(europe, more).find("marker-of-america"), std::string::npos) << when;
        }
        EXPECT_NE(exported(europe, {"--region", "eu"}).find("marker-of-europe"), std::string::npos) << when;
        for (int seq = 1; seq < 60; ++seq)
            for (const char* way : {"/api/v1/events/{}", "/api/v1/deadletters/{}", "/api/v1/review/items/{}"})
                for (const std::string* who : {&everywhere, &america})
                    EXPECT_EQ(get(fmt::format(fmt::runtime(way), seq), *who).body.find("marker-of-europe"),
                              std::string::npos)
                        << when << way << " " << seq;
        for (const char* way :
             {"/api/v1/events?region=eu", "/api/v1/events/search?region=eu", "/api/v1/deadletters"})
            EXPECT_NE(get(way, europe).body.find("marker-of-europe"), std::string::npos)
                << when << way << get(way, europe).body;
    };
    check("waiting or stored: ");
    EXPECT_TRUE(has("eu", 5) && has("us", 5));
    check("stored: ");
    appliance.stop();
}

TEST_F(Residency, OnDiskAndInBackupsThereIsNothingOfItWithoutItsKey) {
    appliance.start();
    EXPECT_EQ(send("eu", "secret-id", 50, R"({"text":"marker-of-europe"})").exit_code, 0);
    EXPECT_EQ(send("eu", "bad", 1, R"({"text":"marker-of-europe"},"severity":99)").exit_code, 1);
    EXPECT_EQ(send("us", "plain-id", 5, R"({"text":"marker-of-america"})").exit_code, 0);
    const std::string backup = appliance.folder() + "/backup";
    const CommandResult made = penstock({"backup", backup, "--data-dir", appliance.data_dir()});
    EXPECT_EQ(made.exit_code, 0) << made.err;
    appliance.kill9();
    appliance.start();  // replays what is sealed
    EXPECT_TRUE(has("eu", 50));
    appliance.stop();
    for (const std::string& folder : {appliance.data_dir(), backup}) {
        EXPECT_FALSE(on_disk(folder, "marker-of-europe")) << folder;
        EXPECT_FALSE(on_disk(folder, "secret-id")) << folder;
        EXPECT_TRUE(on_disk(folder, "marker-of-america")) << folder << ": its region asks for nothing";
    }
    const CommandResult shown = penstock({"log", "show", "--config", appliance.config_file(), "--data-dir",
                                          appliance.data_dir(), "--key", "k"});
    EXPECT_NE(shown.out.find("marker-of-europe"), std::string::npos) << shown.err;
    const CommandResult blind = penstock({"log", "show", "--data-dir", appliance.data_dir(), "--key", "k"});
    EXPECT_EQ(blind.out.find("marker-of-europe"), std::string::npos);
    EXPECT_NE(blind.err.find("is sealed with key"), std::string::npos) << blind.err;

    {
        std::ofstream(key.path()) << std::string(64, 'f') << "\n";
    }
    appliance.launch();
    EXPECT_EQ(appliance.wait_end(), 1) << "nothing is guessed";
    EXPECT_NE(appliance.log_since_start().find("is sealed with key"), std::string::npos)
        << appliance.log_since_start();
    {
        std::ofstream(key.path()) << std::string(64, 'f') << "\n" << std::string(64, 'e') << "\n";
    }
    appliance.start();
    EXPECT_EQ(send("eu", "new-key", 5, R"({"text":"marker-of-europe"})").exit_code, 0);
    EXPECT_TRUE(has("eu", 55));
    appliance.stop();
    EXPECT_FALSE(on_disk(appliance.data_dir(), "marker-of-europe"));
}

}  // namespace
}  // namespace penstock::test

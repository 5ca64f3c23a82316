// Searches, statistics and exports of the real program over real databases, and `penstock regions verify`.
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <set>

#include "tests/support/appliance_process.h"
#include "tests/support/five_regions.h"
#include "tests/support/http_client.h"

namespace penstock::test {
namespace {

namespace json = boost::json;

class Queries : public ::testing::Test {
  protected:
    static constexpr int kEvents = 3'000;

    void SetUp() override {
        PENSTOCK_NEEDS_POSTGRES();
        regions = std::make_unique<FiveRegions>();
        appliance = std::make_unique<ApplianceProcess>(regions->config());
        appliance->start();
        const CommandResult sent = penstock({"generate", std::to_string(kEvents), "--seed", "7",
                                             "--duplicates", "0", "--to", appliance->events()});
        ASSERT_EQ(sent.exit_code, 0) << sent.err;
        ASSERT_TRUE(eventually([&] { return regions->events() == kEvents; }));
    }
    json::object get(const std::string& target) {
        return json::parse(appliance->get("/api/v1/events/" + target)).as_object();
    }
    /// A body in chunks, put together; throws where it breaks off.
    std::string download(const std::string& target) {
        const CommandResult result =
            penstock({"events", "export", "--server", fmt::format("127.0.0.1:{}", appliance->http_port()),
                      "--format", target});
        EXPECT_EQ(result.exit_code, 0) << result.err;
        return result.out;
    }

    std::unique_ptr<FiveRegions> regions;
    std::unique_ptr<ApplianceProcess> appliance;
};

TEST_F(Queries, PagesGiveEachEventOnceAndStatisticsCountThem) {
    std::set<std::pair<std::string, uint64_t>> seen;
    std::string target = "search?limit=700";
    for (int page = 0; page < 20; ++page) {
        const json::object answer = get(target);
        EXPECT_FALSE(answer.at("partial").as_bool());
        for (const json::value& item : answer.at("items").as_array())
            EXPECT_TRUE(
                seen.emplace(item.at("log").as_string(), item.at("seq").to_number<uint64_t>()).second);
        if (answer.at("next").is_null()) break;
        target = std::string(answer.at("next").as_string()).substr(std::string("/api/v1/events/").size());
    }
    EXPECT_EQ(seen.size(), static_cast<size_t>(kEvents));

    const json::object statistics = get("stats?group=region,severity");
    EXPECT_EQ(statistics.at("events").to_number<int>(), kEvents);
    std::map<std::string, int64_t> by_region;
    for (const json::value& group : statistics.at("groups").as_array())
        by_region[std::string(group.at("region").as_string())] += group.at("events").to_number<int64_t>();
    for (const char* name : FiveRegions::kNames) EXPECT_EQ(by_region[name], regions->events(name)) << name;
}

TEST_F(Queries, AnswersOfThePastComeFromTheCacheAndAreNeverStale) {
    const auto metric = [&](const std::string& name) {
        const std::string text = appliance->get("/metrics");
        const size_t at = text.find("\npenstock_" + name + " ");
        return at == std::string::npos ? -1.0 : std::stod(text.substr(at + name.size() + 11));
    };
    const std::string target = "stats?group=type";
    // Ledgers may still be moving past the last of the other regions' events.
    EXPECT_TRUE(eventually([&] {
        const double hits = metric("query_cache_hits_total");
        get(target);
        return metric("query_cache_hits_total") == hits + 1;
    }));
    const auto before = get(target).at("events").to_number<int>();
    EXPECT_EQ(before, kEvents);
    for (int i = 1; i <= 5; ++i) {
        ASSERT_EQ(penstock({"send", "-", "--to", appliance->events()},
                           fmt::format(R"({{"specversion":"1.0","id":"n{}","source":"/n","type":"new"}})"
                                       "\n",
                                       i))
                      .exit_code,
                  0);
        ASSERT_EQ(get(target).at("events").to_number<int>(), kEvents + i)
            << "what was acknowledged is counted";
    }
}

TEST_F(Queries, AnExportIsWholeAndOnRecord) {
    const std::string lines = download("ndjson");
    EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), kEvents);
    std::set<uint64_t> seen;
    for (size_t at = 0; at < lines.size();) {
        const size_t end = lines.find('\n', at);
        seen.insert(json::parse(lines.substr(at, end - at)).at("seq").to_number<uint64_t>());
        at = end + 1;
    }
    EXPECT_EQ(seen.size(), static_cast<size_t>(kEvents));
    const std::string csv = download("csv");
    EXPECT_TRUE(csv.starts_with("received,time,region,"));
    EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), kEvents + 1);
}

TEST_F(Queries, ARegionThatIsDownIsNamedAndNoExportGoesWithoutIt) {
    regions->cluster().sql("ALTER DATABASE latam ALLOW_CONNECTIONS false");
    regions->cluster().sql(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = 'latam'");
    const json::object answer = get("search?limit=5");
    EXPECT_TRUE(answer.at("partial").as_bool());
    ASSERT_EQ(answer.at("missing").as_array().size(), 1u);
    EXPECT_EQ(answer.at("missing").at(0).at("region"), "latam");
    EXPECT_TRUE(answer.at("missing").at(0).as_object().contains("since"));
    HttpClient client(appliance->http_port());
    EXPECT_EQ(client.get("/api/v1/events/export").status, 503);
    EXPECT_EQ(client.get("/api/v1/events/export?region=us").status, 200);
    regions->cluster().sql("ALTER DATABASE latam ALLOW_CONNECTIONS true");
    EXPECT_TRUE(eventually([&] { return !get("search?limit=5").at("partial").as_bool(); }));
}

TEST_F(Queries, WrongParametersAreNamed) {
    HttpClient client(appliance->http_port());
    for (const char* wrong :
         {"search?limit=1001", "search?cursor=x", "search?sort=size", "search?region=mars",
          "search?from=yesterday", "stats?group=colour", "stats?group=hour,day", "export?format=xml",
          "search?severity_at_least=6", "search?nothing=1"}) {
        const HttpAnswer answer = client.get(std::string("/api/v1/events/") + wrong);
        EXPECT_EQ(answer.status, 400) << wrong;
        EXPECT_NE(answer.body.find("bad-parameter"), std::string::npos) << wrong;
    }
}

TEST_F(Queries, AClientThatLeavesEndsItsExport) {
    for (int i = 0; i < 8; ++i) {
        HttpClient client(appliance->http_port());
        client.send("GET /api/v1/events/export HTTP/1.1\r\nHost: localhost\r\n\r\n");
    }
    // Not more than two at a time: those that were left must be over.
    EXPECT_TRUE(eventually([&] {
        HttpClient client(appliance->http_port());
        return client.get("/api/v1/events/export?key=none-such").status == 200;
    }));
}

TEST_F(Queries, VerifyFindsWhatIsMissingExtraOrDifferent) {
    const std::vector<std::string> command{
        "regions", "verify", "--config", appliance->config_file(), "--data-dir", appliance->data_dir(),
        "-o",      "json"};
    CommandResult result = penstock(command);
    EXPECT_EQ(result.exit_code, 0) << result.out << result.err;

    const int64_t deleted = regions->number("us",
                                            "DELETE FROM penstock.event WHERE seq = (SELECT min(seq) FROM "
                                            "penstock.event) RETURNING seq");
    const int64_t changed =
        regions->number("us",
                        "UPDATE penstock.event SET data = '{\"x\":1}' WHERE seq = (SELECT max(seq) FROM "
                        "penstock.event) RETURNING seq");
    const int64_t added = regions->number(
        "eu", "INSERT INTO penstock.event SELECT * FROM penstock.event ORDER BY seq LIMIT 1 RETURNING seq");
    result = penstock(command);
    EXPECT_EQ(result.exit_code, 1) << result.err;
    std::map<std::string, json::object> verdicts;
    for (size_t at = 0; at < result.out.size();) {
        const size_t end = result.out.find('\n', at);
        const json::object verdict = json::parse(result.out.substr(at, end - at)).as_object();
        verdicts[std::string(verdict.at("region").as_string())] = verdict;
        at = end + 1;
    }
    const auto seqs = [&](const std::string& region, const char* kind) {
        std::vector<int64_t> all;
        for (const json::value& hour : verdicts[region].at("differences").as_array())
            for (const json::value& seq : hour.at(kind).as_array()) all.push_back(seq.to_number<int64_t>());
        return all;
    };
    EXPECT_EQ(seqs("us", "missing"), std::vector<int64_t>{deleted});
    EXPECT_EQ(seqs("us", "different"), std::vector<int64_t>{changed});
    EXPECT_EQ(seqs("us", "extra"), std::vector<int64_t>{});
    EXPECT_EQ(seqs("eu", "extra"), std::vector<int64_t>{added});
    EXPECT_TRUE(verdicts["ca"].at("agrees").as_bool());
}

}  // namespace
}  // namespace penstock::test

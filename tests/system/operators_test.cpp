// Many operators at one queue, with the appliance and a region killed under them. The checker reads only the
// databases and the HTTP answers.
#include <gtest/gtest.h>

#include <atomic>
#include <boost/json.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <thread>

#include "pipeline/api_key.h"
#include "tests/support/appliance_process.h"
#include "tests/support/http_client.h"
#include "tests/support/postgres_cluster.h"
#include "tests/support/seed.h"

namespace penstock::test {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

constexpr std::array<const char*, 4> kRegions{"us", "ca", "eu", "apac"};
constexpr int kOperators = 200;
constexpr int kItemsASecond = 1'000;

/// PENSTOCK_OPERATORS_SECONDS=60 is the whole minute.
int seconds() {
    const char* given = std::getenv("PENSTOCK_OPERATORS_SECONDS");
    return given ? std::atoi(given) : 6;
}
std::string token_of(int operator_number) {
    return fmt::format("operator-token-{:06}-kdfjg", operator_number);
}

/// What the operators were told, all together.
struct Told {
    std::mutex mutex;
    std::map<int64_t, std::vector<std::string>> decided;  ///< item -> who was told that it is done
    std::map<int64_t, int64_t> fences;                    ///< fence -> item
    std::vector<std::string> faults;
    size_t most_held = 0;
    void fault(std::string what) {
        std::lock_guard lock(mutex);
        if (faults.size() < 20) faults.push_back(std::move(what));
    }
};

/// One person at a browser: one connection, one session, made anew when they are lost.
class OperatorAtWork {
  public:
    OperatorAtWork(const ApplianceProcess& appliance, int number, Told& told)
        : appliance_(appliance), number_(number), told_(told), random_(static_cast<uint64_t>(number)) {}

    void run(const std::atomic<bool>& stop) {
        while (!stop) {
            const auto mine = call("GET", "/api/v1/review/items?holder=me&limit=60", "", stop);
            if (mine.status != 200) continue;
            const json::value page = json::parse(mine.body);
            const json::array& items = page.at("items").as_array();
            {
                std::lock_guard lock(told_.mutex);
                told_.most_held = std::max(told_.most_held, items.size());
            }
            if (items.empty()) {
                std::this_thread::sleep_for(20ms);
                continue;
            }
            for (size_t i = 0; i < items.size() && i < 8 && !stop; ++i) work_on(items[i].as_object(), stop);
        }
    }

  private:
    void work_on(const json::object& item, const std::atomic<bool>& stop) {
        const int64_t id = item.at("id").as_int64();
        const std::string path = fmt::format("/api/v1/review/items/{}", id);
        const HttpAnswer claimed = call("POST", path + "/claim", "{}", stop);
        if (claimed.status == 409) return;  // a lease ended, or it was taken along by a sign-out
        if (claimed.status != 200) return unexpected("claim", claimed);
        const int64_t fence = json::parse(claimed.body).at("fence").as_int64();
        {
            std::lock_guard lock(told_.mutex);
            const auto [at, fresh] = told_.fences.emplace(fence, id);
            if (!fresh && at->second != id) told_.faults.push_back("a fence was given twice");
        }
        const bool approves = random_.chance(70);
        const HttpAnswer done = call("POST", path + "/decide",
                                     fmt::format(R"({{"fence":{},"decision":"{}","reason":"seen by {}"}})",
                                                 fence, approves ? "approved" : "rejected", number_),
                                     stop);
        if (done.status == 409) return;
        if (done.status != 200) return unexpected("decide", done);
        std::lock_guard lock(told_.mutex);
        told_.decided[id].push_back(fmt::format("op{}", number_));
    }

    void unexpected(const char* what, const HttpAnswer& answer) {
        if (answer.status != 0) told_.fault(fmt::format("{}: {} {}", what, answer.status, answer.body));
    }

    /// Asks until it is answered: the same command under the same key, so that it is done once.
    HttpAnswer call(const std::string& method, const std::string& target, const std::string& body,
                    const std::atomic<bool>& stop) {
        const std::string key = fmt::format("op{}-{}", number_, ++calls_);
        while (!stop) {
            HttpAnswer answer;
            try {
                if (!client_) client_ = std::make_unique<HttpClient>(appliance_.http_port());
                if (cookie_.empty() && !sign_in()) continue;
                const std::string headers =
                    cookie_ + "Sec-Fetch-Site: same-origin\r\nIdempotency-Key: " + key + "\r\n";
                answer =
                    method == "GET" ? client_->get(target, headers) : client_->post(target, body, headers);
            } catch (const std::exception&) {
            }
            if (answer.status == 401) cookie_.clear();
            if (answer.status == 0 || answer.status == 401 || answer.status >= 500) {
                client_.reset();
                std::this_thread::sleep_for(50ms);
                continue;
            }
            return answer;
        }
        return {};
    }
    bool sign_in() {
        const HttpAnswer in =
            client_->post("/api/v1/session", fmt::format(R"({{"token":"{}"}})", token_of(number_)));
        if (in.status >= 400 && in.status < 500 && in.status != 429)
            told_.fault(fmt::format("sign-in: {} {}", in.status, in.body));
        const std::string& set = in.header("set-cookie");
        if (set.empty()) {
            client_.reset();
            std::this_thread::sleep_for(100ms);
            return false;
        }
        cookie_ = "Cookie: " + set.substr(0, set.find(';')) + "\r\n";
        return true;
    }

    const ApplianceProcess& appliance_;
    const int number_;
    Told& told_;
    Random random_;
    std::unique_ptr<HttpClient> client_;
    std::string cookie_;
    uint64_t calls_ = 0;
};

TEST(Operators, TwoHundredAtOneQueueDecideEachItemOnceInItsRegionThroughKills) {
    PENSTOCK_NEEDS_POSTGRES();
    SCOPED_TRACE(seed_note());
    std::map<std::string, std::unique_ptr<PostgresCluster>> regions;
    std::string config =
        "[state]\ncheckpoint_s = 2\n[[review.queue]]\nname = \"alarms\"\ntypes = [\"alarm\"]\n";
    for (const char* name : kRegions) {
        regions[name] = std::make_unique<PostgresCluster>();
        config += fmt::format("[[region]]\nname = \"{}\"\ndsn = \"{}\"\n", name, regions[name]->dsn());
    }
    for (int i = 0; i < kOperators; ++i)
        config += fmt::format(
            "[[user]]\nname = \"op{}\"\nrole = \"operator\"\nregions = [\"{}\"]\ntoken_hash = \"{}\"\n", i,
            kRegions[static_cast<size_t>(i) % kRegions.size()], hash_api_key(token_of(i)));
    ApplianceProcess appliance(config);
    appliance.start();
    // The same ports after each kill: whoever was connected comes back by itself.
    appliance.set_arguments({"--set", "ingest.listen=" + appliance.events(), "--set",
                             fmt::format("http.listen=127.0.0.1:{}", appliance.http_port())});

    const int count = kItemsASecond * seconds();
    std::string events;
    Random random(5);
    std::map<std::string, int64_t> sent;
    for (int i = 0; i < count; ++i) {
        const char* region = kRegions[random.below(kRegions.size())];
        ++sent[region];
        events += fmt::format(
            R"({{"specversion":"1.0","id":"a{}","source":"/cams","type":"alarm","region":"{}","severity":{}}})"
            "\n",
            i, region, 1 + random.below(5));
    }
    const TemporaryFile file("alarms.ndjson", events);

    Told told;
    std::atomic<bool> stop{false};
    std::vector<std::thread> people;
    people.reserve(kOperators);
    for (int i = 0; i < kOperators; ++i)
        people.emplace_back([&, i] { OperatorAtWork(appliance, i, told).run(stop); });
    CommandResult feed;
    std::thread feeder([&] {
        feed = penstock({"send", file.path(), "--to", appliance.events(), "--rate",
                         std::to_string(kItemsASecond) + "/s", "--producer", "cams", "--retry-for", "60"});
    });
    for (int kill = 0; kill < std::max(2, seconds() / 8); ++kill) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1'500 + random.below(2'000)));
        if (kill % 2 == 0) {
            appliance.kill9();
            appliance.start();
        } else {
            PostgresCluster& region = *regions[kRegions[random.below(kRegions.size())]];
            region.kill9();
            std::this_thread::sleep_for(500ms);
            region.start();
        }
    }
    feeder.join();
    EXPECT_EQ(feed.exit_code, 0) << feed.err;

    // The queue empties, and the regions have all.
    const auto decisions = [&] {
        int64_t sum = 0;
        for (const auto& [name, cluster] : regions)
            sum += cluster->number("SELECT count(*) FROM penstock.decision");
        return sum;
    };
    EXPECT_TRUE(eventually([&] { return decisions() >= count; }, 40.0 + 4.0 * seconds())) << decisions();
    stop = true;
    for (std::thread& person : people) person.join();

    for (const auto& [name, cluster] : regions) {
        EXPECT_EQ(cluster->number("SELECT count(*) FROM penstock.event WHERE type = 'alarm'"), sent[name])
            << name;
        EXPECT_EQ(cluster->number("SELECT count(*) FROM penstock.decision"), sent[name]) << name;
        EXPECT_EQ(cluster->number("SELECT count(DISTINCT item) FROM penstock.decision"), sent[name]) << name;
        EXPECT_EQ(cluster->number("SELECT count(*) FROM penstock.event e JOIN penstock.decision d ON d.log = "
                                  "e.log AND d.event_seq = e.seq AND d.event_id = e.id WHERE d.action IN "
                                  "('approved', 'rejected') AND d.previous_state = 'in_review' AND d.address "
                                  "IS NOT NULL AND d.reason = 'seen by ' || substr(d.user_name, 3)"),
                  sent[name])
            << name << ": each of its events, decided once, by who said so";
        EXPECT_EQ(cluster->number(
                      fmt::format("SELECT count(*) FROM penstock.decision WHERE "
                                  "substr(user_name, 3)::int % 4 <> {}",
                                  std::find(kRegions.begin(), kRegions.end(), name) - kRegions.begin())),
                  0)
            << name << ": by its own people";
        EXPECT_EQ(
            cluster->number("SELECT count(*) FROM penstock.audit a JOIN penstock.decision d ON d.log = a.log "
                            "AND d.seq = a.seq WHERE a.action = 'review.decided' AND a.done AND a.target = "
                            "d.item::text AND a.user_name = d.user_name"),
            sent[name])
            << name << ": each of them in its audit trail";
    }
    EXPECT_LE(told.most_held, 50u);
    for (const std::string& fault : told.faults) ADD_FAILURE() << fault;
    size_t twice = 0;
    for (const auto& [item, who] : told.decided) twice += who.size() != 1;
    EXPECT_EQ(twice, 0u) << "items of which two were told that it is done";
    EXPECT_GE(told.decided.size() + 200, static_cast<size_t>(count)) << "nearly all were told so themselves";
}

}  // namespace
}  // namespace penstock::test

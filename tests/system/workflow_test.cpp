// Workflows with the real program: exact figures of backfills, versions over the API and the command line,
// what one key went through, and a simulation beside the active version.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "admin/cli/event_text.h"
#include "pipeline/clock.h"
#include "pipeline/rfc3339.h"
#include "tests/support/appliance_process.h"
#include "tests/support/seed.h"

namespace penstock::test {
namespace {

namespace json = boost::json;

constexpr StampNs kSecondNs = 1'000'000'000;

std::string shared_data(const std::string& name) {
    const char* folder = std::getenv("PENSTOCK_SHARED_DATA");
    return (folder ? std::string(folder) : std::string(PENSTOCK_SOURCE_DIR) + "/../shared/data") + "/" + name;
}

CommandResult send(const ApplianceProcess& appliance, const std::string& file,
                   std::vector<std::string> more = {}) {
    std::vector<std::string> arguments{"send", file, "--to", appliance.events(), "-o", "json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    CommandResult r = penstock(arguments);
    EXPECT_EQ(r.exit_code, 0) << r.err << appliance.log_text();
    return r;
}
CommandResult command(const ApplianceProcess& appliance, std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--server", fmt::format("127.0.0.1:{}", appliance.http_port())});
    return penstock(arguments);
}
json::value get(const ApplianceProcess& appliance, const std::string& path) {
    return json::parse(appliance.get("/api/v1" + path));
}
json::array edges_of(const ApplianceProcess& appliance) {
    const json::value status = get(appliance, "/status");
    const json::array& workflows = status.at("sla").at("workflows").as_array();
    return workflows.empty() ? json::array{} : workflows[0].at("edges").as_array();
}
std::string event(const std::string& id, const std::string& type, const std::string& subject, StampNs time,
                  const std::string& data = "{}") {
    return fmt::format(
        R"({{"specversion":"1.0","id":"{}","source":"/s","type":"{}","subject":"{}","time":"{}","data":{}}})"
        "\n",
        id, type, subject, cli::format_rfc3339(time), data);
}

// --- figures of a real stream -----------------------------------------------------------------------------

class Helpdesk : public testing::Test {
  protected:
    void SetUp() override {
        if (!std::filesystem::exists(shared_data("helpdesk.ndjson.gz")))
            GTEST_SKIP() << "the shared event streams are not here";
        std::ifstream in(shared_data("helpdesk.expected.json"));
        const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
        expected_ = json::parse(text).at("edges").as_array();
    }
    static std::string config() {
        return fmt::format("[sla]\nworkflows = [\"{}\"]\n", shared_data("helpdesk.workflow.json"));
    }
    /// As simulated: what is pending at the stream's end pends.
    bool exact(const ApplianceProcess& appliance) const {
        const json::array edges = edges_of(appliance);
        return edges.size() == expected_.size() &&
               std::equal(edges.begin(), edges.end(), expected_.begin(),
                          [](const json::value& found, const json::value& wanted) {
                              for (const char* name : {"anchored", "met", "late", "missed", "pending"})
                                  if (found.at(name) != wanted.at(name)) return false;
                              return true;
                          });
    }
    /// Its lines in another order: nothing comes behind what happened a minute later.
    static std::string disturbed(Random& random) {
        std::vector<std::pair<StampNs, std::string>> lines;
        gzFile in = gzopen(shared_data("helpdesk.ndjson.gz").c_str(), "rb");
        std::string line(1 << 20, '\0');
        while (gzgets(in, line.data(), static_cast<int>(line.size()))) {
            const std::string text = line.c_str();
            const StampNs time =
                parse_rfc3339(std::string_view(json::parse(text).at("time").as_string())).value();
            lines.emplace_back(time + random.between(0, 59 * kSecondNs), text);
        }
        gzclose(in);
        std::stable_sort(lines.begin(), lines.end(),
                         [](const auto& a, const auto& b) { return a.first < b.first; });
        std::string out;
        for (const auto& [at, text] : lines) out += text;
        return out;
    }
    json::array expected_;
};

TEST_F(Helpdesk, ABackfillEndsWithTheOutsideFiguresAndAlertsNobodyAlsoReplayedAndRestarted) {
    ApplianceProcess appliance(config());
    appliance.start();
    send(appliance, shared_data("helpdesk.ndjson.gz"), {"--backfill"});
    EXPECT_TRUE(eventually([&] { return exact(appliance); })) << json::serialize(edges_of(appliance));
    EXPECT_TRUE(get(appliance, "/alerts").at("items").as_array().empty());
    appliance.kill9();  // state comes from the log alone
    appliance.start();
    EXPECT_TRUE(eventually([&] { return exact(appliance); })) << json::serialize(edges_of(appliance));
    appliance.stop();  // from the checkpoint
    appliance.start();
    EXPECT_TRUE(eventually([&] { return exact(appliance); })) << json::serialize(edges_of(appliance));
    appliance.stop();
    const CommandResult verify =
        penstock({"log", "verify", "--config", appliance.config_file(), "-o", "json"});
    EXPECT_EQ(verify.exit_code, 0) << verify.out << verify.err;
}

TEST_F(Helpdesk, ArrivalDisturbedWithinTheBoundGivesTheSameFigures) {
    SCOPED_TRACE(seed_note());
    Random random;
    const TemporaryFile file("disturbed.ndjson", disturbed(random));
    ApplianceProcess backfilled(config());
    backfilled.start();
    send(backfilled, file.path(), {"--backfill"});
    EXPECT_TRUE(eventually([&] { return exact(backfilled); })) << json::serialize(edges_of(backfilled));
    backfilled.stop();

    ApplianceProcess live(config());
    live.start();
    send(live, file.path());
    EXPECT_TRUE(eventually([&] {
        const json::array edges = edges_of(live);
        for (size_t i = 0; i < expected_.size(); ++i) {
            const json::value& wanted = expected_[i];
            if (edges.size() != expected_.size() || edges[i].at("met") != wanted.at("met") ||
                edges[i].at("late") != wanted.at("late") || edges[i].at("pending") != 0 ||
                edges[i].at("missed").to_number<int>() !=
                    wanted.at("missed").to_number<int>() + wanted.at("pending").to_number<int>())
                return false;
        }
        return true;
    })) << json::serialize(edges_of(live));
    live.stop();
}

// --- versions ---------------------------------------------------------------------------------------------

constexpr const char* kParcels =
    R"({"name":"parcels","key":"subject","stages":[{"name":"sent"},{"name":"arrived","terminal":"success"}],
        "edges":[{"from":"sent","to":"arrived","within":"1h","severity":3}]})";

std::string with(std::string document, const std::string& what, const std::string& instead) {
    return document.replace(document.find(what), what.size(), instead);
}

TEST(WorkflowVersions, FromADraftWithFaultsToTheActiveVersionWithItsHistoryAlsoAfterAKill) {
    ApplianceProcess appliance;
    appliance.start();
    const TemporaryFile bad("bad.json", with(with(kParcels, "\"within\":\"1h\"", "\"within\":\"soon\""),
                                             "\"key\":\"subject\"", "\"key\":\"id\""));
    CommandResult r = command(appliance, {"workflow", "publish", bad.path(), "--by", "ann"});
    EXPECT_EQ(r.exit_code, 1) << r.out;
    EXPECT_NE(r.err.find("/key: "), std::string::npos) << r.err;
    EXPECT_NE(r.err.find("/edges/0/within: "), std::string::npos) << r.err;

    const TemporaryFile good("parcels.json", kParcels);
    r = command(appliance, {"workflow", "publish", good.path(), "--draft", "--by", "ann", "--note", "first"});
    ASSERT_EQ(r.exit_code, 0) << r.err;
    r = command(appliance, {"workflow", "activate", "parcels", "1", "--by", "bob"});
    ASSERT_EQ(r.exit_code, 0) << r.err;

    const StampNs now = SystemClock().wall_ns();
    const TemporaryFile first("first.ndjson", event("1", "sent", "P1", now - 2 * 3'600 * kSecondNs) +
                                                  event("2", "sent", "P2", now));
    send(appliance, first.path());
    const auto counts = [&](const char* name) {
        return get(appliance, "/workflows/parcels").at("rules").at(0).at("counts").at(name);
    };
    EXPECT_TRUE(eventually([&] { return counts("missed") == 1 && counts("pending") == 1; }));
    const json::value red = get(appliance, "/workflows/parcels");
    EXPECT_GT(red.at("applied_seq").to_number<int64_t>(), 2) << red;
    EXPECT_EQ(red.at("health"), "amber") << red;  // of severity 3, and not 4
    EXPECT_NE(red.at("reason").as_string().find("1 "), json::string::npos) << red;

    // Eight hours are enough, and what is under way is to know.
    const TemporaryFile longer("longer.json", with(kParcels, "1h", "8h"));
    r = command(appliance, {"workflow", "publish", longer.path(), "--migrate", "--by", "ann"});
    ASSERT_EQ(r.exit_code, 0) << r.err;
    const auto migrated = [&] {
        const json::value w = get(appliance, "/workflows/parcels");
        return w.at("version") == 2 && w.at("in_flight") == 2 && counts("pending") == 2 &&
               counts("missed") == 0;
    };
    EXPECT_TRUE(eventually(migrated)) << appliance.get("/api/v1/workflows/parcels");
    appliance.kill9();
    appliance.start();
    EXPECT_TRUE(eventually(migrated)) << appliance.get("/api/v1/workflows/parcels");

    const json::array versions = get(appliance, "/workflows/parcels/versions").at("items").as_array();
    ASSERT_EQ(versions.size(), 2u);
    const json::value one = get(appliance, "/workflows/parcels/versions/1");
    EXPECT_EQ(one.at("state"), "retired") << one;
    EXPECT_EQ(one.at("history").at(0).at("by"), "ann") << one;
    EXPECT_EQ(one.at("history").at(0).at("note"), "first") << one;
    EXPECT_EQ(one.at("history").at(1).at("by"), "bob") << one;
    const json::value diff = get(appliance, "/workflows/parcels/versions/2/diff");
    EXPECT_EQ(diff.at("added"), 1) << diff;
    EXPECT_EQ(diff.at("removed"), 1) << diff;
    appliance.stop();
}

TEST(WorkflowVersions, AShadowCountsBesideTheActiveOneAndAlertsNobody) {
    const TemporaryFile active("parcels.json", with(kParcels, "1h", "8h")), shadow("shadow.json", kParcels);
    ApplianceProcess appliance;
    appliance.start();
    ASSERT_EQ(command(appliance, {"workflow", "publish", active.path()}).exit_code, 0);
    ASSERT_EQ(command(appliance, {"workflow", "publish", shadow.path(), "--shadow"}).exit_code, 0);
    const StampNs now = SystemClock().wall_ns();
    const TemporaryFile events("e.ndjson", event("1", "sent", "P1", now - 2 * 3'600 * kSecondNs));
    send(appliance, events.path());
    EXPECT_TRUE(eventually([&] {
        const json::value items = get(appliance, "/workflows").at("items");
        return std::any_of(items.as_array().begin(), items.as_array().end(), [](const json::value& w) {
            return w.at("state") == "shadow" && w.at("instances") == 1 && w.at("health") != "green";
        });
    })) << appliance.get("/api/v1/workflows");
    EXPECT_TRUE(get(appliance, "/alerts").at("items").as_array().empty());
    appliance.stop();
}

TEST(WorkflowVersions, ASimulationOverTheLogTellsWhatADraftWouldHaveFoundBesideTheActiveVersion) {
    const TemporaryFile active("parcels.json", with(kParcels, "1h", "8h")), draft("draft.json", kParcels);
    ApplianceProcess appliance;
    appliance.start();
    ASSERT_EQ(command(appliance, {"workflow", "publish", active.path()}).exit_code, 0);
    const StampNs now = SystemClock().wall_ns();
    const TemporaryFile events("e.ndjson", event("1", "sent", "P1", now - 2 * 3'600 * kSecondNs) +
                                               event("2", "sent", "P2", now - 60 * kSecondNs));
    send(appliance, events.path());
    const CommandResult r =
        command(appliance, {"simulate", "--workflow", draft.path(), "--from", "1d", "-o", "json"});
    ASSERT_EQ(r.exit_code, 0) << r.err;
    const json::value found = json::parse(r.out);
    EXPECT_EQ(found.at("added").at("total"), 1) << found;
    EXPECT_EQ(found.at("removed").at("total"), 0) << found;
    appliance.stop();
}

// --- one key ----------------------------------------------------------------------------------------------

TEST(WorkflowLifecycle, OneKeyWithItsHopsItsAlertAndWhoDidWhat) {
    const TemporaryFile document("parcels.json", kParcels);
    ApplianceProcess appliance;
    appliance.start();
    ASSERT_EQ(command(appliance, {"workflow", "publish", document.path()}).exit_code, 0);
    const StampNs now = SystemClock().wall_ns(), sent = now - 2 * 3'600 * kSecondNs;
    const TemporaryFile first("a.ndjson", event("1", "sent", "P1", sent, R"({"depot":"north"})"));
    send(appliance, first.path());
    ASSERT_TRUE(eventually([&] { return get(appliance, "/alerts").at("items").as_array().size() == 1; }));
    const std::string alert(get(appliance, "/alerts").at("items").at(0).at("id").as_string());
    ASSERT_EQ(
        command(appliance, {"alert", "ack", alert, "--by", "ann", "--note", "calls the depot"}).exit_code, 0);
    const TemporaryFile second("b.ndjson", event("2", "arrived", "P1", now - 1'800 * kSecondNs));
    send(appliance, second.path());
    const auto life = [&] { return get(appliance, "/lifecycle?key=P1").at("items").at(0); };
    ASSERT_TRUE(eventually([&] { return life().at("state") == "completed"; }));
    const json::value found = life();
    ASSERT_EQ(found.at("hops").as_array().size(), 2u) << found;
    EXPECT_EQ(found.at("hops").at(0).at("data"), R"({"depot":"north"})");
    EXPECT_EQ(found.at("hops").at(1).at("since_previous_ms"), 5'400'000);
    EXPECT_EQ(found.at("hops").at(1).at("settled").at(0).at("late_by_ms"), 1'800'000) << found;
    ASSERT_EQ(found.at("alerts").as_array().size(), 1u) << found;
    const json::array& steps = found.at("alerts").at(0).at("steps").as_array();
    EXPECT_TRUE(std::any_of(steps.begin(), steps.end(), [](const json::value& s) {
        return s.at("step") == "acked" && s.at("by") == "ann" && s.at("note") == "calls the depot";
    })) << found;
    const CommandResult text = command(appliance, {"lifecycle", "P1"});
    EXPECT_EQ(text.exit_code, 0) << text.err;
    EXPECT_NE(text.out.find("ann"), std::string::npos) << text.out;
    EXPECT_EQ(command(appliance, {"lifecycle", "nobody"}).exit_code, 1);
    appliance.stop();
}

}  // namespace
}  // namespace penstock::test

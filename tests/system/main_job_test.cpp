// The main job, end to end: the real program, real sockets, real regional databases.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "admin/cli/event_text.h"
#include "pipeline/clock.h"
#include "tests/support/appliance_process.h"
#include "tests/support/five_regions.h"

namespace penstock::test {
namespace {

namespace json = boost::json;

/// The generator's events, always the same, one a line.
std::string generated(int events, int seed) {
    const CommandResult r =
        penstock({"generate", std::to_string(events), "--seed", std::to_string(seed), "--print"});
    EXPECT_EQ(r.exit_code, 0) << r.err;
    return r.out;
}
std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    for (size_t at = 0; at < text.size();) {
        const size_t end = text.find('\n', at);
        lines.push_back(text.substr(at, end - at + 1));
        at = end + 1;
    }
    return lines;
}
std::string join(const std::vector<std::string>& lines, size_t from, size_t to) {
    std::string out;
    for (size_t i = from; i < to; ++i) out += lines[i];
    return out;
}
json::object send(const ApplianceProcess& appliance, const std::string& file,
                  std::vector<std::string> more = {}) {
    std::vector<std::string> arguments{"send", file, "--to", appliance.events(), "-o", "json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const CommandResult r = penstock(arguments);
    EXPECT_EQ(r.exit_code, 0) << r.err << appliance.log_text();
    boost::system::error_code error;
    const json::value v = json::parse(r.out, error);
    EXPECT_FALSE(error) << r.out;
    return v.is_object() ? v.get_object() : json::object{};
}
int64_t number(const json::object& o, const char* name) { return o.at(name).to_number<int64_t>(); }

json::array edges_of(const ApplianceProcess& appliance) {
    const json::value status = json::parse(appliance.get("/api/v1/status"));
    const json::array& workflows = status.at("sla").at("workflows").as_array();
    return workflows.empty() ? json::array{} : workflows[0].at("edges").as_array();
}
std::string shared_data(const std::string& name) {
    const char* folder = std::getenv("PENSTOCK_SHARED_DATA");
    return (folder ? std::string(folder) : std::string(PENSTOCK_SOURCE_DIR) + "/../shared/data") + "/" + name;
}
std::string workflow_config(const std::string& file) {
    return fmt::format("[sla]\nworkflows = [\"{}\"]\n", file);
}

/// Tickets that are opened, taken and closed; hours apart, with known outcomes under a day's limit.
std::string tickets() {
    const auto event = [](int ticket, const char* type, int hour) {
        return fmt::format(
            R"({{"specversion":"1.0","id":"{0}-{1}","source":"/tickets","type":"{1}","subject":"T{0}",)"
            R"("time":"2020-03-{2:02}T{3:02}:00:00Z","region":"eu"}})"
            "\n",
            ticket, type, 1 + hour / 24, hour % 24);
    };
    return event(1, "opened", 0) + event(2, "opened", 0) + event(3, "opened", 1) +
           event(2, "closed", 24) +  // exactly in time
           event(1, "closed", 25) +  // an hour late
           event(4, "opened", 30) + event(5, "opened", 300) +
           event(4, "closed", 301);  // 3 missed, 4 late, 5 pending
}
constexpr const char* kTicketWorkflow =
    R"({"name":"tickets","key":"subject","edges":[{"from":"opened","to":"closed","within_ms":86400000}]})";

TEST(MainJob, EventsEndInTheirOwnRegionOnceAlsoWhenSentTwiceAndByTwoSendersAtOnce) {
    PENSTOCK_NEEDS_POSTGRES();
    FiveRegions regions;
    ApplianceProcess appliance(regions.config());
    appliance.start();
    const std::vector<std::string> lines = lines_of(generated(20'000, 7));
    const TemporaryFile whole("whole.ndjson", join(lines, 0, lines.size()));
    const TemporaryFile first("first.ndjson", join(lines, 0, lines.size() / 2)),
        second("second.ndjson", join(lines, lines.size() / 2, lines.size()));

    std::thread other([&] { send(appliance, second.path(), {"--binary"}); });
    send(appliance, first.path());
    other.join();
    const json::object again = send(appliance, whole.path());
    EXPECT_EQ(number(again, "duplicates"), 20'000);
    EXPECT_EQ(number(again, "stored"), 0);

    ASSERT_TRUE(eventually([&] { return regions.events() == 20'000; }))
        << regions.events() << appliance.log_text();
    EXPECT_EQ(regions.twice(), 0);
    for (const char* name : FiveRegions::kNames) {
        int64_t expected = 0;
        for (const std::string& line : lines) {
            const std::string region = json::value_to<std::string>(json::parse(line).at("region"));
            expected += region == name || (region == "na" && std::string(name) == "us");
        }
        EXPECT_EQ(regions.events(name), expected) << name;
    }
    appliance.stop();
}

TEST(MainJob, Kill9WhileSendingLosesNothingAndStoresNothingTwice) {
    PENSTOCK_NEEDS_POSTGRES();
    FiveRegions regions;
    ApplianceProcess appliance(regions.config());
    constexpr int kEvents = 300'000;
    const TemporaryFile file("events.ndjson", generated(kEvents, 11));
    for (int cycle = 0; cycle < 4; ++cycle) {
        appliance.start();
        std::thread sender([&] {
            penstock({"send", file.path(), "--to", appliance.events(), "--retry-for", "0", "-o", "json"});
        });
        sleep_ms(120 + 90 * cycle);
        appliance.kill9();
        sender.join();
    }
    appliance.start();
    const json::object last = send(appliance, file.path());
    EXPECT_EQ(number(last, "stored") + number(last, "duplicates"), kEvents);
    ASSERT_TRUE(eventually([&] { return regions.events() == kEvents; }, 60))
        << regions.events() << appliance.log_text();
    EXPECT_EQ(regions.twice(), 0);
    const CommandResult verify = penstock({"log", "verify", "--config", appliance.config_file()});
    EXPECT_EQ(verify.exit_code, 0) << verify.out << verify.err;
    appliance.stop();
}

TEST(MainJob, AckedEventsSurviveKill9WithoutBeingSentAgain) {
    ApplianceProcess appliance;
    appliance.start();
    const TemporaryFile file("events.ndjson", generated(5'000, 3));
    EXPECT_EQ(number(send(appliance, file.path()), "stored"), 5'000);
    appliance.kill9();
    appliance.start();
    EXPECT_EQ(number(send(appliance, file.path()), "duplicates"), 5'000);
}

TEST(MainJob, EventsWaitInTheLogUntilTheirRegionIsConfigured) {
    PENSTOCK_NEEDS_POSTGRES();
    ApplianceProcess appliance;
    appliance.start();
    const TemporaryFile file("events.ndjson", generated(3'000, 5));
    send(appliance, file.path());
    appliance.stop();

    FiveRegions regions;
    appliance.set_config(regions.config());
    appliance.start();
    EXPECT_TRUE(eventually([&] { return regions.events() == 3'000; }))
        << regions.events() << appliance.log_text();
    EXPECT_EQ(regions.twice(), 0);
    appliance.stop();
}

TEST(MainJob, BadLinesAreRefusedByNumberAndTheGoodRestIsStored) {
    ApplianceProcess appliance;
    appliance.start();
    const TemporaryFile file("mixed.ndjson",
                             R"({"specversion":"1.0","id":"1","source":"/s","type":"t"})"
                             "\nnot json\n"
                             R"({"specversion":"1.0","id":"2","source":"/s"})"
                             "\n"
                             R"({"specversion":"1.0","id":"1","source":"/s","type":"another"})"
                             "\n"
                             R"({"specversion":"1.0","id":"3","source":"/s","type":"t"})"
                             "\n");
    const CommandResult r = penstock({"send", file.path(), "--to", appliance.events(), "-o", "json"});
    EXPECT_EQ(r.exit_code, 1);
    const json::object counts = json::parse(r.out).get_object();
    EXPECT_EQ(number(counts, "stored"), 2);
    EXPECT_EQ(number(counts, "refused"), 3);
    for (const char* cause : {"bad_json", "missing_field", "conflict"})
        EXPECT_NE(r.err.find(cause), std::string::npos) << r.err;
    const json::value letters = json::parse(appliance.get("/api/v1/deadletters"));
    EXPECT_NE(json::serialize(letters).find("not json"), std::string::npos) << letters;
    appliance.stop();
}

TEST(MainJob, ASecondApplianceOnOneDataFolderIsRefused) {
    ApplianceProcess appliance;
    appliance.start();
    const CommandResult second = penstock({"serve", "--config", appliance.config_file()});
    EXPECT_EQ(second.exit_code, 1);
    EXPECT_NE(second.err.find("another appliance runs on"), std::string::npos) << second.err;
    appliance.stop();
}

TEST(MainJob, AWorkflowThatCannotBeReadEndsTheStartWithItsName) {
    ApplianceProcess appliance("[sla]\nworkflows = [\"nowhere.json\"]\n");
    try {
        appliance.start();
        FAIL() << "it started";
    } catch (const std::runtime_error& e) {
        EXPECT_NE(std::string(e.what()).find("nowhere.json"), std::string::npos) << e.what();
    }
}

TEST(Sla, SimulationCountsMetLateMissedAndPending) {
    const TemporaryFile workflow("w.json", kTicketWorkflow), events("e.ndjson", tickets());
    const CommandResult r =
        penstock({"simulate", "--workflow", workflow.path(), "--events", events.path(), "-o", "json"});
    ASSERT_EQ(r.exit_code, 0) << r.err;
    EXPECT_EQ(json::parse(r.out),
              json::parse(R"({"events":8,"clock_end_ms":1584104400000,"edges":[{"from":"opened","to":"closed",
        "within_ms":86400000,"anchored":5,"met":1,"late":2,"missed":1,"pending":1}]})"));
}

TEST(Sla, SimulationPutsEventsOutOfOrderInOrderFirst) {
    std::vector<std::string> lines = lines_of(tickets());
    std::reverse(lines.begin(), lines.end());
    const TemporaryFile workflow("w.json", kTicketWorkflow), events("e.ndjson", join(lines, 0, lines.size()));
    const CommandResult r =
        penstock({"simulate", "--workflow", workflow.path(), "--events", events.path(), "-o", "json"});
    EXPECT_EQ(json::parse(r.out).at("edges").at(0).at("met"), 1) << r.out;
    EXPECT_EQ(json::parse(r.out).at("edges").at(0).at("late"), 2) << r.out;
}

TEST(Sla, TheExampleOfAWorkflowWithStagesDoesWhatItsPageSays) {
    const std::string examples = PENSTOCK_SOURCE_DIR "/docs/examples/";
    const auto expected = json::parse(R"({"events": 16, "clock_end_ms": 1773053400000, "condition_errors": 2,
        "order": {"unexpected": 0, "out_of_order": 0, "duplicate": 1}, "edges": [
        {"name": "placed -> checked", "from": "placed", "to": "checked", "within_ms": 300000,
         "anchored": 5, "met": 3, "late": 1, "missed": 1, "pending": 0, "cancelled": 0},
        {"name": "checked -> large", "from": "checked", "to": "large", "within_ms": 7200000,
         "anchored": 4, "met": 1, "late": 0, "missed": 0, "pending": 1, "cancelled": 2},
        {"name": "checked -> small", "from": "checked", "to": "small", "within_ms": 600000,
         "anchored": 4, "met": 1, "late": 0, "missed": 2, "pending": 0, "cancelled": 1},
        {"name": "small -> packed", "from": "small", "to": "packed", "within_ms": 1800000,
         "anchored": 1, "met": 0, "late": 0, "missed": 0, "pending": 0, "cancelled": 1},
        {"name": "packed -> shipped", "from": "packed", "to": "shipped", "within_ms": 3600000,
         "anchored": 0, "met": 0, "late": 0, "missed": 0, "pending": 0, "cancelled": 0},
        {"name": "placed -> shipped", "from": "placed", "to": "shipped", "within_ms": 86400000,
         "anchored": 5, "met": 1, "late": 1, "missed": 0, "pending": 2, "cancelled": 1}]})");
    const CommandResult simulated = penstock({"simulate", "--workflow", examples + "orders.workflow.json",
                                              "--events", examples + "orders.ndjson", "-o", "json"});
    ASSERT_EQ(simulated.exit_code, 0) << simulated.err;
    EXPECT_EQ(json::parse(simulated.out), expected);

    // Live, long after: what pends there has passed here, and the rest is the same, also after a restart.
    ApplianceProcess appliance(workflow_config(examples + "orders.workflow.json"));
    appliance.start();
    send(appliance, examples + "orders.ndjson");
    const auto as_expected = [&] {
        const json::array edges = edges_of(appliance);
        if (edges.size() != 6) return false;
        for (size_t i = 0; i < 6; ++i) {
            const auto& wanted = expected.at("edges").at(i);
            for (const char* same : {"name", "anchored", "met", "late", "cancelled"})
                if (edges[i].at(same) != wanted.at(same)) return false;
            if (edges[i].at("missed").to_number<int>() !=
                wanted.at("missed").to_number<int>() + wanted.at("pending").to_number<int>())
                return false;
        }
        return true;
    };
    EXPECT_TRUE(eventually(as_expected)) << json::serialize(edges_of(appliance));
    appliance.kill9();
    appliance.start();
    EXPECT_TRUE(eventually(as_expected)) << json::serialize(edges_of(appliance));
    appliance.stop();
    appliance.start();
    EXPECT_TRUE(eventually(as_expected)) << json::serialize(edges_of(appliance));
    appliance.stop();
}

TEST(Sla, LiveCountsEqualSimulationWithMissedAndPendingTogetherAlsoAfterARestart) {
    const TemporaryFile workflow("w.json", kTicketWorkflow), events("e.ndjson", tickets());
    ApplianceProcess appliance(workflow_config(workflow.path()));
    appliance.start();
    send(appliance, events.path());
    const auto settled = [&] {
        const json::array edges = edges_of(appliance);
        return !edges.empty() && edges[0].at("met") == 1 && edges[0].at("late") == 2 &&
               edges[0].at("missed") == 2 && edges[0].at("pending") == 0;
    };
    EXPECT_TRUE(eventually(settled)) << json::serialize(edges_of(appliance));
    appliance.kill9();  // state comes from the log alone
    appliance.start();
    EXPECT_TRUE(eventually(settled)) << json::serialize(edges_of(appliance));
    appliance.stop();  // state comes from the checkpoint
    appliance.start();
    EXPECT_TRUE(eventually(settled)) << json::serialize(edges_of(appliance));
    appliance.stop();
}

TEST(Sla, ADeadlinePassesWithoutAnyFurtherEvent) {
    const TemporaryFile workflow(
        "w.json", R"({"name":"w","key":"subject","edges":[{"from":"a","to":"b","within_ms":300}]})");
    const int64_t now_ns = SystemClock().wall_ns();
    const TemporaryFile event(
        "e.ndjson", R"({"specversion":"1.0","id":"1","source":"/s","type":"a","subject":"k","time":")" +
                        cli::format_rfc3339(now_ns) + "\"}\n");
    ApplianceProcess appliance(workflow_config(workflow.path()));
    appliance.start();
    send(appliance, event.path());
    EXPECT_TRUE(
        eventually([&] { return !edges_of(appliance).empty() && edges_of(appliance)[0].at("missed") == 1; }));
    const json::value status = json::parse(appliance.get("/api/v1/status"));
    EXPECT_EQ(status.at("sla").at("recent_missed").at(0).at("key"), "k");
    // It happened in time and came late: the miss is taken back.
    const TemporaryFile late(
        "l.ndjson", R"({"specversion":"1.0","id":"2","source":"/s","type":"b","subject":"k","time":")" +
                        cli::format_rfc3339(now_ns + 300'000'000) + "\"}\n");
    send(appliance, late.path());
    EXPECT_TRUE(eventually(
        [&] { return edges_of(appliance)[0].at("met") == 1 && edges_of(appliance)[0].at("missed") == 0; }));
    appliance.stop();
}

class SharedData : public testing::Test {
  protected:
    void SetUp() override {
        if (!std::filesystem::exists(shared_data("helpdesk.ndjson.gz")))
            GTEST_SKIP() << "the shared event streams are not here";
    }
};

TEST_F(SharedData, SimulatedHelpdeskGivesTheOutsideFigures) {
    const CommandResult r = penstock({"simulate", "--workflow", shared_data("helpdesk.workflow.json"),
                                      "--events", shared_data("helpdesk.ndjson.gz"), "-o", "json"});
    std::ifstream in(shared_data("helpdesk.expected.json"));
    const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    EXPECT_EQ(json::parse(r.out), json::parse(text));
}

TEST_F(SharedData, BothStreamsEndInTheirRegionsOnceAndHelpdeskIsCountedLive) {
    PENSTOCK_NEEDS_POSTGRES();
    FiveRegions regions;
    ApplianceProcess appliance(workflow_config(shared_data("helpdesk.workflow.json")) + regions.config());
    appliance.start();
    for (const char* name :
         {"helpdesk.ndjson.gz", "loans.ndjson.gz", "helpdesk.ndjson.gz", "loans.ndjson.gz"})
        send(appliance, shared_data(name));
    ASSERT_TRUE(eventually([&] { return regions.events() == 21'348 + 262'200; }, 60)) << regions.events();
    EXPECT_EQ(regions.twice(), 0);
    const std::vector<std::array<int, 3>> expected{{3146, 1061, 288}, {3689, 588, 8}, {1369, 3190, 10}};
    EXPECT_TRUE(eventually([&] {
        const json::array edges = edges_of(appliance);
        for (size_t i = 0; i < expected.size(); ++i) {
            if (edges.size() != expected.size() || edges[i].at("met") != expected[i][0] ||
                edges[i].at("late") != expected[i][1] || edges[i].at("missed") != expected[i][2])
                return false;
        }
        return true;
    })) << json::serialize(edges_of(appliance));
    appliance.stop();
}

}  // namespace
}  // namespace penstock::test

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "admin/http/metrics.h"

namespace penstock::http {
namespace {

struct HttpMetrics : testing::Test {
    Telemetry telemetry;
    Counters counters;

    void SetUp() override {
        telemetry.version = "1.2.3\"odd\\";
        telemetry.regions.push_back(std::make_unique<RegionTelemetry>());
        telemetry.regions.back()->name = "eu";
        telemetry.events_received.add(41);
        telemetry.dead_letters[static_cast<size_t>(Refusal::kConflict)].add(3);
        telemetry.ack_ns.record(900, 2);          // below the first bound, 1 us
        telemetry.ack_ns.record(700'000, 5);      // between 0.5 and 1 ms
        telemetry.ack_ns.record(60'000'000'000);  // above the last bound
        auto sla = std::make_shared<SlaSnapshot>();
        sla->workflows = {{"w", {{"a", "b", 1000, 9, 4, 3, 2, 0, 0, ""}}}};
        telemetry.set_sla(sla);
        telemetry.alerts[0] = 2;
        telemetry.notifications[0] = 7;
    }
    std::map<std::string, std::string> samples() const {
        std::map<std::string, std::string> all;
        std::istringstream in(metrics_text(telemetry, {5, 2, 1}, counters));
        for (std::string line; std::getline(in, line);) {
            if (line.starts_with('#')) continue;
            const size_t blank = line.rfind(' ');
            all[line.substr(0, blank)] = line.substr(blank + 1);
        }
        return all;
    }
};

/// name{label="value",...} number
bool is_sample(std::string_view line) {
    const size_t blank = line.rfind(' ');
    if (blank == std::string_view::npos) return false;
    char* end = nullptr;
    const std::string number(line.substr(blank + 1));
    std::strtod(number.c_str(), &end);
    if (number.empty() || *end != '\0') return false;
    const std::string_view series = line.substr(0, blank);
    const size_t brace = series.find('{');
    const std::string_view name = series.substr(0, brace);
    if (!name.starts_with("penstock_")) return false;
    if (name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") != name.npos) return false;
    return brace == series.npos || (series.ends_with("\"}") && series.find("=\"", brace) != series.npos);
}

TEST_F(HttpMetrics, EveryLineIsWellFormedAndEveryFamilyIsDescribedOnce) {
    std::set<std::string> helped, typed;
    std::string family;
    std::istringstream in(metrics_text(telemetry, {5, 2, 1}, counters));
    for (std::string line; std::getline(in, line);) {
        std::istringstream words(line);
        std::string hash, word, name;
        words >> hash >> word >> name;
        if (word == "HELP") {
            EXPECT_TRUE(helped.insert(name).second) << name;
            family = name;
        } else if (word == "TYPE") {
            EXPECT_TRUE(typed.insert(name).second) << name;
            EXPECT_EQ(name, family);
        } else {
            EXPECT_TRUE(is_sample(line)) << line;
            EXPECT_TRUE(line.starts_with(family)) << line << " is not beside its family " << family;
        }
    }
    EXPECT_EQ(helped, typed);
    EXPECT_GT(helped.size(), 40u);
}

TEST_F(HttpMetrics, HistogramsAreCumulativeAndEndInTheirCount) {
    auto all = samples();
    EXPECT_EQ(all["penstock_ack_seconds_bucket{le=\"1e-06\"}"], "2");
    EXPECT_EQ(all["penstock_ack_seconds_bucket{le=\"0.0005\"}"], "2");
    EXPECT_EQ(all["penstock_ack_seconds_bucket{le=\"0.001\"}"], "7");
    EXPECT_EQ(all["penstock_ack_seconds_bucket{le=\"10\"}"], "7");
    EXPECT_EQ(all["penstock_ack_seconds_bucket{le=\"+Inf\"}"], "8");
    EXPECT_EQ(all["penstock_ack_seconds_count"], "8");
    EXPECT_NEAR(std::stod(all["penstock_ack_seconds_sum"]), 60.0035018, 1e-9);
}

TEST_F(HttpMetrics, ABoundNeverLooksBetterThanItIs) {
    // 1,000,001 ns is above 1 ms, but shares a histogram bucket with values below it.
    telemetry.commit_ns.record(1'000'001);
    EXPECT_EQ(samples()["penstock_log_commit_seconds_bucket{le=\"0.001\"}"], "0");
    EXPECT_EQ(samples()["penstock_log_commit_seconds_bucket{le=\"0.0025\"}"], "1");
}

TEST_F(HttpMetrics, LabelsTellStageRegionCauseAndOutcome) {
    auto all = samples();
    EXPECT_EQ(all["penstock_events_received_total"], "41");
    EXPECT_EQ(all["penstock_dead_letters_total{cause=\"conflict\"}"], "3");
    EXPECT_EQ(all["penstock_alerts{state=\"firing\"}"], "2");
    EXPECT_EQ(all["penstock_notifications_total{outcome=\"delivered\"}"], "7");
    EXPECT_EQ(all["penstock_dead_letters_held{status=\"open\"}"], "5");
    EXPECT_EQ(all["penstock_dead_letters_held{status=\"dropped\"}"], "1");
    EXPECT_EQ(all["penstock_dead_letters_total{cause=\"bad_json\"}"], "0");
    EXPECT_EQ(all.count("penstock_dead_letters_total{cause=\"none\"}"), 0u);
    EXPECT_EQ(all["penstock_sla_edges{outcome=\"missed\"}"], "2");
    EXPECT_EQ(all.count("penstock_stage_depth_batches{stage=\"dedup\"}"), 1u);
    EXPECT_EQ(all.count("penstock_region_flush_seconds_count{region=\"eu\"}"), 1u);
    EXPECT_EQ(all["penstock_build_info{version=\"1.2.3\\\"odd\\\\\"}"], "1");
    EXPECT_EQ(all["penstock_ready"], "0");
    EXPECT_GT(std::stod(all["penstock_process_resident_memory_bytes"]), 1e6);
}

TEST_F(HttpMetrics, PromtoolFindsNothingToSay) {
    if (std::system("promtool --version >/dev/null 2>&1") != 0) {
        GTEST_SKIP() << "promtool is not installed (package prometheus)";
    }
    char path[] = "/tmp/penstock-metrics-XXXXXX";
    const int fd = ::mkstemp(path);
    ASSERT_GE(fd, 0);
    std::ofstream(path) << metrics_text(telemetry, {5, 2, 1}, counters);
    const std::string command = std::string("promtool check metrics <") + path + " 2>&1";
    FILE* pipe = ::popen(command.c_str(), "r");
    ASSERT_NE(pipe, nullptr);
    std::string said;
    char chunk[512];
    while (std::fgets(chunk, sizeof chunk, pipe) != nullptr) said += chunk;
    EXPECT_EQ(::pclose(pipe), 0) << said;
    EXPECT_EQ(said, "");
    ::close(fd);
    std::remove(path);
}

}  // namespace
}  // namespace penstock::http

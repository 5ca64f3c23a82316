// The wall clock steps while the appliance runs.
#include "tests/fault/fault_rig.h"

namespace penstock::test {
namespace {

constexpr int64_t kHourNs = 3'600'000'000'000;

std::string event(const std::string& id, const std::string& type, const std::string& subject) {
    return fmt::format(R"({{"specversion":"1.0","id":"{}","source":"/s","type":"{}","subject":"{}"}})"
                       "\n",
                       id, type, subject);
}
void take(const ApplianceProcess& appliance, const std::string& lines) {
    const TemporaryFile file("e.ndjson", lines);
    const Sent sent = send_file(appliance, file.path());
    EXPECT_EQ(sent.exit_code, 0);
    EXPECT_GT(sent.stored, 0);
}
struct Counts {
    int met, late, missed, pending, fired;
    friend bool operator==(const Counts&, const Counts&) = default;
};
void PrintTo(const Counts& c, std::ostream* out) {
    *out << c.met << " met, " << c.late << " late, " << c.missed << " missed, " << c.pending << " pending, "
         << c.fired << " fired";
}
Counts counts(const ApplianceProcess& appliance) {
    const auto status = boost::json::parse(appliance.get("/api/v1/status"));
    const auto& workflows = status.at("sla").at("workflows").as_array();
    if (workflows.empty()) return {};
    const auto& edge = workflows[0].at("edges").at(0);
    const auto number = [&](const char* name) { return edge.at(name).to_number<int>(); };
    return {number("met"), number("late"), number("missed"), number("pending"),
            status.at("sla").at("fired").to_number<int>()};
}

TEST(ClockSteps, StampsRiseStrictlyAndEachDeadlineFiresOnce) {
    const TemporaryFile workflow(
        "w.json", R"({"name":"w","key":"subject","edges":[{"from":"a","to":"b","within_ms":1800000}]})");
    SpoiledHost host;
    ApplianceProcess appliance(
        fmt::format("[sla]\nrecovery_hold_s = 0\nworkflows = [\"{}\"]\n", workflow.path()));
    appliance.set_environment(host.environment());
    appliance.start();
    take(appliance, event("1", "a", "k1") + event("2", "a", "k2") + event("3", "b", "k2"));
    EXPECT_TRUE(eventually([&] { return counts(appliance) == Counts{1, 0, 0, 1, 0}; }));

    host->clock_step_ns = kHourNs;  // half an hour has passed, so the clock says
    EXPECT_TRUE(eventually([&] { return counts(appliance) == Counts{1, 0, 1, 0, 1}; })) << "k1 is due";
    take(appliance, event("4", "a", "k3"));

    host->clock_step_ns = 0;  // and back
    take(appliance, event("5", "a", "k4") + event("6", "b", "k4"));
    EXPECT_TRUE(eventually([&] { return counts(appliance) == Counts{2, 0, 1, 1, 1}; }));
    sleep_ms(500);
    EXPECT_EQ(counts(appliance), (Counts{2, 0, 1, 1, 1})) << "nothing fires again, nothing early";

    host->clock_step_ns = -kHourNs;
    take(appliance, event("7", "a", "k5") + event("8", "b", "k5"));
    appliance.kill9();
    appliance.start();  // while the clock is behind the log
    take(appliance, event("9", "a", "k6") + event("10", "b", "k6"));
    EXPECT_TRUE(eventually([&] { return counts(appliance) == Counts{4, 0, 1, 1, 1}; }));

    host->clock_step_ns = 2 * kHourNs;
    EXPECT_TRUE(eventually([&] { return counts(appliance) == Counts{4, 0, 2, 0, 2}; })) << "k3, once";
    appliance.stop();
    const CommandResult verify = penstock({"log", "verify", "--config", appliance.config_file()});
    EXPECT_EQ(verify.exit_code, 0) << verify.err;  // that stamps rise, among others
    expect_each_once(appliance.data_dir(), 10);
}

}  // namespace
}  // namespace penstock::test

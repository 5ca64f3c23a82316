// Backup of a running appliance, restore elsewhere, and one appliance that waits for another.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <thread>

#include "tests/support/appliance_process.h"
#include "tests/support/five_regions.h"

namespace penstock::test {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

int64_t number(const json::value& v, const char* name) { return v.at(name).to_number<int64_t>(); }

/// `send -o json` of generated events; its document.
json::value send(const ApplianceProcess& appliance, const std::string& file) {
    const CommandResult r = penstock({"send", file, "--to", appliance.events(), "-o", "json"});
    EXPECT_EQ(r.exit_code, 0) << r.err << appliance.log_text();
    return json::parse(r.out);
}
std::string generated(int events, int seed) {
    return penstock({"generate", std::to_string(events), "--seed", std::to_string(seed), "--print"}).out;
}
std::string data_of(const ApplianceProcess& appliance) { return appliance.folder() + "/data"; }

TEST(Backup, OfARunningApplianceUnderLoadIsWholeAndStartsElsewhere) {
    const TemporaryFile before("before.ndjson", generated(20'000, 1)),
        during("during.ndjson", generated(60'000, 2));
    ApplianceProcess appliance;
    appliance.start();
    send(appliance, before.path());
    const std::string backup = appliance.folder() + "/backup";
    std::thread load([&] { send(appliance, during.path()); });
    const CommandResult made =
        penstock({"backup", backup, "--config", appliance.config_file(), "-o", "json"});
    load.join();
    ASSERT_EQ(made.exit_code, 0) << made.err;
    const json::value said = json::parse(made.out);
    EXPECT_GE(number(said, "next_seq"), 20'000);
    EXPECT_FALSE(fs::exists(backup + ".partial"));
    struct stat file{};
    for (const char* name : {"/manifest.json", "/log/data.mdb", "/state/data.mdb"}) {
        ASSERT_EQ(::stat((backup + name).c_str(), &file), 0) << name;
        EXPECT_EQ(file.st_mode & 0777, 0600u) << name;
    }
    EXPECT_EQ(penstock({"backup", backup, "--config", appliance.config_file()}).exit_code, 1)
        << "what exists is not overwritten";

    ApplianceProcess other;
    const CommandResult restored = penstock({"restore", backup, "--data-dir", data_of(other), "-o", "json"});
    ASSERT_EQ(restored.exit_code, 0) << restored.err;
    EXPECT_EQ(json::parse(restored.out), said);
    EXPECT_NE(restored.err.find("ledger"), std::string::npos);
    EXPECT_EQ(penstock({"log", "verify", "--data-dir", data_of(other)}).exit_code, 0);
    other.start();
    EXPECT_EQ(number(send(other, before.path()), "duplicates"), 20'000);
    const json::value rest = send(other, during.path());
    EXPECT_EQ(number(rest, "stored") + number(rest, "duplicates"), 60'000);
    other.stop();
    EXPECT_EQ(penstock({"log", "verify", "--data-dir", data_of(other)}).exit_code, 0);
    appliance.stop();
}

TEST(Backup, ARestoreRefusesWhatItWouldOverwriteAndWhatIsDamaged) {
    const TemporaryFile events("e.ndjson", generated(3'000, 1));
    ApplianceProcess appliance, other;
    appliance.start();
    send(appliance, events.path());
    const std::string backup = appliance.folder() + "/backup";
    ASSERT_EQ(penstock({"backup", backup, "--data-dir", data_of(appliance)}).exit_code, 0);

    const CommandResult running = penstock({"restore", backup, "--data-dir", data_of(appliance)});
    EXPECT_EQ(running.exit_code, 1);
    EXPECT_NE(running.err.find(fmt::format("process {}", appliance.pid())), std::string::npos) << running.err;
    appliance.stop();
    const CommandResult full = penstock({"restore", backup, "--data-dir", data_of(appliance)});
    EXPECT_EQ(full.exit_code, 1);
    EXPECT_NE(full.err.find("not empty"), std::string::npos) << full.err;
    EXPECT_EQ(penstock({"restore", "/nowhere", "--data-dir", data_of(other)}).exit_code, 1);

    {
        std::fstream log(backup + "/log/data.mdb", std::ios::binary | std::ios::in | std::ios::out);
        log.seekp(static_cast<std::streamoff>(fs::file_size(backup + "/log/data.mdb") / 2));
        log.put('#').put('#').put('!');
    }
    const CommandResult damaged = penstock({"restore", backup, "--data-dir", data_of(other)});
    EXPECT_EQ(damaged.exit_code, 4) << damaged.err;
    EXPECT_FALSE(fs::exists(data_of(other) + "/log")) << "nothing is in place";
    EXPECT_FALSE(fs::exists(data_of(other) + "/restoring"));
    std::ofstream(backup + "/manifest.json") << "{\"format\":\"penstock-backup-1\"}";
    EXPECT_EQ(penstock({"restore", backup, "--data-dir", data_of(other)}).exit_code, 1);
}

TEST(Backup, ARegionThatIsAheadOfARestoredLogTakesNothingAndSaysSo) {
    PENSTOCK_NEEDS_POSTGRES();
    FiveRegions regions;
    const TemporaryFile first("1.ndjson", generated(2'000, 1)), later("2.ndjson", generated(2'000, 2)),
        after("3.ndjson", generated(2'000, 3));
    ApplianceProcess appliance(regions.config()), other(regions.config());
    appliance.start();
    send(appliance, first.path());
    ASSERT_TRUE(eventually([&] { return regions.events() == 2'000; }));
    const std::string backup = appliance.folder() + "/backup";
    ASSERT_EQ(penstock({"backup", backup, "--data-dir", data_of(appliance)}).exit_code, 0);
    send(appliance, later.path());
    ASSERT_TRUE(eventually([&] { return regions.events() == 4'000; }));
    appliance.kill9();

    ASSERT_EQ(penstock({"restore", backup, "--data-dir", data_of(other)}).exit_code, 0);
    other.start();
    ASSERT_TRUE(eventually([&] {
        return other.get("/api/v1/status").find("ledger is ahead of the log") != std::string::npos;
    })) << other.log_text();
    EXPECT_EQ(regions.events(), 4'000);
    other.stop();
    // What docs/operating.md says: a new data folder, and producers that send again what was not answered.
    fs::remove_all(data_of(other));
    other.start();
    send(other, after.path());
    EXPECT_TRUE(eventually([&] { return regions.events() == 6'000; })) << other.log_text();
    other.stop();
}

TEST(ServeWait, TheSecondTakesOverWhenTheFirstHasStoppedAndNothingIsLost) {
    const TemporaryFile first("1.ndjson", generated(5'000, 1)), second("2.ndjson", generated(5'000, 2));
    ApplianceProcess a, b;
    a.start();
    send(a, first.path());
    b.begin_on(a, {"--wait"});
    const std::string waiting = fmt::format("waiting for process {}", a.pid());
    ASSERT_TRUE(eventually([&] { return b.log_text().find(waiting) != std::string::npos; })) << b.log_text();
    EXPECT_EQ(b.log_text().find("listening"), std::string::npos) << "no port is bound meanwhile";
    send(a, second.path());
    a.stop();
    b.wait_ready();
    EXPECT_EQ(number(send(b, first.path()), "duplicates"), 5'000);
    EXPECT_EQ(number(send(b, second.path()), "duplicates"), 5'000);
    b.stop();
}

TEST(ServeWait, PatienceEndsAndASignalEndsTheWait) {
    ApplianceProcess a, b;
    a.start();
    const CommandResult refused = penstock({"serve", "--config", a.config_file()});
    EXPECT_EQ(refused.exit_code, 1);
    EXPECT_NE(refused.err.find(fmt::format("process {}", a.pid())), std::string::npos) << refused.err;
    const CommandResult impatient = penstock({"serve", "--config", a.config_file(), "--wait=1"});
    EXPECT_EQ(impatient.exit_code, 1);
    EXPECT_NE(impatient.err.find("waiting for"), std::string::npos) << impatient.err;
    b.begin_on(a, {"--wait"});
    ASSERT_TRUE(eventually([&] { return b.log_text().find("waiting for") != std::string::npos; }));
    b.stop();  // expects exit code 0
    EXPECT_EQ(a.get("/healthz"), R"({"status":"alive"})");
    a.stop();
}

}  // namespace
}  // namespace penstock::test

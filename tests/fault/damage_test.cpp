// Bytes of the stored files are not what was written: named, never believed, never a crash.
#include <cstring>
#include <filesystem>
#include <iterator>

#include "tests/fault/fault_rig.h"
#include "tests/support/postgres_cluster.h"
#include "tests/support/seed.h"

namespace penstock::test {
namespace {

namespace fs = std::filesystem;

std::string read_all(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}
void overwrite(const std::string& path, size_t at, const std::string& bytes) {
    std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(static_cast<std::streamoff>(at));
    file << bytes;
}

/// First sequences of the log's event records.
std::vector<Seq> event_records(const std::string& data_dir) {
    std::vector<Seq> firsts;
    const EventLog log({data_dir + "/log", 4ULL << 30, true});
    LogReader(log).scan(1, [&](const RecordView& r) {
        if (r.header->kind == RecordKind::kEvents) firsts.push_back(r.first_seq());
        return true;
    });
    return firsts;
}
/// Spoils the last byte of a record's identities, in every copy that the file holds.
void spoil_record(const std::string& data_dir, Seq first) {
    const std::string path = data_dir + "/log/data.mdb", bytes = read_all(path);
    size_t found = 0;
    for (size_t at = bytes.find("PLR1"); at != bytes.npos; at = bytes.find("PLR1", at + 1)) {
        RecordHeader h;
        if (bytes.size() - at < sizeof h) break;
        std::memcpy(&h, bytes.data() + at, sizeof h);
        if (h.first_seq != first || h.version != kRecordVersion) continue;
        overwrite(path, at + h.value_bytes() - 20, "spoiled");
        ++found;
    }
    ASSERT_GT(found, 0u);
}

/// A stopped appliance's folder with a few records; `graceful`: with a checkpoint behind the last.
void fill(ApplianceProcess& appliance, bool graceful) {
    appliance.start();
    for (int i = 0; i < 6; ++i) {
        const TemporaryFile file("e.ndjson", numbered_events(1 + 500 * i, 500));
        ASSERT_EQ(send_file(appliance, file.path()).stored, 500);
    }
    graceful ? appliance.stop() : appliance.kill9();
}
void expect_refused_naming(ApplianceProcess& appliance, Seq seq) {
    const std::string name = fmt::format("the record at {} fails its checksum", seq);
    const CommandResult verify = penstock({"log", "verify", "--data-dir", appliance.data_dir()});
    EXPECT_EQ(verify.exit_code, 4);
    EXPECT_NE(verify.err.find(name), std::string::npos) << verify.err;
    appliance.launch();
    EXPECT_EQ(appliance.wait_end(), 1);
    EXPECT_NE(appliance.log_since_start().find(name), std::string::npos) << appliance.log_since_start();
    EXPECT_NE(appliance.log_since_start().find("restore data_dir"), std::string::npos);
}

TEST(Damage, InTheMiddleIsNamedByVerifyAndEndsTheStart) {
    for (const bool graceful : {false, true}) {  // replayed for state; read for the dedup window alone
        ApplianceProcess appliance;
        fill(appliance, graceful);
        const auto firsts = event_records(appliance.data_dir());
        const Seq seq = firsts.at(firsts.size() / 2);
        spoil_record(appliance.data_dir(), seq);
        expect_refused_naming(appliance, seq);
    }
}

TEST(Damage, AtTheTailIsNamedByVerifyAndEndsTheStart) {
    ApplianceProcess appliance;
    fill(appliance, false);
    const Seq seq = event_records(appliance.data_dir()).back();
    spoil_record(appliance.data_dir(), seq);
    expect_refused_naming(appliance, seq);
}

TEST(Damage, NeverReachesARegion) {
    PENSTOCK_NEEDS_POSTGRES();
    ApplianceProcess appliance("[dedup]\nwindow_s = 1\n");
    fill(appliance, true);
    const auto firsts = event_records(appliance.data_dir());
    const Seq seq = firsts.at(firsts.size() / 2);
    spoil_record(appliance.data_dir(), seq);
    sleep_ms(1'500);  // nothing needs the record for a start now
    PostgresCluster cluster;
    appliance.set_config(
        fmt::format("[dedup]\nwindow_s = 1\n[[region]]\nname = \"us\"\ndsn = \"{}\"\n", cluster.dsn()));
    appliance.start();
    EXPECT_TRUE(eventually([&] {
        const std::string status = appliance.get("/api/v1/status");
        return status.find(fmt::format("the record at {} fails its checksum", seq)) != std::string::npos;
    })) << appliance.get("/api/v1/status");
    EXPECT_EQ(cluster.number("SELECT count(*) FROM penstock.event WHERE seq >= " + std::to_string(seq)), 0);
    appliance.stop();
}

/// Whole pages overwritten, also LMDB's own, which have no checksum: a report or a sound run, never a crash.
TEST(Damage, OfAnyPageIsAReportAndNoCrash) {
    SCOPED_TRACE(seed_note());
    ApplianceProcess appliance;
    fill(appliance, true);
    const std::string whole = appliance.folder() + "/whole";
    fs::copy(appliance.data_dir(), whole, fs::copy_options::recursive);
    Random random(31);
    int refused = 0, named = 0;
    for (int round = 0; round < 24; ++round) {
        SCOPED_TRACE(fmt::format("round {}", round));
        fs::remove_all(appliance.data_dir());
        fs::copy(whole, appliance.data_dir(), fs::copy_options::recursive);
        const std::string path = appliance.data_dir() + (random.chance(75) ? "/log" : "/state") + "/data.mdb";
        const size_t pages = fs::file_size(path) / 4096;
        for (uint64_t i = 0, n = 1 + random.below(3); i < n; ++i) {
            std::string bytes(random.chance(50) ? 4096 : 64, '\0');
            for (char& c : bytes) c = static_cast<char>(random.below(random.chance(30) ? 256 : 4));
            overwrite(path, random.below(pages) * 4096 + random.below(4096 - bytes.size() + 1), bytes);
        }
        const CommandResult verify = penstock({"log", "verify", "--data-dir", appliance.data_dir()});
        EXPECT_TRUE(verify.exit_code == 0 || verify.exit_code == 1 || verify.exit_code == 4)
            << verify.exit_code << verify.err;
        named += verify.exit_code != 0;
        appliance.launch();
        const int code = appliance.wait_end(0.6);
        EXPECT_TRUE(code == -1 || code == 1) << code << appliance.log_since_start();
        if (code == 1) {
            ++refused;
            EXPECT_TRUE(appliance.log_since_start().find("critical") != std::string::npos ||
                        appliance.log_since_start().find("is damaged") != std::string::npos)
                << appliance.log_since_start();
        } else {
            appliance.kill9();
        }
    }
    EXPECT_GT(refused, 0);
    EXPECT_GT(named, 0);
}

TEST(Damage, AMissingStateFolderIsRebuiltFromAWholeLogAndRefusedWithATrimmedOne) {
    ApplianceProcess appliance("[dedup]\nwindow_s = 1\n[state]\ncheckpoint_s = 1\n");
    fill(appliance, true);
    fs::remove_all(appliance.data_dir() + "/state");
    appliance.start();
    EXPECT_EQ(appliance.log_since_start().find("cannot be rebuilt"), std::string::npos);
    appliance.stop();

    appliance.set_arguments({"--set", "log.retention_s=0"});
    appliance.start();
    ASSERT_TRUE(eventually([&] {
        return boost::json::parse(appliance.get("/api/v1/status"))
                   .at("log")
                   .at("first_seq")
                   .to_number<int>() > 1;
    }));
    appliance.stop();
    fs::remove_all(appliance.data_dir() + "/state");
    appliance.launch();
    EXPECT_EQ(appliance.wait_end(), 1);
    EXPECT_NE(appliance.log_since_start().find("--accept-partial-state"), std::string::npos)
        << appliance.log_since_start();
    appliance.set_arguments({"--accept-partial-state"});
    appliance.start();
    EXPECT_NE(appliance.log_since_start().find("going on without"), std::string::npos);
    appliance.stop();
    appliance.set_arguments({});
    appliance.start();  // there is a state again
    appliance.stop();
}

}  // namespace
}  // namespace penstock::test

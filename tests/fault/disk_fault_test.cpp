// The disk under the log fails or is full: nothing acknowledged is lost, and the reason is told.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/mount.h>
#include <sys/socket.h>

#include <cerrno>
#include <filesystem>
#include <thread>

#include "tests/fault/fault_rig.h"

namespace penstock::test {
namespace {

/// Sends a file while the disk begins to fail; then the appliance ends with 1 and the reason, the next start
/// replays, and the file sent again is there once.
void fail_while_sending(std::atomic<int> Faults::* fault, int error, const std::string& reason) {
    SpoiledHost host;
    ApplianceProcess appliance;
    appliance.set_environment(host.environment());
    appliance.start();
    constexpr int kEvents = 200'000;
    const TemporaryFile file("e.ndjson", numbered_events(1, kEvents));
    Sent first;
    std::thread sender([&] { first = send_file(appliance, file.path()); });
    ASSERT_TRUE(eventually([&] {
        return boost::json::parse(appliance.get("/api/v1/status")).at("log").at("next_seq").to_number<int>() >
               1000;
    }));
    host.faults().*fault = error;
    EXPECT_EQ(appliance.wait_end(), 1) << appliance.log_since_start();
    sender.join();
    EXPECT_EQ(first.exit_code, 3);
    EXPECT_LT(first.acked, kEvents);
    EXPECT_NE(appliance.log_since_start().find(reason), std::string::npos) << appliance.log_since_start();
    EXPECT_NE(appliance.log_since_start().find("replays its log at the next start"), std::string::npos);
    EXPECT_EQ(host->syncs_after_failure, 0u) << "a sync that failed must not be tried again";
    host.faults().*fault = 0;
    appliance.start();
    const Sent second = send_file(appliance, file.path());
    EXPECT_EQ(second.exit_code, 0);
    EXPECT_GE(second.duplicates, first.acked) << "what was acknowledged was lost";
    EXPECT_EQ(second.stored + second.duplicates, kEvents);
    appliance.stop();
    expect_each_once(appliance.data_dir(), kEvents);
}

TEST(DiskFault, AnErrorOfFdatasyncStopsWithTheReasonAndIsNeverTriedAgain) {
    fail_while_sending(&Faults::sync_error, EIO, "Input/output error in ");
}

TEST(DiskFault, NoSpaceAtAWriteStopsWithTheReasonAndTheNextStartReplays) {
    fail_while_sending(&Faults::write_error, ENOSPC, "free space on its disk");
}

TEST(DiskFault, AStartOnAFailingDiskEndsWithTheReason) {
    SpoiledHost host;
    ApplianceProcess appliance;
    appliance.set_environment(host.environment());
    appliance.start();
    appliance.stop();
    host->write_error = ENOSPC;
    appliance.launch();
    EXPECT_EQ(appliance.wait_end(), 1);
    EXPECT_NE(appliance.log_since_start().find("free space on its disk"), std::string::npos)
        << appliance.log_since_start();
}

/// A small tmpfs; needs root.
class SmallDisk {
  public:
    explicit SmallDisk(int mib) : anchor_("mounted-here", "") {
        path_ = std::filesystem::path(anchor_.path()).parent_path() / "disk";
        std::filesystem::create_directory(path_);
        mounted_ = ::mount("tmpfs", path_.c_str(), "tmpfs", 0, fmt::format("size={}m", mib).c_str()) == 0;
    }
    ~SmallDisk() {
        if (mounted_) ::umount2(path_.c_str(), MNT_DETACH);
    }
    SmallDisk(const SmallDisk&) = delete;
    SmallDisk& operator=(const SmallDisk&) = delete;
    bool mounted() const { return mounted_; }
    std::string path() const { return path_; }
    /// Somebody else's file; 0 removes it.
    void take(int mib) const {
        if (mib == 0) {
            std::filesystem::remove(path() + "/other");
            return;
        }
        std::ofstream out(path() + "/other", std::ios::binary | std::ios::app);
        const std::string block(1 << 20, 'o');
        for (int i = 0; i < mib && out; ++i) out << block;
    }

  private:
    TemporaryFile anchor_;
    std::filesystem::path path_;
    bool mounted_ = false;
};

std::vector<std::string> on_disk(const SmallDisk& disk) {
    // The events' filler would pack to next to nothing.
    return {"--set", "data_dir=" + disk.path() + "/data", "--set", "log.compression=none"};
}
int64_t events_stored(const ApplianceProcess& appliance) {
    const auto status = boost::json::parse(appliance.get("/api/v1/status"));
    return status.at("log").at("next_seq").to_number<int64_t>();
}
/// True once nothing more is stored for half a second.
bool stands_still(const ApplianceProcess& appliance) {
    int64_t last = -1;
    for (int i = 0; i < 40; ++i, sleep_ms(500))
        if (const int64_t now = events_stored(appliance); now == last)
            return true;
        else
            last = now;
    return false;
}

TEST(DiskFault, AFullDiskSlowsProducersAndIngestResumesByItselfWhenThereIsRoom) {
    const SmallDisk disk(320);
    if (!disk.mounted()) GTEST_SKIP() << "needs the right to mount (root)";
    disk.take(120);
    ApplianceProcess appliance;
    appliance.set_arguments(on_disk(disk));
    appliance.start();
    constexpr int kEvents = 2'000;  // 200 MiB
    const TemporaryFile file("e.ndjson", numbered_events(1, kEvents, 100 << 10));
    Sent sent;
    std::thread sender([&] { sent = send_file(appliance, file.path(), "1"); });
    EXPECT_TRUE(eventually([&] {
        return appliance.log_since_start().find("disk is nearly full") != std::string::npos;
    })) << appliance.log_since_start();
    EXPECT_TRUE(stands_still(appliance));
    EXPECT_LT(events_stored(appliance), kEvents);
    EXPECT_EQ(boost::json::parse(appliance.get("/api/v1/status")).at("readiness"), "ready");
    // A restart meanwhile: it still runs, takes nothing, loses nothing.
    appliance.kill9();
    appliance.start();
    EXPECT_LT(events_stored(appliance), kEvents);
    disk.take(0);
    EXPECT_TRUE(eventually([&] {
        return appliance.log_since_start().find("there is room again") != std::string::npos;
    })) << appliance.log_since_start();
    sender.join();
    const Sent again = send_file(appliance, file.path());
    EXPECT_EQ(again.stored + again.duplicates, kEvents);
    EXPECT_GE(again.duplicates, sent.acked);
    appliance.stop();
    expect_each_once(disk.path() + "/data", kEvents);
}

TEST(DiskFault, ADiskThatOthersFillAtOnceStopsInOrderAndTheNextStartGoesOn) {
    const SmallDisk disk(320);
    if (!disk.mounted()) GTEST_SKIP() << "needs the right to mount (root)";
    ApplianceProcess appliance;
    appliance.set_arguments(on_disk(disk));
    appliance.start();
    constexpr int kEvents = 500;
    const TemporaryFile file("e.ndjson", numbered_events(1, kEvents, 100 << 10)),
        first("f.ndjson", numbered_events(1, kEvents / 5, 100 << 10));
    const Sent before = send_file(appliance, first.path());
    EXPECT_EQ(before.acked, kEvents / 5);
    disk.take(320);
    const Sent during = send_file(appliance, file.path());
    EXPECT_NE(during.exit_code, 0);
    EXPECT_EQ(appliance.wait_end(), 1);
    EXPECT_NE(appliance.log_since_start().find("free space on its disk"), std::string::npos)
        << appliance.log_since_start();
    // Still full: it waits for room, or where not even its boot record fits it says so and ends.
    appliance.launch();
    const int code = appliance.wait_end(2);
    const std::string log = appliance.log_since_start();
    EXPECT_NE(log.find(code == 1 ? "free space on its disk" : "disk is nearly full"), std::string::npos)
        << log;
    disk.take(0);
    code == 1 ? appliance.start() : appliance.wait_ready();
    const Sent after = send_file(appliance, file.path());
    EXPECT_EQ(after.stored + after.duplicates, kEvents);
    EXPECT_GE(after.duplicates, before.acked + during.acked - during.duplicates);
    appliance.stop();
    expect_each_once(disk.path() + "/data", kEvents);
}

TEST(DiskFault, AFullMapSlowsProducersAndALargerOneGoesOn) {
    ApplianceProcess appliance;
    appliance.set_arguments({"--set", "log.bytes_max=256MiB", "--set", "log.retention_bytes=200MiB", "--set",
                             "log.compression=none"});
    appliance.start();
    constexpr int kEvents = 2'500;  // 250 MiB
    const TemporaryFile file("e.ndjson", numbered_events(1, kEvents, 100 << 10));
    Sent first;
    std::thread sender([&] { first = send_file(appliance, file.path()); });
    EXPECT_TRUE(eventually([&] {
        return appliance.log_since_start().find("log.bytes_max is raised") != std::string::npos;
    })) << appliance.log_since_start();
    EXPECT_TRUE(stands_still(appliance));
    appliance.stop();
    sender.join();
    EXPECT_LT(first.acked, kEvents);
    appliance.set_arguments({});
    appliance.start();
    const Sent again = send_file(appliance, file.path());
    EXPECT_EQ(again.stored + again.duplicates, kEvents);
    EXPECT_GE(again.duplicates, first.acked);
    appliance.stop();
    expect_each_once(appliance.data_dir(), kEvents);
}

}  // namespace
}  // namespace penstock::test

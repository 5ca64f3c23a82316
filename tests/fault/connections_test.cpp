// Producers that crawl, connections in thousands, and two appliances by mistake.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <filesystem>

#include "tests/fault/fault_rig.h"
#include "tests/support/postgres_cluster.h"

namespace penstock::test {
namespace {

class Connections {
  public:
    ~Connections() {
        for (const int fd : fds_) ::close(fd);
    }
    bool add(uint16_t port) {
        const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0) return false;
        fds_.push_back(fd);
        sockaddr_in a{};
        a.sin_family = AF_INET;
        a.sin_port = htons(port);
        a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return ::connect(fd, reinterpret_cast<sockaddr*>(&a), sizeof a) == 0;
    }
    bool send(size_t i, std::string_view bytes) const {
        return ::send(fds_[i], bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
               static_cast<ssize_t>(bytes.size());
    }
    /// Whether the appliance has closed it.
    bool closed(size_t i) const {
        char c;
        const ssize_t n = ::recv(fds_[i], &c, 1, MSG_DONTWAIT | MSG_PEEK);
        return n == 0 || (n < 0 && errno != EAGAIN);
    }
    size_t size() const { return fds_.size(); }

  private:
    std::vector<int> fds_;
};

int64_t resident_kib(pid_t pid) {
    std::ifstream in(fmt::format("/proc/{}/status", pid));
    for (std::string line; std::getline(in, line);)
        if (line.starts_with("VmRSS:")) return std::atoll(line.c_str() + 6);
    return 0;
}

int64_t open_connections(const ApplianceProcess& appliance) {
    const auto status = boost::json::parse(appliance.get("/api/v1/status"));
    return status.at("ingest").at("connections").at("open").to_number<int64_t>();
}

TEST(Connections, ProducersThatSendAByteASecondAreClosedAndOthersServed) {
    ApplianceProcess appliance;
    appliance.set_arguments({"--set", "ingest.stall_timeout_s=2"});
    appliance.start();
    Connections slow;
    for (int i = 0; i < 50; ++i) ASSERT_TRUE(slow.add(appliance.events_port()));
    const TemporaryFile file("e.ndjson", numbered_events(1, 1'000));
    for (int second = 0; second < 2; ++second) {
        for (size_t i = 0; i < slow.size(); ++i) slow.send(i, "{");
        EXPECT_EQ(send_file(appliance, file.path()).acked, 1'000);
        sleep_ms(1'000);
    }
    EXPECT_TRUE(eventually([&] {
        size_t closed = 0;
        for (size_t i = 0; i < slow.size(); ++i) {
            slow.send(i, "x");
            closed += slow.closed(i);
        }
        sleep_ms(200);
        return closed == slow.size();
    }));
    appliance.stop();
}

TEST(Connections, FiveThousandIdleOnesTakeLittleMemoryAndOthersAreServed) {
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_max < 6'000) GTEST_SKIP() << "at most " << files.rlim_max << " files may be open here";
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
    for (const char* backend : {"auto", "epoll"}) {
        ApplianceProcess appliance;
        appliance.set_arguments({"--set", std::string("ingest.backend=") + backend});
        appliance.start();
        const TemporaryFile file("e.ndjson", numbered_events(1, 2'000)),
            next("f.ndjson", numbered_events(2'001, 2'000));
        EXPECT_EQ(send_file(appliance, file.path()).stored, 2'000);
        const int64_t before = resident_kib(appliance.pid());
        Connections idle;
        for (int i = 0; i < 5'000; ++i) ASSERT_TRUE(idle.add(appliance.events_port())) << i;
        for (size_t i = 0; i < idle.size(); i += 2) EXPECT_TRUE(idle.send(i, "{\"specversion\""));
        EXPECT_TRUE(eventually([&] { return open_connections(appliance) >= 5'000; }))
            << appliance.get("/api/v1/status");
        EXPECT_EQ(send_file(appliance, next.path()).stored, 2'000);
        EXPECT_LT(resident_kib(appliance.pid()) - before, 32 << 10) << backend;
        appliance.stop();
    }
}

TEST(TwoAppliances, OnOneDataFolderTheSecondIsRefusedNamingTheFirst) {
    ApplianceProcess first;
    first.start();
    const CommandResult second = penstock({"serve", "--config", first.config_file()});
    EXPECT_EQ(second.exit_code, 1);
    EXPECT_NE(second.err.find(fmt::format("process {};", first.pid())), std::string::npos) << second.err;
    const TemporaryFile file("e.ndjson", numbered_events(1, 100));
    EXPECT_EQ(send_file(first, file.path()).stored, 100);
    first.stop();
}

TEST(TwoAppliances, OnOneLedgerTheOlderIsFencedAndSaysSo) {
    PENSTOCK_NEEDS_POSTGRES();
    PostgresCluster cluster;
    const std::string region =
        fmt::format("[flush]\nlinger_ms = 10\n[[region]]\nname = \"us\"\ndsn = \"{}\"\n", cluster.dsn());
    ApplianceProcess older(region), newer(region);
    const TemporaryFile file("e.ndjson", numbered_events(1, 1'000)),
        more("f.ndjson", numbered_events(1'001, 500));
    const auto rows = [&]() -> int64_t {
        if (cluster.number("SELECT count(*) FROM pg_class WHERE oid = to_regclass('penstock.event')") == 0)
            return 0;  // the schema comes with the first connection
        return cluster.number("SELECT count(*) FROM penstock.event");
    };
    older.start();
    EXPECT_EQ(send_file(older, file.path()).stored, 1'000);
    ASSERT_TRUE(eventually([&] { return rows() == 1'000; }));
    older.stop();
    // A copy of the folder is the same log; so are its ledger's row and its name.
    std::filesystem::copy(older.data_dir(), newer.data_dir(), std::filesystem::copy_options::recursive);
    older.start();
    newer.start();
    EXPECT_EQ(send_file(newer, more.path()).stored, 500);
    ASSERT_TRUE(eventually([&] { return rows() == 1'500; }));
    EXPECT_EQ(send_file(older, more.path()).stored, 500);
    EXPECT_TRUE(eventually([&] {
        return older.get("/api/v1/status").find("another appliance") != std::string::npos;
    })) << older.get("/api/v1/status");
    EXPECT_EQ(rows(), 1'500);
    newer.stop();
    older.stop();
}

}  // namespace
}  // namespace penstock::test

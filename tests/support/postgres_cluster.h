// A real PostgreSQL cluster for one test program: temporary, on a unix socket, gone when the object is.
#pragma once

#include <gtest/gtest.h>
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace penstock::test {

/// One cluster with an empty database `penstock` owned by a role of the same name. fsync is off: what these
/// tests kill is processes, and the kernel keeps what a killed process wrote. Never run as root: as root, the
/// servers belong to the user `postgres`. Errors of the set-up throw std::runtime_error.
class PostgresCluster {
  public:
    /// Whether the servers' programs are installed. Tests that need them begin with
    /// PENSTOCK_NEEDS_POSTGRES().
    static bool available();

    PostgresCluster();
    ~PostgresCluster();
    PostgresCluster(const PostgresCluster&) = delete;
    PostgresCluster& operator=(const PostgresCluster&) = delete;

    /// As the role that the appliance uses.
    std::string dsn() const;
    /// As a superuser.
    std::string admin_dsn() const;

    void start();  ///< returns when it accepts connections
    void stop();   ///< fast: sessions are ended, a checkpoint is written
    void kill9();  ///< the postmaster and every backend at once, as by a power cut
    void restart() { stop(), start(); }

    /// Makes all tables, and the ledger's row, anew.
    void reset();

    /// As the superuser; the first column of the first row ("" for none).
    std::string sql(const std::string& statement) const;
    int64_t number(const std::string& statement) const;

  private:
    int run(const std::vector<std::string>& arguments, const std::string& input = "") const;
    pid_t postmaster() const;
    void start_janitor();

    std::string bin_, home_, data_;
    uint32_t uid_ = 0, gid_ = 0;
    pid_t janitor_ = 0;  ///< cleans up also after a test program that crashed
    int janitor_pipe_ = -1;
};

/// One cluster shared by all tests of the program that ask for it; started at the first call.
PostgresCluster& shared_cluster();

}  // namespace penstock::test

#define PENSTOCK_NEEDS_POSTGRES()                      \
    if (!penstock::test::PostgresCluster::available()) \
    GTEST_SKIP() << "PostgreSQL is not installed: apt-get install postgresql"

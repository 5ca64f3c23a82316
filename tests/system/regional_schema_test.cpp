// Migrations of the regional schema against a real server.
#include <gtest/gtest.h>

#include <thread>

#include "storage/migrations.h"
#include "tests/support/postgres_cluster.h"

namespace penstock::test {
namespace {

class RegionalSchema : public ::testing::Test {
  protected:
    void SetUp() override {
        PENSTOCK_NEEDS_POSTGRES();
        shared_cluster().reset();
    }
    static int64_t number(const std::string& statement) { return shared_cluster().number(statement); }
    /// Runs `known` over a connection of its own; the error's text, or "".
    static std::string error_of(std::span<const Migration> known) {
        StopSignal never;
        PostgresConnection connection({shared_cluster().dsn(), "test"}, never);
        try {
            migrate(connection, known);
        } catch (const std::exception& error) {
            return error.what();
        }
        return "";
    }
};

TEST_F(RegionalSchema, AppliesOnceAndFindsNothingToDoAgain) {
    const MigrationReport first = migrate(shared_cluster().dsn());
    EXPECT_EQ(first.version_before, 0);
    EXPECT_EQ(first.version_after, static_cast<int>(known_migrations().size()));
    EXPECT_EQ(first.applied.size(), known_migrations().size());
    const MigrationReport second = migrate(shared_cluster().dsn());
    EXPECT_EQ(second.version_before, first.version_after);
    EXPECT_TRUE(second.applied.empty());
    EXPECT_EQ(number("SELECT count(*) FROM penstock.migration"),
              static_cast<int64_t>(known_migrations().size()));
}

TEST_F(RegionalSchema, SeveralProgramsMayMigrateAtOnce) {
    std::vector<std::string> errors(4);
    {
        std::vector<std::jthread> threads;
        for (std::string& error : errors)
            threads.emplace_back([&error] {
                try {
                    migrate(shared_cluster().dsn());
                } catch (const std::exception& e) {
                    error = e.what();
                }
            });
    }
    for (const std::string& error : errors) EXPECT_EQ(error, "");
    EXPECT_EQ(number("SELECT count(*) FROM penstock.migration"),
              static_cast<int64_t>(known_migrations().size()));
}

TEST_F(RegionalSchema, ChangedMigrationIsRefusedByItsChecksum) {
    migrate(shared_cluster().dsn());
    number("UPDATE penstock.migration SET checksum = '0123456789abcdef' WHERE version = 1");
    const std::string error = error_of(known_migrations());
    EXPECT_NE(error.find("0001_ledger_and_events"), std::string::npos) << error;
    EXPECT_NE(error.find("checksum"), std::string::npos) << error;
}

TEST_F(RegionalSchema, DatabaseNewerThanTheProgramIsRefused) {
    migrate(shared_cluster().dsn());
    number("INSERT INTO penstock.migration (version, name, checksum) VALUES (99, 'from_the_future', 'x')");
    const std::string error = error_of(known_migrations());
    EXPECT_NE(error.find("version 99"), std::string::npos) << error;
}

TEST_F(RegionalSchema, FailedMigrationLeavesTheOldVersion) {
    const Migration migrations[] = {{1, "good", "CREATE TABLE penstock.a (x int)"},
                                    {2, "bad", "CREATE TABLE penstock.b (x int); SELECT 1 / 0"}};
    EXPECT_EQ(error_of(std::span(migrations).first(1)), "");
    EXPECT_NE(error_of(migrations).find("division by zero"), std::string::npos);
    EXPECT_EQ(number("SELECT max(version) FROM penstock.migration"), 1);
    EXPECT_EQ(shared_cluster().sql("SELECT to_regclass('penstock.b')"), "");
}

TEST_F(RegionalSchema, NeedsNoRightToCreateOnceItIsUpToDate) {
    migrate(shared_cluster().dsn());
    number("REVOKE CREATE ON DATABASE penstock FROM penstock");
    number("ALTER DATABASE penstock OWNER TO postgres");
    EXPECT_EQ(error_of(known_migrations()), "");
    number("ALTER DATABASE penstock OWNER TO penstock");
    number("GRANT ALL ON DATABASE penstock TO penstock");
}

TEST_F(RegionalSchema, UnreachableServerIsAnErrorNotAHang) {
    StopSignal never;
    EXPECT_THROW(PostgresConnection({"host=/nowhere port=5432 dbname=x", "test"}, never), PostgresError);
}

}  // namespace
}  // namespace penstock::test

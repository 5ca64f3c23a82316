#include "storage/migrations.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <cstring>

namespace penstock {
namespace {

constexpr Migration kMigrations[] = {
#include "storage/regional_migrations.inc"
};

/// Any constant will do, as long as nobody else takes it: "penstock" in ASCII.
constexpr const char* kLockSql = "SELECT pg_advisory_xact_lock(8097298054470296427)";
constexpr int kServerVersionMin = 140000;

std::string file_name(const Migration& m) { return fmt::format("{:04}_{}", m.version, m.name); }

/// The version that the database has, after comparing what was applied with what is known.
int check_applied(PostgresConnection& connection, std::span<const Migration> known) {
    if (connection.query("SELECT to_regclass('penstock.migration')").is_null(0, 0)) return 0;
    const auto applied =
        connection.query("SELECT version, name, checksum FROM penstock.migration ORDER BY version");
    int version = 0;
    for (int row = 0; row < applied.rows(); ++row) {
        version = static_cast<int>(applied.number(row, 0));
        if (version > static_cast<int>(known.size()))
            throw MigrationError(fmt::format(
                "the database has schema version {} ({}), this program knows up to {}: start a newer "
                "program, or restore the database from before the upgrade",
                version, applied.text(row, 1), known.size()));
        const Migration& m = known[static_cast<size_t>(version - 1)];
        if (applied.text(row, 2) != checksum_of(m))
            throw MigrationError(fmt::format(
                "migration {} was applied with checksum {}, but this program's has {}: a released "
                "migration must not be changed; add a new one",
                file_name(m), applied.text(row, 2), checksum_of(m)));
    }
    if (version != applied.rows())
        throw MigrationError(
            fmt::format("penstock.migration has {} rows and ends at version {}: rows are missing",
                        applied.rows(), version));
    return version;
}

}  // namespace

std::span<const Migration> known_migrations() { return kMigrations; }

std::string checksum_of(const Migration& migration) {
    return fmt::format("{:016x}", XXH3_64bits(migration.sql, std::strlen(migration.sql)));
}

MigrationReport migrate(PostgresConnection& connection, std::span<const Migration> known) {
    if (connection.server_version() < kServerVersionMin)
        throw MigrationError(
            fmt::format("PostgreSQL {} is too old: 14 is the oldest that has the index in use",
                        connection.server_version() / 10000));
    MigrationReport report;
    report.version_before = report.version_after = check_applied(connection, known);
    if (report.version_before == static_cast<int>(known.size())) return report;

    connection.query("BEGIN");
    try {
        connection.query(kLockSql);
        if (connection.query("SELECT to_regnamespace('penstock')").is_null(0, 0))
            connection.query("CREATE SCHEMA penstock");
        connection.query(
            "CREATE TABLE IF NOT EXISTS penstock.migration (version integer PRIMARY KEY, name text NOT NULL, "
            "checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())");
        // Again, now that nobody else is at it.
        report.version_before = report.version_after = check_applied(connection, known);
        for (const Migration& m : known.subspan(static_cast<size_t>(report.version_before))) {
            connection.script(m.sql);
            connection.query(
                "INSERT INTO penstock.migration (version, name, checksum) VALUES ($1::integer, $2, $3)",
                {std::to_string(m.version), m.name, checksum_of(m)});
            report.applied.push_back(file_name(m));
            report.version_after = m.version;
        }
        connection.query("COMMIT");
    } catch (...) {
        connection.rollback();
        throw;
    }
    return report;
}

MigrationReport migrate(const std::string& dsn, int64_t timeout_ns) {
    StopSignal never;
    PostgresConnection connection({dsn, "penstock migrate", timeout_ns}, never);
    return migrate(connection);
}

}  // namespace penstock

// The regional schema's versions: schemas/regional/NNNN_name.sql, embedded into the program.
#pragma once

#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "storage/postgres.h"

namespace penstock {

struct Migration {
    int version;
    const char* name;
    const char* sql;
};

/// All that the program knows, version 1 first, without gaps.
std::span<const Migration> known_migrations();
/// 16 hex digits of XXH3-64 over the text.
std::string checksum_of(const Migration& migration);

/// The database is not one that this program may write to: newer than it, or changed after the fact.
struct MigrationError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct MigrationReport {
    int version_before = 0, version_after = 0;
    std::vector<std::string> applied;  ///< "0001_ledger_and_events"
};

/// Brings the database to the program's version: all pending migrations in one transaction, under an advisory
/// lock, so that two programs may start at once. An up-to-date database is only read: then the role needs no
/// right to create anything. Throws MigrationError, or PostgresError.
MigrationReport migrate(PostgresConnection& connection,
                        std::span<const Migration> known = known_migrations());

/// The same over a connection of its own, for `penstock migrate`.
MigrationReport migrate(const std::string& dsn, int64_t timeout_ns = 30'000'000'000);

}  // namespace penstock

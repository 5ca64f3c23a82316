// A region's database in memory: what PostgreSQL does with the statements that storage/ sends, and what goes
// wrong there. simulated_postgres.cpp puts PostgresConnection on top of it, in place of libpq.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/postgres.h"
#include "tests/support/seed.h"

namespace penstock::simulation {

using test::Random;

/// A row of penstock.event.
struct RegionRow {
    int64_t seq = 0, received_us = 0, time_us = 0;
    int32_t log = 0;
    int16_t severity = 0;
    std::string tenant, source, id, type, subject, data, attributes;
};

/// A row of penstock.ledger.
struct RegionLedger {
    int32_t log = 0;
    int64_t epoch = 0, begin_seq = 0, seq = 0, stamp_ns = 0, stored = 0, refused = 0;
};

/// Chances in a thousand statements; all zero: healthy.
struct RegionFaults {
    bool down = false;  ///< nobody can connect, and who was is cut off
    unsigned lost = 0, full = 0, busy = 0, shutdown = 0;
    unsigned commit_lost = 0;  ///< outcome unknown: committed, not committed, or committed later
};

/// What a row asks for by its data: PostgreSQL refuses it at COPY, or at COMMIT (a deferred constraint).
inline constexpr std::string_view kPoisonAtCopy = "poison-copy", kPoisonAtCommit = "poison-commit";

class RegionDatabase {
  public:
    RegionDatabase(std::string name, uint64_t seed) : name_(std::move(name)), random_(seed) {}

    const std::string& name() const { return name_; }
    RegionFaults faults;
    /// Told of the rows of each transaction as it commits.
    std::function<void(const std::vector<RegionRow>&)> on_commit;

    const std::vector<RegionRow>& rows() const { return rows_; }
    const std::map<std::string, RegionLedger>& ledgers() const { return ledgers_; }
    bool has_zombie() const { return zombie_.has_value(); }
    /// A backend whose client has gone ends its COMMIT one way or the other.
    void end_zombie();

    /// One connection's side in the server.
    class Session {
      public:
        explicit Session(RegionDatabase& db);
        PostgresResult run(std::string_view sql, const std::vector<std::string>& parameters);
        void begin_copy(std::span<const uint8_t> rows);
        uint64_t end_copy();
        void abandon_copy();
        void rollback();

      private:
        struct Transaction {
            std::vector<RegionRow> rows;
            std::optional<std::pair<std::string, RegionLedger>> ledger;
            bool aborted = false;
        };
        PostgresResult execute(std::string_view sql, const std::vector<std::string>& parameters);
        PostgresResult execute_catalog(std::string_view sql, const std::vector<std::string>& parameters);
        PostgresResult move_ledger(const std::vector<std::string>& parameters);
        void commit();
        void maybe_fail(std::string_view sql);
        void lock_ledger();
        [[noreturn]] void lose(const char* why);
        [[noreturn]] void refuse(const char* state, const std::string& why);

        RegionDatabase& db_;
        std::optional<Transaction> transaction_;
        std::span<const uint8_t> copying_;
        bool lost_ = false;
        friend class RegionDatabase;
    };

  private:
    using Transaction = Session::Transaction;
    struct Catalog {
        bool schema = false, migration_table = false, tables = false;
        std::vector<std::vector<std::string>> applied;  ///< version, name, checksum
        std::set<std::string> partitions;
    };
    void apply(Transaction&& transaction);

    const std::string name_;
    Random random_;
    Catalog catalog_;
    std::map<std::string, RegionLedger> ledgers_;  ///< by log id
    std::vector<RegionRow> rows_;
    std::optional<Transaction> zombie_;
};

/// The databases by connection string. One thread.
class RegionServers {
  public:
    static RegionServers& instance();
    void begin(uint64_t seed);
    RegionDatabase& add(const std::string& dsn);
    RegionDatabase& at(const std::string& dsn) { return *databases_.at(dsn); }

  private:
    uint64_t seed_ = 0;
    std::map<std::string, std::unique_ptr<RegionDatabase>> databases_;
};

}  // namespace penstock::simulation

#include "tests/simulation/region.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "storage/migrations.h"
#include "storage/row_batch.h"

namespace penstock::simulation {
namespace {

constexpr int64_t kPostgresEpochUs = 946'684'800'000'000;
constexpr int64_t kDayUs = 86'400'000'000;

/// Rows of text, as libpq would hold them; a null pointer is NULL.
PostgresResult table(const std::vector<std::vector<const char*>>& rows, size_t columns) {
    PGresult* result = PQmakeEmptyPGresult(nullptr, PGRES_TUPLES_OK);
    std::vector<PGresAttDesc> attributes(columns);
    static char name[] = "column";
    for (auto& a : attributes) a.name = name;
    PQsetResultAttrs(result, static_cast<int>(columns), attributes.data());
    for (size_t r = 0; r < rows.size(); ++r)
        for (size_t c = 0; c < columns; ++c)
            PQsetvalue(result, static_cast<int>(r), static_cast<int>(c), const_cast<char*>(rows[r][c]),
                       rows[r][c] ? static_cast<int>(std::strlen(rows[r][c])) : -1);
    return PostgresResult(result);
}
PostgresResult one(const char* value) { return table({{value}}, 1); }
PostgresResult nothing() { return table({}, 1); }
/// What PostgresResult::affected() reads here.
PostgresResult touched(uint64_t rows) { return one(std::to_string(rows).c_str()); }

PostgresResult position(const RegionLedger& l) {
    const std::array<std::string, 5> text{std::to_string(l.log), std::to_string(l.epoch),
                                          std::to_string(l.seq), std::to_string(l.stored),
                                          std::to_string(l.stamp_ns)};
    return table({{text[0].c_str(), text[1].c_str(), text[2].c_str(), text[3].c_str(), text[4].c_str()}}, 5);
}

/// Reads what RowBatch encodes.
class CopyReader {
  public:
    explicit CopyReader(std::span<const uint8_t> bytes) : rest_(bytes) {}
    bool more() const { return !rest_.empty(); }
    RegionRow row() {
        RegionRow r;
        if (number(2) != 12) broken();
        r.seq = field();
        r.received_us = field() + kPostgresEpochUs;
        r.time_us = field() + kPostgresEpochUs;
        r.log = static_cast<int32_t>(field());
        r.severity = static_cast<int16_t>(field());
        for (std::string* text : {&r.tenant, &r.source, &r.id, &r.type, &r.subject, &r.data, &r.attributes})
            *text = text_field();
        return r;
    }

  private:
    [[noreturn]] static void broken() { throw PostgresError("the COPY data is not framed", "22P04", false); }
    int64_t number(size_t size) {
        if (rest_.size() < size) broken();
        uint64_t n = 0;
        for (size_t i = 0; i < size; ++i) n = n << 8 | rest_[i];
        rest_ = rest_.subspan(size);
        const unsigned shift = static_cast<unsigned>(64 - 8 * size);
        return static_cast<int64_t>(n << shift) >> shift;
    }
    int64_t field() {
        const int64_t size = number(4);
        return size < 0 ? 0 : number(static_cast<size_t>(size));
    }
    std::string text_field() {
        const int64_t size = number(4);
        if (size < 0) return {};
        if (rest_.size() < static_cast<size_t>(size)) broken();
        std::string text(reinterpret_cast<const char*>(rest_.data()), static_cast<size_t>(size));
        rest_ = rest_.subspan(static_cast<size_t>(size));
        return text;
    }
    std::span<const uint8_t> rest_;
};

std::string partition_of(int64_t received_us) {
    const int64_t days = received_us / kDayUs;
    const time_t seconds = days * 86'400;
    tm date{};
    gmtime_r(&seconds, &date);
    return fmt::format("event_{:04}{:02}{:02}", date.tm_year + 1900, date.tm_mon + 1, date.tm_mday);
}

int64_t integer(const std::string& text) { return std::strtoll(text.c_str(), nullptr, 10); }

}  // namespace

// --- transactions -----------------------------------------------------------------------------------------

void RegionDatabase::apply(Transaction&& transaction) {
    if (transaction.ledger) ledgers_[transaction.ledger->first] = transaction.ledger->second;
    rows_.insert(rows_.end(), transaction.rows.begin(), transaction.rows.end());
    if (on_commit && !transaction.rows.empty()) on_commit(transaction.rows);
}

void RegionDatabase::end_zombie() {
    if (!zombie_) return;
    Transaction transaction = std::move(*zombie_);
    zombie_.reset();
    if (random_.chance(60)) apply(std::move(transaction));
}

RegionDatabase::Session::Session(RegionDatabase& db) : db_(db) { maybe_fail("connect"); }

void RegionDatabase::Session::lose(const char* why) {
    lost_ = true;
    transaction_.reset();
    throw PostgresError(why, "08006", true);
}
void RegionDatabase::Session::refuse(const char* state, const std::string& why) {
    if (transaction_) transaction_->aborted = true;
    throw PostgresError(fmt::format("{} (SQLSTATE {})", why, state), state, false);
}

/// Faults that may come with any statement.
void RegionDatabase::Session::maybe_fail(std::string_view sql) {
    if (lost_) lose("the connection is closed");
    if (db_.faults.down) lose("could not connect: Connection refused");
    const uint64_t roll = db_.random_.below(1000);
    unsigned up_to = db_.faults.lost;
    if (roll < up_to) lose("server closed the connection unexpectedly");
    if (roll < (up_to += db_.faults.shutdown)) {
        lost_ = true;
        transaction_.reset();
        throw PostgresError("terminating connection due to administrator command (SQLSTATE 57P01)", "57P01",
                            true);
    }
    if (sql == "connect") return;
    if (roll < (up_to += db_.faults.full)) refuse("53100", "could not extend file: No space left on device");
    if (roll < up_to + db_.faults.busy) refuse("55P03", "canceling statement due to lock timeout");
}

/// A backend that is still committing holds the ledger's row: it ends first, or we give up waiting.
void RegionDatabase::Session::lock_ledger() {
    if (!db_.zombie_) return;
    if (db_.random_.chance(60))
        db_.end_zombie();
    else
        refuse("55P03", "canceling statement due to lock timeout");
}

void RegionDatabase::Session::commit() {
    if (!transaction_) return;  // a warning, no more
    Transaction transaction = std::move(*transaction_);
    transaction_.reset();
    if (transaction.aborted) return;  // says ROLLBACK, and no error
    for (const RegionRow& row : transaction.rows)
        if (row.data.find(kPoisonAtCommit) != std::string::npos)
            throw PostgresError("violates a deferred constraint (SQLSTATE 23514)", "23514", false);
    if (db_.random_.below(1000) < db_.faults.commit_lost) {
        const uint64_t outcome = db_.random_.below(3);
        if (outcome == 0) db_.apply(std::move(transaction));
        if (outcome == 1 && !db_.zombie_) db_.zombie_ = std::move(transaction);
        lose("the connection was lost while COMMIT was under way");
    }
    db_.apply(std::move(transaction));
}

void RegionDatabase::Session::rollback() { transaction_.reset(); }

PostgresResult RegionDatabase::Session::run(std::string_view sql,
                                            const std::vector<std::string>& parameters) {
    maybe_fail(sql);
    if (transaction_ && transaction_->aborted && sql != "ROLLBACK" && sql != "COMMIT")
        refuse("25P02", "current transaction is aborted");
    PostgresResult result = execute(sql, parameters);
    if (db_.random_.below(2000) < db_.faults.lost) lose("the answer was lost");
    return result;
}

void RegionDatabase::Session::begin_copy(std::span<const uint8_t> encoded) {
    transaction_ = Transaction{};
    maybe_fail("COPY");
    copying_ = encoded;
}

void RegionDatabase::Session::abandon_copy() {
    transaction_.reset();
    if (lost_ || db_.faults.down || db_.random_.below(500) < db_.faults.lost)
        lose("lost in the middle of COPY");
}

uint64_t RegionDatabase::Session::end_copy() {
    maybe_fail("COPY");
    if (db_.faults.lost > 0 && db_.random_.below(500) < db_.faults.lost) lose("lost in the middle of COPY");
    CopyReader reader(copying_);
    while (reader.more()) {
        RegionRow row = reader.row();
        if (row.data.find(kPoisonAtCopy) != std::string::npos)
            refuse("22021", "invalid byte sequence for encoding");
        if (!db_.catalog_.partitions.contains(partition_of(row.received_us)))
            refuse("23514", "no partition of relation \"event\" found for row");
        transaction_->rows.push_back(std::move(row));
    }
    return transaction_->rows.size();
}

// --- statements -------------------------------------------------------------------------------------------

PostgresResult RegionDatabase::Session::execute(std::string_view sql,
                                                const std::vector<std::string>& parameters) {
    const auto begins = [&](std::string_view with) { return sql.starts_with(with); };
    if (sql == "BEGIN") return transaction_ = Transaction{}, nothing();
    if (sql == "COMMIT") return commit(), nothing();
    if (sql == "ROLLBACK") return rollback(), nothing();
    if (begins("UPDATE penstock.ledger SET seq =")) return move_ledger(parameters);
    if (begins("UPDATE penstock.ledger SET epoch = epoch + 1")) {
        lock_ledger();
        const auto it = db_.ledgers_.find(parameters[0]);
        if (it == db_.ledgers_.end()) return nothing();
        ++it->second.epoch;
        return position(it->second);
    }
    if (begins("SELECT log, epoch, seq, stored, stamp_ns FROM penstock.ledger")) {
        if (sql.ends_with("FOR UPDATE")) lock_ledger();
        const auto it = db_.ledgers_.find(parameters[0]);
        return it == db_.ledgers_.end() ? nothing() : position(it->second);
    }
    if (begins("INSERT INTO penstock.ledger")) {
        RegionLedger made;
        made.log = static_cast<int32_t>(db_.ledgers_.size()) + 1;
        made.begin_seq = made.seq = integer(parameters[1]);
        db_.ledgers_.emplace(parameters[0], made);
        return nothing();
    }
    return execute_catalog(sql, parameters);
}

PostgresResult RegionDatabase::Session::move_ledger(const std::vector<std::string>& p) {
    lock_ledger();
    for (const auto& [log_id, row] : db_.ledgers_) {
        if (row.log != integer(p[3]) || row.epoch != integer(p[4]) || row.seq != integer(p[5])) continue;
        RegionLedger moved = row;
        moved.seq = integer(p[0]);
        moved.stored += integer(p[1]);
        moved.refused += integer(p[2]);
        moved.stamp_ns = integer(p[6]);
        if (transaction_)
            transaction_->ledger = {log_id, moved};
        else
            db_.ledgers_[log_id] = moved;
        return touched(1);
    }
    return touched(0);
}

/// Schema and partitions take effect at once: nobody else looks at them within one transaction.
PostgresResult RegionDatabase::Session::execute_catalog(std::string_view sql,
                                                        const std::vector<std::string>& parameters) {
    Catalog& catalog = db_.catalog_;
    const auto begins = [&](std::string_view with) { return sql.starts_with(with); };
    if (sql == "SELECT to_regclass('penstock.migration')")
        return one(catalog.migration_table ? "penstock.migration" : nullptr);
    if (sql == "SELECT to_regnamespace('penstock')") return one(catalog.schema ? "penstock" : nullptr);
    if (begins("SELECT version, name, checksum FROM penstock.migration")) {
        std::vector<std::vector<const char*>> rows;
        for (const auto& row : catalog.applied)
            rows.push_back({row[0].c_str(), row[1].c_str(), row[2].c_str()});
        return table(rows, 3);
    }
    if (begins("SELECT pg_advisory_xact_lock")) return one("");
    if (begins("CREATE SCHEMA penstock")) return catalog.schema = true, nothing();
    if (begins("CREATE TABLE IF NOT EXISTS penstock.migration"))
        return catalog.migration_table = true, nothing();
    for (const Migration& m : known_migrations())
        if (sql == m.sql) return catalog.tables = true, nothing();
    if (begins("INSERT INTO penstock.migration")) return catalog.applied.push_back(parameters), nothing();
    if (begins("SELECT c.relname FROM pg_inherits")) {
        std::vector<std::vector<const char*>> rows;
        for (const std::string& name : catalog.partitions) rows.push_back({name.c_str()});
        return table(rows, 1);
    }
    if (begins("SELECT 1 FROM pg_inherits"))
        return catalog.partitions.contains(parameters[0]) ? one("1") : nothing();
    if (begins("CREATE TABLE penstock.event_"))
        return catalog.partitions.emplace(sql.substr(sizeof "CREATE TABLE penstock." - 1, 14)), nothing();
    if (begins("BEGIN; SET LOCAL lock_timeout = '100ms'; SELECT brin_summarize")) return nothing();
    std::fprintf(stderr, "simulation: the simulated region does not know this statement: %.200s\n",
                 std::string(sql).c_str());
    std::abort();
}

RegionServers& RegionServers::instance() {
    static RegionServers servers;
    return servers;
}
void RegionServers::begin(uint64_t seed) {
    seed_ = seed;
    databases_.clear();
}
RegionDatabase& RegionServers::add(const std::string& dsn) {
    auto& db = databases_[dsn];
    db = std::make_unique<RegionDatabase>(dsn, seed_ ^ (databases_.size() * 0x9e37));
    return *db;
}

}  // namespace penstock::simulation

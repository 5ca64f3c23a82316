#include "storage/regional_store.h"

#include <absl/cleanup/cleanup.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <charconv>
#include <chrono>
#include <optional>

#include "storage/act_rows.h"
#include "storage/migrations.h"

namespace penstock {
namespace {

using Kind = RegionalError::Kind;

constexpr std::string_view kPartitionPrefix = "event_";

std::chrono::year_month_day date_of(int32_t day) {
    return std::chrono::year_month_day(std::chrono::sys_days(std::chrono::days(day)));
}
std::string format_day(int32_t day, const char* separator) {
    const auto date = date_of(day);
    return fmt::format("{:04}{}{:02}{}{:02}", static_cast<int>(date.year()), separator,
                       static_cast<unsigned>(date.month()), separator, static_cast<unsigned>(date.day()));
}
std::string partition_of(int32_t day) { return fmt::format("{}{}", kPartitionPrefix, format_day(day, "")); }
std::string midnight(int32_t day) { return format_day(day, "-") + " 00:00:00+00"; }

/// The day of "event_20260131"; nothing for a table of another name.
std::optional<int32_t> day_of_partition(std::string_view name) {
    if (name.size() != kPartitionPrefix.size() + 8 ||
        name.substr(0, kPartitionPrefix.size()) != kPartitionPrefix)
        return std::nullopt;
    name.remove_prefix(kPartitionPrefix.size());
    unsigned digits = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), digits);
    if (error != std::errc{} || end != name.data() + name.size()) return std::nullopt;
    const std::chrono::year_month_day date(std::chrono::year(static_cast<int>(digits / 10'000)),
                                           std::chrono::month(digits / 100 % 100),
                                           std::chrono::day(digits % 100));
    if (!date.ok()) return std::nullopt;
    return static_cast<int32_t>(std::chrono::sys_days(date).time_since_epoch().count());
}

/// Whether it is the row that PostgreSQL does not want: bad values (22), constraints (23, 44), limits of one
/// row (54), a user's trigger (P0). Not framing (22P03, 22P04): that is our table having been altered.
bool blames_row(const PostgresError& error) {
    if (error.connection_lost || error.sqlstate == "22P03" || error.sqlstate == "22P04") return false;
    for (const std::string_view data : {"22", "23", "44", "54", "P0"})
        if (error.in_class(data)) return true;
    return false;
}

/// Runs `work`; what PostgreSQL says becomes what the flusher understands.
template <typename Work>
auto translated(Work&& work) {
    try {
        return work();
    } catch (const PostgresStopped&) {
        throw RegionalError(Kind::kStopped, "stopped");
    } catch (const PostgresError& error) {
        throw RegionalError(Kind::kUnavailable, error.what());
    } catch (const MigrationError& error) {
        throw RegionalError(Kind::kUnfit, error.what());
    }
}

}  // namespace

PostgresRegionalStore::PostgresRegionalStore(Options options) : options_(std::move(options)) {}

std::unique_ptr<PostgresConnection> PostgresRegionalStore::connect() {
    return std::make_unique<PostgresConnection>(
        PostgresConnection::Options{options_.dsn, "penstock " + options_.region, options_.timeout_ns}, stop_);
}

void PostgresRegionalStore::close() noexcept {
    started_.clear();
    second_.reset();
    indexer_.reset();
    indexing_ = false;
    connection_.reset();
}

LedgerPosition PostgresRegionalStore::open(const Claim& claim) {
    return translated([&] {
        close();
        connection_ = connect();
        second_refused_ = false;
        const MigrationReport report = migrate(*connection_);
        for (const std::string& name : report.applied)
            spdlog::info("region {}: applied {}", options_.region, name);
        ledger_ = claim_ledger(claim);
        read_partitions(*connection_);
        return ledger_;
    });
}

LedgerPosition PostgresRegionalStore::claim_ledger(const Claim& claim) {
    // Either statement waits for a transaction of ours that an earlier connection may still be committing: it
    // has the row locked. So what is read here is final.
    const char* const take_over =
        "UPDATE penstock.ledger SET epoch = epoch + 1, updated_at = now() WHERE log_id = $1::uuid "
        "RETURNING log, epoch, seq, stored, stamp_ns";
    const char* const read =
        "SELECT log, epoch, seq, stored, stamp_ns FROM penstock.ledger WHERE log_id = $1::uuid FOR UPDATE";
    PostgresResult row = connection_->query(claim.epoch == 0 ? take_over : read, {claim.log_id});
    if (row.rows() == 0 && claim.epoch != 0)
        throw RegionalError(Kind::kUnfit,
                            "the region's ledger has lost its row of this log: was the database "
                            "restored, or made anew? restart the appliance to begin a new one");
    if (row.rows() == 0) {
        connection_->query(
            "INSERT INTO penstock.ledger (log_id, epoch, begin_seq, seq) VALUES ($1::uuid, 0, $2::bigint, "
            "$2::bigint) "
            "ON CONFLICT (log_id) DO NOTHING",
            {claim.log_id, std::to_string(claim.first_seq)});
        if (claim.first_seq > 1)
            spdlog::warn(
                "region {}: a new ledger begins at sequence {}, the log's oldest; what was before it is not "
                "in this log any more",
                options_.region, claim.first_seq);
        row = connection_->query(take_over, {claim.log_id});
    }
    if (row.rows() != 1) throw RegionalError(Kind::kUnfit, "the ledger has no row of this log, or several");
    LedgerPosition position{static_cast<int32_t>(row.number(0, 0)), static_cast<uint64_t>(row.number(0, 1)),
                            static_cast<Seq>(row.number(0, 2)), static_cast<uint64_t>(row.number(0, 3)),
                            row.number(0, 4)};
    if (claim.epoch != 0 && position.epoch != claim.epoch)
        throw RegionalError(
            Kind::kFenced,
            fmt::format("another appliance with this log's id has taken the region over (epoch {}, "
                        "ours is {}): stop one of the two, then restart the other",
                        position.epoch, claim.epoch));
    return position;
}

void PostgresRegionalStore::store(const RowBatch& batch, const RowRange& range) {
    begin(*connection_, batch, range);
    commit(*connection_, batch, range);
}

bool PostgresRegionalStore::start(const RowBatch& batch, const RowRange& range) {
    if (started_.size() == kStartedMax) return false;
    const bool first_is_free = started_.empty() || started_.front() == second_.get();
    if (!first_is_free && !second_) {
        if (second_refused_) return false;
        try {
            second_ = connect();
        } catch (const PostgresStopped&) {
            throw RegionalError(Kind::kStopped, "stopped");
        } catch (const PostgresError& error) {  // a limit of connections: one will do
            spdlog::info("region {}: rows go over one connection: {}", options_.region, error.what());
            second_refused_ = true;
            return false;
        }
    }
    PostgresConnection& free = first_is_free ? *connection_ : *second_;
    begin(free, batch, range);
    started_.push_back(&free);
    return true;
}

void PostgresRegionalStore::finish(const RowBatch& batch, const RowRange& range) {
    PostgresConnection& connection = *started_.front();
    started_.pop_front();
    connection.set_beside(started_.empty() ? nullptr : started_.front());
    const absl::Cleanup alone = [&] { connection.set_beside(nullptr); };
    commit(connection, batch, range);
}

void PostgresRegionalStore::abandon() {
    translated([&] {
        for (; !started_.empty(); started_.pop_front()) started_.front()->abandon_copy();
    });
}

/// A transaction, and its rows as far as the server takes them now.
void PostgresRegionalStore::begin(PostgresConnection& connection, const RowBatch& batch,
                                  const RowRange& range) {
    translated([&] {
        for (size_t i = range.first_row; i < range.end_row;) {  // rows rise in time: a few days at most
            const int32_t day = day_of(batch.row(i).received_ns);
            ensure_partition(connection, day);
            unindexed_days_.insert(day);
            while (i < range.end_row && day_of(batch.row(i).received_ns) == day) ++i;
        }
        if (range.rows() == 0) {
            connection.query("BEGIN");
            return;
        }
        connection.begin_copy(
            fmt::format("BEGIN; COPY penstock.event ({}) FROM STDIN (FORMAT binary)", RowBatch::kColumns),
            batch.encoded(range.first_row, range.end_row));
    });
}

void PostgresRegionalStore::commit(PostgresConnection& connection, const RowBatch& batch,
                                   const RowRange& range) {
    bool may_blame_row = range.rows() > 0;
    try {
        if (range.rows() > 0) {
            const uint64_t taken = connection.end_copy();
            may_blame_row = false;
            if (taken != range.rows())
                throw PostgresError(fmt::format("{} rows were sent and {} taken", range.rows(), taken), "",
                                    true);
        }
        for (const auto& [act, statement] :
             {std::pair{RowBatch::Act::kDecision, kInsertDecisions}, {RowBatch::Act::kAudit, kInsertAudit}})
            if (const std::string rows = batch.acts(act, range.from, range.to); !rows.empty())
                connection.query(statement, {std::to_string(ledger_.log), rows});
        const PostgresResult moved = connection.query(
            "UPDATE penstock.ledger SET seq = $1::bigint, stored = stored + $2::bigint, "
            "refused = refused + $3::bigint, stamp_ns = $7::bigint, updated_at = now() "
            "WHERE log = $4::integer AND epoch = $5::bigint AND seq = $6::bigint",
            {std::to_string(range.to), std::to_string(range.rows()), std::to_string(range.refused),
             std::to_string(ledger_.log), std::to_string(ledger_.epoch), std::to_string(range.from),
             std::to_string(range.to_stamp_ns)});
        if (moved.affected() != 1) {
            connection.rollback();
            throw RegionalError(Kind::kMoved, fmt::format("the ledger was not at sequence {} of epoch {}",
                                                          range.from, ledger_.epoch));
        }
        may_blame_row = range.rows() > 0;  // a deferred constraint speaks only now
        connection.query("COMMIT");
    } catch (const PostgresStopped&) {
        throw RegionalError(Kind::kStopped, "stopped");
    } catch (const PostgresError& error) {
        if (!error.connection_lost) connection.rollback();
        const bool refused = may_blame_row && blames_row(error) && has_partitions(connection, batch, range);
        throw RegionalError(refused ? Kind::kRowRefused : Kind::kUnavailable, error.what());
    }
}

/// A row whose partition was dropped behind our back is refused as if it broke a rule of the table.
bool PostgresRegionalStore::has_partitions(PostgresConnection& connection, const RowBatch& batch,
                                           const RowRange& range) {
    return translated([&] {
        read_partitions(connection);
        for (size_t i = range.first_row; i < range.end_row; ++i)
            if (!days_.contains(day_of(batch.row(i).received_ns))) return false;
        return true;
    });
}

void PostgresRegionalStore::read_partitions(PostgresConnection& connection) {
    days_.clear();
    unindexed_days_.clear();
    const PostgresResult tables = connection.query(
        "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
        "WHERE i.inhparent = 'penstock.event'::regclass");
    for (int row = 0; row < tables.rows(); ++row)
        if (const auto day = day_of_partition(tables.text(row, 0))) days_.insert(*day);
    if (!days_.empty()) unindexed_days_.insert(*days_.rbegin());
}

void PostgresRegionalStore::ensure_partition(PostgresConnection& connection, int32_t day) {
    if (days_.contains(day)) return;
    const std::string name = partition_of(day);
    connection.query("BEGIN");
    // Appliances that share the region do this one after the other.
    connection.query("SELECT pg_advisory_xact_lock(hashtext('penstock.event'), $1::integer)",
                     {std::to_string(day)});
    if (connection
            .query("SELECT 1 FROM pg_inherits WHERE inhparent = 'penstock.event'::regclass "
                   "AND inhrelid = to_regclass('penstock.' || $1)",
                   {name})
            .rows() == 0) {
        // Made apart, then attached: unlike CREATE ... PARTITION OF, that does not wait for who reads events.
        connection.script(fmt::format(
            "CREATE TABLE penstock.{0} (LIKE penstock.event INCLUDING ALL EXCLUDING INDEXES); "
            "ALTER TABLE penstock.event ATTACH PARTITION penstock.{0} FOR VALUES FROM ('{1}') TO ('{2}')",
            name, midnight(day), midnight(day + 1)));
    }
    connection.query("COMMIT");
    days_.insert(day);
}

void PostgresRegionalStore::drop_partitions_before(int32_t day) {
    while (!days_.empty() && *days_.begin() < day) {
        const int32_t oldest = *days_.begin();
        // A reader of events is in the way for as long as it reads; the next round comes again.
        connection_->script(
            fmt::format("BEGIN; SET LOCAL lock_timeout = '500ms'; DROP TABLE IF EXISTS penstock.{}; "
                        "COMMIT",
                        partition_of(oldest)));
        days_.erase(oldest);
        unindexed_days_.erase(oldest);
        spdlog::info("region {}: dropped {}, older than the retention", options_.region,
                     partition_of(oldest));
    }
}

void PostgresRegionalStore::maintain(StampNs now_ns, uint32_t retention_days) {
    try {
        const int32_t today = day_of(now_ns);
        ensure_partition(*connection_, today);
        ensure_partition(*connection_, today + 1);
        if (retention_days > 0) drop_partitions_before(today - static_cast<int32_t>(retention_days));
    } catch (const PostgresStopped&) {
        throw RegionalError(Kind::kStopped, "stopped");
    } catch (const PostgresError& error) {
        if (error.connection_lost) throw RegionalError(Kind::kUnavailable, error.what());
        connection_->rollback();
        spdlog::warn("region {}: maintenance is put off: {}", options_.region, error.what());
    }
}

bool PostgresRegionalStore::index_new_rows() {
    try {
        if (indexing_ && !indexer_->ended()) return false;
        indexing_ = false;
        if (unindexed_days_.empty()) return true;
        if (!indexer_) indexer_ = connect();
        // A vacuum that holds the table does the same work: no need to push it aside.
        std::string statements = "BEGIN; SET LOCAL lock_timeout = '100ms'; ";
        for (const int32_t day : unindexed_days_)
            statements += fmt::format(
                "SELECT brin_summarize_new_values(i.indexrelid::regclass) FROM pg_index i "
                "JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am a ON a.oid = c.relam "
                "WHERE a.amname = 'brin' AND i.indrelid = to_regclass('penstock.{}'); ",
                partition_of(day));
        indexer_->begin_script(statements + "COMMIT");
        indexing_ = true;
        unindexed_days_.clear();
        return true;
    } catch (const PostgresStopped&) {
        throw RegionalError(Kind::kStopped, "stopped");
    } catch (const PostgresError& error) {
        indexing_ = false;
        indexer_.reset();
        spdlog::debug("region {}: summaries are put off: {}", options_.region, error.what());
        return false;
    }
}

}  // namespace penstock

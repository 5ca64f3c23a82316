// A region's database as the flusher sees it: rows and the ledger move together, or not at all.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>

#include "storage/postgres.h"
#include "storage/row_batch.h"

namespace penstock {

/// Why the region did not do what was asked. The text is one line for people.
struct RegionalError : std::runtime_error {
    enum class Kind : uint8_t {
        kUnavailable,  ///< connection, resources, locks, anything that may pass: back off and come back
        kRowRefused,   ///< the data of one of the rows: find it
        kMoved,        ///< the ledger was not where we left it: read it again
        kFenced,       ///< another appliance has taken the log over
        kUnfit,        ///< schema newer, changed or damaged: a person has to act
        kStopped,      ///< a stop was requested
    };
    RegionalError(Kind k, const std::string& what) : std::runtime_error(what), kind(k) {}
    Kind kind;
};

/// The ledger's row of one log.
struct LedgerPosition {
    int32_t log = 0;     ///< the log's number in this region
    uint64_t epoch = 0;  ///< ours
    Seq seq = 0;         ///< all of the log below it is stored, or was not for this region
    uint64_t stored = 0;
    StampNs stamp_ns = 0;  ///< when sequence `seq` - 1 was received; 0: nothing was taken yet
};

/// One thread, but for interrupt(). Any error but kRowRefused and kMoved leaves the store closed or to be
/// closed; open() begins again.
class RegionalStore {
  public:
    virtual ~RegionalStore() = default;

    struct Claim {
        std::string log_id;  ///< UUID of the log
        Seq first_seq = 1;   ///< where a ledger begins that is not there yet
        uint64_t epoch = 0;  ///< 0: take the log over, fencing whoever had it; else: the epoch that is ours
    };
    /// Connects, brings the schema up to date, finds or makes the ledger's row.
    virtual LedgerPosition open(const Claim& claim) = 0;

    /// One transaction: rows of the range, and the ledger from `from` to `to`. When it throws, nothing of it
    /// is stored, except that after a lost connection it may be: the ledger, read again by open(), tells.
    virtual void store(const RowBatch& batch, const RowRange& range) = 0;

    /// The same in two steps: start() begins to send rows on a connection that is free, and finish() ends the
    /// oldest transaction that was started. At most kStartedMax are under way, each from where the one before
    /// ends; they end in that order, or none of those that follow. False: no connection is free, and there
    /// may be only one. `batch` stays until finish(). While one is under way nothing else is asked but
    /// index_new_rows(), abandon() and close().
    static constexpr size_t kStartedMax = 2;
    virtual bool start(const RowBatch& batch, const RowRange& range) = 0;
    /// With what start() was given. When it throws, those that were started later are to be abandoned.
    virtual void finish(const RowBatch& batch, const RowRange& range) = 0;
    /// Nothing of what is under way is stored.
    virtual void abandon() = 0;

    /// Keeps the database in shape: partitions for today and tomorrow, those older than `retention_days`
    /// dropped (0: none). Quick when there is nothing to do. Only a lost connection throws; the rest is
    /// logged.
    virtual void maintain(StampNs now_ns, uint32_t retention_days) = 0;
    /// Begins to make the newest rows quick to find, which takes about a microsecond a row, and returns.
    /// False: the last time is not over yet, or it cannot be done now. Never throws but for a stop.
    virtual bool index_new_rows() = 0;

    virtual void close() noexcept = 0;
    /// Any thread: what is under way ends at `deadline_ns` (monotonic) with kStopped. For good.
    virtual void interrupt(int64_t deadline_ns) = 0;
};

class PostgresRegionalStore final : public RegionalStore {
  public:
    struct Options {
        std::string region;  ///< for application_name and the log
        std::string dsn;
        int64_t timeout_ns = 30'000'000'000;  ///< one statement without progress
    };
    explicit PostgresRegionalStore(Options options);

    LedgerPosition open(const Claim& claim) override;
    void store(const RowBatch& batch, const RowRange& range) override;
    bool start(const RowBatch& batch, const RowRange& range) override;
    void finish(const RowBatch& batch, const RowRange& range) override;
    void abandon() override;
    void maintain(StampNs now_ns, uint32_t retention_days) override;
    bool index_new_rows() override;
    void close() noexcept override;
    void interrupt(int64_t deadline_ns) override { stop_.request(deadline_ns); }

  private:
    std::unique_ptr<PostgresConnection> connect();
    LedgerPosition claim_ledger(const Claim& claim);
    void begin(PostgresConnection& connection, const RowBatch& batch, const RowRange& range);
    void commit(PostgresConnection& connection, const RowBatch& batch, const RowRange& range);
    void read_partitions(PostgresConnection& connection);
    bool has_partitions(PostgresConnection& connection, const RowBatch& batch, const RowRange& range);
    void ensure_partition(PostgresConnection& connection, int32_t day);
    void drop_partitions_before(int32_t day);

    const Options options_;
    StopSignal stop_;
    std::unique_ptr<PostgresConnection> connection_;
    std::unique_ptr<PostgresConnection> second_;  ///< there once two transactions were to be under way
    bool second_refused_ = false;                 ///< since open()
    std::deque<PostgresConnection*> started_;     ///< whose transactions are under way
    std::unique_ptr<PostgresConnection> indexer_;
    bool indexing_ = false;
    LedgerPosition ledger_;
    std::set<int32_t> days_;            ///< partitions that exist
    std::set<int32_t> unindexed_days_;  ///< that may have rows without summaries
};

}  // namespace penstock

// Takes a region's events from the log into its database, exactly once. One flusher and one thread a region:
// they mostly wait, and a region that is down holds up nobody else.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

#include "pipeline/clock.h"
#include "pipeline/mailbox.h"
#include "pipeline/parker.h"
#include "pipeline/telemetry.h"
#include "schemas/audit.h"
#include "schemas/review.h"
#include "storage/event_log.h"
#include "storage/regional_store.h"

namespace penstock {

struct FlushOptions {
    int64_t linger_ns = 200'000'000;  ///< how long rows gather before a COPY
    size_t rows_max = 50'000;         ///< of one transaction
    size_t bytes_max = 32ULL << 20;   ///< of one transaction, encoded; a single larger row goes alone
    uint32_t retention_days = 0;      ///< partitions older than this are dropped; 0: never
    int64_t ledger_interval_ns = 5'000'000'000;  ///< how often the ledger moves when no rows come
    int64_t backoff_min_ns = 100'000'000, backoff_max_ns = 15'000'000'000;
};

/// The log is the outbox, the ledger in the region's database is the cursor. start(), notify() and
/// request_stop(): any thread; step(): only where start() is not used (tests, simulation).
/// A fault never leaves by exception: it opens the breaker, its text is in RegionTelemetry::error().
class RegionFlusher {
  public:
    /// Where what people did is read; none: of nobody.
    struct Acts {
        const DecisionSource* decisions = nullptr;
        const AuditSource* audit = nullptr;
    };
    /// All references outlive the flusher; so do `acts`, which are stored with the events of their time.
    /// `telemetry.committed_seq` is never passed; 0 holds everything back.
    RegionFlusher(uint16_t region_id, const FlushOptions& options, std::unique_ptr<RegionalStore> store,
                  const EventLog& log, const Telemetry& telemetry, RegionTelemetry& region,
                  DeadLetterMailbox& dead_letters, const Clock& clock, Acts acts = {nullptr, nullptr});
    /// Stops without draining.
    ~RegionFlusher();
    RegionFlusher(const RegionFlusher&) = delete;
    RegionFlusher& operator=(const RegionFlusher&) = delete;

    void start();
    /// After committed_seq has moved. One atomic load when the flusher is busy or lingers.
    void notify() {
        if (wants_notice_.load(std::memory_order_seq_cst)) parker_.unpark();
    }
    /// Returns at once. For up to `drain_ns` goes on with what is committed, if the region takes it; then a
    /// transaction under way has `grace_ns` to end, and is dropped (the ledger tells what became of it).
    void request_stop(int64_t drain_ns = 0, int64_t grace_ns = 1'500'000'000);
    void join();
    bool finished() const { return finished_.load(std::memory_order_acquire); }

    /// One piece of work. Returns how long to sleep, in nanoseconds, before the next; 0: at once.
    int64_t step();

  private:
    // flush.cpp: connection, breaker, transactions
    void run();
    int64_t step_unguarded();
    int64_t try_open();
    int64_t store_next();
    bool start_batch();
    int64_t finish_oldest();
    bool house_is_due() const;
    int64_t bury_row(const RowRange& range, const std::string& why);
    void stored(const RowBatch& batch, const RowRange& range, int64_t took_ns);
    void split(const RowRange& range);
    void keep_house();
    void fail(const std::string& why, bool at_once = false);
    void healthy();
    // flush_gather.cpp: reading the log
    void gather(Seq committed);
    void count_waiting(Seq committed);
    void gather_acts(Seq from);
    /// All that may be stored: committed, and applied where acts come of it.
    Seq known_to() const;
    bool batch_full() const {
        return batch_.rows() >= options_.rows_max || batch_.bytes() >= options_.bytes_max;
    }
    void begin_batch();
    void publish_lag();
    void check_span(const LedgerPosition& ledger) const;

    const uint16_t region_id_;
    const FlushOptions options_;
    const std::unique_ptr<RegionalStore> store_;
    const EventLog& log_;
    const Telemetry& telemetry_;
    RegionTelemetry& region_;
    DeadLetterMailbox& dead_letters_;
    const Clock& clock_;
    const DecisionSource* const decisions_;
    const AuditSource* const audit_;
    std::unique_ptr<LogReader> reader_;

    // Where we are. [cursor_, batch_.to()) has been looked at. Its rows are in flights_, whose transactions
    // are under way, oldest first, and in batch_; `pieces_` says which transactions are still to be made of
    // that when nothing flies, the next one last.
    bool open_ = false, claimed_ = false;
    int32_t log_number_ = 0;
    uint64_t epoch_ = 0;
    Seq cursor_ = 0;
    struct Flight {
        RowBatch batch;
        RowRange range;
        int64_t began_ns;
    };
    std::deque<Flight> flights_;
    RowBatch batch_, spare_;
    std::vector<RowRange> pieces_;
    int64_t gathering_since_ns_ = 0;  ///< when the batch got its first row; 0: it has none

    // A refused row on its way to the dead letters.
    std::shared_ptr<Durability> burial_;
    std::unordered_set<Seq> buried_;  ///< durable dead letters that the ledger has not passed yet

    // Breaker.
    uint32_t failures_in_row_ = 0;
    int64_t retry_at_ns_ = 0;
    bool store_failed_ = false;
    std::minstd_rand jitter_;

    // Telemetry: events of the region in [cursor_, counted_to_).
    Seq counted_to_ = 0;
    uint64_t waiting_ = 0;
    StampNs oldest_waiting_ns_ = 0;

    int64_t last_ledger_ns_ = 0, last_house_ns_ = 0, last_index_ns_ = 0;
    uint64_t rows_since_index_ = 0;

    Parker parker_;
    std::atomic<bool> wants_notice_{false};
    std::atomic<int64_t> stop_at_ns_;  ///< monotonic; when draining ends
    std::atomic<bool> finished_{false};
    std::thread thread_;
};

}  // namespace penstock

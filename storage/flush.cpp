#include "storage/flush.h"

#include <fmt/format.h>
#include <pthread.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <limits>

namespace penstock {
namespace {

using Kind = RegionalError::Kind;

constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
constexpr int64_t kIdleNs = 250'000'000;  ///< a missed notice costs no more than this
constexpr int64_t kBurialPollNs = 2'000'000;
constexpr int64_t kHouseIntervalNs = 600'000'000'000;
constexpr uint64_t kIndexRowsMax = 250'000;  ///< rows without summaries; a lookup reads them all
constexpr uint64_t kIndexRowsMin = 20'000;
constexpr int64_t kIndexIntervalNs = 30'000'000'000;

}  // namespace

RegionFlusher::RegionFlusher(uint16_t region_id, const FlushOptions& options,
                             std::unique_ptr<RegionalStore> store, const EventLog& log,
                             const Telemetry& telemetry, RegionTelemetry& region,
                             DeadLetterMailbox& dead_letters, const Clock& clock, Acts acts)
    : region_id_(region_id),
      options_(options),
      store_(std::move(store)),
      log_(log),
      telemetry_(telemetry),
      region_(region),
      dead_letters_(dead_letters),
      clock_(clock),
      decisions_(acts.decisions),
      audit_(acts.audit),
      jitter_(region_id + 1u),
      stop_at_ns_(kNever) {}

RegionFlusher::~RegionFlusher() {
    request_stop();
    join();
}

void RegionFlusher::start() {
    thread_ = std::thread([this] { run(); });
}
void RegionFlusher::join() {
    if (thread_.joinable()) thread_.join();
}
void RegionFlusher::request_stop(int64_t drain_ns, int64_t grace_ns) {
    const int64_t stop_at = clock_.monotonic_ns() + drain_ns;
    int64_t current = stop_at_ns_.load();
    while (stop_at < current && !stop_at_ns_.compare_exchange_weak(current, stop_at)) {
    }
    store_->interrupt(stop_at + grace_ns);
    parker_.unpark();
}

void RegionFlusher::run() {
    pthread_setname_np(pthread_self(), fmt::format("flush-{}", region_.name).substr(0, 15).c_str());
    while (!finished()) {
        const int64_t wait = step();
        if (wait <= 0 || finished()) continue;
        const Seq seen = telemetry_.committed_seq.load(std::memory_order_acquire);
        parker_.prepare();
        const bool news = wants_notice_.load() && batch_.to() < seen && open_;
        const bool hurry = stop_at_ns_.load() != kNever && wait > kBurialPollNs;
        if (news) {
            parker_.cancel();
        } else {
            parker_.park(hurry ? kBurialPollNs : wait);
        }
        wants_notice_.store(false);
    }
    store_->close();
}

int64_t RegionFlusher::step() {
    try {
        return step_unguarded();
    } catch (const RegionalError& error) {
        if (error.kind == Kind::kStopped) {
            finished_.store(true, std::memory_order_release);
            return 0;
        }
        if (error.kind == Kind::kUnfit || error.kind == Kind::kFenced)
            failures_in_row_ = 64;  // a person has to act: look again only now and then
        fail(error.what(), error.kind == Kind::kMoved && failures_in_row_ == 0);
    } catch (const std::exception& error) {  // a log that cannot be read, no memory
        failures_in_row_ = 64;
        fail(error.what());
    }
    return 0;
}

int64_t RegionFlusher::step_unguarded() {
    const int64_t now = clock_.monotonic_ns();
    const bool stopping = stop_at_ns_.load(std::memory_order_acquire) != kNever;
    if (stopping && (now >= stop_at_ns_.load() || !open_)) {
        finished_.store(true, std::memory_order_release);
        return 0;
    }
    if (!reader_) reader_ = std::make_unique<LogReader>(log_);
    if (!open_) {
        if (now < retry_at_ns_) {
            if (claimed_) count_waiting(telemetry_.committed_seq.load(std::memory_order_acquire));
            publish_lag();
            return std::min(retry_at_ns_ - now, kIdleNs);
        }
        return try_open();
    }
    if (!pieces_.empty()) return store_next();
    if (flights_.empty() || !house_is_due()) keep_house();

    const Seq committed = known_to();
    const Seq looked_at = batch_.to();
    if (!batch_full()) gather(committed);
    if (batch_full() && start_batch()) return 0;
    if (!flights_.empty())
        return !batch_full() && batch_.to() < committed && batch_.to() > looked_at ? 0 : finish_oldest();
    if (batch_.rows() > 0 || batch_.has_acts()) {
        if (gathering_since_ns_ == 0) gathering_since_ns_ = now;
        const int64_t until = gathering_since_ns_ + options_.linger_ns;
        publish_lag();
        if (!batch_full() && now < until && !stopping) return until - now;
        pieces_.push_back(batch_.whole());
        return 0;
    }
    healthy();
    publish_lag();
    // A long stretch of other regions' events comes in slices. No progress at all: the log has less than was
    // said to be committed; wait for it.
    if (batch_.to() < committed && batch_.to() > looked_at) return 0;
    if (batch_.to() > cursor_ && (stopping || now - last_ledger_ns_ >= options_.ledger_interval_ns)) {
        pieces_.push_back(batch_.whole());
        return 0;
    }
    if (stopping) finished_.store(true, std::memory_order_release);
    wants_notice_.store(true, std::memory_order_seq_cst);
    return kIdleNs;
}

int64_t RegionFlusher::try_open() {
    if (failures_in_row_ > 0) region_.breaker.store(BreakerState::kHalfOpen, std::memory_order_relaxed);
    const LedgerPosition ledger =
        store_->open({log_.identity().log_id, log_.bounds().first_seq, claimed_ ? epoch_ : 0});
    epoch_ = ledger.epoch;
    check_span(ledger);
    if (const Seq gone = decisions_ ? decisions_->forgotten_below(region_id_) : 0; ledger.seq < gone)
        spdlog::warn(
            "region {}: its database was restored to sequence {}; of the decisions since, those below {} are "
            "in "
            "its newer backups and the log alone",
            region_.name, ledger.seq, gone);
    if (!claimed_ || ledger.seq != cursor_) {  // count again what waits
        counted_to_ = ledger.seq;
        waiting_ = 0;
    }
    claimed_ = true;
    log_number_ = ledger.log;
    cursor_ = ledger.seq;
    begin_batch();
    region_.flushed_seq.store(cursor_, std::memory_order_release);
    region_.stored_total.store(ledger.stored, std::memory_order_relaxed);
    open_ = true;
    last_house_ns_ = 0;
    last_ledger_ns_ = clock_.monotonic_ns();
    if (!store_failed_) healthy();
    return 0;
}

int64_t RegionFlusher::store_next() {
    const RowRange range = pieces_.back();
    if (burial_) {
        if (!burial_->is_durable()) return kBurialPollNs;
        burial_.reset();
        buried_.insert(batch_.row(range.first_row).seq);
    }
    RowRange passing = range;
    if (range.rows() == 1 && buried_.contains(batch_.row(range.first_row).seq)) {
        passing.end_row = passing.first_row;
        passing.refused = 1;
    }
    const int64_t begin = clock_.monotonic_ns();
    try {
        store_->store(batch_, passing);
    } catch (const RegionalError& error) {
        if (error.kind != Kind::kRowRefused) {
            store_failed_ = true;
            throw;
        }
        if (range.rows() == 1) return bury_row(range, error.what());
        split(range);
        return 0;
    }
    stored(batch_, passing, clock_.monotonic_ns() - begin);
    if (passing.refused > 0) buried_.erase(batch_.row(range.first_row).seq);
    pieces_.pop_back();
    if (pieces_.empty()) begin_batch();
    publish_lag();
    return 0;
}

/// A full batch goes on its way while the one before it is still under way and the next one is gathered.
bool RegionFlusher::start_batch() {
    if (house_is_due()) return false;
    const RowRange range = batch_.whole();
    try {
        if (!store_->start(batch_, range)) return false;
    } catch (const RegionalError&) {
        store_failed_ = true;
        throw;
    }
    flights_.push_back({std::move(batch_), range, clock_.monotonic_ns()});
    batch_ = std::exchange(spare_, RowBatch());
    begin_batch();
    publish_lag();
    return true;
}

int64_t RegionFlusher::finish_oldest() {
    Flight& oldest = flights_.front();
    try {
        store_->finish(oldest.batch, oldest.range);
    } catch (const RegionalError& error) {
        if (error.kind != Kind::kRowRefused) {
            store_failed_ = true;
            throw;
        }
        // By itself, and in parts then; what was to follow is gathered again.
        store_->abandon();
        batch_ = std::move(oldest.batch);
        pieces_.push_back(oldest.range);
        flights_.clear();
        return 0;
    }
    Flight done = std::move(oldest);
    flights_.pop_front();
    stored(done.batch, done.range, clock_.monotonic_ns() - done.began_ns);
    spare_ = flights_.empty() ? RowBatch() : std::move(done.batch);
    publish_lag();
    return 0;
}

/// Halves the range: the refused row is in one of them, or both hold one.
void RegionFlusher::split(const RowRange& range) {
    const size_t middle = range.first_row + range.rows() / 2;
    const RowBatch::Row& last = batch_.row(middle - 1);  // of the first half
    pieces_.back() = {middle, range.end_row, last.seq + 1, range.to, range.to_stamp_ns};
    pieces_.push_back({range.first_row, middle, range.from, last.seq + 1, last.received_ns});
}

/// Asks for a dead letter; the ledger passes the row only after that is durable.
int64_t RegionFlusher::bury_row(const RowRange& range, const std::string& why) {
    const RowBatch::Row& row = batch_.row(range.first_row);
    auto done = std::make_shared<Durability>();
    DeadLetterRequest request;
    request.cause = Refusal::kRegionRefused;
    request.detail = why;
    request.peer = "region " + region_.name;
    request.position = row.seq;
    request.tenant = row.tenant;
    request.done = done;
    reader_->scan(row.seq, [&](const RecordView& record) {
        if (record.header->kind == RecordKind::kEvents && record.first_seq() <= row.seq &&
            row.seq < record.end_seq()) {
            const auto bytes = record.bytes(static_cast<size_t>(row.seq - record.first_seq()));
            request.raw.assign(bytes.begin(), bytes.end());
        }
        return false;
    });
    if (!dead_letters_.try_push(std::move(request))) return kBurialPollNs;  // full: ask again
    spdlog::warn("region {}: refused the event at sequence {}: {}", region_.name, row.seq, why);
    burial_ = std::move(done);
    return kBurialPollNs;
}

void RegionFlusher::stored(const RowBatch& batch, const RowRange& range, int64_t took_ns) {
    healthy();
    cursor_ = range.to;
    last_ledger_ns_ = clock_.monotonic_ns();
    waiting_ -= std::min(waiting_, range.rows() + range.refused);
    rows_since_index_ += range.rows();
    region_.flushed_seq.store(range.to, std::memory_order_release);
    if (range.rows() > 0) {
        region_.flushed_stamp_ns.store(batch.row(range.end_row - 1).received_ns, std::memory_order_relaxed);
        region_.stored_total.fetch_add(range.rows(), std::memory_order_relaxed);
        region_.flushes_total.add();
        region_.rows_total.add(range.rows());
        region_.flush_ns.record(static_cast<uint64_t>(std::max<int64_t>(took_ns, 0)));
    }
    if (range.end_row < batch.rows())
        oldest_waiting_ns_ = batch.row(range.end_row).received_ns;
    else if (const RowBatch& next = flights_.empty() ? batch_ : flights_.front().batch;
             &next != &batch && next.rows() > 0)
        oldest_waiting_ns_ = next.row(0).received_ns;
}

bool RegionFlusher::house_is_due() const {
    return last_house_ns_ == 0 || clock_.monotonic_ns() - last_house_ns_ >= kHouseIntervalNs;
}

void RegionFlusher::keep_house() {
    const int64_t now = clock_.monotonic_ns();
    if (house_is_due()) {
        store_->maintain(clock_.wall_ns(), options_.retention_days);
        last_house_ns_ = now;
    }
    const bool many = rows_since_index_ >= kIndexRowsMax,
               some = rows_since_index_ >= kIndexRowsMin && now - last_index_ns_ >= kIndexIntervalNs;
    if ((many || some) && store_->index_new_rows()) {
        rows_since_index_ = 0;
        last_index_ns_ = now;
    }
}

/// Opens the breaker. What was gathered is forgotten: after the ledger is read again, the log gives it anew.
void RegionFlusher::fail(const std::string& why, bool at_once) {
    store_->close();
    open_ = false;
    pieces_.clear();
    flights_.clear();
    burial_.reset();
    batch_.clear(log_number_, cursor_, 0);
    region_.failures_total.add();
    const int64_t backoff = std::min(options_.backoff_max_ns,
                                     options_.backoff_min_ns << std::min<uint32_t>(failures_in_row_, 20));
    // Half to whole: five regions behind one network shall not come back in step.
    const int64_t wait = backoff / 2 + std::uniform_int_distribution<int64_t>(0, backoff / 2)(jitter_);
    retry_at_ns_ = clock_.monotonic_ns() + (at_once ? 0 : wait);
    if (failures_in_row_ == 0 || region_.error() != why) spdlog::warn("region {}: {}", region_.name, why);
    failures_in_row_ = std::min<uint32_t>(failures_in_row_ + 1, 64);
    region_.breaker.store(BreakerState::kOpen, std::memory_order_relaxed);
    region_.set_error(why);
    publish_lag();
}

void RegionFlusher::healthy() {
    store_failed_ = false;
    if (failures_in_row_ == 0 && region_.breaker.load(std::memory_order_relaxed) == BreakerState::kClosed)
        return;
    if (failures_in_row_ > 0) spdlog::info("region {}: takes events again", region_.name);
    failures_in_row_ = 0;
    region_.breaker.store(BreakerState::kClosed, std::memory_order_relaxed);
    region_.set_error("");
}

}  // namespace penstock

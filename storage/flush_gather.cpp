// The flusher's reading side: what of the log is for this region, and how much of it waits.
#include <fmt/format.h>

#include <algorithm>

#include "storage/act_rows.h"
#include "storage/flush.h"

namespace penstock {
namespace {

/// A scan gives way after this long, so that a stop is heard in a backlog of hours.
constexpr int64_t kScanSliceNs = 20'000'000;
constexpr int64_t kCountSliceNs = 5'000'000;

}  // namespace

/// The database and the log must be of one history: a ledger outside the log's span would lose events, or
/// store others in their place.
void RegionFlusher::check_span(const LedgerPosition& ledger) const {
    const EventLog::Bounds log = log_.bounds();
    if (ledger.seq > log.next_seq)
        throw RegionalError(RegionalError::Kind::kUnfit,
                            fmt::format("the region's ledger is ahead of the log: it has taken up to "
                                        "sequence {}, the log ends at {}. "
                                        "Sequences {} to {} were stored from a log that is gone (restored "
                                        "from a backup?). Restore the "
                                        "newer log, or give this one a new data folder",
                                        ledger.seq - 1, log.next_seq - 1, log.next_seq, ledger.seq - 1));
    if (ledger.seq < log.first_seq && log.records > 0)
        throw RegionalError(
            RegionalError::Kind::kUnfit,
            fmt::format(
                "the region's ledger is older than the log: it waits for sequence {0}, the log begins at "
                "{1}. "
                "Sequences {0} to {2} are not in the log any more (the database restored from a backup, or "
                "the "
                "region not configured for a while). To go on without them: UPDATE penstock.ledger SET seq = "
                "{1}, stamp_ns = 0 WHERE log = {3}",
                ledger.seq, log.first_seq, log.first_seq - 1, ledger.log));
    // Both may have gone on since one of them was restored: then the numbers fit again, but not what they
    // name.
    if (ledger.stamp_ns == 0 || ledger.seq <= log.first_seq) return;
    const Seq last = ledger.seq - 1;
    StampNs stamp = 0;
    reader_->scan(last, [&](const RecordView& record) {
        if (record.first_seq() <= last) stamp = record.stamp(static_cast<size_t>(last - record.first_seq()));
        return false;
    });
    if (stamp != ledger.stamp_ns)
        throw RegionalError(
            RegionalError::Kind::kUnfit,
            fmt::format(
                "the region's ledger and the log are of different histories: sequence {0} was received at "
                "{1} "
                "when the region took it, and at {2} in this log (UTC nanoseconds). One of them was restored "
                "from a backup: sequences up to {0} may be lost or differ. Give this log a new data folder, "
                "or "
                "restore the one that the region knows",
                last, ledger.stamp_ns, stamp));
}

void RegionFlusher::begin_batch() {
    const Seq from = flights_.empty() ? cursor_ : flights_.back().range.to;
    batch_.clear(log_number_, from, options_.bytes_max * 2);
    gathering_since_ns_ = 0;
}

/// Adds to the batch from where it ends up to `committed`, or until it is full.
void RegionFlusher::gather(Seq committed) {
    if (batch_.to() >= committed) return;
    const int64_t give_way_at = clock_.monotonic_ns() + kScanSliceNs;
    const LogNames& names = log_.names();
    const Seq from = batch_.to();
    reader_->scan(
        batch_.to(),
        [&](const RecordView& record) {
            if (record.end_seq() > committed) return false;
            if (record.header->kind == RecordKind::kEvents && record.may_hold_region(region_id_)) {
                const Seq first = record.first_seq();
                // After a split the batch may begin inside a record.
                for (size_t i = batch_.to() > first ? static_cast<size_t>(batch_.to() - first) : 0;
                     i < record.count(); ++i) {
                    if (record.heads[i].region != region_id_) continue;
                    if (batch_full()) {
                        if (i > 0) batch_.reach(first + i, record.stamp(i - 1));
                        return false;
                    }
                    if (batch_.rows() == 0 && flights_.empty()) oldest_waiting_ns_ = record.stamp(i);
                    const uint16_t tenant = record.heads[i].tenant;
                    batch_.add(record, i, tenant < names.tenants.size() ? names.tenants[tenant] : "");
                    if (first + i >= counted_to_) ++waiting_;
                }
            }
            batch_.reach(record.end_seq(), record.last_stamp());
            return !batch_full() && clock_.monotonic_ns() < give_way_at;
        },
        true);  // what is damaged shall not reach a database, nor be passed over
    gather_acts(from);
    counted_to_ = std::max(counted_to_, batch_.to());
    if (batch_full()) count_waiting(committed);
}

Seq RegionFlusher::known_to() const {
    Seq known = telemetry_.committed_seq.load(std::memory_order_acquire);
    if (decisions_) known = std::min(known, decisions_->decided_to());
    if (audit_) known = std::min(known, audit_->audited_to());
    return known;
}

/// Of what the batch has come to reach since `from`.
void RegionFlusher::gather_acts(Seq from) {
    if (batch_.to() == from) return;
    const LogNames& names = log_.names();
    if (decisions_)
        for (const ReviewDecision& d : decisions_->decisions(region_id_, from, batch_.to()))
            batch_.add_act(RowBatch::Act::kDecision, d.seq,
                           decision_row(d, d.tenant < names.tenants.size() ? names.tenants[d.tenant] : ""));
    if (audit_)
        for (const AuditEntry& e : audit_->regional_entries(region_id_, from, batch_.to()))
            batch_.add_act(RowBatch::Act::kAudit, e.seq, audit_row(e));
}

/// Counts a slice of what waits behind the batch, so that a backlog shows its size.
void RegionFlusher::count_waiting(Seq committed) {
    if (counted_to_ >= committed) return;
    const int64_t give_way_at = clock_.monotonic_ns() + kCountSliceNs;
    reader_->scan(counted_to_, [&](const RecordView& record) {
        if (record.end_seq() > committed) return false;
        if (record.header->kind == RecordKind::kEvents && record.may_hold_region(region_id_)) {
            for (size_t i = 0; i < record.count(); ++i) {
                if (record.heads[i].region != region_id_ || record.first_seq() + i < counted_to_) continue;
                if (waiting_++ == 0) oldest_waiting_ns_ = record.stamp(i);
            }
        }
        counted_to_ = record.end_seq();
        return clock_.monotonic_ns() < give_way_at;
    });
}

void RegionFlusher::publish_lag() {
    region_.waiting_events.store(waiting_, std::memory_order_relaxed);
    const int64_t lag = waiting_ > 0 ? std::max<int64_t>(clock_.wall_ns() - oldest_waiting_ns_, 0) : 0;
    region_.lag_ns.store(lag, std::memory_order_relaxed);
}

}  // namespace penstock

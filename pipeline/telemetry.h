// What the appliance says of itself: counters, stages, regions. Written by the threads that do the work,
// read by admin/http at any time. Plain relaxed atomics: a reading is never torn, and may be a moment old.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/growing_list.h"
#include "pipeline/histogram.h"
#include "schemas/alert.h"
#include "schemas/limits.h"
#include "schemas/log_record.h"
#include "schemas/refusal.h"
#include "schemas/region.h"

namespace penstock {

/// A count that only grows. `add` may be called from one thread only (no lock prefix); `read` from any.
class Counter {
  public:
    void add(uint64_t n = 1) {
        value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
    }
    uint64_t read() const { return value_.load(std::memory_order_relaxed); }

  private:
    std::atomic<uint64_t> value_{0};
};

/// A value that goes up and down. One writer.
class Gauge {
  public:
    void set(int64_t v) { value_.store(v, std::memory_order_relaxed); }
    void add(int64_t n) { set(read() + n); }
    int64_t read() const { return value_.load(std::memory_order_relaxed); }

  private:
    std::atomic<int64_t> value_{0};
};

/// The stages in the order of an event's way.
enum class Stage : uint8_t { kIngest, kParse, kDedup, kEnrich, kRoute, kLog, kSla, kCount };
inline constexpr size_t kStageCount = static_cast<size_t>(Stage::kCount);
inline constexpr std::array<std::string_view, kStageCount> kStageNames{"ingest", "parse", "dedup", "enrich",
                                                                       "route",  "log",   "sla"};

struct alignas(64) StageTelemetry {
    Counter events_in, events_out;
    Gauge depth;         ///< batches waiting before the stage
    Histogram batch_ns;  ///< time the stage spent on a batch, weighted by the batch's events
};

enum class BreakerState : uint8_t { kClosed, kOpen, kHalfOpen };
inline constexpr std::array<std::string_view, 3> kBreakerNames{"closed", "open", "half_open"};

struct RegionTelemetry {
    std::string name;                     ///< fixed before threads start
    std::atomic<bool> configured{false};  ///< has a database
    std::atomic<RegionState> state{RegionState::kActive};
    /// Of a region that drains: events that it got have lower sequences.
    std::atomic<Seq> drained_from{0};
    std::atomic<Seq> flushed_seq{0};           ///< the ledger's cursor
    std::atomic<StampNs> flushed_stamp_ns{0};  ///< received time of the newest flushed event
    std::atomic<int64_t> lag_ns{0};            ///< age of the oldest event that waits; 0: none waits
    std::atomic<uint64_t> waiting_events{0};
    std::atomic<uint64_t> stored_total{0};  ///< rows in the region from this log (counted in its ledger)
    std::atomic<BreakerState> breaker{BreakerState::kClosed};
    Counter flushes_total, rows_total, failures_total;
    Histogram flush_ns;

    /// Last error, for people; empty when all is well.
    void set_error(std::string text) {
        std::lock_guard lock(error_mutex_);
        error_ = std::move(text);
    }
    std::string error() const {
        std::lock_guard lock(error_mutex_);
        return error_;
    }

    bool removed() const { return state.load(std::memory_order_relaxed) == RegionState::kRemoved; }
    /// It drains, and has all that was ever its own.
    bool drained() const {
        return state.load(std::memory_order_acquire) == RegionState::kDraining &&
               drained_from.load(std::memory_order_acquire) != 0 &&
               (!configured.load(std::memory_order_relaxed) ||
                flushed_seq.load(std::memory_order_acquire) >= drained_from.load(std::memory_order_relaxed));
    }

  private:
    mutable std::mutex error_mutex_;
    std::string error_;
};

/// Counts of one SLA edge, as in `penstock simulate`.
struct EdgeCounts {
    std::string from, to;
    int64_t within_ms = 0;
    uint64_t anchored = 0, met = 0, late = 0, missed = 0, pending = 0, cancelled = 0;
    std::string name;
};
struct WorkflowCounts {
    std::string name;
    std::vector<EdgeCounts> edges;
    uint64_t condition_errors = 0;  ///< conditions that could not be evaluated, and so did not match
};
/// A deadline that passed, for the page's list; released only after the commit of its cause.
struct MissedDeadline {
    std::string workflow, from, to, key;
    StampNs deadline_ns = 0, fired_ns = 0;
};
/// A span in which the appliance was down.
struct ObserverGap {
    StampNs from_ns = 0, to_ns = 0;
    StampNs judged_ns = 0;                ///< when deadlines were judged again; 0: they wait
    uint32_t awaited = 0, caught_up = 0;  ///< producers
};
struct SlaSnapshot {
    std::vector<WorkflowCounts> workflows;
    std::vector<MissedDeadline> recent;  ///< newest first, at most 50
    uint64_t instances = 0, timers = 0, fired_total = 0, retracted_total = 0, evicted_total = 0;
    Seq applied_seq = 0;
    std::vector<ObserverGap> gaps;     ///< oldest first
    StampNs hold_until_ns = 0;         ///< deadlines wait at most until then; 0: they do not
    std::vector<std::string> awaited;  ///< "tenant/producer" that they wait for
};

enum class Readiness : uint8_t { kStarting, kRecovering, kReady, kStopping, kFailed };
inline constexpr std::array<std::string_view, 5> kReadinessNames{"starting", "recovering", "ready",
                                                                 "stopping", "failed"};

struct Telemetry {
    std::array<StageTelemetry, kStageCount> stages;
    StageTelemetry& stage(Stage s) { return stages[static_cast<size_t>(s)]; }
    const StageTelemetry& stage(Stage s) const { return stages[static_cast<size_t>(s)]; }

    // Intake thread.
    alignas(64) Counter received_bytes, connections_accepted, connections_refused, connections_timed_out;
    Gauge connections_open;
    Counter events_received;  ///< lines and frame events, before any check
    Counter events_stored;    ///< accepted and sequenced
    Counter events_duplicate;
    Counter events_resent;                            ///< recognised by producer and sequence, before dedup
    std::array<Counter, kRefusalCount> dead_letters;  ///< by cause
    Counter backpressure_pauses, rate_limit_pauses;
    Gauge overloaded;  ///< 1: no socket is read until log and dedup window have room
    Gauge dedup_keys, dedup_bytes, producers;
    Histogram ack_ns;  ///< last byte read to ack handed to the socket

    // Log thread.
    alignas(64) std::atomic<Seq> committed_seq{0};  ///< all below are durable
    Counter commits, commit_batches, log_bytes_appended;
    Histogram commit_ns;
    Gauge log_bytes_used, log_bytes_max;
    std::atomic<Seq> first_seq{1};  ///< oldest still in the log
    Counter records_trimmed;

    // Engine thread.
    alignas(64) std::atomic<Seq> applied_seq{0};
    Histogram processing_ns;  ///< last byte read to SLA effects computed
    Counter checkpoints;
    Histogram checkpoint_ns;

    // Threads of notify targets.
    enum class NotificationOutcome : uint8_t { kDelivered, kFailed, kRetried };
    alignas(64) std::array<std::atomic<uint64_t>, 3> notifications{};  ///< attempts, by outcome

    // Main thread.
    std::array<std::atomic<uint64_t>, kAlertStateNames.size()> alerts{};  ///< by state

    // Appended by the main thread; one that was removed stays, and is as if it was not there.
    GrowingList<RegionTelemetry, limits::kRegionsMax> regions;
    // Fixed before threads start.
    std::string log_id, version, ingest_address, ingest_backend;
    StampNs started_ns = 0;
    std::atomic<Readiness> readiness{Readiness::kStarting};

    void set_sla(std::shared_ptr<const SlaSnapshot> s) {
        std::lock_guard l(sla_mutex_);
        sla_ = std::move(s);
    }
    /// Never null after the appliance is built.
    std::shared_ptr<const SlaSnapshot> sla() const {
        std::lock_guard l(sla_mutex_);
        return sla_;
    }
    void set_failure(std::string text) {
        std::lock_guard l(sla_mutex_);
        failure_ = std::move(text);
    }
    std::string failure() const {
        std::lock_guard l(sla_mutex_);
        return failure_;
    }

  private:
    mutable std::mutex sla_mutex_;
    std::shared_ptr<const SlaSnapshot> sla_ = std::make_shared<SlaSnapshot>();
    std::string failure_;
};

}  // namespace penstock

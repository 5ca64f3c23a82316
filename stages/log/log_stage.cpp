#include "stages/log/log_stage.h"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace penstock {

namespace {
constexpr size_t kGroupBytesMax = 8 << 20;  // keeps a commit, and so an ack, from growing without bound
constexpr int64_t kHousekeepingNs = 1'000'000'000;
constexpr uint64_t kHousekeepingBytes = 64 << 20;
constexpr size_t kTrimRecordsMax = 512;  // of one transaction
/// Room that must be left: the slabs under way, the pages that a transaction copies, and LMDB's free list.
constexpr uint64_t kReserveBytes = limits::kSlabCount * limits::kSlabBytes + (64ULL << 20);
}  // namespace

LogStage::LogStage(Options options, BatchRing& ring, EventLog& log, Telemetry& telemetry, const Clock& clock,
                   std::function<void()> on_commit, std::function<Seq()> may_trim_below)
    : options_(options),
      ring_(ring),
      log_(log),
      telemetry_(telemetry),
      clock_(clock),
      on_commit_(std::move(on_commit)),
      may_trim_below_(std::move(may_trim_below)) {
    telemetry_.log_bytes_max.set(static_cast<int64_t>(log_.bytes_max()));
    housekeep();
}

size_t LogStage::do_work(int64_t timeout_ns) {
    const uint64_t from = ring_.consumed(kLogConsumer);
    const uint64_t published = ring_.published();
    telemetry_.stage(Stage::kLog).depth.set(static_cast<int64_t>(published - from));
    if (published == from) {
        if (clock_.monotonic_ns() >= next_housekeeping_ns_) housekeep();
        ring_.wait(kLogConsumer, timeout_ns);
        return 0;
    }
    group_.clear();
    uint64_t bytes = 0, events = 0, to = from;
    for (; to < published && (group_.empty() || bytes < kGroupBytesMax); ++to) {
        group_.push_back(ring_.at(to)->view());
        bytes += group_.back().header->value_bytes();
        events += group_.back().count();
    }
    const int64_t began_ns = clock_.monotonic_ns();
    log_.append(group_);
    const Seq committed = group_.back().end_seq();
    telemetry_.committed_seq.store(committed, std::memory_order_release);
    ring_.advance(kLogConsumer, to);
    on_commit_();

    const auto took_ns = static_cast<uint64_t>(clock_.monotonic_ns() - began_ns);
    telemetry_.commits.add();
    telemetry_.commit_batches.add(to - from);
    telemetry_.log_bytes_appended.add(bytes);
    telemetry_.commit_ns.record(took_ns);
    StageTelemetry& stage = telemetry_.stage(Stage::kLog);
    stage.events_in.add(events);
    stage.events_out.add(events);
    stage.batch_ns.record(took_ns, events);
    bytes_since_housekeeping_ += bytes;
    if (bytes_since_housekeeping_ > kHousekeepingBytes || clock_.monotonic_ns() >= next_housekeeping_ns_)
        housekeep();
    return to - from;
}

void LogStage::housekeep() {
    next_housekeeping_ns_ = clock_.monotonic_ns() + kHousekeepingNs;
    bytes_since_housekeeping_ = 0;
    const StampNs now = clock_.wall_ns();
    uint64_t used = log_.bytes_used();
    const Seq below = may_trim_below_();
    const size_t gone = log_.trim(
        [&](const RecordView& r) {
            if (r.end_seq() > below || r.last_stamp() > now - options_.keep_at_least_ns) return false;
            if (r.end_seq() >= telemetry_.committed_seq.load())
                return false;  // the last one says where the log ends
            const bool goes = r.last_stamp() < now - options_.retention_ns || used > options_.retention_bytes;
            if (goes) used -= std::min<uint64_t>(used, r.header->value_bytes());
            return goes;
        },
        kTrimRecordsMax);
    if (gone > 0) {
        telemetry_.records_trimmed.add(gone);
        telemetry_.first_seq.store(log_.bounds().first_seq, std::memory_order_relaxed);
        next_housekeeping_ns_ = clock_.monotonic_ns() + (gone == kTrimRecordsMax ? 0 : kHousekeepingNs);
    }
    telemetry_.log_bytes_used.set(static_cast<int64_t>(used));
    look_for_room(used);
}

void LogStage::look_for_room(uint64_t used) {
    const uint64_t available = log_.bytes_available();
    const bool room = used + kReserveBytes < available;
    if (has_room_.exchange(room, std::memory_order_relaxed) == room) return;
    constexpr uint64_t kMiB = 1 << 20;
    if (room)
        spdlog::info("log: there is room again ({} of {} MiB used); producers are read again", used / kMiB,
                     available / kMiB);
    else if (available < log_.bytes_max())
        spdlog::warn(
            "log: its disk is nearly full ({} MiB used, {} MiB could be); producers are not read until space "
            "is freed on it",
            used / kMiB, available / kMiB);
    else
        spdlog::warn(
            "log: {} of {} MiB are used; producers are not read until regions or retention free space, or "
            "log.bytes_max is raised",
            used / kMiB, available / kMiB);
}

}  // namespace penstock

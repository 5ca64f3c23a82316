#include "admin/appliance_recovery.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <iterator>
#include <limits>
#include <span>
#include <utility>

namespace penstock {

namespace {
constexpr int kCrashes[] = {SIGSEGV, SIGBUS, SIGABRT};

double seconds_since(std::chrono::steady_clock::time_point began) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

void on_crash(int) {
    static constexpr char kMessage[] =
        "penstock: a page of log/ or state/ in data_dir is damaged: reading it crashed; penstock log verify "
        "tells whether it is the log. Restore data_dir from a backup; where only state/ is damaged, remove "
        "it "
        "to rebuild it from the log\n";
    [[maybe_unused]] const ssize_t n = ::write(2, kMessage, sizeof kMessage - 1);
    ::_exit(1);
}
}  // namespace

DamageGuard::DamageGuard() {
#ifndef PENSTOCK_SANITIZED  // a sanitizer's report says more
    struct sigaction action{};
    action.sa_handler = on_crash;
    for (size_t i = 0; i < std::size(kCrashes); ++i) sigaction(kCrashes[i], &action, &before_[i]);
#endif
}
DamageGuard::~DamageGuard() {
#ifndef PENSTOCK_SANITIZED
    for (size_t i = 0; i < std::size(kCrashes); ++i) sigaction(kCrashes[i], &before_[i], nullptr);
#endif
}

void recover_state(const EventLog& log, const StateStore& state, const std::vector<StateMachine*>& machines,
                   bool accept_partial_state) {
    const EventLog::Bounds bounds = log.bounds();
    if (state.applied_seq() <= 1 && bounds.records > 0 && bounds.first_seq > 1) {
        const std::string what = fmt::format(
            "there is no state/, and the log begins at sequence {}: what older records made of it "
            "(producers' "
            "positions, deadlines, counts) cannot be rebuilt",
            bounds.first_seq);
        if (!accept_partial_state)
            throw LogError(what +
                               "; put state/ back from a backup, or start once with --accept-partial-state "
                               "to go on without",
                           EINVAL);
        spdlog::warn("recovery: {}; going on without, as --accept-partial-state says", what);
    }
    if (state.applied_seq() > bounds.next_seq)
        throw LogError(fmt::format("the state holds records up to {}, the log only up to {}: they are not of "
                                   "one time; restore both "
                                   "from one backup, or remove the folder state/ to rebuild it from the log",
                                   state.applied_seq() - 1, bounds.next_seq - 1),
                       EINVAL);
    if (bounds.records > 0 && state.applied_seq() < bounds.first_seq && state.applied_seq() > 1)
        throw LogError(fmt::format("the log begins at {}, but the state holds records only up to {}; restore "
                                   "both from one backup",
                                   bounds.first_seq, state.applied_seq() - 1),
                       EINVAL);
    const auto began = std::chrono::steady_clock::now();
    size_t rows = 0;
    state.load([&](std::span<const uint8_t> key, std::span<const uint8_t> value) {
        for (StateMachine* machine : machines)
            if (!key.empty() && key[0] == machine->row_prefix()) machine->load_row(key, value);
        ++rows;
    });
    for (StateMachine* machine : machines) machine->loaded(bounds.last_stamp_ns);
    size_t records = 0;
    LogReader(log).scan(
        state.applied_seq(),
        [&](const RecordView& record) {
            for (StateMachine* machine : machines) machine->apply(record);
            ++records;
            return true;
        },
        true);
    if (rows + records > 0)
        spdlog::info("recovery: {} state rows loaded, {} log records replayed, in {:.2f} s", rows, records,
                     seconds_since(began));
}

namespace {
/// Runs are sorted by id, the map's memory too: part by part of the ids, so that each part is in the
/// processor's cache while all runs go into it. `high`: only ids with the top bit set, else only the others.
void restore_half(std::span<const std::unique_ptr<IdentityRun>> runs, bool high, size_t total,
                  StampNs since_ns, DedupStage::Filler& filler) {
    constexpr uint64_t kTopBit = uint64_t{1} << 63;
    std::vector<std::span<const IdentityRun::Entry>> rest;
    for (const auto& run : runs) {
        const auto all = run->entries();
        const auto middle =
            std::partition_point(all.begin(), all.end(), [](const auto& e) { return e.id.hi < kTopBit; });
        rest.push_back(high ? std::span(middle, all.end()) : std::span(all.begin(), middle));
    }
    const size_t parts = total / 1024 + 1;
    const uint64_t step = kTopBit / parts, base = high ? kTopBit : 0;
    for (size_t part = 0; part < parts; ++part) {
        const uint64_t last = part + 1 == parts ? base + (kTopBit - 1) : base + step * (part + 1) - 1;
        for (size_t r = 0; r < runs.size(); ++r) {
            auto& entries = rest[r];
            size_t i = 0;
            for (; i < entries.size() && entries[i].id.hi <= last; ++i) {
                const StampNs received_ns = runs[r]->received_ns(entries[i]);
                if (received_ns >= since_ns) filler.restore(runs[r]->identity(entries[i]), received_ns);
            }
            entries = entries.subspan(i);
        }
    }
}

void restore_runs(std::span<const std::unique_ptr<IdentityRun>> runs, DedupStage& dedup, StampNs since_ns,
                  StampNs now_ns) {
    size_t total = 0;
    for (const auto& run : runs) total += run->entries().size();
    dedup.expect(total, now_ns);
    DedupStage::Filler low(dedup), high(dedup);
    auto other = std::async(std::launch::async, [&] { restore_half(runs, true, total, since_ns, high); });
    restore_half(runs, false, total, since_ns, low);
    other.get();
    dedup.absorb(low);
    dedup.absorb(high);
}
}  // namespace

void recover_dedup(const EventLog& log, const IdentityRunWriter* runs, DedupStage& dedup, int64_t window_ns,
                   const Clock& clock) {
    const EventLog::Bounds bounds = log.bounds();
    if (bounds.records == 0) return;
    const auto began = std::chrono::steady_clock::now();
    const StampNs now = std::max(clock.wall_ns(), bounds.last_stamp_ns);
    const LogReader reader(log);
    Seq from = reader.find_received(now - window_ns);
    std::vector<std::unique_ptr<IdentityRun>> found;
    if (runs) found = runs->open_runs(now);
    std::vector<std::pair<Seq, Seq>> uncovered;
    for (const auto& run : found) {
        if (run->header().first_seq > from) uncovered.push_back({from, run->header().first_seq});
        from = std::max(from, run->header().end_seq);
    }
    const bool tail = from < bounds.next_seq;
    const auto read = [&](Seq first, Seq end) {
        reader.scan(
            first,
            [&](const RecordView& record) {
                if (record.first_seq() >= end) return false;
                if (record.header->kind == RecordKind::kEvents)
                    for (size_t i = 0; i < record.count(); ++i)
                        dedup.restore(record.identities[i], record.stamp(i), now);
                return true;
            },
            true);
    };
    restore_runs(found, dedup, now - window_ns, now);
    for (const auto& [first, end] : uncovered) read(first, end);
    if (tail) read(from, bounds.next_seq);
    spdlog::info(
        "recovery: {} identities of the last {} s are known again ({} sorted runs, and the log from {}), in "
        "{:.2f} s",
        dedup.keys(), window_ns / 1'000'000'000, found.size(), from, seconds_since(began));
}

}  // namespace penstock

#include "admin/appliance_recovery.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <unistd.h>

#include <algorithm>
#include <iterator>

namespace penstock {

namespace {
constexpr int kCrashes[] = {SIGSEGV, SIGBUS, SIGABRT};

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
        spdlog::info("recovery: {} state rows loaded, {} log records replayed", rows, records);
}

void recover_dedup(const EventLog& log, DedupStage& dedup, int64_t window_ns, const Clock& clock) {
    const StampNs now = std::max(clock.wall_ns(), log.bounds().last_stamp_ns);
    const LogReader reader(log);
    Seq from = 0;
    reader.scan_back([&](const RecordView& record) {
        if (record.last_stamp() < now - window_ns) return false;
        from = record.first_seq();
        return true;
    });
    if (from == 0) return;
    reader.scan(
        from,
        [&](const RecordView& record) {
            if (record.header->kind == RecordKind::kEvents)
                for (size_t i = 0; i < record.count(); ++i)
                    dedup.restore(record.identities[i], record.stamp(i), now);
            return true;
        },
        true);
    spdlog::info("recovery: {} identities of the last {} s are known again", dedup.keys(),
                 window_ns / 1'000'000'000);
}

}  // namespace penstock

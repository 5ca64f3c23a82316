#include "stages/dedup/dedup.h"

#include <algorithm>

namespace penstock {

namespace {
constexpr size_t kGroup = 32;  // of keys that are asked for together
}

DedupStage::DedupStage(const Options& options)
    : memory_bytes_max_(options.memory_bytes_max), window_ns_(options.window_ns) {
    // An eighth of the tick's range is the window; the rest is the time that a sweep has to find what
    // expired.
    tick_ns_ = std::max<int64_t>(options.window_ns / 8192, 1'000'000);
    window_ticks_ = static_cast<uint64_t>(options.window_ns / tick_ns_) + 1;
}

void DedupStage::move_time(StampNs now_ns) {
    if (now_ns_ != 0 && now_ns - now_ns_ > window_ns_ + 2 * tick_ns_) keys_.clear();
    now_ns_ = std::max(now_ns_, now_ns);
}

size_t DedupStage::do_work(WorkBatch& work, StampNs now_ns) {
    move_time(now_ns);
    EventBatch& batch = *work.batch;
    const size_t end = batch.count(), looked_at = end - work.begin;
    const uint64_t tick = tick_of(now_ns_);
    bool dropped = false;
    for (size_t i = work.begin; i < end; ++i) {
        if ((i - work.begin) % kGroup == 0)
            for (size_t step = 0; step < keys_.kPrefetchSteps; ++step)
                for (size_t k = i; k < std::min(i + kGroup, end); ++k)
                    keys_.prefetch(batch.identities[k].id, step);
        const EventIdentity& identity = batch.identities[i];
        const uint64_t value = (identity.content & ~kTickMask) | tick;
        if (uint64_t* known = keys_.find(identity.id)) {
            if (expired(*known, tick)) {
                *known = value;
            } else if ((*known & ~kTickMask) == (value & ~kTickMask)) {
                work.verdicts[work.raw_of[i]] = Verdict::kDuplicate;
                dropped = true;
            } else {
                work.refuse(work.raw_of[i], Refusal::kConflict,
                            "an event of this source and id was stored with another type, subject, time, "
                            "region or data; "
                            "give a new event a new id");
                dropped = true;
            }
            continue;
        }
        keys_.insert(identity.id, value, [&](const auto& entry) { return expired(entry.value, tick); });
    }
    if (dropped) work.compact([&](size_t i) { return work.verdicts[work.raw_of[i]] == Verdict::kAccepted; });
    return looked_at;
}

void DedupStage::restore(const EventIdentity& identity, StampNs received_ns, StampNs now_ns) {
    move_time(now_ns);
    const uint64_t value = (identity.content & ~kTickMask) | tick_of(received_ns), tick = tick_of(now_ns_);
    if (uint64_t* known = keys_.find(identity.id)) {
        if (newer(value, *known, tick)) *known = value;
    } else {
        keys_.insert(identity.id, value, [&](const auto& entry) { return expired(entry.value, tick); });
    }
}

void DedupStage::housekeep(StampNs now_ns) {
    move_time(now_ns);
    const uint64_t tick = tick_of(now_ns_);
    // Every segment is seen within two windows; at the bound faster, since intake waits for room.
    const bool full = keys_.bytes() >= memory_bytes_max_;
    sweep_due_ += static_cast<double>(keys_.segment_count()) *
                  static_cast<double>(std::max<int64_t>(now_ns - swept_ns_, 0)) /
                  static_cast<double>(2 * window_ns_);
    if (swept_ns_ == 0) sweep_due_ = 0;
    swept_ns_ = std::max(swept_ns_, now_ns);
    auto segments = static_cast<size_t>(std::min(sweep_due_, static_cast<double>(keys_.segment_count())));
    sweep_due_ -= static_cast<double>(segments);
    if (full) segments = std::max<size_t>(segments, 256);
    for (size_t i = 0; i < segments; ++i)
        keys_.sweep_one([&](const auto& entry) { return expired(entry.value, tick); });
}

}  // namespace penstock

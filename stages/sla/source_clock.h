// Whose time judges a deadline: the appliance's, a source's watermark, or that of history sent after the
// fact.
#pragma once

#include <algorithm>
#include <limits>
#include <string>

#include "pipeline/timer_wheel.h"
#include "schemas/finding.h"

namespace penstock {

/// What a timer of the engine is about.
struct EngineTimer {
    uint32_t workflow, instance;
    uint32_t item;  ///< the obligation's place in its case; kCheck, or kWatch and the watcher's place

    static constexpr uint32_t kCheck = 0xffffffff;  ///< of the instance: whether it goes
    static constexpr uint32_t kWatch = 0xfffffffe;  ///< instance: the place of the watcher

    /// Among timers of one event: equal deadlines fire in this order.
    friend bool operator<(const EngineTimer& a, const EngineTimer& b) {
        return a.workflow != b.workflow ? a.workflow < b.workflow : a.item < b.item;
    }
};

/// Limits of what a lagging source may hold up; nanoseconds.
struct SourceLimits {
    int64_t idle_ns = 30'000'000'000;   ///< nothing came for so long: it has nothing to say
    int64_t hold_ns = 300'000'000'000;  ///< deadlines wait for a watermark at most so long
    int64_t lag_ns = 60'000'000'000;    ///< behind by more: it lags
};

struct ClockIdHash {
    size_t operator()(const Hash128& id) const { return id.lo; }
};

struct SourceClock {
    enum class Kind : uint8_t { kLive, kWatermark, kBackfill };
    Kind kind = Kind::kLive;
    uint16_t tenant = 0;
    std::string source;
    StampNs watermark_ns = kNoTime;  ///< of history: the newest time that came
    StampNs heard_ns = kNoTime;      ///< when something of the source came last
    bool lagging = false;
    bool dirty = true;
    TimerWheel<EngineTimer> wheel;

    bool idle(StampNs now_ns, const SourceLimits& limits) const { return now_ns - heard_ns > limits.idle_ns; }
    /// Deadlines before it are judged.
    StampNs judges_ns(StampNs now_ns, const SourceLimits& limits) const {
        switch (kind) {
            case Kind::kLive:
                return now_ns;
            case Kind::kBackfill:
                return watermark_ns;
            case Kind::kWatermark:
                break;
        }
        if (idle(now_ns, limits)) return now_ns;
        return std::min(now_ns, std::max(watermark_ns, now_ns - limits.hold_ns));
    }
    /// Of a deadline that is judged now.
    Evidence evidence(StampNs deadline_ns, StampNs now_ns, const SourceLimits& limits) const {
        if (kind != Kind::kWatermark) return Evidence::kClock;
        if (watermark_ns > deadline_ns) return Evidence::kWatermark;
        return idle(now_ns, limits) ? Evidence::kIdle : Evidence::kHeld;
    }
    /// When, by the appliance's clock, a deadline is judged if nothing is heard before.
    StampNs judged_at_ns(StampNs deadline_ns, const SourceLimits& limits) const {
        if (kind == Kind::kLive || deadline_ns == TimerWheel<EngineTimer>::kNever) return deadline_ns;
        if (kind == Kind::kBackfill) return TimerWheel<EngineTimer>::kNever;
        if (deadline_ns < watermark_ns) return deadline_ns;
        return std::min(std::max(deadline_ns, heard_ns + limits.idle_ns), deadline_ns + limits.hold_ns);
    }
};

}  // namespace penstock

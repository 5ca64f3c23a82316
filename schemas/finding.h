// What a watcher of workflows finds wrong, or right again: the one thing that alerts are made of.
#pragma once

#include <array>
#include <functional>
#include <string_view>

#include "schemas/log_record.h"

namespace penstock {

/// What let a deadline be judged. Numbers are stored.
enum class Evidence : uint8_t {
    kClock = 0,      ///< the appliance's own clock: the source sends no watermarks
    kWatermark = 1,  ///< the source had passed it
    kIdle = 2,       ///< nothing had been heard of the source for long
    kHeld = 3,       ///< it had waited for the source's watermark for as long as is allowed
};
inline constexpr std::array<std::string_view, 4> kEvidenceNames{"clock", "watermark", "idle", "held"};

struct Finding {
    /// Trouble, or its end. Numbers are stored.
    enum class Kind : uint8_t {
        kMissed = 1,         ///< the deadline has passed: trouble
        kDeliveredLate = 2,  ///< the event came after all, and had happened in time: no trouble any more
        kLate = 3,           ///< the event came, and had happened after the deadline: no trouble any more
        kWithdrawn = 4,      ///< nothing will settle it any more: the rule was retired, the case has ended
        kRecovered = 5,      ///< the state that was found wrong is right again: no trouble any more
        kDisorder =
            6,  ///< an event contradicts the graph: trouble until the case ends, or somebody closes it
        kOutOfRange = 7,  ///< a rate or a lag left its bounds: trouble until it recovers
    };
    Kind kind;
    uint8_t severity = 3;       ///< of the rule, 1 to 5, 5 the worst
    uint16_t tenant = 0;        ///< id in the log's names
    std::string_view workflow;  ///< name; borrowed for the call, as all text here
    std::string_view rule;      ///< name within the workflow, stable over edits that do not concern it
    Hash128 key;                ///< of the instance
    Seq anchor_seq = 0;         ///< the event that armed the deadline; 0: none did
    Seq cause_seq = 0;          ///< the record item that let it be judged
    StampNs deadline_ns = 0;
    StampNs at_ns = 0;  ///< logical time: max(deadline, stamp of the cause)
    /// Values of the fields by which the workflow's alerts are told apart, "market=XNYS, region=us"; empty:
    /// one alert for all.
    std::string_view group = {};
    /// The key as people know it, where no event at anchor_seq has it.
    std::string_view key_text = {};
    std::string_view runbook = {};     ///< a link, or empty
    std::string_view escalation = {};  ///< name of the ladder in the configuration, or empty
    Evidence evidence = Evidence::kClock;
};

inline constexpr bool is_trouble(Finding::Kind kind) {
    return kind == Finding::Kind::kMissed || kind == Finding::Kind::kDisorder ||
           kind == Finding::Kind::kOutOfRange;
}

/// Called in order, from inside a state machine's apply.
using FindingSink = std::function<void(const Finding&)>;

}  // namespace penstock

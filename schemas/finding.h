// What a watcher of workflows finds wrong, or right again: the one thing that alerts are made of.
#pragma once

#include <functional>
#include <string_view>

#include "schemas/log_record.h"

namespace penstock {

struct Finding {
    enum class Kind : uint8_t {
        kMissed = 1,         ///< the deadline has passed: trouble
        kDeliveredLate = 2,  ///< the event came after all, and had happened in time: no trouble any more
        kLate = 3,           ///< the event came, and had happened after the deadline: no trouble any more
        kWithdrawn = 4,      ///< the rule was retired or replaced: nothing will settle it any more
    };
    Kind kind;
    uint8_t severity = 3;       ///< of the rule, 1 to 5, 5 the worst
    uint16_t tenant = 0;        ///< id in the log's names
    std::string_view workflow;  ///< name; borrowed for the call, as the next
    std::string_view rule;      ///< name within the workflow, stable over edits that do not concern it
    Hash128 key;                ///< of the instance; its text is in the event at anchor_seq
    Seq anchor_seq = 0;         ///< the event that armed the deadline; 0: none did
    Seq cause_seq = 0;          ///< the record item that let it be judged
    StampNs deadline_ns = 0;
    StampNs at_ns = 0;  ///< logical time: max(deadline, stamp of the cause)
};

/// Called in order, from inside a state machine's apply.
using FindingSink = std::function<void(const Finding&)>;

}  // namespace penstock

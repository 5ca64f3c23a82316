// What is to be told to somebody outside, and what came of telling.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>

#include "schemas/log_record.h"

namespace penstock {

struct Notification {
    uint64_t effect_id = 0;  ///< stable over restarts; the receiver knows repeats by it
    std::string channel;     ///< name of a configured target
    std::string kind;        ///< "alert.firing", "alert.resolved", "silence.ended", ...
    StampNs at_ns = 0;       ///< when it was decided; what is not delivered a day later is given up
    std::string json;        ///< the payload, complete
    std::string subject;     ///< of a mail
    std::string text;        ///< plain text body of a mail
    std::string to = {};     ///< of a mail: who gets it in place of the target's own receivers; empty: they
    uint32_t attempt = 0;    ///< attempts made before

    size_t bytes() const { return json.size() + subject.size() + text.size(); }
};

/// Of one attempt, or of giving up. Neither `delivered` nor `permanent`: it is tried again.
struct DeliveryResult {
    uint64_t effect_id = 0;
    std::string channel;
    uint32_t attempt = 0;  ///< 1: the first
    bool delivered = false;
    bool permanent = false;      ///< given up: trying again would not help
    std::string detail;          ///< HTTP status, SMTP reply or transport error; never a secret
    int64_t took_ns = 0;         ///< of the attempt
    int64_t retry_after_ns = 0;  ///< from a channel: what the receiver asked for; from the notifier: when it
                                 ///< tries again
};

/// What a receiver sees as the id: webhook-id, and the left side of a Message-ID.
inline std::string effect_text(uint64_t effect_id) { return fmt::format("ntf_{:016x}", effect_id); }

}  // namespace penstock

// The bytes of the appliance's answers, in both formats of docs/wire_format.md.
#pragma once

#include <string>
#include <string_view>

#include "schemas/refusal.h"

namespace penstock {

enum class WireFormat : uint8_t { kUnknown, kNdjson, kBinary };

struct AckCounts {
    uint64_t seq = 0;  ///< last position that is answered for
    uint64_t stored = 0, duplicates = 0, refused = 0;
    friend bool operator==(const AckCounts&, const AckCounts&) = default;
};

namespace answers {
std::string welcome(WireFormat format, std::string_view log_id, std::string_view tenant, uint64_t epoch,
                    uint64_t next, uint64_t credits_bytes);
std::string ack(WireFormat format, const AckCounts& counts, uint64_t credits_bytes);
/// NDJSON only; a binary producer's last ack says it.
std::string done(const AckCounts& counts);
std::string refused(WireFormat format, uint64_t position, Refusal cause, std::string_view detail);
std::string error(WireFormat format, Refusal cause, std::string_view detail);
/// The connection is not read for a while; nothing is lost. `notice`: overloaded or rate_limited.
std::string notice(WireFormat format, std::string_view notice, int64_t retry_after_ms,
                   std::string_view detail);
}  // namespace answers

}  // namespace penstock

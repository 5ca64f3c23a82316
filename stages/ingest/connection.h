// What ingest knows of one connection.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "pipeline/net_loop.h"
#include "pipeline/stream_hash.h"
#include "schemas/log_record.h"
#include "stages/ingest/answers.h"

namespace penstock {

struct IngestConnection {
    // Fixed after accept.
    ConnectionId id = 0;
    std::string peer;
    bool loopback = false;

    // Who speaks.
    WireFormat format = WireFormat::kUnknown;
    bool introduced = false;  ///< a hello was read, or the first event came without one
    uint16_t tenant = 0;
    std::string key_hash;       ///< of the key that let it in; empty: none was needed
    std::string producer_name;  ///< empty: unnamed
    Hash128 producer;
    uint64_t epoch = 0;
    bool backfill = false;         ///< what it sends is history
    bool counted_unnamed = false;  ///< in its tenant's count of unnamed senders

    // Where the stream stands.
    uint64_t next_position = 1;  ///< of the next event line (a named producer may repeat older ones)
    uint64_t next_new = 1;       ///< first position that was not taken yet
    std::vector<uint8_t> carry;  ///< a line or frame that has begun
    bool discarding = false;     ///< inside a line that is too long
    uint64_t discarded_bytes = 0;
    std::unique_ptr<StreamHash> discarded_hash;
    bool inside() const { return !carry.empty() || discarding; }
    bool ended = false;           ///< the peer will send no more
    bool finished = false;        ///< its last answer has been sent
    bool failing = false;         ///< in error or closed; nothing more is read
    std::string error;            ///< the last answer, when failing
    int64_t last_read_ns = 0;     ///< monotonic
    uint64_t units = 0;           ///< lines and frames that were complete
    int64_t inside_since_ns = 0;  ///< monotonic; when the line or frame under way began

    // What is owed.
    AckCounts counted;         ///< including what is not durable yet
    AckCounts acked;           ///< as last told
    std::string answers;       ///< refused events since the last publication
    bool touched = false;      ///< in Ingest's list of connections to answer
    uint32_t acks_wanted = 0;  ///< one for each heartbeat and end
    bool ack_due = false;      ///< `acked` has moved since it was told
    uint32_t answers_under_way = 0;

    // Why it is not read (beside Ingest::reading_).
    bool answers_untaken = false;  ///< they wait in the socket
    bool rate_limited = false;     ///< its tenant is over its rate
    std::vector<uint8_t> held;     ///< came while it was not read; at most what a loop had under way
    bool ended_after_held = false;
    int64_t noticed_ns = 0;  ///< when it was last told why; monotonic
};

}  // namespace penstock

// The binary frame of TCP ingest. docs/wire_format.md is the description a stranger implements from.
// Little-endian. Told apart from NDJSON by the first byte: a frame begins with 'P', a JSON line with '{',
// or white space.
#pragma once

#include <cstdint>

namespace penstock::wire {

inline constexpr uint32_t kMagic = 0x314b5350;  // "PSK1"

enum class FrameType : uint8_t {
    // from the producer
    kHello = 1,      ///< body: JSON {"tenant","key","producer","epoch"}, all optional
    kEvents = 2,     ///< body: `count` times { u32 length, u32 zero, event, zeros to a multiple of 8 }
    kWatermark = 3,  ///< body: JSON {"source","time"}
    kHeartbeat = 4,  ///< no body
    kCaughtUp = 5,   ///< no body: all that the producer held back has been sent
    kEnd = 6,        ///< no body: acknowledged when all before it is durable, then closed
    // from the appliance
    kWelcome = 16,  ///< body: JSON {"log_id","epoch","next","credits_bytes"}
    kAck = 17,      ///< body: Ack
    kRefused = 18,  ///< body: JSON {"seq","error","detail"}: one event
    kError = 19,    ///< body: JSON {"error","detail"}: the connection is closed after it
    kNotice = 20,   ///< body: JSON {"notice","retry_after_ms","detail"}: it is not read for a while
};

struct FrameHeader {
    uint32_t magic;
    FrameType type;
    uint8_t flags;      ///< zero
    uint16_t reserved;  ///< zero
    uint32_t body_bytes;
    uint32_t count;      ///< events in the body; zero for other frames
    uint64_t epoch;      ///< of the producer; zero where it named none
    uint64_t first_seq;  ///< of the first event; zero where the producer is unnamed
    uint64_t checksum;   ///< XXH3-64 of the 32 bytes before this field, then the body, as one message
};
static_assert(sizeof(FrameHeader) == 40);

/// Cumulative: everything up to `seq` is durable, or answered by a kRefused frame.
/// An unnamed producer's events count from 1 for each connection.
struct Ack {
    uint64_t seq;
    uint64_t stored;         ///< since the connection began
    uint64_t duplicates;     ///< since the connection began
    uint64_t refused;        ///< since the connection began
    uint64_t credits_bytes;  ///< body bytes that may be under way, unacknowledged
};
static_assert(sizeof(Ack) == 40);

}  // namespace penstock::wire

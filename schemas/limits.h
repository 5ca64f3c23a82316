// Every bound of the appliance in one place, with the loss that each relation prevents.
// Depends on nothing; everything may include it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace penstock::limits {

// --- An event and its batch ---------------------------------------------------------------------
/// One NDJSON line, or one FlatBuffers event in a frame. Longer ones are refused and discarded unread.
inline constexpr size_t kEventBytesMax = 256 * 1024;
/// Nesting of `data`; deeper JSON is refused (the parser recurses).
inline constexpr int kJsonDepthMax = 64;
/// Length of id, source, type, subject and each name or value of keys, groups and extensions.
inline constexpr size_t kAttributeBytesMax = 4096;
/// Entries of keys, groups and extensions together.
inline constexpr size_t kAttributesMax = 64;

inline constexpr size_t kBatchEventsMax = 1024;
/// Producers whose progress one record holds. A batch is published before it takes raw events while more
/// than half of it is in use: each raw event adds at most one.
inline constexpr size_t kRecordProducersMax = 2 * kBatchEventsMax;
/// A batch is closed once its events hold this much.
inline constexpr size_t kBatchBytesTarget = 256 * 1024;
/// A slab has room for the target plus the largest single event (its FlatBuffers form may be larger than
/// its JSON: escapes shrink, padding and vtables grow).
inline constexpr size_t kSlabBytes = kBatchBytesTarget + 2 * kEventBytesMax + 4096;
static_assert(kSlabBytes >= kBatchBytesTarget + 2 * kEventBytesMax,
              "an accepted event must always fit into a batch that was below its target");

/// Slabs between intake and the slowest of log and engine. 64 * 1,024 events are 160 ms at 400K/s: longer
/// than a slow commit; beyond it the sockets are no longer read.
inline constexpr size_t kSlabCount = 64;
static_assert((kSlabCount & (kSlabCount - 1)) == 0, "slabs are found by masking a sequence");

// --- Dead letters -------------------------------------------------------------------------------
/// Raw bytes kept of a refused event; its full length and hash are kept too.
inline constexpr size_t kDeadLetterRawBytesMax = 16 * 1024;
static_assert(kDeadLetterRawBytesMax < kBatchBytesTarget, "a dead letter must fit into a batch");

/// Text of a control record, for example a workflow's document.
inline constexpr size_t kControlTextBytesMax = 512 * 1024;
static_assert(kControlTextBytesMax + kAttributeBytesMax + 4096 < kSlabBytes,
              "a control record must fit into a slab");

// --- Names --------------------------------------------------------------------------------------
inline constexpr size_t kRegionsMax = 64;
inline constexpr size_t kTenantsMax = 4096;
inline constexpr size_t kNameBytesMax = 64;

// --- Notifications ------------------------------------------------------------------------------
/// A thread each.
inline constexpr size_t kNotifyTargetsMax = 16;
/// Waiting for all targets together. Each target has an equal share, so that one that is down cannot keep
/// another's out.
inline constexpr size_t kNotificationsMax = 10'000;
inline constexpr size_t kNotificationsBytesMax = 64 * 1024 * 1024;
/// Subject, text and payload together; a larger one is never sent.
inline constexpr size_t kNotificationBytesMax = 256 * 1024;
static_assert(kNotificationsBytesMax / kNotifyTargetsMax >= kNotificationBytesMax,
              "a target's share must have room for the largest notification");

// --- Sockets ------------------------------------------------------------------------------------
inline constexpr size_t kReceiveBufferBytes = 64 * 1024;
/// Shared by all connections; a connection that sends nothing holds none.
inline constexpr size_t kReceiveBufferCount = 128;
/// A frame's body. One frame never spans more than this, so a connection's memory is bounded by it.
inline constexpr size_t kFrameBodyBytesMax = 1024 * 1024;
/// Unsent answers of one connection; past it the connection is not read until they are taken.
inline constexpr size_t kSendBacklogBytesMax = 256 * 1024;
static_assert(kFrameBodyBytesMax >= kEventBytesMax + 64, "the largest event must fit into a frame");

}  // namespace penstock::limits

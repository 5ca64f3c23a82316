// The log's record: one value in LMDB, one batch of events (or of dead letters, or one control item).
// docs/storage_layout.md describes the bytes; this header is what the code shares. Little-endian.
//
// A record occupies `span()` consecutive log sequences, from first_seq. Item i has sequence first_seq + i
// and was received at base_stamp_ns + i: stamps are strictly rising over the whole log.
//
//   header | key bloom | producer positions | identities[count] | heads[count] | heap
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>

namespace penstock {

using Seq = uint64_t;     ///< position in the log; the first is 1
using StampNs = int64_t;  ///< UTC nanoseconds since 1970
inline constexpr StampNs kNoTime = std::numeric_limits<int64_t>::min();

struct Hash128 {
    uint64_t lo = 0, hi = 0;
    friend bool operator==(const Hash128&, const Hash128&) = default;
};

enum class RecordKind : uint8_t { kEvents = 1, kDeadLetters = 2, kControl = 3 };

/// What a control record says. Numbers are stored.
enum class ControlKind : uint16_t {
    kBoot = 1,       ///< name: host; text: JSON {"version","pid","last_stamp_ns","recovery_hold_ns",
                     ///< "instance_retention_ns","source_idle_ns","source_hold_ns","source_lag_ns",
                     ///< "tenants":[name],"targets":[{"name","severity_at_least","tenants":[id]}]}:
                     ///< what state follows from, beside the log
    kTick = 2,       ///< time passed and a timer was due
    kPositions = 3,  ///< only producer positions advanced (all events were duplicates or refused)
    kWorkflow = 4,   ///< name, text: the document that is active from here
    kWorkflowRetired = 5,
    kWatermark = 6,             ///< name: source; text: JSON tenant (id), time (RFC 3339)
    kCaughtUp = 7,              ///< name: producer, empty for unnamed ones; text: tenant
    kProducerConnected = 8,     ///< the same; unnamed: the tenant's first that sends events
    kProducerDisconnected = 9,  ///< the same; unnamed: the last. None at a stop
    // Dead letters. name: the letter's sequence; text of the first two: JSON by, note, edited, outcome,
    // event.
    kDeadLetterRetried = 10,  ///< what it led to follows at once, in a record whose retry_of names the letter
    kDeadLetterDropped = 11,
    kDeadLettersExpired = 12,  ///< name: retention has taken all dead letters below this sequence
    // Alerts. name: the alert's id, 16 hexadecimal digits; text: JSON episode, version, by, note, to.
    kAlertAcked = 13,
    kAlertUnacked = 14,
    kAlertAssigned = 15,
    kAlertResolved = 16,
    kSilenceAdded = 17,    ///< text: JSON tenant (id), workflow, rule, severity_at_least, begin_ns, end_ns,
                           ///< owner, reason, by
    kSilenceExpired = 18,  ///< name: the silence's id; text: JSON by
    kNotificationResult = 19,  ///< name: effect id, hexadecimal; text: JSON delivered, attempts, detail
    kWorkflowVersion = 20,   ///< name; text: JSON action (draft, shadow, activate, retire, discard), version,
                             ///< document, migrate, by, note
    kMaintenanceAdded = 21,  ///< text: JSON, docs/alerts.md
    kMaintenanceEnded = 22,  ///< name: the window's id; text: JSON by
    // Who may do what (stages/access; docs/access.md). text: JSON; of all: by, the name of who asked, and
    // peer.
    kUserSet = 23,         ///< name: the user's name; display_name, role, regions, tenants, skills, email,
                           ///< password_hash, token_hash, enabled, of_configuration. number: of a new one.
                           ///< version: what it was made for. session: the one that a new secret leaves
    kUserRemoved = 24,     ///< name
    kSignedIn = 25,        ///< name: the session's id (a hash of its token); user (number), agent, how
    kSignInRefused = 26,   ///< name: the user who was tried, or empty; why, unrecorded (others before it)
    kSessionEnded = 27,    ///< name: the session's id; user (name)
    kUserSeen = 28,        ///< name: the user's name; session, back (after kUserLeft). A sign of life, at
                           ///< most one in some seconds
    kUserLeft = 29,        ///< name: the user's name
    kPreferencesSet = 30,  ///< name: the user's name; preferences, whole
    kApiKeySet = 31,       ///< name: the key's id; name, hash, role, regions, tenants
    kApiKeyRevoked = 32,   ///< name: the key's id
    kTenantSet = 33,       ///< name: the tenant's name; text: stages/tenancy/tenant_book.h
    kExported =
        34,  ///< name: what; by, peer, phase (begin, end), filter, format, region; at the end rows, whole
    kTeamViewSet = 35,  ///< name: the view's name; address: within the console, none: it is removed; by
    // Items that people decide (stages/review; docs/review.md). name: the item's id, decimal; text: JSON by,
    // peer, key (idempotency) and what the command needs.
    kReviewClaimed = 40,     ///< version
    kReviewReleased = 41,    ///< fence, note
    kReviewRenewed = 42,     ///< fence
    kReviewReassigned = 43,  ///< version, to, note
    kReviewEscalated = 44,   ///< version, note
    kReviewDecided = 45,     ///< fence, decision, reason
    kReviewUndone = 46,      ///< version, reason
    kReviewAdded = 47,       ///< an item made by hand of a stored event; event, by
    kReviewTold = 48,  ///< name: a user's number; seq: assignments up to it were told by mail, or cannot be
    // Regions.
    kRegionsFlushed = 50,  ///< text: JSON region: sequence below which its database has all
    kRegionSet = 51,       ///< name: the region's name; its facts, whole
    // Any command under an Idempotency-Key has `once` in front: by, key, request (a hash).
    kAnswered = 60,  ///< what was answered to it; once, status, type, body (without secrets), headers
};

/// What dedup needs of an event; contiguous, so that recovery reads nothing else.
struct EventIdentity {
    Hash128 id;        ///< of (tenant, source, id), keyed per installation
    uint64_t content;  ///< of canonical type, subject, time, region, data
};
static_assert(sizeof(EventIdentity) == 24);

/// What routing, SLA and flush need of an event without touching its bytes.
struct EventHead {
    Hash128 key;         ///< of (tenant, subject); zero: no subject
    StampNs time_ns;     ///< the producer's time, or the received stamp where none was given
    uint64_t type_hash;  ///< XXH3-64 of the type's text
    uint32_t offset;     ///< of the FlatBuffers bytes in the heap, a multiple of 8
    uint32_t length;
    uint16_t tenant;  ///< id in the log's names
    uint16_t region;  ///< id in the log's names
    uint8_t severity;
    uint8_t flags;  ///< kHeadHasTime, kHeadBackfill
    uint16_t reserved;
};
static_assert(sizeof(EventHead) == 48);
inline constexpr uint8_t kHeadHasTime = 1;
/// History that is sent after the fact: judged on its own clock, alerts nobody.
inline constexpr uint8_t kHeadBackfill = 2;
/// In EventHead::region between parse and route only; never in the log.
inline constexpr uint16_t kRegionNone = 0xfffe, kRegionUnknown = 0xffff;

/// A producer's progress that this record makes durable.
struct ProducerPosition {
    Hash128 producer;  ///< of (tenant, producer name)
    uint64_t epoch;
    uint64_t seq;  ///< last sequence taken
};
static_assert(sizeof(ProducerPosition) == 32);

inline constexpr uint32_t kRecordMagic = 0x31524c50;  // "PLR1"
inline constexpr uint16_t kRecordVersion = 2;         ///< 1: never packed, else the same

struct RecordHeader {
    uint32_t magic;
    uint16_t version;
    RecordKind kind;
    uint8_t flags;
    uint64_t checksum;  ///< XXH3-64 of all bytes after this field
    Seq first_seq;
    StampNs base_stamp_ns;
    StampNs time_min_ns, time_max_ns;  ///< of the events' own times
    uint64_t region_mask;              ///< bit r: an event of region id r (ids are below 64)
    uint32_t count;
    uint32_t heap_bytes;
    uint32_t bloom_bytes;  ///< zero or a power of two
    uint32_t producer_count;
    Seq retry_of;  ///< the dead letter that was sent through intake again and became this record; else 0
    uint32_t seal_bytes;  ///< zero, or of what stands behind the heap and opens it (storage/sealed_record.h)
    uint32_t packed_bytes;  ///< of the LZ4 block that is stored for the heap; zero: it stands as it is
    uint64_t reserved;

    /// Log sequences that the record takes; a control record takes one.
    uint64_t span() const { return count == 0 ? 1 : count; }
    /// Of what is stored for the heap.
    uint32_t stored_heap_bytes() const { return packed_bytes == 0 ? heap_bytes : packed_bytes; }
    size_t value_bytes() const {
        return sizeof(RecordHeader) + bloom_bytes + producer_count * sizeof(ProducerPosition) +
               count * (sizeof(EventIdentity) + sizeof(EventHead)) + stored_heap_bytes() + seal_bytes;
    }
};
static_assert(sizeof(RecordHeader) == 96);

struct RecordView;
/// Gives the bytes of items that are kept packed or sealed.
class ItemOpener {
  public:
    /// Valid as long as the view. Throws where it cannot.
    virtual std::span<const uint8_t> open(const RecordView& record, size_t i) const = 0;

  protected:
    ~ItemOpener() = default;
};

/// A record's parts, wherever they lie (a slab, or a value in the map). Borrows; cheap to copy.
struct RecordView {
    const RecordHeader* header = nullptr;
    std::span<const uint8_t> bloom;
    std::span<const ProducerPosition> producers;
    std::span<const EventIdentity> identities;
    std::span<const EventHead> heads;
    std::span<const uint8_t> heap;       ///< as it is stored; what is read of it is read by bytes()
    const ItemOpener* opener = nullptr;  ///< none: nothing of it is packed or sealed

    Seq first_seq() const { return header->first_seq; }
    Seq end_seq() const { return header->first_seq + header->span(); }
    size_t count() const { return header->count; }
    StampNs stamp(size_t i) const { return header->base_stamp_ns + static_cast<StampNs>(i); }
    StampNs last_stamp() const { return header->base_stamp_ns + static_cast<StampNs>(header->span()) - 1; }
    std::span<const uint8_t> bytes(size_t i) const {
        return opener ? opener->open(*this, i) : heap.subspan(heads[i].offset, heads[i].length);
    }
    bool may_hold_region(uint16_t region) const { return header->region_mask >> region & 1; }
};

/// Two bits a key in a power-of-two bit field: answers "surely not in this record".
inline bool bloom_may_hold(std::span<const uint8_t> bloom, const Hash128& key) {
    if (bloom.empty()) return true;
    const uint64_t mask = bloom.size() * 8 - 1;
    const uint64_t a = key.lo & mask, b = key.hi & mask;
    return (bloom[a >> 3] >> (a & 7) & 1) && (bloom[b >> 3] >> (b & 7) & 1);
}
inline void bloom_add(std::span<uint8_t> bloom, const Hash128& key) {
    const uint64_t mask = bloom.size() * 8 - 1;
    const uint64_t a = key.lo & mask, b = key.hi & mask;
    bloom[a >> 3] |= static_cast<uint8_t>(1u << (a & 7));
    bloom[b >> 3] |= static_cast<uint8_t>(1u << (b & 7));
}
/// One byte an event, so that the filter and the header stay in the value's first page.
inline uint32_t bloom_bytes_for(size_t events) {
    return events == 0 ? 0 : static_cast<uint32_t>(std::bit_ceil(std::max<size_t>(events, 16)));
}

}  // namespace penstock

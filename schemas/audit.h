// Who did what: entries of the audit trail, chained so that a change shows.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/log_record.h"

namespace penstock {

/// BLAKE2b-256.
using AuditHash = std::array<uint8_t, 32>;

struct AuditEntry {
    uint64_t number = 0;  ///< from 1, without gaps
    Seq seq = 0;          ///< of the record of the log
    StampNs at_ns = 0;
    std::string action;  ///< "alert.acked"
    std::string target;  ///< what it was done to: an id or a name
    std::string by, peer;
    bool done = true;  ///< false: it was refused
    std::string before, after;
    std::string why;                ///< the note or reason that was given
    uint16_t region = kRegionNone;  ///< that it concerns, in the log's names; kRegionNone: no single one
    AuditHash record{};             ///< of the record's text, whole: as the log has it as long as it has it
    AuditHash chain{};              ///< of the entry before and all of this
};

/// Where a chain ends.
struct AuditHead {
    uint64_t number = 0;  ///< of the last entry; 0: there is none
    AuditHash chain{};
};

/// What a record's command did, beside what its text says.
struct AuditFacts {
    bool done = true;
    bool again = false;  ///< the same request, repeated: nothing was done, nor refused
    std::string before, after;
    uint16_t region = kRegionNone;
};

struct AuditFilter {
    std::string by, action,
        target;  ///< empty: any; an action that ends with '.' stands for all that begin so
    Seq since_seq = 0;
    StampNs from_ns = 0, to_ns = 0;  ///< 0: open

    bool matches(const AuditEntry& e) const {
        const bool of_kind =
            action.empty() || e.action == action || (action.ends_with('.') && e.action.starts_with(action));
        return of_kind && (by.empty() || e.by == by) && (target.empty() || e.target == target) &&
               e.seq >= since_seq && (from_ns == 0 || e.at_ns >= from_ns) && (to_ns == 0 || e.at_ns < to_ns);
    }
};

struct AuditPage {
    std::vector<AuditEntry> entries;  ///< newest first
    uint64_t more_below = 0;          ///< look on below this number; 0: there is no more
};

/// Thread-safe.
class AuditReader {
  public:
    virtual ~AuditReader() = default;
    virtual AuditHead head() const = 0;
    /// At most `limit` entries below the number `before`. A page may be short though more follow: a call
    /// looks at a bounded number of entries.
    virtual AuditPage entries(const AuditFilter& filter, uint64_t before, size_t limit) const = 0;
};

/// Thread-safe: what goes to a region beside its events.
class AuditSource {
  public:
    virtual ~AuditSource() = default;
    /// That concern it, of records in [from, to), by sequence. `to` is audited.
    virtual std::vector<AuditEntry> regional_entries(uint16_t region, Seq from, Seq to) const = 0;
    /// Below it all records are applied.
    virtual Seq audited_to() const = 0;
};

/// First byte of the keys of entries; the rest is the number, big-endian. A store keeps them apart from the
/// rows that are loaded at a start.
inline constexpr uint8_t kAuditRows = 'T';
/// The only byte of the key of the row that says where the trail ends.
inline constexpr uint8_t kAuditHeadRow = 'H';

}  // namespace penstock

// Looks into the hot log for people: newest first, filtered, and never for long. A query stops at its limit,
// at a bound of time, records or answer bytes, or at the log's beginning, and says which; the cursor that it
// returns continues where it stopped.
#pragma once

#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/clock.h"
#include "pipeline/dead_letter.h"
#include "schemas/access.h"
#include "schemas/identity.h"
#include "storage/dead_letter_book.h"
#include "storage/event_log.h"

namespace penstock::fb {
struct DeadLetter;
}  // namespace penstock::fb

namespace penstock::http {

struct EventFilter {
    std::string subject = {}, tenant = {}, type = {}, region = {};  ///< empty: any
    Scope scope = {};                                               ///< of who asks
    bool empty() const { return subject.empty() && tenant.empty() && type.empty() && region.empty(); }
};

struct LetterFilter {
    std::optional<Refusal> cause = {};
    std::optional<LetterStatus> status = {};
    std::string tenant = {};                                 ///< empty: any
    StampNs since_ns = kNoTime;                              ///< received then or later
    StampNs until_ns = std::numeric_limits<StampNs>::max();  ///< received before
    Scope scope = {};                                        ///< of who asks
};

/// What of regions decides who sees what.
struct RegionRules {
    uint64_t staying = 0;                   ///< bit r: payload of region r is shown to nobody beyond it
    std::map<std::string, uint16_t> names;  ///< and aliases
};

/// A scope by the numbers that records have.
class Sight {
  public:
    /// `one_region`: nothing but a single region is asked for.
    Sight(const Scope& scope, const LogNames& names, RegionRules rules = {}, bool one_region = true);
    /// A payload that stays is for those alone whose scope names its region, and who ask for nothing else.
    bool shows_payload(uint16_t region) const {
        if (region >= 64) return rules_.staying == 0;
        return (rules_.staying >> region & 1) == 0 || (!all_regions_ && one_region_);
    }
    /// Where a refused event would have gone; kRegionUnknown: its bytes do not say.
    uint16_t region_of(const fb::DeadLetter& letter) const;
    bool sees_all() const { return all_regions_ && all_tenants_; }
    bool sees_all_regions() const { return all_regions_; }
    bool sees_tenant(uint16_t tenant) const {
        return all_tenants_ || (tenant < tenants_.size() && tenants_[tenant]);
    }
    bool sees(const EventHead& head) const {
        return sees_tenant(head.tenant) &&
               (all_regions_ || (head.region < 64 && regions_ >> head.region & 1));
    }
    /// What does not say where it belongs is for those who see all regions.
    bool sees_letter(const RecordView& record, size_t i) const;
    bool may_see(const RecordView& record) const {
        return all_regions_ || (record.header->region_mask & regions_) != 0;
    }

  private:
    bool all_regions_, all_tenants_;
    uint64_t regions_ = 0;
    std::vector<bool> tenants_;
    RegionRules rules_;
    bool one_region_;
};

/// A dead letter as it lies in the log.
struct StoredLetter {
    DeadLetter letter;
    bool flatbuffer = false;  ///< its raw bytes are, or were to be, an event in FlatBuffers
    Hash128 identity;         ///< of that event, if it is one
};

/// What lists show of one event.
struct EventGlance {
    StampNs received_ns = 0;
    std::string id, source, type, subject;
    std::string data;       ///< its first bytes
    size_t data_bytes = 0;  ///< of all of it
    bool hidden = false;    ///< it stays in its region
};

/// What a query found. `items` is a JSON array.
struct EventPage {
    std::string items;
    size_t count = 0;
    Seq next_before = 0;       ///< pass as `before` to go on; 0: the log's beginning was reached
    std::string_view stopped;  ///< "", "limit", "time", "records" or "bytes"
    uint64_t scanned_events = 0;
};

/// The newest events since the last call, as short forms without payload.
struct NewestEvents {
    std::string items;  ///< JSON array, newest first
    size_t count = 0;
    uint64_t skipped = 0;  ///< others that came in meanwhile
    Seq next_seq = 1;      ///< pass to the next call
};

/// One thread. Holds no read transaction between calls.
class EventQueries {
  public:
    struct Bounds {
        int64_t time_ns = 50'000'000;
        size_t records = 20'000;
        size_t bytes = 4u << 20;  ///< of the answer
    };
    EventQueries(const EventLog& log, const Clock& clock) : EventQueries(log, clock, Bounds{}) {}
    EventQueries(const EventLog& log, const Clock& clock, Bounds bounds);

    /// Events below `before`, newest first.
    EventPage events(const EventFilter& filter, size_t limit, Seq before) const;
    /// Dead letters below `before`, newest first, with what `book` knows of them.
    EventPage dead_letters(const LetterFilter& filter, const DeadLetterBook& book, size_t limit,
                           Seq before) const;
    /// One dead letter as JSON. Nothing when the sequence is not in the log or is no dead letter.
    std::optional<std::string> dead_letter_json(Seq seq, const DeadLetterBook& book,
                                                const Scope& scope) const;
    std::optional<StoredLetter> dead_letter(Seq seq, const Scope& scope) const;
    /// One event as JSON. Nothing when the sequence is not in the log, is no event, or outside the scope.
    std::optional<std::string> event(Seq seq, const Scope& scope = {}) const;
    /// Whether the log has this event and the scope holds it.
    bool sees_event(Seq seq, const Scope& scope) const;
    /// The same event with at most `data_bytes` of its data, cut between characters.
    std::optional<EventGlance> glance(Seq seq, size_t data_bytes, const Scope& scope = {}) const;
    NewestEvents newest(Seq since, size_t limit, const Scope& scope = {}) const;

    /// Asked at each query, which follows them.
    void follow(std::function<RegionRules()> rules) { rules_ = std::move(rules); }

    Seq first_seq() const { return log_.bounds().first_seq; }
    Seq next_seq() const { return log_.bounds().next_seq; }

  private:
    Sight sight_of(const Scope& scope, bool one_region = true) const {
        return {scope, log_.names(), rules_ ? rules_() : RegionRules{}, one_region};
    }
    struct Walk;
    /// Calls `look` with the record of `kind` that holds the item, and its place in it; false: there is none.
    bool find(Seq seq, RecordKind kind,
              const std::function<void(const RecordView&, size_t item)>& look) const;
    /// What a record's bloom and an event's head hold of a subject, one for each tenant that is asked.
    std::vector<Hash128> keys_of(const EventFilter& filter) const;
    /// Visits the items of records of `kind` below `before`, newest first; `take` answers whether to go on.
    void walk_back(Walk& walk, RecordKind kind, Seq before,
                   const std::function<bool(const RecordView&)>& may_hold,
                   const std::function<bool(const RecordView&, size_t item)>& take) const;

    const EventLog& log_;
    const Clock& clock_;
    Bounds bounds_;
    LogReader reader_;
    mutable IdentityHasher hasher_;
    std::function<RegionRules()> rules_;
};

}  // namespace penstock::http

// What is asked of all events, wherever they lie: the hot log, or a region's database.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/access.h"
#include "schemas/log_record.h"

namespace penstock {

/// Times are microseconds since 1970, rounded down, as the regions keep them: an event has the same place in
/// every order before and after it has gone to its region.
struct EventQuery {
    /// [from, to)
    struct Span {
        int64_t from_us = std::numeric_limits<int64_t>::min();
        int64_t to_us = std::numeric_limits<int64_t>::max();
        bool holds(int64_t us) const { return us >= from_us && us < to_us; }
    };
    enum class State : uint8_t {
        kAny,
        kWaiting,  ///< in the hot log, and not in its region's database yet
        kStored,   ///< in its region's database
    };
    std::string subject, type, tenant, region;  ///< empty: any
    std::string text;                           ///< a part of the payload, as the producer wrote it
    Span time, received;
    uint8_t severity_at_least = 0;
    State state = State::kAny;
    Scope scope;  ///< what is outside it is neither asked nor counted

    bool asks_tenant(std::string_view name) const {
        return (tenant.empty() || name == tenant) && scope.sees_tenant(name);
    }
    bool asks_region(std::string_view name) const {
        return (region.empty() || name == region) && scope.sees_region(name);
    }
};

struct EventOrder {
    enum class By : uint8_t { kReceived, kTime } by = By::kReceived;
    bool oldest_first = false;
};

/// A place in an order, whatever comes in meanwhile. Compared by its members from the first to the last.
struct EventPosition {
    int64_t value_us = 0;  ///< of the time that is sorted by
    Seq seq = 0;
    std::string region, log;  ///< the log's UUID
    friend auto operator<=>(const EventPosition&, const EventPosition&) = default;
};

struct FoundEvent {
    Seq seq = 0;
    int64_t received_us = 0, time_us = 0;
    std::string region, log, tenant, source, id, type, subject;
    uint8_t severity = 0;          ///< 0: none
    std::string data, attributes;  ///< JSON; empty: none, or withheld
    bool withheld = false;         ///< its region keeps payloads to itself
    bool waiting = false;          ///< in the hot log only

    EventPosition position(EventOrder::By by) const {
        return {by == EventOrder::By::kTime ? time_us : received_us, seq, region, log};
    }
};

/// The opaque text of a place. It fits one query and order only.
std::string write_cursor(const EventPosition& at, const EventQuery& query, const EventOrder& order);
/// Nothing where it is none of this query and order.
std::optional<EventPosition> read_cursor(std::string_view text, const EventQuery& query,
                                         const EventOrder& order);

/// All that makes a query this one, as text; of equal texts the answers are equal. The scope is in it.
std::string text_of(const EventQuery& query);

/// Sorts, drops what is not behind `after`, and keeps `limit`.
void keep_page(std::vector<FoundEvent>& events, const EventOrder& order,
               const std::optional<EventPosition>& after, size_t limit);

/// What statistics are grouped by.
struct EventGrouping {
    bool region = false, tenant = false, type = false, severity = false;
    int64_t bucket_us = 0;  ///< width of a span of `received`, counted from 1970; 0: not by time
};

struct EventGroup {
    std::string region, tenant, type;
    int severity = 0;
    int64_t bucket_us = 0;
    friend auto operator<=>(const EventGroup&, const EventGroup&) = default;
};

struct EventCounts {
    uint64_t events = 0;
    int64_t first_us = std::numeric_limits<int64_t>::max();  ///< received
    int64_t last_us = std::numeric_limits<int64_t>::min();
    uint8_t severity_max = 0;

    void add(const EventCounts& more);
};

constexpr int64_t bucket_of(int64_t us, int64_t width_us) {
    return us - (us % width_us + width_us) % width_us;
}

}  // namespace penstock

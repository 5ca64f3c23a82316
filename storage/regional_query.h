// What a region's database answers of a query. docs/queries.md tells how its rows join those of the hot log.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "storage/event_query.h"
#include "storage/postgres.h"

namespace penstock {

/// How far the region had come when it was asked; rows are as of then, or newer where another log flushed
/// meanwhile.
struct RegionalHead {
    /// Of the asking log: all below is in the region, and nothing else of it was read. 0: it knows no such
    /// log.
    Seq flushed_seq = 0;
    StampNs flushed_stamp_ns = 0;  ///< when sequence flushed_seq - 1 was received; 0: unknown
    /// Equal marks: nothing has been flushed meanwhile that a query may see whose `received` ends at the
    /// given time, and no day has gone.
    std::string mark;
    std::vector<int64_t> days_us;  ///< where the stored days begin, oldest first
    int64_t newest_us = 0;         ///< nothing that is stored was received later
};

/// One query to one region. The connection's thread. Errors are PostgresError.
class RegionalQuery {
  public:
    struct Options {
        std::string region, log_id;
        bool payload = true;      ///< false: neither data nor attributes leave the database
        int64_t deadline_ns = 0;  ///< monotonic; the server gives up then
        /// Rows of a page that are asked for at once; 0: all of it.
        size_t portion = 0;
        /// Told what each portion brought, and the time that the next would begin at: true, nothing that
        /// comes from there on has a place in the page.
        std::function<bool(std::span<const FoundEvent> fresh, int64_t reached_us)> enough = {};
    };
    /// `query` outlives it.
    RegionalQuery(PostgresConnection& connection, const EventQuery& query, Options options);

    RegionalHead head();
    /// At most `limit`, those that come first in the order behind `after`, but for those of which `enough`
    /// says that they have no place; in any order. After head().
    std::vector<FoundEvent> page(const EventOrder& order, const std::optional<EventPosition>& after,
                                 size_t limit);
    std::map<EventGroup, EventCounts> count(const EventGrouping& grouping, size_t groups_max);

  private:
    class Statement;
    Statement filter(const EventQuery::Span& received, const EventQuery::Span& time) const;
    void read_span(const EventOrder& order, const std::optional<EventPosition>& after, size_t limit,
                   const EventQuery::Span& span, std::vector<FoundEvent>& into);

    PostgresConnection& connection_;
    const EventQuery& query_;
    const Options options_;
    RegionalHead head_;
};

}  // namespace penstock

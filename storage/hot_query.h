// What the hot log answers of a query: that which a region has not taken yet, or all of one without database.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "schemas/event_fields.h"
#include "schemas/identity.h"
#include "storage/event_log.h"
#include "storage/event_query.h"

namespace penstock {

/// One thread. Holds no read transaction between calls, and none for long inside one.
class HotQuery {
  public:
    /// Of a region, what the log has from `from` on.
    struct Source {
        std::string region;
        Seq from = 1;
        bool payload = true;  ///< false: without data and attributes
    };
    struct Options {
        Seq end = 1;              ///< nothing from there on is looked at: it may not be durable
        int64_t deadline_ns = 0;  ///< monotonic
        const std::atomic<bool>* stop = nullptr;  ///< true: as if the deadline had come
    };
    /// All outlive it.
    HotQuery(const EventLog& log, const EventQuery& query, std::vector<Source> sources, Options options);

    /// Those that come first in the order behind `after`, in any order. False: the deadline came first.
    bool page(const EventOrder& order, const std::optional<EventPosition>& after, size_t limit,
              std::vector<FoundEvent>& into);
    /// False: the deadline came first, or there were more groups.
    bool count(const EventGrouping& grouping, size_t groups_max, std::map<EventGroup, EventCounts>& into);

    /// Whether retention has taken, meanwhile, something that a source should have had.
    bool was_outrun() const;

  private:
    using Take = std::function<bool(const RecordView&, size_t item, const Source&)>;
    /// Visits what matches; `take` answers whether to go on. False: the deadline came first.
    bool walk(bool backwards, Seq low, Seq high, const Take& take);
    bool visit_record(const RecordView& record, bool backwards, Seq low, Seq high, const Take& take);
    bool late() const;
    bool may_hold(const RecordView& record) const;
    const Source* source_of(const RecordView& record, size_t item) const;
    FoundEvent event_of(const RecordView& record, size_t item, const Source& source) const;
    Seq received_after(int64_t us) const;

    const EventLog& log_;
    const EventQuery& query_;
    const std::vector<Source> sources_;
    const Options options_;
    LogReader reader_;
    std::vector<const Source*> by_region_;  ///< by the log's id; null: not asked
    uint64_t region_mask_ = 0;
    std::vector<bool> tenants_;  ///< by the log's id
    std::vector<Hash128> keys_;  ///< the subject's, one a tenant
    uint64_t type_hash_ = 0;
    Seq first_ = 1;  ///< of the sources
};

/// An event's attributes as the regions keep them: {"keys":{},"groups":{},"extensions":{}}, those that are
/// not empty; empty: none.
std::string attributes_json(const fb::Event& event);

}  // namespace penstock

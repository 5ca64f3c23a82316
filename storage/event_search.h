// One answer from the hot log and all regions: asked in parallel, with one deadline. A region that is down or
// late makes the answer partial, and is named.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/telemetry.h"
#include "storage/event_log.h"
#include "storage/event_query.h"
#include "storage/hot_query.h"
#include "storage/regional_lane.h"
#include "storage/regional_query.h"

namespace penstock {

/// Any thread; what it answers is made on the caller's, which waits.
class EventSearch {
  public:
    struct Region {
        std::string name;
        std::string dsn;             ///< empty: its events are in the hot log only
        bool payload_stays = false;  ///< queries over more than this region show no payload of it
        friend bool operator==(const Region&, const Region&) = default;
    };
    static constexpr size_t kPageMax = 1'000;
    static constexpr size_t kGroupsMax = 10'000;

    /// Who is missing from an answer.
    struct Missing {
        std::string region;  ///< empty: the hot log
        std::string why;
        StampNs since_ns = 0;  ///< 0: it is only late, or never answers such a query
    };
    struct Outcome {
        std::vector<Missing> missing;
        /// Of what the answer was made from. An answer may be given again while current_mark() is the same;
        /// empty: it may not.
        std::string mark;
        bool partial() const { return !missing.empty(); }
    };
    struct Page : Outcome {
        std::vector<FoundEvent> events;     ///< sorted
        std::optional<EventPosition> next;  ///< where the next page begins; none: this is the last
    };
    struct Statistics : Outcome {
        std::map<EventGroup, EventCounts> groups;
        bool cut = false;  ///< there are more groups than kGroupsMax
    };

    /// `log` and `telemetry` outlive it.
    EventSearch(const EventLog& log, const Telemetry& telemetry, std::vector<Region> regions = {});
    /// From now on these are asked. One thread; what is under way goes on.
    void use(std::vector<Region> regions);

    /// `limit`: 1 to kPageMax; `deadline_ns`: monotonic.
    Page page(const EventQuery& query, const EventOrder& order, const std::optional<EventPosition>& after,
              size_t limit, int64_t deadline_ns);
    Statistics count(const EventQuery& query, const EventGrouping& grouping, int64_t deadline_ns);
    /// Empty where a region does not answer.
    std::string current_mark(const EventQuery& query, int64_t deadline_ns);

    /// What is under way and what is asked later ends soon, as if it were late. For good.
    void interrupt();

    bool has_region(std::string_view name) const;
    /// Whether the region's payload is shown to who asks beyond it. Any thread.
    bool payload_stays(std::string_view region) const;

  private:
    struct Place {
        Region region;
        const RegionTelemetry* telemetry = nullptr;
        std::unique_ptr<RegionalLane> lane;  ///< null: it has no database
    };
    struct Part;
    struct Gathering;
    using Ask = std::function<void(RegionalQuery&, Part&)>;

    std::vector<const Place*> asked_of(const EventQuery& query) const;
    static bool shows_payload(const Place& place, const EventQuery& query, size_t asked);
    class PageProgress;
    std::shared_ptr<Gathering> gather(const EventQuery& query, const Ask& ask, int64_t deadline_ns,
                                      Outcome& out, const std::shared_ptr<PageProgress>& page = nullptr);
    std::vector<HotQuery::Source> hot_sources(const Gathering& gathering) const;
    std::string mark_of(const Gathering& gathering) const;

    const EventLog& log_;
    const Telemetry& telemetry_;
    std::atomic<bool> interrupted_{false};
    mutable std::mutex mutex_;  // guards what follows
    std::vector<std::unique_ptr<Place>> places_;
    std::vector<std::unique_ptr<Place>> retired_;  ///< whose answers may still be on their way
};

}  // namespace penstock

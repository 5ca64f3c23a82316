#include "storage/event_search.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <span>

#include "pipeline/clock.h"

namespace penstock {
namespace {

/// How often an answer is made anew because retention was faster than it.
constexpr int kAttempts = 3;

}  // namespace

/// What one region gave.
struct EventSearch::Part {
    const Place* place = nullptr;
    bool payload = true;
    bool answered = false;
    std::optional<RegionalTrouble> trouble;
    RegionalHead head;
    std::vector<FoundEvent> events;
    std::map<EventGroup, EventCounts> groups;
};

/// Regions that are late find it still there.
struct EventSearch::Gathering {
    EventQuery query;
    Seq committed = 0;  ///< before any region was asked
    std::mutex mutex;
    std::condition_variable answered;
    size_t open = 0;
    bool closed = false;  ///< what comes now is late
    std::vector<Part> parts;

    void close_part(size_t index, Part&& part) {
        std::lock_guard lock(mutex);
        if (closed) return;
        parts[index] = std::move(part);
        if (--open == 0) answered.notify_one();
    }
};

/// How far the regions have come with one page, so that none looks for what has no place in it.
class EventSearch::PageProgress {
  public:
    PageProgress(const EventOrder& order, size_t limit) : order_(order), limit_(limit) {}
    size_t limit() const { return limit_; }

    /// A region begins, possibly again.
    void begin(const Place* region) {
        const std::lock_guard lock(mutex_);
        found_us_[region].clear();
    }
    bool enough(const Place* region, std::span<const FoundEvent> fresh, int64_t reached_us) {
        const std::lock_guard lock(mutex_);
        for (const FoundEvent& e : fresh) found_us_[region].push_back(e.position(order_.by).value_us);
        size_t count = 0;
        for (const auto& [of, values] : found_us_)
            for (const int64_t us : values) count += comes_before(us, reached_us);
        if (count < limit_) return false;
        if (!cut_us_ || comes_before(reached_us, *cut_us_)) cut_us_ = reached_us;
        return true;
    }
    /// Of a page from which a region's rows are missing after all: all that is sure to be next to each other.
    void cut(Page& page) const {
        const std::lock_guard lock(mutex_);
        if (!cut_us_) return;
        const size_t gone = std::erase_if(page.events, [&](const FoundEvent& e) {
            return !comes_before(e.position(order_.by).value_us, *cut_us_);
        });
        if (gone > 0 && !page.events.empty()) page.next = page.events.back().position(order_.by);
    }

  private:
    bool comes_before(int64_t a_us, int64_t b_us) const {
        return order_.oldest_first ? a_us < b_us : a_us > b_us;
    }
    const EventOrder order_;
    const size_t limit_;
    mutable std::mutex mutex_;
    std::map<const Place*, std::vector<int64_t>> found_us_;
    std::optional<int64_t> cut_us_;  ///< where the first stopped
};

EventSearch::EventSearch(const EventLog& log, const Telemetry& telemetry, std::vector<Region> regions)
    : log_(log), telemetry_(telemetry) {
    use(std::move(regions));
}

void EventSearch::use(std::vector<Region> regions) {
    const std::lock_guard lock(mutex_);
    std::vector<std::unique_ptr<Place>> fresh;
    for (Region& region : regions) {
        const auto same = std::find_if(places_.begin(), places_.end(),
                                       [&](const auto& place) { return place && place->region == region; });
        if (same != places_.end()) {
            fresh.push_back(std::move(*same));
            continue;
        }
        auto place = std::make_unique<Place>();
        for (const auto& t : telemetry_.regions)
            if (t->name == region.name) place->telemetry = t.get();
        if (!region.dsn.empty())
            place->lane = std::make_unique<RegionalLane>(
                RegionalLane::Options{.region = region.name, .dsn = region.dsn});
        place->region = std::move(region);
        fresh.push_back(std::move(place));
    }
    for (auto& place : places_) {
        if (!place) continue;
        if (place->lane) place->lane->interrupt();
        retired_.push_back(std::move(place));
    }
    places_ = std::move(fresh);
}

void EventSearch::interrupt() {
    interrupted_ = true;
    const std::lock_guard lock(mutex_);
    for (const auto& place : places_)
        if (place->lane) place->lane->interrupt();
}

bool EventSearch::has_region(std::string_view name) const {
    const std::lock_guard lock(mutex_);
    return std::any_of(places_.begin(), places_.end(),
                       [&](const auto& place) { return place->region.name == name; });
}

bool EventSearch::payload_stays(std::string_view region) const {
    const std::lock_guard lock(mutex_);
    return std::any_of(places_.begin(), places_.end(), [&](const auto& place) {
        return place->region.name == region && place->region.payload_stays;
    });
}

std::vector<const EventSearch::Place*> EventSearch::asked_of(const EventQuery& query) const {
    const std::lock_guard lock(mutex_);
    std::vector<const Place*> asked;
    for (const auto& place : places_)
        if (query.asks_region(place->region.name)) asked.push_back(place.get());
    return asked;
}

/// A payload that stays is for those alone whose scope names its region, and who ask for nothing else.
bool EventSearch::shows_payload(const Place& place, const EventQuery& query, size_t asked) {
    return !place.region.payload_stays || (asked == 1 && !query.scope.all_regions());
}

std::shared_ptr<EventSearch::Gathering> EventSearch::gather(const EventQuery& query, const Ask& ask,
                                                            int64_t deadline_ns, Outcome& out,
                                                            const std::shared_ptr<PageProgress>& progress) {
    auto gathering = std::make_shared<Gathering>();
    gathering->query = query;
    gathering->committed = telemetry_.committed_seq.load(std::memory_order_acquire);
    const std::vector<const Place*> asked = asked_of(query);
    for (const Place* place : asked) {
        const bool payload = shows_payload(*place, query, asked.size());
        if (!payload && !query.text.empty()) {
            out.missing.push_back(
                {place->region.name, "its payload stays there; ask for this region alone to search it", 0});
            continue;
        }
        Part& part = gathering->parts.emplace_back();
        part.place = place;
        part.payload = payload;
        part.answered = place->lane == nullptr;
        if (place->lane) ++gathering->open;
    }
    for (size_t i = 0; i < gathering->parts.size(); ++i) {
        const Part empty = gathering->parts[i];
        if (!empty.place->lane) continue;
        RegionalQuery::Options options{.region = empty.place->region.name,
                                       .log_id = log_.identity().log_id,
                                       .payload = empty.payload,
                                       .deadline_ns = deadline_ns};
        if (progress) {
            // A little more than its share: regions are seldom alike.
            options.portion = progress->limit() / gathering->parts.size() + progress->limit() / 10 + 1;
            options.enough = [progress, place = empty.place](std::span<const FoundEvent> fresh,
                                                             int64_t reached_us) {
                return progress->enough(place, fresh, reached_us);
            };
        }
        empty.place->lane->ask(
            deadline_ns,
            [gathering, i, empty, options, ask, progress](PostgresConnection& connection) {
                Part part = empty;
                if (progress) progress->begin(empty.place);
                RegionalQuery regional(connection, gathering->query, options);
                part.head = regional.head();
                if (ask) ask(regional, part);
                part.answered = true;
                gathering->close_part(i, std::move(part));
            },
            [gathering, i, empty](RegionalTrouble trouble) {
                Part part = empty;
                part.trouble = std::move(trouble);
                gathering->close_part(i, std::move(part));
            });
    }
    std::unique_lock lock(gathering->mutex);
    const auto left = std::chrono::nanoseconds(std::max<int64_t>(deadline_ns - monotonic_now_ns(), 0));
    gathering->answered.wait_for(lock, left, [&] { return gathering->open == 0; });
    gathering->closed = true;
    for (const Part& part : gathering->parts) {
        if (part.answered) continue;
        const RegionalTrouble trouble = part.trouble.value_or(RegionalTrouble{"no answer in time", 0});
        out.missing.push_back({part.place->region.name, trouble.why, trouble.since_ns});
    }
    out.mark = out.partial() ? "" : mark_of(*gathering);
    return gathering;
}

/// Where a region's part of the answer ends, the hot log's begins.
std::vector<HotQuery::Source> EventSearch::hot_sources(const Gathering& gathering) const {
    std::vector<HotQuery::Source> sources;
    for (const Part& part : gathering.parts) {
        Seq from = part.head.flushed_seq;
        if (!part.answered && part.place->telemetry)
            from = part.place->telemetry->flushed_seq.load(std::memory_order_acquire);
        sources.push_back({part.place->region.name, std::max<Seq>(from, 1), part.payload});
    }
    return sources;
}

std::string EventSearch::mark_of(const Gathering& gathering) const {
    const int64_t until_us = gathering.query.received.to_us;
    const auto is_past = [&](StampNs stamp) { return stamp > 0 && stamp / 1000 >= until_us; };
    std::string mark;
    bool hot = false, hot_only = false;
    for (const Part& part : gathering.parts) {
        mark += fmt::format("{}={};", part.place->region.name, part.head.mark);
        hot = hot || !is_past(part.head.flushed_stamp_ns);
        hot_only = hot_only || !part.place->lane;
    }
    const EventLog::Bounds bounds = log_.bounds();
    if (hot) mark += is_past(bounds.last_stamp_ns) ? "past" : std::to_string(gathering.committed);
    if (hot_only) mark += fmt::format(";{}", bounds.first_seq);
    return mark;
}

EventSearch::Page EventSearch::page(const EventQuery& query, const EventOrder& order,
                                    const std::optional<EventPosition>& after, size_t limit,
                                    int64_t deadline_ns) {
    for (int attempt = 1;; ++attempt) {
        Page out;
        const bool stored = query.state != EventQuery::State::kWaiting;
        const auto progress = std::make_shared<PageProgress>(order, limit);
        const auto gathering = gather(
            query,
            [=](RegionalQuery& regional, Part& part) {
                if (stored) part.events = regional.page(order, after, limit);
            },
            deadline_ns, out, progress);
        for (Part& part : gathering->parts)
            std::move(part.events.begin(), part.events.end(), std::back_inserter(out.events));
        if (query.state != EventQuery::State::kStored) {
            HotQuery hot(log_, query, hot_sources(*gathering),
                         {gathering->committed, deadline_ns, &interrupted_});
            if (!hot.page(order, after, limit, out.events))
                out.missing.push_back({"", "the hot log was not read to its end in time", 0});
            if (hot.was_outrun() && attempt < kAttempts) continue;
        }
        if (out.partial()) out.mark.clear();
        keep_page(out.events, order, after, limit);
        if (out.events.size() == limit) out.next = out.events.back().position(order.by);
        if (out.partial()) progress->cut(out);
        return out;
    }
}

EventSearch::Statistics EventSearch::count(const EventQuery& query, const EventGrouping& grouping,
                                           int64_t deadline_ns) {
    for (int attempt = 1;; ++attempt) {
        Statistics out;
        const bool stored = query.state != EventQuery::State::kWaiting;
        const auto gathering = gather(
            query,
            [=](RegionalQuery& regional, Part& part) {
                if (stored) part.groups = regional.count(grouping, kGroupsMax);
            },
            deadline_ns, out);
        for (const Part& part : gathering->parts)
            for (const auto& [group, counts] : part.groups) out.groups[group].add(counts);
        if (query.state != EventQuery::State::kStored) {
            HotQuery hot(log_, query, hot_sources(*gathering),
                         {gathering->committed, deadline_ns, &interrupted_});
            if (!hot.count(grouping, kGroupsMax, out.groups))
                out.missing.push_back({"", "the hot log was not read to its end in time", 0});
            if (hot.was_outrun() && attempt < kAttempts) continue;
        }
        if (out.partial()) out.mark.clear();
        out.cut = out.groups.size() > kGroupsMax;
        while (out.groups.size() > kGroupsMax) out.groups.erase(std::prev(out.groups.end()));
        return out;
    }
}

std::string EventSearch::current_mark(const EventQuery& query, int64_t deadline_ns) {
    Outcome out;
    gather(query, {}, deadline_ns, out);
    return out.mark;
}

}  // namespace penstock

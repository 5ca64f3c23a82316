#include "storage/hot_query.h"

#include <algorithm>
#include <boost/json.hpp>
#include <iterator>

#include "pipeline/clock.h"
#include "schemas/limits.h"
#include "storage/row_batch.h"

namespace penstock {
namespace {

/// One read transaction stays open no longer: while it does, freed pages of the log are not used again.
constexpr int64_t kSliceNs = 20'000'000;
constexpr Seq kWindowMin = 1024, kWindowMax = 65'536;

/// Null where the bytes are no sound event: a damaged page must not be followed.
const fb::Event* sound_event(const RecordView& record, size_t item) {
    const auto bytes = record.bytes(item);
    flatbuffers::Verifier verifier(bytes.data(), bytes.size());
    return bytes.size() >= 8 && verifier.VerifyBuffer<fb::Event>(nullptr) ? event_of(bytes) : nullptr;
}

}  // namespace

std::string attributes_json(const fb::Event& event) {
    boost::json::object all;
    const auto add = [&](std::string_view name, const auto* pairs) {
        if (!pairs || pairs->size() == 0) return;
        boost::json::object& group = all[name].emplace_object();
        for (const fb::Pair* pair : *pairs) group.emplace(view_of(pair->name()), view_of(pair->value()));
    };
    add("keys", event.keys());
    add("groups", event.groups());
    add("extensions", event.extensions());
    return all.empty() ? std::string() : boost::json::serialize(all);
}

HotQuery::HotQuery(const EventLog& log, const EventQuery& query, std::vector<Source> sources, Options options)
    : log_(log), query_(query), sources_(std::move(sources)), options_(options), reader_(log) {
    const LogNames& names = log.names();
    by_region_.resize(names.regions.size());
    first_ = options_.end;
    for (const Source& source : sources_) {
        const auto id = names.region(source.region);
        if (!id) continue;
        by_region_[*id] = &source;
        region_mask_ |= uint64_t{1} << *id;
        first_ = std::min(first_, source.from);
    }
    IdentityHasher hasher(log.identity().hash_secret);
    for (size_t i = 0; i < names.tenants.size(); ++i) {
        tenants_.push_back(query.asks_tenant(names.tenants[i]));
        if (tenants_.back() && !query.subject.empty())
            keys_.push_back(hasher.key(static_cast<uint16_t>(i), query.subject));
    }
    type_hash_ = type_hash(query.type);
}

bool HotQuery::late() const {
    return monotonic_now_ns() >= options_.deadline_ns || (options_.stop && options_.stop->load());
}

bool HotQuery::was_outrun() const {
    const EventLog::Bounds bounds = log_.bounds();
    return bounds.records > 0 && first_ < bounds.first_seq &&
           std::any_of(
               sources_.begin(), sources_.end(),
               [&](const Source& source) { return source.from > 1 && source.from < bounds.first_seq; });
}

bool HotQuery::may_hold(const RecordView& record) const {
    const RecordHeader& header = *record.header;
    if (header.kind != RecordKind::kEvents || (header.region_mask & region_mask_) == 0) return false;
    if (floor_to_us(header.base_stamp_ns) >= query_.received.to_us ||
        floor_to_us(record.last_stamp()) < query_.received.from_us)
        return false;
    return query_.subject.empty() || std::any_of(keys_.begin(), keys_.end(), [&](const Hash128& key) {
               return bloom_may_hold(record.bloom, key);
           });
}

/// Where the item comes from, if it is one that is asked for.
const HotQuery::Source* HotQuery::source_of(const RecordView& record, size_t item) const {
    const EventHead& head = record.heads[item];
    if (head.region >= by_region_.size() || head.tenant >= tenants_.size()) return nullptr;
    const Source* source = by_region_[head.region];
    if (source == nullptr || record.first_seq() + item < source->from || !tenants_[head.tenant])
        return nullptr;
    if (head.severity < query_.severity_at_least) return nullptr;
    if (!query_.received.holds(floor_to_us(record.stamp(item))) ||
        !query_.time.holds(floor_to_us(head.time_ns)))
        return nullptr;
    if (!query_.type.empty() && head.type_hash != type_hash_) return nullptr;
    if (!query_.subject.empty() && std::find(keys_.begin(), keys_.end(), head.key) == keys_.end())
        return nullptr;
    const fb::Event* event = sound_event(record, item);
    const bool matches = event != nullptr && (query_.type.empty() || view_of(event->type()) == query_.type) &&
                         (query_.subject.empty() || view_of(event->subject()) == query_.subject) &&
                         view_of(event->data()).find(query_.text) != std::string_view::npos;
    return matches ? source : nullptr;
}

FoundEvent HotQuery::event_of(const RecordView& record, size_t item, const Source& source) const {
    const EventHead& head = record.heads[item];
    const fb::Event& event = *penstock::event_of(record.bytes(item));
    FoundEvent out;
    out.seq = record.first_seq() + item;
    out.received_us = floor_to_us(record.stamp(item));
    out.time_us = floor_to_us(head.time_ns);
    out.region = source.region;
    out.log = log_.identity().log_id;
    out.tenant = log_.names().tenants[head.tenant];
    out.source = view_of(event.source());
    out.id = view_of(event.id());
    out.type = view_of(event.type());
    out.subject = view_of(event.subject());
    out.severity = head.severity;
    out.waiting = true;
    out.withheld = !source.payload;
    if (source.payload) {
        out.data = view_of(event.data());
        out.attributes = attributes_json(event);
    }
    return out;
}

bool HotQuery::visit_record(const RecordView& record, bool backwards, Seq low, Seq high, const Take& take) {
    const Seq first = record.first_seq();
    const size_t begin = low > first ? static_cast<size_t>(low - first) : 0;
    const size_t end = static_cast<size_t>(std::min<Seq>(record.count(), high - first));
    for (size_t n = begin; n < end; ++n) {
        const size_t item = backwards ? begin + end - 1 - n : n;
        const Source* source = source_of(record, item);
        if (source != nullptr && !take(record, item, *source)) return false;
    }
    return true;
}

// Forwards in slices. Backwards in windows: first the places of the records that may hold what is asked, then
// these from the newest on.
bool HotQuery::walk(bool backwards, Seq low, Seq high, const Take& take) {
    low = std::max({low, first_, log_.bounds().first_seq});
    high = std::min(high, options_.end);
    if (!backwards) {
        for (bool goes_on = true; goes_on && low < high;) {
            const int64_t slice_end = monotonic_now_ns() + kSliceNs;
            const Seq next = reader_.scan(low, [&](const RecordView& record) {
                goes_on = record.first_seq() < high;
                if (goes_on && may_hold(record)) goes_on = visit_record(record, false, low, high, take);
                return goes_on && monotonic_now_ns() < slice_end;
            });
            if (next == low) break;
            low = next;
            if (goes_on && low < high && late()) return false;
        }
        return true;
    }
    Seq window = kWindowMin;
    std::vector<Seq> places;
    while (low < high) {
        const Seq from = high - low > window ? high - window : low;
        Seq reached = from;
        bool first = true;
        places.clear();
        reader_.scan(from, [&](const RecordView& record) {
            if (record.first_seq() >= high) return false;
            if (first) reached = std::max(low, std::min(from, record.first_seq()));
            first = false;
            if (may_hold(record)) places.push_back(record.first_seq());
            return true;
        });
        for (auto place = places.rbegin(); place != places.rend(); ++place) {
            bool goes_on = true;
            reader_.scan(*place, [&](const RecordView& record) {
                if (record.first_seq() == *place) goes_on = visit_record(record, true, low, high, take);
                return false;
            });
            if (!goes_on) return true;
            if (late()) return false;
        }
        high = reached;
        window = std::min(window * 2, kWindowMax);
        if (late()) return low >= high;
    }
    return true;
}

/// The first sequence of a record that may hold something received then or later.
Seq HotQuery::received_after(int64_t us) const {
    constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
    if (us <= 0) return 1;
    return us > kMax / 1000 ? options_.end : reader_.find_received(us * 1000);
}

bool HotQuery::page(const EventOrder& order, const std::optional<EventPosition>& after, size_t limit,
                    std::vector<FoundEvent>& into) {
    if (region_mask_ == 0 || limit == 0) return true;
    const bool by_time = order.by == EventOrder::By::kTime;
    Seq low = received_after(query_.received.from_us), high = options_.end;
    if (!by_time && after) {
        if (order.oldest_first)
            low = std::max(low, received_after(after->value_us));
        else
            high = std::min(high, received_after(after->value_us + 1) + limits::kBatchEventsMax);
    }
    if (query_.received.to_us < std::numeric_limits<int64_t>::max())
        high = std::min(high, received_after(query_.received.to_us) + limits::kBatchEventsMax);
    // In the order of receipt the first that are found are the page; by time each has to be looked at.
    const size_t keep = by_time ? 2 * limit + 64 : limit;
    std::vector<FoundEvent> found;
    const bool whole = walk(!by_time && !order.oldest_first, low, high,
                            [&](const RecordView& record, size_t item, const Source& source) {
                                FoundEvent event = event_of(record, item, source);
                                const EventPosition at = event.position(order.by);
                                if (after && (order.oldest_first ? at <= *after : at >= *after)) return true;
                                found.push_back(std::move(event));
                                if (by_time && found.size() >= keep) keep_page(found, order, after, limit);
                                return by_time || found.size() < keep;
                            });
    std::move(found.begin(), found.end(), std::back_inserter(into));
    return whole;
}

bool HotQuery::count(const EventGrouping& grouping, size_t groups_max,
                     std::map<EventGroup, EventCounts>& into) {
    if (region_mask_ == 0) return true;
    const bool whole = walk(false, received_after(query_.received.from_us), options_.end,
                            [&](const RecordView& record, size_t item, const Source& source) {
                                const EventHead& head = record.heads[item];
                                const int64_t received_us = floor_to_us(record.stamp(item));
                                EventGroup group;
                                if (grouping.region) group.region = source.region;
                                if (grouping.tenant) group.tenant = log_.names().tenants[head.tenant];
                                if (grouping.type)
                                    group.type = view_of(penstock::event_of(record.bytes(item))->type());
                                if (grouping.severity) group.severity = head.severity;
                                if (grouping.bucket_us > 0)
                                    group.bucket_us = bucket_of(received_us, grouping.bucket_us);
                                into[group].add({1, received_us, received_us, head.severity});
                                return into.size() <= groups_max;
                            });
    return whole;
}

}  // namespace penstock

#include "admin/http/events.h"

#include <xxhash.h>

#include <algorithm>
#include <boost/json.hpp>

#include "admin/http/event_json.h"
#include "schemas/event_generated.h"

namespace penstock::http {
namespace {

constexpr Seq kWindowMin = 1024, kWindowMax = 65'536;
/// A window that was read faster than this may be followed by one twice as long.
constexpr int64_t kWindowQuickNs = 2'000'000;
/// The live stream looks at no more than this; older arrivals are counted, not read.
constexpr Seq kNewestWindow = 8192;

bool shows_letter(const Sight& sight, const RecordView& record, size_t i) {
    const fb::DeadLetter* letter = stored_dead_letter(record, i);
    return letter == nullptr || sight.shows_payload(sight.region_of(*letter));
}

bool equals(const flatbuffers::String* s, std::string_view text) {
    return s != nullptr && std::string_view(s->c_str(), s->size()) == text;
}

}  // namespace

Sight::Sight(const Scope& scope, const LogNames& names, RegionRules rules, bool one_region)
    : all_regions_(scope.all_regions()),
      all_tenants_(scope.all_tenants()),
      rules_(std::move(rules)),
      one_region_(one_region || scope.regions.size() == 1) {
    for (const std::string& name : scope.regions)
        if (const auto id = names.region(name)) regions_ |= 1ULL << *id;
    tenants_.resize(all_tenants_ ? 0 : names.tenants.size());
    for (const std::string& name : scope.tenants)
        if (const auto id = names.tenant(name)) tenants_[*id] = true;
}

uint16_t Sight::region_of(const fb::DeadLetter& letter) const {
    if (letter.raw() == nullptr) return kRegionUnknown;
    const auto known = [&](std::string_view name) {
        const auto at = rules_.names.find(std::string(name));
        return at == rules_.names.end() ? kRegionUnknown : at->second;
    };
    std::vector<uint64_t> room;
    if (const fb::Event* event = sound_event({letter.raw()->data(), letter.raw()->size()}, room))
        return event->region() ? known(event->region()->string_view()) : kRegionUnknown;
    boost::json::error_code failed;
    const auto value = boost::json::parse(
        {reinterpret_cast<const char*>(letter.raw()->data()), letter.raw()->size()}, failed);
    const auto* object = failed ? nullptr : value.if_object();
    const auto* region = object ? object->if_contains("region") : nullptr;
    return region && region->is_string() ? known(region->get_string()) : kRegionUnknown;
}

bool Sight::sees_letter(const RecordView& record, size_t i) const {
    if (!sees_tenant(record.heads[i].tenant)) return false;
    if (all_regions_) return true;
    const fb::DeadLetter* letter = stored_dead_letter(record, i);
    const uint16_t region = letter ? region_of(*letter) : kRegionUnknown;
    return region < 64 && (regions_ >> region & 1) != 0;
}

/// The state of one query: its bounds and what it has used of them.
struct EventQueries::Walk {
    int64_t deadline_ns = 0;
    size_t records_left = 0;
    uint64_t scanned_items = 0;
    Seq position = 0;  ///< all at or above has been looked at
    std::string_view stopped;
};

EventQueries::EventQueries(const EventLog& log, const Clock& clock, Bounds bounds)
    : log_(log), clock_(clock), bounds_(bounds), reader_(log), hasher_(log.identity().hash_secret) {}

// The log reads forwards. Backwards it goes in windows: first the places of the records that may hold what is
// asked (headers only), then these records from the newest on. So a cursor deep in the log costs no more than
// one at its end, and a query can stop at any record.
void EventQueries::walk_back(Walk& walk, RecordKind kind, Seq before,
                             const std::function<bool(const RecordView&)>& may_hold,
                             const std::function<bool(const RecordView&, size_t)>& take) const {
    const EventLog::Bounds log = log_.bounds();
    walk.deadline_ns = clock_.monotonic_ns() + bounds_.time_ns;
    walk.records_left = bounds_.records;
    walk.position = std::min(before, log.next_seq);
    Seq window = kWindowMin;
    std::vector<Seq> candidates;
    while (walk.position > log.first_seq) {
        const Seq high = walk.position;
        const Seq wanted = high - log.first_seq > window ? high - window : log.first_seq;
        Seq low = wanted;
        const int64_t began_ns = clock_.monotonic_ns();
        candidates.clear();
        bool first = true;
        reader_.scan(wanted, [&](const RecordView& record) {
            if (record.first_seq() >= high) return false;
            if (first) low = std::min(low, record.first_seq());
            first = false;
            if (walk.records_left > 0) --walk.records_left;
            if (record.header->kind == kind && may_hold(record)) candidates.push_back(record.first_seq());
            return true;
        });
        for (auto it = candidates.rbegin(); it != candidates.rend(); ++it) {
            bool go_on = true;
            reader_.scan(*it, [&](const RecordView& record) {
                if (record.first_seq() != *it) return false;  // retention was faster
                const Seq items = std::min<Seq>(record.count(), high - record.first_seq());
                for (Seq i = items; i-- > 0 && go_on;) {
                    ++walk.scanned_items;
                    go_on = take(record, i);
                    walk.position = record.first_seq() + i;
                }
                return false;
            });
            if (!go_on) {
                if (walk.position <= log.first_seq) walk.position = 0;
                return;
            }
            walk.position = *it;
            if (clock_.monotonic_ns() >= walk.deadline_ns) {
                walk.stopped = "time";
                return;
            }
        }
        walk.position = low;
        const int64_t now_ns = clock_.monotonic_ns();
        if (walk.position > log.first_seq && (walk.records_left == 0 || now_ns >= walk.deadline_ns)) {
            walk.stopped = walk.records_left == 0 ? "records" : "time";
            return;
        }
        window = now_ns - began_ns < kWindowQuickNs ? std::min(window * 2, kWindowMax)
                                                    : std::max(window / 2, kWindowMin);
    }
    walk.position = 0;
}

std::vector<Hash128> EventQueries::keys_of(const EventFilter& filter) const {
    std::vector<Hash128> keys;
    if (filter.subject.empty()) return keys;
    const auto& tenants = log_.names().tenants;
    for (size_t i = 0; i < tenants.size(); ++i) {
        if (!filter.tenant.empty() && tenants[i] != filter.tenant) continue;
        keys.push_back(hasher_.key(static_cast<uint16_t>(i), filter.subject));
    }
    return keys;
}

EventPage EventQueries::events(const EventFilter& filter, size_t limit, Seq before) const {
    const LogNames& names = log_.names();
    const auto region = filter.region.empty() ? std::nullopt : names.region(filter.region);
    const auto tenant = filter.tenant.empty() ? std::nullopt : names.tenant(filter.tenant);
    EventPage page;
    // A name that the log has never given a number is in no record.
    if ((!filter.region.empty() && !region) || (!filter.tenant.empty() && !tenant)) {
        page.items = "[]";
        return page;
    }
    const uint64_t type_hash = XXH3_64bits(filter.type.data(), filter.type.size());
    const std::vector<Hash128> keys = keys_of(filter);
    const Sight sight = sight_of(filter.scope, region.has_value());
    const auto may_hold = [&](const RecordView& record) {
        if (!sight.may_see(record)) return false;
        if (region && !record.may_hold_region(*region)) return false;
        const auto held = [&](const Hash128& key) { return bloom_may_hold(record.bloom, key); };
        return keys.empty() || std::any_of(keys.begin(), keys.end(), held);
    };
    const auto matches = [&](const RecordView& record, size_t i) {
        const EventHead& head = record.heads[i];
        if (!sight.sees(head)) return false;
        if (region && head.region != *region) return false;
        if (tenant && head.tenant != *tenant) return false;
        if (!filter.type.empty() && head.type_hash != type_hash) return false;
        if (filter.type.empty() && filter.subject.empty()) return true;
        if (!keys.empty() && std::find(keys.begin(), keys.end(), head.key) == keys.end()) return false;
        const fb::Event* e = stored_event(record, i);
        return e != nullptr && (filter.type.empty() || equals(e->type(), filter.type)) &&
               (filter.subject.empty() || equals(e->subject(), filter.subject));
    };
    JsonWriter json;
    json.begin_array();
    Walk walk;
    walk_back(walk, RecordKind::kEvents, before, may_hold, [&](const RecordView& record, size_t i) {
        if (!matches(record, i)) return true;
        write_event(json, record, i, names, sight.shows_payload(record.heads[i].region));
        if (++page.count == limit) {
            walk.stopped = "limit";
        } else if (json.size() >= bounds_.bytes) {
            walk.stopped = "bytes";
        }
        return walk.stopped.empty();
    });
    page.items = json.end_array().take();
    page.next_before = walk.position;
    page.stopped = walk.stopped;
    page.scanned_events = sight.sees_all() ? walk.scanned_items : page.count;
    return page;
}

EventPage EventQueries::dead_letters(const LetterFilter& filter, const DeadLetterBook& book, size_t limit,
                                     Seq before) const {
    const LogNames& names = log_.names();
    const Seq durable = log_.bounds().next_seq;
    const auto tenant = filter.tenant.empty() ? std::nullopt : names.tenant(filter.tenant);
    EventPage page;
    if (!filter.tenant.empty() && !tenant) {
        page.items = "[]";
        return page;
    }
    JsonWriter json;
    json.begin_array();
    Walk walk;
    bool older = false;
    const Sight sight = sight_of(filter.scope);
    const auto matches = [&](const RecordView& record, size_t i) {
        if (!sight.sees_letter(record, i)) return false;
        if (record.stamp(i) >= filter.until_ns) return false;
        if (tenant && record.heads[i].tenant != *tenant) return false;
        if (filter.status && book.fate(record.first_seq() + i, durable).status() != *filter.status)
            return false;
        if (!filter.cause) return true;
        const fb::DeadLetter* letter = stored_dead_letter(record, i);
        return letter != nullptr && letter->cause() == static_cast<uint16_t>(*filter.cause);
    };
    const auto may_hold = [](const RecordView&) { return true; };
    walk_back(walk, RecordKind::kDeadLetters, before, may_hold, [&](const RecordView& record, size_t i) {
        older = record.stamp(i) < filter.since_ns;
        if (older) return false;  // and so are all before it
        if (!matches(record, i)) return true;
        write_dead_letter(json, record, i, names, &book, durable, shows_letter(sight, record, i));
        if (++page.count == limit) {
            walk.stopped = "limit";
        } else if (json.size() >= bounds_.bytes) {
            walk.stopped = "bytes";
        }
        return walk.stopped.empty();
    });
    page.items = json.end_array().take();
    page.next_before = older ? 0 : walk.position;
    page.stopped = walk.stopped;
    page.scanned_events = sight.sees_all() ? walk.scanned_items : page.count;
    return page;
}

bool EventQueries::find(Seq seq, RecordKind kind,
                        const std::function<void(const RecordView&, size_t)>& look) const {
    bool found = false;
    if (seq == 0) return found;
    reader_.scan(seq, [&](const RecordView& record) {
        const bool holds = record.first_seq() <= seq && seq < record.first_seq() + record.count();
        if (holds && record.header->kind == kind) {
            look(record, seq - record.first_seq());
            found = true;
        }
        return false;
    });
    return found;
}

bool EventQueries::sees_event(Seq seq, const Scope& scope) const {
    bool seen = false;
    const Sight sight = sight_of(scope);
    find(seq, RecordKind::kEvents,
         [&](const RecordView& record, size_t i) { seen = sight.sees(record.heads[i]); });
    return seen;
}

std::optional<std::string> EventQueries::event(Seq seq, const Scope& scope) const {
    JsonWriter json;
    bool found = false;
    const Sight sight = sight_of(scope);
    find(seq, RecordKind::kEvents, [&](const RecordView& record, size_t i) {
        found = sight.sees(record.heads[i]);
        if (found) write_event(json, record, i, log_.names(), sight.shows_payload(record.heads[i].region));
    });
    return found ? std::optional(json.take()) : std::nullopt;
}

std::optional<EventGlance> EventQueries::glance(Seq seq, size_t data_bytes, const Scope& scope) const {
    std::optional<EventGlance> out;
    const Sight sight = sight_of(scope);
    find(seq, RecordKind::kEvents, [&](const RecordView& record, size_t i) {
        const fb::Event* e = stored_event(record, i);
        if (e == nullptr) return;
        const auto text = [](const flatbuffers::String* s) {
            return s == nullptr ? std::string_view() : s->string_view();
        };
        const std::string_view data = text(e->data());
        const bool shown = sight.shows_payload(record.heads[i].region);
        size_t end = shown ? std::min(data.size(), data_bytes) : 0;
        while (end < data.size() && end > 0 && (static_cast<uint8_t>(data[end]) & 0xc0) == 0x80) --end;
        out.emplace(EventGlance{record.stamp(i), std::string(text(e->id())), std::string(text(e->source())),
                                std::string(text(e->type())), std::string(text(e->subject())),
                                std::string(data.substr(0, end)), data.size(), !shown});
    });
    return out;
}

std::optional<std::string> EventQueries::dead_letter_json(Seq seq, const DeadLetterBook& book,
                                                          const Scope& scope) const {
    JsonWriter json;
    const Seq durable = log_.bounds().next_seq;
    bool found = false;
    const Sight sight = sight_of(scope);
    find(seq, RecordKind::kDeadLetters, [&](const RecordView& record, size_t i) {
        found = sight.sees_letter(record, i);
        if (found)
            write_dead_letter(json, record, i, log_.names(), &book, durable, shows_letter(sight, record, i));
    });
    return found ? std::optional(json.take()) : std::nullopt;
}

std::optional<StoredLetter> EventQueries::dead_letter(Seq seq, const Scope& scope) const {
    std::optional<StoredLetter> out;
    const Sight sight = sight_of(scope);
    find(seq, RecordKind::kDeadLetters, [&](const RecordView& record, size_t i) {
        const fb::DeadLetter* d = stored_dead_letter(record, i);
        if (d == nullptr || !sight.sees_letter(record, i)) return;
        DeadLetter& letter = out.emplace().letter;
        letter.cause = static_cast<Refusal>(d->cause());
        letter.tenant = record.heads[i].tenant;
        const auto text = [](const flatbuffers::String* s) {
            return s == nullptr ? std::string() : s->str();
        };
        letter.detail = text(d->detail());
        letter.peer = text(d->peer());
        letter.producer = text(d->producer());
        letter.position = d->position();
        if (d->raw() != nullptr) letter.raw.assign(d->raw()->begin(), d->raw()->end());
        letter.whole_length = d->whole_length();
        letter.whole_hash = d->whole_hash();
        std::vector<uint64_t> room;
        const fb::Event* event = sound_event(letter.raw, room);
        out->flatbuffer = event != nullptr || letter.cause == Refusal::kBadFlatBuffer;
        if (event != nullptr)
            out->identity =
                hasher_.id(letter.tenant, event->source()->string_view(), event->id()->string_view());
    });
    return out;
}

NewestEvents EventQueries::newest(Seq since, size_t limit, const Scope& scope) const {
    NewestEvents out;
    const EventLog::Bounds log = log_.bounds();
    out.next_seq = log.next_seq;
    const Seq from = std::max(since, log.next_seq > kNewestWindow ? log.next_seq - kNewestWindow : 1);
    out.skipped = from > since ? from - since : 0;
    const Sight sight = sight_of(scope);
    if (!sight.sees_all()) out.skipped = 0;
    std::vector<Seq> places;
    reader_.scan(from, [&](const RecordView& record) {
        if (record.first_seq() >= log.next_seq) return false;
        if (record.header->kind == RecordKind::kEvents && record.count() > 0 && sight.may_see(record)) {
            places.push_back(record.first_seq());
            const Seq begin = std::max(from, record.first_seq()) - record.first_seq();
            if (sight.sees_all()) out.skipped += record.count() - begin;
            for (Seq i = begin; !sight.sees_all() && i < record.count(); ++i)
                out.skipped += sight.sees(record.heads[i]);
        }
        return true;
    });
    JsonWriter json;
    json.begin_array();
    for (auto it = places.rbegin(); it != places.rend() && out.count < limit; ++it) {
        reader_.scan(*it, [&](const RecordView& record) {
            if (record.first_seq() != *it) return false;
            for (size_t i = record.count(); i-- > 0 && out.count < limit && record.first_seq() + i >= from;) {
                if (!sight.sees(record.heads[i])) continue;
                write_event_summary(json, record, i, log_.names());
                ++out.count;
            }
            return false;
        });
    }
    out.items = json.end_array().take();
    out.skipped -= out.count;
    return out;
}

}  // namespace penstock::http

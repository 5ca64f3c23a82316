#include "tests/simulation/checker.h"

#include <algorithm>
#include <charconv>
#include <tuple>

#include "admin/appliance_workflows.h"
#include "admin/cli/event_text.h"
#include "schemas/event_fields.h"
#include "schemas/refusal.h"

namespace penstock::simulation {

namespace {

std::string content_of(std::string_view type, std::string_view subject, StampNs time_ns,
                       std::string_view region, std::string_view data) {
    return fmt::format("{}|{}|{}|{}|{}", type, subject, time_ns, region, data);
}
auto tuple_of(const SlaEffect& e) {
    return std::tuple(e.cause_seq, e.kind, e.workflow, e.edge, e.key.lo, e.key.hi, e.anchor_seq,
                      e.deadline_ns, e.at_ns);
}
std::string show(const SlaEffect& e) {
    return fmt::format("kind {} of workflow {} edge {} anchored at {}, caused by {}",
                       static_cast<int>(e.kind), e.workflow, e.edge, e.anchor_seq, e.cause_seq);
}

}  // namespace

std::string MadeEvent::content() const { return content_of(type, subject, time_ns, region, data); }

std::string MadeEvent::json() const {
    if (fault == Fault::kBadJson) return fmt::format(R"({{"specversion":"1.0","id":"{}",)", id);
    std::string out = fmt::format(R"({{"specversion":"1.0","source":"{}")", source);
    if (fault != Fault::kMissingField) out += fmt::format(R"(,"id":"{}")", id);
    out += fmt::format(R"(,"type":"{}")", type);
    if (!subject.empty()) out += fmt::format(R"(,"subject":"{}")", subject);
    if (time_ns != kNoTime) out += fmt::format(R"(,"time":"{}")", cli::format_rfc3339(time_ns));
    if (!region.empty()) out += fmt::format(R"(,"region":"{}")", region);
    return out + fmt::format(R"(,"data":{}}})", data);
}

Checker::Checker(Options options)
    : options_(std::move(options)), shadow_(Engine::Options{options_.instance_retention_ns}) {
    shadow_.on_effect = [this](const SlaEffect& e) { shadow_effects_.push_back(e); };
    connect(shadow_, shadow_alerts_);
}
Checker::~Checker() = default;

// --- what producers do and hear ---------------------------------------------------------------------------

void Checker::sent(const MadeEvent& event) { sent_[event.identity()].insert(event.content()); }

bool Checker::has(const MadeEvent& event) const {
    const auto it = stored_.find(event.identity());
    if (it == stored_.end()) return false;
    return std::any_of(it->second.begin(), it->second.end(),
                       [content = event.content()](const Stored& s) { return s.content == content; });
}

void Checker::told_stored(const MadeEvent& event, const std::string& who) {
    if (event.fault != MadeEvent::Fault::kNone)
        return fail(fmt::format("{}: a faulty event ({} {}) was acknowledged and not refused", who,
                                event.source, event.id));
    if (!has(event))
        fail(fmt::format("{}: event {} {} was acknowledged as stored, but is not in the log", who,
                         event.source, event.id));
}

void Checker::told_refused(const MadeEvent& event, const std::string& origin, const std::string& cause) {
    using Fault = MadeEvent::Fault;
    const bool conflicts = sent_[event.identity()].size() > 1;
    const bool expected = (event.fault == Fault::kBadJson && cause == "bad_json") ||
                          (event.fault == Fault::kMissingField && cause == "missing_field") ||
                          (event.fault == Fault::kUnknownRegion && cause == "unknown_region") ||
                          (conflicts && cause == "conflict");
    if (!expected)
        return fail(fmt::format("{}: event {} {} was refused as {}", origin, event.source, event.id, cause));
    const auto it = letters_.find(origin);
    const bool kept = it != letters_.end() &&
                      std::any_of(it->second.begin(), it->second.end(),
                                  [&](uint16_t c) { return info(static_cast<Refusal>(c)).name == cause; });
    if (!kept) fail(fmt::format("{}: refused as {}, but no dead letter says so", origin, cause));
}

void Checker::told_done(const MadeEvent& event, const std::string& origin) {
    if (event.fault == MadeEvent::Fault::kNone) return told_stored(event, origin);
    if (!letters_.contains(origin))
        fail(fmt::format("{}: a faulty event is answered for, but no dead letter says so", origin));
}

// --- the log ----------------------------------------------------------------------------------------------

void Checker::committed(const EventLog& log) {
    LogReader(log).scan(
        next_seq_,
        [&](const RecordView& record) {
            take(record);
            return true;
        },
        true);
}

void Checker::reopened(const EventLog& log) {
    const EventLog::Bounds bounds = log.bounds();
    if (bounds.next_seq < next_seq_)
        return fail(fmt::format("records {} to {} were committed and are gone after a restart",
                                bounds.next_seq, next_seq_ - 1));
    Seq next = 0;
    LogReader(log).scan(
        bounds.first_seq,
        [&](const RecordView& record) {
            if (next != 0 && record.first_seq() != next)
                fail(fmt::format("after a restart the log goes from {} to {}", next - 1, record.first_seq()));
            next = record.end_seq();
            const auto known = records_.find(record.first_seq());
            if (record.first_seq() < next_seq_ &&
                (known == records_.end() || known->second != record.header->checksum))
                fail(fmt::format("the record at {} has changed after a restart", record.first_seq()));
            return true;
        },
        true);
    committed(log);
}

void Checker::take(const RecordView& record) {
    if (record.first_seq() != next_seq_)
        fail(fmt::format("the record at {} follows sequence {}", record.first_seq(), next_seq_ - 1));
    if (record.header->base_stamp_ns <= last_stamp_ns_)
        fail(fmt::format("the record at {} is not later than the one before it", record.first_seq()));
    next_seq_ = record.end_seq();
    last_stamp_ns_ = record.last_stamp();
    records_[record.first_seq()] = record.header->checksum;
    for (size_t i = 0; i < record.count(); ++i) {
        if (record.header->kind == RecordKind::kEvents) take_event(record, i);
        if (record.header->kind == RecordKind::kDeadLetters) take_dead_letter(record, i);
    }
    if (record.header->kind == RecordKind::kControl) ++figures.controls;
    shadow_.apply(record);
    shadow_positions_.apply(record);
    shadow_alerts_.apply(record);
}

void Checker::take_event(const RecordView& record, size_t i) {
    const Seq seq = record.first_seq() + i;
    EventFields f;
    read_event(*event_of(record.bytes(i)), f);
    Item item{std::string(f.source) + '\n' + std::string(f.id),
              content_of(f.type, f.subject, f.time_ns, f.region, f.data),
              std::string(f.data),
              record.heads[i].region,
              record.stamp(i),
              f.data.find("poison") != std::string_view::npos};
    const auto known = sent_.find(item.identity);
    if (known == sent_.end() || !known->second.contains(item.content))
        fail(fmt::format("the log has at {} an event that nobody sent: {} {}", seq, f.source, f.id));
    auto& stored = stored_[item.identity];
    if (!stored.empty() && item.stamp_ns - stored.back().stamp_ns < options_.window_ns &&
        !taken_before_leap(stored.back().stamp_ns))
        fail(fmt::format("event {} {} is stored twice, at {} and {}, {} ms apart", f.source, f.id,
                         stored.back().seq, seq, (item.stamp_ns - stored.back().stamp_ns) / 1'000'000));
    if (f.source.starts_with("/named/")) {
        uint64_t number = 0;
        std::from_chars(f.id.data(), f.id.data() + f.id.size(), number);
        uint64_t& last = last_number_[std::string(f.source)];
        // A producer that starts over relies on the window, as an anonymous one does.
        if (!stored.empty() && !options_.producers_start_over)
            fail(fmt::format("event {} {} of a named producer is stored twice", f.source, f.id));
        if (number <= last && stored.empty())
            fail(fmt::format("event {} {} is stored behind number {}: not in the order of sending", f.source,
                             f.id, last));
        last = std::max(last, number);
    }
    last_deadline_ns_ = std::max(last_deadline_ns_, record.heads[i].time_ns);
    stored.push_back({seq, item.stamp_ns, item.content});
    items_.emplace(seq, std::move(item));
    ++figures.events;
}

/// An event that was in the open batch while the clock leapt: its stamp is of after the leap, its window of
/// before.
bool Checker::taken_before_leap(StampNs stamp_ns) const {
    return std::any_of(leaps_.begin(), leaps_.end(),
                       [&](StampNs leap) { return stamp_ns >= leap && stamp_ns < leap + 10'000'000'000; });
}

void Checker::take_dead_letter(const RecordView& record, size_t i) {
    const auto* letter = flatbuffers::GetRoot<fb::DeadLetter>(record.bytes(i).data());
    const std::string_view producer = view_of(letter->producer());
    const std::string by(producer.empty() ? view_of(letter->peer()) : producer);
    letters_[origin_of(by, letter->position())].insert(letter->cause());
    ++figures.dead_letters;
}

// --- live effects -----------------------------------------------------------------------------------------

void Checker::forget_live_effects(Seq not_durable_from) {
    std::erase_if(live_, [&](const SlaEffect& e) { return e.cause_seq >= not_durable_from; });
}

// --- regions ----------------------------------------------------------------------------------------------

void Checker::stored_in_region(const std::string& region, const std::vector<RegionRow>& rows) {
    for (const RegionRow& row : rows) {
        if (!region_seqs_[region].insert(row.seq).second)
            return fail(fmt::format("region {}: sequence {} ({} {}) is stored twice", region, row.seq,
                                    row.source, row.id));
        const auto it = items_.find(static_cast<Seq>(row.seq));
        if (it == items_.end())
            return fail(fmt::format("region {}: sequence {} ({} {}) is stored, but not committed to the log",
                                    region, row.seq, row.source, row.id));
        const Item& item = it->second;
        if (item.identity != row.source + '\n' + row.id || options_.regions.at(item.region) != region ||
            item.data != row.data)
            return fail(
                fmt::format("region {}: sequence {} is another event than in the log", region, row.seq));
        ++figures.rows;
    }
}

std::string Checker::data_not_in_region() const {
    for (const auto& [seq, item] : items_) {
        const auto region = region_seqs_.find(options_.regions.at(item.region));
        const bool there = region != region_seqs_.end() && region->second.contains(static_cast<int64_t>(seq));
        if (!there && !item.poison && item.data.starts_with(R"({"n":)")) return item.data;
    }
    return {};
}

// --- the end ----------------------------------------------------------------------------------------------

void Checker::final_regions(const std::vector<RegionDatabase*>& regions, const std::string& log_id) {
    for (RegionDatabase* db : regions) {
        const std::set<int64_t>& there = region_seqs_[db->name()];
        uint64_t refused = 0;
        for (const auto& [seq, item] : items_) {
            if (options_.regions.at(item.region) != db->name()) continue;
            const bool letter = letters_.contains(origin_of("region " + db->name(), seq));
            if (item.poison) ++refused;
            if (item.poison && !letter)
                fail(fmt::format("region {}: the row of sequence {} was refused, but no dead letter says so",
                                 db->name(), seq));
            if (item.poison == there.contains(static_cast<int64_t>(seq)))
                fail(fmt::format("region {}: sequence {} ({}) is {}", db->name(), seq,
                                 item.identity.substr(0, item.identity.find('\n')),
                                 item.poison ? "stored although it is refused" : "missing at the end"));
            if (!item.poison && letter)
                fail(fmt::format("region {}: sequence {} is in the dead letters and was not refused",
                                 db->name(), seq));
        }
        const auto ledger = db->ledgers().find(log_id);
        if (ledger == db->ledgers().end()) {
            fail(fmt::format("region {}: there is no ledger", db->name()));
        } else if (ledger->second.stored != static_cast<int64_t>(there.size()) ||
                   ledger->second.refused != static_cast<int64_t>(refused)) {
            fail(fmt::format("region {}: the ledger counts {} stored and {} refused, there are {} and {}",
                             db->name(), ledger->second.stored, ledger->second.refused, there.size(),
                             refused));
        }
    }
}

void Checker::final_state(const StateStore& state) {
    test::Rows fresh, positions, alerts;
    fresh.save(shadow_);
    positions.save(shadow_positions_);
    alerts.save(shadow_alerts_);
    std::map<std::string, std::string> wanted = fresh.rows();
    wanted.insert(positions.rows().begin(), positions.rows().end());
    wanted.insert(alerts.rows().begin(), alerts.rows().end());
    std::map<std::string, std::string> found;
    state.load([&](std::span<const uint8_t> key, std::span<const uint8_t> value) {
        found.emplace(std::string(key.begin(), key.end()), std::string(value.begin(), value.end()));
    });
    if (state.applied_seq() != next_seq_)
        fail(fmt::format("the last checkpoint holds records up to {}, the log ends at {}",
                         state.applied_seq() - 1, next_seq_ - 1));
    if (wanted == found) return;
    for (const auto& [key, value] : wanted)
        if (const auto it = found.find(key); it == found.end() || it->second != value)
            return fail(fmt::format(
                "replay from the start and the live state differ: the row {:02x} of {} bytes is {}",
                fmt::join(key, " "), value.size(),
                it == found.end() ? "missing in the live state" : "another"));
    for (const auto& [key, value] : found)
        if (!wanted.contains(key))
            return fail(
                fmt::format("the live state has a row that a replay from the start does not make: {:02x}",
                            fmt::join(key, " ")));
}

void Checker::final_deadlines(const Engine& live, bool workflow_changed) {
    // Each deadline is missed at most once, and whatever was told live is what the log says.
    std::set<std::tuple<uint32_t, uint32_t, uint64_t, uint64_t, Seq>> missed;
    std::map<decltype(tuple_of(SlaEffect{})), size_t> from_log;  ///< with its place
    for (const SlaEffect& e : shadow_effects_) {
        from_log.emplace(tuple_of(e), from_log.size());
        if (e.kind == SlaEffect::Kind::kMissed &&
            !missed.emplace(e.workflow, e.edge, e.key.lo, e.key.hi, e.anchor_seq).second)
            fail(fmt::format("a deadline fired twice: {}", show(e)));
    }
    size_t next = 0;
    for (const SlaEffect& e : live_) {
        const auto it = from_log.find(tuple_of(e));
        if (it == from_log.end())
            fail(fmt::format("told live, but the log says otherwise: {}", show(e)));
        else if (it->second < next)
            fail(fmt::format("told twice, or in another order than the log says: {}", show(e)));
        else
            next = it->second + 1;
    }
    // What each edge must have come to, told from the events alone.
    for (const uint32_t id : live.workflow_ids()) {
        const Workflow& w = *live.workflow(id);
        const WorkflowCounts counts = live.counts(id);
        const WorkflowCounts replayed = shadow_.counts(id);
        for (size_t e = 0; e < w.edges.size(); ++e) {
            const EdgeCounts& c = counts.edges[e];
            const EdgeCounts& r = replayed.edges[e];
            if (std::tie(c.anchored, c.met, c.late, c.missed, c.pending) !=
                std::tie(r.anchored, r.met, r.late, r.missed, r.pending))
                fail(fmt::format("edge {}: counts live and replayed differ", e));
            if (c.pending != 0)
                fail(fmt::format("edge {}: {} deadlines have passed and did not fire", e, c.pending));
            figures.missed += c.missed, figures.met += c.met, figures.late += c.late;
            if (workflow_changed || options_.instance_retention_ns > 0) continue;
            // In the order of their own times, whatever order they came in. What comes before a case begins
            // is forgotten when nothing follows within the bound.
            struct Case {
                std::vector<std::tuple<StampNs, Seq, std::string>> events;
                StampNs last_ns = 0;
                bool begun = false;
                bool settled = false;  ///< more may have come before what was folded together
            };
            std::map<std::string, Case> keys;
            // Of a case of many events the oldest are folded together once they are older than the bound of
            // disorder; what is older still and comes then (a clock was stepped back) finds them settled.
            constexpr size_t kKeptInOrder = 64;
            const auto is_stage = [&](const std::string& type) {
                return std::any_of(w.stages.begin(), w.stages.end(),
                                   [&](const WorkflowStage& s) { return s.type == type; });
            };
            const auto begins = [&](const std::string& type) {
                return std::any_of(w.edges.begin(), w.edges.end(),
                                   [&](const Edge& other) { return w.from(other).type == type; });
            };
            for (const auto& [seq, item] : items_) {
                const std::string& content = item.content;
                const size_t type_end = content.find('|'), subject_end = content.find('|', type_end + 1);
                const std::string subject = content.substr(type_end + 1, subject_end - type_end - 1);
                const std::string type = content.substr(0, type_end);
                if (subject.empty() || !is_stage(type)) continue;
                const StampNs own = std::strtoll(content.c_str() + subject_end + 1, nullptr, 10);
                Case& of_key = keys[subject];
                if (!of_key.begun && item.stamp_ns > of_key.last_ns + w.disorder_ns) of_key.events.clear();
                of_key.begun |= begins(type);
                of_key.last_ns = item.stamp_ns;
                of_key.events.emplace_back(own == kNoTime ? item.stamp_ns : own, seq, type);
                of_key.settled |= of_key.events.size() > kKeptInOrder && own != kNoTime &&
                                  own + w.disorder_ns < item.stamp_ns;
            }
            uint64_t anchored = 0, met = 0, late = 0, settled = 0;
            for (auto& [subject, of_key] : keys) {
                settled += of_key.settled;
                auto& events = of_key.events;
                std::sort(events.begin(), events.end());
                StampNs deadline = kNoTime;
                for (const auto& [time, seq, type] : events) {
                    if (deadline == kNoTime) {
                        if (type != w.from(w.edges[e]).type) continue;
                        deadline = time + w.edges[e].within_ns;
                        ++anchored;
                    } else if (type == w.to(w.edges[e]).type) {
                        ++(time <= deadline ? met : late);
                        break;
                    }
                }
            }
            // A case counts once at most: each that is settled may differ by one, all others are exact.
            const auto differs = [&](uint64_t live_count, uint64_t count) {
                return std::max(live_count, count) - std::min(live_count, count) > settled;
            };
            if (differs(c.anchored, anchored) || differs(c.met, met) || differs(c.late, late) ||
                c.missed != c.anchored - c.met - c.late)
                fail(fmt::format(
                    "edge {}: {} anchored, {} met, {} late, {} missed; the events make it {}, {}, {}, {}", e,
                    c.anchored, c.met, c.late, c.missed, anchored, met, late, anchored - met - late));
        }
    }
}

}  // namespace penstock::simulation

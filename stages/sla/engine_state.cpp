// The engine's rows: what a checkpoint holds, and what a start makes of it.
//   S 0                    totals
//   S 1 id                 a version that runs: its document and counts
//   S 2 id place           an instance; those that begin together lie together
//   S 3 producer, S 4      the observer's
//   S 5 id rule tenant ...  a rule on the clock: that it runs, and its own rows
//   S 6 number             a clock
//   S 7 id number          a group
//   S 8 id what level time a point of a series; what: 0 the workflow, edges from 1, groups from 2^31
//   S 9 name 0 number      a version
#include <algorithm>
#include <limits>
#include <stdexcept>

#include "stages/sla/engine.h"
#include "stages/sla/running.h"

namespace penstock {

namespace {

enum Table : uint8_t {
    kTotals = 0,
    kWorkflows = 1,
    kInstances = 2,
    kWatches = 5,
    kClocks = 6,
    kGroups = 7,
    kSeries = 8,
    kVersions = 9
};
constexpr uint32_t kFormat = 3;   ///< of rows
constexpr size_t kRowsAhead = 4;  ///< asked for before they are copied
constexpr uint32_t kFirstEdge = 1, kFirstGroup = 0x8000'0000;

void write_counts(RowWriter& value, const RuleCounts& c) {
    for (const uint64_t n :
         {c.anchored, c.met, c.late, c.missed, c.pending, c.cancelled, c.excused, c.at_risk, c.in_trouble})
        value.value(n);
}
void read_counts(RowReader& value, RuleCounts& c) {
    for (uint64_t* n : {&c.anchored, &c.met, &c.late, &c.missed, &c.pending, &c.cancelled, &c.excused,
                        &c.at_risk, &c.in_trouble})
        *n = value.value<uint64_t>();
}

RowWriter workflow_key(uint32_t id) {
    RowWriter key;
    key.key_u8('S').key_u8(kWorkflows).key_u32(id);
    return key;
}
RowWriter group_key(uint32_t id, uint32_t group) {
    RowWriter key;
    key.key_u8('S').key_u8(kGroups).key_u32(id).key_u32(group);
    return key;
}
RowWriter point_key(uint32_t id, uint32_t what, bool hours, StampNs start_ns) {
    RowWriter key;
    key.key_u8('S').key_u8(kSeries).key_u32(id).key_u32(what).key_u8(hours);
    key.key_u64(static_cast<uint64_t>(start_ns) ^ uint64_t{1} << 63);
    return key;
}

void save_series(Series& series, uint32_t id, uint32_t what, Checkpoint& out) {
    series.save(
        [&](bool hours, StampNs at_ns, std::span<const uint8_t> value) {
            out.put(point_key(id, what, hours, at_ns).bytes(), value);
        },
        [&](bool hours, StampNs at_ns) { out.erase(point_key(id, what, hours, at_ns).bytes()); });
}

void write_state(RowWriter& value, const CaseState& s) {
    value.value(static_cast<uint16_t>(s.obligations.size()));
    for (const Obligation& o : s.obligations)
        value.value(o.deadline_ns).value(o.anchor_seq).value(o.edge).value(o.phase).value(o.pass);
    value.raw(s.reached.data(), s.reached.size()).raw(s.passes.data(), s.passes.size()).value(s.outcome);
}
void read_state(RowReader& value, CaseState& s) {
    s.obligations.resize(value.value<uint16_t>());
    for (Obligation& o : s.obligations) {
        o.deadline_ns = value.value<StampNs>();
        o.anchor_seq = value.value<Seq>();
        o.edge = value.value<uint16_t>();
        o.phase = value.value<Obligation::Phase>();
        o.pass = value.value<uint8_t>();
    }
    for (uint8_t& r : s.reached) r = value.value<uint8_t>();
    for (uint8_t& p : s.passes) p = value.value<uint8_t>();
    s.outcome = value.value<WorkflowStage::Terminal>();
}

}  // namespace

// --- saving -----------------------------------------------------------------------------------------------

void Engine::begin_save(Checkpoint& out) {
    saving_ = &out;
    RowWriter key, value;
    for (const std::vector<uint8_t>& gone : std::exchange(rows_gone_, {})) out.erase(gone);
    for (const auto& r : running_)
        if (r && std::exchange(r->header_dirty, false)) save_workflow(*r, out);
    gone_unsaved_.swap(gone_);
    observer_.save(out);
    save_clocks(out);
    save_versions(out);
    save_watches(out);
    if (!std::exchange(totals_dirty_, false)) return;
    key.clear();
    value.value(fired_).value(retracted_).value(evicted_).value(uint64_t{running_.size()}).value(kFormat);
    value.value(options_.instance_retention_ns)
        .value(options_.sources.idle_ns)
        .value(options_.sources.hold_ns)
        .value(options_.sources.lag_ns);
    value.value(static_cast<uint32_t>(tenants_.size()));
    for (const std::string& tenant : tenants_) value.text(tenant);
    out.put(key.key_u8('S').key_u8(kTotals).bytes(), value.bytes());
}

void Engine::forget_rows(const Running& r) {
    const auto gone = [&](const RowWriter& key) {
        rows_gone_.emplace_back(key.bytes().begin(), key.bytes().end());
    };
    const auto series_gone = [&](const Series& series, uint32_t what) {
        series.forget([&](bool hours, StampNs at_ns) { gone(point_key(r.id, what, hours, at_ns)); });
    };
    gone(workflow_key(r.id));
    series_gone(r.series, 0);
    for (uint32_t e = 0; e < r.edge_series.size(); ++e) series_gone(r.edge_series[e], kFirstEdge + e);
    for (uint32_t g = 0; g < r.groups.size(); ++g) {
        gone(group_key(r.id, g));
        series_gone(r.groups[g].series, kFirstGroup + g);
    }
}

void Engine::save_workflow(Running& r, Checkpoint& out) {
    RowWriter value;
    value.text(r.workflow.document).value(r.version).value(r.state);
    for (const RuleCounts& c : r.counts) write_counts(value, c);
    for (const uint64_t n : r.reached) value.value(n);
    value.value(r.disorder).value(r.in_flight).value(r.completed).value(r.failed).value(r.condition_errors);
    value.value(static_cast<uint32_t>(r.drains.size()));
    for (const uint32_t id : r.drains) value.value(id);
    out.put(workflow_key(r.id).bytes(), value.bytes());
    for (uint32_t g = 0; g < r.groups.size(); ++g) {
        Running::Group& group = r.groups[g];
        if (!std::exchange(group.dirty, false)) continue;
        value.clear();
        value.text(group.text).text(group.alert_text);
        write_counts(value, group.counts);
        value.value(group.in_flight).value(group.completed).value(group.failed);
        out.put(group_key(r.id, g).bytes(), value.bytes());
        save_series(group.series, r.id, kFirstGroup + g, out);
    }
    save_series(r.series, r.id, 0, out);
    for (uint32_t e = 0; e < r.edge_series.size(); ++e)
        save_series(r.edge_series[e], r.id, kFirstEdge + e, out);
    r.unsaved.swap(r.changed);
    ++r.interval;
}

void Engine::save_clocks(Checkpoint& out) {
    for (uint32_t i = 0; i < clocks_.size(); ++i) {
        SourceClock& c = *clocks_[i];
        if (!std::exchange(c.dirty, false)) continue;
        RowWriter key, value;
        value.value(c.kind)
            .value(c.tenant)
            .text(c.source)
            .value(c.watermark_ns)
            .value(c.heard_ns)
            .value(c.lagging);
        out.put(key.key_u8('S').key_u8(kClocks).key_u32(i).bytes(), value.bytes());
    }
}

void Engine::save_versions(Checkpoint& out) {
    RowWriter key, value;
    const auto key_of_version = [&](std::string_view name, uint32_t number) {
        key.clear();
        key.key_u8('S').key_u8(kVersions).raw(name.data(), name.size());
        return key.key_u8(0).key_u32(number).bytes();
    };
    for (const auto& [name, number] : std::exchange(versions_gone_, {}))
        out.erase(key_of_version(name, number));
    for (auto& [name, versions] : versions_)
        for (Version& v : versions) {
            if (!std::exchange(v.dirty, false)) continue;
            value.clear();
            value.text(name).value(v.seen.number).value(v.seen.state).value(v.running);
            value.text(v.seen.document).text(v.seen.faults);
            value.value(static_cast<uint32_t>(v.seen.history.size()));
            for (const VersionStep& s : v.seen.history)
                value.value(s.seq).value(s.at_ns).text(s.action).text(s.by).text(s.note);
            out.put(key_of_version(name, v.seen.number), value.bytes());
        }
}

bool Engine::save_some(size_t rows) {
    if (!saving_) return false;
    for (; rows > 0 && !gone_unsaved_.empty(); --rows) {
        const auto [workflow, place] = gone_unsaved_.back();
        saving_->erase(instance_key(workflow, place));
        gone_unsaved_.pop_back();
    }
    for (const auto& r : running_) {
        if (!r) continue;
        for (; rows > 0 && !r->unsaved.empty(); --rows) {
            const size_t last = r->unsaved.size() - 1;
            if (last >= 2 * kRowsAhead) r->pool.prefetch(r->unsaved[last - 2 * kRowsAhead]);
            if (last >= kRowsAhead) r->pool.prefetch_record(r->unsaved[last - kRowsAhead]);
            const uint32_t i = r->unsaved.back();
            r->unsaved.pop_back();
            // Else it has been saved before a later change, or has gone.
            if (r->pool.at(i).changed_in == r->interval - 1) save_instance(*r, i);
        }
        if (rows == 0) return true;
    }
    if (rows == 0) return true;
    saving_ = nullptr;
    return false;
}

std::span<const uint8_t> Engine::instance_key(uint32_t running_id, uint32_t place) {
    key_row_.clear();
    return key_row_.key_u8('S').key_u8(kInstances).key_u32(running_id).key_u32(place).bytes();
}

void Engine::save_instance(Running& r, uint32_t i) {
    Instance& instance = r.pool.at(i);
    instance.changed_in = 0;
    value_row_.clear();
    value_row_.value(instance.key)
        .value(instance.last_ns)
        .value(uint32_t{instance.group})
        .value(instance.tenant)
        .value(instance.clock);
    value_row_.value(instance.outcome)
        .value(static_cast<uint8_t>(instance.early | instance.sealed << 1 | instance.told << 2));
    value_row_.value(static_cast<uint16_t>(instance.record.events().size()));
    value_row_.raw(instance.record.events().data(), instance.record.events().size_bytes());
    value_row_.value(static_cast<uint16_t>(instance.record.obligations().size()));
    for (const Obligation& o : instance.record.obligations())
        value_row_.value(o.deadline_ns).value(o.anchor_seq).value(o.edge).value(o.phase).value(o.pass);
    if (instance.sealed) write_state(value_row_, r.sealed.at(i));
    saving_->put(instance_key(r.id, i), value_row_.bytes());
}

void Engine::before_change(Running& r, uint32_t i) {
    r.header_dirty = true;  // the counts change with it
    Instance& instance = r.pool.at(i);
    if (instance.changed_in == r.interval) return;
    if (instance.changed_in != 0) save_instance(r, i);  // as it was at the cut
    instance.changed_in = r.interval;
    r.changed.push_back(i);
}

// --- loading ----------------------------------------------------------------------------------------------

void Engine::load_row(std::span<const uint8_t> key_bytes, std::span<const uint8_t> value_bytes) {
    RowReader key(key_bytes), value(value_bytes);
    key.key_u8();
    switch (key.key_u8()) {
        case kTotals:
            fired_ = value.value<uint64_t>();
            retracted_ = value.value<uint64_t>();
            evicted_ = value.value<uint64_t>();
            running_.resize(value.value<uint64_t>());  // a number is never given twice
            if (value.value<uint32_t>() != kFormat)
                throw std::runtime_error(
                    "the state of workflows was written by an older version; remove data_dir's folder state, "
                    "and it is made again from the log");
            options_.instance_retention_ns = value.value<int64_t>();
            options_.sources.idle_ns = value.value<int64_t>();
            options_.sources.hold_ns = value.value<int64_t>();
            options_.sources.lag_ns = value.value<int64_t>();
            tenants_.clear();
            for (auto n = value.value<uint32_t>(); n > 0 && value.ok(); --n)
                tenants_.emplace_back(value.text());
            return;
        case kWorkflows:
            return load_workflow(key.key_u32(), value);
        case kInstances:
            if (Running* r = running(key.key_u32())) load_instance(*r, key, value);
            return;
        case Observer::kProducerTable: {
            const auto name = key_bytes.subspan(2);
            return observer_.load_producer({reinterpret_cast<const char*>(name.data()), name.size()},
                                           value.value<uint8_t>());
        }
        case Observer::kGapsTable:
            return observer_.load_gaps(value);
        case kWatches:
            return load_watch(key, key_bytes, value_bytes);
        case kClocks: {
            const uint32_t number = key.key_u32();
            const auto kind = value.value<SourceClock::Kind>();
            const auto tenant = value.value<uint16_t>();
            const std::string_view source = value.text();
            SourceClock& c = number == kLiveClock
                                 ? *clocks_[0]
                                 : add_clock(kind, tenant, source, clock_id(kind, tenant, source));
            c.watermark_ns = value.value<StampNs>();
            c.heard_ns = value.value<StampNs>();
            c.lagging = value.value<bool>();
            c.dirty = false;
            return;
        }
        case kSeries: {
            Running* r = running(key.key_u32());
            const uint32_t what = key.key_u32();
            const bool hours = key.key_u8() != 0;
            const auto start_ns = static_cast<StampNs>(key.key_u64() ^ uint64_t{1} << 63);
            if (!r) return;
            Series& series = what >= kFirstGroup  ? r->groups.at(what - kFirstGroup).series
                             : what >= kFirstEdge ? r->edge_series.at(what - kFirstEdge)
                                                  : r->series;
            return series.load(hours, start_ns, value);
        }
        case kGroups: {
            Running* r = running(key.key_u32());
            const uint32_t number = key.key_u32();
            if (!r) return;
            if (r->groups.size() <= number) r->groups.resize(number + 1);
            Running::Group& g = r->groups[number];
            g.text = value.text();
            g.alert_text = value.text();
            read_counts(value, g.counts);
            g.in_flight = value.value<uint64_t>();
            g.completed = value.value<uint64_t>();
            g.failed = value.value<uint64_t>();
            g.dirty = false;
            if (number > 0) r->group_of.emplace(g.text, number);
            return;
        }
        case kVersions:
            return load_version(key, value);
        default:
            return;
    }
}

void Engine::load_workflow(uint32_t id, RowReader& value) {
    const std::string_view document = value.text();
    const auto version = value.value<uint32_t>();
    const auto state = value.value<VersionState>();
    auto r = std::make_unique<Running>(id, version, state, parse_workflow(document));
    for (RuleCounts& c : r->counts) read_counts(value, c);
    for (uint64_t& n : r->reached) n = value.value<uint64_t>();
    r->disorder = value.value<DisorderCounts>();
    r->in_flight = value.value<uint64_t>();
    r->completed = value.value<uint64_t>();
    r->failed = value.value<uint64_t>();
    r->condition_errors = value.value<uint64_t>();
    r->drains.resize(std::min<uint32_t>(value.value<uint32_t>(), 1'000));
    for (uint32_t& drained : r->drains) drained = value.value<uint32_t>();
    r->header_dirty = false;
    r->groups[0].dirty = false;
    if (running_.size() <= id) running_.resize(id + 1);
    running_[id] = std::move(r);
}

void Engine::load_instance(Running& r, RowReader& key, RowReader& value) {
    const uint32_t i = key.key_u32();
    r.pool.put(i, value.value<Hash128>(), 0);
    Instance& instance = r.pool.at(i);
    instance.last_ns = value.value<StampNs>();
    instance.group = static_cast<uint16_t>(value.value<uint32_t>());
    instance.tenant = value.value<uint16_t>();
    instance.clock = value.value<uint16_t>();
    instance.outcome = value.value<WorkflowStage::Terminal>();
    const auto flags = value.value<uint8_t>();
    instance.early = flags & 1, instance.sealed = flags >> 1 & 1, instance.told = flags >> 2 & 1;
    auto events = value.value<uint16_t>();
    instance.record.reserve(events, 0);
    for (; events > 0; --events)
        instance.record.add_event(instance.record.events().size(), value.value<CaseEvent>());
    state_.obligations.resize(value.value<uint16_t>());
    for (Obligation& o : state_.obligations) {
        o = {};
        o.deadline_ns = value.value<StampNs>();
        o.anchor_seq = value.value<Seq>();
        o.edge = value.value<uint16_t>();
        o.phase = value.value<Obligation::Phase>();
        o.pass = value.value<uint8_t>();
    }
    instance.record.set_obligations(state_.obligations);
    if (!instance.sealed) return;
    CaseState& sealed = r.sealed[i];
    sealed.clear(r.workflow);
    read_state(value, sealed);
}

void Engine::load_version(RowReader&, RowReader& value) {
    const std::string name(value.text());
    Version v;
    v.seen.number = value.value<uint32_t>();
    v.seen.state = value.value<VersionState>();
    v.running = value.value<uint32_t>();
    v.seen.document = value.text();
    v.seen.faults = value.text();
    v.seen.history.resize(std::min<uint32_t>(value.value<uint32_t>(), 1'000));
    for (VersionStep& s : v.seen.history) {
        s.seq = value.value<Seq>();
        s.at_ns = value.value<StampNs>();
        s.action = value.text();
        s.by = value.text();
        s.note = value.text();
    }
    v.dirty = false;
    versions_[name].push_back(std::move(v));
}

void Engine::loaded(StampNs last_stamp_ns) {
    // Timers are not stored: they follow from what is pending. Their order is that of the events which armed
    // them, so that equal deadlines fire as they would have.
    now_ns_ = kNoTime;
    for (const auto& r : running_) {
        if (!r) continue;
        for (uint32_t place = 0; place < r->watching.size(); ++place) {
            r->watching[place].watcher->loaded();
            arm_watch(*r, place);
        }
        any_drains_ |= r->state == VersionState::kDraining;
        r->pool.for_each([&](uint32_t i) {
            Instance& instance = r->pool.at(i);
            uint32_t item = 0;
            for (Obligation& o : instance.record.obligations()) {
                if (o.pending()) arm(*r, i, item, o);
                ++item;
            }
            if (!instance.has_pending() || instance.early)
                check(*r, i, std::numeric_limits<StampNs>::min(), 0);
        });
    }
    index_roles();
    last_stamp_ns_ = last_stamp_ns;
}

}  // namespace penstock

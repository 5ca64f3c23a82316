#include "stages/sla/engine.h"

#include <xxhash.h>

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <limits>
#include <tuple>
#include <utility>

#include "schemas/event_fields.h"
#include "stages/sla/instances.h"
#include "stages/sla/key_selector.h"

namespace penstock {

struct Engine::Running {
    Running(uint32_t number, Workflow w) : id(number), workflow(std::move(w)), pool(workflow.edges.size()) {
        counts.resize(workflow.edges.size());
    }
    struct Counts {
        uint64_t anchored = 0, met = 0, late = 0, missed = 0, pending = 0;
    };
    const uint32_t id;
    const Workflow workflow;
    InstancePool pool;
    std::vector<Counts> counts;     ///< by edge
    std::vector<uint32_t> changed;  ///< instances changed in this interval; some may have gone
    std::vector<uint32_t> unsaved;  ///< those of the interval before, while it is saved; from the end
    uint32_t interval = 1;          ///< between two cuts
    bool header_dirty = true;
};

using Phase = EdgeState::Phase;

namespace {
/// Events: another core wrote their bytes, so they are asked for before they are needed.
constexpr size_t kPrefetchAhead = 8;
}  // namespace

namespace {
/// Saturates: an event of the year 2261 and a long span would leave 64 bits. Such a deadline never passes.
StampNs later(StampNs from_ns, int64_t by_ns) {
    StampNs sum;
    return __builtin_add_overflow(from_ns, by_ns, &sum) ? std::numeric_limits<StampNs>::max() : sum;
}
}  // namespace

Engine::Engine(Options options) : options_(options) {}
Engine::~Engine() = default;

// --- input ------------------------------------------------------------------------------------------------

void Engine::apply(const RecordView& record) {
    switch (record.header->kind) {
        case RecordKind::kEvents:
            for (size_t i = 0; i < record.count(); ++i) {
                if (i + kPrefetchAhead < record.count()) {
                    const uint8_t* soon = record.heap.data() + record.heads[i + kPrefetchAhead].offset;
                    __builtin_prefetch(soon);
                    __builtin_prefetch(soon + 64);
                }
                on_event(record.heads[i], record.bytes(i), record.first_seq() + i, record.stamp(i));
            }
            return;
        case RecordKind::kDeadLetters:
            return advance(record.last_stamp(), record.first_seq());
        case RecordKind::kControl:
            return control(*flatbuffers::GetRoot<fb::Control>(record.bytes(0).data()), record.last_stamp(),
                           record.first_seq());
    }
}

namespace {
int64_t number_in(const boost::json::value& object, std::string_view name, int64_t otherwise) {
    const boost::json::object* o = object.if_object();
    const boost::json::value* v = o ? o->if_contains(name) : nullptr;
    return v && v->is_int64() ? v->get_int64() : otherwise;
}
}  // namespace

void Engine::control(const fb::Control& control, StampNs now_ns, Seq seq) {
    const std::string producer = fmt::format("{}/{}", view_of(control.text()), view_of(control.name()));
    switch (static_cast<ControlKind>(control.kind())) {
        case ControlKind::kBoot: {
            boost::system::error_code error;
            const auto facts = boost::json::parse(std::string_view(view_of(control.text())), error);
            observer_.boot(now_ns, number_in(facts, "last_stamp_ns", 0),
                           number_in(facts, "recovery_hold_ns", 0));
            options_.instance_retention_ns =
                number_in(facts, "instance_retention_ns", options_.instance_retention_ns);
            break;
        }
        case ControlKind::kProducerConnected:
            observer_.connected(producer);
            break;
        case ControlKind::kProducerDisconnected:
            observer_.disconnected(producer);
            break;
        case ControlKind::kCaughtUp:
            observer_.caught_up(producer, now_ns);
            break;
        default:
            break;
    }
    advance(now_ns, seq);
    if (control.kind() == static_cast<uint16_t>(ControlKind::kWorkflow))
        define(parse_workflow(view_of(control.text())), now_ns, seq);
    if (control.kind() == static_cast<uint16_t>(ControlKind::kWorkflowRetired))
        retire(view_of(control.name()), now_ns, seq);
}

void Engine::advance(StampNs now_ns, Seq cause_seq) {
    if (observer_.holds(now_ns)) return;
    wheel_.advance(now_ns, [&](const auto& due) { fire(due, now_ns, cause_seq); });
    // After every deadline that has passed: whether an instance goes must not depend on the order of timers.
    for (const Timer& timer : retention_due_)
        if (Running* r = running(timer.workflow)) retain_or_evict(*r, timer.instance, now_ns);
    retention_due_.clear();
}

void Engine::on_event(const EventHead& head, std::span<const uint8_t> bytes, Seq seq, StampNs now_ns) {
    advance(now_ns, seq);
    const auto it = roles_.find(head.type_hash);
    if (it == roles_.end()) return;
    const std::string_view type = view_of(event_of(bytes)->type());

    uint32_t workflow = 0xffffffff, instance = InstancePool::kNone;
    Hash128 key;
    bool has_key = false;
    for (const Role& role : it->second) {
        Running& r = *running_[role.workflow];
        const Edge& edge = r.workflow.edges[role.edge];
        if ((role.is_to ? edge.to : edge.from) != type) continue;  // another type of the same hash
        if (role.workflow != workflow) {
            workflow = role.workflow;
            has_key = key_of(r, head, bytes, key);
            instance = has_key ? r.pool.find(key) : InstancePool::kNone;
        }
        if (!has_key) continue;
        if (role.is_to) {
            if (instance == InstancePool::kNone) continue;
            EdgeState& state = r.pool.edge(instance, role.edge);
            if (state.phase != Phase::kArmed && state.phase != Phase::kMissed) continue;
            before_change(r, instance);
            auto& counts = r.counts[role.edge];
            const bool in_time = head.time_ns <= state.deadline_ns;
            if (state.phase == Phase::kArmed) {
                wheel_.cancel(state.timer);
                state.timer = kNoTimer;
                --counts.pending;
            } else {
                --counts.missed;
                if (in_time) ++retracted_, totals_dirty_ = true;
                emit(in_time ? SlaEffect::Kind::kRetracted : SlaEffect::Kind::kLate, r, instance, role.edge,
                     seq, now_ns);
            }
            ++(in_time ? counts.met : counts.late);
            state.phase = Phase::kSettled;
        } else {
            if (instance == InstancePool::kNone) {
                instance = r.pool.add(key, head.tenant);
            }
            EdgeState& state = r.pool.edge(instance, role.edge);
            if (state.phase != Phase::kIdle) continue;
            before_change(r, instance);
            state.deadline_ns = later(head.time_ns, edge.within_ns);
            state.anchor_seq = seq;
            state.timer = wheel_.arm(state.deadline_ns, {r.id, instance, role.edge});
            state.phase = Phase::kArmed;
            ++r.counts[role.edge].anchored;
            ++r.counts[role.edge].pending;
        }
        r.pool.at(instance).last_stamp_ns = now_ns;
        if (role.is_to) retain_or_evict(r, instance, now_ns);
    }
}

void Engine::fire(const TimerWheel<Timer>::Due& due, StampNs now_ns, Seq cause_seq) {
    Running* r = running(due.payload.workflow);
    if (!r) return;
    const uint32_t i = due.payload.instance, e = due.payload.edge;
    if (e == kRetentionEdge) r->pool.at(i).retention = kNoTimer;
    if (options_.instance_retention_ns > 0) retention_due_.push_back(due.payload);
    if (e == kRetentionEdge) return;
    before_change(*r, i);
    EdgeState& state = r->pool.edge(i, e);
    state.timer = kNoTimer;
    state.phase = Phase::kMissed;
    --r->counts[e].pending;
    ++r->counts[e].missed;
    ++fired_;
    totals_dirty_ = true;
    // The retention counts from here too, or what a restart keeps would depend on when it came.
    r->pool.at(i).last_stamp_ns = std::max(r->pool.at(i).last_stamp_ns, state.deadline_ns);
    emit(SlaEffect::Kind::kMissed, *r, i, e, cause_seq, now_ns);
}

bool Engine::any_armed(const Running& r, uint32_t i) {
    for (uint32_t e = 0; e < r.pool.edge_count(); ++e)
        if (r.pool.edge(i, e).phase == Phase::kArmed) return true;
    return false;
}

void Engine::retain_or_evict(Running& r, uint32_t i, StampNs now_ns) {
    Instance& instance = r.pool.at(i);
    if (!instance.live || options_.instance_retention_ns == 0 || any_armed(r, i)) return;
    const StampNs until = later(instance.last_stamp_ns, options_.instance_retention_ns);
    if (until >= now_ns) {
        if (instance.retention == kNoTimer) instance.retention = wheel_.arm(until, {r.id, i, kRetentionEdge});
        return;
    }
    if (instance.retention != kNoTimer) wheel_.cancel(instance.retention);
    before_change(r, i);
    gone_.push_back({r.id, instance.key});
    r.pool.remove(i);
    ++evicted_;
    totals_dirty_ = true;
}

void Engine::emit(SlaEffect::Kind kind, const Running& r, uint32_t i, uint32_t edge, Seq cause_seq,
                  StampNs now_ns) {
    constexpr Finding::Kind kFindings[] = {Finding::Kind::kMissed, Finding::Kind::kDeliveredLate,
                                           Finding::Kind::kLate};
    tell(kFindings[static_cast<size_t>(kind)], r, i, edge, cause_seq, now_ns);
    if (!on_effect) return;
    const StampNs deadline = r.pool.edge(i, edge).deadline_ns;
    on_effect({kind, r.id, edge, r.pool.at(i).key, r.pool.edge(i, edge).anchor_seq, cause_seq, deadline,
               std::max(deadline, now_ns)});
}

void Engine::tell(Finding::Kind kind, const Running& r, uint32_t i, uint32_t edge, Seq cause_seq,
                  StampNs now_ns) {
    if (!on_finding) return;
    const EdgeState& state = r.pool.edge(i, edge);
    const Edge& rule = r.workflow.edges[edge];
    on_finding({kind, rule.severity, r.pool.at(i).tenant, r.workflow.name, rule.name, r.pool.at(i).key,
                state.anchor_seq, cause_seq, state.deadline_ns, std::max(state.deadline_ns, now_ns)});
}

bool Engine::key_of(const Running& r, const EventHead& head, std::span<const uint8_t> bytes,
                    Hash128& out) const {
    if (r.workflow.key.kind == KeySelector::Kind::kSubject) {
        out = head.key;
        return out != Hash128{};
    }
    return select_key(r.workflow.key, *event_of(bytes), head.tenant, out);
}

// --- workflows --------------------------------------------------------------------------------------------

void Engine::define(Workflow workflow, StampNs now_ns, Seq cause_seq) {
    retire(workflow.name, now_ns, cause_seq);
    const auto id = static_cast<uint32_t>(running_.size());
    running_.push_back(std::make_unique<Running>(id, std::move(workflow)));
    totals_dirty_ = true;
    index_roles();
}

void Engine::retire(std::string_view name, StampNs now_ns, Seq cause_seq) {
    for (auto& r : running_) {
        if (!r || r->workflow.name != name) continue;
        while (save_some(1'000)) {
        }  // its rows of the cut are copied from what goes now
        drop_instances(*r, now_ns, cause_seq);
        retired_unsaved_.push_back(r->id);
        r.reset();
    }
    index_roles();
}

void Engine::drop_instances(Running& r, StampNs now_ns, Seq cause_seq) {
    // In the order of their anchors: where instances lie in memory depends on restarts.
    std::vector<std::tuple<Seq, uint32_t, uint32_t>> missed;
    r.pool.for_each([&](uint32_t i) {
        gone_.push_back({r.id, r.pool.at(i).key});
        for (uint32_t e = 0; e < r.pool.edge_count(); ++e) {
            const EdgeState& state = r.pool.edge(i, e);
            if (state.timer != kNoTimer) wheel_.cancel(state.timer);
            if (state.phase == Phase::kMissed) missed.emplace_back(state.anchor_seq, e, i);
        }
        if (r.pool.at(i).retention != kNoTimer) wheel_.cancel(r.pool.at(i).retention);
    });
    std::sort(missed.begin(), missed.end());
    for (const auto& [anchor_seq, e, i] : missed) tell(Finding::Kind::kWithdrawn, r, i, e, cause_seq, now_ns);
}

void Engine::index_roles() {
    roles_.clear();
    for (const auto& r : running_) {
        if (!r) continue;
        // Settling comes first: where from and to are one type, its first event anchors and its second
        // settles.
        for (const bool is_to : {true, false})
            for (uint32_t e = 0; e < r->workflow.edges.size(); ++e) {
                const Edge& edge = r->workflow.edges[e];
                roles_[is_to ? edge.to_hash : edge.from_hash].push_back({r->id, e, is_to});
            }
    }
}

std::vector<uint32_t> Engine::workflow_ids() const {
    std::vector<uint32_t> ids;
    for (const auto& r : running_)
        if (r) ids.push_back(r->id);
    return ids;
}
const Workflow* Engine::workflow(uint32_t id) const { return running(id) ? &running(id)->workflow : nullptr; }

std::string_view Engine::document(std::string_view name) const {
    for (const auto& r : running_)
        if (r && r->workflow.name == name) return r->workflow.document;
    return {};
}

WorkflowCounts Engine::counts(uint32_t id) const {
    const Running& r = *running(id);
    WorkflowCounts out;
    out.name = r.workflow.name;
    for (size_t e = 0; e < r.counts.size(); ++e) {
        const Edge& edge = r.workflow.edges[e];
        const auto& c = r.counts[e];
        out.edges.push_back(
            {edge.from, edge.to, edge.within_ns / 1'000'000, c.anchored, c.met, c.late, c.missed, c.pending});
    }
    return out;
}

size_t Engine::instances() const {
    size_t n = 0;
    for (const auto& r : running_)
        if (r) n += r->pool.size();
    return n;
}

void Engine::snapshot(SlaSnapshot& out) const {
    for (const uint32_t id : workflow_ids()) out.workflows.push_back(counts(id));
    out.instances = instances();
    // Deadlines only: the wheel also holds a timer an instance that ends its retention.
    for (const WorkflowCounts& w : out.workflows)
        for (const EdgeCounts& e : w.edges) out.timers += e.pending;
    for (const Observer::Gap& g : observer_.gaps())
        out.gaps.push_back({g.from_ns, g.to_ns, g.judged_ns, g.awaited, g.caught_up});
    out.hold_until_ns = observer_.hold_until_ns();
    out.awaited = observer_.awaited();
    out.fired_total = fired_;
    out.retracted_total = retracted_;
    out.evicted_total = evicted_;
}

// --- state ------------------------------------------------------------------------------------------------
// Rows:  S 0              totals
//        S 1 workflow     next to the document its counts
//        S 2 workflow key an instance
//        S 3 producer     S 4: the observer's

void Engine::begin_save(Checkpoint& out) {
    saving_ = &out;
    RowWriter key, value;
    const auto start = [&](uint8_t table) {
        key.clear(), value.clear();
        key.key_u8('S').key_u8(table);
    };
    for (const uint32_t id : std::exchange(retired_unsaved_, {})) {
        start(1);
        out.erase(key.key_u32(id).bytes());
    }
    for (const auto& r : running_) {
        if (!r || !std::exchange(r->header_dirty, false)) continue;
        start(1);
        key.key_u32(r->id);
        value.text(r->workflow.document);
        for (const auto& c : r->counts) value.value(c);
        out.put(key.bytes(), value.bytes());
        r->unsaved.swap(r->changed);
        ++r->interval;
    }
    gone_unsaved_.swap(gone_);
    observer_.save(out);
    if (std::exchange(totals_dirty_, false)) {
        start(0);
        out.put(
            key.bytes(),
            value.value(fired_).value(retracted_).value(evicted_).value(uint64_t{running_.size()}).bytes());
    }
}

bool Engine::save_some(size_t rows) {
    if (!saving_) return false;
    for (; rows > 0 && !gone_unsaved_.empty(); --rows) {
        const auto& [workflow, key] = gone_unsaved_.back();
        RowWriter row;
        saving_->erase(row.key_u8('S').key_u8(2).key_u32(workflow).value(key).bytes());
        gone_unsaved_.pop_back();
    }
    for (const auto& r : running_) {
        if (!r) continue;
        for (; rows > 0 && !r->unsaved.empty(); --rows) {
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

void Engine::save_instance(Running& r, uint32_t i) {
    Instance& instance = r.pool.at(i);
    instance.changed_in = 0;
    key_row_.clear(), value_row_.clear();
    key_row_.key_u8('S').key_u8(2).key_u32(r.id).value(instance.key);
    value_row_.value(instance.last_stamp_ns);
    for (uint32_t e = 0; e < r.pool.edge_count(); ++e) {
        const EdgeState& state = r.pool.edge(i, e);
        value_row_.value(state.deadline_ns).value(state.anchor_seq).value(state.phase);
    }
    value_row_.value(instance.tenant);
    saving_->put(key_row_.bytes(), value_row_.bytes());
}

void Engine::before_change(Running& r, uint32_t i) {
    r.header_dirty = true;  // the counts change with it
    Instance& instance = r.pool.at(i);
    if (instance.changed_in == r.interval) return;
    if (instance.changed_in != 0) save_instance(r, i);  // as it was at the cut
    instance.changed_in = r.interval;
    r.changed.push_back(i);
}

void Engine::load_row(std::span<const uint8_t> key_bytes, std::span<const uint8_t> value_bytes) {
    RowReader key(key_bytes), value(value_bytes);
    key.key_u8();
    switch (key.key_u8()) {
        case 0:
            fired_ = value.value<uint64_t>();
            retracted_ = value.value<uint64_t>();
            evicted_ = value.value<uint64_t>();
            running_.resize(value.value<uint64_t>());  // a number is never given twice
            return;
        case 1: {
            const uint32_t id = key.key_u32();
            auto r = std::make_unique<Running>(id, parse_workflow(value.text()));
            for (auto& c : r->counts) c = value.value<Running::Counts>();
            r->header_dirty = false;
            if (running_.size() <= id) running_.resize(id + 1);
            running_[id] = std::move(r);
            return;
        }
        case 2: {
            Running* r = running(key.key_u32());
            if (!r) return;
            const uint32_t i = r->pool.add(key.value<Hash128>(), 0);
            r->pool.at(i).last_stamp_ns = value.value<StampNs>();
            for (uint32_t e = 0; e < r->pool.edge_count(); ++e) {
                EdgeState& state = r->pool.edge(i, e);
                state.deadline_ns = value.value<StampNs>();
                state.anchor_seq = value.value<Seq>();
                state.phase = value.value<Phase>();
            }
            r->pool.at(i).tenant = value.value<uint16_t>();  // rows of the first version have none
            return;
        }
        case Observer::kProducerTable: {
            const auto name = key_bytes.subspan(2);
            return observer_.load_producer({reinterpret_cast<const char*>(name.data()), name.size()},
                                           value.value<uint8_t>());
        }
        case Observer::kGapsTable:
            return observer_.load_gaps(value);
        default:
            return;
    }
}

void Engine::loaded(StampNs) {
    // Timers are not stored: they follow from the edges that are armed, in the order in which they were armed
    // (one event arms by workflow and edge), so that equal deadlines fire as they would have.
    struct Armed {
        Seq anchor_seq;
        uint32_t workflow, edge, instance;
    };
    std::vector<Armed> armed;
    for (const auto& r : running_) {
        if (!r) continue;
        r->pool.for_each([&](uint32_t i) {
            for (uint32_t e = 0; e < r->pool.edge_count(); ++e) {
                const EdgeState& state = r->pool.edge(i, e);
                if (state.phase == Phase::kArmed) armed.push_back({state.anchor_seq, r->id, e, i});
            }
            retain_or_evict(*r, i, std::numeric_limits<StampNs>::min());
        });
    }
    std::sort(armed.begin(), armed.end(), [](const Armed& a, const Armed& b) {
        return std::tie(a.anchor_seq, a.workflow, a.edge) < std::tie(b.anchor_seq, b.workflow, b.edge);
    });
    for (const Armed& a : armed) {
        EdgeState& state = running_[a.workflow]->pool.edge(a.instance, a.edge);
        state.timer = wheel_.arm(state.deadline_ns, {a.workflow, a.instance, a.edge});
    }
    index_roles();
}

}  // namespace penstock

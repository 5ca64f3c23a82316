#include "stages/sla/engine.h"

#include <xxhash.h>

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <limits>
#include <tuple>
#include <utility>

#include "pipeline/civil/business_time.h"
#include "schemas/event_fields.h"
#include "stages/sla/event_variables.h"
#include "stages/sla/key_selector.h"
#include "stages/sla/running.h"

namespace penstock {

using Phase = EdgeState::Phase;

namespace {
/// Events: another core wrote their bytes, so they are asked for before they are needed.
constexpr size_t kPrefetchAhead = 8;

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
    const fb::Event& event = *event_of(bytes);
    std::optional<EventVariables> variables;
    const auto& roles = it->second;
    for (size_t i = 0; i < roles.size();) {
        Running& r = *running_[roles[i].workflow];
        reached_.clear();
        for (; i < roles.size() && roles[i].workflow == r.id; ++i) {
            const WorkflowStage& stage = r.workflow.stages[roles[i].stage];
            if (stage.type != view_of(event.type())) continue;  // another type of the same hash
            if (stage.when) {
                if (!variables) variables.emplace(event, head.time_ns, now_ns);
                const Value holds = stage.when->test(*variables);
                if (holds.is_error()) ++r.condition_errors, r.header_dirty = true;
                if (!holds.is_true()) continue;
            }
            reached_.push_back(&stage);
        }
        Hash128 key;
        if (!reached_.empty() && key_of(r, head, bytes, key)) reach(r, key, head, seq, now_ns);
    }
}

void Engine::reach(Running& r, const Hash128& key, const EventHead& head, Seq seq, StampNs now_ns) {
    // Settling comes first: where from and to are one stage, its first event anchors and its second settles.
    uint32_t instance = r.pool.find(key);
    bool ended = false;
    if (instance != InstancePool::kNone) {
        const Moment at{instance, seq, now_ns};
        for (const WorkflowStage* stage : reached_)
            for (const uint32_t e : stage->in) ended |= settle(r, e, head.time_ns, at);
        for (const WorkflowStage* stage : reached_) {
            for (const uint32_t e : stage->skips) ended |= cancel(r, e, head.time_ns, at);
            if (stage->terminal == WorkflowStage::Terminal::kNo) continue;
            for (uint32_t e = 0; e < r.pool.edge_count(); ++e) ended |= cancel(r, e, head.time_ns, at);
        }
    }
    bool anchored = false;
    for (const WorkflowStage* stage : reached_)
        for (const uint32_t e : stage->out) {
            if (instance == InstancePool::kNone) instance = r.pool.add(key, head.tenant);
            anchored |= anchor(r, e, head.time_ns, {instance, seq, now_ns});
        }
    if (!ended && !anchored) return;
    r.pool.at(instance).last_stamp_ns = now_ns;
    if (ended) retain_or_evict(r, instance, now_ns);
}

bool Engine::settle(Running& r, uint32_t e, StampNs time_ns, const Moment& at) {
    EdgeState& state = r.pool.edge(at.instance, e);
    if (state.phase != Phase::kArmed && state.phase != Phase::kMissed) return false;
    before_change(r, at.instance);
    auto& counts = r.counts[e];
    const bool in_time = time_ns <= state.deadline_ns;
    if (state.phase == Phase::kArmed) {
        disarm(state);
        --counts.pending;
    } else {
        --counts.missed;
        if (in_time) ++retracted_, totals_dirty_ = true;
        emit(in_time ? SlaEffect::Kind::kRetracted : SlaEffect::Kind::kLate, r, at.instance, e, at.seq,
             at.now_ns);
    }
    ++(in_time ? counts.met : counts.late);
    state.phase = Phase::kSettled;
    const WorkflowStage& from = r.workflow.from(r.workflow.edges[e]);
    if (from.exclusive)
        for (const uint32_t other : from.out)
            if (other != e) cancel(r, other, time_ns, at);
    return true;
}

bool Engine::cancel(Running& r, uint32_t e, StampNs time_ns, const Moment& at) {
    EdgeState& state = r.pool.edge(at.instance, e);
    if (state.phase != Phase::kArmed && state.phase != Phase::kMissed) return false;
    before_change(r, at.instance);
    auto& counts = r.counts[e];
    if (state.phase == Phase::kArmed) {
        disarm(state);
        --counts.pending;
        ++counts.cancelled;
        state.phase = Phase::kCancelled;
        return true;
    }
    tell(Finding::Kind::kWithdrawn, r, at.instance, e, at.seq, at.now_ns);
    if (time_ns <= state.deadline_ns) {
        // As it would have been counted, had the event come when it happened.
        --counts.missed;
        ++counts.cancelled;
    }
    state.phase = Phase::kCancelled;
    return true;
}

bool Engine::anchor(Running& r, uint32_t e, StampNs time_ns, const Moment& at) {
    const Edge& edge = r.workflow.edges[e];
    EdgeState& state = r.pool.edge(at.instance, e);
    const bool again = state.phase == Phase::kArmed && edge.anchor == Edge::Anchor::kLast;
    if (state.phase != Phase::kIdle && !again) return false;
    const StampNs deadline_ns =
        edge.hours ? add_business_time(*edge.hours, time_ns, edge.within_ns) : later(time_ns, edge.within_ns);
    if (again && deadline_ns < state.deadline_ns) return false;  // an older one that came late
    before_change(r, at.instance);
    if (again) {
        disarm(state);
    } else {
        ++r.counts[e].anchored;
        ++r.counts[e].pending;
    }
    state.deadline_ns = deadline_ns;
    state.anchor_seq = at.seq;
    state.timer = wheel_.arm(deadline_ns, {r.id, at.instance, e});
    state.phase = Phase::kArmed;
    return true;
}

void Engine::disarm(EdgeState& state) {
    wheel_.cancel(state.timer);
    state.timer = kNoTimer;
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
        for (uint32_t i = 0; i < r->workflow.stages.size(); ++i)
            roles_[r->workflow.stages[i].type_hash].push_back({r->id, i});
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
        out.edges.push_back({r.workflow.from(edge).name, r.workflow.to(edge).name, edge.within_ns / 1'000'000,
                             c.anchored, c.met, c.late, c.missed, c.pending, c.cancelled, edge.name});
    }
    out.condition_errors = r.condition_errors;
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

}  // namespace penstock

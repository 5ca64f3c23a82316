// Cases: an event is folded into the case of its key, and what that changes is counted, timed and told.
#include <algorithm>
#include <limits>

#include "stages/sla/engine.h"
#include "stages/sla/key_selector.h"
#include "stages/sla/running.h"
#include "stages/sla/watch_rule.h"

namespace penstock {

using Phase = Obligation::Phase;
using Terminal = WorkflowStage::Terminal;

namespace {

/// Of one case: beyond it older events are folded together, once nothing can come between them any more.
constexpr size_t kEventsMax = 64;
constexpr size_t kUnsettledMax = 1'000;
constexpr size_t kGroupsMax = 10'000;  // Instance::group has 16 bits
constexpr std::string_view kDisorderRule = "order";

CaseEvent case_event(Seq seq, uint16_t stage, StampNs time_ns) {
    return {seq & 0xffff'ffff'ffff, stage & uint64_t{0x7fff}, 0, time_ns};
}

}  // namespace

// --- folding ----------------------------------------------------------------------------------------------

void Engine::reach(Running& r, const Hash128& key, const EventHead& head, const fb::Event& event, Seq seq,
                   uint16_t clock, StampNs now_ns) {
    uint32_t i = r.pool.find(key);
    if (i != InstancePool::kNone && outlived(r, r.pool.at(i), now_ns)) {
        evict(r, i, seq, now_ns);
        i = InstancePool::kNone;
    }
    if (i == InstancePool::kNone) {
        i = r.pool.add(key, head.tenant);
        Instance& fresh = r.pool.at(i);
        fresh.clock = clock;
        fresh.group = group_of(r, event);
    }
    before_change(r, i);
    Instance& instance = r.pool.at(i);
    const bool history = clocks_[clock]->kind == SourceClock::Kind::kBackfill;
    // History does not take a case back from the clock that judges it already.
    if (instance.clock != clock && !(history && !is_history(instance))) move_to_clock(r, i, clock, seq);
    for (const uint16_t stage : reached_) ++r.reached[stage];
    const Moment at{i, seq, clocks_[instance.clock]->judges_ns(now_ns, options_.sources)};
    instance.last_ns = std::max(instance.last_ns, is_history(instance) ? now_ns_ : at.now_ns);

    const auto events = instance.record.events();
    size_t place = events.size();
    while (place > 0 && !events[place - 1].before(head.time_ns, seq)) --place;
    const bool in_order = place == events.size();
    const bool plain = !instance.early && instance.outcome == Terminal::kNo && !r.workflow.needs_history();
    if (in_order && plain) {
        fold_in_order(r, instance, head, seq, at);
    } else {
        if (r.workflow.long_form) whole_state(r, i, before_);
        const bool folds = r.workflow.long_form || !plain ||
                           r.fold.may_change_late(instance.sealed ? &r.sealed.at(i) : nullptr,
                                                  instance.record.obligations(), events, place, reached_);
        for (size_t s = 0; s < reached_.size(); ++s)
            instance.record.add_event(place + s, case_event(seq, reached_[s], head.time_ns));
        if (folds) fold_again(r, at);
    }
    if (instance.record.events().size() > kEventsMax) seal(r, at);
    if (!instance.has_pending() || instance.early) check(r, i, at.now_ns, seq);
}

void Engine::fold_in_order(Running& r, Instance& instance, const EventHead& head, Seq seq, const Moment& at) {
    const bool long_form = r.workflow.long_form;
    const size_t place = instance.record.events().size();
    const auto add_events = [&] {
        for (size_t s = 0; s < reached_.size(); ++s)
            instance.record.add_event(place + s, case_event(seq, reached_[s], head.time_ns));
    };
    if (!long_form && !r.fold.may_change(instance.record.obligations(), reached_)) return add_events();
    if (instance.sealed)
        state_ = r.sealed.at(at.instance);
    else
        state_.clear(r.workflow);
    if (long_form)  // what was reached follows from the events; no graph that is folded so has loops
        for (const CaseEvent& e : instance.record.events()) state_.reached[e.stage] |= CaseState::kReached;
    const auto obligations = instance.record.obligations();
    state_.obligations.assign(obligations.begin(), obligations.end());
    state_.outcome = instance.outcome;
    const auto verdict = r.fold.apply(state_, head.time_ns, seq, reached_);
    instance.record.reserve(place + reached_.size(), state_.obligations.size());
    add_events();
    r.disorder.unexpected += state_.disorder.unexpected;
    r.disorder.duplicate += state_.disorder.duplicate;
    instance.early = !state_.early.empty();
    if (r.fold.changed()) commit(r, at);
    // What came before its time may still turn out right; a duplicate stays one.
    if (verdict == CaseFold::Verdict::kDuplicate) tell_duplicate(r, at);
}

void Engine::fold_again(Running& r, const Moment& at) {
    Instance& instance = r.pool.at(at.instance);
    whole_state(r, at.instance, state_);
    if (r.workflow.long_form) {
        r.disorder.unexpected += state_.disorder.unexpected - before_.disorder.unexpected;
        r.disorder.out_of_order += state_.disorder.out_of_order - before_.disorder.out_of_order;
        r.disorder.duplicate += state_.disorder.duplicate - before_.disorder.duplicate;
        instance.early = !state_.early.empty();
    }
    commit(r, at);
    if (r.workflow.long_form && state_.disorder.duplicate > before_.disorder.duplicate) tell_duplicate(r, at);
}

void Engine::whole_state(const Running& r, uint32_t i, CaseState& out) const {
    const Instance& instance = r.pool.at(i);
    if (instance.sealed)
        out = r.sealed.at(i);
    else
        out.clear(r.workflow);
    r.fold.apply_all(out, instance.record.events());
}

void Engine::seal(Running& r, const Moment& at) {
    Instance& instance = r.pool.at(at.instance);
    const auto events = instance.record.events();
    size_t part = events.size() / 2;
    // What may still come in between is not settled, unless there is too much of it.
    if (events.size() < kUnsettledMax &&
        saturating_add(events[part - 1].time_ns, r.workflow.disorder_ns) >= at.now_ns)
        return;
    while (part < events.size() && events[part].seq == events[part - 1].seq) ++part;
    for (const CaseEvent& e : events.first(part))
        if (e.told) tell_disorder(Finding::Kind::kWithdrawn, r, instance, e, at.seq, at.now_ns);
    CaseState& sealed = r.sealed[at.instance];
    if (!instance.sealed) sealed.clear(r.workflow);
    r.fold.apply_all(sealed, events.first(part));
    sealed.disorder = {};  // counted, and certain by now
    sealed.early.clear();
    instance.sealed = true;
    instance.record.drop_events(part);
    // An obligation that is closed stays where it keeps its edge from being armed again.
    const auto over = [&](const Obligation& o) {
        const Edge& edge = r.workflow.edges[o.edge];
        return !o.open() && (edge.anchor == Edge::Anchor::kEach ||
                             (edge.loop != kNoLoop && o.pass != sealed.passes[edge.loop]));
    };
    state_.obligations.clear();
    for (const Obligation& o : instance.record.obligations()) {
        const bool gone = std::any_of(
            sealed.obligations.begin(), sealed.obligations.end(),
            [&](const Obligation& s) { return s.edge == o.edge && s.anchor_seq == o.anchor_seq && over(s); });
        if (!gone) state_.obligations.push_back(o);
    }
    std::erase_if(sealed.obligations, over);
    if (state_.obligations.size() == instance.record.obligations().size()) return;
    for (uint32_t item = 0; item < state_.obligations.size(); ++item) {
        Obligation& o = state_.obligations[item];
        if (o.timer == kNoTimer) continue;
        disarm(instance, o.timer);
        arm(r, at.instance, item, o);
    }
    instance.record.set_obligations(state_.obligations);
}

// --- what a fold changes ----------------------------------------------------------------------------------

void Engine::commit(Running& r, const Moment& at) {
    Instance& instance = r.pool.at(at.instance);
    const auto old = instance.record.obligations();
    const bool was_in_flight = instance.in_flight();
    std::vector<Obligation>& next = state_.obligations;
    matched_.assign(old.size(), false);
    for (uint32_t item = 0; item < next.size(); ++item) {
        Obligation& n = next[item];
        const auto same = [&](size_t k) {
            return k < old.size() && !matched_[k] && old[k].edge == n.edge &&
                   old[k].anchor_seq == n.anchor_seq;
        };
        size_t k = item;
        if (!same(k))
            for (k = 0; k < old.size() && !same(k);) ++k;
        if (k == old.size()) {
            n.timer = kNoTimer;
            ++r.counts[n.edge].anchored;
            ++r.groups[instance.group].counts.anchored;
            account(r, instance, n.edge, n.phase, 1);
            r.series.add(now_ns_, Series::kAnchored);
            r.edge_series[n.edge].add(now_ns_, Series::kAnchored);
            if (instance.group != 0) r.groups[instance.group].series.add(now_ns_, Series::kAnchored);
            flow(r, instance, n.edge, n.phase, now_ns_);
            if (n.open()) arm(r, at.instance, item, n);
            continue;
        }
        matched_[k] = true;
        Obligation o = old[k];
        if (n.open() && o.open() && n.deadline_ns == o.deadline_ns) {
            n.phase = o.phase;
            n.timer = o.timer;
            if (k == item && (n.timer != kNoTimer || !n.pending())) continue;
            disarm(instance, n.timer);
            if (n.pending()) arm(r, at.instance, item, n);
            continue;
        }
        n.timer = kNoTimer;
        disarm(instance, o.timer);
        if ((o.phase == Phase::kExcused || o.phase == Phase::kExcusedLate) && n.phase == Phase::kLate)
            n.phase = Phase::kExcusedLate;
        if (o.phase == Phase::kMissed) end_trouble(r, at, o, n.phase);
        if (o.phase != n.phase) {
            account(r, instance, n.edge, o.phase, -1);
            account(r, instance, n.edge, n.phase, 1);
            flow(r, instance, n.edge, n.phase, now_ns_);
        }
        if (n.open()) {
            n.phase = Phase::kArmed;
            arm(r, at.instance, item, n);
        }
    }
    for (size_t k = 0; k < old.size(); ++k) {
        if (matched_[k]) continue;
        Obligation o = old[k];
        disarm(instance, o.timer);
        if (o.phase == Phase::kMissed) end_trouble(r, at, o, Phase::kArmed);
        --r.counts[o.edge].anchored;
        --r.groups[instance.group].counts.anchored;
        account(r, instance, o.edge, o.phase, -1);
    }
    instance.record.set_obligations(next);
    count_flight(r, instance, was_in_flight, instance.in_flight());

    if (instance.outcome == state_.outcome) return;
    Running::Group& group = r.groups[instance.group];
    const auto ended = [&](Terminal outcome, int by) {
        if (outcome == Terminal::kNo) return;
        group.dirty = true;
        const bool failed = outcome == Terminal::kFailure;
        (failed ? r.failed : r.completed) += static_cast<uint64_t>(by);
        (failed ? group.failed : group.completed) += static_cast<uint64_t>(by);
        if (by < 0) return;
        r.series.add(now_ns_, failed ? Series::kFailed : Series::kCompleted);
        if (instance.group != 0) group.series.add(now_ns_, failed ? Series::kFailed : Series::kCompleted);
    };
    ended(instance.outcome, -1);
    ended(state_.outcome, 1);
    instance.outcome = state_.outcome;
    if (!instance.told) return;
    for (CaseEvent& event : instance.record.events())
        if (event.told) {
            tell_disorder(Finding::Kind::kWithdrawn, r, instance, event, at.seq, at.now_ns);
            event.told = false;
        }
    instance.told = false;
}

void Engine::end_trouble(Running& r, const Moment& at, const Obligation& was, Phase now) {
    const Instance& instance = r.pool.at(at.instance);
    if (now == Phase::kMet) {
        ++retracted_;
        totals_dirty_ = true;
        emit(SlaEffect::Kind::kRetracted, r, instance, was, at.seq, at.now_ns);
    } else if (now == Phase::kLate) {
        emit(SlaEffect::Kind::kLate, r, instance, was, at.seq, at.now_ns);
    } else {
        tell(Finding::Kind::kWithdrawn, r, instance, was, at.seq, at.now_ns);
    }
}

void Engine::account(Running& r, const Instance& instance, uint16_t edge, Phase phase, int by) {
    const auto n = static_cast<uint64_t>(static_cast<int64_t>(by));
    const bool judged = !is_history(instance);
    Running::Group& group = r.groups[instance.group];
    group.dirty = true;
    for (RuleCounts* c : {&r.counts[edge], &group.counts}) {
        switch (phase) {
            case Phase::kArmed:
                c->pending += n;
                break;
            case Phase::kAtRisk:
                c->pending += n;
                if (judged) c->at_risk += n;
                break;
            case Phase::kMissed:
                c->missed += n;
                if (judged) c->in_trouble += n;
                break;
            case Phase::kExpired:
                c->missed += n;
                break;
            case Phase::kMet:
                c->met += n;
                break;
            case Phase::kLate:
                c->late += n;
                break;
            case Phase::kCancelled:
                c->cancelled += n;
                break;
            case Phase::kExcused:
            case Phase::kExcusedLate:
                c->excused += n;
                break;
        }
    }
}

void Engine::flow(Running& r, const Instance& instance, uint16_t edge, Phase phase, StampNs now_ns) {
    Series::Field field;
    switch (phase) {
        case Phase::kMet:
            field = Series::kMet;
            break;
        case Phase::kLate:
            field = Series::kLate;
            break;
        case Phase::kMissed:
        case Phase::kExpired:
            field = Series::kMissed;
            break;
        case Phase::kCancelled:
            field = Series::kCancelled;
            break;
        default:
            return;
    }
    r.series.add(now_ns, field);
    r.edge_series[edge].add(now_ns, field);
    if (instance.group != 0) r.groups[instance.group].series.add(now_ns, field);
}

void Engine::count_flight(Running& r, const Instance& instance, bool was, bool is) {
    if (was == is) return;
    const uint64_t by = is ? uint64_t{1} : ~uint64_t{0};
    r.in_flight += by;
    r.groups[instance.group].in_flight += by;
    r.groups[instance.group].dirty = true;
    if (!is && r.state == VersionState::kDraining) any_drains_ = true;
}

// --- timers -----------------------------------------------------------------------------------------------

void Engine::arm(Running& r, uint32_t i, uint32_t item, Obligation& o) {
    const Instance& instance = r.pool.at(i);
    const Edge& edge = r.workflow.edges[o.edge];
    StampNs at_ns = saturating_add(o.deadline_ns, edge.grace_ns);
    if (o.phase == Phase::kArmed && edge.amber > 0)
        for (const CaseEvent& e : instance.record.events())
            if (e.seq == o.anchor_seq) {
                at_ns = std::min(at_ns, CaseFold::at_risk_from(edge, e.time_ns, o.deadline_ns));
                break;
            }
    o.timer = clocks_[instance.clock]->wheel.arm(at_ns, {r.id, i, item}, o.anchor_seq);
}

void Engine::disarm(const Instance& instance, TimerId& timer) {
    if (timer != kNoTimer) clocks_[instance.clock]->wheel.cancel(timer);
    timer = kNoTimer;
}

void Engine::disarm_check(Instance& instance) {
    if (instance.retention != kNoTimer) check_wheel(instance).cancel(instance.retention);
    instance.retention = kNoTimer;
}

void Engine::move_to_clock(Running& r, uint32_t i, uint16_t clock, Seq cause_seq) {
    Instance& instance = r.pool.at(i);
    const bool was_history = is_history(instance);
    disarm_check(instance);
    for (Obligation& o : instance.record.obligations()) {
        disarm(instance, o.timer);
        account(r, instance, o.edge, o.phase, -1);
    }
    instance.clock = clock;
    instance.last_ns = is_history(instance) ? now_ns_ : clocks_[clock]->judges_ns(now_ns_, options_.sources);
    uint32_t item = 0;
    for (Obligation& o : instance.record.obligations()) {
        account(r, instance, o.edge, o.phase, 1);
        if (o.pending()) arm(r, i, item, o);
        // In history it was nobody's trouble; what is now, may end.
        if (was_history && o.phase == Phase::kMissed)
            emit(SlaEffect::Kind::kMissed, r, instance, o, cause_seq, now_ns_);
        ++item;
    }
}

void Engine::fire(const TimerWheel<Timer>::Due& due, StampNs now_ns, Seq cause_seq) {
    Running* r = running(due.payload.workflow);
    if (!r) return;
    const uint32_t i = due.payload.instance;
    if (due.payload.item == Timer::kWatch) return fire_watch(*r, i, now_ns, cause_seq);
    Instance& instance = r->pool.at(i);
    if (due.payload.item == Timer::kCheck) {
        instance.retention = kNoTimer;
        checks_.push_back(due.payload);
        return;
    }
    before_change(*r, i);
    Obligation& o = instance.record.obligations()[due.payload.item];
    const Edge& edge = r->workflow.edges[o.edge];
    o.timer = kNoTimer;
    account(*r, instance, o.edge, o.phase, -1);
    if (now_ns <= saturating_add(o.deadline_ns, edge.grace_ns)) {
        o.phase = Phase::kAtRisk;
        account(*r, instance, o.edge, o.phase, 1);
        arm(*r, i, due.payload.item, o);
        return;
    }
    checks_.push_back(due.payload);
    const bool excused = !is_history(instance) && not_expected &&
                         not_expected(instance.tenant, r->workflow.name, edge.name,
                                      r->groups[instance.group].alert_text, o.deadline_ns);
    o.phase = excused ? Phase::kExcused : Phase::kMissed;
    account(*r, instance, o.edge, o.phase, 1);
    flow(*r, instance, o.edge, o.phase, now_ns_);
    ++fired_;
    totals_dirty_ = true;
    // The retention counts from here too, or what a restart keeps would depend on when it came.
    instance.last_ns = std::max(instance.last_ns, is_history(instance) ? now_ns_ : o.deadline_ns);
    if (!excused) emit(SlaEffect::Kind::kMissed, *r, instance, o, cause_seq, now_ns);
}

void Engine::check(Running& r, uint32_t i, StampNs now_ns, Seq cause_seq) {
    Instance& instance = r.pool.at(i);
    if (!instance.live) return;
    const bool history = is_history(instance);
    if (history) now_ns = std::max(now_ns, now_ns_);
    const int64_t disorder_ns = r.workflow.disorder_ns;
    StampNs next_ns = std::numeric_limits<StampNs>::max();
    if (instance.early && !history &&
        (r.workflow.unexpected == OnDisorder::kAlert || r.workflow.out_of_order == OnDisorder::kAlert)) {
        const StampNs settled_ns = saturating_add(instance.last_ns, disorder_ns);
        if (now_ns > settled_ns)
            review_disorder(r, i, cause_seq, now_ns);
        else
            next_ns = settled_ns;
    }
    if (!instance.has_pending()) {
        int64_t kept_ns = options_.instance_retention_ns;
        if (!history && !has_begun(r, instance) && (kept_ns == 0 || kept_ns > disorder_ns))
            kept_ns = std::max<int64_t>(disorder_ns, 1);
        const StampNs until_ns = saturating_add(instance.last_ns, kept_ns);
        if (kept_ns > 0 && until_ns < now_ns) return evict(r, i, cause_seq, now_ns);
        if (kept_ns > 0) next_ns = std::min(next_ns, until_ns);
    }
    if (next_ns != std::numeric_limits<StampNs>::max() && instance.retention == kNoTimer)
        instance.retention = check_wheel(instance).arm(next_ns, {r.id, i, Timer::kCheck},
                                                       static_cast<uint64_t>(instance.last_ns));
}

bool Engine::is_history(const Instance& instance) const {
    return clocks_[instance.clock]->kind == SourceClock::Kind::kBackfill;
}

/// How long an instance is kept is a matter of the appliance's time, also where years of history pass in it.
TimerWheel<EngineTimer>& Engine::check_wheel(const Instance& instance) {
    return clocks_[is_history(instance) ? kLiveClock : instance.clock]->wheel;
}

/// It has not begun, and its bound is over; its own check may come later. Of history the bound is its own
/// time's.
bool Engine::outlived(const Running& r, const Instance& instance, StampNs now_ns) const {
    const auto events = instance.record.events();
    if (has_begun(r, instance) || events.empty()) return false;
    const StampNs last_ns = is_history(instance) ? events.back().time_ns : instance.last_ns;
    return clocks_[instance.clock]->judges_ns(now_ns, options_.sources) >
           saturating_add(last_ns, r.workflow.disorder_ns);
}

/// Else it only waits for what comes out of order.
bool Engine::has_begun(const Running& r, const Instance& instance) {
    if (!instance.record.obligations().empty() || instance.outcome != Terminal::kNo || instance.told)
        return true;
    const auto events = instance.record.events();
    return r.workflow.long_form && std::any_of(events.begin(), events.end(), [&](const CaseEvent& e) {
               return r.workflow.stages[e.stage].before.empty();
           });
}

void Engine::evict(Running& r, uint32_t i, Seq cause_seq, StampNs now_ns) {
    Instance& instance = r.pool.at(i);
    disarm_check(instance);
    before_change(r, i);
    for (const CaseEvent& event : instance.record.events())
        if (event.told) tell_disorder(Finding::Kind::kWithdrawn, r, instance, event, cause_seq, now_ns);
    count_flight(r, instance, instance.in_flight(), false);
    gone_.push_back({r.id, i});
    if (instance.sealed) r.sealed.erase(i);
    r.pool.remove(i);
    ++evicted_;
    totals_dirty_ = true;
}

// --- telling ----------------------------------------------------------------------------------------------

bool Engine::alerts(const Running& r, const Instance& instance) const {
    return r.state != VersionState::kShadow && !is_history(instance);
}

void Engine::emit(SlaEffect::Kind kind, const Running& r, const Instance& instance, const Obligation& o,
                  Seq cause_seq, StampNs now_ns) {
    constexpr Finding::Kind kFindings[] = {Finding::Kind::kMissed, Finding::Kind::kDeliveredLate,
                                           Finding::Kind::kLate};
    tell(kFindings[static_cast<size_t>(kind)], r, instance, o, cause_seq, now_ns);
    if (!on_effect || !alerts(r, instance)) return;
    on_effect({kind, r.id, o.edge, instance.key, o.anchor_seq, cause_seq, o.deadline_ns,
               std::max(o.deadline_ns, now_ns)});
}

void Engine::tell(Finding::Kind kind, const Running& r, const Instance& instance, const Obligation& o,
                  Seq cause_seq, StampNs now_ns) {
    if (!on_finding || !alerts(r, instance)) return;
    const Edge& edge = r.workflow.edges[o.edge];
    Finding f{};
    f.kind = kind;
    f.severity = edge.severity;
    f.tenant = instance.tenant;
    f.workflow = r.workflow.name;
    f.rule = edge.name;
    f.evidence = clocks_[instance.clock]->evidence(saturating_add(o.deadline_ns, edge.grace_ns), now_ns_,
                                                   options_.sources);
    f.key = instance.key;
    f.anchor_seq = o.anchor_seq;
    f.cause_seq = cause_seq;
    f.deadline_ns = o.deadline_ns;
    f.at_ns = std::max(o.deadline_ns, now_ns);
    f.group = r.groups[instance.group].alert_text;
    f.runbook = edge.runbook;
    f.escalation = edge.escalation;
    on_finding(f);
}

void Engine::tell_disorder(Finding::Kind kind, const Running& r, const Instance& instance,
                           const CaseEvent& event, Seq cause_seq, StampNs now_ns) {
    if (!on_finding || !alerts(r, instance)) return;
    Finding f{};
    f.kind = kind;
    f.tenant = instance.tenant;
    f.workflow = r.workflow.name;
    f.rule = kDisorderRule;
    f.key = instance.key;
    f.anchor_seq = event.seq;
    f.cause_seq = cause_seq;
    f.deadline_ns = event.time_ns;
    f.at_ns = std::max(event.time_ns, now_ns);
    f.group = r.groups[instance.group].alert_text;
    on_finding(f);
}

/// Of the event that came last; after the end it is counted only.
void Engine::tell_duplicate(Running& r, const Moment& at) {
    Instance& instance = r.pool.at(at.instance);
    if (r.workflow.duplicate != OnDisorder::kAlert || instance.outcome != Terminal::kNo) return;
    for (CaseEvent& event : instance.record.events()) {
        if (event.seq != at.seq) continue;
        event.told = instance.told = true;
        return tell_disorder(Finding::Kind::kDisorder, r, instance, event, at.seq, at.now_ns);
    }
}

void Engine::review_disorder(Running& r, uint32_t i, Seq cause_seq, StampNs now_ns) {
    Instance& instance = r.pool.at(i);
    whole_state(r, i, state_);
    for (const CaseState::Early& early : state_.early) {
        // The end of the case ends what came before it; not what it is itself.
        if (instance.outcome != Terminal::kNo && r.workflow.stages[early.stage].terminal == Terminal::kNo)
            continue;
        const OnDisorder policy = early.out_of_order ? r.workflow.out_of_order : r.workflow.unexpected;
        if (policy != OnDisorder::kAlert) continue;
        for (CaseEvent& event : instance.record.events()) {
            if (event.seq != early.seq || event.stage != early.stage || event.told) continue;
            before_change(r, i);
            event.told = instance.told = true;
            tell_disorder(Finding::Kind::kDisorder, r, instance, event, cause_seq, now_ns);
        }
    }
}

// --- groups -----------------------------------------------------------------------------------------------

uint16_t Engine::group_of(Running& r, const fb::Event& event) {
    if (r.workflow.groups.empty()) return 0;
    std::string text, alert_text, scratch;
    for (const GroupField& field : r.workflow.groups) {
        std::string_view value = select_text(field.selector, event, scratch);
        if (value.empty()) value = "(none)";
        for (std::string* to : {&text, field.tells_alerts_apart ? &alert_text : nullptr}) {
            if (!to) continue;
            if (!to->empty()) *to += ", ";
            *to += field.name;
            *to += '=';
            *to += value;
        }
    }
    return group_named(r, text, alert_text);
}

uint16_t Engine::group_named(Running& r, const std::string& text, const std::string& alert_text) {
    if (text.empty()) return 0;
    if (const auto it = r.group_of.find(text); it != r.group_of.end()) return it->second;
    if (r.groups.size() > kGroupsMax && text != "others") return group_named(r, "others", "others");
    const auto number = static_cast<uint16_t>(r.groups.size());
    r.groups.emplace_back();
    r.groups.back().text = text;
    r.groups.back().alert_text = alert_text;
    r.group_of.emplace(text, number);
    r.header_dirty = true;
    return number;
}

}  // namespace penstock

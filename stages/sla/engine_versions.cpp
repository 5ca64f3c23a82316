// Versions of workflows: drafts, shadows, the active one, and those on which cases in flight end.
#include <algorithm>
#include <tuple>

#include "stages/sla/engine.h"
#include "stages/sla/running.h"

namespace penstock {

using Phase = Obligation::Phase;

namespace {
/// Of one name; the oldest that is retired goes first.
constexpr size_t kVersionsMax = 100;
constexpr size_t kHistoryMax = 100;

bool before(const Hash128& a, const Hash128& b) { return std::tie(a.hi, a.lo) < std::tie(b.hi, b.lo); }
}  // namespace

void Engine::note(Version& v, std::string_view action, By by, StampNs now_ns, Seq cause_seq) {
    v.dirty = true;
    if (v.seen.history.size() == kHistoryMax) v.seen.history.erase(v.seen.history.begin());
    v.seen.history.push_back(
        {cause_seq, now_ns, std::string(action), std::string(by.who), std::string(by.note)});
}

Engine::Version* Engine::find_version(std::string_view name, uint32_t number) {
    const auto it = versions_.find(name);
    if (it == versions_.end()) return nullptr;
    for (Version& v : it->second)
        if (v.seen.number == number) return &v;
    return nullptr;
}

Engine::Running* Engine::active(std::string_view name) const {
    const auto it = versions_.find(name);
    if (it == versions_.end()) return nullptr;
    for (const Version& v : it->second)
        if (v.seen.state == VersionState::kActive) return running(v.running);
    return nullptr;
}

void Engine::define(Workflow workflow, StampNs now_ns, Seq cause_seq) {
    add_version(workflow.name, workflow.document, VersionState::kActive, false, By{}, now_ns, cause_seq);
}

void Engine::retire(std::string_view name, StampNs now_ns, Seq cause_seq) {
    const auto it = versions_.find(name);
    if (it == versions_.end()) return;
    for (Version& v : it->second) {
        if (v.running == kNotRunning) continue;
        drop(v, now_ns, cause_seq);
        note(v, "retired", By{}, now_ns, cause_seq);
    }
    index_roles();
}

uint32_t Engine::add_version(std::string_view name, std::string_view document, VersionState state,
                             bool migrate, By by, StampNs now_ns, Seq cause_seq) {
    Version v;
    v.seen.document = document;
    try {
        parse_workflow(document);
        v.seen.state = VersionState::kValidated;
    } catch (const WorkflowError& e) {
        if (state != VersionState::kDraft) throw;
        v.seen.faults = e.what();
    }
    auto& versions = versions_[std::string(name)];
    const uint32_t number = v.seen.number = versions.empty() ? 1 : versions.back().seen.number + 1;
    note(v, v.seen.state == VersionState::kValidated ? "validated" : "draft", by, now_ns, cause_seq);
    if (versions.size() >= kVersionsMax) {
        const auto old = std::find_if(versions.begin(), versions.end(),
                                      [](const Version& o) { return o.running == kNotRunning; });
        if (old != versions.end()) {
            versions_gone_.emplace_back(name, old->seen.number);
            versions.erase(old);
        }
    }
    versions.push_back(std::move(v));
    if (state == VersionState::kShadow || state == VersionState::kActive)
        change_version(name, number, state, migrate, by, now_ns, cause_seq);
    return number;
}

bool Engine::change_version(std::string_view name, uint32_t number, VersionState to, bool migrate, By by,
                            StampNs now_ns, Seq cause_seq) {
    Version* v = find_version(name, number);
    if (!v || !v->seen.faults.empty() || v->seen.state == to) return false;
    const bool begins =
        (to == VersionState::kShadow || to == VersionState::kActive) && v->running == kNotRunning;
    if (begins) try {
            parse_workflow(v->seen.document);
        } catch (const WorkflowError& e) {  // an older program took it
            v->seen.faults = e.what();
            v->dirty = true;
            return false;
        }
    now_ns_ = std::max(now_ns_, now_ns);  // rules on the clock begin here
    if (to == VersionState::kRetired) {
        drop(*v, now_ns, cause_seq);
    } else if (to == VersionState::kShadow) {
        if (v->running != kNotRunning) return false;
        for (Version& other : versions_.find(name)->second)
            if (other.seen.state == VersionState::kShadow) {
                drop(other, now_ns, cause_seq);
                note(other, "retired", by, now_ns, cause_seq);
            }
        run(*v, VersionState::kShadow, parse_workflow(v->seen.document));
    } else if (to == VersionState::kActive) {
        activate(name, number, migrate, now_ns, cause_seq);
    } else {
        return false;
    }
    note(*v,
         migrate && to == VersionState::kActive ? "active, cases migrated"
                                                : kVersionStateNames[static_cast<size_t>(to)],
         by, now_ns, cause_seq);
    index_roles();
    return true;
}

void Engine::discard(std::string_view name, uint32_t number) {
    const Version* v = find_version(name, number);
    if (!v || v->running != kNotRunning) return;
    versions_gone_.emplace_back(name, number);
    auto& versions = versions_.find(name)->second;
    std::erase_if(versions, [&](const Version& other) { return other.seen.number == number; });
    if (versions.empty()) versions_.erase(versions_.find(name));
}

void Engine::run(Version& v, VersionState state, Workflow workflow) {
    v.running = static_cast<uint32_t>(running_.size());
    running_.push_back(std::make_unique<Running>(v.running, v.seen.number, state, std::move(workflow)));
    v.seen.state = state;
    v.dirty = true;
    totals_dirty_ = true;
    begin_watches(*running_.back(), now_ns_);
}

void Engine::set_state(Version& v, VersionState state) {
    v.seen.state = state;
    v.dirty = true;
    if (Running* r = running(v.running)) {
        r->state = state;
        r->header_dirty = true;
    }
}

void Engine::activate(std::string_view name, uint32_t number, bool migrate_cases, StampNs now_ns,
                      Seq cause_seq) {
    Version& v = *find_version(name, number);
    if (v.seen.state == VersionState::kDraining) {
        set_state(v, VersionState::kActive);
    } else if (v.running != kNotRunning) {
        set_state(v, VersionState::kActive);  // it ran in the shadow
        for (Version& old : versions_.find(name)->second)
            if (&old != &v && old.running != kNotRunning)
                take_over(*running(old.running), *running(v.running), now_ns, cause_seq);
    } else {
        run(v, VersionState::kActive, parse_workflow(v.seen.document));
    }
    Running& to = *running(v.running);
    to.drains.clear();
    for (Version& old : versions_.find(name)->second) {
        if (&old == &v || old.running == kNotRunning || old.seen.state == VersionState::kShadow) continue;
        Running& from = *running(old.running);
        if (migrate_cases) migrate(from, to, now_ns, cause_seq);
        if (migrate_cases || from.in_flight == 0) {
            drop(old, now_ns, cause_seq);
        } else {
            set_state(old, VersionState::kDraining);
            end_watches(from, now_ns, cause_seq);
            from.drains.clear();
            to.drains.push_back(from.id);
        }
    }
    to.header_dirty = true;
}

void Engine::migrate(Running& from, Running& to, StampNs now_ns, Seq cause_seq) {
    std::vector<uint32_t> cases;
    from.pool.for_each([&](uint32_t i) { cases.push_back(i); });
    // By key: the order in which they are told must not follow from the places that were free.
    std::sort(cases.begin(), cases.end(),
              [&](uint32_t a, uint32_t b) { return before(from.pool.at(a).key, from.pool.at(b).key); });
    for (const uint32_t i : cases) {
        Instance& old = from.pool.at(i);
        if (to.pool.find(old.key) != InstancePool::kNone) continue;
        const uint32_t n = to.pool.add(old.key, old.tenant);
        Instance& fresh = to.pool.at(n);
        before_change(to, n);
        fresh.clock = old.clock;
        fresh.last_ns = old.last_ns;
        const auto& group = from.groups[old.group];
        fresh.group = group_named(to, group.text, group.alert_text);
        for (const CaseEvent& e : old.record.events()) {
            const std::string& stage = from.workflow.stages[e.stage].name;
            const auto it = std::find_if(to.workflow.stages.begin(), to.workflow.stages.end(),
                                         [&](const WorkflowStage& s) { return s.name == stage; });
            if (it == to.workflow.stages.end()) continue;
            CaseEvent moved = e;
            moved.stage = static_cast<uint64_t>(it - to.workflow.stages.begin()) & 0x7fff;
            fresh.record.add_event(fresh.record.events().size(), moved);
        }
        whole_state(to, n, state_);
        fresh.early = !state_.early.empty();
        commit(to, {n, cause_seq, now_ns});
        // What was missed before stays missed: it is not judged, and not told, a second time.
        std::vector<Obligation> known(old.record.obligations().begin(), old.record.obligations().end());
        for (Obligation& o : fresh.record.obligations()) {
            if (!o.pending()) continue;
            const auto it = std::find_if(known.begin(), known.end(), [&](const Obligation& k) {
                return k.anchor_seq == o.anchor_seq && k.deadline_ns == o.deadline_ns && !k.pending() &&
                       k.open() && from.workflow.edges[k.edge].name == to.workflow.edges[o.edge].name;
            });
            if (it == known.end()) continue;
            disarm(fresh, o.timer);
            account(to, fresh, o.edge, o.phase, -1);
            o.phase = it->phase;
            account(to, fresh, o.edge, o.phase, 1);
            it->phase = Phase::kCancelled;  // its trouble goes on over there
        }
        for (const Obligation& k : known)
            if (k.phase == Phase::kMissed) tell(Finding::Kind::kWithdrawn, from, old, k, cause_seq, now_ns);
        for (Obligation& k : old.record.obligations())
            if (k.phase == Phase::kMissed) k.phase = Phase::kExpired;  // told above, or taken along
        if (!fresh.has_pending())
            check(to, n, clocks_[fresh.clock]->judges_ns(now_ns, options_.sources), cause_seq);
    }
}

void Engine::take_over(Running& from, Running& to, StampNs now_ns, Seq cause_seq) {
    std::vector<uint32_t> both;
    from.pool.for_each([&](uint32_t i) {
        if (to.pool.find(from.pool.at(i).key) != InstancePool::kNone) both.push_back(i);
    });
    std::sort(both.begin(), both.end(),
              [&](uint32_t a, uint32_t b) { return before(from.pool.at(a).key, from.pool.at(b).key); });
    for (const uint32_t i : both) {
        Instance& old = from.pool.at(i);
        for (Obligation& o : old.record.obligations()) {
            disarm(old, o.timer);
            if (o.phase == Phase::kMissed) tell(Finding::Kind::kWithdrawn, from, old, o, cause_seq, now_ns);
        }
        const Instance& taken = to.pool.at(to.pool.find(old.key));
        for (const Obligation& o : taken.record.obligations())
            if (o.phase == Phase::kMissed) tell(Finding::Kind::kMissed, to, taken, o, cause_seq, now_ns);
        evict(from, i, cause_seq, now_ns);
    }
}

void Engine::drop(Version& v, StampNs now_ns, Seq cause_seq) {
    if (Running* r = running(v.running)) {
        while (save_some(1'000)) {
        }  // its rows of the cut are copied from what goes now
        drop_instances(*r, now_ns, cause_seq);
        end_watches(*r, now_ns, cause_seq);
        forget_rows(*r);
        running_[v.running].reset();
        for (const auto& other : running_)
            if (other && std::erase(other->drains, v.running) > 0) other->header_dirty = true;
    }
    v.running = kNotRunning;
    v.seen.state = VersionState::kRetired;
    v.dirty = true;
}

void Engine::drop_instances(Running& r, StampNs now_ns, Seq cause_seq) {
    // In the order of their anchors, as they came.
    std::vector<std::tuple<Seq, uint16_t, uint32_t, Obligation>> missed;
    std::vector<std::tuple<Seq, uint32_t, CaseEvent>> told;
    r.pool.for_each([&](uint32_t i) {
        Instance& instance = r.pool.at(i);
        gone_.push_back({r.id, i});
        for (Obligation& o : instance.record.obligations()) {
            disarm(instance, o.timer);
            if (o.phase == Phase::kMissed) missed.emplace_back(o.anchor_seq, o.edge, i, o);
        }
        disarm_check(instance);
        for (const CaseEvent& e : instance.record.events())
            if (e.told) told.emplace_back(e.seq, i, e);
    });
    const auto by_place = [](const auto& a, const auto& b) { return std::get<0>(a) < std::get<0>(b); };
    std::sort(missed.begin(), missed.end(), [](const auto& a, const auto& b) {
        return std::tie(std::get<0>(a), std::get<1>(a)) < std::tie(std::get<0>(b), std::get<1>(b));
    });
    std::sort(told.begin(), told.end(), by_place);
    for (const auto& [anchor_seq, edge, i, o] : missed)
        tell(Finding::Kind::kWithdrawn, r, r.pool.at(i), o, cause_seq, now_ns);
    for (const auto& [seq, i, e] : told)
        tell_disorder(Finding::Kind::kWithdrawn, r, r.pool.at(i), e, cause_seq, now_ns);
}

void Engine::end_drained(StampNs now_ns, Seq cause_seq) {
    any_drains_ = false;
    bool any = false;
    for (auto& [name, versions] : versions_)
        for (Version& v : versions) {
            if (v.seen.state != VersionState::kDraining || running(v.running)->in_flight > 0) continue;
            drop(v, now_ns, cause_seq);
            note(v, "retired", {"penstock", "nothing is in flight on it any more"}, now_ns, cause_seq);
            any = true;
        }
    if (any) index_roles();
}

std::vector<std::string> Engine::names() const {
    std::vector<std::string> out;
    for (const auto& [name, versions] : versions_) out.push_back(name);
    return out;
}

std::vector<WorkflowVersion> Engine::versions(std::string_view name) const {
    std::vector<WorkflowVersion> out;
    const auto it = versions_.find(name);
    if (it == versions_.end()) return out;
    for (const Version& v : it->second) {
        out.push_back(v.seen);
        if (const Running* r = running(v.running)) out.back().instances = r->pool.size();
    }
    return out;
}

std::vector<uint32_t> Engine::workflow_ids() const {
    std::vector<uint32_t> ids;
    for (const auto& r : running_)
        if (r && r->state == VersionState::kActive) ids.push_back(r->id);
    return ids;
}

const Workflow* Engine::workflow(uint32_t id) const { return running(id) ? &running(id)->workflow : nullptr; }

std::string_view Engine::document(std::string_view name) const {
    const Running* r = active(name);
    return r ? std::string_view(r->workflow.document) : std::string_view();
}

}  // namespace penstock

// What the outside sees: counts, health and why, cases, trends.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "schemas/identity.h"
#include "stages/sla/engine.h"
#include "stages/sla/key_selector.h"
#include "stages/sla/running.h"

namespace penstock {

using Phase = Obligation::Phase;

namespace {

constexpr size_t kGroupsShown = 1'000;
constexpr uint8_t kRedSeverity = 4;
constexpr int64_t kSecondNs = 1'000'000'000;
constexpr int64_t kSweepNs = kSecondNs;
constexpr uint32_t kLookAhead = 8;

/// Of listed instances: the soonest deadline first.
bool sooner(const std::pair<StampNs, Hash128>& a, const std::pair<StampNs, Hash128>& b) {
    return std::tie(a.first, a.second.hi, a.second.lo) < std::tie(b.first, b.second.hi, b.second.lo);
}

Health health_of(const RuleCounts& c, uint8_t severity) {
    if (c.in_trouble > 0 && severity >= kRedSeverity) return Health::kRed;
    return c.in_trouble > 0 || c.at_risk > 0 || c.undetermined > 0 ? Health::kAmber : Health::kGreen;
}

std::string span_text(int64_t ns) {
    const int64_t s = std::max<int64_t>(ns / kSecondNs, 0);
    if (s < 120) return fmt::format("{} s", s);
    if (s < 7'200) return fmt::format("{} min", s / 60);
    if (s < 172'800) return fmt::format("{} h", s / 3'600);
    return fmt::format("{} days", s / 86'400);
}

RulePhase phase_of(Phase phase) {
    switch (phase) {
        case Phase::kArmed:
            return RulePhase::kPending;
        case Phase::kAtRisk:
            return RulePhase::kAtRisk;
        case Phase::kMissed:
            return RulePhase::kMissed;
        case Phase::kMet:
            return RulePhase::kMet;
        case Phase::kLate:
            return RulePhase::kLate;
        case Phase::kCancelled:
            return RulePhase::kCancelled;
        case Phase::kExpired:
            return RulePhase::kExpired;
        case Phase::kExcused:
        case Phase::kExcusedLate:
            return RulePhase::kExcused;
    }
    return RulePhase::kIdle;
}

}  // namespace

// --- counts -----------------------------------------------------------------------------------------------

WorkflowCounts Engine::counts(uint32_t id) const {
    const Running& r = *running(id);
    WorkflowCounts out;
    out.name = r.workflow.name;
    for (size_t e = 0; e < r.counts.size(); ++e) {
        const Edge& edge = r.workflow.edges[e];
        const RuleCounts& c = r.counts[e];
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

size_t Engine::timers() const {
    size_t n = 0;
    for (const auto& c : clocks_) n += c->wheel.size();
    return n;
}

std::pair<size_t, size_t> Engine::memory() const {
    std::pair<size_t, size_t> bytes;
    for (const auto& r : running_)
        if (r) bytes.first += r->pool.bytes();
    for (const auto& c : clocks_) bytes.second += c->wheel.bytes();
    return bytes;
}

void Engine::snapshot(SlaSnapshot& out) const {
    for (const uint32_t id : workflow_ids()) out.workflows.push_back(counts(id));
    out.instances = instances();
    // Deadlines only: the wheel also holds a timer an instance that ends its retention.
    for (const auto& r : running_)
        for (size_t e = 0; r && e < r->counts.size(); ++e) out.timers += r->counts[e].pending;
    for (const Observer::Gap& g : observer_.gaps())
        out.gaps.push_back({g.from_ns, g.to_ns, g.judged_ns, g.awaited, g.caught_up});
    out.hold_until_ns = observer_.hold_until_ns();
    out.awaited = observer_.awaited();
    out.fired_total = fired_;
    out.retracted_total = retracted_;
    out.evicted_total = evicted_;
}

// --- looking at all instances -----------------------------------------------------------------------------

bool Engine::sweep_some(size_t instances, StampNs now_ns) {
    for (size_t tried = 0; tried < running_.size(); ++tried) {
        if (sweeping_ >= running_.size()) sweeping_ = 0;
        Running* r = running_[sweeping_].get();
        if (!r || (r->sweep.at == 0 && r->swept.done_ns != kNoTime && now_ns - r->swept.done_ns < kSweepNs)) {
            ++sweeping_;
            continue;
        }
        Running::Sweep& s = r->sweep;
        if (s.at == 0) {
            s.next_due_ns.assign(r->counts.size(), 0);
            s.oldest_trouble_ns.assign(r->counts.size(), 0);
            s.undetermined.assign(r->counts.size(), 0);
            s.ageing = {};
        }
        const auto end = static_cast<uint32_t>(std::min<size_t>(r->pool.end(), s.at + instances));
        for (; s.at < end; ++s.at) {
            if (s.at + kLookAhead < end) r->pool.at(s.at + kLookAhead).record.prefetch();
            if (const Instance& instance = r->pool.at(s.at); instance.live)
                sweep_instance(*r, instance, now_ns);
        }
        if (s.at == r->pool.end()) {
            s.done_ns = now_ns;
            r->swept = std::move(s);
            s = {};
            ++sweeping_;
        }
        return true;
    }
    return false;
}

void Engine::sweep_instance(Running& r, const Instance& instance, StampNs now_ns) const {
    Running::Sweep& s = r.sweep;
    const SourceClock& clock = *clocks_[instance.clock];
    if (clock.kind == SourceClock::Kind::kBackfill) return;
    bool pending = false;
    for (const Obligation& o : instance.record.obligations()) {
        const auto least = [&](StampNs& of) { of = of == 0 ? o.deadline_ns : std::min(of, o.deadline_ns); };
        if (o.pending()) {
            least(s.next_due_ns[o.edge]);
            s.undetermined[o.edge] += o.deadline_ns < now_ns;
            pending = true;
        } else if (o.phase == Phase::kMissed) {
            least(s.oldest_trouble_ns[o.edge]);
        }
    }
    if (!pending || instance.record.events().empty()) return;
    const int64_t age_s = (now_ns - instance.record.events().front().time_ns) / kSecondNs;
    size_t bucket = 0;
    while (bucket < Ageing::kBoundsS.size() && age_s >= Ageing::kBoundsS[bucket]) ++bucket;
    ++s.ageing.buckets[bucket];
}

// --- views ------------------------------------------------------------------------------------------------

WorkflowView Engine::summary(const Running& r) const {
    WorkflowView v;
    v.name = r.workflow.name;
    v.tenant = r.workflow.tenant;
    v.version = r.version;
    v.state = r.state;
    v.instances = r.pool.size();
    v.in_flight = r.in_flight;
    v.completed = r.completed;
    v.failed = r.failed;
    v.condition_errors = r.condition_errors;
    v.disorder = r.disorder;
    v.at_ns = now_ns();
    uint64_t in_trouble = 0, at_risk = 0, undetermined = 0;
    uint8_t worst = 0;
    StampNs oldest_ns = 0;
    for (size_t e = 0; e < r.counts.size(); ++e) {
        RuleCounts c = r.counts[e];
        if (e < r.swept.undetermined.size()) c.undetermined = r.swept.undetermined[e];
        v.health = std::max(v.health, health_of(c, r.workflow.edges[e].severity));
        in_trouble += c.in_trouble;
        at_risk += c.at_risk;
        undetermined += c.undetermined;
        if (c.in_trouble == 0) continue;
        worst = std::max(worst, r.workflow.edges[e].severity);
        const StampNs ns = e < r.swept.oldest_trouble_ns.size() ? r.swept.oldest_trouble_ns[e] : 0;
        if (ns != 0) oldest_ns = oldest_ns == 0 ? ns : std::min(oldest_ns, ns);
    }
    for (const Running::Watching& w : r.watching) {
        const RuleView rule = w.watcher->view();
        v.health = std::max(v.health, rule.health);
        in_trouble += rule.counts.in_trouble;
        at_risk += rule.counts.at_risk;
        if (rule.counts.in_trouble == 0) continue;
        worst = std::max(worst, rule.severity);
        if (rule.oldest_trouble_ns != 0)
            oldest_ns = oldest_ns == 0 ? rule.oldest_trouble_ns : std::min(oldest_ns, rule.oldest_trouble_ns);
    }
    v.reason = kHealthNames[static_cast<size_t>(v.health)];
    if (v.health == Health::kGreen) return v;
    std::string_view separator = ": ";
    const auto say = [&](std::string text) {
        v.reason += separator;
        v.reason += text;
        separator = "; ";
    };
    if (in_trouble > 0)
        say(fmt::format(
            "{} missed, severity up to {}{}", in_trouble, worst,
            oldest_ns == 0 ? "" : fmt::format(", the oldest {} ago", span_text(now_ns() - oldest_ns))));
    if (at_risk > 0) say(fmt::format("{} at risk", at_risk));
    if (undetermined > 0) say(fmt::format("{} wait for a source that lags", undetermined));
    return v;
}

std::vector<WorkflowView> Engine::views() const {
    std::vector<WorkflowView> out;
    for (const auto& r : running_)
        if (r && r->state != VersionState::kDraining) out.push_back(summary(*r));
    std::sort(out.begin(), out.end(), [](const WorkflowView& a, const WorkflowView& b) {
        return std::tie(a.name, a.version) < std::tie(b.name, b.version);
    });
    return out;
}

WorkflowView Engine::view(std::string_view name) const {
    const Running* r = active(name);
    if (!r) return {};
    WorkflowView v = summary(*r);
    std::vector<Health> of_stage(r->workflow.stages.size(), Health::kGreen);
    for (size_t e = 0; e < r->counts.size(); ++e) {
        const Edge& edge = r->workflow.edges[e];
        RuleView rule;
        rule.name = edge.name;
        rule.from = r->workflow.from(edge).name;
        rule.to = r->workflow.to(edge).name;
        rule.within_ms = edge.within_ns / 1'000'000;
        rule.severity = edge.severity;
        rule.runbook = edge.runbook;
        rule.counts = r->counts[e];
        if (r->swept.done_ns != kNoTime) {
            rule.counts.undetermined = r->swept.undetermined[e];
            rule.next_due_ns = r->swept.next_due_ns[e];
            rule.oldest_trouble_ns = r->swept.oldest_trouble_ns[e];
        }
        rule.health = health_of(rule.counts, edge.severity);
        of_stage[edge.to] = std::max(of_stage[edge.to], rule.health);
        v.rules.push_back(std::move(rule));
    }
    for (const Running::Watching& w : r->watching) v.rules.push_back(w.watcher->view());
    constexpr std::string_view kTerminals[] = {"", "success", "failure"};
    for (size_t i = 0; i < r->workflow.stages.size(); ++i) {
        const WorkflowStage& stage = r->workflow.stages[i];
        StageView s{stage.name,    stage.type, std::string(kTerminals[static_cast<size_t>(stage.terminal)]),
                    r->reached[i], 0,          of_stage[i]};
        for (const uint32_t e : stage.out) s.waiting = std::max(s.waiting, r->counts[e].pending);
        v.stages.push_back(std::move(s));
    }
    uint8_t worst = 0;
    for (const Edge& edge : r->workflow.edges) worst = std::max(worst, edge.severity);
    for (size_t g = 1; g < r->groups.size(); ++g) {
        const Running::Group& group = r->groups[g];
        v.groups.push_back({group.text, group.in_flight, group.completed, group.failed, group.counts,
                            health_of(group.counts, worst)});
    }
    std::stable_sort(v.groups.begin(), v.groups.end(), [](const GroupView& a, const GroupView& b) {
        return a.health != b.health ? a.health > b.health : a.in_flight > b.in_flight;
    });
    if (v.groups.size() > kGroupsShown) v.groups.resize(kGroupsShown);
    v.ageing = r->swept.ageing;
    return v;
}

std::vector<SeriesPoint> Engine::series(const SeriesQuery& query) const {
    const Running* r = active(query.workflow);
    if (!r) return {};
    const Series* series = &r->series;
    if (query.rule) {
        const auto it = std::find_if(r->workflow.edges.begin(), r->workflow.edges.end(),
                                     [&](const Edge& e) { return e.name == *query.rule; });
        if (it == r->workflow.edges.end()) return {};
        series = &r->edge_series[static_cast<size_t>(it - r->workflow.edges.begin())];
    } else if (query.stage) {
        return stage_series(*r, query);
    } else if (query.group) {
        const auto it = r->group_of.find(*query.group);
        if (it == r->group_of.end()) return {};
        series = &r->groups[it->second].series;
    }
    return series->points(query.hours, query.from_ns, query.to_ns);
}

std::vector<SeriesPoint> Engine::stage_series(const Running& r, const SeriesQuery& query) const {
    const auto stage = std::find_if(r.workflow.stages.begin(), r.workflow.stages.end(),
                                    [&](const WorkflowStage& s) { return s.name == *query.stage; });
    if (stage == r.workflow.stages.end()) return {};
    std::map<StampNs, SeriesPoint> sum;
    for (const uint32_t e : stage->in)
        for (const SeriesPoint& p : r.edge_series[e].points(query.hours, query.from_ns, query.to_ns)) {
            SeriesPoint& to = sum[p.start_ns];
            to.start_ns = p.start_ns;
            to.anchored += p.anchored, to.met += p.met, to.late += p.late, to.missed += p.missed;
            to.cancelled += p.cancelled;
        }
    std::vector<SeriesPoint> out;
    for (const auto& [start_ns, point] : sum) out.push_back(point);
    return out;
}

InstanceView Engine::instance_view(const Running& r, const Instance& instance) const {
    InstanceView v;
    v.workflow = r.workflow.name;
    v.group = r.groups[instance.group].text;
    v.alert_group = r.groups[instance.group].alert_text;
    v.version = r.version;
    v.key = instance.key;
    v.tenant = instance.tenant;
    constexpr std::string_view kStates[] = {"open", "completed", "failed"};
    v.state = kStates[static_cast<size_t>(instance.outcome)];
    CaseState state;
    if (instance.sealed)
        state = r.sealed.at(static_cast<uint32_t>(r.pool.index_of(instance.key)));
    else
        state.clear(r.workflow);
    const auto events = instance.record.events();
    for (size_t i = 0; i < events.size();) {
        std::vector<uint16_t> stages;
        const CaseEvent& first = events[i];
        const size_t from = i;
        for (; i < events.size() && events[i].seq == first.seq; ++i)
            stages.push_back(static_cast<uint16_t>(events[i].stage));
        const auto verdict = r.fold.apply(state, first.time_ns, first.seq, stages);
        for (size_t k = from; k < i; ++k)
            v.hops.push_back({r.workflow.stages[events[k].stage].name, events[k].time_ns, events[k].seq,
                              verdict == CaseFold::Verdict::kDuplicate    ? "duplicate"
                              : verdict == CaseFold::Verdict::kUnexpected ? "unexpected"
                                                                          : ""});
    }
    // What came before its time may have turned out right.
    for (InstanceView::Hop& hop : v.hops) {
        if (hop.verdict != "unexpected") continue;
        const auto it = std::find_if(state.early.begin(), state.early.end(),
                                     [&](const CaseState::Early& e) { return e.seq == hop.seq; });
        if (it != state.early.end())
            hop.verdict = it->out_of_order ? "out_of_order" : "unexpected";
        else if (instance.outcome == WorkflowStage::Terminal::kNo)
            hop.verdict.clear();
    }
    for (const Obligation& o : instance.record.obligations())
        v.rules.push_back({r.workflow.edges[o.edge].name, phase_of(o.phase), o.anchor_seq, o.deadline_ns});
    if (!v.hops.empty()) v.first_ns = v.hops.front().time_ns, v.last_ns = v.hops.back().time_ns;
    return v;
}

bool Engine::list_some(const InstanceQuery& query, InstanceListing& listing, size_t instances) const {
    const Running* r = active(query.workflow);
    if (!r) return false;
    if (listing.running != r->id) listing = {.running = r->id, .found = {}};
    size_t edge = r->counts.size(), group = 0;
    if (query.rule) {
        while (edge > 0 && r->workflow.edges[edge - 1].name != *query.rule) --edge;
        if (edge-- == 0) return false;
    }
    if (query.group) {
        const auto it = r->group_of.find(*query.group);
        if (it == r->group_of.end()) return false;
        group = it->second;
    }
    const auto first_deadline = [&](const Instance& instance) {
        StampNs first_ns = kNoTime;
        for (const Obligation& o : instance.record.obligations()) {
            if (query.rule && o.edge != edge) continue;
            if (query.phase && phase_of(o.phase) != *query.phase) continue;
            if (first_ns == kNoTime || o.deadline_ns < first_ns) first_ns = o.deadline_ns;
        }
        return first_ns;
    };
    auto& found = listing.found;
    const auto end = static_cast<uint32_t>(std::min<size_t>(r->pool.end(), listing.at + instances));
    for (; listing.at < end; ++listing.at) {
        // Each lies somewhere else in memory.
        if (listing.at + kLookAhead < end) r->pool.at(listing.at + kLookAhead).record.prefetch();
        const Instance& instance = r->pool.at(listing.at);
        if (!instance.live || (query.group && instance.group != group)) continue;
        const StampNs first_ns = first_deadline(instance);
        if (first_ns == kNoTime) continue;
        found.emplace_back(first_ns, instance.key);
        std::push_heap(found.begin(), found.end(), sooner);
        if (found.size() <= query.limit) continue;
        std::pop_heap(found.begin(), found.end(), sooner);
        found.pop_back();
    }
    return listing.at < r->pool.end();
}

std::vector<InstanceView> Engine::listed(InstanceListing& listing) const {
    const Running* r = running(listing.running);
    std::vector<InstanceView> out;
    std::sort_heap(listing.found.begin(), listing.found.end(), sooner);
    for (const auto& [deadline_ns, key] : listing.found)
        if (const uint32_t i = r ? r->pool.index_of(key) : InstancePool::kNone; i != InstancePool::kNone)
            out.push_back(instance_view(*r, r->pool.at(i)));
    return out;
}

std::vector<InstanceView> Engine::lifecycle(std::string_view workflow, uint16_t tenant,
                                            std::string_view key) const {
    std::vector<InstanceView> out;
    for (const auto& r : running_) {
        if (!r || (!workflow.empty() && r->workflow.name != workflow)) continue;
        const bool subject = r->workflow.key.kind == KeySelector::Kind::kSubject;
        const Hash128 hash = subject && subject_key ? subject_key(tenant, key) : hash_key(key, tenant);
        const uint32_t i = r->pool.index_of(hash);
        if (i != InstancePool::kNone) out.push_back(instance_view(*r, r->pool.at(i)));
    }
    return out;
}

}  // namespace penstock

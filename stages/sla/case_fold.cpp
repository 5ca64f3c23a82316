#include "stages/sla/case_fold.h"

#include <algorithm>
#include <limits>

#include "pipeline/civil/business_time.h"
#include "stages/sla/watch_rule.h"

namespace penstock {

using Phase = Obligation::Phase;
using Terminal = WorkflowStage::Terminal;

void CaseState::clear(const Workflow& workflow) {
    obligations.clear();
    reached.assign(workflow.stages.size(), 0);
    passes.assign(workflow.loops.size(), 0);
    outcome = Terminal::kNo;
    disorder = {};
    early.clear();
}

StampNs CaseFold::deadline(const Edge& edge, StampNs anchor_ns) {
    return edge.hours ? add_business_time(*edge.hours, anchor_ns, edge.within_ns)
                      : saturating_add(anchor_ns, edge.within_ns);
}

StampNs CaseFold::at_risk_from(const Edge& edge, StampNs anchor_ns, StampNs deadline_ns) {
    if (edge.amber <= 0) return deadline_ns;
    const auto share_ns = static_cast<int64_t>(static_cast<double>(edge.within_ns) * edge.amber);
    return edge.hours ? add_business_time(*edge.hours, anchor_ns, share_ns)
                      : saturating_add(anchor_ns, share_ns);
}

void CaseFold::apply_all(CaseState& s, std::span<const CaseEvent> events) {
    for (size_t i = 0; i < events.size();) {
        const CaseEvent& first = events[i];
        stages_.clear();
        for (; i < events.size() && events[i].seq == first.seq; ++i)
            stages_.push_back(static_cast<uint16_t>(events[i].stage));
        apply(s, first.time_ns, first.seq, stages_);
    }
}

bool CaseFold::may_change(std::span<const Obligation> obligations, std::span<const uint16_t> stages) const {
    const auto settles = [&](uint32_t edge) {
        return std::any_of(obligations.begin(), obligations.end(),
                           [&](const Obligation& o) { return o.edge == edge && o.open(); });
    };
    const auto arms = [&](uint32_t edge) {
        return w_.edges[edge].anchor != Edge::Anchor::kFirst ||
               std::none_of(obligations.begin(), obligations.end(),
                            [&](const Obligation& o) { return o.edge == edge; });
    };
    return std::any_of(stages.begin(), stages.end(), [&](uint16_t number) {
        const WorkflowStage& stage = w_.stages[number];
        return std::any_of(stage.in.begin(), stage.in.end(), settles) ||
               std::any_of(stage.out.begin(), stage.out.end(), arms);
    });
}

/// Of a closed obligation whose anchor is not behind `events`: whether one of them, or what was sealed,
/// settled it.
bool CaseFold::settled_before(const CaseState* sealed, const Obligation& o,
                              std::span<const CaseEvent> events) const {
    const auto same = [&](const Obligation& s) { return s.edge == o.edge && s.anchor_seq == o.anchor_seq; };
    if (sealed) {
        const auto at = std::find_if(sealed->obligations.begin(), sealed->obligations.end(), same);
        if (at != sealed->obligations.end() && !at->open()) return true;
    }
    const auto is_anchor = [&](const CaseEvent& e) { return e.seq == o.anchor_seq; };
    auto from = std::find_if(events.begin(), events.end(), is_anchor);
    if (from == events.end()) from = events.begin();  // it was sealed
    return std::any_of(from, events.end(),
                       [&](const CaseEvent& e) { return e.stage == w_.edges[o.edge].to && !is_anchor(e); });
}

bool CaseFold::may_change_late(const CaseState* sealed, std::span<const Obligation> obligations,
                               std::span<const CaseEvent> events, size_t place,
                               std::span<const uint16_t> stages) const {
    const auto of_edge = [&](uint32_t edge) {
        return std::find_if(obligations.begin(), obligations.end(),
                            [&](const Obligation& o) { return o.edge == edge; });
    };
    const auto armed_behind = [&](const Obligation& o) {
        return std::any_of(events.begin() + static_cast<ptrdiff_t>(place), events.end(),
                           [&](const CaseEvent& e) { return e.seq == o.anchor_seq; });
    };
    const auto settles = [&](uint32_t edge) {
        if (w_.edges[edge].anchor != Edge::Anchor::kFirst) return true;
        const auto o = of_edge(edge);
        if (o == obligations.end() || armed_behind(*o)) return false;
        return o->open() || !settled_before(sealed, *o, events.first(place));
    };
    const auto arms = [&](uint32_t edge) {
        if (w_.edges[edge].anchor != Edge::Anchor::kFirst) return true;
        const auto o = of_edge(edge);
        return o == obligations.end() || armed_behind(*o);
    };
    return std::any_of(stages.begin(), stages.end(), [&](uint16_t number) {
        const WorkflowStage& stage = w_.stages[number];
        return std::any_of(stage.in.begin(), stage.in.end(), settles) ||
               std::any_of(stage.out.begin(), stage.out.end(), arms);
    });
}

CaseFold::Verdict CaseFold::apply(CaseState& s, StampNs time_ns, Seq seq, std::span<const uint16_t> stages) {
    const Now now{time_ns, seq};
    reached_.clear();
    changed_ = false;
    Verdict verdict = Verdict::kExpected;
    bool repeated = !stages.empty();
    for (const uint16_t stage : stages) {
        repeated &= (s.reached[stage] & CaseState::kReached) != 0;
        verdict = std::max(verdict, take(s, stage, now));
    }
    while (!reached_.empty()) {
        reach(s, now);
        reached_.clear();
        for (const uint32_t join : w_.joins)
            if (s.outcome == Terminal::kNo && !(s.reached[join] & CaseState::kReached) &&
                (w_.stages[join].type.empty() || s.reached[join] & CaseState::kArrived) &&
                all_joined(s, w_.stages[join]))
                reached_.push_back(static_cast<uint16_t>(join));
    }
    if (!w_.long_form) return Verdict::kExpected;
    if (repeated && !changed_) {
        ++s.disorder.duplicate;
        return Verdict::kDuplicate;
    }
    return verdict;
}

CaseFold::Verdict CaseFold::take(CaseState& s, uint16_t number, Now now) {
    const WorkflowStage& stage = w_.stages[number];
    if (s.outcome != Terminal::kNo) {
        if (s.reached[number] & CaseState::kReached) return Verdict::kExpected;  // a duplicate, if anything
        ++s.disorder.unexpected;
        return Verdict::kUnexpected;
    }
    Verdict verdict = Verdict::kExpected;
    if (w_.long_form && !stage.before.empty() &&
        std::none_of(stage.before.begin(), stage.before.end(),
                     [&](uint32_t b) { return (s.reached[b] & CaseState::kReached) != 0; })) {
        s.early.push_back({number, false, now.seq, now.ns});
        ++s.disorder.unexpected;
        verdict = Verdict::kUnexpected;
        if (w_.unexpected == OnDisorder::kDrop) return verdict;
    }
    if (!stage.joins.empty()) {
        s.reached[number] |= CaseState::kArrived;
        if (s.reached[number] & CaseState::kReached || !all_joined(s, stage)) return verdict;
    }
    reached_.push_back(number);
    return verdict;
}

bool CaseFold::all_joined(const CaseState& s, const WorkflowStage& stage) const {
    return std::all_of(stage.joins.begin(), stage.joins.end(), [&](uint32_t member) {
        return w_.stages[member].optional || (s.reached[member] & CaseState::kReached) != 0;
    });
}

void CaseFold::reach(CaseState& s, Now now) {
    // Settling comes first: where from and to are one stage, its first event anchors and its second settles.
    for (const uint16_t number : reached_)
        for (const uint32_t e : w_.stages[number].in) changed_ |= settle(s, e, now);
    for (const uint16_t number : reached_) {
        const WorkflowStage& stage = w_.stages[number];
        s.reached[number] |= CaseState::kReached;
        resolve_early(s, number, now);
        for (const uint32_t e : stage.skips) changed_ |= cancel_edge(s, e, now);
        if (stage.terminal == Terminal::kNo) continue;
        for (Obligation& o : s.obligations)
            if (o.open()) close(o, now);
        s.outcome = stage.terminal;
        changed_ = true;
    }
    if (s.outcome != Terminal::kNo) return;
    for (const uint16_t number : reached_)
        for (const uint32_t e : w_.stages[number].out) changed_ |= anchor(s, e, now);
}

bool CaseFold::settle(CaseState& s, uint32_t number, Now now) {
    const auto it = std::find_if(s.obligations.begin(), s.obligations.end(),
                                 [&](const Obligation& o) { return o.edge == number && o.open(); });
    if (it == s.obligations.end()) return false;
    const Edge& edge = w_.edges[number];
    it->phase = now.ns <= it->deadline_ns ? Phase::kMet : Phase::kLate;
    if (w_.from(edge).exclusive)
        for (const uint32_t other : w_.from(edge).out)
            if (other != number) cancel_edge(s, other, now);
    if (edge.leads_back() && edge.loop != kNoLoop) lead_back(s, edge);
    return true;
}

void CaseFold::lead_back(CaseState& s, const Edge& edge) {
    uint8_t& pass = s.passes[edge.loop];
    if (pass >= edge.loop_max) {
        if (w_.long_form) ++s.disorder.unexpected;  // once more than the document allows
        return;
    }
    ++pass;
    for (const uint32_t stage : w_.loops[edge.loop]) s.reached[stage] = 0;
}

void CaseFold::close(Obligation& o, Now now) {
    o.phase = now.ns <= o.deadline_ns ? Phase::kCancelled : Phase::kExpired;
}

bool CaseFold::cancel_edge(CaseState& s, uint32_t number, Now now) {
    bool any = false;
    for (Obligation& o : s.obligations)
        if (o.edge == number && o.open()) close(o, now), any = true;
    return any;
}

bool CaseFold::anchor(CaseState& s, uint32_t number, Now now) {
    const Edge& edge = w_.edges[number];
    const uint8_t pass = edge.loop == kNoLoop ? 0 : s.passes[edge.loop];
    if (edge.anchor != Edge::Anchor::kEach)
        for (Obligation& o : s.obligations) {
            if (o.edge != number || o.pass != pass) continue;
            if (!o.open() || edge.anchor == Edge::Anchor::kFirst) return false;
            o.deadline_ns = deadline(edge, now.ns);
            o.anchor_seq = now.seq;
            o.phase = Phase::kArmed;
            return true;
        }
    if (s.obligations.size() >= kObligationsMax) {
        ++overflowed_;
        return false;
    }
    s.obligations.push_back(
        {deadline(edge, now.ns), now.seq, kNoTimer, static_cast<uint16_t>(number), Phase::kArmed, pass});
    return true;
}

void CaseFold::resolve_early(CaseState& s, uint16_t number, Now now) {
    std::erase_if(s.early, [&](CaseState::Early& e) {
        const auto& before = w_.stages[e.stage].before;
        if (e.out_of_order || e.seq == now.seq ||
            std::find(before.begin(), before.end(), number) == before.end())
            return false;
        --s.disorder.unexpected;
        if (now.ns - e.time_ns <= w_.disorder_ns) return true;
        ++s.disorder.out_of_order;
        e.out_of_order = true;
        return false;
    });
}

}  // namespace penstock

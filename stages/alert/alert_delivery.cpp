// Whom an alert is told to, and why not.
#include <fmt/format.h>

#include <algorithm>

#include "stages/alert/alert_book.h"
#include "stages/alert/book_text.h"

namespace penstock {
namespace {

bool holds(const std::vector<std::string>& list, std::string_view name) {
    return std::find(list.begin(), list.end(), name) != list.end();
}

void note(std::string& list, std::string_view text, std::string_view between = ", ") {
    if (!list.empty()) list += between;
    list += text;
}

}  // namespace

/// kTell has come.
void AlertBook::decide(Entry& e, Now now) {
    const Due due = std::exchange(e.due, Due::kNone);
    const std::string reason = std::exchange(e.due_reason, {});
    const bool ended =
        due == Due::kSilenceEnded || due == Due::kMaintenanceEnded || due == Due::kInhibitionEnded;
    // The ladder's steps that nobody heard of are taken again.
    if (ended && e.ladder_held) begin_ladder(e, now);
    switch (due) {
        case Due::kFiring:
            e.told = true;
            return tell(e, "alert.firing", "", now);
        case Due::kWorse:
            return tell(e, "alert.severity", "the severity rose", now);
        case Due::kSilenceEnded:
            return tell(e, "silence.ended", reason, now);
        case Due::kMaintenanceEnded:
            return tell(e, "maintenance.ended", reason, now);
        case Due::kInhibitionEnded:
            return tell(e, "inhibition.ended", reason, now);
        case Due::kNone:
            return;
    }
}

// --- repetitions ------------------------------------------------------------------------------------------

void AlertBook::repeat(Entry& e, Now now) {
    std::vector<std::string> due;
    std::erase_if(e.repeats, [&](const Repeat& r) {
        const AlertTarget* to = policy_.target(r.target);
        if (to && !is_for(e, *to)) to = nullptr;
        if (to && r.at_ns <= now.ns) due.push_back(r.target);
        return to == nullptr;
    });
    if (due.empty()) return time_repeats(e);
    tell(e, "alert.repeated", "", now, &due);
}

/// They are told next when their interval has passed from now on.
void AlertBook::plan_repeats(Entry& e, const std::vector<std::string>& targets, Now now) {
    if (e.alert.state != AlertState::kFiring) return;
    for (const std::string& name : targets) {
        const AlertTarget* to = policy_.target(name);
        if (!to) continue;
        auto at = std::find_if(e.repeats.begin(), e.repeats.end(),
                               [&](const Repeat& r) { return r.target == name; });
        if (at == e.repeats.end()) at = e.repeats.insert(at, {name, 0});
        at->at_ns = now.ns + to->repeat_ns;
    }
    time_repeats(e);
}

/// Targets that are new, and those of an alert that is firing again.
void AlertBook::plan_missing_repeats(Entry& e, Now now) {
    if (!e.told) return;
    std::vector<std::string> missing;
    for (const AlertTarget& to : policy_.targets)
        if (is_for(e, to) && std::none_of(e.repeats.begin(), e.repeats.end(),
                                          [&](const Repeat& r) { return r.target == to.name; }))
            missing.push_back(to.name);
    plan_repeats(e, missing, now);
}

void AlertBook::time_repeats(Entry& e) {
    StampNs first = MaintenanceWindow::kForever;
    for (const Repeat& r : e.repeats) first = std::min(first, r.at_ns);
    e.repeats.empty() ? clear_timer(e, kRepeat) : set_timer(e, kRepeat, first);
}

// --- a decision -------------------------------------------------------------------------------------------

const Silence* AlertBook::silencing(const Alert& alert, StampNs now_ns) const {
    for (const auto& [id, s] : silences_)
        if (s.active(now_ns) && s.matches(alert)) return &s;
    return nullptr;
}

const MaintenanceWindow* AlertBook::maintaining(const Alert& alert, StampNs now_ns) const {
    for (const auto& [id, w] : windows_)
        if (w.facts.active(now_ns) && w.facts.covers(alert)) return &w.facts;
    return nullptr;
}

/// Without a ladder's own targets, and with whom a ladder has reached.
bool AlertBook::is_for(const Entry& e, const AlertTarget& to) const {
    if (!to.takes_tenant(e.alert.tenant)) return false;
    return holds(e.reached, to.name) || (!to.escalation_only && e.alert.severity >= to.severity_at_least);
}

/// All causes; empty: none.
std::string AlertBook::suppressed_by(Entry& e, std::string_view kind, Now now) {
    std::string causes;
    // A long trouble is one, also after it flapped: ladders go on.
    if (e.alert.flapping && (kind == "alert.firing" || kind == "alert.severity"))
        note(causes, "flapping", "; ");
    if (const Silence* s = silencing(e.alert, now.ns))
        note(causes, fmt::format("silence {} of {}: {}", s->id, s->owner, s->reason), "; ");
    if (const MaintenanceWindow* w = maintaining(e.alert, now.ns))
        note(causes, fmt::format("maintenance {} of {}: {}", w->id, w->owner, w->reason), "; ");
    const uint64_t inhibitor = inhibition_.inhibitor_of(e.alert);
    if (inhibitor != 0) note(causes, fmt::format("inhibited by alert {:016x}", inhibitor), "; ");
    e.inhibited = inhibitor != 0;
    if (e.inhibited)
        inhibited_.insert(e.alert.id);
    else
        inhibited_.erase(e.alert.id);
    return causes;
}

void AlertBook::tell(Entry& e, std::string_view kind, const std::string& reason, Now now,
                     const std::vector<std::string>* named) {
    const auto not_sent = [&](std::string why) {
        step(e, AlertStepKind::kNotSent, kSelf, kind, std::move(why), now);
    };
    if (policy_.targets.empty()) return not_sent("no notify target is configured");
    const std::string suppressed = suppressed_by(e, kind, now);
    const bool ladder = named && kind == "alert.escalated";
    std::vector<std::string> meant;
    std::string sent, kept;
    for (const AlertTarget& to : policy_.targets) {
        if (named ? !holds(*named, to.name) : to.escalation_only && !holds(e.reached, to.name)) continue;
        if (!to.takes_tenant(e.alert.tenant)) {
            note(kept, fmt::format("{} (not this tenant's)", to.name));
        } else if (!ladder && !is_for(e, to)) {
            note(kept, fmt::format("{} (severity {} is below {})", to.name, e.alert.severity,
                                   to.severity_at_least));
        } else {
            meant.push_back(to.name);
        }
    }
    plan_repeats(e, meant, now);
    if (!suppressed.empty()) {
        e.ladder_held |= ladder;
        return not_sent(suppressed);
    }
    for (const std::string& name : meant) {
        if (outbox_.size() >= kOutboxMax) {
            note(kept, fmt::format("{} ({} notifications wait already)", name, kOutboxMax));
            continue;
        }
        make_notice(e, name, kind, reason, now);
        note(sent, name);
        if (!holds(e.reached, name)) e.reached.push_back(name);
    }
    if (sent.empty()) return not_sent("to nobody" + (kept.empty() ? "" : "; not to " + kept));
    std::string text = "to " + sent + (kept.empty() ? "" : "; not to " + kept);
    if (!reason.empty()) text += "; " + reason;
    step(e, AlertStepKind::kSent, kSelf, kind, std::move(text), now);
}

/// To everyone who was told of the trouble, whatever suppresses.
void AlertBook::tell_end(Entry& e, const std::string& reason, Now now) {
    std::string sent, kept;
    for (const std::string& name : std::exchange(e.reached, {})) {
        if (outbox_.size() >= kOutboxMax) {
            note(kept, fmt::format("{} ({} notifications wait already)", name, kOutboxMax));
            continue;
        }
        make_notice(e, name, "alert.resolved", reason, now);
        note(sent, name);
    }
    std::string text = (sent.empty() ? "to nobody" : "to " + sent) + (kept.empty() ? "" : "; not to " + kept);
    if (!reason.empty()) text += "; " + reason;
    step(e, sent.empty() ? AlertStepKind::kNotSent : AlertStepKind::kSent, kSelf, "alert.resolved",
         std::move(text), now);
}

void AlertBook::make_notice(Entry& e, const std::string& target, std::string_view kind,
                            const std::string& reason, Now now) {
    const Alert& a = e.alert;
    PendingNotice p;
    p.order = next_order_++;
    p.effect_id = alert_hash({target}, a.id, uint64_t{a.episode} << 32 | ++e.notices_made);
    p.target = target;
    p.kind = kind;
    p.reason = reason;
    p.at_ns = now.ns;
    p.cause_seq = now.seq;
    p.alert = a.id;
    p.tenant = a.tenant;
    p.workflow = a.workflow;
    p.rule = a.rule;
    p.group = a.group;
    p.trouble = a.trouble;
    p.runbook = a.runbook;
    p.episode = a.episode;
    p.version = a.version;
    p.state = a.state;
    p.end = a.end;
    p.severity = a.severity;
    p.open = a.open;
    p.total = a.total;
    p.first_deadline_ns = a.first_deadline_ns;
    p.last_deadline_ns = a.last_deadline_ns;
    p.began_ns = a.began_ns;
    for (const AlertInstance& i : a.instances)
        if (p.state == AlertState::kResolved || i.end == AlertEnd::kNone)
            p.instances.push_back({i.anchor_seq, i.key_text});
    e.alert.notices.push_back(
        {p.effect_id, a.episode, target, std::string(kind), now.ns, NoticeState::kPending, 0, 0, {}});
    keep_last(e.alert.notices, kNoticesMax);
    facts_dirty_ = true;
    dirty_outbox_.insert(p.order);
    order_of_[p.effect_id] = p.order;
    outbox_.emplace(p.order, std::move(p));
}

}  // namespace penstock

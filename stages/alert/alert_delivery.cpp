// Whom an alert is told to, and why not.
#include <fmt/format.h>

#include <algorithm>

#include "stages/alert/alert_book.h"
#include "stages/alert/book_text.h"

namespace penstock {

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
        if (to && (to->group_by != 0 || !is_for(e, *to))) to = nullptr;
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
        if (to->group_by != 0) {
            join(e, *to, now);
            continue;
        }
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
    for (const auto& [id, s] : silences_.rows())
        if (s.active(now_ns) && s.matches(alert)) return &s;
    return nullptr;
}

const MaintenanceWindow* AlertBook::maintaining(const Alert& alert, StampNs now_ns) const {
    for (const auto& [id, w] : windows_.rows())
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
    std::string grouped;
    for (const std::string& name : meant) {
        if (const AlertTarget& to = *policy_.target(name); to.group_by != 0) {
            note(grouped, waits_text(name, add_news(e, to, kind, reason, now)));
            continue;
        }
        if (outbox_.size() >= kOutboxMax) {
            note(kept, fmt::format("{} ({} notifications wait already)", name, kOutboxMax));
            continue;
        }
        make_notice(e, name, kind, reason, now);
        note(sent, name);
        if (!holds(e.reached, name)) e.reached.push_back(name);
    }
    if (!grouped.empty()) {
        if (sent.empty() && !kept.empty()) grouped += "; not to " + kept;
        step(e, AlertStepKind::kGrouped, kSelf, kind, "to " + grouped, now);
        if (sent.empty()) return;
    }
    if (sent.empty()) return not_sent("to nobody" + (kept.empty() ? "" : "; not to " + kept));
    std::string text = "to " + sent + (kept.empty() ? "" : "; not to " + kept);
    if (!reason.empty()) text += "; " + reason;
    step(e, AlertStepKind::kSent, kSelf, kind, std::move(text), now);
}

/// To everyone who was told of the trouble, whatever suppresses.
void AlertBook::tell_end(Entry& e, const std::string& reason, Now now) {
    std::string sent, kept, grouped;
    for (const std::string& name : std::exchange(e.reached, {})) {
        if (const AlertTarget* to = policy_.target(name); to && to->group_by != 0) {
            const int64_t wait = add_end(*to, snapshot_of(e.alert, "alert.resolved", reason), now);
            note(grouped, waits_text(name, wait));
            continue;
        }
        if (outbox_.size() >= kOutboxMax) {
            note(kept, fmt::format("{} ({} notifications wait already)", name, kOutboxMax));
            continue;
        }
        make_notice(e, name, "alert.resolved", reason, now);
        note(sent, name);
    }
    if (!grouped.empty()) {
        step(e, AlertStepKind::kGrouped, kSelf, "alert.resolved", "to " + grouped, now);
        if (sent.empty() && kept.empty()) return;
    }
    std::string text = (sent.empty() ? "to nobody" : "to " + sent) + (kept.empty() ? "" : "; not to " + kept);
    if (!reason.empty()) text += "; " + reason;
    step(e, sent.empty() ? AlertStepKind::kNotSent : AlertStepKind::kSent, kSelf, "alert.resolved",
         std::move(text), now);
}

NoticeAlert snapshot_of(const Alert& a, std::string_view kind, const std::string& reason) {
    NoticeAlert out;
    out.kind = kind;
    out.reason = reason;
    out.alert = a.id;
    out.tenant = a.tenant;
    out.workflow = a.workflow;
    out.rule = a.rule;
    out.group = a.group;
    out.trouble = a.trouble;
    out.runbook = a.runbook;
    out.episode = a.episode;
    out.version = a.version;
    out.state = a.state;
    out.end = a.end;
    out.severity = a.severity;
    out.open = a.open;
    out.total = a.total;
    out.first_deadline_ns = a.first_deadline_ns;
    out.last_deadline_ns = a.last_deadline_ns;
    out.began_ns = a.began_ns;
    for (const AlertInstance& i : a.instances)
        if (a.state == AlertState::kResolved || i.end == AlertEnd::kNone)
            out.instances.push_back({i.anchor_seq, i.key_text});
    return out;
}

void AlertBook::make_notice(Entry& e, const std::string& target, std::string_view kind,
                            const std::string& reason, Now now) {
    PendingNotice p{snapshot_of(e.alert, kind, reason)};
    p.effect_id = alert_hash({target}, p.alert, uint64_t{p.episode} << 32 | ++e.notices_made);
    p.target = target;
    p.told = {p.alert};
    note_notice(e, p, kind, p.episode, now);
    push_notice(std::move(p), now);
}

void AlertBook::note_notice(Entry& e, const PendingNotice& p, std::string_view kind, uint32_t episode,
                            Now now) {
    e.alert.notices.push_back(
        {p.effect_id, episode, p.target, std::string(kind), now.ns, NoticeState::kPending, 0, 0, {}});
    keep_last(e.alert.notices, kNoticesMax);
}

/// Its place in the order is given already where its id was made of that.
void AlertBook::push_notice(PendingNotice p, Now now) {
    if (p.order == 0) p.order = next_order_++;
    p.at_ns = now.ns;
    p.cause_seq = now.seq;
    facts_dirty_ = true;
    order_of_[p.effect_id] = p.order;
    outbox_.add(p.order, std::move(p));
}

}  // namespace penstock

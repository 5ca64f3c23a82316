// Alerts of which a target is told together: wait, interval and repetition, as Alertmanager has them.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "pipeline/civil/duration.h"
#include "stages/alert/alert_book.h"
#include "stages/alert/book_text.h"

namespace penstock {
namespace {

constexpr int64_t kSecondNs = 1'000'000'000;

NoticeGroupKey key_of(const NoticeAlert& a, uint8_t by) {
    NoticeGroupKey key;
    key.by = by;
    if (by & kByTenant) key.tenant = a.tenant;
    if (by & kByWorkflow) key.workflow = a.workflow;
    if (by & kBySeverity) key.severity = a.severity;
    if (by & kByGroup) key.group = a.group;
    return key;
}

NoticeGroupKey key_of(const Alert& a, uint8_t by) {
    NoticeAlert facts;
    facts.tenant = a.tenant;
    facts.workflow = a.workflow;
    facts.severity = a.severity;
    facts.group = a.group;
    return key_of(facts, by);
}

/// What is told though somebody took the alert, or it is over: it flaps; the severity of an acked one rose.
bool outlives(const NoticeGroup::News& news, const Alert& a) {
    return (news.kind == "alert.flapping" && a.flapping) ||
           (news.kind == "alert.severity" && a.state == AlertState::kAcked);
}

/// The worst first.
bool before(const NoticeAlert& a, const NoticeAlert& b) {
    return a.severity != b.severity ? a.severity > b.severity : a.alert < b.alert;
}

}  // namespace

std::string waits_text(const std::string& target, int64_t wait_ns) {
    const int64_t seconds = (wait_ns + kSecondNs - 1) / kSecondNs;
    return fmt::format("{} in {}", target, format_duration(seconds * kSecondNs));
}

// --- what waits -------------------------------------------------------------------------------------------

NoticeGroup& AlertBook::group_of(const AlertTarget& to, NoticeGroupKey key) {
    const uint64_t id = alert_hash({to.name, key.workflow, key.group}, key.tenant,
                                   uint64_t{key.by} << 8 | uint64_t{key.severity});
    NoticeGroup& g = groups_.make(id);
    if (g.id == 0) {
        g.id = id;
        g.target = to.name;
        g.key = std::move(key);
    }
    return g;
}

void AlertBook::join(Entry& e, const AlertTarget& to, Now now) {
    NoticeGroup& g = group_of(to, key_of(e.alert, to.group_by));
    if (!g.firing.insert(e.alert.id).second) return;
    if (std::find(e.groups.begin(), e.groups.end(), g.id) == e.groups.end()) e.groups.push_back(g.id);
    if (g.repeat_ns == 0) g.repeat_ns = std::max(now.ns + to.repeat_ns, quiet_until_ns_);
    time_group(g);
}

int64_t AlertBook::add_news(Entry& e, const AlertTarget& to, std::string_view kind, const std::string& reason,
                            Now now) {
    NoticeGroup& g = group_of(to, key_of(e.alert, to.group_by));
    const auto [news, fresh] = g.news.try_emplace(e.alert.id);
    // Whatever waits is told with the severity of then.
    if (fresh || kind != "alert.severity") news->second = {std::string(kind), reason};
    if (std::find(e.groups.begin(), e.groups.end(), g.id) == e.groups.end()) e.groups.push_back(g.id);
    return time_news(g, to, now);
}

int64_t AlertBook::add_end(const AlertTarget& to, NoticeAlert end, Now now) {
    NoticeGroup& g = group_of(to, key_of(end, to.group_by));
    g.over[end.alert] = std::move(end);
    return time_news(g, to, now);
}

/// The first that waits sets the time for all.
int64_t AlertBook::time_news(NoticeGroup& g, const AlertTarget& to, Now now) {
    if (g.news_ns == 0) {
        g.news_ns = std::max(now.ns, quiet_until_ns_) + to.group_wait_ns;
        if (g.told_ns != 0) g.news_ns = std::max(g.news_ns, g.told_ns + to.group_interval_ns);
        time_group(g);
    }
    return g.news_ns - now.ns;
}

void AlertBook::time_group(NoticeGroup& g) {
    if (g.timer_ns != 0) timers_.erase({g.timer_ns, kOfGroup, g.id});
    if (!g.waits()) g.news_ns = 0;
    if (g.firing.empty()) g.repeat_ns = 0;
    g.timer_ns = g.news_ns == 0 || g.repeat_ns == 0 ? std::max(g.news_ns, g.repeat_ns)
                                                    : std::min(g.news_ns, g.repeat_ns);
    if (g.timer_ns != 0) timers_.insert({g.timer_ns, kOfGroup, g.id});
    if (g.empty()) emptied_groups_.insert(g.id);
}

void AlertBook::drop_empty_groups() {
    for (const uint64_t id : std::exchange(emptied_groups_, {}))
        if (const NoticeGroup* g = groups_.find(id); g && g->empty()) groups_.erase(id);
}

// --- what becomes of an alert -----------------------------------------------------------------------------

void AlertBook::leave_groups(Entry& e, std::string_view why, Now now) {
    std::erase_if(e.groups, [&](uint64_t id) {
        NoticeGroup& g = groups_.change(id);
        g.firing.erase(e.alert.id);
        const auto news = g.news.find(e.alert.id);
        const bool stays = news != g.news.end() && outlives(news->second, e.alert);
        if (news != g.news.end() && !stays) {
            step(e, AlertStepKind::kNotSent, kSelf, news->second.kind, fmt::format("{}: {}", g.target, why),
                 now);
            g.news.erase(news);
        }
        time_group(g);
        return !stays;
    });
}

/// Where groups are told apart by severity, it goes over to another, with what waits.
void AlertBook::severity_rose(Entry& e, Now now) {
    for (const uint64_t id : std::vector<uint64_t>(e.groups)) {
        NoticeGroup& old = groups_.change(id);
        const AlertTarget* to = policy_.target(old.target);
        if (!(old.key.by & kBySeverity) || !to) continue;
        std::erase(e.groups, id);
        if (old.firing.erase(e.alert.id) > 0) join(e, *to, now);
        if (auto news = old.news.extract(e.alert.id))
            add_news(e, *to, news.mapped().kind, news.mapped().reason, now);
        time_group(old);
    }
    drop_empty_groups();
}

void AlertBook::tell_unreached(Entry& e, Now now) {
    std::vector<std::string> unreached;
    for (const AlertTarget& to : policy_.targets)
        if (to.group_by != 0 && is_for(e, to) && !holds(e.reached, to.name)) unreached.push_back(to.name);
    if (!unreached.empty()) tell(e, "alert.firing", "", now, &unreached);
}

// --- another configuration --------------------------------------------------------------------------------

void AlertBook::regroup(Now now) {
    std::vector<NoticeGroup> others;
    for (const auto& [id, row] : groups_.rows()) {
        NoticeGroup& g = groups_.change(id);
        const AlertTarget* to = policy_.target(g.target);
        if (!to || to->group_by != g.key.by) {
            others.push_back(g);
            continue;
        }
        if (g.news_ns != 0) g.news_ns = std::max(g.news_ns, quiet_until_ns_ + to->group_wait_ns);
        if (g.repeat_ns != 0) g.repeat_ns = std::max(g.repeat_ns, quiet_until_ns_);
        time_group(g);
    }
    const auto grouped = [&](const Repeat& r) {
        const AlertTarget* to = policy_.target(r.target);
        return to && to->group_by != 0;
    };
    for (const auto& [id, row] : entries_.rows()) {
        if (std::none_of(row.repeats.begin(), row.repeats.end(), grouped)) continue;
        Entry& e = entries_.change(id);
        std::erase_if(e.repeats, grouped);
        time_repeats(e);
    }
    for (NoticeGroup& g : others) {
        if (g.timer_ns != 0) timers_.erase({g.timer_ns, kOfGroup, g.id});
        groups_.erase(g.id);
        dissolve(std::move(g), now);
    }
}

/// What fires is planned anew by whoever calls; what waits goes on by itself.
void AlertBook::dissolve(NoticeGroup g, Now now) {
    const AlertTarget* to = policy_.target(g.target);
    for (const uint64_t alert : g.firing) std::erase(entries_.change(alert).groups, g.id);
    for (const auto& [alert, news] : g.news) {
        Entry& e = entries_.change(alert);
        std::erase(e.groups, g.id);
        if (to && to->group_by != 0) {
            add_news(e, *to, news.kind, news.reason, now);
        } else if (to && e.alert.state == AlertState::kFiring) {
            // Nothing is told now: as a repetition, once producers could speak.
            e.repeats.push_back({g.target, quiet_until_ns_});
            time_repeats(e);
        } else {
            step(e, AlertStepKind::kNotSent, kSelf, news.kind,
                 fmt::format("{}: it is configured otherwise now", g.target), now);
        }
    }
    for (auto& [alert, end] : g.over) {
        Entry& e = entries_.change(alert);
        if (to && to->group_by != 0) {
            add_end(*to, std::move(end), now);
            continue;
        }
        if (!to || outbox_.size() >= kOutboxMax) {
            step(e, AlertStepKind::kNotSent, kSelf, end.kind,
                 fmt::format("{}: it is configured otherwise now", g.target), now);
            continue;
        }
        PendingNotice p{std::move(end)};
        p.order = next_order_++;
        p.effect_id = alert_hash({g.target}, alert, p.order);
        p.target = g.target;
        p.told = {alert};
        step(e, AlertStepKind::kSent, kSelf, p.kind, "to " + g.target, now);
        note_notice(e, p, p.kind, p.episode, now);
        push_notice(std::move(p), now);
    }
}

// --- what is told -----------------------------------------------------------------------------------------

/// Its timer has come. All that waits goes with it, whichever of the two it was.
void AlertBook::tell_group(NoticeGroup& g, Now now) {
    const AlertTarget& to = *policy_.target(g.target);
    const bool repeated = g.repeat_ns != 0 && g.repeat_ns <= now.ns;
    if (outbox_.size() >= kOutboxMax) {  // what waits, waits on
        if (g.news_ns != 0) g.news_ns = now.ns + to.group_interval_ns;
        if (repeated) g.repeat_ns = now.ns + to.repeat_ns;
        return time_group(g);
    }
    std::vector<NoticeAlert> told = news_of(g, repeated, now);
    g.news.clear();
    g.over.clear();
    if (!told.empty()) {
        g.told_ns = now.ns;
        send_group(g, std::move(told), now);
    }
    if (repeated || g.told_ns == now.ns) g.repeat_ns = now.ns + to.repeat_ns;
    time_group(g);
}

/// Without what is suppressed by now.
std::vector<NoticeAlert> AlertBook::news_of(NoticeGroup& g, bool repeated, Now now) {
    std::vector<NoticeAlert> told;
    const auto tell_of = [&](Entry& e, const std::string& kind, const std::string& reason) {
        if (!g.firing.contains(e.alert.id)) std::erase(e.groups, g.id);
        if (std::string causes = suppressed_by(e, kind, now); !causes.empty()) {
            e.ladder_held |= kind == "alert.escalated";
            return step(e, AlertStepKind::kNotSent, kSelf, kind, std::move(causes), now);
        }
        told.push_back(snapshot_of(e.alert, kind, reason));
        if (!holds(e.reached, g.target)) e.reached.push_back(g.target);
    };
    for (const auto& [alert, news] : g.news) tell_of(entries_.change(alert), news.kind, news.reason);
    if (repeated) {
        const AlertTarget& to = *policy_.target(g.target);
        std::erase_if(g.firing, [&](uint64_t alert) {
            Entry& e = entries_.change(alert);
            if (g.news.contains(alert)) return false;
            if (is_for(e, to)) return tell_of(e, "alert.repeated", ""), false;
            std::erase(e.groups, g.id);
            return true;
        });
    }
    std::sort(told.begin(), told.end(), before);
    for (auto& [alert, end] : g.over) told.push_back(std::move(end));
    return told;
}

/// `told` first; then, as far as there is room, what fires besides and was told before.
void AlertBook::send_group(NoticeGroup& g, std::vector<NoticeAlert> told, Now now) {
    PendingNotice p;
    p.kind = "alert.group";
    p.order = next_order_++;
    p.effect_id = alert_hash({g.target}, g.id, p.order);
    p.target = g.target;
    p.group_id = g.id;
    p.group_key = g.key;
    for (const NoticeAlert& a : told) {
        Entry& e = entries_.change(a.alert);
        std::string text = "to " + g.target;
        if (told.size() > 1) text += fmt::format(" with {} more", told.size() - 1);
        if (!a.reason.empty()) text += "; " + a.reason;
        step(e, AlertStepKind::kSent, kSelf, a.kind, std::move(text), now);
        note_notice(e, p, a.kind, a.episode, now);
        p.told.push_back(a.alert);
    }
    std::set<uint64_t> news;
    for (const NoticeAlert& a : told)
        if (a.state != AlertState::kResolved) news.insert(a.alert);
    std::vector<NoticeAlert> others;
    for (const uint64_t alert : g.firing) {
        const Entry& e = entries_.at(alert);
        if (!news.contains(alert) && holds(e.reached, g.target) && !silencing(e.alert, now.ns) &&
            !maintaining(e.alert, now.ns) && inhibition_.inhibitor_of(e.alert) == 0)
            others.push_back(snapshot_of(e.alert, "", ""));
    }
    std::sort(others.begin(), others.end(), before);
    p.alerts = std::move(told);
    p.alerts.insert(p.alerts.end(), std::make_move_iterator(others.begin()),
                    std::make_move_iterator(others.end()));
    for (const NoticeAlert& a : p.alerts) {
        ++(a.state == AlertState::kResolved ? p.resolved
           : a.state == AlertState::kAcked  ? p.acked
                                            : p.firing);
        if (a.state != AlertState::kResolved) p.severity = std::max(p.severity, a.severity);
    }
    p.state = p.firing > 0 ? AlertState::kFiring : p.acked > 0 ? AlertState::kAcked : AlertState::kResolved;
    if (p.alerts.size() > PendingNotice::kAlertsMax) p.alerts.resize(PendingNotice::kAlertsMax);
    for (NoticeAlert& a : p.alerts) keep_last(a.instances, PendingNotice::kInstancesMax);
    push_notice(std::move(p), now);
}

}  // namespace penstock

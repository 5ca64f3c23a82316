// What time does.
#include <fmt/format.h>

#include <algorithm>

#include "pipeline/civil/duration.h"
#include "stages/alert/alert_book.h"
#include "stages/alert/book_text.h"

namespace penstock {
namespace {

/// Forgets the oldest of those that are over, down to `max`.
template <typename Map, typename Ended, typename Forget>
void prune(Map& map, size_t max, Ended ended, Forget forget) {
    std::vector<uint64_t> over;
    for (const auto& [id, one] : map.rows())
        if (ended(one)) over.push_back(id);
    for (size_t i = 0; i + max < over.size(); ++i) {
        forget(over[i]);
        map.erase(over[i]);
    }
}

}  // namespace

StampNs AlertBook::due_ns() const {
    std::lock_guard lock(mutex_);
    return timers_.empty() ? MaintenanceWindow::kForever : std::get<0>(*timers_.begin());
}

void AlertBook::run_timers(Now now) {
    while (!timers_.empty() && std::get<0>(*timers_.begin()) <= now.ns) {
        const auto [at_ns, of, id] = *timers_.begin();
        timers_.erase(timers_.begin());
        if (of == kOfSilence) {
            silence_over(silences_.change(id), now);
        } else if (of == kOfWindow) {
            span_over(windows_.change(id), now);
        } else if (of == kOfGroup) {
            NoticeGroup& g = groups_.change(id);
            g.timer_ns = 0;
            tell_group(g, now);
            drop_empty_groups();
        } else {
            Entry& e = entries_.change(id);
            const auto timer = static_cast<Timer>(of - kOfAlert);
            e.timers[timer] = 0;
            if (timer == kEscalate) e.alert.escalates_ns = 0;
            run_timer(e, timer, now);
        }
    }
}

void AlertBook::run_timer(Entry& e, Timer timer, Now now) {
    switch (timer) {
        case kFire:
            return fire(e, now);
        case kTell:
            return decide(e, now);
        case kRepeat:
            return repeat(e, now);
        case kEscalate:
            return escalate(e, now);
        case kAckTimeout:
            return ack_led_to_nothing(e, now);
        case kSteadyAgain:
            return steady(e, now);
        case kTimers:
            return;
    }
}

void AlertBook::set_timer(Entry& e, Timer timer, StampNs at_ns) {
    clear_timer(e, timer);
    e.timers[timer] = std::max(at_ns, quiet_until_ns_);
    if (timer == kEscalate) e.alert.escalates_ns = e.timers[timer];
    timers_.insert({e.timers[timer], kind_of(timer), e.alert.id});
}

void AlertBook::clear_timer(Entry& e, Timer timer) {
    if (e.timers[timer] == 0) return;
    timers_.erase({e.timers[timer], kind_of(timer), e.alert.id});
    e.timers[timer] = 0;
    if (timer == kEscalate) e.alert.escalates_ns = 0;
}

void AlertBook::set_due(Entry& e, Due due, StampNs at_ns, std::string reason) {
    e.due = due;
    e.due_reason = std::move(reason);
    set_timer(e, kTell, at_ns);
}

void AlertBook::clear_due(Entry& e) {
    e.due = Due::kNone;
    e.due_reason.clear();
    clear_timer(e, kTell);
}

// --- suppressions that end --------------------------------------------------------------------------------

void AlertBook::silence_over(Silence& s, Now now) {
    s.ended = true;
    if (s.begin_ns <= now.ns)
        told_again(s, s.severity_at_least, Due::kSilenceEnded,
                   fmt::format("the silence of {} {}: {}", s.owner,
                               s.expired_by.empty() ? std::string("ended") : "was ended by " + s.expired_by,
                               s.reason),
                   now);
    prune(silences_, kEndedSilencesMax, [](const Silence& one) { return one.ended; }, [](uint64_t) {});
}

/// An occurrence of the window ends, or all of them do.
void AlertBook::span_over(Window& w, Now now) {
    MaintenanceWindow& facts = w.facts;
    const bool was_on = facts.span_begin_ns <= now.ns;
    const std::string reason = fmt::format(
        "the maintenance of {} {}: {}", facts.owner,
        facts.ended_by.empty() ? std::string("ended") : "was ended by " + facts.ended_by, facts.reason);
    w.seek(now.ns);
    facts.ended = facts.span_end_ns == 0;
    if (!facts.ended) timers_.insert({facts.span_end_ns, kOfWindow, facts.id});
    if (was_on && !facts.active(now.ns)) told_again(facts, 0, Due::kMaintenanceEnded, reason, now);
    prune(
        windows_, kEndedSilencesMax, [](const Window& one) { return one.facts.ended; },
        [&](uint64_t id) { not_expecting_.erase(id); });
}

/// What was held back, and still fires, is told.
void AlertBook::told_again(const AlertScope& scope, uint8_t severity_at_least, Due due,
                           const std::string& reason, Now now) {
    for (const auto& [id, e] : entries_.rows()) {
        const bool waits = e.due == Due::kFiring || e.due == Due::kWorse;
        if (e.alert.state != AlertState::kFiring || !e.told || waits ||
            e.alert.severity < severity_at_least || !scope.covers(e.alert))
            continue;
        set_due(entries_.change(id), due, now.ns, reason);
    }
}

/// Alerts that no other hides any more. They wait a little: what ended the one may end the other.
void AlertBook::release_inhibited(Now now) {
    for (const uint64_t id : inhibited_) {
        const Entry& e = entries_.at(id);
        if (e.alert.state != AlertState::kFiring || e.due != Due::kNone ||
            inhibition_.inhibitor_of(e.alert) != 0)
            continue;
        set_due(entries_.change(id), Due::kInhibitionEnded, now.ns + policy_.pending_ns,
                "no other alert hides it any more");
    }
}

// --- the ladder -------------------------------------------------------------------------------------------

void AlertBook::begin_ladder(Entry& e, Now now) {
    if (e.ladder.steps.empty()) return;
    e.ladder_step = 0;
    e.ladder_from_ns = now.ns;
    e.ladder_held = false;
    set_timer(e, kEscalate, now.ns + e.ladder.steps[0].after_ns);
}

void AlertBook::escalate(Entry& e, Now now) {
    const EscalationStep& due = e.ladder.steps[e.ladder_step++];
    if (e.ladder_step < e.ladder.steps.size())
        set_timer(e, kEscalate, e.ladder_from_ns + e.ladder.steps[e.ladder_step].after_ns);
    tell(e, "alert.escalated",
         fmt::format("step {} of {}: nobody took it for {}", e.ladder_step, e.ladder.name,
                     format_duration(due.after_ns)),
         now, &due.targets);
}

void AlertBook::ack_led_to_nothing(Entry& e, Now now) {
    Alert& a = e.alert;
    const std::string why = fmt::format("{} took it, but it did not end in {}", a.acked_by,
                                        format_duration(e.ladder.ack_timeout_ns));
    a.state = AlertState::kFiring;
    a.acked_by.clear();
    ++a.version;
    a.changed_ns = now.ns;
    step(e, AlertStepKind::kUnacked, kSelf, "ack_timeout", why, now);
    if (!e.fired) changed(e, now);
    e.fired = e.told = true;
    tell(e, "alert.escalated", why, now);
    begin_ladder(e, now);
}

}  // namespace penstock

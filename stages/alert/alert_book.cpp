// Findings and episodes.
#include "stages/alert/alert_book.h"

#include <fmt/format.h>

#include <algorithm>

#include "pipeline/civil/duration.h"
#include "pipeline/stream_hash.h"
#include "stages/alert/book_text.h"

namespace penstock {
namespace {

AlertEnd end_of(Finding::Kind kind) {
    switch (kind) {
        case Finding::Kind::kDeliveredLate:
            return AlertEnd::kDeliveredLate;
        case Finding::Kind::kLate:
            return AlertEnd::kLate;
        case Finding::Kind::kWithdrawn:
            return AlertEnd::kWithdrawn;
        case Finding::Kind::kRecovered:
            return AlertEnd::kRecovered;
        case Finding::Kind::kMissed:
        case Finding::Kind::kDisorder:
        case Finding::Kind::kOutOfRange:
            break;
    }
    return AlertEnd::kNone;
}

std::string_view name_of(Finding::Kind trouble) {
    return trouble == Finding::Kind::kDisorder     ? "disorder"
           : trouble == Finding::Kind::kOutOfRange ? "out_of_range"
                                                   : "missed";
}

}  // namespace

uint64_t alert_hash(std::initializer_list<std::string_view> texts, uint64_t a, uint64_t b) {
    StreamHash hash;
    hash.add(&a, sizeof a).add(&b, sizeof b);
    for (const std::string_view text : texts) {
        const uint64_t size = text.size();
        hash.add(&size, sizeof size).add(text.data(), size);
    }
    return hash.digest();
}

uint64_t AlertBook::id_of(uint16_t tenant, std::string_view workflow, std::string_view rule,
                          std::string_view group) {
    return group.empty() ? alert_hash({workflow, rule}, tenant, 0)
                         : alert_hash({workflow, rule, group}, tenant, 0);
}

void AlertBook::on_finding(const Finding& f) {
    std::lock_guard lock(mutex_);
    const Now now{f.at_ns, f.cause_seq};
    run_timers(now);  // what was due before
    if (is_trouble(f.kind)) {
        trouble(entry_of(f), f, now);
    } else {
        const uint64_t id = id_of(f.tenant, f.workflow, f.rule, f.group);
        if (!entries_.contains(id)) return;
        settled(entries_.change(id), f, end_of(f.kind), now);
    }
    run_timers(now);
}

AlertBook::Entry& AlertBook::entry_of(const Finding& f) {
    const uint64_t id = id_of(f.tenant, f.workflow, f.rule, f.group);
    Entry& e = entries_.make(id);
    if (e.alert.id == 0) {
        Alert& a = e.alert;
        a.id = id;
        a.tenant = f.tenant;
        a.workflow = f.workflow;
        a.rule = f.rule;
        a.group = f.group;
    }
    return e;
}

void AlertBook::trouble(Entry& e, const Finding& f, Now now) {
    Alert& a = e.alert;
    if (a.state == AlertState::kResolved) begin_episode(e, f, now);
    ++a.open;
    ++a.total;
    a.first_deadline_ns = std::min(a.first_deadline_ns, f.deadline_ns);
    a.last_deadline_ns = std::max(a.last_deadline_ns, f.deadline_ns);
    a.instances.push_back(
        {f.key, std::string(f.key_text), f.anchor_seq, f.deadline_ns, AlertEnd::kNone, 0, f.evidence});
    keep_last(a.instances, kInstancesMax);
    if (!f.runbook.empty()) a.runbook = f.runbook;
    if (f.severity <= a.severity) return;
    ++a.version;
    step(e, AlertStepKind::kWorse, kSelf, "severity", fmt::format("{} was {}", f.severity, a.severity), now);
    a.severity = f.severity;
    inhibition_.update(a);
    if (e.fired) begin_ladder(e, now);
    severity_rose(e, now);
    if (e.told) set_due(e, Due::kWorse, now.ns);
}

void AlertBook::begin_episode(Entry& e, const Finding& f, Now now) {
    Alert& a = e.alert;
    ++a.episode;
    ++a.version;
    a.state = AlertState::kPending;
    a.end = AlertEnd::kNone;
    a.severity = f.severity;
    a.trouble = name_of(f.kind);
    a.runbook.clear();
    a.escalation = f.escalation;
    a.open = a.total = 0;
    a.first_deadline_ns = a.last_deadline_ns = f.deadline_ns;
    a.began_ns = a.changed_ns = now.ns;
    a.ended_ns = 0;
    a.acked_by.clear();
    a.assignee.clear();
    a.instances.clear();
    e.fired = e.told = e.ladder_held = false;
    e.notices_made = 0;
    if (!a.flapping) e.reached.clear();  // else they still wait to hear of the end
    step(e, AlertStepKind::kPending, kSelf, a.trouble, "", now);
    const EscalationLadder* ladder = policy_.ladder(f.escalation);
    e.ladder = ladder ? *ladder : EscalationLadder{};
    if (!ladder && !f.escalation.empty())
        step(e, AlertStepKind::kNotSent, kSelf, "alert.escalated",
             fmt::format("no ladder {} is configured", f.escalation), now);
    set_timer(e, kFire, now.ns + policy_.pending_ns);
}

/// The wait for more is over.
void AlertBook::fire(Entry& e, Now now) {
    Alert& a = e.alert;
    a.state = AlertState::kFiring;
    a.changed_ns = now.ns;
    ++a.version;
    e.fired = true;
    step(e, AlertStepKind::kFiring, kSelf, a.trouble, "", now);
    inhibition_.update(a);
    changed(e, now);
    begin_ladder(e, now);
    set_due(e, Due::kFiring, now.ns);
    if (on_fired) on_fired(a, now.ns, now.seq);
}

void AlertBook::settled(Entry& e, const Finding& f, AlertEnd end, Now now) {
    // What was missed when a person closed an episode counts for that one. While deadlines waited for
    // producers just then, some are missed only later: of those the count is right, not each by itself.
    if (f.anchor_seq < e.closed_seq && f.deadline_ns < e.closed_ns && e.closed_open > 0) {
        --e.closed_open;
        return;
    }
    Alert& a = e.alert;
    if (a.open == 0) return;
    --a.open;
    for (auto i = a.instances.rbegin(); i != a.instances.rend(); ++i)
        if (i->anchor_seq == f.anchor_seq && i->key == f.key && i->deadline_ns == f.deadline_ns &&
            i->end == AlertEnd::kNone) {
            i->end = end;
            i->end_ns = now.ns;
            break;
        }
    if (a.open > 0) return;
    // Whether the whole workflow is retired is known once the record itself is applied.
    if (end == AlertEnd::kWithdrawn)
        withdrawn_.insert(a.id);
    else
        resolve(e, end, kSelf, "", now);
}

void AlertBook::end_withdrawn(AlertEnd end, Now now) {
    for (const uint64_t id : std::exchange(withdrawn_, {})) {
        Entry& e = entries_.change(id);
        if (e.alert.open > 0 || e.alert.state == AlertState::kResolved) continue;
        resolve(e, end, kSelf, end == AlertEnd::kRuleRetired ? "the workflow was retired" : "", now);
    }
}

void AlertBook::resolve(Entry& e, AlertEnd end, std::string_view by, std::string_view note, Now now) {
    Alert& a = e.alert;
    const bool waited = a.state == AlertState::kPending || e.due == Due::kFiring;
    a.state = AlertState::kResolved;
    a.end = end;
    a.open = 0;
    a.ended_ns = a.changed_ns = now.ns;
    ++a.version;
    step(e, AlertStepKind::kResolved, by, kAlertEndNames[static_cast<size_t>(end)], std::string(note), now);
    for (const Timer timer : {kFire, kEscalate, kAckTimeout}) clear_timer(e, timer);
    clear_due(e);
    e.repeats.clear();
    time_repeats(e);
    e.inhibited = false;
    inhibited_.erase(a.id);
    const bool hid_others = inhibition_.update(a);
    if (waited)
        step(e, AlertStepKind::kNotSent, kSelf, "alert.firing", "over before the wait for more was", now);
    leave_groups(e, "it was over before the group was told", now);
    if (std::exchange(e.fired, false)) changed(e, now);
    if (!e.reached.empty()) {
        if (a.flapping)
            step(e, AlertStepKind::kNotSent, kSelf, "alert.resolved",
                 fmt::format("flapping: not before {} without a change",
                             format_duration(policy_.flap_window_ns)),
                 now);
        else
            tell_end(e, std::string(note), now);
    }
    drop_empty_groups();
    if (hid_others) release_inhibited(now);
}

/// It fired, or resolved.
void AlertBook::changed(Entry& e, Now now) {
    if (policy_.flap_count == 0) return;
    Alert& a = e.alert;
    std::erase_if(e.changes, [&](StampNs at) { return at <= now.ns - policy_.flap_window_ns; });
    e.changes.push_back(now.ns);
    keep_last(e.changes, policy_.flap_count);
    if (!a.flapping && e.changes.size() < policy_.flap_count) return;
    set_timer(e, kSteadyAgain, now.ns + policy_.flap_window_ns);
    if (std::exchange(a.flapping, true)) return;
    const std::string what =
        fmt::format("{} changes in {}", policy_.flap_count, format_duration(policy_.flap_window_ns));
    step(e, AlertStepKind::kFlapping, kSelf, "", what, now);
    tell(e, "alert.flapping", what, now);
}

/// For the whole window it neither fired nor resolved.
void AlertBook::steady(Entry& e, Now now) {
    Alert& a = e.alert;
    a.flapping = false;
    e.changes.clear();
    const std::string since = fmt::format("no change for {}", format_duration(policy_.flap_window_ns));
    step(e, AlertStepKind::kSteady, kSelf, "", since, now);
    if (a.state == AlertState::kResolved) {
        leave_groups(e, "it is steady, and over, before the group was told", now);
        if (!e.reached.empty()) tell_end(e, since, now);
        drop_empty_groups();
    }
    if (a.state == AlertState::kFiring) tell(e, "alert.firing", since, now);
}

void AlertBook::step(Entry& e, AlertStepKind kind, std::string_view by, std::string_view cause,
                     std::string note, Now now) {
    e.alert.history.push_back({now.seq, now.ns, e.alert.version, e.alert.episode, kind, std::string(by),
                               std::string(cause), std::move(note)});
    keep_last(e.alert.history, kHistoryMax);
}

void AlertBook::apply(const RecordView& record) {
    std::lock_guard lock(mutex_);
    const Now now{record.last_stamp(), record.first_seq()};
    if (record.header->kind == RecordKind::kControl && record.count() > 0) control(record);
    end_withdrawn(AlertEnd::kWithdrawn, now);
    run_timers(now);
}

}  // namespace penstock

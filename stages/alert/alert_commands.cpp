// Control records: a start, what people do, what became of notifications.
#include <fmt/format.h>

#include <algorithm>

#include "pipeline/faults.h"
#include "stages/alert/alert_book.h"
#include "stages/alert/book_text.h"

namespace penstock {
namespace {

namespace json = boost::json;

constexpr size_t kRefusedMax = 1024;

void read_scope(const RecordText& m, AlertScope& scope) {
    if (const json::value* tenant = m.find("tenant"); tenant && tenant->is_number())
        scope.tenant = static_cast<uint16_t>(m.number("tenant"));
    scope.workflow = m.text_if("workflow");
    scope.rule = m.text_if("rule");
    scope.group = m.text_if("group");
}

/// Those that are over do not count.
template <typename Map, typename Ended>
size_t living(const Map& map, Ended ended) {
    return static_cast<size_t>(std::count_if(map.rows().begin(), map.rows().end(),
                                             [&](const auto& item) { return !ended(item.second); }));
}

}  // namespace

void AlertBook::control(const RecordView& record) {
    const auto* c = flatbuffers::GetRoot<fb::Control>(record.bytes(0).data());
    const auto kind = static_cast<ControlKind>(c->kind());
    const std::string_view name = view_of(c->name()), text = view_of(c->text());
    const Now now{record.last_stamp(), record.first_seq()};
    if (kind == ControlKind::kBoot) return boot(text, now);
    if (kind == ControlKind::kWorkflowVersion && RecordText(text).text("action") == "retire")
        end_withdrawn(AlertEnd::kRuleRetired, now);
    run_timers(now);
    bool done = true;
    switch (kind) {
        case ControlKind::kWorkflowRetired:
            return workflow_retired(name, now);
        case ControlKind::kAlertAcked:
        case ControlKind::kAlertUnacked:
        case ControlKind::kAlertAssigned:
        case ControlKind::kAlertResolved:
            done = command(kind, name, text, now);
            break;
        case ControlKind::kSilenceAdded:
            done = add_silence(text, now);
            break;
        case ControlKind::kSilenceExpired:
            done = expire_silence(name, text, now);
            break;
        case ControlKind::kMaintenanceAdded:
            done = add_window(text, now);
            break;
        case ControlKind::kMaintenanceEnded:
            done = end_window(name, text, now);
            break;
        case ControlKind::kNotificationResult:
            return settle_notice(name, text, now);
        default:
            return;
    }
    if (done) return;
    refused_.push_back(now.seq);
    if (refused_.size() > kRefusedMax) refused_.pop_front();
}

void AlertBook::boot(std::string_view text, Now now) {
    facts_ = text;
    policy_ = read_alert_policy(text);
    inhibition_.set_rules(policy_.inhibit);
    // What came right while nobody looked should not be told: producers first send what they hold back.
    quiet_until_ns_ = now.ns + kQuietNs;
    regroup(now);
    for (const auto& [id, row] : entries_.rows()) {
        inhibition_.update(row.alert);
        if (!row.told && row.timers == std::array<StampNs, kTimers>{}) continue;
        Entry& e = entries_.change(id);
        plan_missing_repeats(e, now);
        for (uint8_t t = 0; t < kTimers; ++t)
            if (e.timers[t] != 0) set_timer(e, static_cast<Timer>(t), e.timers[t]);
    }
    release_inhibited(now);
    facts_dirty_ = true;
}

bool AlertBook::command(ControlKind kind, std::string_view name, std::string_view text, Now now) {
    const auto id = number_of(name, 16);
    if (!id || !entries_.contains(*id)) return false;
    Entry& e = entries_.change(*id);
    Alert& a = e.alert;
    const RecordText m(text);
    if (a.state == AlertState::kResolved || m.number("episode") != static_cast<int64_t>(a.episode) ||
        m.number("version") != static_cast<int64_t>(a.version))
        return false;
    std::string by = m.text("by"), note = m.text("note");
    switch (kind) {
        case ControlKind::kAlertAcked:
            // Again, where the severity has risen since and the ladder was begun anew.
            if (a.state == AlertState::kAcked && a.escalates_ns == 0) return false;
            acked(e, std::move(by), std::move(note), now);
            break;
        case ControlKind::kAlertUnacked:
            if (a.state != AlertState::kAcked) return false;
            a.state = AlertState::kFiring;
            a.acked_by.clear();
            ++a.version;
            a.changed_ns = now.ns;
            step(e, AlertStepKind::kUnacked, by, "", std::move(note), now);
            clear_timer(e, kAckTimeout);
            if (!e.fired) changed(e, now);
            e.fired = true;
            begin_ladder(e, now);
            if (e.told) {
                plan_missing_repeats(e, now);
                tell_unreached(e, now);
            } else {
                set_due(e, Due::kFiring, now.ns);
            }
            release_inhibited(now);  // what hid it may have ended meanwhile
            break;
        case ControlKind::kAlertAssigned:
            a.assignee = m.text("to");
            ++a.version;
            a.changed_ns = now.ns;
            step(e, AlertStepKind::kAssigned, by, a.assignee, std::move(note), now);
            break;
        default:
            e.closed_open += a.open;
            e.closed_seq = now.seq;
            e.closed_ns = now.ns;
            for (AlertInstance& i : a.instances)
                if (i.end == AlertEnd::kNone) i.end = AlertEnd::kClosed, i.end_ns = now.ns;
            resolve(e, AlertEnd::kClosed, by, note, now);
    }
    return true;
}

void AlertBook::acked(Entry& e, std::string by, std::string note, Now now) {
    Alert& a = e.alert;
    const bool waited = a.state == AlertState::kPending || e.due == Due::kFiring;
    a.state = AlertState::kAcked;
    a.acked_by = std::move(by);
    ++a.version;
    a.changed_ns = now.ns;
    step(e, AlertStepKind::kAcked, a.acked_by, "", std::move(note), now);
    inhibition_.update(a);
    clear_timer(e, kFire);
    clear_timer(e, kEscalate);
    if (e.due != Due::kWorse) clear_due(e);
    e.repeats.clear();
    time_repeats(e);
    leave_groups(e, "acked before the group was told", now);
    drop_empty_groups();
    if (e.ladder.ack_timeout_ns > 0) set_timer(e, kAckTimeout, now.ns + e.ladder.ack_timeout_ns);
    if (waited)
        step(e, AlertStepKind::kNotSent, kSelf, "alert.firing", "acked before the wait for more was over",
             now);
}

void AlertBook::workflow_retired(std::string_view workflow, Now now) {
    end_withdrawn(AlertEnd::kRuleRetired, now);
    // Its instances in trouble were withdrawn one by one, but those that retention had taken before.
    for (const auto& [id, row] : entries_.rows()) {
        if (row.alert.workflow != workflow) continue;
        Entry& e = entries_.change(id);
        e.closed_open = 0;
        if (e.alert.state == AlertState::kResolved) continue;
        for (AlertInstance& i : e.alert.instances)
            if (i.end == AlertEnd::kNone) i.end = AlertEnd::kRuleRetired, i.end_ns = now.ns;
        resolve(e, AlertEnd::kRuleRetired, kSelf, "the workflow was retired", now);
    }
}

bool AlertBook::add_silence(std::string_view text, Now now) {
    const RecordText m(text);
    Silence s;
    s.id = now.seq;
    read_scope(m, s);
    s.severity_at_least = static_cast<uint8_t>(m.number("severity_at_least"));
    s.begin_ns = m.number("begin_ns", now.ns);
    s.end_ns = m.number("end_ns");
    s.owner = m.text("owner");
    s.reason = m.text("reason");
    s.by = m.text("by");
    if ((s.empty() && s.severity_at_least == 0) || s.end_ns <= now.ns || s.end_ns <= s.begin_ns ||
        living(silences_, [](const Silence& one) { return one.ended; }) >= kSilencesMax)
        return false;
    timers_.insert({s.end_ns, kOfSilence, s.id});
    silences_.add(s.id, std::move(s));
    return true;
}

bool AlertBook::expire_silence(std::string_view name, std::string_view text, Now now) {
    const auto id = number_of(name, 10);
    if (const Silence* known = id ? silences_.find(*id) : nullptr; !known || known->ended) return false;
    Silence& s = silences_.change(*id);
    timers_.erase({s.end_ns, kOfSilence, *id});
    s.expired_by = RecordText(text).text("by");
    if (s.begin_ns <= now.ns) s.end_ns = now.ns;
    silence_over(s, now);
    return true;
}

bool AlertBook::add_window(std::string_view text, Now now) {
    const RecordText m(text);
    MaintenanceWindow facts;
    facts.id = now.seq;
    read_scope(m, facts);
    facts.do_not_expect = m.text("effect") == "do_not_expect";
    facts.begin_ns = m.number("begin_ns", now.ns);
    facts.end_ns = m.number("end_ns", MaintenanceWindow::kForever);
    if (const json::value* schedule = m.find("schedule")) facts.schedule = json::serialize(*schedule);
    facts.duration_ns = m.number("duration_ns");
    facts.last_date = m.text("last_date");
    facts.owner = m.text("owner");
    facts.reason = m.text("reason");
    facts.by = m.text("by");
    const bool endless =
        facts.schedule.empty() ? facts.end_ns == MaintenanceWindow::kForever : facts.duration_ns <= 0;
    if (facts.empty() || endless || facts.end_ns <= facts.begin_ns ||
        living(windows_, [](const Window& one) { return one.facts.ended; }) >= kSilencesMax)
        return false;
    try {
        Window window(std::move(facts));
        window.seek(now.ns);
        if (window.facts.span_end_ns == 0) return false;  // no occurrence is to come
        timers_.insert({window.facts.span_end_ns, kOfWindow, now.seq});
        if (window.facts.do_not_expect) not_expecting_.insert(now.seq);
        windows_.add(now.seq, std::move(window));
    } catch (const CivilError&) {
        return false;  // written by another hand than the API's
    }
    return true;
}

bool AlertBook::end_window(std::string_view name, std::string_view text, Now now) {
    const auto id = number_of(name, 10);
    if (const Window* known = id ? windows_.find(*id) : nullptr; !known || known->facts.ended) return false;
    Window& window = windows_.change(*id);
    MaintenanceWindow& facts = window.facts;
    timers_.erase({facts.span_end_ns, kOfWindow, *id});
    facts.ended_by = RecordText(text).text("by");
    facts.end_ns = now.ns;
    span_over(window, now);
    return true;
}

void AlertBook::settle_notice(std::string_view name, std::string_view text, Now now) {
    const auto effect = number_of(name, 16);
    const auto order = effect ? order_of_.find(*effect) : order_of_.end();
    if (order == order_of_.end()) return;  // settled before
    const RecordText m(text);
    for (const uint64_t told : outbox_.at(order->second).told) {
        if (!entries_.contains(told)) continue;
        for (AlertNotice& n : entries_.change(told).alert.notices)
            if (n.effect_id == *effect) {
                n.state = m.flag("delivered") ? NoticeState::kDelivered : NoticeState::kFailed;
                n.attempts = static_cast<uint32_t>(m.number("attempts"));
                n.detail = m.text("detail");
                n.done_ns = now.ns;
            }
    }
    outbox_.erase(order->second);
    order_of_.erase(order);
}

}  // namespace penstock

#include "stages/alert/alert_book.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>

#include "pipeline/stream_hash.h"

namespace penstock {
namespace {

namespace json = boost::json;

constexpr size_t kRefusedMax = 1024;
constexpr std::string_view kSelf = "penstock";
constexpr StampNs kNever = std::numeric_limits<StampNs>::max();

std::optional<uint64_t> number_of(std::string_view text, int base) {
    uint64_t n = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), n, base);
    if (fault != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return n;
}

/// Members of a control record's text; what is missing or of another type is as if empty.
class Members {
  public:
    explicit Members(std::string_view text) {
        json::error_code failed;
        value_ = json::parse(text, failed);
        if (failed || !value_.is_object()) value_ = json::object();
    }
    const json::value* find(std::string_view name) const { return value_.get_object().if_contains(name); }
    std::string text(std::string_view name) const {
        const json::value* v = find(name);
        return v && v->is_string() ? std::string(v->get_string()) : std::string();
    }
    std::optional<std::string> text_if(std::string_view name) const {
        const json::value* v = find(name);
        return v && v->is_string() ? std::optional<std::string>(v->get_string()) : std::nullopt;
    }
    int64_t number(std::string_view name, int64_t otherwise = 0) const {
        const json::value* v = find(name);
        json::error_code failed;
        const int64_t n = v && v->is_number() ? v->to_number<int64_t>(failed) : otherwise;
        return failed ? otherwise : n;
    }
    bool flag(std::string_view name) const {
        const json::value* v = find(name);
        return v && v->is_bool() && v->get_bool();
    }

  private:
    json::value value_;
};

uint64_t hash_of(std::initializer_list<std::string_view> texts, uint64_t a, uint64_t b) {
    StreamHash hash;
    hash.add(&a, sizeof a).add(&b, sizeof b);
    for (const std::string_view text : texts) {
        const uint64_t size = text.size();
        hash.add(&size, sizeof size).add(text.data(), size);
    }
    return hash.digest();
}

template <typename T>
void keep_last(std::vector<T>& list, size_t max) {
    if (list.size() > max) list.erase(list.begin(), list.end() - static_cast<ptrdiff_t>(max));
}

AlertEnd end_of(Finding::Kind kind) {
    switch (kind) {
        case Finding::Kind::kDeliveredLate:
            return AlertEnd::kDeliveredLate;
        case Finding::Kind::kLate:
            return AlertEnd::kLate;
        case Finding::Kind::kWithdrawn:
            return AlertEnd::kWithdrawn;
        case Finding::Kind::kMissed:
            break;
    }
    return AlertEnd::kNone;
}

}  // namespace

uint64_t AlertBook::id_of(uint16_t tenant, std::string_view workflow, std::string_view rule) {
    return hash_of({workflow, rule}, tenant, 0);
}

// --- findings ---------------------------------------------------------------------------------------------

void AlertBook::on_finding(const Finding& f) {
    std::lock_guard lock(mutex_);
    const Now now{f.at_ns, f.cause_seq};
    run_timers(now);  // what was due before
    const uint64_t id = id_of(f.tenant, f.workflow, f.rule);
    auto at = entries_.find(id);
    if (f.kind != Finding::Kind::kMissed) {
        if (at == entries_.end()) return;
        settled(at->second, f, end_of(f.kind), now);
    } else {
        if (at == entries_.end()) {
            at = entries_.emplace(id, Entry{}).first;
            Alert& a = at->second.alert;
            a.id = id;
            a.tenant = f.tenant;
            a.workflow = f.workflow;
            a.rule = f.rule;
        }
        missed(at->second, f, now);
    }
    dirty_entries_.insert(id);
    run_timers(now);
}

void AlertBook::missed(Entry& e, const Finding& f, Now now) {
    Alert& a = e.alert;
    if (a.state == AlertState::kResolved) begin_episode(e, f, now);
    ++a.open;
    ++a.total;
    a.first_deadline_ns = std::min(a.first_deadline_ns, f.deadline_ns);
    a.last_deadline_ns = std::max(a.last_deadline_ns, f.deadline_ns);
    a.instances.push_back({f.key, f.anchor_seq, f.deadline_ns, AlertEnd::kNone, 0});
    keep_last(a.instances, kInstancesMax);
    if (f.severity <= a.severity) return;
    ++a.version;
    step(e, AlertStepKind::kWorse, kSelf, "severity", fmt::format("{} was {}", f.severity, a.severity), now);
    a.severity = f.severity;
    if (e.told) set_due(e, Due::kWorse, now.ns);
}

void AlertBook::begin_episode(Entry& e, const Finding& f, Now now) {
    Alert& a = e.alert;
    ++a.episode;
    ++a.version;
    a.state = AlertState::kFiring;
    a.end = AlertEnd::kNone;
    a.severity = f.severity;
    a.open = a.total = 0;
    a.first_deadline_ns = a.last_deadline_ns = f.deadline_ns;
    a.began_ns = a.changed_ns = now.ns;
    a.ended_ns = 0;
    a.acked_by.clear();
    a.assignee.clear();
    a.instances.clear();
    e.told = false;
    e.notices_made = 0;
    e.reached.clear();
    step(e, AlertStepKind::kFiring, kSelf, "missed", "", now);
    set_due(e, Due::kFiring, now.ns + kGroupWaitNs);
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
    if (a.open == 0) resolve(e, end, kSelf, "", now);
}

void AlertBook::resolve(Entry& e, AlertEnd end, std::string_view by, std::string_view note, Now now) {
    Alert& a = e.alert;
    a.state = AlertState::kResolved;
    a.end = end;
    a.open = 0;
    a.ended_ns = a.changed_ns = now.ns;
    ++a.version;
    step(e, AlertStepKind::kResolved, by, kAlertEndNames[static_cast<size_t>(end)], std::string(note), now);
    const bool waited = e.due == Due::kFiring;
    set_due(e, Due::kNone, 0);
    if (waited)
        step(e, AlertStepKind::kNotSent, kSelf, "alert.firing", "over before the wait for more was", now);
    if (!e.reached.empty()) tell(e, "alert.resolved", std::string(note), now);
}

// --- records ----------------------------------------------------------------------------------------------

void AlertBook::apply(const RecordView& record) {
    std::lock_guard lock(mutex_);
    if (record.header->kind == RecordKind::kControl && record.count() > 0) control(record);
    run_timers({record.last_stamp(), record.first_seq()});
}

void AlertBook::control(const RecordView& record) {
    const auto* c = flatbuffers::GetRoot<fb::Control>(record.bytes(0).data());
    const auto kind = static_cast<ControlKind>(c->kind());
    const std::string_view name = view_of(c->name()), text = view_of(c->text());
    const Now now{record.last_stamp(), record.first_seq()};
    if (kind == ControlKind::kBoot) return boot(text, now);
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
    const Members facts(text);
    targets_.clear();
    if (const json::value* list = facts.find("targets"); list && list->is_array())
        for (const json::value& item : list->get_array()) {
            const Members members(json::serialize(item));
            Target target;
            target.name = members.text("name");
            target.severity_at_least = static_cast<uint8_t>(members.number("severity_at_least"));
            if (const json::value* ids = members.find("tenants"); ids && ids->is_array())
                for (const json::value& id : ids->get_array()) {
                    json::error_code failed;
                    const auto n = id.is_number() ? id.to_number<uint16_t>(failed) : uint16_t{0};
                    if (id.is_number() && !failed) target.tenants.push_back(n);
                }
            targets_.push_back(std::move(target));
        }
    // What came right while nobody looked should not be told: producers first send what they hold back.
    quiet_until_ns_ = now.ns + kGroupWaitNs;
    for (auto& [id, e] : entries_)
        if (e.due != Due::kNone && e.due_ns < quiet_until_ns_)
            set_due(e, e.due, quiet_until_ns_, e.due_reason);
    facts_dirty_ = true;
}

bool AlertBook::command(ControlKind kind, std::string_view name, std::string_view text, Now now) {
    const auto id = number_of(name, 16);
    const auto at = id ? entries_.find(*id) : entries_.end();
    if (at == entries_.end()) return false;
    Entry& e = at->second;
    Alert& a = e.alert;
    const Members m(text);
    if (a.state == AlertState::kResolved || m.number("episode") != static_cast<int64_t>(a.episode) ||
        m.number("version") != static_cast<int64_t>(a.version))
        return false;
    const std::string by = m.text("by"), note = m.text("note");
    switch (kind) {
        case ControlKind::kAlertAcked: {
            if (a.state != AlertState::kFiring) return false;
            a.state = AlertState::kAcked;
            a.acked_by = by;
            ++a.version;
            a.changed_ns = now.ns;
            step(e, AlertStepKind::kAcked, by, "", note, now);
            const bool waited = e.due == Due::kFiring;
            if (e.due != Due::kWorse) set_due(e, Due::kNone, 0);
            if (waited)
                step(e, AlertStepKind::kNotSent, kSelf, "alert.firing",
                     "acked before the wait for more was over", now);
            break;
        }
        case ControlKind::kAlertUnacked:
            if (a.state != AlertState::kAcked) return false;
            a.state = AlertState::kFiring;
            a.acked_by.clear();
            ++a.version;
            a.changed_ns = now.ns;
            step(e, AlertStepKind::kUnacked, by, "", note, now);
            if (!e.told)
                set_due(e, Due::kFiring, now.ns);
            else if (e.due == Due::kNone)
                set_due(e, Due::kRepeat, now.ns + kRepeatNs);
            break;
        case ControlKind::kAlertAssigned:
            a.assignee = m.text("to");
            ++a.version;
            a.changed_ns = now.ns;
            step(e, AlertStepKind::kAssigned, by, a.assignee, note, now);
            break;
        default:
            e.closed_open += a.open;
            e.closed_seq = now.seq;
            e.closed_ns = now.ns;
            for (AlertInstance& i : a.instances)
                if (i.end == AlertEnd::kNone) i.end = AlertEnd::kClosed, i.end_ns = now.ns;
            resolve(e, AlertEnd::kClosed, by, note, now);
    }
    dirty_entries_.insert(a.id);
    return true;
}

void AlertBook::workflow_retired(std::string_view workflow, Now now) {
    // Its instances in trouble were withdrawn one by one, but those that retention had taken before.
    for (auto& [id, e] : entries_) {
        if (e.alert.workflow != workflow) continue;
        e.closed_open = 0;
        dirty_entries_.insert(id);
        if (e.alert.state == AlertState::kResolved) continue;
        for (AlertInstance& i : e.alert.instances)
            if (i.end == AlertEnd::kNone) i.end = AlertEnd::kWithdrawn, i.end_ns = now.ns;
        resolve(e, AlertEnd::kWithdrawn, kSelf, "the workflow was retired", now);
    }
}

bool AlertBook::add_silence(std::string_view text, Now now) {
    const Members m(text);
    Silence s;
    s.id = now.seq;
    if (const json::value* tenant = m.find("tenant"); tenant && tenant->is_number())
        s.tenant = static_cast<uint16_t>(m.number("tenant"));
    s.workflow = m.text_if("workflow");
    s.rule = m.text_if("rule");
    s.severity_at_least = static_cast<uint8_t>(m.number("severity_at_least"));
    s.begin_ns = m.number("begin_ns", now.ns);
    s.end_ns = m.number("end_ns");
    s.owner = m.text("owner");
    s.reason = m.text("reason");
    s.by = m.text("by");
    const bool open = !s.tenant && !s.workflow && !s.rule && s.severity_at_least == 0;
    const auto ended = [](const auto& item) { return item.second.ended; };
    const auto living =
        static_cast<ptrdiff_t>(silences_.size()) - std::count_if(silences_.begin(), silences_.end(), ended);
    if (open || s.end_ns <= now.ns || s.end_ns <= s.begin_ns ||
        living >= static_cast<ptrdiff_t>(kSilencesMax))
        return false;
    timers_.insert({s.end_ns, kOfSilence, s.id});
    dirty_silences_.insert(s.id);
    silences_.emplace(s.id, std::move(s));
    return true;
}

bool AlertBook::expire_silence(std::string_view name, std::string_view text, Now now) {
    const auto id = number_of(name, 10);
    const auto at = id ? silences_.find(*id) : silences_.end();
    if (at == silences_.end() || at->second.ended) return false;
    timers_.erase({at->second.end_ns, kOfSilence, *id});
    at->second.expired_by = Members(text).text("by");
    const bool began = at->second.begin_ns <= now.ns;
    if (began) at->second.end_ns = now.ns;
    end_silence(at->second, now);
    return true;
}

void AlertBook::settle_notice(std::string_view name, std::string_view text, Now now) {
    const auto effect = number_of(name, 16);
    const auto order = effect ? order_of_.find(*effect) : order_of_.end();
    if (order == order_of_.end()) return;  // settled before
    const auto at = outbox_.find(order->second);
    const Members m(text);
    if (const auto e = entries_.find(at->second.alert); e != entries_.end())
        for (AlertNotice& n : e->second.alert.notices)
            if (n.effect_id == *effect) {
                n.state = m.flag("delivered") ? NoticeState::kDelivered : NoticeState::kFailed;
                n.attempts = static_cast<uint32_t>(m.number("attempts"));
                n.detail = m.text("detail");
                n.done_ns = now.ns;
                dirty_entries_.insert(e->first);
            }
    dirty_outbox_.insert(at->first);
    outbox_.erase(at);
    order_of_.erase(order);
}

// --- time, and what is told -------------------------------------------------------------------------------

void AlertBook::run_timers(Now now) {
    while (!timers_.empty() && std::get<0>(*timers_.begin()) <= now.ns) {
        const auto [at_ns, of, id] = *timers_.begin();
        if (of == kOfAlert) {
            decide(entries_.at(id), now);
        } else {
            timers_.erase(timers_.begin());
            end_silence(silences_.at(id), now);
        }
    }
}

void AlertBook::set_due(Entry& e, Due due, StampNs at_ns, std::string reason) {
    const uint64_t id = e.alert.id;
    if (e.due != Due::kNone) timers_.erase({e.due_ns, kOfAlert, id});
    e.due = due;
    e.due_ns = due == Due::kNone ? 0 : std::max(at_ns, quiet_until_ns_);
    e.due_reason = std::move(reason);
    if (due != Due::kNone) timers_.insert({e.due_ns, kOfAlert, id});
    dirty_entries_.insert(id);
}

void AlertBook::end_silence(Silence& s, Now now) {
    s.ended = true;
    dirty_silences_.insert(s.id);
    for (auto& [id, e] : entries_) {
        const bool waits = e.due == Due::kFiring || e.due == Due::kWorse;
        if (e.alert.state != AlertState::kFiring || !e.told || waits || s.begin_ns > now.ns ||
            !s.matches(e.alert))
            continue;
        set_due(e, Due::kSilenceEnded, now.ns,
                fmt::format("the silence of {} {}: {}", s.owner,
                            s.expired_by.empty() ? std::string("ended") : "was ended by " + s.expired_by,
                            s.reason));
    }
    prune_silences();
}

void AlertBook::prune_silences() {
    size_t ended = 0;
    for (const auto& [id, s] : silences_) ended += s.ended;
    for (auto at = silences_.begin(); ended > kEndedSilencesMax && at != silences_.end();) {
        if (!at->second.ended) {
            ++at;
            continue;
        }
        dirty_silences_.insert(at->first);
        at = silences_.erase(at);
        --ended;
    }
}

/// The alert's timer has come.
void AlertBook::decide(Entry& e, Now now) {
    const Due due = e.due;
    const std::string reason = std::move(e.due_reason);
    set_due(e, Due::kNone, 0);
    if (e.alert.state == AlertState::kFiring) set_due(e, Due::kRepeat, now.ns + kRepeatNs);
    switch (due) {
        case Due::kFiring:
            e.told = true;
            return tell(e, "alert.firing", "", now);
        case Due::kWorse:
            return tell(e, "alert.severity", "the severity rose", now);
        case Due::kRepeat:
            return tell(e, "alert.repeated", "", now);
        case Due::kSilenceEnded:
            return tell(e, "silence.ended", reason, now);
        case Due::kNone:
            return;
    }
}

const Silence* AlertBook::silencing(const Alert& alert, StampNs now_ns) const {
    for (const auto& [id, s] : silences_)
        if (s.active(now_ns) && s.matches(alert)) return &s;
    return nullptr;
}

void AlertBook::tell(Entry& e, std::string_view kind, const std::string& reason, Now now) {
    const bool resolved = kind == "alert.resolved";
    const auto not_sent = [&](std::string why) {
        step(e, AlertStepKind::kNotSent, kSelf, kind, std::move(why), now);
    };
    if (!resolved) {
        if (targets_.empty()) return not_sent("no notify target is configured");
        if (const Silence* s = silencing(e.alert, now.ns))
            return not_sent(fmt::format("silence {} of {}: {}", s->id, s->owner, s->reason));
    }
    std::string sent, kept;
    const auto note = [](std::string& list, std::string_view text) {
        if (!list.empty()) list += ", ";
        list += text;
    };
    const auto send = [&](const Target& to) {
        if (outbox_.size() >= kOutboxMax) {
            note(kept, fmt::format("{} ({} notifications wait already)", to.name, kOutboxMax));
            return false;
        }
        make_notice(e, to, kind, reason, now);
        note(sent, to.name);
        return true;
    };
    if (resolved) {
        for (const std::string& name : e.reached) send({name, 0, {}});
    } else {
        for (const Target& to : targets_) {
            const auto& t = to.tenants;
            if (e.alert.severity < to.severity_at_least) {
                note(kept, fmt::format("{} (severity {} is below {})", to.name, e.alert.severity,
                                       to.severity_at_least));
            } else if (!t.empty() && std::find(t.begin(), t.end(), e.alert.tenant) == t.end()) {
                note(kept, fmt::format("{} (not this tenant's)", to.name));
            } else if (send(to)) {
                auto& reached = e.reached;
                if (std::find(reached.begin(), reached.end(), to.name) == reached.end())
                    reached.push_back(to.name);
            }
        }
    }
    if (sent.empty()) return not_sent("to nobody; not to " + kept);
    std::string text = "to " + sent + (kept.empty() ? "" : "; not to " + kept);
    if (!reason.empty()) text += "; " + reason;
    step(e, AlertStepKind::kSent, kSelf, kind, std::move(text), now);
}

void AlertBook::make_notice(Entry& e, const Target& to, std::string_view kind, const std::string& reason,
                            Now now) {
    const Alert& a = e.alert;
    PendingNotice p;
    p.order = next_order_++;
    p.effect_id = hash_of({to.name}, a.id, uint64_t{a.episode} << 32 | ++e.notices_made);
    p.target = to.name;
    p.kind = kind;
    p.reason = reason;
    p.at_ns = now.ns;
    p.cause_seq = now.seq;
    p.alert = a.id;
    p.tenant = a.tenant;
    p.workflow = a.workflow;
    p.rule = a.rule;
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
        if (p.state == AlertState::kResolved || i.end == AlertEnd::kNone) p.anchors.push_back(i.anchor_seq);
    e.alert.notices.push_back(
        {p.effect_id, a.episode, to.name, std::string(kind), now.ns, NoticeState::kPending, 0, 0, {}});
    keep_last(e.alert.notices, kNoticesMax);
    facts_dirty_ = true;
    dirty_outbox_.insert(p.order);
    order_of_[p.effect_id] = p.order;
    outbox_.emplace(p.order, std::move(p));
}

void AlertBook::step(Entry& e, AlertStepKind kind, std::string_view by, std::string_view cause,
                     std::string note, Now now) {
    e.alert.history.push_back({now.seq, now.ns, e.alert.version, e.alert.episode, kind, std::string(by),
                               std::string(cause), std::move(note)});
    keep_last(e.alert.history, kHistoryMax);
    dirty_entries_.insert(e.alert.id);
}

StampNs AlertBook::due_ns() const {
    std::lock_guard lock(mutex_);
    return timers_.empty() ? kNever : std::get<0>(*timers_.begin());
}

// --- readers ----------------------------------------------------------------------------------------------

std::optional<Alert> AlertBook::alert(uint64_t id) const {
    std::lock_guard lock(mutex_);
    const auto at = entries_.find(id);
    return at == entries_.end() ? std::nullopt : std::optional<Alert>(at->second.alert);
}

std::vector<Alert> AlertBook::alerts(const AlertFilter& filter, std::optional<AlertCursor> after,
                                     size_t limit) const {
    // The newest episode first; of two that began together the one with the higher id.
    const auto before = [](const Alert& a, StampNs began_ns, uint64_t id) {
        return a.began_ns != began_ns ? a.began_ns > began_ns : a.id > id;
    };
    std::lock_guard lock(mutex_);
    std::vector<const Alert*> found;
    for (const auto& [id, e] : entries_) {
        const Alert& a = e.alert;
        const bool fits = (!filter.state || *filter.state == a.state) &&
                          a.severity >= filter.severity_at_least &&
                          (!filter.tenant || *filter.tenant == a.tenant) &&
                          (filter.workflow.empty() || filter.workflow == a.workflow);
        const bool passed = after && (before(a, after->began_ns, after->id) ||
                                      (a.began_ns == after->began_ns && a.id == after->id));
        if (fits && !passed) found.push_back(&a);
    }
    std::sort(found.begin(), found.end(),
              [&](const Alert* a, const Alert* b) { return before(*a, b->began_ns, b->id); });
    if (found.size() > limit) found.resize(limit);
    std::vector<Alert> out;
    for (const Alert* a : found) {
        Alert& copy = out.emplace_back();
        copy = *a;
        copy.instances.clear();
        copy.history.clear();
        copy.notices.clear();
    }
    return out;
}

std::vector<Silence> AlertBook::silences() const {
    std::lock_guard lock(mutex_);
    std::vector<Silence> out;
    for (auto at = silences_.rbegin(); at != silences_.rend(); ++at) out.push_back(at->second);
    return out;
}

std::optional<Silence> AlertBook::silence_over(const Alert& alert, StampNs now_ns) const {
    std::lock_guard lock(mutex_);
    const Silence* s = silencing(alert, now_ns);
    return s ? std::optional<Silence>(*s) : std::nullopt;
}

bool AlertBook::refused(Seq seq) const {
    std::lock_guard lock(mutex_);
    return std::find(refused_.begin(), refused_.end(), seq) != refused_.end();
}

std::array<uint64_t, kAlertStateNames.size()> AlertBook::counts() const {
    std::lock_guard lock(mutex_);
    std::array<uint64_t, kAlertStateNames.size()> counts{};
    for (const auto& [id, e] : entries_) ++counts[static_cast<size_t>(e.alert.state)];
    return counts;
}

std::vector<PendingNotice> AlertBook::pending(uint64_t from_order, Seq committed, size_t max) const {
    std::lock_guard lock(mutex_);
    std::vector<PendingNotice> out;
    for (auto at = outbox_.lower_bound(from_order); at != outbox_.end() && out.size() < max; ++at) {
        if (at->second.cause_seq >= committed) break;  // those behind it have later causes
        out.push_back(at->second);
    }
    return out;
}

size_t AlertBook::pending_count() const {
    std::lock_guard lock(mutex_);
    return outbox_.size();
}

}  // namespace penstock

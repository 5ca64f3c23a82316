// The book's rows: docs/storage_layout.md describes them.
#include "pipeline/row_parts.h"
#include "stages/alert/alert_book.h"

namespace penstock {
namespace {

constexpr uint8_t kAlertRow = 1, kSilenceRow = 2, kNoticeRow = 3, kFactsRow = 4, kWindowRow = 5,
                  kGroupRow = 6;

void put_alert(RowWriter& out, const Alert& a) {
    out.value(a.tenant).text(a.workflow).text(a.rule).text(a.group).value(a.version).value(a.episode);
    put(out, a.state);
    put(out, a.end);
    out.value(static_cast<uint8_t>(a.flapping)).text(a.trouble).text(a.runbook).text(a.escalation);
    out.value(a.severity).value(a.open).value(a.total).value(a.first_deadline_ns).value(a.last_deadline_ns);
    out.value(a.began_ns).value(a.changed_ns).value(a.ended_ns).text(a.acked_by).text(a.assignee);
    put_list(out, a.instances, [&](const AlertInstance& i) {
        out.value(i.key).text(i.key_text).value(i.anchor_seq).value(i.deadline_ns);
        put(out, i.end);
        out.value(i.end_ns);
        put(out, i.evidence);
    });
    put_list(out, a.history, [&](const AlertStep& s) {
        out.value(s.seq).value(s.at_ns).value(s.version).value(s.episode);
        put(out, s.kind);
        out.text(s.by).text(s.cause).text(s.note);
    });
    put_list(out, a.notices, [&](const AlertNotice& n) {
        out.value(n.effect_id).value(n.episode).text(n.target).text(n.kind).value(n.at_ns);
        put(out, n.state);
        out.value(n.attempts).value(n.done_ns).text(n.detail);
    });
}

void get_alert(RowReader& in, Alert& a) {
    a.tenant = in.value<uint16_t>();
    a.workflow = text_of(in);
    a.rule = text_of(in);
    a.group = text_of(in);
    a.version = in.value<uint64_t>();
    a.episode = in.value<uint32_t>();
    a.state = get<AlertState>(in);
    a.end = get<AlertEnd>(in);
    a.flapping = in.value<uint8_t>() != 0;
    a.trouble = text_of(in);
    a.runbook = text_of(in);
    a.escalation = text_of(in);
    a.severity = in.value<uint8_t>();
    a.open = in.value<uint64_t>();
    a.total = in.value<uint64_t>();
    a.first_deadline_ns = in.value<StampNs>();
    a.last_deadline_ns = in.value<StampNs>();
    a.began_ns = in.value<StampNs>();
    a.changed_ns = in.value<StampNs>();
    a.ended_ns = in.value<StampNs>();
    a.acked_by = text_of(in);
    a.assignee = text_of(in);
    get_list(in, a.instances, [&] {
        AlertInstance i;
        i.key = in.value<Hash128>();
        i.key_text = text_of(in);
        i.anchor_seq = in.value<Seq>();
        i.deadline_ns = in.value<StampNs>();
        i.end = get<AlertEnd>(in);
        i.end_ns = in.value<StampNs>();
        i.evidence = get<Evidence>(in);
        return i;
    });
    get_list(in, a.history, [&] {
        AlertStep s;
        s.seq = in.value<Seq>();
        s.at_ns = in.value<StampNs>();
        s.version = in.value<uint64_t>();
        s.episode = in.value<uint32_t>();
        s.kind = get<AlertStepKind>(in);
        s.by = text_of(in);
        s.cause = text_of(in);
        s.note = text_of(in);
        return s;
    });
    get_list(in, a.notices, [&] {
        AlertNotice n;
        n.effect_id = in.value<uint64_t>();
        n.episode = in.value<uint32_t>();
        n.target = text_of(in);
        n.kind = text_of(in);
        n.at_ns = in.value<StampNs>();
        n.state = get<NoticeState>(in);
        n.attempts = in.value<uint32_t>();
        n.done_ns = in.value<StampNs>();
        n.detail = text_of(in);
        return n;
    });
}

void put_ladder(RowWriter& out, const EscalationLadder& ladder) {
    out.text(ladder.name).value(ladder.ack_timeout_ns);
    put_list(out, ladder.steps, [&](const EscalationStep& step) {
        out.value(step.after_ns);
        put_list(out, step.targets, [&](const std::string& name) { out.text(name); });
    });
}
EscalationLadder get_ladder(RowReader& in) {
    EscalationLadder ladder;
    ladder.name = text_of(in);
    ladder.ack_timeout_ns = in.value<int64_t>();
    get_list(in, ladder.steps, [&] {
        EscalationStep step;
        step.after_ns = in.value<int64_t>();
        get_list(in, step.targets, [&] { return text_of(in); });
        return step;
    });
    return ladder;
}

constexpr uint8_t kHasTenant = 1, kHasWorkflow = 2, kHasRule = 4, kIsEnded = 8, kHasGroup = 16,
                  kIsNotExpecting = 32;

void put_scope(RowWriter& out, const AlertScope& scope, int more) {
    out.value(static_cast<uint8_t>((scope.tenant ? kHasTenant : 0) | (scope.workflow ? kHasWorkflow : 0) |
                                   (scope.rule ? kHasRule : 0) | (scope.group ? kHasGroup : 0) | more));
    out.value(scope.tenant.value_or(0)).text(scope.workflow.value_or("")).text(scope.rule.value_or(""));
    out.text(scope.group.value_or(""));
}
/// Answers the flags.
uint8_t get_scope(RowReader& in, AlertScope& scope) {
    const auto flags = in.value<uint8_t>();
    if (const auto tenant = in.value<uint16_t>(); flags & kHasTenant) scope.tenant = tenant;
    if (auto text = text_of(in); flags & kHasWorkflow) scope.workflow = std::move(text);
    if (auto text = text_of(in); flags & kHasRule) scope.rule = std::move(text);
    if (auto text = text_of(in); flags & kHasGroup) scope.group = std::move(text);
    return flags;
}

void put_silence(RowWriter& out, const Silence& s) {
    put_scope(out, s, s.ended ? kIsEnded : 0);
    out.value(s.severity_at_least).value(s.begin_ns).value(s.end_ns);
    out.text(s.owner).text(s.reason).text(s.by).text(s.expired_by);
}

Silence get_silence(RowReader& in) {
    Silence s;
    s.ended = get_scope(in, s) & kIsEnded;
    s.severity_at_least = in.value<uint8_t>();
    s.begin_ns = in.value<StampNs>();
    s.end_ns = in.value<StampNs>();
    s.owner = text_of(in);
    s.reason = text_of(in);
    s.by = text_of(in);
    s.expired_by = text_of(in);
    return s;
}

void put_window(RowWriter& out, const MaintenanceWindow& w) {
    put_scope(out, w, (w.ended ? kIsEnded : 0) | (w.do_not_expect ? kIsNotExpecting : 0));
    out.value(w.begin_ns).value(w.end_ns).text(w.schedule).value(w.duration_ns).text(w.last_date);
    out.text(w.owner).text(w.reason).text(w.by).text(w.ended_by);
    out.value(w.span_begin_ns).value(w.span_end_ns);
}

MaintenanceWindow get_window(RowReader& in) {
    MaintenanceWindow w;
    const uint8_t flags = get_scope(in, w);
    w.ended = flags & kIsEnded;
    w.do_not_expect = flags & kIsNotExpecting;
    w.begin_ns = in.value<StampNs>();
    w.end_ns = in.value<StampNs>();
    w.schedule = text_of(in);
    w.duration_ns = in.value<int64_t>();
    w.last_date = text_of(in);
    w.owner = text_of(in);
    w.reason = text_of(in);
    w.by = text_of(in);
    w.ended_by = text_of(in);
    w.span_begin_ns = in.value<StampNs>();
    w.span_end_ns = in.value<StampNs>();
    return w;
}

void put_snapshot(RowWriter& out, const NoticeAlert& a) {
    out.value(a.alert).value(a.tenant).text(a.workflow).text(a.rule).text(a.group).text(a.trouble);
    out.text(a.runbook).value(a.episode).value(a.version);
    put(out, a.state);
    put(out, a.end);
    out.value(a.severity).value(a.open).value(a.total);
    out.value(a.first_deadline_ns).value(a.last_deadline_ns).value(a.began_ns);
    put_list(out, a.instances, [&](const NoticeInstance& i) { out.value(i.anchor_seq).text(i.key_text); });
}
void get_snapshot(RowReader& in, NoticeAlert& a) {
    a.alert = in.value<uint64_t>();
    a.tenant = in.value<uint16_t>();
    a.workflow = text_of(in);
    a.rule = text_of(in);
    a.group = text_of(in);
    a.trouble = text_of(in);
    a.runbook = text_of(in);
    a.episode = in.value<uint32_t>();
    a.version = in.value<uint64_t>();
    a.state = get<AlertState>(in);
    a.end = get<AlertEnd>(in);
    a.severity = in.value<uint8_t>();
    a.open = in.value<uint64_t>();
    a.total = in.value<uint64_t>();
    a.first_deadline_ns = in.value<StampNs>();
    a.last_deadline_ns = in.value<StampNs>();
    a.began_ns = in.value<StampNs>();
    get_list(in, a.instances, [&] {
        NoticeInstance i;
        i.anchor_seq = in.value<Seq>();
        i.key_text = text_of(in);
        return i;
    });
}
void put_told(RowWriter& out, const NoticeAlert& a) {
    out.text(a.kind).text(a.reason);
    put_snapshot(out, a);
}
NoticeAlert get_told(RowReader& in) {
    NoticeAlert a;
    a.kind = text_of(in);
    a.reason = text_of(in);
    get_snapshot(in, a);
    return a;
}

void put_group_key(RowWriter& out, const NoticeGroupKey& key) {
    out.value(key.by).value(key.tenant).value(key.severity).text(key.workflow).text(key.group);
}
NoticeGroupKey get_group_key(RowReader& in) {
    NoticeGroupKey key;
    key.by = in.value<uint8_t>();
    key.tenant = in.value<uint16_t>();
    key.severity = in.value<uint8_t>();
    key.workflow = text_of(in);
    key.group = text_of(in);
    return key;
}

void put_notice(RowWriter& out, const PendingNotice& p) {
    out.value(p.effect_id).text(p.target).text(p.kind).text(p.reason).value(p.at_ns).value(p.cause_seq);
    put_snapshot(out, p);
    out.value(p.group_id);
    if (p.group_id == 0) return;
    put_group_key(out, p.group_key);
    out.value(p.firing).value(p.acked).value(p.resolved);
    put_list(out, p.alerts, [&](const NoticeAlert& a) { put_told(out, a); });
    put_list(out, p.told, [&](uint64_t id) { out.value(id); });
}

PendingNotice get_notice(RowReader& in) {
    PendingNotice p;
    p.effect_id = in.value<uint64_t>();
    p.target = text_of(in);
    p.kind = text_of(in);
    p.reason = text_of(in);
    p.at_ns = in.value<StampNs>();
    p.cause_seq = in.value<Seq>();
    get_snapshot(in, p);
    p.group_id = in.value<uint64_t>();
    if (p.group_id == 0) {
        p.told = {p.alert};
        return p;
    }
    p.group_key = get_group_key(in);
    p.firing = in.value<uint64_t>();
    p.acked = in.value<uint64_t>();
    p.resolved = in.value<uint64_t>();
    get_list(in, p.alerts, [&] { return get_told(in); });
    get_list(in, p.told, [&] { return in.value<uint64_t>(); });
    return p;
}

void put_group(RowWriter& out, const NoticeGroup& g) {
    out.text(g.target);
    put_group_key(out, g.key);
    out.value(g.told_ns).value(g.news_ns).value(g.repeat_ns).value(g.timer_ns);
    out.value(static_cast<uint32_t>(g.firing.size()));
    for (const uint64_t id : g.firing) out.value(id);
    out.value(static_cast<uint32_t>(g.news.size()));
    for (const auto& [id, news] : g.news) out.value(id).text(news.kind).text(news.reason);
    out.value(static_cast<uint32_t>(g.over.size()));
    for (const auto& [id, end] : g.over) put_told(out, end);
}

NoticeGroup get_group(RowReader& in) {
    NoticeGroup g;
    g.target = text_of(in);
    g.key = get_group_key(in);
    g.told_ns = in.value<StampNs>();
    g.news_ns = in.value<StampNs>();
    g.repeat_ns = in.value<StampNs>();
    g.timer_ns = in.value<StampNs>();
    const auto each = [&](auto get_one) {
        for (auto left = in.value<uint32_t>(); left > 0 && in.ok(); --left) get_one();
    };
    each([&] { g.firing.insert(in.value<uint64_t>()); });
    each([&] {
        const auto id = in.value<uint64_t>();
        NoticeGroup::News& news = g.news[id];
        news.kind = text_of(in);
        news.reason = text_of(in);
    });
    each([&] {
        NoticeAlert end = get_told(in);
        g.over[end.alert] = std::move(end);
    });
    return g;
}

}  // namespace

AlertBook::AlertBook()
    : entries_(kPrefix, kAlertRow, put_entry),
      silences_(kPrefix, kSilenceRow, put_silence),
      windows_(kPrefix, kWindowRow, [](RowWriter& out, const Window& w) { put_window(out, w.facts); }),
      groups_(kPrefix, kGroupRow, put_group),
      outbox_(kPrefix, kNoticeRow, put_notice) {}

void AlertBook::put_entry(RowWriter& out, const Entry& e) {
    put_alert(out, e.alert);
    out.value(e.closed_open).value(e.closed_seq).value(e.closed_ns);
    for (const StampNs at_ns : e.timers) out.value(at_ns);
    put(out, e.due);
    out.text(e.due_reason);
    for (const bool flag : {e.fired, e.told, e.inhibited, e.ladder_held})
        out.value(static_cast<uint8_t>(flag));
    out.value(e.notices_made);
    put_list(out, e.reached, [&](const std::string& name) { out.text(name); });
    put_list(out, e.repeats, [&](const Repeat& r) { out.text(r.target).value(r.at_ns); });
    put_ladder(out, e.ladder);
    out.value(e.ladder_step).value(e.ladder_from_ns);
    put_list(out, e.changes, [&](StampNs at_ns) { out.value(at_ns); });
    put_list(out, e.groups, [&](uint64_t id) { out.value(id); });
}

void AlertBook::begin_save(Checkpoint& out) {
    std::lock_guard lock(mutex_);
    entries_.begin_save(out);
    silences_.begin_save(out);
    windows_.begin_save(out);
    groups_.begin_save(out);
    outbox_.begin_save(out);
    if (!std::exchange(facts_dirty_, false)) return;
    RowWriter key, value;
    value.value(quiet_until_ns_).value(next_order_).text(facts_);
    out.put(key.key_u8(kPrefix).key_u8(kFactsRow).bytes(), value.bytes());
}

bool AlertBook::save_some(size_t rows) {
    std::lock_guard lock(mutex_);
    return entries_.save_some(rows) || silences_.save_some(rows) || windows_.save_some(rows) ||
           groups_.save_some(rows) || outbox_.save_some(rows);
}

void AlertBook::load_row(std::span<const uint8_t> key_bytes, std::span<const uint8_t> value_bytes) {
    std::lock_guard lock(mutex_);
    RowReader key(key_bytes), in(value_bytes);
    key.key_u8();
    const uint8_t table = key.key_u8();
    if (table == kFactsRow) {
        quiet_until_ns_ = in.value<StampNs>();
        next_order_ = in.value<uint64_t>();
        facts_ = text_of(in);
        return;
    }
    const uint64_t id = key.key_u64();
    if (table == kAlertRow) {
        Entry e;
        e.alert.id = id;
        get_alert(in, e.alert);
        e.closed_open = in.value<uint64_t>();
        e.closed_seq = in.value<Seq>();
        e.closed_ns = in.value<StampNs>();
        for (uint8_t t = 0; t < kTimers; ++t) {
            e.timers[t] = in.value<StampNs>();
            if (e.timers[t] != 0) timers_.insert({e.timers[t], kind_of(static_cast<Timer>(t)), id});
        }
        e.alert.escalates_ns = e.timers[kEscalate];
        e.due = get<Due>(in);
        e.due_reason = text_of(in);
        for (bool* flag : {&e.fired, &e.told, &e.inhibited, &e.ladder_held}) *flag = in.value<uint8_t>() != 0;
        if (e.inhibited) inhibited_.insert(id);
        e.notices_made = in.value<uint32_t>();
        get_list(in, e.reached, [&] { return text_of(in); });
        get_list(in, e.repeats, [&] {
            Repeat r;
            r.target = text_of(in);
            r.at_ns = in.value<StampNs>();
            return r;
        });
        e.ladder = get_ladder(in);
        e.ladder_step = in.value<uint32_t>();
        e.ladder_from_ns = in.value<StampNs>();
        get_list(in, e.changes, [&] { return in.value<StampNs>(); });
        get_list(in, e.groups, [&] { return in.value<uint64_t>(); });
        entries_.load(id, std::move(e));
    } else if (table == kSilenceRow) {
        Silence s = get_silence(in);
        s.id = id;
        if (!s.ended) timers_.insert({s.end_ns, kOfSilence, id});
        silences_.load(id, std::move(s));
    } else if (table == kWindowRow) {
        MaintenanceWindow facts = get_window(in);
        facts.id = id;
        if (!facts.ended) timers_.insert({facts.span_end_ns, kOfWindow, id});
        if (facts.do_not_expect) not_expecting_.insert(id);
        windows_.load(id, Window(std::move(facts)));
    } else if (table == kGroupRow) {
        NoticeGroup g = get_group(in);
        if (g.timer_ns != 0) timers_.insert({g.timer_ns, kOfGroup, id});
        g.id = id;
        groups_.load(id, std::move(g));
    } else if (table == kNoticeRow) {
        PendingNotice p = get_notice(in);
        p.order = id;
        order_of_[p.effect_id] = id;
        outbox_.load(id, std::move(p));
    }
}

void AlertBook::loaded(StampNs) {
    std::lock_guard lock(mutex_);
    policy_ = read_alert_policy(facts_);
    inhibition_.set_rules(policy_.inhibit);
    for (const auto& [id, e] : entries_.rows()) inhibition_.update(e.alert);
}

}  // namespace penstock

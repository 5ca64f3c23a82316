// The book's rows: docs/storage_layout.md describes them.
#include "stages/alert/alert_book.h"

namespace penstock {
namespace {

constexpr uint8_t kAlertRow = 1, kSilenceRow = 2, kNoticeRow = 3, kFactsRow = 4;

template <typename E>
void put(RowWriter& out, E value)
    requires std::is_enum_v<E>
{
    out.value(static_cast<uint8_t>(value));
}
template <typename E>
E get(RowReader& in) {
    return static_cast<E>(in.value<uint8_t>());
}
std::string text_of(RowReader& in) { return std::string(in.text()); }

template <typename T, typename Put>
void put_list(RowWriter& out, const std::vector<T>& list, Put put_one) {
    out.value(static_cast<uint32_t>(list.size()));
    for (const T& item : list) put_one(item);
}
template <typename T, typename Get>
void get_list(RowReader& in, std::vector<T>& list, Get get_one) {
    const auto size = in.value<uint32_t>();
    for (uint32_t i = 0; i < size && in.ok(); ++i) list.push_back(get_one());
}

void put_alert(RowWriter& out, const Alert& a) {
    out.value(a.tenant).text(a.workflow).text(a.rule).value(a.version).value(a.episode);
    put(out, a.state);
    put(out, a.end);
    out.value(a.severity).value(a.open).value(a.total).value(a.first_deadline_ns).value(a.last_deadline_ns);
    out.value(a.began_ns).value(a.changed_ns).value(a.ended_ns).text(a.acked_by).text(a.assignee);
    put_list(out, a.instances, [&](const AlertInstance& i) {
        out.value(i.key).value(i.anchor_seq).value(i.deadline_ns);
        put(out, i.end);
        out.value(i.end_ns);
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
    a.version = in.value<uint64_t>();
    a.episode = in.value<uint32_t>();
    a.state = get<AlertState>(in);
    a.end = get<AlertEnd>(in);
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
        i.anchor_seq = in.value<Seq>();
        i.deadline_ns = in.value<StampNs>();
        i.end = get<AlertEnd>(in);
        i.end_ns = in.value<StampNs>();
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

void put_silence(RowWriter& out, const Silence& s) {
    const auto flags = static_cast<uint8_t>((s.tenant ? 1 : 0) | (s.workflow ? 2 : 0) | (s.rule ? 4 : 0) |
                                            (s.ended ? 8 : 0));
    out.value(flags).value(s.tenant.value_or(0)).text(s.workflow.value_or("")).text(s.rule.value_or(""));
    out.value(s.severity_at_least).value(s.begin_ns).value(s.end_ns);
    out.text(s.owner).text(s.reason).text(s.by).text(s.expired_by);
}

Silence get_silence(RowReader& in) {
    Silence s;
    const auto flags = in.value<uint8_t>();
    if (const auto tenant = in.value<uint16_t>(); flags & 1) s.tenant = tenant;
    if (auto text = text_of(in); flags & 2) s.workflow = std::move(text);
    if (auto text = text_of(in); flags & 4) s.rule = std::move(text);
    s.ended = flags & 8;
    s.severity_at_least = in.value<uint8_t>();
    s.begin_ns = in.value<StampNs>();
    s.end_ns = in.value<StampNs>();
    s.owner = text_of(in);
    s.reason = text_of(in);
    s.by = text_of(in);
    s.expired_by = text_of(in);
    return s;
}

void put_notice(RowWriter& out, const PendingNotice& p) {
    out.value(p.effect_id).text(p.target).text(p.kind).text(p.reason).value(p.at_ns).value(p.cause_seq);
    out.value(p.alert).value(p.tenant).text(p.workflow).text(p.rule).value(p.episode).value(p.version);
    put(out, p.state);
    put(out, p.end);
    out.value(p.severity).value(p.open).value(p.total);
    out.value(p.first_deadline_ns).value(p.last_deadline_ns).value(p.began_ns);
    put_list(out, p.anchors, [&](Seq seq) { out.value(seq); });
}

PendingNotice get_notice(RowReader& in) {
    PendingNotice p;
    p.effect_id = in.value<uint64_t>();
    p.target = text_of(in);
    p.kind = text_of(in);
    p.reason = text_of(in);
    p.at_ns = in.value<StampNs>();
    p.cause_seq = in.value<Seq>();
    p.alert = in.value<uint64_t>();
    p.tenant = in.value<uint16_t>();
    p.workflow = text_of(in);
    p.rule = text_of(in);
    p.episode = in.value<uint32_t>();
    p.version = in.value<uint64_t>();
    p.state = get<AlertState>(in);
    p.end = get<AlertEnd>(in);
    p.severity = in.value<uint8_t>();
    p.open = in.value<uint64_t>();
    p.total = in.value<uint64_t>();
    p.first_deadline_ns = in.value<StampNs>();
    p.last_deadline_ns = in.value<StampNs>();
    p.began_ns = in.value<StampNs>();
    get_list(in, p.anchors, [&] { return in.value<Seq>(); });
    return p;
}

}  // namespace

void AlertBook::begin_save(Checkpoint& out) {
    std::lock_guard lock(mutex_);
    RowWriter key, value;
    const auto save = [&](uint8_t table, std::set<uint64_t>& dirty, const auto& map, auto put_one) {
        for (const uint64_t id : std::exchange(dirty, {})) {
            key.clear();
            value.clear();
            const auto row = key.key_u8(row_prefix()).key_u8(table).key_u64(id).bytes();
            const auto at = map.find(id);
            if (at == map.end()) {
                out.erase(row);
                continue;
            }
            put_one(at->second);
            out.put(row, value.bytes());
        }
    };
    save(kAlertRow, dirty_entries_, entries_, [&](const Entry& e) {
        put_alert(value, e.alert);
        value.value(e.closed_open).value(e.closed_seq).value(e.closed_ns);
        put(value, e.due);
        value.value(e.due_ns).text(e.due_reason).value(static_cast<uint8_t>(e.told)).value(e.notices_made);
        put_list(value, e.reached, [&](const std::string& name) { value.text(name); });
    });
    save(kSilenceRow, dirty_silences_, silences_, [&](const Silence& s) { put_silence(value, s); });
    save(kNoticeRow, dirty_outbox_, outbox_, [&](const PendingNotice& p) { put_notice(value, p); });
    if (!std::exchange(facts_dirty_, false)) return;
    key.clear();
    value.clear();
    value.value(quiet_until_ns_).value(next_order_);
    put_list(value, targets_, [&](const Target& t) {
        value.text(t.name).value(t.severity_at_least);
        put_list(value, t.tenants, [&](uint16_t id) { value.value(id); });
    });
    out.put(key.key_u8(row_prefix()).key_u8(kFactsRow).bytes(), value.bytes());
}

void AlertBook::load_row(std::span<const uint8_t> key_bytes, std::span<const uint8_t> value_bytes) {
    std::lock_guard lock(mutex_);
    RowReader key(key_bytes), in(value_bytes);
    key.key_u8();
    const uint8_t table = key.key_u8();
    if (table == kFactsRow) {
        quiet_until_ns_ = in.value<StampNs>();
        next_order_ = in.value<uint64_t>();
        return get_list(in, targets_, [&] {
            Target t;
            t.name = text_of(in);
            t.severity_at_least = in.value<uint8_t>();
            get_list(in, t.tenants, [&] { return in.value<uint16_t>(); });
            return t;
        });
    }
    const uint64_t id = key.key_u64();
    if (table == kAlertRow) {
        Entry& e = entries_[id];
        e.alert.id = id;
        get_alert(in, e.alert);
        e.closed_open = in.value<uint64_t>();
        e.closed_seq = in.value<Seq>();
        e.closed_ns = in.value<StampNs>();
        e.due = get<Due>(in);
        e.due_ns = in.value<StampNs>();
        e.due_reason = text_of(in);
        e.told = in.value<uint8_t>() != 0;
        e.notices_made = in.value<uint32_t>();
        get_list(in, e.reached, [&] { return text_of(in); });
        if (e.due != Due::kNone) timers_.insert({e.due_ns, kOfAlert, id});
    } else if (table == kSilenceRow) {
        Silence s = get_silence(in);
        s.id = id;
        if (!s.ended) timers_.insert({s.end_ns, kOfSilence, id});
        silences_[id] = std::move(s);
    } else if (table == kNoticeRow) {
        PendingNotice p = get_notice(in);
        p.order = id;
        order_of_[p.effect_id] = id;
        outbox_[id] = std::move(p);
    }
}

}  // namespace penstock

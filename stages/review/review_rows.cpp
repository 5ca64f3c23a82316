// The book's rows: docs/storage_layout.md describes them.
#include <algorithm>

#include "pipeline/row_parts.h"
#include "stages/review/review_book.h"

namespace penstock {
namespace {

constexpr uint8_t kItemRow = 1, kDecisionRow = 2, kAnsweredRow = 3, kWorkRow = 4, kFactsRow = 5,
                  kFlushedRow = 6;

void put_step(RowWriter& out, const ReviewStep& s) {
    out.value(s.seq).value(s.at_ns).value(s.version);
    put(out, s.kind);
    put(out, s.before);
    put(out, s.after);
    out.text(s.by).text(s.whom).text(s.note).text(s.peer);
}
ReviewStep get_step(RowReader& in) {
    ReviewStep s;
    s.seq = in.value<Seq>();
    s.at_ns = in.value<StampNs>();
    s.version = in.value<uint32_t>();
    s.kind = get<ReviewStepKind>(in);
    s.before = get<ReviewState>(in);
    s.after = get<ReviewState>(in);
    for (std::string* text : {&s.by, &s.whom, &s.note, &s.peer}) *text = text_of(in);
    return s;
}

ReviewItem get_item(RowReader& in, uint64_t id) {
    ReviewItem i;
    i.id = id;
    i.event_seq = in.value<Seq>();
    i.alert = in.value<uint64_t>();
    i.alert_episode = in.value<uint32_t>();
    i.tenant = in.value<uint16_t>();
    i.region = in.value<uint16_t>();
    i.priority = in.value<uint8_t>();
    i.severity = in.value<uint8_t>();
    i.escalated = in.value<uint8_t>() != 0;
    i.state = get<ReviewState>(in);
    for (std::string* text : {&i.queue, &i.type, &i.subject, &i.source, &i.event_id, &i.holder_name})
        *text = text_of(in);
    get_list(in, i.skills, [&] { return text_of(in); });
    for (StampNs* at : {&i.created_ns, &i.due_ns, &i.changed_ns, &i.ended_ns, &i.assigned_ns, &i.claimed_ns,
                        &i.lease_until_ns, &i.expires_ns, &i.forget_ns})
        *at = in.value<StampNs>();
    i.version = in.value<uint32_t>();
    for (uint64_t* n : {&i.holder, &i.last_holder, &i.fence, &i.decision_seq}) *n = in.value<uint64_t>();
    get_list(in, i.history, [&] { return get_step(in); });
    return i;
}

ReviewDecision get_decision(RowReader& in, Seq seq) {
    ReviewDecision d;
    d.seq = seq;
    d.at_ns = in.value<StampNs>();
    d.region = in.value<uint16_t>();
    d.tenant = in.value<uint16_t>();
    for (uint64_t* n : {&d.item, &d.event_seq, &d.alert, &d.user}) *n = in.value<uint64_t>();
    d.action = get<ReviewStepKind>(in);
    d.before = get<ReviewState>(in);
    d.after = get<ReviewState>(in);
    for (std::string* text :
         {&d.by, &d.reason, &d.peer, &d.queue, &d.type, &d.subject, &d.source, &d.event_id})
        *text = text_of(in);
    for (StampNs* at : {&d.created_ns, &d.assigned_ns, &d.claimed_ns}) *at = in.value<StampNs>();
    return d;
}

void put_outcome(RowWriter& out, const ReviewOutcome& o) {
    put(out, o.result);
    out.value(o.item).text(o.why);
    put(out, o.state);
    out.value(o.version).value(o.fence).value(o.at_ns).value(o.lease_until_ns).text(o.holder);
}
ReviewOutcome get_outcome(RowReader& in) {
    ReviewOutcome o;
    o.result = get<ReviewOutcome::Result>(in);
    o.item = in.value<uint64_t>();
    o.why = text_of(in);
    o.state = get<ReviewState>(in);
    o.version = in.value<uint32_t>();
    o.fence = in.value<uint64_t>();
    o.at_ns = in.value<StampNs>();
    o.lease_until_ns = in.value<StampNs>();
    o.holder = text_of(in);
    return o;
}

}  // namespace

ReviewBook::ReviewBook()
    : items_(kPrefix, kItemRow, put_item),
      decisions_(kPrefix, kDecisionRow, put_decision),
      flushed_(kPrefix, kFlushedRow,
               [](RowWriter& out, const Flushed& f) { out.value(f.below).value(f.forgotten_below); }),
      answered_(kPrefix, kAnsweredRow, put_answered),
      work_(kPrefix, kWorkRow,
            [](RowWriter& out, const Work& w) { out.value(w.last_ns).value(w.decided).value(w.told); }) {}

void ReviewBook::put_item(RowWriter& out, const ReviewItem& i) {
    out.value(i.event_seq).value(i.alert).value(i.alert_episode).value(i.tenant).value(i.region);
    out.value(i.priority).value(i.severity).value(static_cast<uint8_t>(i.escalated));
    put(out, i.state);
    for (const std::string* text : {&i.queue, &i.type, &i.subject, &i.source, &i.event_id, &i.holder_name})
        out.text(*text);
    put_list(out, i.skills, [&](const std::string& skill) { out.text(skill); });
    for (const StampNs at : {i.created_ns, i.due_ns, i.changed_ns, i.ended_ns, i.assigned_ns, i.claimed_ns,
                             i.lease_until_ns, i.expires_ns, i.forget_ns})
        out.value(at);
    out.value(i.version);
    for (const uint64_t n : {i.holder, i.last_holder, i.fence, i.decision_seq}) out.value(n);
    put_list(out, i.history, [&](const ReviewStep& s) { put_step(out, s); });
}

void ReviewBook::put_decision(RowWriter& out, const ReviewDecision& d) {
    out.value(d.at_ns).value(d.region).value(d.tenant);
    for (const uint64_t n : {d.item, d.event_seq, d.alert, d.user}) out.value(n);
    put(out, d.action);
    put(out, d.before);
    put(out, d.after);
    for (const std::string* text :
         {&d.by, &d.reason, &d.peer, &d.queue, &d.type, &d.subject, &d.source, &d.event_id})
        out.text(*text);
    for (const StampNs at : {d.created_ns, d.assigned_ns, d.claimed_ns}) out.value(at);
}

void ReviewBook::put_answered(RowWriter& out, const Answered& a) {
    out.text(a.by).text(a.key).text(a.request).value(a.until_ns);
    put_outcome(out, a.outcome);
}

void ReviewBook::begin_save(Checkpoint& out) {
    std::lock_guard lock(mutex_);
    items_.begin_save(out);
    decisions_.begin_save(out);
    flushed_.begin_save(out);
    answered_.begin_save(out);
    work_.begin_save(out);
    if (!std::exchange(facts_dirty_, false)) return;
    RowWriter key, value;
    value.value(next_id_).value(next_fence_).value(not_kept_).text(facts_);
    value.value(static_cast<uint32_t>(named_tenants_.size()));
    for (const auto& [id, name] : named_tenants_) value.value(id).text(name);
    out.put(key.key_u8(kPrefix).key_u8(kFactsRow).bytes(), value.bytes());
}

bool ReviewBook::save_some(size_t rows) {
    std::lock_guard lock(mutex_);
    return items_.save_some(rows) || decisions_.save_some(rows) || flushed_.save_some(rows) ||
           answered_.save_some(rows) || work_.save_some(rows);
}

void ReviewBook::load_row(std::span<const uint8_t> key_bytes, std::span<const uint8_t> value_bytes) {
    std::lock_guard lock(mutex_);
    RowReader key(key_bytes), in(value_bytes);
    key.key_u8();
    const uint8_t table = key.key_u8();
    if (table == kFactsRow) {
        next_id_ = in.value<uint64_t>();
        next_fence_ = in.value<uint64_t>();
        not_kept_ = in.value<uint64_t>();
        facts_ = text_of(in);
        for (auto n = in.value<uint32_t>(); n > 0 && in.ok(); --n) {
            const auto id = in.value<uint16_t>();
            named_tenants_[id] = text_of(in);
        }
        return;
    }
    const uint64_t id = key.key_u64();
    if (table == kItemRow) {
        items_.load(id, get_item(in, id));
    } else if (table == kDecisionRow) {
        decisions_.load(id, get_decision(in, id));
    } else if (table == kFlushedRow) {
        Flushed f;
        f.below = in.value<Seq>();
        f.forgotten_below = in.value<Seq>();
        flushed_.load(id, f);
    } else if (table == kAnsweredRow) {
        Answered a;
        for (std::string* text : {&a.by, &a.key, &a.request}) *text = text_of(in);
        a.until_ns = in.value<StampNs>();
        a.outcome = get_outcome(in);
        answers_end_.insert({a.until_ns, id});
        answered_.load(id, std::move(a));
    } else if (table == kWorkRow) {
        Work w;
        w.last_ns = in.value<StampNs>();
        w.decided = in.value<uint64_t>();
        w.told = in.value<Seq>();
        work_.load(id, w);
    }
}

void ReviewBook::loaded(StampNs) {
    std::lock_guard lock(mutex_);
    for (const auto& [id, item] : items_.rows()) {
        ++by_state_[static_cast<size_t>(item.state)];
        if (!is_over(item.state)) open_.insert(place_of(item));
        if (waits(item.state)) lanes_[lane_of(item)].insert(place_of(item));
        if (item.holder != 0) {
            Person& holder = people_[item.holder];
            holder.held.insert(id);
            holder.given = std::max(holder.given, given_at(item));
        }
        if (item.lease_until_ns != 0) timers_.insert({item.lease_until_ns, kLease, id});
        if (item.expires_ns != 0) timers_.insert({item.expires_ns, kExpiry, id});
        if (item.forget_ns != 0) timers_.insert({item.forget_ns, kForget, id});
    }
    find_to_flush();
    take_policy(facts_);
}

}  // namespace penstock

// Items and their states.
#include "stages/review/review_book.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "pipeline/expression/event_variables.h"
#include "pipeline/record_text.h"
#include "schemas/event_fields.h"
#include "schemas/limits.h"

namespace penstock {
namespace {

constexpr StampNs kNever = std::numeric_limits<StampNs>::max();

}  // namespace

ReviewBook::Place ReviewBook::place_of(const ReviewItem& item) {
    return {static_cast<uint8_t>(255 - item.priority), item.due_ns == 0 ? kNever : item.due_ns, item.id};
}

Seq ReviewBook::given_at(const ReviewItem& item) {
    for (auto step = item.history.rbegin(); step != item.history.rend(); ++step)
        if (step->after == ReviewState::kAssigned && step->before != ReviewState::kAssigned) return step->seq;
    return 0;
}

void ReviewBook::apply(const RecordView& record) {
    std::lock_guard lock(mutex_);
    if (record.header->kind == RecordKind::kEvents) events(record);
    const Now now{record.last_stamp(), record.first_seq()};
    run_timers(now);
    if (record.header->kind == RecordKind::kControl && record.count() > 0) control(record);
    decided_to_ = record.end_seq();
}

void ReviewBook::events(const RecordView& record) {
    if (policy_.queues.empty()) return;
    for (size_t i = 0; i < record.count(); ++i) {
        const EventHead& head = record.heads[i];
        if (head.flags & kHeadBackfill) continue;
        for (const ReviewQueue& queue : policy_.queues) {
            if (queue.of_alerts || head.severity < queue.severity_at_least ||
                !queue.takes_type(head.type_hash))
                continue;
            const fb::Event& event = *event_of(record.bytes(i));
            const StampNs at_ns = record.stamp(i);
            if (queue.condition &&
                !queue.condition->test(EventVariables(event, head.time_ns, at_ns)).is_true())
                continue;
            const Now now{at_ns, record.first_seq() + i};
            run_timers(now);  // what was due before
            ReviewItem item;
            item.event_seq = now.seq;
            item.tenant = head.tenant;
            item.region = head.region;
            item.severity = head.severity;
            item.type = view_of(event.type());
            item.subject = view_of(event.subject());
            item.source = view_of(event.source());
            item.event_id = view_of(event.id());
            add(std::move(item), queue, now);
            break;
        }
    }
}

void ReviewBook::on_alert_fired(const Alert& alert, StampNs at_ns, Seq seq) {
    std::lock_guard lock(mutex_);
    for (const ReviewQueue& queue : policy_.queues) {
        if (!queue.of_alerts || alert.severity < queue.severity_at_least ||
            (!queue.workflow.empty() && queue.workflow != alert.workflow) ||
            (!queue.rule.empty() && queue.rule != alert.rule))
            continue;
        const Now now{at_ns, seq};
        run_timers(now);
        ReviewItem item;
        item.event_seq = seq;
        item.alert = alert.id;
        item.alert_episode = alert.episode;
        item.tenant = alert.tenant;
        item.region = policy_.default_region;
        item.severity = alert.severity;
        item.type = alert.workflow + "." + alert.rule;
        item.subject = alert.group;
        return add(std::move(item), queue, now);
    }
}

void ReviewBook::add(ReviewItem fresh, const ReviewQueue& queue, Now now) {
    facts_dirty_ = true;
    if (open_.size() >= policy_.open_max) {
        ++not_kept_;
        return;
    }
    fresh.id = next_id_++;
    fresh.queue = queue.name;
    fresh.skills = queue.skills;
    fresh.priority = queue.priority_of(fresh.severity);
    fresh.created_ns = now.ns;
    fresh.due_ns = queue.due_ns == 0 ? 0 : now.ns + queue.due_ns;
    ReviewItem& item = items_.add(fresh.id, std::move(fresh));
    ++by_state_[static_cast<size_t>(item.state)];
    open_.insert(place_of(item));
    if (queue.expires_ns > 0) timers_.insert({now.ns + queue.expires_ns, kExpiry, item.id});
    item.expires_ns = queue.expires_ns == 0 ? 0 : now.ns + queue.expires_ns;
    put_back(item, ReviewStepKind::kQueued, ReviewState::kQueued, {std::string(kSelf), {}, {}, 0, {}, 0},
             now);
}

void ReviewBook::step(ReviewItem& item, ReviewStepKind kind, ReviewState after, const Command& by, Now now) {
    const ReviewState before = item.state;
    --by_state_[static_cast<size_t>(before)];
    ++by_state_[static_cast<size_t>(after)];
    item.state = after;
    item.changed_ns = now.ns;
    ++item.version;
    item.history.push_back(
        {now.seq, now.ns, item.version, kind, before, after, by.by, item.holder_name, by.note, by.peer});
    if (item.history.size() > kHistoryMax) item.history.erase(item.history.begin() + 1);  // the first stays
}

void ReviewBook::set_lease(ReviewItem& item, StampNs until_ns) {
    if (item.lease_until_ns != 0) timers_.erase({item.lease_until_ns, kLease, item.id});
    item.lease_until_ns = until_ns;
    if (until_ns != 0) timers_.insert({until_ns, kLease, item.id});
}

// --- time -------------------------------------------------------------------------------------------------

StampNs ReviewBook::due_ns() const {
    std::lock_guard lock(mutex_);
    const StampNs timer = timers_.empty() ? kNever : std::get<0>(*timers_.begin());
    return answers_end_.empty() ? timer : std::min(timer, answers_end_.begin()->first);
}

void ReviewBook::run_timers(Now now) {
    while (!answers_end_.empty() && answers_end_.begin()->first <= now.ns) {
        answered_.erase(answers_end_.begin()->second);
        answers_end_.erase(answers_end_.begin());
    }
    while (!timers_.empty() && std::get<0>(*timers_.begin()) <= now.ns) {
        const auto [at_ns, of, id] = *timers_.begin();
        timers_.erase(timers_.begin());
        if (of == kLease) {
            lease_over(id, now);
        } else if (of == kExpiry) {
            expire(id, now);
        } else if (of == kAway) {
            Person& person = people_.at(id);
            person.away_ns = 0;
            return_held(person, false, person.facts.name + " gave no sign of life", now);
        } else {
            --by_state_[static_cast<size_t>(items_.at(id).state)];
            items_.erase(id);
        }
    }
}

void ReviewBook::lease_over(uint64_t id, Now now) {
    ReviewItem& item = items_.change(id);
    item.lease_until_ns = 0;
    const Work* work = work_.find(item.holder);
    // What is assigned and not begun is kept for somebody who works.
    if (item.state == ReviewState::kAssigned && work && work->last_ns + policy_.lease_ns > now.ns)
        return set_lease(item, work->last_ns + policy_.lease_ns);
    const uint64_t before = item.holder;
    take_out(item);
    put_back(item, ReviewStepKind::kLeaseEnded, ReviewState::kReturned,
             {std::string(kSelf), {}, "nothing was done with it in time", 0, {}, 0}, now);
    draw_for(before, now);
}

void ReviewBook::expire(uint64_t id, Now now) {
    ReviewItem& item = items_.change(id);
    item.expires_ns = 0;
    const uint64_t before = item.holder;
    take_out(item);
    step(item, ReviewStepKind::kExpired, ReviewState::kExpired,
         {std::string(kSelf), {}, "nobody decided it in its time", 0, {}, 0}, now);
    over(item, now);
    draw_for(before, now);
}

/// Nobody has it any more, and it is not to be had.
void ReviewBook::over(ReviewItem& item, Now now) {
    item.ended_ns = now.ns;
    open_.erase(place_of(item));
    if (item.expires_ns != 0) timers_.erase({item.expires_ns, kExpiry, item.id});
    item.expires_ns = 0;
    timers_.insert({now.ns + policy_.retention_ns, kForget, item.id});
    item.forget_ns = now.ns + policy_.retention_ns;
}

void ReviewBook::boot(std::string_view facts, Now now) {
    facts_ = facts;
    facts_dirty_ = true;
    take_policy(facts);
    // Somebody may see more regions, or have more room, than before.
    for (auto& [user, person] : people_) draw(person, now);
}

void ReviewBook::take_policy(std::string_view facts) {
    policy_ = read_review_policy(facts);
    for (const auto& [id, name] : named_) {
        if (policy_.regions.size() <= id) policy_.regions.resize(id + size_t{1});
        policy_.regions[id] = name;
    }
    for (const auto& [id, name] : named_tenants_) {
        if (policy_.tenants.size() <= id) policy_.tenants.resize(id + size_t{1});
        policy_.tenants[id] = name;
    }
    for (auto& [user, person] : people_) person.regions = policy_.mask_of(person.facts.regions);
}

void ReviewBook::name_tenant(std::string_view name, const RecordText& text) {
    const int64_t id = text.number("id", -1);
    if (text.text("action") != "add" || id < 0 || id >= static_cast<int64_t>(limits::kTenantsMax)) return;
    facts_dirty_ = named_tenants_.emplace(static_cast<uint16_t>(id), name).second || facts_dirty_;
    take_policy(facts_);
}

void ReviewBook::on_region(const std::string& name, uint16_t id, StampNs at_ns, Seq seq) {
    std::lock_guard lock(mutex_);
    if (!named_.emplace(id, name).second) return;
    take_policy(facts_);
    if (seq == 0) return;
    for (auto& [user, person] : people_) draw(person, {at_ns, seq});
}

}  // namespace penstock

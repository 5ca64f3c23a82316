// Who gets which item: the active, of the right region and skills, with room; the least loaded first.
#include <algorithm>

#include "stages/review/review_book.h"

namespace penstock {

bool ReviewBook::may_take(const Person& person, const Lane& lane) const {
    const Operator& who = person.facts;
    const Role least = lane.escalated ? Role::kSupervisor : Role::kOperator;
    // Who administers does not review.
    if (!who.enabled || who.role < least || who.role == Role::kAdmin) return false;
    if (lane.region >= 64 || !(person.regions >> lane.region & 1)) return false;
    // What a tenant's people may not see they are not given either.
    if (!who.tenants.empty()) {
        if (lane.tenant >= policy_.tenants.size() ||
            std::find(who.tenants.begin(), who.tenants.end(), policy_.tenants[lane.tenant]) ==
                who.tenants.end())
            return false;
    }
    return std::all_of(lane.skills.begin(), lane.skills.end(), [&](const std::string& skill) {
        return std::find(who.skills.begin(), who.skills.end(), skill) != who.skills.end();
    });
}

bool ReviewBook::may_take(const Person& person, const ReviewItem& item) const {
    return may_take(person, lane_of(item));
}

void ReviewBook::assign(ReviewItem& item, Person& person, ReviewStepKind kind, const Command& by, Now now) {
    item.holder = person.facts.user;
    item.holder_name = person.facts.name;
    item.assigned_ns = now.ns;
    item.claimed_ns = 0;
    person.held.insert(item.id);
    person.given = now.seq;
    step(item, kind, ReviewState::kAssigned, by, now);
    set_lease(item, now.ns + policy_.lease_ns);
}

void ReviewBook::take_out(ReviewItem& item) {
    if (waits(item.state)) {
        const auto lane = lanes_.find(lane_of(item));
        lane->second.erase(place_of(item));
        if (lane->second.empty()) lanes_.erase(lane);
        return;
    }
    if (!is_held(item.state)) return;
    if (const auto person = people_.find(item.holder); person != people_.end())
        person->second.held.erase(item.id);
    set_lease(item, 0);
    item.last_holder = item.holder;
    item.holder = 0;
    item.holder_name.clear();
}

void ReviewBook::put_back(ReviewItem& item, ReviewStepKind kind, ReviewState state, const Command& by,
                          Now now) {
    step(item, kind, state, by, now);
    lanes_[lane_of(item)].insert(place_of(item));
    offer(item, now);
}

/// To whom has the least; who had it last only if nobody else may.
void ReviewBook::offer(ReviewItem& item, Now now) {
    Person* best = nullptr;
    const auto before = [&](const Person& a, const Person& b) {
        const bool a_last = a.facts.user == item.last_holder, b_last = b.facts.user == item.last_holder;
        return a_last != b_last ? b_last : a.held.size() < b.held.size();
    };
    for (auto& [user, person] : people_) {
        if (!has_room(person) || !may_take(person, item)) continue;
        if (!best || before(person, *best)) best = &person;
    }
    if (!best) return;
    take_out(item);
    assign(item, *best, ReviewStepKind::kAssigned, {std::string(kSelf), {}, {}, 0, {}, 0}, now);
}

/// Until there is no room, or nothing waits that this person may take.
void ReviewBook::draw(Person& person, Now now) {
    while (has_room(person)) {
        const Place* first = nullptr;
        for (const auto& [lane, places] : lanes_)
            if ((!first || *places.begin() < *first) && may_take(person, lane)) first = &*places.begin();
        if (!first) return;
        ReviewItem& item = items_.change(std::get<2>(*first));
        take_out(item);
        assign(item, person, ReviewStepKind::kAssigned, {std::string(kSelf), {}, {}, 0, {}, 0}, now);
    }
}

/// Of somebody who has room now; 0: nobody.
void ReviewBook::draw_for(uint64_t user, Now now) {
    if (const auto person = people_.find(user); person != people_.end()) draw(person->second, now);
}

/// `begun`: also what they work on.
void ReviewBook::return_held(Person& person, bool begun, const std::string& why, Now now) {
    const Command by{std::string(kSelf), {}, why, 0, {}, 0};
    for (const uint64_t id : std::set<uint64_t>(person.held)) {
        if (!begun && items_.at(id).state != ReviewState::kAssigned) continue;
        ReviewItem& item = items_.change(id);
        take_out(item);
        put_back(item, ReviewStepKind::kLeft, ReviewState::kReturned, by, now);
    }
}

void ReviewBook::set_away(uint64_t user, Person& person, StampNs at_ns) {
    if (person.away_ns != 0) timers_.erase({person.away_ns, kAway, user});
    person.away_ns = at_ns;
    if (at_ns != 0) timers_.insert({at_ns, kAway, user});
}

void ReviewBook::on_operator(const Operator& who, StampNs at_ns, Seq seq) {
    std::lock_guard lock(mutex_);
    Person& person = people_[who.user];
    person.facts = who;
    person.regions = policy_.mask_of(who.regions);
    const bool here = who.active && who.enabled;
    const StampNs away_ns = who.last_seen_ns + kAwayNs;
    if (seq == 0) {
        // All that followed from it is loaded; who counted as away has nothing that they have not begun, so
        // that counting them as away again changes nothing.
        set_away(who.user, person, here ? away_ns : 0);
        return;
    }
    const Now now{at_ns, seq};
    run_timers(now);
    set_away(who.user, person, here && away_ns > now.ns ? away_ns : 0);
    if (!here) return return_held(person, true, who.name + " is not there any more", now);
    const Command by{std::string(kSelf), {}, who.name + " may not take it any more", 0, {}, 0};
    for (const uint64_t id : std::set<uint64_t>(person.held)) {
        if (may_take(person, items_.at(id))) continue;
        ReviewItem& item = items_.change(id);
        take_out(item);
        put_back(item, ReviewStepKind::kLeft, ReviewState::kReturned, by, now);
    }
    draw(person, now);
}

}  // namespace penstock

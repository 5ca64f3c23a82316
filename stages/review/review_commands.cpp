// What people do with items.
#include <fmt/format.h>

#include <algorithm>

#include "pipeline/expression/convert.h"
#include "pipeline/record_text.h"
#include "pipeline/stream_hash.h"
#include "schemas/event_fields.h"
#include "stages/review/review_book.h"

namespace penstock {
namespace {

using Result = ReviewOutcome::Result;

uint64_t answer_id(std::string_view by, std::string_view key) {
    StreamHash hash;
    const uint64_t size = by.size();
    hash.add(&size, sizeof size).add(by.data(), by.size()).add(key.data(), key.size());
    return hash.digest();
}

std::string instant(StampNs at_ns) {
    char text[expression::kTextOfValueMax];
    return {text, expression::write_timestamp(at_ns, text)};
}

bool is_review(ControlKind kind) {
    return kind >= ControlKind::kReviewClaimed && kind <= ControlKind::kReviewUndone;
}

}  // namespace

void ReviewBook::control(const RecordView& record) {
    const auto* c = flatbuffers::GetRoot<fb::Control>(record.bytes(0).data());
    const auto kind = static_cast<ControlKind>(c->kind());
    const std::string_view name = view_of(c->name()), text = view_of(c->text());
    const Now now{record.last_stamp(), record.first_seq()};
    if (kind == ControlKind::kBoot) return boot(text, now);
    if (kind == ControlKind::kRegionsFlushed) return flushed(text);
    if (kind == ControlKind::kTenantSet) return name_tenant(name, RecordText(text));
    if (kind == ControlKind::kReviewTold) {
        const auto user = number_of(name, 10);
        if (user) work_.make(*user).told = static_cast<Seq>(RecordText(text).number("seq"));
        return;
    }
    if (!is_review(kind)) return;
    const RecordText m(text);
    const Command by{m.text("by"),
                     m.text("peer"),
                     m.text("note"),
                     static_cast<uint64_t>(m.number("user")),
                     static_cast<Role>(std::clamp<int64_t>(m.number("role"), 0, 3)),
                     now.ns};
    const std::string key = m.text("key"), request = m.text("request");
    ReviewOutcome outcome;
    const Answered* before = key.empty() ? nullptr : answered_.find(answer_id(by.by, key));
    if (before && before->by == by.by && before->key == key) {
        outcome = before->outcome;
        outcome.again = true;
        if (before->request != request) {
            outcome.result = Result::kOtherRequest;
            outcome.why = "this Idempotency-Key came before with another request; send a new one";
        }
    } else {
        const auto id = number_of(name, 10);
        if (id && items_.contains(*id)) {
            outcome = command(kind, items_.change(*id), m, by, now);
        } else {
            outcome.result = Result::kNoItem;
            outcome.why = "there is no item with this number";
        }
        outcome.item = id.value_or(0);
        if (!key.empty()) remember(by, key, request, outcome, now);
    }
    outcomes_.emplace_back(now.seq, std::move(outcome));
    if (outcomes_.size() > kOutcomesMax) outcomes_.pop_front();
}

void ReviewBook::remember(const Command& by, const std::string& key, const std::string& request,
                          const ReviewOutcome& outcome, Now now) {
    const uint64_t id = answer_id(by.by, key);
    if (const Answered* old = answered_.find(id)) answers_end_.erase({old->until_ns, id});
    Answered& a = answered_.make(id);
    a = {by.by, key, request, now.ns + kAnswerNs, outcome};
    answers_end_.insert({a.until_ns, id});
    if (answers_end_.size() <= kAnswersMax) return;
    answered_.erase(answers_end_.begin()->second);
    answers_end_.erase(answers_end_.begin());
}

ReviewOutcome ReviewBook::command(ControlKind kind, ReviewItem& item, const RecordText& m, const Command& by,
                                  Now now) {
    if (is_over(item.state) && kind != ControlKind::kReviewUndone) {
        ReviewOutcome refused = stale(item);
        refused.result = Result::kNotNow;
        return refused;
    }
    switch (kind) {
        case ControlKind::kReviewClaimed:
            return claim(item, m, by, now);
        case ControlKind::kReviewReleased:
            return release(item, m, by, now);
        case ControlKind::kReviewRenewed:
            return renew(item, m, by, now);
        case ControlKind::kReviewReassigned:
            return reassign(item, m, by, now);
        case ControlKind::kReviewEscalated:
            return escalate(item, m, by, now);
        case ControlKind::kReviewDecided:
            return decide(item, m, by, now);
        default:
            return undo(item, m, by, now);
    }
}

/// Who has it now, and what was done last.
ReviewOutcome ReviewBook::stale(const ReviewItem& item) const {
    ReviewOutcome o = done(item, {item.changed_ns, 0});
    o.result = Result::kStale;
    const ReviewStep& last = item.history.back();
    o.why = fmt::format("it is {} at version {}", kReviewStateNames[static_cast<size_t>(item.state)],
                        item.version);
    if (item.holder != 0)
        o.why += fmt::format("; {} has it until {}", item.holder_name, instant(item.lease_until_ns));
    o.why += fmt::format("; last {} by {} at {}", kReviewStepNames[static_cast<size_t>(last.kind)], last.by,
                         instant(last.at_ns));
    return o;
}

ReviewOutcome ReviewBook::done(const ReviewItem& item, Now now) const {
    ReviewOutcome o;
    o.item = item.id;
    o.state = item.state;
    o.version = item.version;
    o.fence = item.fence;
    o.at_ns = now.ns;
    o.lease_until_ns = item.lease_until_ns;
    o.holder = item.holder_name;
    return o;
}

/// The command's fence, or its version where it gives none, is the item's.
bool ReviewBook::holds_it(const ReviewItem& item, const RecordText& m, const Command& by) const {
    if (item.holder != by.user || by.user == 0) return false;
    if (m.find("fence"))
        return item.state == ReviewState::kInReview && m.number("fence") == static_cast<int64_t>(item.fence);
    return m.number("version", -1) == static_cast<int64_t>(item.version);
}

ReviewOutcome ReviewBook::claim(ReviewItem& item, const RecordText& m, const Command& by, Now now) {
    const auto refused = [&](Result result, std::string why) {
        ReviewOutcome o = stale(item);
        o.result = result;
        o.why = std::move(why);
        return o;
    };
    const auto at = people_.find(by.user);
    if (at == people_.end()) return refused(Result::kNoUser, "only a user who is signed in can claim");
    Person& person = at->second;
    if (item.holder != 0 && item.holder != by.user) return stale(item);
    if (m.find("version") && m.number("version") != static_cast<int64_t>(item.version)) return stale(item);
    if (!person.facts.active) return refused(Result::kNotActive, "you are not active; give a sign of life");
    if (!may_take(person, item))
        return refused(Result::kNotTheirs, "its region, skills or role are not yours");
    if (item.holder == 0) {
        if (person.held.size() >= policy_.held_max)
            return refused(Result::kTooMany,
                           fmt::format("you have {} items, as many as anybody may: decide or "
                                       "release one",
                                       person.held.size()));
        take_out(item);
        item.holder = by.user;
        item.holder_name = by.by;
        item.assigned_ns = now.ns;
        person.held.insert(item.id);
    }
    item.fence = next_fence_++;
    facts_dirty_ = true;
    item.claimed_ns = now.ns;
    work_.make(by.user).last_ns = now.ns;
    step(item, ReviewStepKind::kClaimed, ReviewState::kInReview, by, now);
    set_lease(item, now.ns + policy_.lease_ns);
    return done(item, now);
}

ReviewOutcome ReviewBook::release(ReviewItem& item, const RecordText& m, const Command& by, Now now) {
    if (!holds_it(item, m, by)) return stale(item);
    take_out(item);
    put_back(item, ReviewStepKind::kReleased, ReviewState::kReturned, by, now);
    const ReviewOutcome outcome = done(item, now);
    draw_for(by.user, now);
    return outcome;
}

ReviewOutcome ReviewBook::renew(ReviewItem& item, const RecordText& m, const Command& by, Now now) {
    if (!holds_it(item, m, by)) return stale(item);
    work_.make(by.user).last_ns = now.ns;
    set_lease(item, now.ns + policy_.lease_ns);  // no new version: nothing that others see has changed
    return done(item, now);
}

ReviewOutcome ReviewBook::reassign(ReviewItem& item, const RecordText& m, const Command& by, Now now) {
    if (by.role < Role::kSupervisor || m.number("version", -1) != static_cast<int64_t>(item.version))
        return stale(item);
    const std::string to = m.text("to");
    const auto at = std::find_if(people_.begin(), people_.end(),
                                 [&](const auto& p) { return p.second.facts.name == to; });
    const auto refused = [&](Result result, std::string why) {
        ReviewOutcome o = stale(item);
        o.result = result;
        o.why = std::move(why);
        return o;
    };
    if (at == people_.end()) return refused(Result::kNoUser, fmt::format("there is no user {}", to));
    Person& person = at->second;
    if (person.away_ns == 0)
        return refused(Result::kNotActive, fmt::format("{} is not there, or gave no sign of life", to));
    if (!may_take(person, item))
        return refused(Result::kNotTheirs, fmt::format("its region, skills or role are not {}'s", to));
    if (item.holder != person.facts.user && person.held.size() >= policy_.held_max)
        return refused(Result::kTooMany, fmt::format("{} has {} items already", to, person.held.size()));
    const uint64_t before = item.holder;
    take_out(item);
    assign(item, person, ReviewStepKind::kReassigned, by, now);
    const ReviewOutcome outcome = done(item, now);
    draw_for(before, now);
    return outcome;
}

/// To the supervisors, with more weight.
ReviewOutcome ReviewBook::escalate(ReviewItem& item, const RecordText& m, const Command& by, Now now) {
    const bool allowed =
        holds_it(item, m, by) ||
        (by.role >= Role::kSupervisor && m.number("version", -1) == static_cast<int64_t>(item.version));
    if (!allowed) return stale(item);
    const uint64_t before = item.holder;
    take_out(item);
    open_.erase(place_of(item));
    item.escalated = true;
    item.priority = std::min<uint8_t>(static_cast<uint8_t>(item.priority + 1), 5);
    open_.insert(place_of(item));
    put_back(item, ReviewStepKind::kEscalated, ReviewState::kQueued, by, now);
    const ReviewOutcome outcome = done(item, now);
    draw_for(before, now);
    return outcome;
}

ReviewOutcome ReviewBook::decide(ReviewItem& item, const RecordText& m, const Command& by, Now now) {
    const bool as_supervisor = by.role >= Role::kSupervisor && item.state != ReviewState::kInReview &&
                               m.number("version", -1) == static_cast<int64_t>(item.version);
    if (!holds_it(item, m, by) && !as_supervisor) return stale(item);
    const bool approves = m.text("decision") == "approved";
    const uint64_t before = item.holder;
    take_out(item);
    item.decision_seq = now.seq;
    step(item, approves ? ReviewStepKind::kApproved : ReviewStepKind::kRejected,
         approves ? ReviewState::kApproved : ReviewState::kRejected, by, now);
    over(item, now);
    keep_decision(item, item.history.back(), by);
    if (by.user != 0) {
        Work& work = work_.make(by.user);
        work.last_ns = now.ns;
        ++work.decided;
    }
    const ReviewOutcome outcome = done(item, now);
    draw_for(before, now);
    return outcome;
}

/// A decision of its own: the first stays where it was written.
ReviewOutcome ReviewBook::undo(ReviewItem& item, const RecordText& m, const Command& by, Now now) {
    const auto refused = [&](Result result, std::string why) {
        ReviewOutcome o = stale(item);
        o.result = result;
        o.why = std::move(why);
        return o;
    };
    if (m.number("version", -1) != static_cast<int64_t>(item.version)) return stale(item);
    if (!is_decided(item.state)) return refused(Result::kNotNow, "there is no decision to undo");
    const std::string decider = item.history.back().by;
    if (decider != by.by && by.role < Role::kSupervisor)
        return refused(Result::kNotTheirs,
                       fmt::format("{} decided it; a supervisor may undo it too", decider));
    if (now.ns > item.ended_ns + policy_.undo_ns)
        return refused(Result::kTooLate, "the time to undo it has passed");
    timers_.erase({item.forget_ns, kForget, item.id});
    item.forget_ns = item.ended_ns = 0;
    item.decision_seq = now.seq;
    open_.insert(place_of(item));
    const auto person = people_.find(by.user);
    const bool mine = person != people_.end() && person->second.away_ns != 0 &&
                      person->second.held.size() < policy_.held_max && may_take(person->second, item);
    if (mine) {
        assign(item, person->second, ReviewStepKind::kUndone, by, now);
    } else {
        step(item, ReviewStepKind::kUndone, ReviewState::kReturned, by, now);
        lanes_[lane_of(item)].insert(place_of(item));
    }
    keep_decision(item, item.history.back(), by);
    if (!mine) offer(item, now);
    return done(item, now);
}

// --- decisions on their way to a region -------------------------------------------------------------------

void ReviewBook::keep_decision(const ReviewItem& item, const ReviewStep& s, const Command& by) {
    ReviewDecision d;
    d.seq = s.seq;
    d.at_ns = s.at_ns;
    d.region = item.region;
    d.tenant = item.tenant;
    d.item = item.id;
    d.event_seq = item.event_seq;
    d.alert = item.alert;
    d.action = s.kind;
    d.before = s.before;
    d.after = s.after;
    d.user = by.user;
    d.by = by.by;
    d.reason = by.note;
    d.peer = by.peer;
    d.queue = item.queue;
    d.type = item.type;
    d.subject = item.subject;
    d.source = item.source;
    d.event_id = item.event_id;
    d.created_ns = item.created_ns;
    d.assigned_ns = item.assigned_ns;
    d.claimed_ns = item.claimed_ns;
    to_flush_[d.region].insert(d.seq);
    decisions_.add(d.seq, std::move(d));
}

void ReviewBook::flushed(std::string_view text) {
    const RecordText positions(text);
    bool went_back = false;
    for (size_t region = 0; region < policy_.regions.size(); ++region) {
        if (!positions.find(policy_.regions[region])) continue;
        const auto below = static_cast<Seq>(positions.number(policy_.regions[region]));
        const Flushed* known = flushed_.find(region);
        const Seq before = known ? known->below : 0;
        if (below == before) continue;
        went_back = went_back || below < before;  // restored from a backup
        flushed_.make(region).below = below;
        const auto own = to_flush_.find(region);
        if (own != to_flush_.end()) own->second.erase(own->second.begin(), own->second.lower_bound(below));
    }
    if (went_back) find_to_flush();
    if (decisions_.size() <= kDecisionsKept) return;
    std::vector<uint64_t> gone;
    for (const auto& [seq, d] : decisions_.rows()) {
        if (decisions_.size() - gone.size() <= kDecisionsKept) break;
        if (to_flush_[d.region].contains(seq)) continue;
        gone.push_back(seq);
        flushed_.change(d.region).forgotten_below = seq + 1;
    }
    for (const uint64_t seq : gone) decisions_.erase(seq);
}

void ReviewBook::find_to_flush() {
    to_flush_.clear();
    for (const auto& [seq, d] : decisions_.rows()) {
        const Flushed* known = flushed_.find(d.region);
        if (!known || seq >= known->below) to_flush_[d.region].insert(seq);
    }
}

}  // namespace penstock

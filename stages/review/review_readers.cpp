// What others see of the book.
#include <algorithm>

#include "stages/review/review_book.h"

namespace penstock {
namespace {

bool matches(const ReviewFilter& filter, const ReviewItem& item) {
    if (filter.state && item.state != *filter.state) return false;
    if (filter.open && is_over(item.state)) return false;
    if (filter.escalated && !item.escalated) return false;
    if (filter.holder != 0 && item.holder != filter.holder) return false;
    if (!filter.queue.empty() && item.queue != filter.queue) return false;
    if (!filter.events.empty() &&
        !std::binary_search(filter.events.begin(), filter.events.end(), item.event_seq))
        return false;
    if (item.region >= 64 || !(filter.regions >> item.region & 1)) return false;
    return filter.tenants.empty() ||
           std::find(filter.tenants.begin(), filter.tenants.end(), item.tenant) != filter.tenants.end();
}

}  // namespace

std::optional<ReviewItem> ReviewBook::item(uint64_t id) const {
    std::lock_guard lock(mutex_);
    const ReviewItem* item = items_.find(id);
    if (!item) return std::nullopt;
    std::optional<ReviewItem> found(*item);
    if (is_decided(found->state)) found->undo_until_ns = found->ended_ns + policy_.undo_ns;
    return found;
}

std::vector<ReviewItem> ReviewBook::items(const ReviewFilter& filter, uint64_t after, size_t limit) const {
    std::lock_guard lock(mutex_);
    std::vector<ReviewItem> out;
    const auto take = [&](const ReviewItem& item) {
        if (matches(filter, item)) out.push_back(item);
        return out.size() < limit;
    };
    const ReviewItem* behind = after == 0 ? nullptr : items_.find(after);
    if (filter.holder != 0) {  // few: sorted each time
        const auto person = people_.find(filter.holder);
        if (person == people_.end()) return out;
        std::set<Place> places;
        for (const uint64_t id : person->second.held) places.insert(place_of(items_.at(id)));
        for (auto at = behind ? places.upper_bound(place_of(*behind)) : places.begin(); at != places.end();
             ++at)
            if (!take(items_.at(std::get<2>(*at)))) break;
        return out;
    }
    if (filter.open || (filter.state && !is_over(*filter.state))) {
        for (auto at = behind ? open_.upper_bound(place_of(*behind)) : open_.begin(); at != open_.end(); ++at)
            if (!take(items_.at(std::get<2>(*at)))) break;
        return out;
    }
    // The newest first.
    auto at = after == 0 ? items_.rows().end() : items_.rows().lower_bound(after);
    while (at != items_.rows().begin())
        if (!take((--at)->second)) break;
    return out;
}

ReviewSummary ReviewBook::summary() const {
    std::lock_guard lock(mutex_);
    ReviewSummary s;
    s.by_state = by_state_;
    s.not_kept = not_kept_;
    for (const auto& [region, seqs] : to_flush_) s.decisions_to_flush += seqs.size();
    for (const auto& [lane, places] : lanes_) {
        s.waiting_by_region[lane.region] += places.size();
        const StampNs oldest = items_.at(std::get<2>(*places.begin())).created_ns;
        if (s.oldest_waiting_ns == 0 || oldest < s.oldest_waiting_ns) s.oldest_waiting_ns = oldest;
    }
    for (const auto& [user, person] : people_) {
        ReviewLoad load{
            user, person.facts.name, person.facts.active, static_cast<uint32_t>(person.held.size()), 0, 0};
        for (const uint64_t id : person.held) load.in_review += items_.at(id).state == ReviewState::kInReview;
        if (const Work* work = work_.find(user)) load.decided = work->decided;
        s.operators.push_back(std::move(load));
    }
    return s;
}

ReviewNews ReviewBook::news_of(uint64_t user, Seq after, size_t max) const {
    std::lock_guard lock(mutex_);
    const auto person = people_.find(user);
    if (person == people_.end()) return {};
    ReviewNews news{person->second.given};
    if (news.newest <= after) return news;
    std::vector<std::pair<Seq, uint64_t>> given;
    for (const uint64_t id : person->second.held) {
        const ReviewItem& item = items_.at(id);
        if (item.state == ReviewState::kAssigned && given_at(item) > after)
            given.emplace_back(given_at(item), id);
    }
    std::sort(given.begin(), given.end());
    if (given.size() > max) given.erase(given.begin(), given.end() - static_cast<ptrdiff_t>(max));
    for (const auto& [seq, id] : given) news.items.push_back(items_.at(id));
    return news;
}

Seq ReviewBook::told_to(uint64_t user) const {
    std::lock_guard lock(mutex_);
    const Work* work = work_.find(user);
    return work ? work->told : 0;
}

RegionWork ReviewBook::work_of(uint16_t region) const {
    std::lock_guard lock(mutex_);
    RegionWork work;
    for (const auto& place : open_) work.open_items += items_.at(std::get<2>(place)).region == region;
    if (const auto own = to_flush_.find(region); own != to_flush_.end())
        work.decisions_to_flush = own->second.size();
    return work;
}

std::optional<ReviewOutcome> ReviewBook::outcome(Seq seq) const {
    std::lock_guard lock(mutex_);
    const auto at = std::lower_bound(outcomes_.begin(), outcomes_.end(), seq,
                                     [](const auto& one, Seq wanted) { return one.first < wanted; });
    if (at == outcomes_.end() || at->first != seq) return std::nullopt;
    return at->second;
}

std::vector<ReviewDecision> ReviewBook::decisions(uint16_t region, Seq from, Seq to) const {
    std::lock_guard lock(mutex_);
    std::vector<ReviewDecision> out;
    for (auto at = decisions_.rows().lower_bound(from); at != decisions_.rows().end() && at->first < to; ++at)
        if (at->second.region == region) out.push_back(at->second);
    return out;
}

Seq ReviewBook::decided_to() const {
    std::lock_guard lock(mutex_);
    return decided_to_;
}

uint16_t ReviewBook::region_id(std::string_view name) const {
    std::lock_guard lock(mutex_);
    const auto at = std::find(policy_.regions.begin(), policy_.regions.end(), name);
    return name.empty() || at == policy_.regions.end() ? kRegionNone
                                                       : static_cast<uint16_t>(at - policy_.regions.begin());
}

size_t ReviewBook::decisions_to_flush() const {
    std::lock_guard lock(mutex_);
    size_t n = 0;
    for (const auto& [region, seqs] : to_flush_) n += seqs.size();
    return n;
}

Seq ReviewBook::forgotten_below(uint16_t region) const {
    std::lock_guard lock(mutex_);
    const Flushed* known = flushed_.find(region);
    return known ? known->forgotten_below : 0;
}

}  // namespace penstock

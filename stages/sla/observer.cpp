#include "stages/sla/observer.h"

namespace penstock {

void Observer::boot(StampNs now_ns, StampNs last_stamp_ns, int64_t hold_ns) {
    if (last_stamp_ns == 0) return;
    // A start that follows while the last one still waited waits for those producers too.
    const auto before = producers_;
    for (const auto& [producer, flags] : before) set(producer, kAwaited);
    if (gaps_.size() == kGapsMax) gaps_.erase(gaps_.begin());
    gaps_.push_back({last_stamp_ns, now_ns, 0, awaited_, 0});
    gaps_changed_ = true;
    hold_until_ns_ = now_ns + hold_ns;
    if (awaited_ == 0 || hold_ns == 0) end_hold(now_ns);
}

void Observer::connected(std::string_view producer) {
    const auto it = producers_.find(producer);
    const uint8_t flags = it == producers_.end() ? 0 : it->second;
    set(std::string(producer), flags | kPresent);
}

void Observer::disconnected(std::string_view producer) {
    const auto it = producers_.find(producer);
    if (it != producers_.end()) set(it->first, it->second & kAwaited);
}

void Observer::caught_up(std::string_view producer, StampNs now_ns) {
    const auto it = producers_.find(producer);
    if (it == producers_.end() || (it->second & kAwaited) == 0) return;
    ++gaps_.back().caught_up;
    gaps_changed_ = true;
    set(it->first, it->second & kPresent);
    if (awaited_ == 0) end_hold(now_ns);
}

bool Observer::holds(StampNs now_ns) {
    if (hold_until_ns_ != 0 && now_ns > hold_until_ns_) end_hold(now_ns);
    return hold_until_ns_ != 0;
}

void Observer::end_hold(StampNs now_ns) {
    hold_until_ns_ = 0;
    gaps_.back().judged_ns = now_ns;
    gaps_changed_ = true;
    const auto before = producers_;
    for (const auto& [producer, flags] : before)
        if (flags & kAwaited) set(producer, flags & kPresent);
}

void Observer::set(const std::string& producer, uint8_t flags) {
    const std::string name = producer;  // it may be the key that goes
    const auto it = producers_.find(name);
    const uint8_t before = it == producers_.end() ? 0 : it->second;
    if (before == flags) return;
    if (before & kAwaited) --awaited_;
    if (flags & kAwaited) ++awaited_;
    if (flags == 0)
        producers_.erase(it);
    else
        producers_[name] = flags;
    changed_.insert(name);
}

std::vector<std::string> Observer::awaited() const {
    std::vector<std::string> out;
    for (const auto& [producer, flags] : producers_)
        if (flags & kAwaited) out.push_back(producer);
    return out;
}

void Observer::save(Checkpoint& out) {
    for (const std::string& producer : changed_) {
        RowWriter key, value;
        key.key_u8('S').key_u8(kProducerTable).raw(producer.data(), producer.size());
        const auto it = producers_.find(producer);
        if (it == producers_.end())
            out.erase(key.bytes());
        else
            out.put(key.bytes(), value.value(it->second).bytes());
    }
    changed_.clear();
    if (!gaps_changed_) return;
    gaps_changed_ = false;
    RowWriter key, value;
    value.value(hold_until_ns_).value(static_cast<uint32_t>(gaps_.size()));
    for (const Gap& g : gaps_)
        value.value(g.from_ns).value(g.to_ns).value(g.judged_ns).value(g.awaited).value(g.caught_up);
    out.put(key.key_u8('S').key_u8(kGapsTable).bytes(), value.bytes());
}

void Observer::load_producer(std::string_view producer, uint8_t flags) {
    set(std::string(producer), flags);
    changed_.clear();
}

void Observer::load_gaps(RowReader& value) {
    hold_until_ns_ = value.value<StampNs>();
    gaps_.resize(std::min<size_t>(value.value<uint32_t>(), kGapsMax));
    for (Gap& g : gaps_) {
        g.from_ns = value.value<StampNs>();
        g.to_ns = value.value<StampNs>();
        g.judged_ns = value.value<StampNs>();
        g.awaited = value.value<uint32_t>();
        g.caught_up = value.value<uint32_t>();
    }
}

}  // namespace penstock

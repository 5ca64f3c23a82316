#include "stages/sla/absence.h"

#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

#include "pipeline/civil/business_time.h"
#include "pipeline/segmented_map.h"
#include "pipeline/timer_wheel.h"
#include "stages/sla/watch_rule.h"

namespace penstock {
namespace {

constexpr size_t kWatchedMax = 2'000'000;
/// Of more keys, views look for the oldest only now and then: events wait meanwhile.
constexpr size_t kLookedAtOnce = 50'000;
constexpr int64_t kLookAgainNs = 10'000'000'000;
constexpr StampNs kNone = std::numeric_limits<StampNs>::max();

struct WatchedKey {
    Hash128 key;
    std::string text;
    StampNs last_ns = 0;  ///< own time of the newest event; that of the publication, before any
    Seq last_seq = 0;     ///< of that event; 0: none
    // Of the absence, while there is one: an older event may come meanwhile, and does not end it.
    StampNs deadline_ns = 0;
    Seq anchor_seq = 0;
    TimerId timer = kNoTimer;
    bool absent = false, expected = false, live = false, changed = false;
};

class AbsenceWatcher final : public Watcher {
  public:
    AbsenceWatcher(std::shared_ptr<const AbsenceRule> rule, uint16_t tenant)
        : rule_(std::move(rule)), tenant_(tenant) {}

    const WatchRule& rule() const override { return rule_->watch; }
    void start(StampNs now_ns) override {
        if (!rule_->key) arm(add(rule_->watch.type, true, now_ns, 0));
        for (const std::string& text : rule_->keys) arm(add(text, true, now_ns, 0));
    }
    void on_event(const WatchedEvent& event) override;
    StampNs due_ns() const override { return wheel_.next_look_ns(); }
    void advance(StampNs now_ns, Seq cause_seq) override;
    void end(StampNs now_ns, Seq cause_seq) override;
    RuleView view() const override;
    void save(Rows& rows) override;
    void load(std::span<const uint8_t> key, std::span<const uint8_t> value) override;
    void loaded() override;

  private:
    /// What happens to a key at an instant; in order where several do in one advance.
    struct Turn {
        StampNs at_ns;
        uint32_t slot;
    };

    StampNs deadline_of(StampNs last_ns) const {
        return rule_->hours ? add_business_time(*rule_->hours, last_ns, rule_->every_ns)
                            : saturating_add(last_ns, rule_->every_ns);
    }
    StampNs judged_after(StampNs last_ns) const {
        return saturating_add(deadline_of(last_ns), rule_->grace_ns);
    }
    StampNs forgotten_after(StampNs deadline_ns, StampNs last_ns) const {
        return saturating_add(std::max(deadline_ns, last_ns), rule_->grace_ns + rule_->forget_ns);
    }
    uint32_t add(std::string_view text, bool expected, StampNs last_ns, Seq seq);
    void arm(uint32_t slot);
    void miss(uint32_t slot, StampNs now_ns, Seq cause_seq);
    void forget(uint32_t slot, StampNs now_ns, Seq cause_seq);
    void on_new_key(std::string_view text, const WatchedEvent& event);
    void remove(uint32_t slot);
    void change(uint32_t slot);
    void in_order(std::vector<Turn>& turns) const;
    void look_for_oldest() const;
    void tell(Finding::Kind kind, const WatchedKey& k, Seq cause_seq, StampNs now_ns) const;

    const std::shared_ptr<const AbsenceRule> rule_;
    const uint16_t tenant_;

    std::vector<WatchedKey> slots_;
    std::vector<uint32_t> free_;
    SegmentedMap<uint32_t> index_;  ///< looked up only
    TimerWheel<uint32_t> wheel_;    ///< deadlines of the event that was newest when it was armed, or before
    uint64_t anchored_ = 0, late_ = 0, missed_ = 0, unmatched_ = 0;
    uint64_t in_trouble_ = 0;

    /// For views, no part of the state.
    struct Seen {
        StampNs at_ns = 0;                           ///< when it was looked
        StampNs absent_ns = kNone, last_ns = kNone;  ///< the least
    };
    mutable Seen seen_;
    StampNs now_ns_ = 0;

    bool header_dirty_ = false, ended_ = false;
    std::vector<uint32_t> changed_;  ///< some may have gone
    std::vector<Hash128> gone_;
    std::vector<Turn> missed_now_, forgotten_now_;  ///< while advance runs
    std::string scratch_;
};

uint32_t AbsenceWatcher::add(std::string_view text, bool expected, StampNs last_ns, Seq seq) {
    uint32_t slot;
    if (free_.empty()) {
        slot = static_cast<uint32_t>(slots_.size());
        slots_.emplace_back();
    } else {
        slot = free_.back();
        free_.pop_back();
    }
    WatchedKey& k = slots_[slot];
    k.key = hash_key(text, tenant_);
    k.text = text;
    k.last_ns = last_ns;
    k.last_seq = seq;
    k.expected = expected;
    k.live = true;
    index_.insert(k.key, slot);
    ++anchored_;
    change(slot);
    return slot;
}

/// Each key has a timer, but for what is expected and absent: nothing but an event ends that.
void AbsenceWatcher::arm(uint32_t slot) {
    WatchedKey& k = slots_[slot];
    if (k.timer != kNoTimer) wheel_.cancel(k.timer);
    k.timer = kNoTimer;
    if (!k.absent)
        k.timer = wheel_.arm(judged_after(k.last_ns), slot);
    else if (!k.expected)
        k.timer = wheel_.arm(forgotten_after(k.deadline_ns, k.last_ns), slot);
}

void AbsenceWatcher::remove(uint32_t slot) {
    WatchedKey& k = slots_[slot];
    header_dirty_ = true;
    gone_.push_back(k.key);
    index_.erase(k.key);
    k = WatchedKey{};
    free_.push_back(slot);
}

void AbsenceWatcher::change(uint32_t slot) {
    header_dirty_ = true;
    if (std::exchange(slots_[slot].changed, true)) return;
    changed_.push_back(slot);
}

void AbsenceWatcher::on_event(const WatchedEvent& event) {
    const std::string_view text =
        rule_->key ? select_text(*rule_->key, event.event, scratch_) : std::string_view(rule_->watch.type);
    const uint32_t* found = text.empty() ? nullptr : index_.find(hash_key(text, tenant_));
    const StampNs time_ns = event.head.time_ns;
    if (!found) return on_new_key(text, event);
    WatchedKey& k = slots_[*found];
    now_ns_ = std::max(now_ns_, event.now_ns);
    if (time_ns <= k.last_ns) return;
    k.last_ns = time_ns;
    k.last_seq = event.seq;
    change(*found);
    if (!k.absent || judged_after(time_ns) < event.now_ns) return;
    tell(Finding::Kind::kRecovered, k, event.seq, event.now_ns);
    k.absent = false;
    --in_trouble_, --missed_, ++late_, ++anchored_;
    arm(*found);
}

/// What is overdue on arrival is judged at once: nothing is ever armed in the past, where the wheel would
/// fire it at an advance that a restart moves.
void AbsenceWatcher::on_new_key(std::string_view text, const WatchedEvent& event) {
    const StampNs time_ns = event.head.time_ns;
    const bool forgotten = forgotten_after(deadline_of(time_ns), time_ns) < event.now_ns;
    if (text.empty() || forgotten || index_.size() >= kWatchedMax) {
        ++unmatched_;
        header_dirty_ = true;
        return;
    }
    const uint32_t slot = add(text, false, time_ns, event.seq);
    if (judged_after(time_ns) < event.now_ns)
        miss(slot, event.now_ns, event.seq);
    else
        arm(slot);
}

void AbsenceWatcher::advance(StampNs now_ns, Seq cause_seq) {
    now_ns_ = std::max(now_ns_, now_ns);
    missed_now_.clear(), forgotten_now_.clear();
    wheel_.advance(now_ns, [&](const auto& due) {
        WatchedKey& k = slots_[due.payload];
        k.timer = kNoTimer;
        const StampNs after_ns =
            k.absent ? forgotten_after(k.deadline_ns, k.last_ns) : judged_after(k.last_ns);
        if (after_ns >= now_ns)
            k.timer = wheel_.arm(after_ns, due.payload);
        else if (k.absent)
            forgotten_now_.push_back({k.deadline_ns, due.payload});
        else
            missed_now_.push_back({deadline_of(k.last_ns), due.payload});
    });
    in_order(missed_now_);
    for (const Turn& turn : missed_now_) miss(turn.slot, now_ns, cause_seq);
    in_order(forgotten_now_);
    for (const Turn& turn : forgotten_now_) forget(turn.slot, now_ns, cause_seq);
}

void AbsenceWatcher::miss(uint32_t slot, StampNs now_ns, Seq cause_seq) {
    WatchedKey& k = slots_[slot];
    k.absent = true;
    k.deadline_ns = deadline_of(k.last_ns);
    k.anchor_seq = k.last_seq;
    ++in_trouble_, ++missed_;
    change(slot);
    tell(Finding::Kind::kMissed, k, cause_seq, now_ns);
    if (!k.expected && forgotten_after(k.deadline_ns, k.last_ns) < now_ns)
        forget(slot, now_ns, cause_seq);
    else
        arm(slot);
}

void AbsenceWatcher::forget(uint32_t slot, StampNs now_ns, Seq cause_seq) {
    tell(Finding::Kind::kWithdrawn, slots_[slot], cause_seq, now_ns);
    --in_trouble_;
    remove(slot);
}

/// Not that of the wheel, which knows when a timer was armed, and not that of slots: both depend on restarts.
void AbsenceWatcher::in_order(std::vector<Turn>& turns) const {
    std::sort(turns.begin(), turns.end(), [this](const Turn& a, const Turn& b) {
        return std::tie(a.at_ns, slots_[a.slot].text) < std::tie(b.at_ns, slots_[b.slot].text);
    });
}

void AbsenceWatcher::end(StampNs now_ns, Seq cause_seq) {
    std::vector<Turn> absent;
    for (uint32_t slot = 0; slot < slots_.size(); ++slot)
        if (slots_[slot].absent) absent.push_back({slots_[slot].deadline_ns, slot});
    in_order(absent);
    for (const Turn& turn : absent) tell(Finding::Kind::kWithdrawn, slots_[turn.slot], cause_seq, now_ns);
    for (uint32_t slot = 0; slot < slots_.size(); ++slot) {
        if (!slots_[slot].live) continue;
        if (slots_[slot].timer != kNoTimer) wheel_.cancel(slots_[slot].timer);
        remove(slot);
    }
    in_trouble_ = 0;
    ended_ = true;
}

void AbsenceWatcher::tell(Finding::Kind kind, const WatchedKey& k, Seq cause_seq, StampNs now_ns) const {
    if (!on_trouble) return;
    on_trouble(
        {kind, k.key, k.text, {}, k.anchor_seq, cause_seq, k.deadline_ns, std::max(k.deadline_ns, now_ns)});
}

RuleView AbsenceWatcher::view() const {
    RuleView v = view_of_rule(rule_->watch);
    v.within_ms = rule_->every_ns / 1'000'000;
    v.counts.anchored = anchored_;
    v.counts.late = late_;
    v.counts.missed = missed_;
    v.counts.pending = index_.size() - in_trouble_;
    v.counts.in_trouble = in_trouble_;
    v.unmatched = unmatched_;
    look_for_oldest();
    if (in_trouble_ > 0 && seen_.absent_ns != kNone) v.oldest_trouble_ns = seen_.absent_ns;
    if (seen_.last_ns != kNone)
        v.next_due_ns = deadline_of(seen_.last_ns);  // of the oldest, for deadlines keep the order
    set_health(v);
    return v;
}

void AbsenceWatcher::look_for_oldest() const {
    if (slots_.size() > kLookedAtOnce && now_ns_ - seen_.at_ns < kLookAgainNs) return;
    seen_ = {.at_ns = now_ns_};
    for (const WatchedKey& k : slots_) {
        if (k.absent) seen_.absent_ns = std::min(seen_.absent_ns, k.deadline_ns);
        if (k.live && !k.absent) seen_.last_ns = std::min(seen_.last_ns, k.last_ns);
    }
}

// --- state ------------------------------------------------------------------------------------------------
// Rows:  0       what has been counted
//        1 key   a key that is watched

void AbsenceWatcher::save(Rows& rows) {
    RowWriter key, value;
    const auto key_row = [&](const Hash128& of) {
        key.clear(), value.clear();
        return key.key_u8(1).value(of).bytes();
    };
    if (ended_) {
        rows.erase(key.key_u8(0).bytes());
    } else if (std::exchange(header_dirty_, false)) {
        key.key_u8(0);
        for (const uint64_t n : {anchored_, late_, missed_, unmatched_}) value.value(n);
        rows.put(key.bytes(), value.bytes());
    }
    for (const Hash128& gone : std::exchange(gone_, {})) rows.erase(key_row(gone));
    for (const uint32_t slot : std::exchange(changed_, {})) {
        WatchedKey& k = slots_[slot];
        if (!std::exchange(k.changed, false)) continue;  // it has gone, or was here twice
        const auto at = key_row(k.key);
        value.value(k.last_ns).value(k.last_seq).value(k.deadline_ns).value(k.anchor_seq);
        value.value(k.absent).value(k.expected).text(k.text);
        rows.put(at, value.bytes());
    }
}

void AbsenceWatcher::load(std::span<const uint8_t> key_bytes, std::span<const uint8_t> value_bytes) {
    RowReader key(key_bytes), value(value_bytes);
    if (key.key_u8() == 0) {
        for (uint64_t* n : {&anchored_, &late_, &missed_, &unmatched_}) *n = value.value<uint64_t>();
        return;
    }
    WatchedKey k;
    k.key = key.value<Hash128>();
    k.last_ns = value.value<StampNs>();
    k.last_seq = value.value<Seq>();
    k.deadline_ns = value.value<StampNs>();
    k.anchor_seq = value.value<Seq>();
    k.absent = value.value<bool>();
    k.expected = value.value<bool>();
    k.text = value.text();
    k.live = true;
    index_.insert(k.key, static_cast<uint32_t>(slots_.size()));
    in_trouble_ += k.absent;
    slots_.push_back(std::move(k));
}

void AbsenceWatcher::loaded() {
    for (uint32_t slot = 0; slot < slots_.size(); ++slot) arm(slot);
}

}  // namespace

std::unique_ptr<Watcher> make_absence(std::shared_ptr<const AbsenceRule> rule, uint16_t tenant) {
    return std::make_unique<AbsenceWatcher>(std::move(rule), tenant);
}

}  // namespace penstock

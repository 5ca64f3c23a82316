#include "stages/sla/volume.h"

#include <absl/container/flat_hash_map.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "pipeline/timer_wheel.h"
#include "stages/sla/tumbling.h"
#include "stages/sla/watch_rule.h"

namespace penstock {
namespace {

constexpr StampNs kNever = TimerWheel<int>::kNever;
constexpr size_t kGroupsMax = 10'000;
constexpr std::string_view kOther = "other";
/// Clocks of producers may be ahead so far, or a window.
constexpr int64_t kAheadNs = 60 * kSecondNs;

struct VolumeGroup {
    std::string text;
    StampNs first_ns = 0;           ///< begin of the first window that it is judged by
    StampNs deadline_ns = 0;        ///< of its trouble: the end of the window; 0: none
    std::vector<uint64_t> history;  ///< of the windows that the baseline is made of, oldest first
    bool changed = false;
};

class VolumeWatcher final : public Watcher {
  public:
    VolumeWatcher(std::shared_ptr<const VolumeRule> rule, uint16_t tenant)
        : rule_(std::move(rule)), tenant_(tenant), windows_(rule_->window_ns, rule_->zone) {}

    const WatchRule& rule() const override { return rule_->watch; }
    void start(StampNs now_ns) override;
    void on_event(const WatchedEvent& event) override;
    StampNs due_ns() const override {
        return groups_.empty() || is_steady() ? kNever : saturating_add(current_.end_ns, rule_->lateness_ns);
    }
    void advance(StampNs now_ns, Seq cause_seq) override;
    void end(StampNs now_ns, Seq cause_seq) override;
    RuleView view() const override;
    void save(Rows& rows) override;
    void load(std::span<const uint8_t> key, std::span<const uint8_t> value) override;

  private:
    using Counts = std::vector<uint64_t>;  ///< by group; it may be shorter than those

    bool by_baseline() const { return rule_->drop > 0 || rule_->spike > 0; }
    /// One more window without events would be found as the one before: nobody needs to wait for it.
    bool is_steady() const {
        return counts_.empty() && quiet_ > (by_baseline() ? rule_->baseline_windows : 0);
    }
    void judge(StampNs now_ns, Seq cause_seq);
    bool in_bounds(const VolumeGroup& group, uint64_t count);
    /// Adds it where there is room.
    uint32_t group_of(const std::string& text, StampNs window_ns);
    /// "market=XNYS, region=us"; false: the event has not all that it takes.
    bool group_text(const fb::Event& event);
    void change(uint32_t group);
    void tell(Finding::Kind kind, const VolumeGroup& group, Seq cause_seq, StampNs now_ns) const;

    const std::shared_ptr<const VolumeRule> rule_;
    const uint16_t tenant_;
    const Tumbling windows_;

    TimeWindow current_;                ///< the first that is not judged yet
    std::map<StampNs, Counts> counts_;  ///< from current_ on, those with events, by their begin
    std::vector<VolumeGroup> groups_;   ///< in the order in which they came
    absl::flat_hash_map<std::string, uint32_t> numbers_;  ///< looked up only
    uint64_t quiet_ = 0;                                  ///< windows without events before current_
    uint64_t judged_ = 0, met_ = 0, missed_ = 0, unmatched_ = 0, in_trouble_ = 0;

    bool header_dirty_ = false, ended_ = false;
    uint32_t gone_groups_ = 0;  ///< from the first
    std::vector<uint32_t> changed_groups_;
    std::set<StampNs> changed_windows_, gone_windows_;
    std::string text_, scratch_;
    std::vector<uint64_t> sorted_;  ///< while a baseline is computed
};

void VolumeWatcher::start(StampNs now_ns) {
    current_ = windows_.at(now_ns);
    if (current_.begin_ns < now_ns) current_ = windows_.at(current_.end_ns);  // the first that is seen whole
    header_dirty_ = true;
    if (rule_->by.empty()) group_of(rule_->watch.type, current_.begin_ns);
}

// --- events -----------------------------------------------------------------------------------------------

void VolumeWatcher::on_event(const WatchedEvent& event) {
    advance(event.now_ns, event.seq);  // windows that nobody waited for
    header_dirty_ = true;
    const StampNs time_ns = event.head.time_ns;
    const StampNs ahead_ns = saturating_add(event.now_ns, std::max(rule_->window_ns, kAheadNs));
    if (time_ns < current_.begin_ns || time_ns > ahead_ns || !group_text(event.event)) {
        ++unmatched_;
        return;
    }
    const StampNs begin_ns = time_ns < current_.end_ns ? current_.begin_ns : windows_.at(time_ns).begin_ns;
    const uint32_t group = group_of(text_, begin_ns);
    if (begin_ns < groups_[group].first_ns) {
        groups_[group].first_ns = begin_ns;
        change(group);
    }
    Counts& counts = counts_[begin_ns];
    if (counts.size() <= group) counts.resize(group + 1);
    ++counts[group];
    changed_windows_.insert(begin_ns);
}

bool VolumeWatcher::group_text(const fb::Event& event) {
    text_.clear();
    if (rule_->by.empty()) text_ = rule_->watch.type;
    for (const VolumeRule::By& by : rule_->by) {
        const std::string_view value = select_text(by.selector, event, scratch_);
        if (value.empty()) return false;
        if (!text_.empty()) text_ += ", ";
        text_.append(by.name).append(1, '=').append(value);
    }
    return true;
}

uint32_t VolumeWatcher::group_of(const std::string& text, StampNs window_ns) {
    auto it = numbers_.find(text);
    if (it == numbers_.end() && groups_.size() >= kGroupsMax && text != kOther)
        return group_of(std::string(kOther), window_ns);
    if (it != numbers_.end()) return it->second;
    const auto number = static_cast<uint32_t>(groups_.size());
    numbers_.emplace(text, number);
    groups_.push_back({.text = text, .first_ns = window_ns, .history = {}});
    change(number);
    return number;
}

void VolumeWatcher::change(uint32_t group) {
    if (!std::exchange(groups_[group].changed, true)) changed_groups_.push_back(group);
}

// --- time -------------------------------------------------------------------------------------------------

void VolumeWatcher::advance(StampNs now_ns, Seq cause_seq) {
    while (now_ns > saturating_add(current_.end_ns, rule_->lateness_ns)) {
        header_dirty_ = true;
        if (groups_.empty()) {
            current_ = windows_.at(now_ns - rule_->lateness_ns - 1);
            return;
        }
        if (is_steady()) {
            judged_ += groups_.size();
            missed_ += in_trouble_;
            met_ += groups_.size() - in_trouble_;
        } else {
            judge(now_ns, cause_seq);
        }
        current_ = windows_.at(current_.end_ns);
    }
}

void VolumeWatcher::judge(StampNs now_ns, Seq cause_seq) {
    const auto counted = counts_.find(current_.begin_ns);
    quiet_ = counted == counts_.end() ? quiet_ + 1 : 0;
    for (uint32_t number = 0; number < groups_.size(); ++number) {
        VolumeGroup& group = groups_[number];
        if (group.first_ns > current_.begin_ns) continue;
        const uint64_t count =
            counted != counts_.end() && number < counted->second.size() ? counted->second[number] : 0;
        const bool fine = in_bounds(group, count), was_fine = group.deadline_ns == 0;
        if (by_baseline()) {
            if (group.history.size() == rule_->baseline_windows) group.history.erase(group.history.begin());
            group.history.push_back(count);
            change(number);
        }
        ++judged_;
        ++(fine ? met_ : missed_);
        if (fine == was_fine) continue;
        change(number);
        if (fine) {
            tell(Finding::Kind::kRecovered, group, cause_seq, now_ns);
            group.deadline_ns = 0;
            --in_trouble_;
        } else {
            group.deadline_ns = current_.end_ns;
            ++in_trouble_;
            tell(Finding::Kind::kOutOfRange, group, cause_seq, now_ns);
        }
    }
    if (counted == counts_.end()) return;
    changed_windows_.erase(current_.begin_ns);
    gone_windows_.insert(current_.begin_ns);
    counts_.erase(counted);
}

bool VolumeWatcher::in_bounds(const VolumeGroup& group, uint64_t count) {
    if (rule_->min && count < *rule_->min) return false;
    if (rule_->max && count > *rule_->max) return false;
    if (!by_baseline() || group.history.size() < rule_->baseline_windows) return true;
    sorted_ = group.history;
    std::sort(sorted_.begin(), sorted_.end());
    const size_t half = sorted_.size() / 2;
    const auto upper = static_cast<double>(sorted_[half]);
    const double median =
        sorted_.size() % 2 == 1 ? upper : (static_cast<double>(sorted_[half - 1]) + upper) / 2;
    if (median == 0) return true;  // every share of nothing is nothing
    const auto n = static_cast<double>(count);
    return (rule_->drop == 0 || n >= rule_->drop * median) &&
           (rule_->spike == 0 || n <= rule_->spike * median);
}

void VolumeWatcher::end(StampNs now_ns, Seq cause_seq) {
    for (const VolumeGroup& group : groups_)
        if (group.deadline_ns != 0) tell(Finding::Kind::kWithdrawn, group, cause_seq, now_ns);
    for (const auto& [begin_ns, counts] : counts_) gone_windows_.insert(begin_ns);
    gone_groups_ = static_cast<uint32_t>(groups_.size());
    ended_ = true;
    groups_.clear(), numbers_.clear(), counts_.clear();
    changed_groups_.clear(), changed_windows_.clear();
    in_trouble_ = 0;
}

void VolumeWatcher::tell(Finding::Kind kind, const VolumeGroup& group, Seq cause_seq, StampNs now_ns) const {
    if (!on_trouble) return;
    const std::string_view alert_group = rule_->by.empty() ? std::string_view() : group.text;
    on_trouble({kind, hash_key(group.text, tenant_), group.text, alert_group, 0, cause_seq, group.deadline_ns,
                std::max(group.deadline_ns, now_ns)});
}

RuleView VolumeWatcher::view() const {
    RuleView v = view_of_rule(rule_->watch);
    v.within_ms = rule_->window_ns / 1'000'000;
    v.counts.anchored = judged_;
    v.counts.met = met_;
    v.counts.missed = missed_;
    v.counts.in_trouble = in_trouble_;
    v.unmatched = unmatched_;
    if (due_ns() != kNever) v.next_due_ns = current_.end_ns;
    for (const VolumeGroup& group : groups_)
        if (group.deadline_ns != 0 && (v.oldest_trouble_ns == 0 || group.deadline_ns < v.oldest_trouble_ns))
            v.oldest_trouble_ns = group.deadline_ns;
    set_health(v);
    return v;
}

// --- state ------------------------------------------------------------------------------------------------
// Rows:  0         what has been counted, and the window that is judged next
//        1 number  a group
//        2 begin   the counts of a window: of each group with events, its number and how many

void VolumeWatcher::save(Rows& rows) {
    RowWriter key, value;
    const auto at = [&](uint8_t table) -> RowWriter& {
        key.clear(), value.clear();
        return key.key_u8(table);
    };
    const auto at_window = [&](StampNs begin_ns) {
        return at(2).key_u64(static_cast<uint64_t>(begin_ns) ^ (uint64_t{1} << 63)).bytes();
    };
    for (uint32_t number = 0; number < gone_groups_; ++number) rows.erase(at(1).key_u32(number).bytes());
    gone_groups_ = 0;
    if (ended_) {
        rows.erase(at(0).bytes());
    } else if (std::exchange(header_dirty_, false)) {
        at(0);
        for (const uint64_t n : {quiet_, judged_, met_, missed_, unmatched_}) value.value(n);
        value.value(current_.begin_ns).value(current_.end_ns);
        rows.put(key.bytes(), value.bytes());
    }
    for (const uint32_t number : std::exchange(changed_groups_, {})) {
        VolumeGroup& group = groups_[number];
        group.changed = false;
        at(1).key_u32(number);
        value.text(group.text).value(group.first_ns).value(group.deadline_ns);
        for (const uint64_t count : group.history) value.value(count);
        rows.put(key.bytes(), value.bytes());
    }
    for (const StampNs begin_ns : std::exchange(gone_windows_, {})) rows.erase(at_window(begin_ns));
    for (const StampNs begin_ns : std::exchange(changed_windows_, {})) {
        at_window(begin_ns);
        const Counts& counts = counts_.at(begin_ns);
        for (uint32_t number = 0; number < counts.size(); ++number)
            if (counts[number] > 0) value.value(number).value(counts[number]);
        rows.put(key.bytes(), value.bytes());
    }
}

void VolumeWatcher::load(std::span<const uint8_t> key_bytes, std::span<const uint8_t> value_bytes) {
    RowReader key(key_bytes), value(value_bytes);
    switch (key.key_u8()) {
        case 0:
            for (uint64_t* n : {&quiet_, &judged_, &met_, &missed_, &unmatched_})
                *n = value.value<uint64_t>();
            current_.begin_ns = value.value<StampNs>();
            current_.end_ns = value.value<StampNs>();
            return;
        case 1: {
            VolumeGroup group;
            group.text = value.text();
            group.first_ns = value.value<StampNs>();
            group.deadline_ns = value.value<StampNs>();
            while (!value.at_end()) group.history.push_back(value.value<uint64_t>());
            in_trouble_ += group.deadline_ns != 0;
            numbers_.emplace(group.text, static_cast<uint32_t>(groups_.size()));
            groups_.push_back(std::move(group));
            return;
        }
        default: {
            Counts& counts = counts_[static_cast<StampNs>(key.key_u64() ^ (uint64_t{1} << 63))];
            while (!value.at_end()) {
                const auto number = value.value<uint32_t>();
                if (counts.size() <= number) counts.resize(number + 1);
                counts[number] = value.value<uint64_t>();
            }
            return;
        }
    }
}

}  // namespace

std::unique_ptr<Watcher> make_volume(std::shared_ptr<const VolumeRule> rule, uint16_t tenant) {
    return std::make_unique<VolumeWatcher>(std::move(rule), tenant);
}

}  // namespace penstock

#include "stages/sla/expected_arrival.h"

#include <absl/container/flat_hash_map.h>
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <utility>

#include "pipeline/timer_wheel.h"
#include "stages/sla/watch_rule.h"

namespace penstock {
namespace {

constexpr StampNs kNever = TimerWheel<int>::kNever;
/// How far ahead an event may name a date.
constexpr int64_t kDatesAheadNs = 366 * kDayNs;
constexpr size_t kOpenMax = 100'000;
constexpr int64_t kSearchNsMax = 12LL * 366 * kDayNs;

enum class Phase : uint8_t { kPending, kMissed, kMet, kLate };
bool is_unmet(Phase phase) { return phase == Phase::kPending || phase == Phase::kMissed; }

/// Days since 1970 and the number on the day.
struct OccurrenceId {
    int32_t day = std::numeric_limits<int32_t>::min();
    int32_t n = 0;
    friend auto operator<=>(const OccurrenceId&, const OccurrenceId&) = default;
};
OccurrenceId id_of(const Occurrence& o) { return {static_cast<int32_t>(o.date - Date(1970, 1, 1)), o.n}; }

struct OpenOccurrence {
    StampNs due_ns = 0;
    StampNs opens_ns = 0, closes_ns = 0;  ///< of the window, both inclusive
    StampNs ends_ns = 0;                  ///< after it, and once it is judged, the occurrence goes
    bool at_risk = false, judged = false;
    uint32_t pending = 0, missed = 0;
    std::vector<Phase> phases;  ///< by key
};

class ExpectedWatcher final : public Watcher {
  public:
    ExpectedWatcher(std::shared_ptr<const ExpectedRule> rule, uint16_t tenant)
        : rule_(std::move(rule)), tenant_(tenant) {
        for (uint32_t i = 0; i < rule_->keys.size(); ++i) key_numbers_.emplace(rule_->keys[i], i);
    }

    const WatchRule& rule() const override { return rule_->watch; }
    void start(StampNs now_ns) override {
        started_ns_ = now_ns;
        sighted_.due_ns = now_ns;
        find_next();
        advance(now_ns, 0);
    }
    void on_event(const WatchedEvent& event) override;
    StampNs due_ns() const override { return next_ns_; }
    void advance(StampNs now_ns, Seq cause_seq) override;
    void end(StampNs now_ns, Seq cause_seq) override;
    RuleView view() const override;
    void save(Rows& rows) override;
    void load(std::span<const uint8_t> key, std::span<const uint8_t> value) override;
    void loaded() override { find_next(); }

  private:
    using Occurrences = std::map<OccurrenceId, OpenOccurrence>;
    /// Up to where occurrences have come in sight; after it `due_ns` is what the schedule is asked for.
    struct Sighted {
        StampNs due_ns = 0;
        StampNs opens_ns =
            std::numeric_limits<StampNs>::min();  ///< once this has passed, the next is looked for
        OccurrenceId id;
    };

    size_t key_count() const { return std::max<size_t>(rule_->keys.size(), 1); }
    StampNs judged_after(StampNs due_ns) const { return saturating_add(due_ns, rule_->grace_ns); }
    StampNs risky_after(const OpenOccurrence& o) const {
        return rule_->amber_ns > 0 ? saturating_add(o.due_ns, -rule_->amber_ns) : kNever;
    }
    std::optional<StampNs> due_before(StampNs due_ns) const;
    /// `before_ns`: when the one before was due.
    void open(const Occurrence& occurrence, std::optional<StampNs> before_ns);
    void sight_next();
    void find_next();
    /// The next thing that happens to it.
    StampNs next_of(const OpenOccurrence& o) const;
    void judge(Occurrences::iterator it, StampNs now_ns, Seq cause_seq);
    void close(Occurrences::iterator it, StampNs now_ns, Seq cause_seq);
    /// The occurrence that an event is of; the end: of none, or a repeat, both counted.
    Occurrences::iterator match(const WatchedEvent& event, uint32_t key);
    Occurrences::iterator match_date(const WatchedEvent& event, uint32_t key);
    void open_date(Date date, StampNs now_ns);
    void tell(Finding::Kind kind, const OccurrenceId& id, const OpenOccurrence& o, uint32_t key,
              Seq cause_seq, StampNs now_ns) const;

    const std::shared_ptr<const ExpectedRule> rule_;
    const uint16_t tenant_;
    absl::flat_hash_map<std::string_view, uint32_t> key_numbers_;  ///< looked up only

    StampNs started_ns_ = 0;
    Sighted sighted_;
    Occurrences open_;
    uint64_t anchored_ = 0, met_ = 0, late_ = 0, missed_ = 0, duplicates_ = 0, unmatched_ = 0;

    StampNs next_ns_ = kNever;  ///< something happens once now is after it
    bool header_dirty_ = false, ended_ = false;
    std::set<OccurrenceId> changed_, gone_;
    std::string scratch_;
};

// --- time -------------------------------------------------------------------------------------------------

void ExpectedWatcher::advance(StampNs now_ns, Seq cause_seq) {
    // Step by step: after a long silence each is judged in its turn, and few are open at a time.
    while (now_ns > next_ns_) {
        const StampNs at_ns = next_ns_;
        if (sighted_.opens_ns <= at_ns) {
            sight_next();
        } else {
            for (auto it = open_.begin(); it != open_.end();) {
                const auto next = std::next(it);
                if (next_of(it->second) <= at_ns) {
                    if (it->second.judged)
                        close(it, now_ns, cause_seq);
                    else if (risky_after(it->second) <= at_ns && !it->second.at_risk)
                        it->second.at_risk = true, changed_.insert(it->first);
                    else
                        judge(it, now_ns, cause_seq);
                }
                it = next;
            }
        }
        find_next();
    }
}

void ExpectedWatcher::find_next() {
    next_ns_ = sighted_.opens_ns;
    for (const auto& [id, o] : open_) next_ns_ = std::min(next_ns_, next_of(o));
}

StampNs ExpectedWatcher::next_of(const OpenOccurrence& o) const {
    if (o.judged) return o.ends_ns;
    return std::min(judged_after(o.due_ns), o.at_risk ? kNever : risky_after(o));
}

void ExpectedWatcher::sight_next() {
    header_dirty_ = true;
    const std::optional<Occurrence> next = rule_->due->next(sighted_.due_ns);
    if (!next) {
        sighted_.opens_ns = kNever;
        return;
    }
    const OccurrenceId id = id_of(*next);
    const bool first = sighted_.id == OccurrenceId{};
    const StampNs before_ns = std::exchange(sighted_.due_ns, next->due_ns);
    if (id <= sighted_.id) return;  // new zone data moved it: it has been there already
    sighted_.id = id;
    if (!open_.contains(id)) open(*next, first ? due_before(next->due_ns) : before_ns);
    sighted_.opens_ns = open_.at(id).opens_ns;
}

/// The last occurrence before one that is due at `due_ns`.
std::optional<StampNs> ExpectedWatcher::due_before(StampNs due_ns) const {
    for (int64_t span_ns = 60 * kSecondNs; span_ns < 2 * kSearchNsMax; span_ns *= 2) {
        std::optional<StampNs> last;
        for (auto o = rule_->due->next(saturating_add(due_ns, -span_ns)); o && o->due_ns < due_ns;
             o = rule_->due->next(o->due_ns))
            last = o->due_ns;
        if (last) return last;
    }
    return std::nullopt;
}

void ExpectedWatcher::open(const Occurrence& occurrence, std::optional<StampNs> before_ns) {
    const StampNs due_ns = occurrence.due_ns;
    const auto& early_ns = rule_->open_ns;
    const auto& horizon_ns = rule_->late_horizon_ns;
    OpenOccurrence o;
    o.due_ns = due_ns;
    if (early_ns) {
        o.opens_ns = saturating_add(due_ns, -*early_ns);
    } else if (before_ns) {
        // Where the window before ends. Halfway, where nothing says when that is: an event belongs to the due
        // time that is nearer, or one that never came would take the events of all that follow.
        const StampNs ended_ns =
            horizon_ns ? saturating_add(*before_ns, *horizon_ns) : *before_ns + (due_ns - *before_ns) / 2;
        o.opens_ns = std::min(due_ns, saturating_add(ended_ns, 1));
    } else {
        o.opens_ns = std::min(due_ns, started_ns_);
    }
    if (horizon_ns) {
        o.ends_ns = o.closes_ns = saturating_add(due_ns, *horizon_ns);
    } else if (const auto after = rule_->due->next(due_ns)) {
        o.closes_ns = early_ns ? std::max(due_ns, saturating_add(after->due_ns, -*early_ns - 1))
                               : due_ns + (after->due_ns - due_ns) / 2;
        o.ends_ns = judged_after(after->due_ns);  // else nobody would see what is missing for long
    } else {
        o.ends_ns = o.closes_ns = kNever;
    }
    o.phases.assign(key_count(), Phase::kPending);
    o.pending = static_cast<uint32_t>(key_count());
    anchored_ += key_count();
    const OccurrenceId id = id_of(occurrence);
    open_.emplace(id, std::move(o));
    changed_.insert(id);
    header_dirty_ = true;
}

void ExpectedWatcher::judge(Occurrences::iterator it, StampNs now_ns, Seq cause_seq) {
    auto& [id, o] = *it;
    o.judged = true;
    changed_.insert(id);
    if (o.pending == 0) return;
    header_dirty_ = true;
    for (uint32_t key = 0; key < o.phases.size(); ++key) {
        if (o.phases[key] != Phase::kPending) continue;
        o.phases[key] = Phase::kMissed;
        --o.pending, ++o.missed, ++missed_;
        tell(Finding::Kind::kMissed, id, o, key, cause_seq, now_ns);
    }
}

void ExpectedWatcher::close(Occurrences::iterator it, StampNs now_ns, Seq cause_seq) {
    const auto& [id, o] = *it;
    for (uint32_t key = 0; key < o.phases.size(); ++key)
        if (o.phases[key] == Phase::kMissed) tell(Finding::Kind::kWithdrawn, id, o, key, cause_seq, now_ns);
    changed_.erase(id);
    gone_.insert(id);
    open_.erase(it);
}

void ExpectedWatcher::end(StampNs now_ns, Seq cause_seq) {
    while (!open_.empty()) close(open_.begin(), now_ns, cause_seq);
    sighted_.opens_ns = next_ns_ = kNever;
    ended_ = true;
}

// --- events -----------------------------------------------------------------------------------------------

void ExpectedWatcher::on_event(const WatchedEvent& event) {
    uint32_t key = 0;
    if (!rule_->keys.empty()) {
        const auto number = key_numbers_.find(select_text(rule_->key, event.event, scratch_));
        if (number == key_numbers_.end()) {
            ++unmatched_;
            header_dirty_ = true;
            return;
        }
        key = number->second;
    }
    const auto it = rule_->date ? match_date(event, key) : match(event, key);
    header_dirty_ = true;
    if (it == open_.end()) return;
    auto& [id, o] = *it;
    changed_.insert(id);
    const bool in_time = event.head.time_ns <= o.due_ns;
    if (o.phases[key] == Phase::kMissed) {
        --o.missed, --missed_;
        tell(in_time ? Finding::Kind::kDeliveredLate : Finding::Kind::kLate, id, o, key, event.seq,
             event.now_ns);
    } else {
        --o.pending;
    }
    o.phases[key] = in_time ? Phase::kMet : Phase::kLate;
    ++(in_time ? met_ : late_);
}

ExpectedWatcher::Occurrences::iterator ExpectedWatcher::match(const WatchedEvent& event, uint32_t key) {
    const StampNs time_ns = event.head.time_ns;
    bool any = false;
    for (auto it = open_.begin(); it != open_.end(); ++it) {
        const OpenOccurrence& o = it->second;
        if (time_ns < o.opens_ns || time_ns > o.closes_ns) continue;
        if (is_unmet(o.phases[key])) return it;
        any = true;
    }
    ++(any ? duplicates_ : unmatched_);
    return open_.end();
}

ExpectedWatcher::Occurrences::iterator ExpectedWatcher::match_date(const WatchedEvent& event, uint32_t key) {
    const auto date = parse_date(select_text(*rule_->date, event.event, scratch_));
    if (!date) {
        ++unmatched_;
        return open_.end();
    }
    const auto day = static_cast<int32_t>(*date - Date(1970, 1, 1));
    bool any = false;
    const auto unmet = [&] {
        for (auto it = open_.lower_bound({day, 0}); it != open_.end() && it->first.day == day; ++it) {
            if (is_unmet(it->second.phases[key])) return it;
            any = true;
        }
        return open_.end();
    };
    auto found = unmet();
    if (found == open_.end() && day >= sighted_.id.day) {
        open_date(*date, event.now_ns);
        found = unmet();
    }
    if (found == open_.end()) ++(any ? duplicates_ : unmatched_);
    return found;
}

/// What comes early names a date that has not come in sight.
void ExpectedWatcher::open_date(Date date, StampNs now_ns) {
    for (const Occurrence& o : rule_->due->on(date)) {
        const OccurrenceId id = id_of(o);
        if (id <= sighted_.id || o.due_ns <= now_ns || open_.contains(id)) continue;
        if (o.due_ns > saturating_add(now_ns, kDatesAheadNs) || open_.size() >= kOpenMax) break;
        open(o, due_before(o.due_ns));
    }
    find_next();
}

void ExpectedWatcher::tell(Finding::Kind kind, const OccurrenceId& id, const OpenOccurrence& o, uint32_t key,
                           Seq cause_seq, StampNs now_ns) const {
    if (!on_trouble) return;
    std::string text = format_date(Date(1970, 1, 1) + id.day);
    if (!rule_->keys.empty()) text = fmt::format("{} {}", rule_->keys[key], text);
    if (id.n > 1) text += fmt::format(" #{}", id.n);
    on_trouble({kind, hash_key(text, tenant_), text, {}, 0, cause_seq, o.due_ns, std::max(o.due_ns, now_ns)});
}

// --- output -----------------------------------------------------------------------------------------------

RuleView ExpectedWatcher::view() const {
    RuleView v = view_of_rule(rule_->watch);
    v.counts.anchored = anchored_;
    v.counts.met = met_;
    v.counts.late = late_;
    v.counts.missed = missed_;
    v.duplicates = duplicates_;
    v.unmatched = unmatched_;
    for (const auto& [id, o] : open_) {
        v.counts.pending += o.pending;
        v.counts.in_trouble += o.missed;
        if (o.at_risk) v.counts.at_risk += o.pending;
        if (o.pending > 0 && v.next_due_ns == 0) v.next_due_ns = o.due_ns;
        if (o.missed > 0 && v.oldest_trouble_ns == 0) v.oldest_trouble_ns = o.due_ns;
    }
    set_health(v);
    return v;
}

// --- state ------------------------------------------------------------------------------------------------
// Rows:  0         what has been counted, and how far the schedule has been followed
//        1 day n   an occurrence that is open

namespace {
/// So that days before 1970 sort first.
uint32_t key_of_day(int32_t day) { return static_cast<uint32_t>(day) ^ (uint32_t{1} << 31); }
}  // namespace

void ExpectedWatcher::save(Rows& rows) {
    RowWriter key, value;
    const auto occurrence_key = [&](const OccurrenceId& id) {
        key.clear(), value.clear();
        return key.key_u8(1).key_u32(key_of_day(id.day)).key_u32(static_cast<uint32_t>(id.n)).bytes();
    };
    if (ended_) {
        rows.erase(key.key_u8(0).bytes());
    } else if (std::exchange(header_dirty_, false)) {
        key.key_u8(0);
        for (const uint64_t n : {anchored_, met_, late_, missed_, duplicates_, unmatched_}) value.value(n);
        value.value(started_ns_).value(sighted_.due_ns).value(sighted_.opens_ns);
        value.value(sighted_.id.day).value(sighted_.id.n);
        rows.put(key.bytes(), value.bytes());
    }
    for (const OccurrenceId& id : std::exchange(gone_, {})) rows.erase(occurrence_key(id));
    for (const OccurrenceId& id : std::exchange(changed_, {})) {
        const OpenOccurrence& o = open_.at(id);
        const auto at = occurrence_key(id);
        value.value(o.due_ns).value(o.opens_ns).value(o.closes_ns).value(o.ends_ns);
        value.value(o.at_risk).value(o.judged);
        value.raw(o.phases.data(), o.phases.size());
        rows.put(at, value.bytes());
    }
}

void ExpectedWatcher::load(std::span<const uint8_t> key_bytes, std::span<const uint8_t> value_bytes) {
    RowReader key(key_bytes), value(value_bytes);
    if (key.key_u8() == 0) {
        for (uint64_t* n : {&anchored_, &met_, &late_, &missed_, &duplicates_, &unmatched_})
            *n = value.value<uint64_t>();
        started_ns_ = value.value<StampNs>();
        sighted_.due_ns = value.value<StampNs>();
        sighted_.opens_ns = value.value<StampNs>();
        sighted_.id.day = value.value<int32_t>();
        sighted_.id.n = value.value<int32_t>();
        return;
    }
    OccurrenceId id;
    id.day = static_cast<int32_t>(key.key_u32() ^ (uint32_t{1} << 31));
    id.n = static_cast<int32_t>(key.key_u32());
    OpenOccurrence o;
    o.due_ns = value.value<StampNs>();
    o.opens_ns = value.value<StampNs>();
    o.closes_ns = value.value<StampNs>();
    o.ends_ns = value.value<StampNs>();
    o.at_risk = value.value<bool>();
    o.judged = value.value<bool>();
    for (size_t i = 0; i < key_count(); ++i) {
        o.phases.push_back(value.value<Phase>());
        o.pending += o.phases.back() == Phase::kPending;
        o.missed += o.phases.back() == Phase::kMissed;
    }
    open_.emplace(id, std::move(o));
}

}  // namespace

std::unique_ptr<Watcher> make_expected(std::shared_ptr<const ExpectedRule> rule, uint16_t tenant) {
    return std::make_unique<ExpectedWatcher>(std::move(rule), tenant);
}

}  // namespace penstock

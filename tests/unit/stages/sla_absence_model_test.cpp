// Absence against a slow and obvious model, and against itself with restarts in between.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "pipeline/civil/business_time.h"
#include "stages/sla/absence.h"
#include "tests/support/seed.h"
#include "tests/support/watcher_rig.h"

namespace penstock::test {
namespace {

struct Step {
    StampNs now, time;  // now strictly rises
    std::string key;    // empty: time passes only
};

/// Looks at every key at every step.
class Model {
  public:
    Model(const AbsenceRule& rule, StampNs start) : rule_(rule) {
        if (!rule.key) keys_["t"] = {start, 0, true};
        for (const std::string& key : rule.keys) keys_[key] = {start, 0, true};
    }

    std::vector<std::string> told;
    uint64_t missed = 0, recovered = 0, unmatched = 0;
    size_t absent() const {
        return static_cast<size_t>(
            std::count_if(keys_.begin(), keys_.end(), [](const auto& k) { return k.second.absent; }));
    }
    size_t size() const { return keys_.size(); }

    void step(const Step& s) {
        pass(s.now);
        if (s.key.empty()) return;
        const std::string key = rule_.key ? s.key : "t";
        const auto it = keys_.find(key);
        if (it == keys_.end()) {
            if (std::max(deadline(s.time), s.time) + rule_.grace_ns + rule_.forget_ns < s.now)
                return void(++unmatched);
            keys_[key] = {s.time, 0, false};
            return pass(s.now);
        }
        Key& k = it->second;
        if (s.time <= k.last) return;
        k.last = s.time;
        if (!k.absent || deadline(s.time) + rule_.grace_ns < s.now) return;
        k.absent = false;
        --missed, ++recovered;
        told.push_back("recovered " + key);
    }

  private:
    struct Key {
        StampNs last, trouble;
        bool expected, absent = false;
    };
    StampNs deadline(StampNs last) const {
        return rule_.hours ? add_business_time(*rule_.hours, last, rule_.every_ns) : last + rule_.every_ns;
    }
    bool forgotten(const Key& k, StampNs now) const {
        return k.absent && !k.expected &&
               std::max(k.trouble, k.last) + rule_.grace_ns + rule_.forget_ns < now;
    }
    void pass(StampNs now) {
        std::vector<std::pair<StampNs, std::string>> due, old;
        for (const auto& [key, k] : keys_) {
            if (forgotten(k, now)) old.emplace_back(k.trouble, key);
            if (!k.absent && deadline(k.last) + rule_.grace_ns < now) due.emplace_back(deadline(k.last), key);
        }
        std::sort(due.begin(), due.end());
        std::sort(old.begin(), old.end());
        for (const auto& [at, key] : due) {
            Key& k = keys_[key];
            k.absent = true;
            k.trouble = at;
            ++missed;
            told.push_back("missed " + key);
            if (forgotten(k, now)) forget(key);
        }
        for (const auto& [at, key] : old) forget(key);
    }
    void forget(const std::string& key) {
        told.push_back("withdrawn " + key);
        keys_.erase(key);
    }

    const AbsenceRule& rule_;
    std::map<std::string, Key> keys_;
};

TEST(SlaAbsenceModel, ARunTellsAndCountsWhatTheDefinitionSaysAlsoWithRestarts) {
    SCOPED_TRACE(seed_note());
    const auto office = std::make_shared<const Calendar>(parse_calendar(
        R"({"name": "office", "zone": "America/New_York", "working_weekdays": ["mon","tue","wed","thu","fri"],
            "hours": [["09:00", "17:00"]]})"));
    for (uint64_t round = 0; round < 300; ++round) {
        SCOPED_TRACE(round);
        Random random(round);
        std::string text = R"({"name": "n", "type": "t")";
        text += random.chance(50) ? R"(, "every": "5m")" : R"(, "every": "2h")";
        if (random.chance(50)) text += R"(, "grace": "3m")";
        if (random.chance(30)) text += R"(, "hours": "office")";
        if (random.chance(50)) text += R"(, "keys": ["a", "c"])";
        if (random.chance(70)) text += R"(, "key": "subject", "forget": "4h")";
        text += "}";
        SCOPED_TRACE(text);
        const auto rule = one_rule(read_absence, text, [&](std::string_view) { return office; });
        const auto make = [&] { return make_absence(rule, 1); };
        const StampNs start = new_york("2026-03-06", "14:00");
        const size_t keys = 1 + random.below(12);
        WatcherRig straight(make), restarted(make);
        Model model(*rule, start);
        straight.start(start);
        restarted.start(start);
        StampNs now = start;
        for (size_t i = 0, n = 1 + random.below(500); i < n; ++i) {
            SCOPED_TRACE(i);
            now += 1 + random.between(0, random.chance(2) ? 20 * kHourNs : 2 * kMinuteNs);
            if (random.chance(50)) now = (now / kMinuteNs + 1) * kMinuteNs;
            StampNs time = now - (random.chance(30) ? random.between(0, 20 * kMinuteNs) : 0);
            if (random.chance(2)) time -= 6 * kHourNs;
            if (random.chance(50)) time = time / kMinuteNs * kMinuteNs;
            const Step s{
                now, time,
                random.chance(85) ? std::string(1, static_cast<char>('a' + random.below(keys))) : ""};
            if (random.chance(20)) restarted.restart();
            for (WatcherRig* rig : {&straight, &restarted})
                if (s.key.empty())
                    rig->pass(s.now);
                else
                    rig->event(s.key, s.time, s.now);
            model.step(s);
            ASSERT_EQ(straight.news(), model.told);
            model.told.clear();
        }
        const RuleView v = straight.watcher->view();
        ASSERT_EQ(v.counts.missed, model.missed);
        ASSERT_EQ(v.counts.late, model.recovered);
        ASSERT_EQ(v.counts.in_trouble, model.absent());
        ASSERT_EQ(v.counts.pending, model.size() - model.absent());
        ASSERT_EQ(v.unmatched, model.unmatched);
        ASSERT_EQ(v.counts.anchored, v.counts.late + v.counts.missed + v.counts.pending);
        ASSERT_EQ(restarted.told, straight.told);
        ASSERT_TRUE(restarted.rows() == straight.rows());
        ASSERT_EQ(restarted.watcher->view().next_due_ns, v.next_due_ns);
    }
}

TEST(SlaAbsenceModel, AMillionKeysAreWatchedEachForItself) {
    const auto rule =
        one_rule(read_absence, R"({"name": "n", "type": "t", "every": "5m", "key": "subject"})");
    WatcherRig r([&] { return make_absence(rule, 1); });
    constexpr int kKeys = 1'000'000, kStays = 10;
    const StampNs start = new_york("2026-02-02", "12:00");
    r.start(start);
    for (int round = 0; round < 2; ++round)
        for (int i = 0; i < kKeys; ++i)
            if (round == 0 || i % kStays == 0)
                r.event("k" + std::to_string(i), start + round * 4 * kMinuteNs + i);
    r.pass(start + 6 * kMinuteNs);
    EXPECT_EQ(r.told.size(), static_cast<size_t>(kKeys - kKeys / kStays));
    EXPECT_TRUE(std::is_sorted(r.told.begin(), r.told.end(),
                               [](const auto& a, const auto& b) { return a.deadline < b.deadline; }));
    EXPECT_EQ(r.watcher->view().counts.pending, static_cast<uint64_t>(kKeys / kStays));
}

}  // namespace
}  // namespace penstock::test

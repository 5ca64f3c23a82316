// Volume against a slow and obvious model, and against itself with restarts in between.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "stages/sla/tumbling.h"
#include "stages/sla/volume.h"
#include "tests/support/seed.h"
#include "tests/support/watcher_rig.h"

namespace penstock::test {
namespace {

/// Keeps every event, and counts again for every window.
class Model {
  public:
    Model(const VolumeRule& rule, StampNs start) : rule_(rule), windows_(rule.window_ns, rule.zone) {
        next_ = windows_.at(start);
        if (next_.begin_ns < start) next_ = windows_.at(next_.end_ns);
        if (rule.by.empty()) add("t", next_.begin_ns);
    }

    std::vector<std::string> told;
    uint64_t fine = 0, wrong = 0, unmatched = 0;

    void pass(StampNs now) {
        for (; next_.end_ns + rule_.lateness_ns < now; next_ = windows_.at(next_.end_ns)) judge();
    }
    void event(const std::string& subject, StampNs time, StampNs now) {
        pass(now);
        if (time < next_.begin_ns || time > now + std::max<int64_t>(rule_.window_ns, kMinuteNs) ||
            (subject.empty() && !rule_.by.empty()))
            return void(++unmatched);
        const std::string group = rule_.by.empty() ? "t" : "subject=" + subject;
        const StampNs begin = windows_.at(time).begin_ns;
        add(group, begin);
        Group& g = groups_.at(group);
        g.first = std::min(g.first, begin);
        g.times.push_back(time);
    }

  private:
    struct Group {
        StampNs first;
        std::vector<StampNs> times;
        std::vector<uint64_t> history;
        bool wrong = false;
    };
    void add(const std::string& name, StampNs first) {
        if (groups_.emplace(name, Group{first, {}, {}}).second) order_.push_back(name);
    }
    void judge() {
        for (const std::string& name : order_) {
            Group& g = groups_.at(name);
            if (g.first > next_.begin_ns) continue;
            const auto count =
                static_cast<uint64_t>(std::count_if(g.times.begin(), g.times.end(), [&](StampNs t) {
                    return t >= next_.begin_ns && t < next_.end_ns;
                }));
            const bool wrong_now = !in_bounds(g, count);
            g.history.push_back(count);
            ++(wrong_now ? wrong : fine);
            if (wrong_now != g.wrong) told.push_back((wrong_now ? "out of range " : "recovered ") + name);
            g.wrong = wrong_now;
        }
    }
    bool in_bounds(const Group& g, uint64_t count) const {
        if (rule_.min && count < *rule_.min) return false;
        if (rule_.max && count > *rule_.max) return false;
        const size_t n = rule_.baseline_windows;
        if (g.history.size() < n) return true;
        std::vector<uint64_t> last(g.history.end() - static_cast<ptrdiff_t>(n), g.history.end());
        std::sort(last.begin(), last.end());
        const double median = static_cast<double>(last[(n - 1) / 2] + last[n / 2]) / 2;
        const auto c = static_cast<double>(count);
        if (median == 0) return true;
        return (rule_.drop == 0 || c >= rule_.drop * median) &&
               (rule_.spike == 0 || c <= rule_.spike * median);
    }

    const VolumeRule& rule_;
    const Tumbling windows_;
    TimeWindow next_;
    std::map<std::string, Group> groups_;
    std::vector<std::string> order_;
};

TEST(SlaVolumeModel, ARunTellsAndCountsWhatTheDefinitionSaysAlsoWithRestarts) {
    SCOPED_TRACE(seed_note());
    for (uint64_t round = 0; round < 300; ++round) {
        SCOPED_TRACE(round);
        Random random(round);
        std::string text = R"({"name": "n", "type": "t", "max": 9)";
        const char* windows[] = {"1m", "5m", "1h", "6h", "1d"};
        text += std::string(R"(, "window": ")") + windows[random.below(5)] + '"';
        if (random.chance(50)) text += R"(, "zone": "America/New_York")";
        if (random.chance(50)) text += R"(, "lateness": "7m")";
        if (random.chance(40)) text += R"(, "min": 2)";
        const bool by_baseline = random.chance(60);
        if (by_baseline)
            text +=
                R"(, "drop": 0.5, "spike": 1.5, "baseline_windows": )" + std::to_string(1 + random.below(6));
        if (random.chance(60)) text += R"(, "by": ["subject"])";
        text += "}";
        SCOPED_TRACE(text);
        const auto rule = one_rule(read_volume, text);
        const auto make = [&] { return make_volume(rule, 1); };
        const StampNs start = new_york(random.chance(50) ? "2026-03-07" : "2026-10-31", "20:03") +
                              (random.chance(30) ? -3 * kMinuteNs : 0);
        WatcherRig straight(make), restarted(make);
        Model model(*rule, start);
        straight.start(start);
        restarted.start(start);
        const int64_t pace = rule->window_ns / 5;
        StampNs now = start;
        for (size_t i = 0, n = 1 + random.below(300); i < n; ++i) {
            SCOPED_TRACE(i);
            now += 1 + random.between(0, random.chance(2) ? 60 * pace : pace);
            if (random.chance(40)) now = (now / kMinuteNs + 1) * kMinuteNs;
            StampNs time = now + (random.chance(50) ? random.between(-10 * kMinuteNs, 2 * kMinuteNs) : 0);
            if (random.chance(40)) time = time / kMinuteNs * kMinuteNs;
            const std::string subject =
                random.chance(95) ? std::string(1, static_cast<char>('a' + random.below(3))) : "";
            const bool only_time = random.chance(10);
            if (random.chance(20)) restarted.restart();
            for (WatcherRig* rig : {&straight, &restarted})
                if (only_time)
                    rig->pass(now);
                else
                    rig->event(subject, time, now);
            if (only_time)
                model.pass(now);
            else
                model.event(subject, time, now);
            ASSERT_EQ(straight.news(), model.told);
            model.told.clear();
        }
        straight.event("a", now, now + 1);  // windows that nobody waited for
        restarted.event("a", now, now + 1);
        model.event("a", now, now + 1);
        const RuleView v = straight.watcher->view();
        ASSERT_EQ(v.counts.met, model.fine);
        ASSERT_EQ(v.counts.missed, model.wrong);
        ASSERT_EQ(v.unmatched, model.unmatched);
        ASSERT_EQ(restarted.told, straight.told);
        ASSERT_TRUE(restarted.rows() == straight.rows());
        ASSERT_EQ(restarted.watcher->due_ns(), straight.watcher->due_ns());
    }
}

}  // namespace
}  // namespace penstock::test

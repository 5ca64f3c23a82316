// Absolute SLAs against a slow and obvious model, and against themselves with restarts in between.
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

#include "stages/sla/expected_arrival.h"
#include "stages/sla/watch_rule.h"
#include "tests/support/seed.h"
#include "tests/support/watcher_rig.h"

namespace penstock::test {
namespace {

struct Step {
    StampNs now, time;      // now strictly rises
    std::string key, date;  // key empty: time passes only
};

/// Knows every occurrence of the whole run beforehand, and looks at all of them at every step.
class Model {
  public:
    Model(const ExpectedRule& rule, StampNs start, StampNs end) : rule_(rule) {
        std::optional<StampNs> before;
        size_t beyond = 0;  // what the run can reach: the next, and the dates that its events name
        for (auto o = rule.due->next(start - 300 * kDayNs);
             o && (beyond < 3 || o->due_ns <= end + 5 * kDayNs); o = rule.due->next(o->due_ns)) {
            beyond += o->due_ns > end;
            if (o->due_ns > start) items_.push_back(item(*o, before, start));
            before = o->due_ns;
        }
    }

    std::vector<std::string> told;
    uint64_t met = 0, late = 0, missed = 0, duplicates = 0, unmatched = 0;

    void step(const Step& s) {
        pass(s.now);
        if (s.key.empty()) return;
        const auto key = std::find(rule_.keys.begin(), rule_.keys.end(), s.key);
        size_t k = 0;
        if (!rule_.keys.empty()) {
            if (key == rule_.keys.end()) return void(++unmatched);
            k = static_cast<size_t>(key - rule_.keys.begin());
        }
        bool any = false;
        for (Item& item : items_) {
            if (item.gone || (rule_.date ? format_date(item.o.date) != s.date
                                         : s.time < item.opens || s.time > item.closes))
                continue;
            any = true;
            if (item.state[k] != 'p' && item.state[k] != 'm') continue;
            const bool in_time = s.time <= item.o.due_ns;
            if (item.state[k] == 'm') --missed, tell(in_time ? "delivered late" : "late", item, k);
            item.state[k] = '.';
            ++(in_time ? met : late);
            return;
        }
        ++(any ? duplicates : unmatched);
    }

  private:
    struct Item {
        Occurrence o;
        StampNs opens, closes, ends;
        std::string state;
        bool judged = false, gone = false;
    };
    Item item(const Occurrence& o, std::optional<StampNs> before, StampNs start) const {
        const StampNs due = o.due_ns, never = std::numeric_limits<StampNs>::max();
        const auto next = rule_.due->next(due);
        const auto half = [](StampNs a, StampNs b) { return a + (b - a) / 2; };
        Item i{o, 0, 0, 0, std::string(std::max<size_t>(rule_.keys.size(), 1), 'p')};
        if (rule_.open_ns)
            i.opens = due - *rule_.open_ns;
        else if (!before)
            i.opens = start;
        else
            i.opens = std::min(
                due, 1 + (rule_.late_horizon_ns ? *before + *rule_.late_horizon_ns : half(*before, due)));
        if (rule_.late_horizon_ns) {
            i.closes = i.ends = due + *rule_.late_horizon_ns;
        } else if (next) {
            i.closes =
                rule_.open_ns ? std::max(due, next->due_ns - *rule_.open_ns - 1) : half(due, next->due_ns);
            i.ends = next->due_ns + rule_.grace_ns;
        } else {
            i.closes = i.ends = never;
        }
        return i;
    }
    void pass(StampNs now) {
        struct Turn {
            StampNs at;
            size_t item;
            bool closes;
        };
        std::vector<Turn> turns;
        for (size_t n = 0; n < items_.size(); ++n) {
            const Item& i = items_[n];
            if (!i.judged && i.o.due_ns + rule_.grace_ns < now)
                turns.push_back({i.o.due_ns + rule_.grace_ns, n, false});
            if (!i.gone && i.ends < now) turns.push_back({i.ends, n, true});
        }
        std::sort(turns.begin(), turns.end(),
                  [](const Turn& a, const Turn& b) { return a.at != b.at ? a.at < b.at : a.item < b.item; });
        for (const Turn& turn : turns) {
            Item& i = items_[turn.item];
            (turn.closes ? i.gone : i.judged) = true;
            for (size_t k = 0; k < i.state.size(); ++k) {
                if (turn.closes && i.state[k] == 'm') tell("withdrawn", i, k);
                if (turn.closes || i.state[k] != 'p') continue;
                i.state[k] = 'm';
                ++missed;
                tell("missed", i, k);
            }
        }
    }
    void tell(const std::string& what, const Item& i, size_t k) {
        told.push_back(what + " " + (rule_.keys.empty() ? "" : rule_.keys[k] + " ") + format_date(i.o.date) +
                       (i.o.n > 1 ? " #" + std::to_string(i.o.n) : ""));
    }

    const ExpectedRule& rule_;
    std::vector<Item> items_;
};

std::string random_rule(Random& random) {
    constexpr const char* kDue[] = {
        R"({"zone": "America/New_York", "weekdays": ["mon","tue","wed","thu","fri","sat","sun"], "at": "08:00"})",
        R"({"zone": "America/New_York", "weekdays": ["mon","wed","sun"], "at": ["02:30", "16:00"]})",
        R"({"zone": "America/New_York", "cron": "*/30 * * * *"})",
        R"({"zone": "America/New_York", "cron": "30 1,2,20 * * *"})",
        R"({"zone": "America/New_York", "month_days": [1, 8, -1], "at": "01:30"})",
        R"({"zone": "America/New_York", "dates": ["2026-03-08", "2026-03-09", "2026-11-01"], "at": ["02:00", "03:00"]})"};
    std::string rule = std::string(R"({"name": "n", "type": "t", "due": )") + kDue[random.below(6)];
    const auto maybe = [&](unsigned percent, std::string text) {
        if (random.chance(percent)) rule += ", " + text;
    };
    maybe(60, R"("keys": ["a", "b", "c"])");
    maybe(60, R"("grace": "10m")");
    maybe(50, random.chance(50) ? R"("open": "25m")" : R"("open": "9h")");
    maybe(50, random.chance(50) ? R"("late_horizon": "20m")" : R"("late_horizon": "15h")");
    maybe(30, R"("amber": "1h")");
    maybe(40, R"("date": "data.date")");
    return rule + "}";
}

std::vector<Step> random_stream(Random& random, StampNs now) {
    std::vector<Step> out;
    for (size_t i = 0, n = 1 + random.below(250); i < n; ++i) {
        // Often on the minute, where deadlines are.
        now += 1 + random.between(0, random.chance(3) ? 40 * kHourNs : 2 * kHourNs);
        if (random.chance(50)) now = (now / (10 * kMinuteNs) + 1) * 10 * kMinuteNs;
        StampNs time = now - (random.chance(40) ? random.between(0, 12 * kHourNs) : 0);
        if (random.chance(50)) time = time / (10 * kMinuteNs) * 10 * kMinuteNs;
        Step s{now, time, "", ""};
        if (random.chance(80)) s.key = std::string(1, static_cast<char>('a' + random.below(4)));
        const Zone zone = Zone::load("America/New_York");
        s.date = format_date(Date(zone.local(now)) + random.between(-2, 2));
        out.push_back(std::move(s));
    }
    return out;
}

void feed(WatcherRig& rig, const Step& s) {
    if (s.key.empty()) return rig.pass(s.now);
    const std::string data = R"({"date": ")" + s.date + "\"}";
    EventFields f;
    f.subject = s.key;
    f.data = data;
    rig.event(f, s.time, s.now);
}

TEST(SlaExpectedModel, ARunTellsAndCountsWhatTheDefinitionSaysAlsoWithRestarts) {
    SCOPED_TRACE(seed_note());
    for (uint64_t round = 0; round < 400; ++round) {
        SCOPED_TRACE(round);
        Random random(round);
        std::string text = random_rule(random);
        Faults faults;
        auto rules = read_expected(boost::json::parse("[" + text + "]"), "", {}, faults);
        if (faults.count() > 0) continue;  // a horizon within the grace
        SCOPED_TRACE(text);
        const auto rule = rules.at(0);
        const StampNs start = new_york(random.chance(50) ? "2026-03-05" : "2026-10-29", "07:10") +
                              random.between(0, 24 * 60) * kMinuteNs;
        const auto stream = random_stream(random, start);
        const auto make = [&] { return make_expected(rule, 1); };
        WatcherRig straight(make), restarted(make);
        Model model(*rule, start, stream.back().now);
        straight.start(start);
        restarted.start(start);
        for (size_t i = 0; i < stream.size(); ++i) {
            SCOPED_TRACE(i);
            feed(straight, stream[i]);
            if (random.chance(20)) restarted.restart();
            feed(restarted, stream[i]);
            model.step(stream[i]);
            ASSERT_EQ(straight.news(), model.told);
            model.told.clear();
        }
        const RuleView v = straight.watcher->view();
        ASSERT_EQ(v.counts.met, model.met);
        ASSERT_EQ(v.counts.late, model.late);
        ASSERT_EQ(v.counts.missed, model.missed);
        ASSERT_EQ(v.duplicates, model.duplicates);
        ASSERT_EQ(v.unmatched, model.unmatched);
        ASSERT_EQ(v.counts.anchored, v.counts.met + v.counts.late + v.counts.missed + v.counts.pending);
        ASSERT_EQ(restarted.told, straight.told);
        ASSERT_TRUE(restarted.rows() == straight.rows());
        ASSERT_EQ(restarted.watcher->view().counts, v.counts);
        ASSERT_EQ(restarted.watcher->due_ns(), straight.watcher->due_ns());
    }
}

}  // namespace
}  // namespace penstock::test

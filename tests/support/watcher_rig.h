// A rule on the clock with what it told, fed by short calls, and restarted between them.
#pragma once

#include <gtest/gtest.h>

#include <absl/time/civil_time.h>

#include <boost/json.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "pipeline/civil/zone.h"
#include "pipeline/faults.h"
#include "schemas/event_fields.h"
#include "stages/sla/watcher.h"

namespace penstock::test {

constexpr int64_t kSecondNs = 1'000'000'000, kMinuteNs = 60 * kSecondNs, kHourNs = 60 * kMinuteNs,
                  kDayNs = 24 * kHourNs;

/// Of the clocks in New York: "2026-03-09", "08:00[:30]".
inline StampNs new_york(const char* date, const char* time) {
    static const Zone zone = Zone::load("America/New_York");
    absl::CivilSecond at;
    if (!absl::ParseCivilTime(
            std::string(date) + "T" + time + (std::string_view(time).size() == 5 ? ":00" : ""), &at))
        ADD_FAILURE() << date << " " << time;
    return zone.to_utc(at);
}

struct ToldTrouble {
    Finding::Kind kind;
    std::string key_text, group;
    Seq anchor, cause;
    StampNs deadline, at;
    Hash128 key;
    friend bool operator==(const ToldTrouble&, const ToldTrouble&) = default;
};
inline void PrintTo(const ToldTrouble& t, std::ostream* out) {
    *out << "{kind " << static_cast<int>(t.kind) << " '" << t.key_text << "' group '" << t.group
         << "' anchor " << t.anchor << " cause " << t.cause << " deadline " << t.deadline << " at " << t.at
         << "}";
}

class WatcherRig final : private Watcher::Rows {
  public:
    using Make = std::function<std::unique_ptr<Watcher>()>;
    /// With `restarts`: saves, forgets and loads after each call.
    explicit WatcherRig(Make make, bool restarts = false) : make_(std::move(make)), restarts_(restarts) {
        renew();
    }

    void start(StampNs now_ns) {
        watcher->start(now_ns);
        step_over();
    }
    /// An event of its own time that comes at `now_ns`; its condition holds.
    void event(EventFields fields, StampNs time_ns, StampNs now_ns) {
        if (fields.id.empty()) fields.id = "1";
        if (fields.source.empty()) fields.source = "/s";
        if (fields.type.empty()) fields.type = watcher->rule().type;
        const auto bytes = builder_.build(fields);
        EventHead head{};
        head.time_ns = time_ns;
        pass_to(now_ns, ++seq);
        watcher->on_event({head, *event_of(bytes), seq, now_ns});
        step_over();
    }
    void event(std::string_view subject, StampNs time_ns, StampNs now_ns) {
        EventFields fields;
        fields.subject = subject;
        event(fields, time_ns, now_ns);
    }
    void event(std::string_view subject, StampNs time_ns) { event(subject, time_ns, time_ns); }
    /// Time passes.
    void pass(StampNs now_ns) {
        pass_to(now_ns, ++seq);
        step_over();
    }
    void end(StampNs now_ns) {
        watcher->end(now_ns, ++seq);
        save();
    }
    void restart() {
        save();
        renew();
        for (const auto& [k, v] : rows_)
            watcher->load({reinterpret_cast<const uint8_t*>(k.data()), k.size()},
                          {reinterpret_cast<const uint8_t*>(v.data()), v.size()});
        watcher->loaded();
    }
    const std::map<std::string, std::string>& rows() {
        save();
        return rows_;
    }
    /// "missed feed-a 2026-03-09", of what was told since the last call.
    std::vector<std::string> news() {
        static const std::map<Finding::Kind, std::string> names{
            {Finding::Kind::kMissed, "missed"},       {Finding::Kind::kDeliveredLate, "delivered late"},
            {Finding::Kind::kLate, "late"},           {Finding::Kind::kWithdrawn, "withdrawn"},
            {Finding::Kind::kRecovered, "recovered"}, {Finding::Kind::kOutOfRange, "out of range"}};
        std::vector<std::string> out;
        for (; read_ < told.size(); ++read_)
            out.push_back(names.at(told[read_].kind) + " " + told[read_].key_text);
        return out;
    }

    std::unique_ptr<Watcher> watcher;
    std::vector<ToldTrouble> told;
    Seq seq = 0;

  private:
    /// As the engine does: only what is due is advanced over.
    void pass_to(StampNs now_ns, Seq cause) {
        for (int looks = 0; now_ns > watcher->due_ns() && looks < 100; ++looks) {
            const size_t before = told.size();
            watcher->advance(now_ns, cause);
            EXPECT_TRUE(looks < 1 || told.size() == before) << "one advance judges all";
        }
        EXPECT_LE(now_ns, watcher->due_ns());
    }
    void step_over() {
        if (restarts_) restart();
    }
    void renew() {
        watcher = make_();
        watcher->on_trouble = [this](const Watcher::Trouble& t) {
            EXPECT_GE(t.at_ns, t.deadline_ns);
            told.push_back({t.kind, std::string(t.key_text), std::string(t.group), t.anchor_seq, t.cause_seq,
                            t.deadline_ns, t.at_ns, t.key});
        };
    }
    void save() { watcher->save(*this); }
    void put(std::span<const uint8_t> key, std::span<const uint8_t> value) override {
        rows_[{key.begin(), key.end()}] = {value.begin(), value.end()};
    }
    void erase(std::span<const uint8_t> key) override { rows_.erase({key.begin(), key.end()}); }

    const Make make_;
    const bool restarts_;
    EventBuilder builder_;
    std::map<std::string, std::string> rows_;
    size_t read_ = 0;
};

/// What a reader says of the rules in `text`; empty: no faults.
template <typename Read>
std::string rule_faults(Read read, std::string_view text, const CalendarLookup& calendars = {}) {
    Faults faults;
    read(boost::json::parse(text), "/rules", calendars, faults);
    return faults.text();
}
/// The only rule of `text`, an object.
template <typename Read>
auto one_rule(Read read, const std::string& text, const CalendarLookup& calendars = {}) {
    Faults faults;
    auto rules = read(boost::json::parse("[" + text + "]"), "/rules", calendars, faults);
    EXPECT_EQ(faults.text(), "") << text;
    return rules.at(0);
}

using News = std::vector<std::string>;

}  // namespace penstock::test

// Reads what the rules on the clock have in common. docs/workflows.md has the JSON.
#pragma once

#include <boost/json/fwd.hpp>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/civil/calendar.h"
#include "pipeline/faults.h"
#include "stages/sla/key_selector.h"
#include "stages/sla/watcher.h"

namespace penstock {

inline constexpr int64_t kSecondNs = 1'000'000'000, kDayNs = 86'400 * kSecondNs;
inline constexpr int64_t kRuleDurationNsMax = 366 * kDayNs;
/// Of one rule: they must fit into a document.
inline constexpr size_t kRuleKeysMax = 20'000;

/// Saturates: the years after 2261 leave 64 bits. Such an instant never passes.
inline StampNs saturating_add(StampNs from_ns, int64_t by_ns) {
    StampNs sum;
    if (!__builtin_add_overflow(from_ns, by_ns, &sum)) return sum;
    return by_ns > 0 ? std::numeric_limits<StampNs>::max() : std::numeric_limits<StampNs>::min();
}

/// With what does not change.
RuleView view_of_rule(const WatchRule& rule);
/// From its counts.
void set_health(RuleView& view);

/// Of one object. Borrows all that it is given; faults are gathered.
class RuleReader {
  public:
    RuleReader(const boost::json::object& object, std::string pointer, Faults& faults)
        : object_(object), pointer_(std::move(pointer)), faults_(faults) {}

    /// name, type, when, severity, runbook, escalation.
    void common(RuleView::Kind kind, WatchRule& rule);
    bool has(std::string_view name) const { return find(name) != nullptr; }
    const boost::json::value* find(std::string_view name) const;
    std::string text(std::string_view name) { return read_text(object_, name, pointer_, faults_); }
    /// Not there or faulty: nothing.
    std::optional<int64_t> duration(std::string_view name, int64_t least_ns,
                                    int64_t most_ns = kRuleDurationNsMax);
    std::optional<KeySelector> selector(std::string_view name);
    /// An array of non-empty strings, each its own.
    std::vector<std::string> texts(std::string_view name, size_t most);
    std::optional<Zone> zone() { return read_zone(object_, pointer_, faults_); }
    std::string pointer(std::string_view name) const { return member_pointer(pointer_, name); }
    void fault(std::string_view name, std::string_view what) { faults_.add(pointer(name), what); }

  private:
    void condition(WatchRule& rule);

    const boost::json::object& object_;
    const std::string pointer_;
    Faults& faults_;
};

/// Calls `read` for each object of an array, and tells two rules of one name. `read` returns the rule's name.
void read_rules(const boost::json::value& value, std::string_view pointer,
                std::initializer_list<std::string_view> members, Faults& faults,
                const std::function<std::string(RuleReader&)>& read);

}  // namespace penstock

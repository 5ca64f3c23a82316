// The reader of `expected`.
#include <boost/json.hpp>

#include "stages/sla/expected_arrival.h"
#include "stages/sla/watch_rule.h"

namespace penstock {

namespace json = boost::json;

ExpectedRules read_expected(const json::value& value, std::string_view pointer,
                            const CalendarLookup& calendars, Faults& faults) {
    constexpr int64_t kGraceNsMax = 30 * kDayNs;
    ExpectedRules out;
    read_rules(value, pointer,
               {"name", "type", "when", "keys", "key", "due", "grace", "open", "late_horizon", "date",
                "amber", "severity", "runbook", "escalation"},
               faults, [&](RuleReader& reader) {
                   auto rule = std::make_shared<ExpectedRule>();
                   reader.common(RuleView::Kind::kExpected, rule->watch);
                   rule->keys = reader.texts("keys", kRuleKeysMax);
                   if (const auto key = reader.selector("key")) rule->key = *key;
                   if (reader.has("key") && !reader.has("keys"))
                       reader.fault("key", "means nothing without keys; add those that are expected");
                   if (const json::value* due = reader.find("due"))
                       rule->due = read_schedule(*due, reader.pointer("due"), calendars, faults);
                   else
                       reader.fault("due",
                                    "is missing; write for example {\"zone\": \"America/New_York\", "
                                    "\"weekdays\": [\"mon\"], \"at\": \"08:00\"}");
                   rule->grace_ns = reader.duration("grace", 0, kGraceNsMax).value_or(0);
                   rule->open_ns = reader.duration("open", 0);
                   rule->late_horizon_ns = reader.duration("late_horizon", 0);
                   if (rule->late_horizon_ns && *rule->late_horizon_ns <= rule->grace_ns)
                       reader.fault("late_horizon",
                                    "must be longer than grace; what is missing is missed "
                                    "from the one to the other");
                   rule->date = reader.selector("date");
                   rule->amber_ns = reader.duration("amber", 1).value_or(0);
                   out.push_back(rule);
                   return rule->watch.name;
               });
    return out;
}

}  // namespace penstock

// The reader of `absence`.
#include <fmt/format.h>

#include <boost/json.hpp>

#include "stages/sla/absence.h"
#include "stages/sla/watch_rule.h"

namespace penstock {

namespace json = boost::json;

AbsenceRules read_absence(const json::value& value, std::string_view pointer, const CalendarLookup& calendars,
                          Faults& faults) {
    constexpr int64_t kForgetNs = 7 * kDayNs, kGraceNsMax = 30 * kDayNs;
    AbsenceRules out;
    read_rules(value, pointer,
               {"name", "type", "when", "every", "key", "keys", "grace", "hours", "forget", "severity",
                "runbook", "escalation"},
               faults, [&](RuleReader& reader) {
                   auto rule = std::make_shared<AbsenceRule>();
                   reader.common(RuleView::Kind::kAbsence, rule->watch);
                   if (!reader.has("every"))
                       reader.fault("every", "is missing; write for example \"every\": \"5m\"");
                   rule->every_ns = reader.duration("every", kSecondNs).value_or(kSecondNs);
                   rule->grace_ns = reader.duration("grace", 0, kGraceNsMax).value_or(0);
                   rule->forget_ns = reader.duration("forget", kSecondNs).value_or(kForgetNs);
                   rule->keys = reader.texts("keys", kRuleKeysMax);
                   rule->key = reader.selector("key");
                   if (!reader.has("key") && reader.has("keys")) rule->key = KeySelector{};
                   if (reader.has("forget") && !rule->key)
                       reader.fault("forget", "means nothing without key; leave it out");
                   if (reader.has("hours")) {
                       const std::string name = reader.text("hours");
                       if (!name.empty() && calendars) rule->hours = calendars(name);
                       if (!name.empty() && !rule->hours)
                           reader.fault("hours",
                                        fmt::format("'{}' is no calendar of /calendars; add it there", name));
                   }
                   out.push_back(rule);
                   return rule->watch.name;
               });
    return out;
}

}  // namespace penstock

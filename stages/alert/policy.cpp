#include "stages/alert/policy.h"

#include <algorithm>

#include "pipeline/record_text.h"

namespace penstock {
namespace {

constexpr int64_t kRepeatNs = 4 * 3'600'000'000'000, kGroupIntervalNs = 300'000'000'000;

uint8_t group_by_of(const std::vector<std::string>& fields) {
    int by = 0;
    for (const std::string& field : fields)
        by |= field == "tenant"     ? kByTenant
              : field == "workflow" ? kByWorkflow
              : field == "severity" ? kBySeverity
              : field == "group"    ? kByGroup
                                    : 0;
    return static_cast<uint8_t>(by);
}

AlertTarget target_of(const RecordText& text) {
    AlertTarget target;
    target.name = text.text("name");
    target.severity_at_least = static_cast<uint8_t>(text.number("severity_at_least"));
    target.escalation_only = text.flag("escalation_only");
    target.repeat_ns = std::max<int64_t>(text.number("repeat_ns", kRepeatNs), 1'000'000'000);
    target.group_by = group_by_of(text.texts("group_by"));
    target.group_wait_ns = std::max<int64_t>(text.number("group_wait_ns"), 0);
    target.group_interval_ns =
        std::max<int64_t>(text.number("group_interval_ns", kGroupIntervalNs), 1'000'000'000);
    if (const auto* ids = text.find("tenants"); ids && ids->is_array())
        for (const auto& id : ids->get_array()) {
            boost::json::error_code failed;
            const auto n = id.is_number() ? id.to_number<uint16_t>(failed) : uint16_t{0};
            if (id.is_number() && !failed) target.tenants.push_back(n);
        }
    return target;
}

EscalationLadder ladder_of(const RecordText& text) {
    EscalationLadder ladder;
    ladder.name = text.text("name");
    ladder.ack_timeout_ns = text.number("ack_timeout_ns");
    for (const RecordText& step : text.parts("steps"))
        ladder.steps.push_back({step.number("after_ns"), step.texts("targets")});
    return ladder;
}

InhibitRule::Matcher matcher_of(const RecordText& text) {
    return {text.text("workflow"), text.text("rule"), static_cast<uint8_t>(text.number("severity_at_least"))};
}

InhibitRule inhibit_of(const RecordText& text) {
    InhibitRule rule{matcher_of(text.part("source")), matcher_of(text.part("target"))};
    for (const std::string& label : text.texts("equal")) {
        rule.equal_tenant |= label == "tenant";
        rule.equal_workflow |= label == "workflow";
        rule.equal_group |= label == "group";
    }
    return rule;
}

template <typename T>
const T* named(const std::vector<T>& list, std::string_view name) {
    const auto at = std::find_if(list.begin(), list.end(), [&](const T& item) { return item.name == name; });
    return at == list.end() ? nullptr : &*at;
}

}  // namespace

bool AlertTarget::takes_tenant(uint16_t tenant) const {
    return tenants.empty() || std::find(tenants.begin(), tenants.end(), tenant) != tenants.end();
}

const AlertTarget* AlertPolicy::target(std::string_view name) const { return named(targets, name); }
const EscalationLadder* AlertPolicy::ladder(std::string_view name) const { return named(ladders, name); }

AlertPolicy read_alert_policy(std::string_view facts) {
    const RecordText boot(facts);
    const RecordText rules = boot.part("alerts");
    AlertPolicy policy;
    policy.pending_ns = std::max<int64_t>(rules.number("pending_ns", policy.pending_ns), 0);
    policy.flap_count = static_cast<uint32_t>(rules.number("flap_count"));
    policy.flap_window_ns = rules.number("flap_window_ns");
    for (const RecordText& text : boot.parts("targets")) policy.targets.push_back(target_of(text));
    for (const RecordText& text : rules.parts("escalation")) policy.ladders.push_back(ladder_of(text));
    for (const RecordText& text : rules.parts("inhibit")) policy.inhibit.push_back(inhibit_of(text));
    return policy;
}

}  // namespace penstock

// Whom alerts are told to, and when: what the configuration says, as the boot record has it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "schemas/alert.h"
#include "stages/alert/notice.h"

namespace penstock {

struct AlertTarget {
    std::string name;
    uint8_t severity_at_least = 0;
    std::vector<uint16_t> tenants;  ///< empty: all
    bool escalation_only = false;   ///< told by ladders alone
    int64_t repeat_ns = 0;
    uint8_t group_by = 0;  ///< of GroupBy; 0: each alert is told by itself
    int64_t group_wait_ns = 0, group_interval_ns = 0;

    bool takes_tenant(uint16_t tenant) const;
};

struct EscalationStep {
    int64_t after_ns = 0;  ///< since the alert fired, or the ladder was begun anew
    std::vector<std::string> targets;
};
struct EscalationLadder {
    std::string name;
    std::vector<EscalationStep> steps;  ///< by after_ns
    int64_t ack_timeout_ns = 0;         ///< 0: an ack stops it for good
};

/// A source that fires, or is acked, hides its targets.
struct InhibitRule {
    struct Matcher {
        std::string workflow, rule;  ///< empty: any
        uint8_t severity_at_least = 0;
        bool matches(const Alert& alert) const {
            return (workflow.empty() || workflow == alert.workflow) && (rule.empty() || rule == alert.rule) &&
                   alert.severity >= severity_at_least;
        }
    };
    Matcher source, target;
    bool equal_tenant = false, equal_workflow = false, equal_group = false;
};

struct AlertPolicy {
    int64_t pending_ns = 10'000'000'000;
    uint32_t flap_count = 0;  ///< changes in the window that make an alert flap; 0: none does
    int64_t flap_window_ns = 0;
    std::vector<AlertTarget> targets;
    std::vector<EscalationLadder> ladders;
    std::vector<InhibitRule> inhibit;

    const AlertTarget* target(std::string_view name) const;
    const EscalationLadder* ladder(std::string_view name) const;
};

/// `facts`: text of the boot record. What it does not say is as above.
AlertPolicy read_alert_policy(std::string_view facts);

}  // namespace penstock

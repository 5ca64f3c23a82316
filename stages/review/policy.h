// What becomes an item that people decide: the configuration, as the boot record has it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/expression/expression.h"
#include "schemas/alert.h"
#include "schemas/log_record.h"

namespace penstock {

/// A source of items. The first that takes an event, or an alert, keeps it.
struct ReviewQueue {
    std::string name;
    std::vector<uint64_t> types;          ///< hashes; empty: any. Looked at before the condition
    std::optional<Expression> condition;  ///< over an event's variables; none: all of these types
    bool of_alerts = false;               ///< takes alerts that fire, and no events
    std::string workflow, rule;           ///< of alerts; empty: any
    uint8_t severity_at_least = 0;        ///< of either
    uint8_t priority = 0;                 ///< 0: the severity, and 3 without one
    std::vector<std::string> skills;
    int64_t due_ns = 0, expires_ns = 0;  ///< after the item was made; 0: never

    bool takes_type(uint64_t type_hash) const;
    uint8_t priority_of(uint8_t severity) const { return priority ? priority : severity ? severity : 3; }
};

struct ReviewPolicy {
    std::vector<ReviewQueue> queues;
    size_t held_max = 50;  ///< open items of one person
    int64_t lease_ns = 900'000'000'000;
    int64_t undo_ns = 120'000'000'000;
    int64_t retention_ns = 7 * 86'400'000'000'000;  ///< of items that are over
    size_t open_max = 200'000;
    uint16_t default_region = 0;                ///< of alerts
    std::vector<std::string> regions, tenants;  ///< names by id

    /// Bit r: region r; of no name, all.
    uint64_t mask_of(const std::vector<std::string>& names) const;
};

/// `facts`: text of the boot record. A condition that does not compile (written by another hand than the
/// configuration's loader) takes nothing.
ReviewPolicy read_review_policy(std::string_view facts);

}  // namespace penstock

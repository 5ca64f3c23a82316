// What is to be told of alerts: decided by the book of alerts, delivered by others.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "schemas/alert.h"

namespace penstock {

/// An instance that a notification names.
struct NoticeInstance {
    Seq anchor_seq = 0;
    std::string key_text;  ///< empty: it is in the event at anchor_seq
    friend bool operator==(const NoticeInstance&, const NoticeInstance&) = default;
};

/// An alert as it was when something was decided of it.
struct NoticeAlert {
    std::string kind;    ///< what is told of it; empty: nothing, it is in a group of which something is
    std::string reason;  ///< or empty
    uint64_t alert = 0;
    uint16_t tenant = 0;
    std::string workflow, rule, group, trouble, runbook;
    uint32_t episode = 0;
    uint64_t version = 0;
    AlertState state = AlertState::kFiring;
    AlertEnd end = AlertEnd::kNone;
    uint8_t severity = 0;
    uint64_t open = 0, total = 0;
    StampNs first_deadline_ns = 0, last_deadline_ns = 0, began_ns = 0;
    std::vector<NoticeInstance> instances;  ///< the last, oldest first
};

/// By which fields a target's notifications are grouped. Bits are stored.
enum GroupBy : uint8_t { kByTenant = 1, kByWorkflow = 2, kBySeverity = 4, kByGroup = 8 };

/// What a group's alerts have in common. Fields that are not of `by` are empty.
struct NoticeGroupKey {
    uint8_t by = 0;  ///< of GroupBy
    uint16_t tenant = 0;
    uint8_t severity = 0;
    std::string workflow, group;
};

/// Decided, and not settled yet. Holds what the alerts were like then: a repetition tells the same.
struct PendingNotice : NoticeAlert {
    uint64_t order = 0;  ///< rises; each target's go in this order
    uint64_t effect_id = 0;
    std::string target = {};
    StampNs at_ns = 0;
    Seq cause_seq = 0;  ///< nothing leaves before this record is durable
    // Of a group ("alert.group"; there is no one alert then).
    static constexpr size_t kAlertsMax = 50, kInstancesMax = 5;
    uint64_t group_id = 0;  ///< 0: not of a group
    NoticeGroupKey group_key = {};
    uint64_t firing = 0, acked = 0, resolved = 0;  ///< alerts, also those that are not listed
    std::vector<NoticeAlert> alerts = {};          ///< at most kAlertsMax, what is new first
    std::vector<uint64_t> told = {};               ///< every alert of which something is told
};

/// Alerts of which one target is told together. There while an alert of it fires, or something waits.
struct NoticeGroup {
    struct News {
        std::string kind, reason;
    };
    uint64_t id = 0;  ///< hash of target and key
    std::string target;
    NoticeGroupKey key;
    StampNs told_ns = 0;                   ///< last; 0: never
    StampNs news_ns = 0;                   ///< when what waits is told; 0: nothing waits
    StampNs repeat_ns = 0;                 ///< 0: nothing fires
    StampNs timer_ns = 0;                  ///< the sooner of the two
    std::set<uint64_t> firing;             ///< alerts that are repeated with the group
    std::map<uint64_t, News> news;         ///< by alert
    std::map<uint64_t, NoticeAlert> over;  ///< ends that wait to be told: the alert may fire anew before

    bool waits() const { return !news.empty() || !over.empty(); }
    bool empty() const { return firing.empty() && !waits(); }
};

}  // namespace penstock

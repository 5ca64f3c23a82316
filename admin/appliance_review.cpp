#include "admin/appliance_review.h"

#include <algorithm>
#include <boost/json.hpp>

namespace penstock {
namespace {

namespace json = boost::json;

constexpr uint64_t kSecondNs = 1'000'000'000;
constexpr int64_t kReportNs = 5'000'000'000;
constexpr size_t kLookAtMax = 100'000;  // entries of one call

}  // namespace

std::string review_rules_json(const Config& config, const LogNames& names) {
    json::array queues;
    for (const Config::ReviewQueue& q : config.review.queues)
        queues.push_back(json::object{{"name", q.name},
                                      {"types", json::value_from(q.types)},
                                      {"condition", q.condition},
                                      {"alerts", q.alerts},
                                      {"workflow", q.workflow},
                                      {"rule", q.rule},
                                      {"severity_at_least", q.severity_at_least},
                                      {"priority", q.priority},
                                      {"skills", json::value_from(q.skills)},
                                      {"due_ns", q.due_ns},
                                      {"expires_ns", q.expires_ns}});
    return json::serialize(
        json::object{{"held_max", config.review.held_max},
                     {"lease_ns", config.review.lease_s * kSecondNs},
                     {"undo_ns", config.review.undo_s * kSecondNs},
                     {"retention_ns", config.review.retention_s * kSecondNs},
                     {"open_max", config.review.open_max},
                     {"default_region", names.region(config.routing.default_region).value_or(0)},
                     {"queues", std::move(queues)}});
}

AuditPage AuditTrail::entries(const AuditFilter& filter, uint64_t before, size_t limit) const {
    AuditPage page;
    uint64_t oldest = 0;
    page.entries = book_.recent(filter, before, limit, oldest);
    if (page.entries.size() == limit) {
        page.more_below = page.entries.back().number > 1 ? page.entries.back().number : 0;
        return page;
    }
    size_t looked_at = 0;
    store_.scan_audit_back(std::min(before, oldest), [&](const AuditEntry& e) {
        if (filter.matches(e)) page.entries.push_back(e);
        if (page.entries.size() < limit && ++looked_at < kLookAtMax) return true;
        page.more_below = e.number > 1 ? e.number : 0;
        return false;
    });
    return page;
}

std::vector<AuditEntry> AuditTrail::regional_entries(uint16_t region, Seq from, Seq to) const {
    uint64_t oldest = 0;
    std::vector<AuditEntry> newer = book_.regional(region, from, to, oldest), out;
    if (oldest > 1)
        store_.scan_audit_back(oldest, [&](const AuditEntry& e) {
            if (e.seq >= from && e.seq < to && e.region == region) out.push_back(e);
            return e.seq >= from;
        });
    std::reverse(out.begin(), out.end());
    std::move(newer.begin(), newer.end(), std::back_inserter(out));
    return out;
}

void FlushReporter::report(int64_t now_ns) {
    if (now_ns < next_ns_) return;
    next_ns_ = now_ns + kReportNs;
    if (book_.decisions_to_flush() == 0) return;
    json::object positions;
    for (const auto& region : telemetry_.regions)
        // Without a database: what the log has lost no database will ever take.
        positions[region->name] =
            region->configured ? region->flushed_seq.load() : telemetry_.first_seq.load();
    std::string text = json::serialize(positions);
    if (text == last_) return;
    if (mailbox_.try_push({ControlKind::kRegionsFlushed, "", text, {}})) last_ = std::move(text);
}

}  // namespace penstock

#include "storage/act_rows.h"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "pipeline/audit_chain.h"

namespace penstock {
namespace {

namespace json = boost::json;

/// PostgreSQL keeps no NUL in a text: one would hold up the region for ever.
json::string kept(std::string_view text) {
    json::string out;
    for (const char c : text) c == '\0' ? out.append("\xef\xbf\xbd") : out.append(1, c);
    return out;
}

json::value text_or_null(std::string_view text) {
    return text.empty() ? json::value(nullptr) : json::value(kept(text));
}

/// Seconds, exact to a microsecond until the year 2100.
json::value time_or_null(StampNs at_ns) {
    if (at_ns == 0) return nullptr;
    return static_cast<double>(at_ns / 1'000) / 1e6;
}

}  // namespace

std::string decision_row(const ReviewDecision& d, std::string_view tenant) {
    json::object row;
    row["seq"] = d.seq;
    row["at"] = time_or_null(d.at_ns);
    row["item"] = d.item;
    row["action"] = kReviewStepNames[static_cast<size_t>(d.action)];
    row["previous_state"] = kReviewStateNames[static_cast<size_t>(d.before)];
    row["new_state"] = kReviewStateNames[static_cast<size_t>(d.after)];
    row["user_id"] = d.user == 0 ? json::value(nullptr) : json::value(d.user);
    row["user_name"] = kept(d.by);
    row["reason"] = text_or_null(d.reason);
    row["address"] = text_or_null(d.peer);
    row["tenant"] = kept(tenant);
    row["queue"] = kept(d.queue);
    row["event_seq"] = d.event_seq;
    row["event_source"] = text_or_null(d.source);
    row["event_id"] = text_or_null(d.event_id);
    row["event_type"] = kept(d.type);
    row["subject"] = text_or_null(d.subject);
    row["alert"] = d.alert == 0 ? json::value(nullptr) : json::value(fmt::format("{:016x}", d.alert));
    row["created_at"] = time_or_null(d.created_ns);
    row["assigned_at"] = time_or_null(d.assigned_ns);
    row["claimed_at"] = time_or_null(d.claimed_ns);
    return json::serialize(row);
}

std::string audit_row(const AuditEntry& e) {
    json::object row;
    row["number"] = e.number;
    row["seq"] = e.seq;
    row["at"] = time_or_null(e.at_ns);
    row["action"] = kept(e.action);
    row["target"] = text_or_null(e.target);
    row["user_name"] = kept(e.by);
    row["address"] = text_or_null(e.peer);
    row["done"] = e.done;
    row["previous_state"] = text_or_null(e.before);
    row["new_state"] = text_or_null(e.after);
    row["reason"] = text_or_null(e.why);
    row["record"] = hex_of(e.record);
    row["chain"] = hex_of(e.chain);
    return json::serialize(row);
}

}  // namespace penstock

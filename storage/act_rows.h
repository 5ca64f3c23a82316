// What people did, as a region's database takes it.
#pragma once

#include <string>
#include <string_view>

#include "schemas/audit.h"
#include "schemas/review.h"

namespace penstock {

/// $1: the log's number; $2: a JSON array of decision_row()s.
inline constexpr const char* kInsertDecisions =
    "INSERT INTO penstock.decision (log, seq, at, item, action, previous_state, new_state, user_id, "
    "user_name, reason, address, tenant, queue, event_seq, event_source, event_id, event_type, subject, "
    "alert, "
    "created_at, assigned_at, claimed_at) "
    "SELECT $1::integer, seq, to_timestamp(at), item, action, previous_state, new_state, user_id, user_name, "
    "reason, address, tenant, queue, event_seq, event_source, event_id, event_type, subject, alert, "
    "to_timestamp(created_at), to_timestamp(assigned_at), to_timestamp(claimed_at) "
    "FROM json_to_recordset($2::json) AS d (seq bigint, at double precision, item bigint, action text, "
    "previous_state text, new_state text, user_id bigint, user_name text, reason text, address text, "
    "tenant text, queue text, event_seq bigint, event_source text, event_id text, event_type text, "
    "subject text, alert text, created_at double precision, assigned_at double precision, "
    "claimed_at double precision)";

/// A JSON object, a row of the statement; empty texts and times are null.
std::string decision_row(const ReviewDecision& decision, std::string_view tenant);

/// $1: the log's number; $2: a JSON array of audit_row()s.
inline constexpr const char* kInsertAudit =
    "INSERT INTO penstock.audit (log, number, seq, at, action, target, user_name, address, done, "
    "previous_state, new_state, reason, record, chain) "
    "SELECT $1::integer, number, seq, to_timestamp(at), action, target, user_name, address, done, "
    "previous_state, new_state, reason, decode(record, 'hex'), decode(chain, 'hex') "
    "FROM json_to_recordset($2::json) AS a (number bigint, seq bigint, at double precision, action text, "
    "target text, user_name text, address text, done boolean, previous_state text, new_state text, "
    "reason text, record text, chain text)";

/// A JSON object, a row of the statement; empty texts are null.
std::string audit_row(const AuditEntry& entry);

}  // namespace penstock

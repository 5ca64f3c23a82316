// Decisions as a region's database takes them.
#pragma once

#include <string>
#include <string_view>

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

}  // namespace penstock

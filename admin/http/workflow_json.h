// Workflows as JSON.
#pragma once

#include "admin/http/message.h"
#include "admin/http/text.h"
#include "schemas/workflow_view.h"

namespace penstock::http {

/// Members of an open object: all but rules, stages, groups and ageing.
void write_summary(JsonWriter& out, const WorkflowView& view);
/// Rules, stages, groups and ageing, each a member.
void write_parts(JsonWriter& out, const WorkflowView& view);
void write_point(JsonWriter& out, const SeriesPoint& point);
void write_rule_state(JsonWriter& out, const InstanceView::Rule& rule);
/// Members of an open object: who and when, without hops and rules. `subject`: of its first event.
void write_instance(JsonWriter& out, const InstanceView& instance, std::string_view tenant,
                    std::string_view subject);
/// [{"pointer","what"}] of faults, one a line.
void write_faults(JsonWriter& out, std::string_view faults);
/// 422; `faults` as above.
Response faulty_document(std::string_view detail, std::string_view faults);
/// Members of an open object, without the document.
void write_version(JsonWriter& out, const WorkflowVersion& version);

/// An instant; null for 0.
void write_time(JsonWriter& out, std::string_view name, StampNs at_ns);

}  // namespace penstock::http

#include "admin/http/workflow_json.h"

namespace penstock::http {
namespace {

template <typename Names, typename Enum>
std::string_view name_of(const Names& names, Enum value) {
    return names[static_cast<size_t>(value)];
}

void write_counts(JsonWriter& out, const RuleCounts& c) {
    out.key("counts").begin_object().field("anchored", c.anchored).field("met", c.met).field("late", c.late);
    out.field("missed", c.missed).field("pending", c.pending).field("cancelled", c.cancelled);
    out.field("excused", c.excused).field("at_risk", c.at_risk).field("undetermined", c.undetermined);
    out.field("in_trouble", c.in_trouble).end_object();
}

void write_rule(JsonWriter& out, const RuleView& r) {
    out.begin_object().field("name", r.name).field("kind", name_of(kRuleKindNames, r.kind));
    out.field_if("from", r.from).field_if("to", r.to);
    if (r.within_ms != 0) out.field("within_ms", r.within_ms);
    out.field("severity", r.severity).field_if("runbook", r.runbook);
    out.field("health", name_of(kHealthNames, r.health));
    write_counts(out, r.counts);
    write_time(out, "oldest_trouble", r.oldest_trouble_ns);
    write_time(out, "next_due", r.next_due_ns);
    out.end_object();
}

void write_ageing(JsonWriter& out, const Ageing& ageing) {
    out.key("ageing").begin_array();
    for (size_t i = 0; i < ageing.buckets.size(); ++i) {
        out.begin_object().key("up_to_s");
        i < Ageing::kBoundsS.size() ? out.value(Ageing::kBoundsS[i]) : out.null();
        out.field("instances", ageing.buckets[i]).end_object();
    }
    out.end_array();
}

}  // namespace

void write_time(JsonWriter& out, std::string_view name, StampNs at_ns) {
    out.key(name);
    at_ns == 0 ? out.null() : out.value(rfc3339(at_ns));
}

void write_summary(JsonWriter& out, const WorkflowView& v) {
    out.field("name", v.name).field_if("tenant", v.tenant).field("version", v.version);
    out.field("state", name_of(kVersionStateNames, v.state)).field("health", name_of(kHealthNames, v.health));
    out.field("reason", v.reason).field("instances", v.instances).field("in_flight", v.in_flight);
    out.field("completed", v.completed).field("failed", v.failed);
    out.field("condition_errors", v.condition_errors);
    out.key("disorder").begin_object().field("unexpected", v.disorder.unexpected);
    out.field("out_of_order", v.disorder.out_of_order).field("duplicate", v.disorder.duplicate).end_object();
    out.field("applied_seq", v.applied_seq);
    write_time(out, "at", v.at_ns);
}

void write_parts(JsonWriter& out, const WorkflowView& v) {
    out.key("rules").begin_array();
    for (const RuleView& r : v.rules) write_rule(out, r);
    out.end_array().key("stages").begin_array();
    for (const StageView& s : v.stages) {
        out.begin_object().field("name", s.name).field("type", s.type).field_if("terminal", s.terminal);
        out.field("reached", s.reached).field("waiting", s.waiting);
        out.field("health", name_of(kHealthNames, s.health)).end_object();
    }
    out.end_array().key("groups").begin_array();
    for (const GroupView& g : v.groups) {
        out.begin_object().field("group", g.group).field("in_flight", g.in_flight);
        out.field("completed", g.completed).field("failed", g.failed);
        out.field("health", name_of(kHealthNames, g.health));
        write_counts(out, g.counts);
        out.end_object();
    }
    out.end_array();
    write_ageing(out, v.ageing);
}

void write_point(JsonWriter& out, const SeriesPoint& p) {
    out.begin_object().field("start", rfc3339(p.start_ns)).field("anchored", p.anchored).field("met", p.met);
    out.field("late", p.late).field("missed", p.missed).field("cancelled", p.cancelled);
    out.field("completed", p.completed).field("failed", p.failed).end_object();
}

void write_rule_state(JsonWriter& out, const InstanceView::Rule& r) {
    out.begin_object().field("name", r.name).field("phase", name_of(kRulePhaseNames, r.phase));
    if (r.anchor_seq != 0) out.field("anchor_seq", r.anchor_seq);
    write_time(out, "deadline", r.deadline_ns);
    out.end_object();
}

void write_instance(JsonWriter& out, const InstanceView& i, std::string_view tenant,
                    std::string_view subject) {
    out.field("workflow", i.workflow).field("version", i.version).field("tenant", tenant);
    out.field("subject", subject).field_if("group", i.group).field("state", i.state);
    write_time(out, "first", i.first_ns);
    write_time(out, "last", i.last_ns);
}

void write_faults(JsonWriter& out, std::string_view faults) {
    out.begin_array();
    while (!faults.empty()) {
        const size_t end = faults.find('\n');
        const std::string_view line = faults.substr(0, end);
        faults = end == std::string_view::npos ? std::string_view() : faults.substr(end + 1);
        const size_t colon = line.starts_with('/') ? line.find(": ") : std::string_view::npos;
        const bool placed = colon != std::string_view::npos;
        out.begin_object().field("pointer", placed ? line.substr(0, colon) : "/");
        out.field("what", placed ? line.substr(colon + 2) : line).end_object();
    }
    out.end_array();
}

Response faulty_document(std::string_view detail, std::string_view faults) {
    Response answer = problem(422, "faulty-document", "The document has faults", detail);
    JsonWriter list;
    write_faults(list, faults);
    answer.body.pop_back();  // the object goes on
    answer.body += fmt::format(R"(,"error":"faulty-document","faults":{}}})", list.take());
    return answer;
}

void write_version(JsonWriter& out, const WorkflowVersion& v) {
    out.field("version", v.number).field("state", name_of(kVersionStateNames, v.state));
    out.field("instances", v.instances).key("faults");
    write_faults(out, v.faults);
    out.key("history").begin_array();
    for (const VersionStep& s : v.history) {
        out.begin_object().field("seq", s.seq).field("at", rfc3339(s.at_ns)).field("action", s.action);
        out.field("by", s.by).field_if("note", s.note).end_object();
    }
    out.end_array();
}

}  // namespace penstock::http

// What one key went through: each event with how long it took, the rules that it settled, and their alerts.
#include <algorithm>
#include <boost/json.hpp>
#include <map>

#include "admin/http/alerts.h"
#include "admin/http/paging.h"
#include "admin/http/workflow_json.h"
#include "admin/http/workflows.h"

namespace penstock::http {
namespace {

namespace json = boost::json;

constexpr size_t kDataShownBytes = 512;
constexpr size_t kAlertsLookedAt = 1'000;

std::string text_of(const json::object& o, std::string_view name) {
    const json::value* v = o.if_contains(name);
    return v && v->is_string() ? std::string(v->get_string()) : std::string();
}

/// The stage that settles each edge of a document, by the edge's name.
std::map<std::string, std::string> settling_stages(std::string_view document) {
    std::map<std::string, std::string> out;
    json::error_code failed;
    const json::value root = json::parse(document, failed);
    const json::object* o = failed ? nullptr : root.if_object();
    const json::value* edges = o ? o->if_contains("edges") : nullptr;
    if (!edges || !edges->is_array()) return out;
    for (const json::value& edge : edges->get_array()) {
        if (!edge.is_object()) continue;
        const std::string to = text_of(edge.get_object(), "to");
        std::string name = text_of(edge.get_object(), "name");
        if (name.empty()) name = text_of(edge.get_object(), "from") + " -> " + to;
        out.emplace(std::move(name), to);
    }
    return out;
}

/// The hop that settled a rule: the first to its stage that came after the anchor; where the anchor came
/// after it, the first at all.
size_t settling_hop(const InstanceView& instance, const InstanceView::Rule& rule, const std::string& stage) {
    size_t found = instance.hops.size();
    for (size_t i = 0; i < instance.hops.size(); ++i) {
        const InstanceView::Hop& hop = instance.hops[i];
        if (hop.stage != stage || hop.seq == rule.anchor_seq) continue;
        const auto after = [&](const InstanceView::Hop& h) { return h.seq > rule.anchor_seq; };
        const bool better =
            found == instance.hops.size() ||
            (after(hop) == after(instance.hops[found]) ? hop.seq < instance.hops[found].seq : after(hop));
        if (better) found = i;
    }
    return found;
}

}  // namespace

void WorkflowDoor::write_alerts(JsonWriter& out, const InstanceView& instance) const {
    AlertFilter filter;
    filter.workflow = instance.workflow;
    filter.tenant = instance.tenant;
    out.key("alerts").begin_array();
    filter.group = instance.alert_group;
    for (const Alert& listed : alerts_.alerts(filter, std::nullopt, kAlertsLookedAt)) {
        const auto of_rule = [&](const InstanceView::Rule& r) {
            return r.name == listed.rule && r.phase != RulePhase::kIdle;
        };
        if (std::none_of(instance.rules.begin(), instance.rules.end(), of_rule)) continue;
        const auto alert = alerts_.alert(listed.id);
        // The alert names its last instances only: of older ones it cannot be told.
        if (!alert || (alert->total <= alert->instances.size() &&
                       std::none_of(alert->instances.begin(), alert->instances.end(),
                                    [&](const AlertInstance& i) { return i.key == instance.key; })))
            continue;
        out.begin_object().field("id", fmt::format("{:016x}", alert->id)).field("rule", alert->rule);
        out.field_if("group", alert->group);
        out.field("state", kAlertStateNames[static_cast<size_t>(alert->state)]);
        out.field("severity", alert->severity).field("episode", alert->episode).field("open", alert->open);
        out.key("steps").begin_array();
        for (const AlertStep& step : alert->history)
            if (step.episode == alert->episode && step.kind != AlertStepKind::kSent &&
                step.kind != AlertStepKind::kNotSent)
                write_step(out, step);
        out.end_array().end_object();
    }
    out.end_array();
}

void WorkflowDoor::write_lifecycle(JsonWriter& out, const InstanceView& instance, const Scope& scope) const {
    std::map<std::string, std::string> stages;
    if (const auto versions = access_.reader.versions(instance.workflow))
        for (const WorkflowVersion& version : *versions)
            if (version.number == instance.version) stages = settling_stages(version.document);
    std::map<size_t, std::vector<const InstanceView::Rule*>> settled;  // by hop
    for (const InstanceView::Rule& rule : instance.rules)
        if (const auto stage = stages.find(rule.name);
            stage != stages.end() && (rule.phase == RulePhase::kMet || rule.phase == RulePhase::kLate))
            settled[settling_hop(instance, rule, stage->second)].push_back(&rule);

    out.begin_object();
    write_instance(out, instance, tenant_name(instance.tenant), subject_of(instance));
    out.key("hops").begin_array();
    for (size_t i = 0; i < instance.hops.size(); ++i) {
        const InstanceView::Hop& hop = instance.hops[i];
        out.begin_object()
            .field("stage", hop.stage)
            .field("seq", hop.seq)
            .field("time", rfc3339(hop.time_ns));
        if (i > 0) out.field("since_previous_ms", (hop.time_ns - instance.hops[i - 1].time_ns) / 1'000'000);
        out.field_if("verdict", hop.verdict).key("settled").begin_array();
        for (const InstanceView::Rule* rule : settled[i]) {
            out.begin_object().field("rule", rule->name).field("deadline", rfc3339(rule->deadline_ns));
            out.field("late_by_ms", (hop.time_ns - rule->deadline_ns) / 1'000'000).end_object();
        }
        out.end_array();
        if (const auto event = queries_.glance(hop.seq, kDataShownBytes, scope)) {
            out.field("received", rfc3339(event->received_ns)).field("id", event->id);
            out.field("source", event->source).field("type", event->type);
            out.field_if("data", event->data).field("data_bytes", event->data_bytes);
            if (event->hidden) out.field("data_hidden", true);
        }
        out.end_object();
    }
    out.end_array().key("rules").begin_array();
    for (const InstanceView::Rule& rule : instance.rules) write_rule_state(out, rule);
    out.end_array();
    write_alerts(out, instance);
    out.end_object();
}

Response WorkflowDoor::lifecycle(const Request& request) const {
    Parameters parameters(request.query, {"key", "workflow", "tenant"});
    const std::string key = parameters.text("key"), workflow = parameters.text("workflow");
    std::string tenant = parameters.text("tenant");
    const Scope& scope = request.principal.scope;
    if (tenant.empty())
        tenant = scope.all_tenants() || scope.sees_tenant("default") ? "default" : scope.tenants[0];
    auto id = log_.names().tenant(tenant);
    if (!scope.sees_tenant(tenant)) id.reset();
    if (key.empty()) parameters.wrong("key", "is missing: the subject, or what the workflow's key selects");
    if (!id) parameters.wrong("tenant", fmt::format("{} is not known", tenant));
    if (!parameters.errors.empty()) return bad_parameters(parameters.errors);
    const auto found = access_.reader.lifecycle(workflow, *id, key);
    if (!found) return engine_busy();
    JsonWriter out;
    out.begin_object().field("key", key).field("tenant", tenant).key("items").begin_array();
    for (const InstanceView& instance : *found)
        if (sees(scope, instance)) write_lifecycle(out, instance, scope);
    Response answer;
    answer.body = out.end_array().end_object().take();
    return answer;
}

}  // namespace penstock::http

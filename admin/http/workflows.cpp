#include "admin/http/workflows.h"

#include <algorithm>

#include "admin/http/line_diff.h"
#include "admin/http/paging.h"
#include "admin/http/workflow_json.h"
#include "pipeline/record_text.h"

namespace penstock::http {
namespace {

constexpr size_t kPointsMax = 10'000;
constexpr int64_t kMinuteNs = 60'000'000'000;

/// A name as it stands in a path; a broken escape stands for itself, and names no workflow.
std::string unescaped(std::string_view name) { return percent_decode(name).value_or(std::string(name)); }

Response done(JsonWriter& out) {
    Response answer;
    answer.body = out.take();
    return answer;
}

std::optional<std::string> optional_text(const Parameters& parameters, std::string_view name) {
    std::string text = parameters.text(name);
    return text.empty() ? std::nullopt : std::optional(std::move(text));
}

std::string_view op_name(DiffLine::Op op) {
    return op == DiffLine::Op::kSame ? "same" : op == DiffLine::Op::kAdded ? "added" : "removed";
}

}  // namespace

Response engine_busy() {
    return problem(503, "engine-busy", "The engine did not answer in time", "ask again in a moment")
        .header("Retry-After", "1");
}

Response no_such_workflow(std::string_view name) {
    return problem(404, "no-such-workflow", "There is no workflow of this name that runs",
                   fmt::format("\"{}\" is not known; GET /api/v1/workflows lists them", name));
}

WorkflowDoor::WorkflowDoor(const WorkflowAccess& access, const EventLog& log, const EventQueries& queries,
                           const AlertReader& alerts, ControlAsker& asker, const Clock& clock)
    : access_(access), log_(log), queries_(queries), alerts_(alerts), asker_(asker), clock_(clock) {}

std::string WorkflowDoor::tenant_name(uint16_t id) const {
    const auto& tenants = log_.names().tenants;
    return id < tenants.size() ? tenants[id] : std::to_string(id);
}

/// Of its tenant, and, for who sees some regions only, with no event of another or of none that is known.
bool WorkflowDoor::sees(const Scope& scope, const InstanceView& instance) const {
    if (!scope.sees_tenant(tenant_name(instance.tenant))) return false;
    if (scope.all_regions()) return true;
    const auto unseen = [&](Seq seq) { return seq == 0 || !queries_.sees_event(seq, scope); };
    for (const InstanceView::Hop& hop : instance.hops)
        if (unseen(hop.seq)) return false;
    for (const InstanceView::Rule& rule : instance.rules)
        if (instance.hops.empty() && unseen(rule.anchor_seq)) return false;
    return !instance.hops.empty() || !instance.rules.empty();
}

bool WorkflowDoor::is_visible(const Scope& scope, const std::string& name) const {
    if (scope.all_tenants()) return true;
    const auto versions = access_.reader.versions(name);
    return versions && !versions->empty() &&
           std::all_of(versions->begin(), versions->end(), [&](const WorkflowVersion& version) {
               const std::string tenant = RecordText(version.document).text("tenant");
               return !tenant.empty() && scope.sees_tenant(tenant);
           });
}

std::string WorkflowDoor::subject_of(const InstanceView& instance) const {
    Seq seq = instance.hops.empty() ? 0 : instance.hops.front().seq;
    for (const InstanceView::Rule& r : instance.rules)
        if (seq == 0) seq = r.anchor_seq;
    const auto event = seq == 0 ? std::nullopt : queries_.glance(seq, 0);
    if (!event) return "(no longer in the log)";
    return event->subject.empty() ? event->id : event->subject;
}

Response WorkflowDoor::list(const Request& request) const {
    const Scope& scope = request.principal.scope;
    const auto running = access_.reader.workflows();
    const auto names = access_.reader.names();
    if (!running || !names) return engine_busy();
    JsonWriter out;
    out.begin_object().key("items").begin_array();
    for (const WorkflowView& view : *running) {
        if (!is_visible(scope, view.name)) continue;
        out.begin_object();
        write_summary(out, view);
        out.field("owner", access_.of_files.contains(view.name) ? "file" : "api").end_object();
    }
    out.end_array().key("not_running").begin_array();
    for (const std::string& name : *names)
        if (std::none_of(running->begin(), running->end(), [&](const auto& v) { return v.name == name; }) &&
            is_visible(scope, name))
            out.value(name);
    out.end_array().end_object();
    return done(out);
}

Response WorkflowDoor::show(const Request& request, std::string_view name) const {
    const Scope& scope = request.principal.scope;
    auto view = access_.reader.workflow(unescaped(name));
    if (!view) return engine_busy();
    if (view->name.empty() || !is_visible(scope, view->name)) return no_such_workflow(unescaped(name));
    if (!scope.all_regions()) view->groups.clear();  // their names are of events of any region
    JsonWriter out;
    out.begin_object();
    write_summary(out, *view);
    out.field("owner", access_.of_files.contains(view->name) ? "file" : "api");
    write_parts(out, *view);
    out.end_object();
    return done(out);
}

Response WorkflowDoor::series(const Request& request, std::string_view name) const {
    Parameters parameters(request.query, {"rule", "stage", "group", "resolution", "from", "to"});
    SeriesQuery query;
    query.workflow = unescaped(name);
    query.rule = optional_text(parameters, "rule");
    query.stage = optional_text(parameters, "stage");
    query.group = optional_text(parameters, "group");
    const std::string resolution = parameters.text("resolution");
    query.hours = resolution == "hour";
    if (!resolution.empty() && resolution != "hour" && resolution != "minute")
        parameters.wrong("resolution", "must be minute or hour");
    if (query.rule.has_value() + query.stage.has_value() + query.group.has_value() > 1)
        parameters.wrong("rule", "give one of rule, stage and group");
    const int64_t step = query.hours ? 60 * kMinuteNs : kMinuteNs;
    query.to_ns = parameters.time("to", clock_.wall_ns());
    query.from_ns = parameters.time("from", query.to_ns - (query.hours ? 24 : 60) * step);
    if (query.from_ns >= query.to_ns)
        parameters.wrong("from", "must be before `to`");
    else if ((query.to_ns - query.from_ns) / step > static_cast<int64_t>(kPointsMax))
        parameters.wrong("from", fmt::format("asks for more than {} points; ask for a shorter span, or hours",
                                             kPointsMax));
    if (!parameters.errors.empty()) return bad_parameters(parameters.errors);
    if (!is_visible(request.principal.scope, query.workflow)) return no_such_workflow(query.workflow);
    const auto points = access_.reader.series(query);
    if (!points) return engine_busy();
    JsonWriter out;
    out.begin_object().field("workflow", query.workflow).field("resolution", query.hours ? "hour" : "minute");
    out.field("from", rfc3339(query.from_ns)).field("to", rfc3339(query.to_ns)).key("points").begin_array();
    for (const SeriesPoint& point : *points) write_point(out, point);
    out.end_array().end_object();
    return done(out);
}

Response WorkflowDoor::instances(const Request& request, std::string_view name) const {
    Parameters parameters(request.query, {"rule", "phase", "group", "limit"});
    InstanceQuery query;
    query.workflow = unescaped(name);
    query.rule = optional_text(parameters, "rule");
    query.group = optional_text(parameters, "group");
    query.limit = parameters.number("limit", kItemsDefault, 1, kItemsMax);
    if (const std::string phase = parameters.text("phase"); !phase.empty()) {
        const auto at = std::find(kRulePhaseNames.begin(), kRulePhaseNames.end(), phase);
        if (at == kRulePhaseNames.end())
            parameters.wrong("phase", fmt::format("must be one of {}", fmt::join(kRulePhaseNames, ", ")));
        else
            query.phase = static_cast<RulePhase>(at - kRulePhaseNames.begin());
    }
    if (!parameters.errors.empty()) return bad_parameters(parameters.errors);
    const auto found = access_.reader.instances(query);
    if (!found) return engine_busy();
    JsonWriter out;
    out.begin_object().key("items").begin_array();
    for (const InstanceView& instance : *found) {
        if (!sees(request.principal.scope, instance)) continue;
        out.begin_object();
        write_instance(out, instance, tenant_name(instance.tenant), subject_of(instance));
        out.key("rules").begin_array();
        for (const InstanceView::Rule& rule : instance.rules) write_rule_state(out, rule);
        out.end_array().end_object();
    }
    out.end_array().end_object();
    return done(out);
}

Response WorkflowDoor::versions(const Request& request, std::string_view name) const {
    const auto found = access_.reader.versions(unescaped(name));
    if (!found) return engine_busy();
    if (found->empty() || !is_visible(request.principal.scope, unescaped(name)))
        return no_such_workflow(unescaped(name));
    JsonWriter out;
    out.begin_object().field("workflow", unescaped(name)).key("items").begin_array();
    for (const WorkflowVersion& version : *found) {
        out.begin_object();
        write_version(out, version);
        out.end_object();
    }
    out.end_array().end_object();
    return done(out);
}

std::optional<WorkflowDoor::Place> WorkflowDoor::place_of(std::string_view place) {
    constexpr std::string_view kBetween = "/versions/";
    const size_t at = place.find(kBetween);
    const auto number = parse_unsigned(place.substr(at + kBetween.size()));
    if (!number || *number == 0) return std::nullopt;
    return Place{unescaped(place.substr(0, at)), *number};
}

std::optional<WorkflowVersion> WorkflowDoor::find_version(const Place& place, Response& why) const {
    const auto found = access_.reader.versions(place.name);
    if (!found) {
        why = engine_busy();
        return std::nullopt;
    }
    for (const WorkflowVersion& version : *found)
        if (version.number == place.version) return version;
    why = problem(404, "no-such-version", "There is no such version",
                  fmt::format("\"{}\" has no version {}; GET /api/v1/workflows/{}/versions lists them",
                              place.name, place.version, percent_encode(place.name)));
    return std::nullopt;
}

Response WorkflowDoor::version(const Request& request, std::string_view text) const {
    const auto place = place_of(text);
    if (!place) return bad_parameters({{"version", "must be a whole number from 1"}});
    if (!is_visible(request.principal.scope, place->name)) return no_such_workflow(place->name);
    Response why;
    const auto found = find_version(*place, why);
    if (!found) return why;
    JsonWriter out;
    out.begin_object().field("workflow", place->name);
    write_version(out, *found);
    out.key("document").raw(found->document).end_object();
    return done(out);
}

Response WorkflowDoor::diff(const Request& request, std::string_view text) const {
    Parameters parameters(request.query, {"against"});
    const auto place = place_of(text);
    if (!place) parameters.wrong("version", "must be a whole number from 1");
    const uint64_t against =
        parameters.number("against", place ? place->version - 1 : 0, 1, std::numeric_limits<uint32_t>::max());
    if (!parameters.errors.empty()) return bad_parameters(parameters.errors);
    if (!is_visible(request.principal.scope, place->name)) return no_such_workflow(place->name);
    Response why;
    const auto after = find_version(*place, why);
    if (!after) return why;
    std::string before;  // the first version has nothing before it
    if (against != 0) {
        const auto found = find_version({place->name, against}, why);
        if (!found) return why;
        before = pretty_json(found->document);
    }
    const auto lines = diff_lines(before, pretty_json(after->document));
    const auto count = [&](DiffLine::Op op) {
        return std::count_if(lines.begin(), lines.end(), [&](const DiffLine& l) { return l.op == op; });
    };
    JsonWriter out;
    out.begin_object().field("workflow", place->name).field("version", place->version);
    out.field("against", against).field("added", count(DiffLine::Op::kAdded));
    out.field("removed", count(DiffLine::Op::kRemoved)).key("lines").begin_array();
    for (const DiffLine& line : lines)
        out.begin_object().field("op", op_name(line.op)).field("text", line.text).end_object();
    out.end_array().end_object();
    return done(out);
}

}  // namespace penstock::http

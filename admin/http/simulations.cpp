#include "admin/http/simulations.h"

#include <boost/json.hpp>

#include "admin/http/request_body.h"
#include "admin/http/workflow_json.h"
#include "admin/http/workflows.h"

namespace penstock::http {
namespace {

namespace json = boost::json;

Response no_such_simulation(std::string_view id) {
    return problem(404, "no-such-simulation", "There is no simulation with this id",
                   fmt::format("\"{}\" is not known; the last {} are kept, until the next start", id,
                               SimulationService::kKeptMax));
}

void write_run(JsonWriter& out, std::string_view name, const SimulatedRun& run) {
    out.key(name).begin_object().field("troubles", run.troubles);
    out.field("digest", fmt::format("{:016x}", run.digest)).key("rules").begin_array();
    for (const SimulatedRule& r : run.rules) {
        out.begin_object().field("name", r.name).field("anchored", r.anchored).field("met", r.met);
        out.field("late", r.late).field("missed", r.missed).field("pending", r.pending);
        out.field("cancelled", r.cancelled).end_object();
    }
    out.end_array().end_object();
}

/// Members of an open object.
void write_progress(JsonWriter& out, const SimulationView& v) {
    out.field("id", std::to_string(v.id)).field("workflow", v.request.workflow);
    out.field("state", kSimulationStateNames[static_cast<size_t>(v.state)]).field("progress", v.progress);
    out.field_if("region", v.request.region);
    out.field("from", rfc3339(v.request.from_ns)).field("to", rfc3339(v.request.to_ns));
    write_time(out, "first_record", v.first_ns);
    out.field("events", v.events).field("events_per_second", v.events_per_second);
    out.field_if("failure", v.failure);
}

}  // namespace

void SimulationDoor::write_difference(JsonWriter& out, std::string_view name,
                                      const SimulatedDifference& d) const {
    const auto& tenants = log_.names().tenants;
    out.key(name).begin_object().field("total", d.total).key("shown").begin_array();
    for (const SimulatedTrouble& t : d.shown) {
        out.begin_object().field("rule", t.rule);
        out.field("tenant", t.tenant < tenants.size() ? tenants[t.tenant] : std::to_string(t.tenant));
        out.field("key", t.key).field_if("group", t.group).field("severity", t.severity);
        write_time(out, "deadline", t.deadline_ns);
        if (t.baseline_deadline_ns != 0) write_time(out, "baseline_deadline", t.baseline_deadline_ns);
        write_time(out, "found", t.at_ns);
        out.end_object();
    }
    out.end_array().end_object();
}

void SimulationDoor::write_whole(JsonWriter& out, const SimulationView& v) const {
    out.begin_object();
    write_progress(out, v);
    if (v.state == SimulationState::kDone) {
        write_run(out, "candidate", v.candidate);
        if (v.baseline) write_run(out, "baseline", *v.baseline);
        write_difference(out, "added", v.added);
        write_difference(out, "removed", v.removed);
        write_difference(out, "moved", v.moved);
        out.field("differences_cut", v.differences_cut);
        if (!v.request.key.empty()) {
            out.field("key", v.request.key).key("findings").begin_array();
            for (const SimulatedFinding& f : v.findings) {
                out.begin_object().field("of", f.candidate ? "candidate" : "baseline").field("kind", f.kind);
                out.field("rule", f.rule);
                write_time(out, "deadline", f.deadline_ns);
                write_time(out, "at", f.at_ns);
                out.field("cause_seq", f.cause_seq).end_object();
            }
            out.end_array();
        }
    }
    out.end_object();
}

std::optional<Response> SimulationDoor::find_documents(const Request& request, SimulationRequest& out) const {
    RequestBody body(request, {"document", "workflow", "version", "region", "from", "to", "key", "tenant"});
    const json::value* document = body.members.if_contains("document");
    const std::string workflow = body.text("workflow"), tenant = body.text("tenant");
    const auto version = body.number("version", 1, std::numeric_limits<uint32_t>::max());
    out.key = body.text("key");
    out.region = body.text("region");
    if (!out.region.empty() && !log_.names().region(out.region))
        body.wrong(fmt::format("\"region\": {} is not known", out.region));
    out.from_ns = body.time("from").value_or(0);
    out.to_ns = body.time("to").value_or(clock_.wall_ns());
    if (out.from_ns >= out.to_ns) body.wrong("\"from\" is not before \"to\"");
    if (document ? !workflow.empty() || version : workflow.empty() || !version)
        body.wrong("give either \"document\", or \"workflow\" and \"version\"");
    if (document && !document->is_object()) body.wrong("\"document\" is not an object");
    if (!tenant.empty()) {
        const auto id = log_.names().tenant(tenant);
        if (!id) body.wrong(fmt::format("\"tenant\": {} is not known", tenant));
        out.tenant = id.value_or(0);
    }
    if (!body.fault.empty()) return bad_body(body.fault);

    if (document) {
        out.candidate = json::serialize(*document);
        const json::value* name = document->get_object().if_contains("name");
        if (name && name->is_string()) out.workflow = std::string(name->get_string());
    } else {
        out.workflow = workflow;
    }
    const auto versions = access_.reader.versions(out.workflow);
    if (!versions) return engine_busy();
    for (const WorkflowVersion& v : *versions) {
        if (version && v.number == *version) out.candidate = v.document;
        if (v.state == VersionState::kActive) out.baseline = v.document;
    }
    if (out.candidate.empty())
        return problem(404, "no-such-version", "There is no such version",
                       fmt::format("\"{}\" has no version {}", workflow, *version));
    if (const std::string faults = access_.faults_of(out.candidate); !faults.empty())
        return faulty_document("only a valid one can run", faults);
    return std::nullopt;
}

Response SimulationDoor::start(const Request& request) const {
    SimulationRequest wanted;
    if (auto refused = find_documents(request, wanted)) return std::move(*refused);
    const auto id = access_.simulations.start(std::move(wanted));
    if (!id)
        return problem(429, "too-many-simulations", "Too many simulations run",
                       fmt::format("at most {} at once; wait for one, or cancel it",
                                   SimulationService::kRunningMax))
            .header("Retry-After", "5");
    JsonWriter out;
    out.begin_object().field("id", std::to_string(*id)).end_object();
    Response answer;
    answer.status = 202;
    answer.body = out.take();
    answer.header("Location", fmt::format("/api/v1/simulations/{}", *id));
    return answer;
}

Response SimulationDoor::list() const {
    JsonWriter out;
    out.begin_object().key("items").begin_array();
    for (const SimulationView& view : access_.simulations.simulations()) {
        out.begin_object();
        write_progress(out, view);
        out.end_object();
    }
    Response answer;
    answer.body = out.end_array().end_object().take();
    return answer;
}

Response SimulationDoor::show(std::string_view id) const {
    const auto number = parse_unsigned(id);
    const auto view = number ? access_.simulations.simulation(*number) : std::nullopt;
    if (!view) return no_such_simulation(id);
    JsonWriter out;
    write_whole(out, *view);
    Response answer;
    answer.body = out.take();
    return answer;
}

Response SimulationDoor::cancel(std::string_view id) const {
    const auto number = parse_unsigned(id);
    if (!number || !access_.simulations.cancel(*number)) return no_such_simulation(id);
    return show(id);
}

}  // namespace penstock::http

// Versions of workflows over HTTP: published, taken into use, retired.
#include <algorithm>
#include <boost/json.hpp>

#include "admin/http/paging.h"
#include "admin/http/request_body.h"
#include "admin/http/workflow_json.h"
#include "admin/http/workflows.h"
#include "schemas/limits.h"

namespace penstock::http {
namespace {

namespace json = boost::json;

/// What a document calls itself; empty where it is no JSON object, or has no name.
std::string name_in(std::string_view document) {
    json::error_code failed;
    const json::value root = json::parse(document, failed);
    const json::object* o = failed ? nullptr : root.if_object();
    const json::value* name = o ? o->if_contains("name") : nullptr;
    return name && name->is_string() ? std::string(name->get_string()) : std::string();
}

struct Action {
    std::string_view name;
    std::initializer_list<VersionState> from;
};
using enum VersionState;
const Action kActions[] = {{"shadow", {kDraft, kValidated, kRetired}},
                           {"activate", {kDraft, kValidated, kShadow, kDraining, kRetired}},
                           {"retire", {kShadow, kActive, kDraining}},
                           {"discard", {kDraft, kValidated}}};

}  // namespace

/// 409 where a file of the configuration decides what is active.
std::optional<Response> WorkflowDoor::refuse_owned(std::string_view name) const {
    if (!access_.of_files.contains(name)) return std::nullopt;
    return problem(
        409, "file-owned", "The workflow belongs to a file of the configuration",
        fmt::format("\"{}\" is in a file of sla.workflows, which decides what is active: change the "
                    "file and start anew, or take it out of sla.workflows first; drafts and shadow "
                    "versions may be published here all the same",
                    name));
}

Response WorkflowDoor::after_change(const std::string& name, Seq seq, uint64_t number,
                                    unsigned status) const {
    const auto found = access_.reader.versions(name);
    if (!found) return engine_busy();
    for (const WorkflowVersion& version : *found) {
        const auto made = [&](const VersionStep& step) { return step.seq == seq; };
        if (std::none_of(version.history.begin(), version.history.end(), made)) continue;
        JsonWriter out;
        out.begin_object().field("workflow", name);
        write_version(out, version);
        Response answer;
        answer.status = status;
        answer.body = out.end_object().take();
        return answer;
    }
    return problem(409, "not-done", "The version was not changed",
                   fmt::format("somebody was faster{}; look at the versions and ask again",
                               number == 0 ? "" : fmt::format(" with version {}", number)));
}

void WorkflowDoor::publish(const Request& request, const Answer& answer) {
    if (!asker_.ready(answer)) return;
    Parameters parameters(request.query, {"state", "by", "note", "migrate"});
    std::string state = parameters.text("state"), by = parameters.text("by");
    const std::string note = parameters.text("note"), migrate = parameters.text("migrate");
    if (state.empty()) state = "draft";
    if (state != "draft" && state != "shadow" && state != "active")
        parameters.wrong("state", "must be draft, shadow or active");
    if (!migrate.empty() && migrate != "true" && migrate != "false")
        parameters.wrong("migrate", "must be true or false");
    for (const char* name : {"by", "note"})
        if (parameters.text(name).size() > kTextBytesMax)
            parameters.wrong(name, fmt::format("is longer than {} bytes", kTextBytesMax));
    if (!parameters.errors.empty()) return answer(bad_parameters(parameters.errors));

    const std::string name = name_in(request.body);
    const std::string faults = access_.faults_of(request.body);
    if (name.empty() || name.size() > limits::kAttributeBytesMax)
        return answer(
            faulty_document("a version is kept under the document's name, and this one has none",
                            faults.empty() ? "/name: is missing; give a non-empty string" : faults));
    if (!faults.empty() && state != "draft")
        return answer(faulty_document("only a draft may have faults", faults));
    if (state == "active")
        if (auto refused = refuse_owned(name)) return answer(std::move(*refused));
    by = who_did(request, by);
    std::string text = json::serialize(json::object{{"action", state == "active" ? "activate" : state},
                                                    {"version", 0},
                                                    {"document", request.body},
                                                    {"migrate", migrate == "true"},
                                                    {"by", by},
                                                    {"note", note}});
    if (text.size() > limits::kControlTextBytesMax)
        return answer(problem(413, "document-too-large", "The document is too large",
                              fmt::format("with its escapes it has {} bytes; at most {} are kept",
                                          text.size(), limits::kControlTextBytesMax)));
    asker_.ask(ControlKind::kWorkflowVersion, name, std::move(text), answer,
               [this, name](Seq seq) { return after_change(name, seq, 0, 201); });
}

void WorkflowDoor::change(const Request& request, std::string_view text, const Answer& answer) {
    if (!asker_.ready(answer)) return;
    const auto place = place_of(text);
    if (!place) return answer(bad_parameters({{"version", "must be a whole number from 1"}}));
    RequestBody body(request, {"action", "by", "note", "migrate"});
    const std::string action = body.text("action", true), note = body.text("note");
    std::string by = body.text("by");
    const bool migrate = body.flag("migrate");
    const auto known = std::find_if(std::begin(kActions), std::end(kActions),
                                    [&](const Action& a) { return a.name == action; });
    if (known == std::end(kActions)) body.wrong("\"action\" must be shadow, activate, retire or discard");
    if (!body.fault.empty()) return answer(bad_body(body.fault));
    Response why;
    const auto found = find_version(*place, why);
    if (!found) return answer(std::move(why));
    if (std::find(known->from.begin(), known->from.end(), found->state) == known->from.end())
        return answer(problem(409, "not-allowed", "The version's state does not allow this",
                              fmt::format("version {} is {}; \"{}\" is not for such a one", place->version,
                                          kVersionStateNames[static_cast<size_t>(found->state)], action)));
    if (action == "activate" || (action == "retire" && found->state == kActive))
        if (auto refused = refuse_owned(place->name)) return answer(std::move(*refused));
    if (action == "shadow" || action == "activate")
        if (const std::string faults = access_.faults_of(found->document); !faults.empty())
            return answer(faulty_document("publish a mended one", faults));
    by = who_did(request, by);
    const json::object record{
        {"action", action}, {"version", place->version}, {"migrate", migrate}, {"by", by}, {"note", note}};
    asker_.ask(ControlKind::kWorkflowVersion, place->name, json::serialize(record), answer,
               [this, place = *place, discards = action == "discard"](Seq seq) {
                   Response unknown;
                   if (!discards || find_version(place, unknown))
                       return after_change(place.name, seq, place.version, 200);
                   if (unknown.status != 404) return unknown;
                   Response gone;
                   gone.body = JsonWriter()
                                   .begin_object()
                                   .field("workflow", place.name)
                                   .field("version", place.version)
                                   .field("state", "discarded")
                                   .end_object()
                                   .take();
                   return gone;
               });
}

}  // namespace penstock::http

#include "admin/http/message.h"

#include "admin/http/origin.h"
#include "admin/http/text.h"

namespace penstock::http {
namespace {

JsonWriter begin_problem(unsigned status, std::string_view slug, std::string_view title,
                         std::string_view detail) {
    JsonWriter json;
    json.begin_object()
        .field("type", fmt::format("urn:penstock:problem:{}", slug))
        .field("title", title)
        .field("status", status)
        .field("detail", detail);
    return json;
}

Response finish(unsigned status, JsonWriter& json) {
    Response answer;
    answer.status = status;
    answer.content_type = "application/problem+json";
    answer.body = json.end_object().take();
    return answer;
}

}  // namespace

Response problem(unsigned status, std::string_view slug, std::string_view title, std::string_view detail) {
    JsonWriter json = begin_problem(status, slug, title, detail);
    return finish(status, json);
}

Response bad_parameters(const std::vector<ParameterError>& errors) {
    JsonWriter json =
        begin_problem(400, "bad-parameter", "A query parameter is wrong",
                      errors.empty() ? "" : errors.front().parameter + ": " + errors.front().detail);
    json.key("errors").begin_array();
    for (const auto& e : errors) {
        json.begin_object().field("parameter", e.parameter).field("detail", e.detail).end_object();
    }
    json.end_array();
    return finish(400, json);
}

void show_once(Response& answer, std::string_view member, std::string_view secret) {
    const auto with = [&](std::string_view name, std::string_view value) {
        const std::string object = JsonWriter().begin_object().field(name, value).end_object().take();
        return answer.body.substr(0, answer.body.size() - 1) + "," + object.substr(1);
    };
    answer.kept_body = with("withheld", member);
    answer.body = with(member, secret);
}

bool has_content_type(const Request& request, std::string_view type) {
    const std::string_view given(request.content_type);
    return equal_ignoring_case(given.substr(0, given.find_first_of("; ")), type);
}

std::optional<Response> refuse_change(const Request& request, bool takes_form) {
    const std::string& from = request.fetch_site;
    if (!same_origin(request.origin, request.host) ||
        (!from.empty() && from != "same-origin" && from != "none"))
        return problem(403, "foreign-origin", "Pages of other sites may change nothing",
                       "the Origin or the Sec-Fetch-Site header names another site than the Host header");
    // Without credentials, the host's name is what tells pages apart, and a name that leads here may be
    // anybody's (DNS rebinding); an address is not.
    if (request.principal.kind == Principal::Kind::kLocal && !request.origin.empty() &&
        !is_loopback_host(request.host) && !is_address_host(request.host))
        return problem(403, "foreign-origin", "Pages of other sites may change nothing",
                       "the Host header is no address");
    if (request.method == "DELETE" && request.body.empty()) return std::nullopt;  // no form sends it
    if (takes_form &&
        (has_content_type(request, kFormType) || (request.body.empty() && request.content_type.empty())))
        return std::nullopt;
    if (!has_content_type(request, "application/json"))
        return problem(415, "not-json", "The request needs Content-Type: application/json",
                       "send a JSON object; {} where there is nothing to say");
    return std::nullopt;
}

std::string who_did(const Request& request, const std::string& given) {
    const Principal& who = request.principal;
    if (who.kind == Principal::Kind::kUser) return who.name;
    if (who.kind == Principal::Kind::kMachine)
        return given.empty() ? who.name : fmt::format("{} ({})", given, who.name);
    return given.empty() ? "http " + request.peer : given;
}

Response role_missing(Role needed, const Principal& who) {
    return problem(
        403, "role-missing", "You may not do this",
        fmt::format("it needs the role {}; {} has the role {}", kRoleNames[static_cast<size_t>(needed)],
                    who.name, kRoleNames[static_cast<size_t>(who.role)]));
}

}  // namespace penstock::http

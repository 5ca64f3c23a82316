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

std::optional<Response> refuse_change(const Request& request) {
    // A name that leads here may be anybody's (DNS rebinding); an address is not.
    if (!same_origin(request.origin, request.host) ||
        (!request.origin.empty() && !is_loopback_host(request.host) && !is_address_host(request.host)))
        return problem(
            403, "foreign-origin", "Pages of other sites may change nothing",
            "the Origin header names another site than the Host header, or the Host is no address");
    if (request.method == "DELETE" && request.body.empty()) return std::nullopt;  // no form sends it
    const std::string_view type(request.content_type);
    if (!equal_ignoring_case(type.substr(0, type.find_first_of("; ")), "application/json"))
        return problem(415, "not-json", "The request needs Content-Type: application/json",
                       "send a JSON object; {} where there is nothing to say");
    return std::nullopt;
}

}  // namespace penstock::http

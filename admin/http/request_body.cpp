#include "admin/http/request_body.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "pipeline/rfc3339.h"

namespace penstock::http {

namespace json = boost::json;

RequestBody::RequestBody(const Request& request, std::initializer_list<std::string_view> known) {
    json::error_code failed;
    json::value root =
        json::parse(request.body.empty() ? std::string_view("{}") : std::string_view(request.body), failed);
    if (failed || !root.is_object()) {
        fault = "the body is not a JSON object";
        return;
    }
    members = std::move(root.get_object());
    for (const auto& member : members)
        if (std::find(known.begin(), known.end(), std::string_view(member.key())) == known.end())
            wrong(fmt::format("\"{}\" is not known; known are {}", std::string_view(member.key()),
                              fmt::join(known, ", ")));
}

std::string RequestBody::text(std::string_view name, bool required) {
    const json::value* v = members.if_contains(name);
    if (v && !v->is_string()) wrong(fmt::format("\"{}\" is not a string", name));
    std::string text(v && v->is_string() ? std::string_view(v->get_string()) : std::string_view());
    if (text.size() > kTextBytesMax)
        wrong(fmt::format("\"{}\" is longer than {} bytes", name, kTextBytesMax));
    if (required && text.empty()) wrong(fmt::format("\"{}\" is missing", name));
    return text;
}

std::optional<uint64_t> RequestBody::number(std::string_view name, uint64_t min, uint64_t max) {
    const json::value* v = members.if_contains(name);
    if (!v) return std::nullopt;
    json::error_code failed;
    const uint64_t n = v->is_number() ? v->to_number<uint64_t>(failed) : 0;
    if (v->is_number() && !failed && n >= min && n <= max) return n;
    wrong(fmt::format("\"{}\" must be a whole number from {} to {}", name, min, max));
    return std::nullopt;
}

bool RequestBody::flag(std::string_view name) {
    const json::value* v = members.if_contains(name);
    if (v && !v->is_bool()) wrong(fmt::format("\"{}\" must be true or false", name));
    return v && v->is_bool() && v->get_bool();
}

std::optional<StampNs> RequestBody::time(std::string_view name) {
    const std::string given = text(name);
    if (given.empty()) return std::nullopt;
    const auto at = parse_rfc3339(given);
    if (!at) wrong(fmt::format("\"{}\" must be an RFC 3339 instant, for example 2026-01-31T08:00:00Z", name));
    return at;
}

Response bad_body(std::string_view detail) {
    return problem(400, "bad-body", "The request's body is wrong", detail);
}

}  // namespace penstock::http

#include "admin/http/router.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace penstock::http {
namespace {

/// The console's pages; the console itself knows which there are.
constexpr std::string_view kConsolePrefix = "/console/";

Response not_found(std::string_view path) {
    return problem(404, "not-found", "There is nothing at this address",
                   fmt::format("{} is not an address of this server; /api/v1/openapi.yaml lists them", path));
}

}  // namespace

void add_common_headers(Response& answer) {
    const bool html = answer.content_type.starts_with("text/html");
    // A page without a referrer would send its form with Origin: null.
    const std::string_view referrer = answer.has_form ? "same-origin" : "no-referrer";
    answer.header(
        "Content-Security-Policy",
        answer.has_form ? "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; "
                          "frame-ancestors 'none'"
        : !answer.nonce.empty()
            ? fmt::format("default-src 'none'; script-src 'self' 'nonce-{0}'; style-src 'self' 'nonce-{0}'; "
                          "img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; "
                          "form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
                          "trusted-types default",
                          answer.nonce)
        : html ? "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; "
                 "frame-ancestors 'none'"
               : "default-src 'none'; frame-ancestors 'none'");
    answer.header("X-Content-Type-Options", "nosniff").header("Referrer-Policy", std::string(referrer));
    answer.header("Cross-Origin-Resource-Policy", "same-origin")
        .header("Cross-Origin-Opener-Policy", "same-origin");
    answer.header("Cache-Control", answer.immutable           ? "public, max-age=31536000, immutable"
                                   : html && !answer.has_form ? "no-cache"
                                                              : "no-store");
}

std::vector<std::string_view> Router::paths() {
    std::vector<std::string_view> all{kStreamPath, kStreamAlias};
    for (const Route& route : routes())
        if (std::find(all.begin(), all.end(), route.path) == all.end()) all.push_back(route.path);
    return all;
}

std::vector<Router::Way> Router::ways() {
    std::vector<Way> all{{"GET", kStreamPath, Need::kViewer}, {"GET", kStreamAlias, Need::kViewer}};
    for (const Route& route : routes()) all.push_back({route.method, route.path, route.need});
    return all;
}

namespace {
/// What stands for the path's braces; of several, from the first to the last. Nothing when the path is not of
/// the pattern.
std::optional<std::string_view> match(std::string_view pattern, std::string_view path) {
    const size_t open = pattern.find('{');
    if (open == std::string_view::npos)
        return path == pattern ? std::optional<std::string_view>("") : std::nullopt;
    const std::string_view before = pattern.substr(0, open), after = pattern.substr(pattern.rfind('}') + 1);
    if (path.size() <= before.size() + after.size() || !path.starts_with(before) || !path.ends_with(after))
        return std::nullopt;
    const std::string_view argument = path.substr(before.size(), path.size() - before.size() - after.size());
    std::string_view wanted = pattern.substr(open, pattern.size() - open - after.size()), given = argument;
    for (;;) {
        const size_t wanted_end = wanted.find('/'), given_end = given.find('/');
        const std::string_view segment = wanted.substr(0, wanted_end), value = given.substr(0, given_end);
        if (value.empty() || (segment[0] != '{' && segment != value)) return std::nullopt;
        if ((wanted_end == std::string_view::npos) != (given_end == std::string_view::npos))
            return std::nullopt;
        if (wanted_end == std::string_view::npos) return argument;
        wanted.remove_prefix(wanted_end + 1);
        given.remove_prefix(given_end + 1);
    }
}
}  // namespace

void Router::handle(const Request& request, Answer answer) const {
    const auto finish = [answer = std::move(answer)](Response response) {
        add_common_headers(response);
        answer(std::move(response));
    };
    try {
        Request identified = request;
        dispatch(identified, finish);
    } catch (const std::exception& e) {
        spdlog::error("http: {} {}: {}", request.method,
                      looks_like_token(request.path) ? "a token" : request.path, e.what());
        finish(problem(500, "internal", "The server could not answer", e.what()));
    }
}

std::optional<Response> Router::refuse(const Request& request, Need need, Reach reach) const {
    const Scope& scope = request.principal.scope;
    const auto limited = [&]() -> std::optional<Response> {
        if ((reach != Reach::kAny && !scope.all_tenants()) ||
            (reach == Reach::kEverything && !scope.all_regions()))
            return problem(
                403, "limited", "This is of more than you see",
                "its figures or effects cannot be told apart by region and tenant, and you are limited "
                "to some");
        return std::nullopt;
    };
    if (need == Need::kNothing) return limited();
    if (!gate_.knows())
        return problem(503, "not-ready", "It is not known yet who may ask",
                       "the appliance is recovering its state; ask again when /readyz answers 200")
            .header("Retry-After", "1");
    const Principal& who = request.principal;
    if (who.kind == Principal::Kind::kNobody)
        return sign_in_first(
            "POST /api/v1/session, or send an API key as X-API-Key or Authorization: Bearer");
    const auto role = static_cast<Role>(static_cast<uint8_t>(need) - 1);
    if (who.role < role) return role_missing(role, who);
    return limited();
}

void Router::dispatch(Request& request, const Answer& answer) const {
    const std::string_view path = request.path;
    const bool reads = request.method == "GET" || request.method == "HEAD";
    const auto not_allowed = [&](std::string_view allowed) {
        answer(problem(405, "method-not-allowed", "The method is not allowed here",
                       fmt::format("{} takes {}, not {}", path, allowed, request.method))
                   .header("Allow", std::string(allowed)));
    };
    if (path.starts_with(kAssetsPrefix))
        return reads ? answer(HostDoor::asset(request)) : not_allowed("GET, HEAD");
    if (path.starts_with(kConsolePrefix))
        return reads ? answer(HostDoor::console()) : not_allowed("GET, HEAD");
    auto wrong = gate_.identify(request);
    std::string allowed;
    for (const Route& route : routes()) {
        const auto argument = match(route.path, path);
        if (!argument) continue;
        if (route.method != (reads ? "GET" : request.method)) {
            allowed += allowed.empty() ? "" : ", ";
            allowed += route.method == "GET" ? "GET, HEAD" : route.method;
            continue;
        }
        const bool opened =
            route.of_metrics ? !gate_.open_metrics() : route.for_producers && request.principal.producer;
        const Need need = opened ? Need::kViewer : route.need;
        if (need != Need::kNothing && wrong) return answer(std::move(*wrong));
        if (auto refused = refuse(request, need, route.reach)) return answer(std::move(*refused));
        if (route.read) return answer(route.read(doors_, request, *argument));
        if (reads) return route.ask(doors_, request, *argument, answer);
        if (auto refused = refuse_change(request, route.takes_form)) return answer(std::move(*refused));
        return route.ask(doors_, request, *argument, answer);
    }
    if (!allowed.empty()) return not_allowed(allowed);
    if (path == kStreamPath || path == kStreamAlias) {
        if (!reads) return not_allowed("GET, HEAD");
        if (wrong) return answer(std::move(*wrong));
        if (auto refused = refuse(request, Need::kViewer, Reach::kAny)) return answer(std::move(*refused));
        return answer(problem(426, "upgrade-required", "This address speaks WebSocket",
                              "open it with a WebSocket client; /api/v1/status answers the same once")
                          .header("Upgrade", "websocket"));
    }
    if (request.method == "GET" && looks_like_token(path))
        return doors_.sign_in->by_link(request, path.substr(1), answer);
    answer(not_found(path));
}

}  // namespace penstock::http

#include "admin/http/router.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "admin/http/metrics.h"
#include "admin/http/page_assets.h"
#include "admin/http/paging.h"
#include "admin/http/text.h"

namespace penstock::http {
namespace {

constexpr std::string_view kAssetsPrefix = "/assets/";

Response not_found(std::string_view path) {
    return problem(404, "not-found", "There is nothing at this address",
                   fmt::format("{} is not an address of this server; /api/v1/openapi.yaml lists them", path));
}

}  // namespace

void add_common_headers(Response& answer) {
    const bool html = answer.content_type.starts_with("text/html");
    answer.header(
        "Content-Security-Policy",
        html ? "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
               "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
               "require-trusted-types-for 'script'"
             : "default-src 'none'; frame-ancestors 'none'");
    answer.header("X-Content-Type-Options", "nosniff").header("Referrer-Policy", "no-referrer");
    answer.header("Cross-Origin-Resource-Policy", "same-origin")
        .header("Cross-Origin-Opener-Policy", "same-origin");
    answer.header("Cache-Control", answer.immutable ? "public, max-age=31536000, immutable"
                                   : html           ? "no-cache"
                                                    : "no-store");
}

const Router::Route Router::kRoutes[] = {
    {"/", &Router::page},
    {"/healthz", &Router::healthz},
    {"/readyz", &Router::readyz},
    {"/metrics", &Router::metrics},
    {"/api/v1/status", &Router::status},
    {"/api/v1/workflows", &Router::workflows, &Router::publish_workflow},
    {"/api/v1/workflows/{name}", &Router::workflow},
    {"/api/v1/workflows/{name}/series", &Router::workflow_series},
    {"/api/v1/workflows/{name}/instances", &Router::workflow_instances},
    {"/api/v1/workflows/{name}/versions", &Router::workflow_versions},
    {"/api/v1/workflows/{name}/versions/{version}", &Router::workflow_version, &Router::change_version},
    {"/api/v1/workflows/{name}/versions/{version}/diff", &Router::workflow_diff},
    {"/api/v1/lifecycle", &Router::lifecycle},
    {"/api/v1/simulations", &Router::simulations, &Router::start_simulation},
    {"/api/v1/simulations/{id}", &Router::simulation, nullptr, &Router::cancel_simulation},
    {"/api/v1/events", &Router::events, &Router::take_events},
    {"/api/v1/events/{seq}", &Router::event},
    {"/api/v1/deadletters", &Router::dead_letters},
    {"/api/v1/deadletters/{seq}", &Router::dead_letter},
    {"/api/v1/deadletters/{seq}/retry", nullptr, &Router::retry},
    {"/api/v1/deadletters/{seq}/drop", nullptr, &Router::drop},
    {"/api/v1/alerts", &Router::alerts},
    {"/api/v1/alerts/{id}", &Router::alert},
    {"/api/v1/alerts/{id}/ack", nullptr, &Router::change_alert<ControlKind::kAlertAcked>},
    {"/api/v1/alerts/{id}/unack", nullptr, &Router::change_alert<ControlKind::kAlertUnacked>},
    {"/api/v1/alerts/{id}/assign", nullptr, &Router::change_alert<ControlKind::kAlertAssigned>},
    {"/api/v1/alerts/{id}/resolve", nullptr, &Router::change_alert<ControlKind::kAlertResolved>},
    {"/api/v1/silences", &Router::silences, &Router::add_silence},
    {"/api/v1/silences/{id}/expire", nullptr, &Router::expire_silence},
    {"/api/v1/maintenance", &Router::maintenance, &Router::add_maintenance},
    {"/api/v1/maintenance/{id}", nullptr, nullptr, &Router::end_maintenance},
    {"/api/v1/review/items", &Router::review_items},
    {"/api/v1/review/items/{id}", &Router::review_item},
    {"/api/v1/review/items/{id}/claim", nullptr, &Router::change_item<ControlKind::kReviewClaimed>},
    {"/api/v1/review/items/{id}/release", nullptr, &Router::change_item<ControlKind::kReviewReleased>},
    {"/api/v1/review/items/{id}/renew", nullptr, &Router::change_item<ControlKind::kReviewRenewed>},
    {"/api/v1/review/items/{id}/reassign", nullptr, &Router::change_item<ControlKind::kReviewReassigned>},
    {"/api/v1/review/items/{id}/escalate", nullptr, &Router::change_item<ControlKind::kReviewEscalated>},
    {"/api/v1/review/items/{id}/decide", nullptr, &Router::change_item<ControlKind::kReviewDecided>},
    {"/api/v1/review/items/{id}/undo", nullptr, &Router::change_item<ControlKind::kReviewUndone>},
    {"/api/v1/review/decisions", nullptr, &Router::decide_items},
    {"/api/v1/review/summary", &Router::review_summary},
    {"/assignments/{id}", nullptr, nullptr, nullptr, &Router::put_assignment},
    {"/api/v1/audit", &Router::audit},
    {"/api/v1/audit/head", &Router::audit_head},
    {"/api/v1/tenants", &Router::tenants, &Router::add_tenant},
    {"/api/v1/tenants/{id}", &Router::tenant, nullptr, nullptr, nullptr, &Router::change_tenant},
    {"/api/v1/tenants/{id}/keys", nullptr, &Router::add_tenant_key},
    {"/api/v1/tenants/{id}/keys/{key}", nullptr, nullptr, &Router::revoke_tenant_key},
    {"/api/v1/openapi.yaml", &Router::openapi},
};

Router::Router(const Telemetry& telemetry, const Clock& clock, const Sampler& sampler,
               const EventQueries& queries, DeadLetterDoor& letters, AlertDoor& alerts,
               WorkflowDoor& workflows, const SimulationDoor& simulations, ReviewDoor& review,
               const AuditDoor& audit, IntakeDoor& intake, TenantDoor& tenants, const Counters& counters)
    : telemetry_(telemetry),
      clock_(clock),
      sampler_(sampler),
      queries_(queries),
      letters_(letters),
      alerts_(alerts),
      workflows_(workflows),
      simulations_(simulations),
      review_(review),
      audit_(audit),
      intake_(intake),
      tenants_(tenants),
      counters_(counters) {}

std::vector<std::string_view> Router::paths() const {
    std::vector<std::string_view> all{kStreamPath, kStreamAlias};
    for (const Route& route : kRoutes) all.push_back(route.path);
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
        dispatch(request, finish);
    } catch (const std::exception& e) {
        spdlog::error("http: {} {}: {}", request.method, request.path, e.what());
        finish(problem(500, "internal", "The server could not answer", e.what()));
    }
}

void Router::dispatch(const Request& request, const Answer& answer) const {
    const std::string_view path = request.path;
    const bool reads = request.method == "GET" || request.method == "HEAD";
    const auto not_allowed = [&](std::string_view allowed) {
        answer(problem(405, "method-not-allowed", "The method is not allowed here",
                       fmt::format("{} takes {}, not {}", path, allowed, request.method))
                   .header("Allow", std::string(allowed)));
    };
    if (path.starts_with(kAssetsPrefix))
        return reads ? answer(asset(path.substr(kAssetsPrefix.size()))) : not_allowed("GET, HEAD");
    for (const Route& route : kRoutes) {
        const auto argument = match(route.path, path);
        if (!argument) continue;
        if (reads && route.answer) return answer((this->*route.answer)(request, *argument));
        const auto change = request.method == "POST"     ? route.act
                            : request.method == "DELETE" ? route.remove
                            : request.method == "PUT"    ? route.put
                            : request.method == "PATCH"  ? route.change
                                                         : nullptr;
        if (!change) {
            std::string allowed = route.answer ? "GET, HEAD" : "";
            if (route.act) allowed += allowed.empty() ? "POST" : ", POST";
            if (route.remove) allowed += allowed.empty() ? "DELETE" : ", DELETE";
            if (route.put) allowed += allowed.empty() ? "PUT" : ", PUT";
            if (route.change) allowed += allowed.empty() ? "PATCH" : ", PATCH";
            return not_allowed(allowed);
        }
        if (auto refused = refuse_change(request)) return answer(std::move(*refused));
        return (this->*change)(request, *argument, answer);
    }
    if (path == kStreamPath || path == kStreamAlias) {
        if (!reads) return not_allowed("GET, HEAD");
        return answer(problem(426, "upgrade-required", "This address speaks WebSocket",
                              "open it with a WebSocket client; /api/v1/status answers the same once")
                          .header("Upgrade", "websocket"));
    }
    answer(not_found(path));
}

Response Router::page(const Request&, std::string_view) const {
    Response answer;
    answer.content_type = "text/html; charset=utf-8";
    answer.body = page_html();
    return answer;
}

Response Router::asset(std::string_view rest) const {
    const size_t slash = rest.find('/');
    if (slash != std::string_view::npos && rest.substr(0, slash) == page_build()) {
        for (const PageAsset& asset : page_assets()) {
            if (asset.name != rest.substr(slash + 1)) continue;
            Response answer;
            answer.content_type = asset.content_type;
            answer.body = asset.content;
            answer.immutable = true;
            return answer;
        }
    }
    return problem(404, "not-found", "There is no such asset", "the page has changed; load it again");
}

Response Router::openapi(const Request&, std::string_view) const {
    Response answer;
    answer.content_type = "application/yaml";
    answer.body = openapi_yaml();
    return answer;
}

Response Router::healthz(const Request&, std::string_view) const {
    Response answer;
    answer.body = R"({"status":"alive"})";
    return answer;
}

Response Router::readyz(const Request&, std::string_view) const {
    const Readiness readiness = telemetry_.readiness.load(std::memory_order_relaxed);
    const std::string_view name = kReadinessNames[static_cast<size_t>(readiness)];
    if (readiness == Readiness::kReady) {
        Response answer;
        answer.body = R"({"status":"ready"})";
        return answer;
    }
    const std::string failure = telemetry_.failure();
    const bool passing = readiness == Readiness::kStarting || readiness == Readiness::kRecovering;
    Response answer =
        problem(503, fmt::format("not-ready-{}", name), "The appliance does not take events now",
                failure.empty() ? fmt::format("its state is \"{}\"", name) : failure);
    answer.header("Retry-After", passing ? "1" : "10");
    return answer;
}

Response Router::metrics(const Request&, std::string_view) const {
    Response answer;
    answer.content_type = kMetricsContentType;
    answer.body = metrics_text(telemetry_, letters_.counts(), counters_);
    return answer;
}

Response Router::status(const Request&, std::string_view) const {
    Response answer;
    answer.body = status_json(telemetry_, sampler_, clock_, counters_, page_build());
    return answer;
}

Response Router::workflows(const Request&, std::string_view) const { return workflows_.list(); }

void Router::publish_workflow(const Request& request, std::string_view, const Answer& answer) const {
    workflows_.publish(request, answer);
}

Response Router::workflow(const Request&, std::string_view name) const { return workflows_.show(name); }

Response Router::workflow_series(const Request& request, std::string_view name) const {
    return workflows_.series(request, name);
}

Response Router::workflow_instances(const Request& request, std::string_view name) const {
    return workflows_.instances(request, name);
}

Response Router::workflow_versions(const Request&, std::string_view name) const {
    return workflows_.versions(name);
}

Response Router::workflow_version(const Request&, std::string_view place) const {
    return workflows_.version(place);
}

void Router::change_version(const Request& request, std::string_view place, const Answer& answer) const {
    workflows_.change(request, place, answer);
}

Response Router::workflow_diff(const Request& request, std::string_view place) const {
    return workflows_.diff(request, place);
}

Response Router::lifecycle(const Request& request, std::string_view) const {
    return workflows_.lifecycle(request);
}

Response Router::simulations(const Request&, std::string_view) const { return simulations_.list(); }

void Router::start_simulation(const Request& request, std::string_view, const Answer& answer) const {
    answer(simulations_.start(request));
}

Response Router::simulation(const Request&, std::string_view id) const { return simulations_.show(id); }

void Router::cancel_simulation(const Request&, std::string_view id, const Answer& answer) const {
    answer(simulations_.cancel(id));
}

Response Router::events(const Request& request, std::string_view) const {
    Parameters parameters(request.query, {"limit", "before", "subject", "tenant", "type", "region"});
    const size_t limit = parameters.number("limit", kItemsDefault, 1, kItemsMax);
    const Seq before = parameters.number("before", kNewest, 1, kNewest);
    const EventFilter filter{parameters.text("subject"), parameters.text("tenant"), parameters.text("type"),
                             parameters.text("region")};
    if (!parameters.errors.empty()) return bad_parameters(parameters.errors);
    return page_of_items(queries_.events(filter, limit, before), request.path, limit,
                         {{"subject", filter.subject},
                          {"tenant", filter.tenant},
                          {"type", filter.type},
                          {"region", filter.region}});
}

void Router::take_events(const Request& request, std::string_view, const Answer& answer) const {
    intake_.take(request, answer);
}

Response Router::event(const Request&, std::string_view seq) const {
    const auto number = parse_unsigned(seq);
    if (!number || *number == 0) {
        return bad_parameters({{"seq", "must be a log sequence: a whole number from 1"}});
    }
    if (auto found = queries_.event(*number)) {
        Response answer;
        answer.body = std::move(*found);
        return answer;
    }
    const Seq first = queries_.first_seq(), next = queries_.next_seq();
    return problem(404, "no-such-event", "The log holds no event with this sequence",
                   *number < first
                       ? fmt::format("the hot log begins at {}; older events are in their region", first)
                   : *number >= next ? fmt::format("the log ends before {}", next)
                                     : "the sequence belongs to a dead letter or a control record");
}

Response Router::dead_letters(const Request& request, std::string_view) const {
    return letters_.list(request);
}

Response Router::dead_letter(const Request&, std::string_view seq) const { return letters_.show(seq); }

void Router::retry(const Request& request, std::string_view seq, const Answer& answer) const {
    letters_.change(request, seq, false, answer);
}

void Router::drop(const Request& request, std::string_view seq, const Answer& answer) const {
    letters_.change(request, seq, true, answer);
}

Response Router::alerts(const Request& request, std::string_view) const { return alerts_.list(request); }

Response Router::alert(const Request&, std::string_view id) const { return alerts_.show(id); }

template <ControlKind kKind>
void Router::change_alert(const Request& request, std::string_view id, const Answer& answer) const {
    alerts_.change(request, id, kKind, answer);
}

Response Router::silences(const Request& request, std::string_view) const {
    return alerts_.silences(request);
}

void Router::add_silence(const Request& request, std::string_view, const Answer& answer) const {
    alerts_.add_silence(request, answer);
}

void Router::expire_silence(const Request& request, std::string_view id, const Answer& answer) const {
    alerts_.expire_silence(request, id, answer);
}

Response Router::tenants(const Request&, std::string_view) const { return tenants_.list(); }

void Router::add_tenant(const Request& request, std::string_view, const Answer& answer) const {
    tenants_.add(request, answer);
}

Response Router::tenant(const Request&, std::string_view id) const { return tenants_.show(id); }

void Router::change_tenant(const Request& request, std::string_view id, const Answer& answer) const {
    tenants_.change(request, id, answer);
}

void Router::add_tenant_key(const Request& request, std::string_view id, const Answer& answer) const {
    tenants_.add_key(request, id, answer);
}

void Router::revoke_tenant_key(const Request& request, std::string_view place, const Answer& answer) const {
    tenants_.revoke_key(request, place, answer);
}

Response Router::maintenance(const Request& request, std::string_view) const {
    return alerts_.maintenance(request);
}

void Router::add_maintenance(const Request& request, std::string_view, const Answer& answer) const {
    alerts_.add_maintenance(request, answer);
}

void Router::end_maintenance(const Request& request, std::string_view id, const Answer& answer) const {
    alerts_.end_maintenance(request, id, answer);
}

Response Router::audit(const Request& request, std::string_view) const { return audit_.list(request); }

Response Router::audit_head(const Request& request, std::string_view) const { return audit_.head(request); }

Response Router::review_items(const Request& request, std::string_view) const {
    return review_.list(request);
}

Response Router::review_item(const Request& request, std::string_view id) const {
    return review_.show(request, id);
}

Response Router::review_summary(const Request& request, std::string_view) const {
    return review_.summary(request);
}

template <ControlKind kKind>
void Router::change_item(const Request& request, std::string_view id, const Answer& answer) const {
    review_.change(request, id, kKind, answer);
}

void Router::decide_items(const Request& request, std::string_view, const Answer& answer) const {
    review_.decide_batch(request, answer);
}

void Router::put_assignment(const Request& request, std::string_view id, const Answer& answer) const {
    review_.put_assignment(request, id, answer);
}

}  // namespace penstock::http

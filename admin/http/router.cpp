#include "admin/http/router.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "admin/http/console_files.h"
#include "admin/http/metrics.h"
#include "admin/http/page_assets.h"
#include "admin/http/paging.h"
#include "admin/http/text.h"
#include "pipeline/api_key.h"

namespace penstock::http {
namespace {

constexpr std::string_view kAssetsPrefix = "/assets/";
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

const Router::Route Router::kRoutes[] = {
    {"GET", "/", Need::kNothing, &Router::page},
    {"GET", "/healthz", Need::kNothing, &Router::healthz},
    {"GET", "/health", Need::kNothing, &Router::healthz},
    {"GET", "/readyz", Need::kNothing, &Router::readyz},
    {"GET", "/metrics", Need::kNothing, &Router::metrics},
    {"GET", "/api/v1/status", Need::kViewer, &Router::status},
    {"GET", "/api/v1/workflows", Need::kViewer, &Router::workflows},
    {"POST", "/api/v1/workflows", Need::kSupervisor, nullptr, &Router::publish_workflow},
    {"GET", "/api/v1/workflows/{name}", Need::kViewer, &Router::workflow},
    {"GET", "/api/v1/workflows/{name}/series", Need::kViewer, &Router::workflow_series},
    {"GET", "/api/v1/workflows/{name}/instances", Need::kViewer, &Router::workflow_instances},
    {"GET", "/api/v1/workflows/{name}/versions", Need::kViewer, &Router::workflow_versions},
    {"GET", "/api/v1/workflows/{name}/versions/{version}", Need::kViewer, &Router::workflow_version},
    {"POST", "/api/v1/workflows/{name}/versions/{version}", Need::kSupervisor, nullptr,
     &Router::change_version},
    {"GET", "/api/v1/workflows/{name}/versions/{version}/diff", Need::kViewer, &Router::workflow_diff},
    {"GET", "/api/v1/lifecycle", Need::kViewer, &Router::lifecycle},
    {"GET", "/api/v1/simulations", Need::kViewer, &Router::simulations},
    {"POST", "/api/v1/simulations", Need::kOperator, nullptr, &Router::start_simulation},
    {"GET", "/api/v1/simulations/{id}", Need::kViewer, &Router::simulation},
    {"DELETE", "/api/v1/simulations/{id}", Need::kOperator, nullptr, &Router::cancel_simulation},
    {"GET", "/api/v1/events", Need::kViewer, &Router::events},
    {"POST", "/api/v1/events", Need::kOperator, nullptr, &Router::take_events, false, Reach::kAny, true},
    {"GET", "/api/v1/events/search", Need::kViewer, nullptr, &Router::search_events},
    {"GET", "/api/v1/events/stats", Need::kViewer, nullptr, &Router::event_statistics},
    {"GET", "/api/v1/events/export", Need::kViewer, nullptr, &Router::export_events},
    {"GET", "/api/v1/events/{seq}", Need::kViewer, &Router::event},
    {"GET", "/api/v1/deadletters", Need::kViewer, &Router::dead_letters},
    {"GET", "/api/v1/deadletters/{seq}", Need::kViewer, &Router::dead_letter},
    {"POST", "/api/v1/deadletters/{seq}/retry", Need::kOperator, nullptr, &Router::retry},
    {"POST", "/api/v1/deadletters/{seq}/drop", Need::kOperator, nullptr, &Router::drop},
    {"GET", "/api/v1/alerts", Need::kViewer, &Router::alerts},
    {"GET", "/api/v1/alerts/{id}", Need::kViewer, &Router::alert},
    {"POST", "/api/v1/alerts/{id}/ack", Need::kOperator, nullptr,
     &Router::change_alert<ControlKind::kAlertAcked>},
    {"POST", "/api/v1/alerts/{id}/unack", Need::kOperator, nullptr,
     &Router::change_alert<ControlKind::kAlertUnacked>},
    {"POST", "/api/v1/alerts/{id}/assign", Need::kSupervisor, nullptr,
     &Router::change_alert<ControlKind::kAlertAssigned>},
    {"POST", "/api/v1/alerts/{id}/resolve", Need::kOperator, nullptr,
     &Router::change_alert<ControlKind::kAlertResolved>},
    {"GET", "/api/v1/silences", Need::kViewer, &Router::silences},
    {"POST", "/api/v1/silences", Need::kSupervisor, nullptr, &Router::add_silence},
    {"POST", "/api/v1/silences/{id}/expire", Need::kSupervisor, nullptr, &Router::expire_silence},
    {"GET", "/api/v1/maintenance", Need::kViewer, &Router::maintenance},
    {"POST", "/api/v1/maintenance", Need::kSupervisor, nullptr, &Router::add_maintenance},
    {"DELETE", "/api/v1/maintenance/{id}", Need::kSupervisor, nullptr, &Router::end_maintenance},
    {"GET", "/api/v1/review/items", Need::kViewer, &Router::review_items},
    {"GET", "/api/v1/review/items/{id}", Need::kViewer, &Router::review_item},
    {"POST", "/api/v1/review/items/{id}/claim", Need::kOperator, nullptr,
     &Router::change_item<ControlKind::kReviewClaimed>},
    {"POST", "/api/v1/review/items/{id}/release", Need::kOperator, nullptr,
     &Router::change_item<ControlKind::kReviewReleased>},
    {"POST", "/api/v1/review/items/{id}/renew", Need::kOperator, nullptr,
     &Router::change_item<ControlKind::kReviewRenewed>},
    {"POST", "/api/v1/review/items/{id}/reassign", Need::kSupervisor, nullptr,
     &Router::change_item<ControlKind::kReviewReassigned>},
    {"POST", "/api/v1/review/items/{id}/escalate", Need::kOperator, nullptr,
     &Router::change_item<ControlKind::kReviewEscalated>},
    {"POST", "/api/v1/review/items/{id}/decide", Need::kOperator, nullptr,
     &Router::change_item<ControlKind::kReviewDecided>},
    {"POST", "/api/v1/review/items/{id}/undo", Need::kOperator, nullptr,
     &Router::change_item<ControlKind::kReviewUndone>},
    {"POST", "/api/v1/review/decisions", Need::kOperator, nullptr, &Router::decide_items},
    {"GET", "/api/v1/review/summary", Need::kViewer, &Router::review_summary},
    {"PUT", "/assignments/{id}", Need::kOperator, nullptr, &Router::put_assignment},
    {"GET", "/api/v1/audit", Need::kSupervisor, &Router::audit, nullptr, false, Reach::kEverything},
    {"GET", "/api/v1/audit/head", Need::kSupervisor, &Router::audit_head, nullptr, false, Reach::kEverything},
    {"GET", "/api/v1/openapi.yaml", Need::kViewer, &Router::openapi},
    {"GET", "/api/v1/config", Need::kAdmin, &Router::config, nullptr, false, Reach::kEverything},
    {"GET", "/sign-in", Need::kNothing, &Router::sign_in_page},
    {"GET", "/api/v1/session", Need::kViewer, &Router::who_am_i},
    {"POST", "/api/v1/session", Need::kNothing, nullptr, &Router::sign_in, true},
    {"DELETE", "/api/v1/session", Need::kViewer, nullptr, &Router::sign_out},
    {"GET", "/api/v1/sessions", Need::kViewer, &Router::sessions},
    {"DELETE", "/api/v1/sessions/{id}", Need::kViewer, nullptr, &Router::end_session},
    {"GET", "/api/v1/users", Need::kSupervisor, &Router::users},
    {"POST", "/api/v1/users", Need::kAdmin, nullptr, &Router::add_user},
    {"GET", "/api/v1/users/{user}", Need::kSupervisor, &Router::user},
    {"PATCH", "/api/v1/users/{user}", Need::kAdmin, nullptr, &Router::change_user},
    {"DELETE", "/api/v1/users/{user}", Need::kAdmin, nullptr, &Router::remove_user},
    {"POST", "/users/{user}/active", Need::kViewer, nullptr, &Router::set_active<true>, true},
    {"DELETE", "/users/{user}/active", Need::kViewer, nullptr, &Router::set_active<false>},
    {"POST", "/api/v1/users/{user}/active", Need::kViewer, nullptr, &Router::set_active<true>, true},
    {"DELETE", "/api/v1/users/{user}/active", Need::kViewer, nullptr, &Router::set_active<false>},
    {"GET", "/api/v1/preferences", Need::kViewer, &Router::preferences},
    {"PUT", "/api/v1/preferences", Need::kViewer, nullptr, &Router::set_preferences},
    {"GET", "/api/v1/keys", Need::kAdmin, &Router::keys},
    {"POST", "/api/v1/keys", Need::kAdmin, nullptr, &Router::add_key},
    {"POST", "/api/v1/keys/{id}/rotate", Need::kAdmin, nullptr, &Router::rotate_key},
    {"DELETE", "/api/v1/keys/{id}", Need::kAdmin, nullptr, &Router::revoke_key},
    {"GET", "/api/v1/tenants", Need::kAdmin, &Router::tenants},
    {"POST", "/api/v1/tenants", Need::kAdmin, nullptr, &Router::add_tenant},
    {"GET", "/api/v1/tenants/{id}", Need::kAdmin, &Router::tenant},
    {"PATCH", "/api/v1/tenants/{id}", Need::kAdmin, nullptr, &Router::change_tenant},
    {"POST", "/api/v1/tenants/{id}/keys", Need::kAdmin, nullptr, &Router::add_tenant_key},
    {"DELETE", "/api/v1/tenants/{id}/keys/{key}", Need::kAdmin, nullptr, &Router::revoke_tenant_key},
};

Router::Router(const Telemetry& telemetry, const Clock& clock, const Sampler& sampler,
               const EventQueries& queries, DeadLetterDoor& letters, AlertDoor& alerts,
               WorkflowDoor& workflows, const SimulationDoor& simulations, ReviewDoor& review,
               const AuditDoor& audit, IntakeDoor& intake, EventSearchDoor& search, TenantDoor& tenants,
               Gate& gate, SignInDoor& sign_in, PeopleDoor& people, const Counters& counters,
               const std::vector<Setting>& settings)
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
      search_(search),
      tenants_(tenants),
      gate_(gate),
      sign_in_(sign_in),
      people_(people),
      counters_(counters),
      settings_(settings) {}

std::vector<std::string_view> Router::paths() const {
    std::vector<std::string_view> all{kStreamPath, kStreamAlias};
    for (const Route& route : kRoutes)
        if (std::find(all.begin(), all.end(), route.path) == all.end()) all.push_back(route.path);
    return all;
}

std::vector<Router::Way> Router::ways() {
    std::vector<Way> all{{"GET", kStreamPath, Need::kViewer}, {"GET", kStreamAlias, Need::kViewer}};
    for (const Route& route : kRoutes) all.push_back({route.method, route.path, route.need});
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
    if (need == Need::kNothing) return std::nullopt;
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
    if ((reach != Reach::kAny && !who.scope.all_tenants()) ||
        (reach == Reach::kEverything && !who.scope.all_regions()))
        return problem(403, "limited", "This is of more than you see",
                       "you are limited to some regions or tenants");
    return std::nullopt;
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
        return reads ? answer(asset(request)) : not_allowed("GET, HEAD");
    if (path.starts_with(kConsolePrefix)) return reads ? answer(console()) : not_allowed("GET, HEAD");
    auto wrong = gate_.identify(request);
    std::string allowed;
    for (const Route& route : kRoutes) {
        const auto argument = match(route.path, path);
        if (!argument) continue;
        if (route.method != (reads ? "GET" : request.method)) {
            allowed += allowed.empty() ? "" : ", ";
            allowed += route.method == "GET" ? "GET, HEAD" : route.method;
            continue;
        }
        const bool opened = route.read == &Router::metrics
                                ? !gate_.open_metrics()
                                : route.for_producers && request.principal.producer;
        const Need need = opened ? Need::kViewer : route.need;
        if (need != Need::kNothing && wrong) return answer(std::move(*wrong));
        if (auto refused = refuse(request, need, route.reach)) return answer(std::move(*refused));
        if (route.read) return answer((this->*route.read)(request, *argument));
        if (reads) return (this->*route.change)(request, *argument, answer);
        if (auto refused = refuse_change(request, route.takes_form)) return answer(std::move(*refused));
        return (this->*route.change)(request, *argument, answer);
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
        return sign_in_.by_link(request, path.substr(1), answer);
    answer(not_found(path));
}

Response Router::page(const Request& request, std::string_view) const {
    Response answer;
    if (gate_.knows() && request.principal.kind == Principal::Kind::kNobody) {
        answer.status = 303;
        answer.content_type = "text/plain; charset=utf-8";
        return answer.header("Location", "/sign-in");
    }
    return console();
}

Response Router::console() {
    Response answer;
    answer.content_type = "text/html; charset=utf-8";
    if (console_files().empty()) {
        answer.body = page_html();
        return answer;
    }
    answer.nonce = make_api_key().substr(3);
    answer.body = console_html(answer.nonce);
    return answer;
}

Response Router::asset(const Request& request) const {
    for (const ConsoleFile& file : console_files()) {
        if (file.path != request.path) continue;
        const EncodedFile encoded = encoded_for(file, request.accept_encoding);
        Response answer;
        answer.content_type = file.content_type;
        answer.body = encoded.content;
        answer.immutable = true;
        if (!encoded.encoding.empty()) answer.header("Content-Encoding", std::string(encoded.encoding));
        return answer.header("Vary", "Accept-Encoding");
    }
    const std::string_view rest = std::string_view(request.path).substr(kAssetsPrefix.size());
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

Response Router::config(const Request&, std::string_view) const {
    JsonWriter json;
    json.begin_object().key("items").begin_array();
    for (const Setting& s : settings_)
        json.begin_object().field("key", s.key).field("value", s.value).field("origin", s.origin).end_object();
    Response answer;
    answer.body = json.end_array().end_object().take();
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

Response Router::status(const Request& request, std::string_view) const {
    Response answer;
    answer.body = status_json(telemetry_, sampler_, clock_, counters_, console_build(), request.principal.scope);
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
                             parameters.text("region"), request.principal.scope};
    if (!parameters.errors.empty()) return bad_parameters(parameters.errors);
    return page_of_items(queries_.events(filter, limit, before), request.path, limit,
                         {{"subject", filter.subject},
                          {"tenant", filter.tenant},
                          {"type", filter.type},
                          {"region", filter.region}});
}

Response Router::event(const Request& request, std::string_view seq) const {
    const auto number = parse_unsigned(seq);
    if (!number || *number == 0) {
        return bad_parameters({{"seq", "must be a log sequence: a whole number from 1"}});
    }
    if (auto found = queries_.event(*number, request.principal.scope)) {
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

void Router::search_events(const Request& request, std::string_view, const Answer& answer) const {
    search_.search(request, answer);
}

void Router::event_statistics(const Request& request, std::string_view, const Answer& answer) const {
    search_.statistics(request, answer);
}

void Router::export_events(const Request& request, std::string_view, const Answer& answer) const {
    search_.export_events(request, answer);
}

Response Router::dead_letters(const Request& request, std::string_view) const {
    return letters_.list(request);
}

Response Router::dead_letter(const Request& request, std::string_view seq) const {
    return letters_.show(request, seq);
}

void Router::retry(const Request& request, std::string_view seq, const Answer& answer) const {
    letters_.change(request, seq, false, answer);
}

void Router::drop(const Request& request, std::string_view seq, const Answer& answer) const {
    letters_.change(request, seq, true, answer);
}

Response Router::alerts(const Request& request, std::string_view) const { return alerts_.list(request); }

Response Router::alert(const Request& request, std::string_view id) const {
    return alerts_.show(request, id);
}

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

void Router::take_events(const Request& request, std::string_view, const Answer& answer) const {
    intake_.take(request, answer);
}

}  // namespace penstock::http

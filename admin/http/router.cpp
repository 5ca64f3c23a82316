#include "admin/http/router.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <limits>

#include "admin/http/metrics.h"
#include "admin/http/page_assets.h"
#include "admin/http/text.h"

namespace penstock::http {
namespace {

constexpr size_t kItemsDefault = 50, kItemsMax = 500;
constexpr std::string_view kAssetsPrefix = "/assets/";

/// The query's parameters, each at most once and each known; collects what is wrong.
class Parameters {
  public:
    Parameters(std::string_view query, std::initializer_list<std::string_view> known) {
        while (!query.empty()) {
            const size_t end = query.find('&');
            const std::string_view part = query.substr(0, end);
            query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
            if (part.empty()) continue;
            const size_t equals = part.find('=');
            const auto name = percent_decode(part.substr(0, equals));
            const auto value =
                percent_decode(equals == std::string_view::npos ? "" : part.substr(equals + 1));
            if (!name || !value || !is_utf8(*name) || !is_utf8(*value)) {
                errors.push_back({std::string(part.substr(0, equals)), "is not valid percent-encoded UTF-8"});
            } else if (std::find(known.begin(), known.end(), *name) == known.end()) {
                errors.push_back({*name, fmt::format("is not known here; use {}", fmt::join(known, ", "))});
            } else if (find(*name) != nullptr) {
                errors.push_back({*name, "is given twice"});
            } else {
                values_.emplace_back(*name, *value);
            }
        }
    }
    std::string text(std::string_view name) const {
        const std::string* value = find(name);
        return value == nullptr ? std::string() : *value;
    }
    uint64_t number(std::string_view name, uint64_t otherwise, uint64_t min, uint64_t max) {
        const std::string* value = find(name);
        if (value == nullptr) return otherwise;
        const auto n = parse_unsigned(*value);
        if (n && *n >= min && *n <= max) return *n;
        errors.push_back({std::string(name), fmt::format("must be a whole number from {} to {}", min, max)});
        return otherwise;
    }
    std::vector<ParameterError> errors;

  private:
    const std::string* find(std::string_view name) const {
        for (const auto& [key, value] : values_) {
            if (key == name) return &value;
        }
        return nullptr;
    }
    std::vector<std::pair<std::string, std::string>> values_;
};

Response page_of_items(const EventPage& page, std::string_view path, size_t limit,
                       std::initializer_list<std::pair<std::string_view, std::string_view>> filters) {
    std::string next;
    if (page.next_before != 0) {
        next = fmt::format("{}?limit={}&before={}", path, limit, page.next_before);
        for (const auto& [name, value] : filters) {
            if (!value.empty()) next += fmt::format("&{}={}", name, percent_encode(value));
        }
    }
    JsonWriter json;
    json.begin_object().key("items").raw(page.items);
    json.key("next");
    next.empty() ? json.null() : json.value(next);
    // A search that was cut short is not an empty result; the reader must be able to tell.
    json.key("stopped");
    page.stopped.empty() || page.stopped == "limit" ? json.null() : json.value(page.stopped);
    json.field("scanned_events", page.scanned_events).end_object();
    Response answer;
    answer.body = json.take();
    if (!next.empty()) answer.header("Link", fmt::format("<{}>; rel=\"next\"", next));
    return answer;
}

Response not_found(std::string_view path) {
    return problem(404, "not-found", "There is nothing at this address",
                   fmt::format("{} is not an address of this server; /api/v1/openapi.yaml lists them", path));
}

constexpr Seq kNewest = std::numeric_limits<Seq>::max();

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
    {"/api/v1/events", &Router::events},
    {"/api/v1/events/{seq}", &Router::event},
    {"/api/v1/deadletters", &Router::dead_letters},
    {"/api/v1/openapi.yaml", &Router::openapi},
};

Router::Router(const Telemetry& telemetry, const Clock& clock, const Sampler& sampler,
               const EventQueries& queries, const Counters& counters)
    : telemetry_(telemetry), clock_(clock), sampler_(sampler), queries_(queries), counters_(counters) {}

std::vector<std::string_view> Router::paths() const {
    std::vector<std::string_view> all{kStreamPath};
    for (const Route& route : kRoutes) all.push_back(route.path);
    return all;
}

Response Router::handle(const Request& request) const {
    Response answer;
    try {
        answer = dispatch(request);
    } catch (const std::exception& e) {
        spdlog::error("http: {} {}: {}", request.method, request.path, e.what());
        answer = problem(500, "internal", "The server could not answer", e.what());
    }
    add_common_headers(answer);
    return answer;
}

Response Router::dispatch(const Request& request) const {
    const std::string_view path = request.path;
    const auto allowed = [&] { return request.method == "GET" || request.method == "HEAD"; };
    const auto not_allowed = [&] {
        return problem(405, "method-not-allowed", "The method is not allowed here",
                       fmt::format("{} takes GET and HEAD, not {}", path, request.method))
            .header("Allow", "GET, HEAD");
    };
    if (path.starts_with(kAssetsPrefix))
        return allowed() ? asset(path.substr(kAssetsPrefix.size())) : not_allowed();
    for (const Route& route : kRoutes) {
        const size_t brace = route.path.find('{');
        std::string_view argument;
        if (brace == std::string_view::npos) {
            if (path != route.path) continue;
        } else {
            if (!path.starts_with(route.path.substr(0, brace))) continue;
            argument = path.substr(brace);
            if (argument.empty() || argument.find('/') != std::string_view::npos) continue;
        }
        return allowed() ? (this->*route.answer)(request, argument) : not_allowed();
    }
    if (path == kStreamPath) {
        if (!allowed()) return not_allowed();
        return problem(426, "upgrade-required", "This address speaks WebSocket",
                       "open it with a WebSocket client; /api/v1/status answers the same once")
            .header("Upgrade", "websocket");
    }
    return not_found(path);
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
    answer.body = metrics_text(telemetry_, counters_);
    return answer;
}

Response Router::status(const Request&, std::string_view) const {
    Response answer;
    answer.body = status_json(telemetry_, sampler_, clock_, counters_, page_build());
    return answer;
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
    Parameters parameters(request.query, {"limit", "before"});
    const size_t limit = parameters.number("limit", kItemsDefault, 1, kItemsMax);
    const Seq before = parameters.number("before", kNewest, 1, kNewest);
    if (!parameters.errors.empty()) return bad_parameters(parameters.errors);
    return page_of_items(queries_.dead_letters(limit, before), request.path, limit, {});
}

}  // namespace penstock::http

#include "admin/http/host.h"

#include <fmt/format.h>

#include "admin/http/metrics.h"
#include "admin/http/page_assets.h"

namespace penstock::http {

Response HostDoor::page(const Request& request) const {
    Response answer;
    if (gate_.knows() && request.principal.kind == Principal::Kind::kNobody) {
        answer.status = 303;
        answer.content_type = "text/plain; charset=utf-8";
        return answer.header("Location", "/sign-in");
    }
    answer.content_type = "text/html; charset=utf-8";
    answer.body = page_html();
    return answer;
}

Response HostDoor::asset(std::string_view rest) const {
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

Response HostDoor::openapi() const {
    Response answer;
    answer.content_type = "application/yaml";
    answer.body = openapi_yaml();
    return answer;
}

Response HostDoor::healthz() const {
    Response answer;
    answer.body = R"({"status":"alive"})";
    return answer;
}

Response HostDoor::readyz() const {
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

Response HostDoor::metrics() const {
    Response answer;
    answer.content_type = kMetricsContentType;
    answer.body = metrics_text(telemetry_, letters_.counts(), counters_);
    return answer;
}

Response HostDoor::status(const Request& request) const {
    Response answer;
    answer.body = status_json(telemetry_, sampler_, clock_, counters_, page_build(), request.principal.scope);
    return answer;
}

}  // namespace penstock::http

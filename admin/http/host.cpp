#include "admin/http/host.h"

#include <fmt/format.h>

#include "admin/http/console_files.h"
#include "admin/http/metrics.h"
#include "admin/http/page_assets.h"
#include "admin/http/text.h"
#include "pipeline/api_key.h"

namespace penstock::http {

Response HostDoor::page(const Request& request) const {
    Response answer;
    if (gate_.knows() && request.principal.kind == Principal::Kind::kNobody) {
        answer.status = 303;
        answer.content_type = "text/plain; charset=utf-8";
        return answer.header("Location", "/sign-in");
    }
    return console();
}

Response HostDoor::console() {
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

Response HostDoor::asset(const Request& request) {
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

Response HostDoor::config() const {
    JsonWriter json;
    json.begin_object().key("items").begin_array();
    for (const Setting& s : settings_)
        json.begin_object()
            .field("key", s.key)
            .field("value", s.value)
            .field("origin", s.origin)
            .end_object();
    Response answer;
    answer.body = json.end_array().end_object().take();
    return answer;
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
    answer.body =
        status_json(telemetry_, sampler_, clock_, counters_, console_build(), request.principal.scope);
    return answer;
}

}  // namespace penstock::http

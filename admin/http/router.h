// From a request to its answer, without sockets: every route of the admin side but the WebSocket.
#pragma once

#include <functional>
#include <span>
#include <string_view>

#include "admin/http/events.h"
#include "admin/http/message.h"
#include "admin/http/status.h"

namespace penstock::http {

inline constexpr std::string_view kStreamPath = "/api/v1/stream";

/// One thread. Every answer carries the security headers; errors are RFC 9457 problems.
class Router {
  public:
    Router(const Telemetry& telemetry, const Clock& clock, const Sampler& sampler,
           const EventQueries& queries, const Counters& counters);

    Response handle(const Request& request) const;

    /// Paths as the OpenAPI document spells them.
    std::vector<std::string_view> paths() const;

  private:
    struct Route {
        std::string_view path;  ///< a last segment in braces stands for any one segment
        Response (Router::*answer)(const Request&, std::string_view argument) const;
    };
    static const Route kRoutes[];

    Response page(const Request&, std::string_view) const;
    Response openapi(const Request&, std::string_view) const;
    Response healthz(const Request&, std::string_view) const;
    Response readyz(const Request&, std::string_view) const;
    Response metrics(const Request&, std::string_view) const;
    Response status(const Request&, std::string_view) const;
    Response events(const Request&, std::string_view) const;
    Response event(const Request&, std::string_view seq) const;
    Response dead_letters(const Request&, std::string_view) const;
    Response asset(std::string_view rest) const;
    Response dispatch(const Request&) const;

    const Telemetry& telemetry_;
    const Clock& clock_;
    const Sampler& sampler_;
    const EventQueries& queries_;
    const Counters& counters_;
};

/// Content policy, sniffing, framing, referrer, caching. For answers that do not pass the router, too.
void add_common_headers(Response& answer);

}  // namespace penstock::http

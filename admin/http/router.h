// From a request to its answer, without sockets: every route of the admin side but the WebSocket.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "admin/http/gate.h"
#include "admin/http/message.h"
#include "admin/http/routes.h"

namespace penstock::http {

inline constexpr std::string_view kStreamPath = "/api/v1/stream";
/// The same under the name that the first documents gave it.
inline constexpr std::string_view kStreamAlias = "/api/v1/ws";

/// One thread. Every answer carries the security headers; errors are RFC 9457 problems.
class Router {
  public:
    Router(const Doors& doors, Gate& gate) : doors_(doors), gate_(gate) {}

    /// Calls `answer` once: before it returns, or, where the answer waits for the disk, later on this thread.
    void handle(const Request& request, Answer answer) const;

    /// Paths as the OpenAPI document spells them.
    static std::vector<std::string_view> paths();

    struct Way {
        std::string_view method, path;  ///< as the OpenAPI document spells it
        Need need;
    };
    /// Each method of each address.
    static std::vector<Way> ways();

  private:
    /// Why this request may not do what needs so much.
    std::optional<Response> refuse(const Request& request, Need need, Reach reach) const;
    void dispatch(Request& request, const Answer& answer) const;

    const Doors doors_;
    Gate& gate_;
};

/// Content policy, sniffing, framing, referrer, caching. For answers that do not pass the router, too.
void add_common_headers(Response& answer);

}  // namespace penstock::http

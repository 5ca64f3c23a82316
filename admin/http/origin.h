// Who may ask. A page on the internet can point its own name at 127.0.0.1 (DNS rebinding) or open a WebSocket
// to it; both are told apart by the headers that a browser cannot be made to forge.
#pragma once

#include <string_view>

namespace penstock::http {

/// Whether `host` (a Host header) is a loopback name: localhost, 127.x.y.z or [::1], with any port.
bool is_loopback_host(std::string_view host);

/// Whether `host` is an IP address, with any port.
bool is_address_host(std::string_view host);

/// Whether a page of `origin` (an Origin header; empty: no browser) belongs to the server addressed as
/// `host`.
bool same_origin(std::string_view origin, std::string_view host);

}  // namespace penstock::http

#include "admin/http/origin.h"

#include <boost/asio/ip/address.hpp>
#include <string>

#include "admin/http/text.h"

namespace penstock::http {
namespace {

/// Host without port; brackets of IPv6 taken off. Empty when malformed.
std::string_view host_name(std::string_view host) {
    std::string_view name, port;
    if (host.starts_with('[')) {
        const size_t end = host.find(']');
        if (end == std::string_view::npos) return {};
        name = host.substr(1, end - 1);
        port = host.substr(end + 1);
    } else {
        const size_t colon = host.find(':');
        name = host.substr(0, colon);
        port = colon == std::string_view::npos ? std::string_view() : host.substr(colon);
    }
    if (port.empty()) return name;
    if (port.front() != ':') return {};
    const auto number = parse_unsigned(port.substr(1));
    return number && *number <= 65535 ? name : std::string_view();
}

}  // namespace

bool is_loopback_host(std::string_view host) {
    const std::string_view name = host_name(host);
    if (equal_ignoring_case(name, "localhost")) return true;
    boost::system::error_code ec;
    const auto address = boost::asio::ip::make_address(std::string(name), ec);
    return !ec && address.is_loopback();
}

bool is_address_host(std::string_view host) {
    boost::system::error_code ec;
    boost::asio::ip::make_address(std::string(host_name(host)), ec);
    return !ec;
}

bool same_origin(std::string_view origin, std::string_view host) {
    if (origin.empty()) return true;
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (origin.starts_with(scheme)) return equal_ignoring_case(origin.substr(scheme.size()), host);
    }
    return false;  // "null" and others
}

}  // namespace penstock::http

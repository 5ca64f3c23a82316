#include "admin/address.h"

#include <arpa/inet.h>

#include <charconv>

namespace penstock {

std::optional<HostPort> parse_host_port(std::string_view text, uint16_t default_port) {
    HostPort result;
    std::string_view rest;
    if (text.starts_with('[')) {
        const size_t close = text.find(']');
        if (close == std::string_view::npos || close == 1) return std::nullopt;
        result.host = text.substr(1, close - 1);
        in6_addr address;
        if (inet_pton(AF_INET6, result.host.c_str(), &address) != 1) return std::nullopt;
        rest = text.substr(close + 1);
    } else {
        const size_t colon = text.find(':');
        result.host = text.substr(0, colon);
        if (colon != std::string_view::npos) rest = text.substr(colon);
    }
    if (result.host.empty() || result.host.find_first_of(" \t/\\@") != std::string::npos) return std::nullopt;
    if (rest.empty()) {
        if (default_port == 0) return std::nullopt;
        result.port = default_port;
        return result;
    }
    const char* begin = rest.data() + 1;
    const char* end = rest.data() + rest.size();
    const auto [stop, error] = std::from_chars(begin, end, result.port);
    if (rest[0] != ':' || begin == end || error != std::errc() || stop != end) return std::nullopt;
    return result;
}

bool is_listen_host(const std::string& host) {
    in_addr v4;
    in6_addr v6;
    return host == "localhost" || inet_pton(AF_INET, host.c_str(), &v4) == 1 ||
           inet_pton(AF_INET6, host.c_str(), &v6) == 1;
}

bool is_loopback(const std::string& host) {
    in_addr v4;
    in6_addr v6;
    if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return ntohl(v4.s_addr) >> 24 == IN_LOOPBACKNET;
    return host == "localhost" || (inet_pton(AF_INET6, host.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6));
}

}  // namespace penstock

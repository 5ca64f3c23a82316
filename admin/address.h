// "host:port" as the configuration and the command line write it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace penstock {

struct HostPort {
    std::string host;  ///< name or IP literal, without brackets
    uint16_t port = 0;
};

/// "localhost:7400", "10.0.0.7:7400", "[::1]:7400". The port may be left out where `default_port` is not 0.
std::optional<HostPort> parse_host_port(std::string_view text, uint16_t default_port = 0);

/// An address that a socket of this host can be bound to: an IP literal, or localhost.
bool is_listen_host(const std::string& host);
/// One that only this host reaches: 127.x.y.z, ::1 or localhost.
bool is_loopback(const std::string& host);

}  // namespace penstock

// One request over HTTP/1.1, for commands that talk to a running appliance.
#pragma once

#include <string>
#include <string_view>

#include "admin/address.h"
#include "admin/cli/config_flags.h"

namespace penstock::cli {

struct HttpReply {
    unsigned status = 0;
    std::string body;
};

/// Waits at most `timeout_s` in all. Throws CommandError(kUnreachable) naming the address.
HttpReply http_get(const HostPort& from, const std::string& target, int timeout_s = 5);
/// As above, with a JSON body.
HttpReply http_post(const HostPort& to, const std::string& target, const std::string& json,
                    int timeout_s = 15);

/// By DELETE, without a body.
HttpReply http_delete(const HostPort& to, const std::string& target, int timeout_s = 15);

/// `place` is a flag's host:port; empty: http.listen of the configuration. Where that listens everywhere, it
/// is asked on loopback. Throws CommandError(kUsage) naming `flag`.
HostPort appliance_at(const std::string& place, std::string_view flag, const ConfigFlags& config);

}  // namespace penstock::cli

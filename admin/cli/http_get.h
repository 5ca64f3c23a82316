// One GET over HTTP/1.1, for commands that ask a running appliance.
#pragma once

#include <string>

#include "admin/address.h"

namespace penstock::cli {

struct HttpReply {
    unsigned status = 0;
    std::string body;
};

/// Waits at most `timeout_s` in all. Throws CommandError(kUnreachable) naming the address.
HttpReply http_get(const HostPort& from, const std::string& target, int timeout_s = 5);

}  // namespace penstock::cli

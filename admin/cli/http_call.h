// One request over HTTP/1.1, for commands that talk to a running appliance.
#pragma once

#include <string>
#include <string_view>

#include "admin/address.h"
#include "admin/cli/config_flags.h"

namespace penstock::cli {

/// Where the API is, and as whom it is asked.
struct ApiPlace : HostPort {
    std::string key = {};  ///< an API key; empty: none is sent
};

struct HttpReply {
    unsigned status = 0;
    std::string body;
};

/// Waits at most `timeout_s` in all. Throws CommandError(kUnreachable) naming the address.
HttpReply http_get(const ApiPlace& from, const std::string& target, int timeout_s = 5);
/// As above, with a JSON body.
HttpReply http_post(const ApiPlace& to, const std::string& target, const std::string& json,
                    int timeout_s = 15);

HttpReply http_patch(const ApiPlace& to, const std::string& target, const std::string& json,
                     int timeout_s = 15);

/// By DELETE, without a body.
HttpReply http_delete(const ApiPlace& to, const std::string& target, int timeout_s = 15);

/// Of --api-key.
inline constexpr const char* kApiKeyHelp =
    "as whom to ask; without it PENSTOCK_API_KEY, and on the appliance's own host admin.key in its data "
    "folder";

/// `place` is a flag's host:port; empty: http.listen of the configuration. Where that listens everywhere, it
/// is asked on loopback. `key`, where empty, is PENSTOCK_API_KEY; else, of the configuration's own appliance,
/// the local admin's, where this user may read it. Throws CommandError(kUsage) naming `flag`.
ApiPlace appliance_at(const std::string& place, std::string_view flag, const ConfigFlags& config,
                      const std::string& key = {});

}  // namespace penstock::cli

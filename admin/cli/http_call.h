// One request over HTTP/1.1, for commands that talk to a running appliance.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "admin/address.h"
#include "admin/cli/config_flags.h"
#include "admin/cli/tls_trust.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace penstock::cli {

/// Where an API is, and whom to believe that it is there.
struct ApiAddress {
    HostPort at;
    TlsTrust tls;
    std::string key = {};  ///< an API key; empty: none is sent

    std::string text() const;  ///< "https://localhost:3000"
};

/// Which appliance a command is to talk to.
struct ServerFlag {
    std::string place;  ///< host:port, http://host:port or https://host:port
    std::string ca_file;
    std::string api_key;

    CLI::Option* add_to(CLI::App& command, const char* flag = "--server");
};

struct HttpReply {
    unsigned status = 0;
    std::string body;
};

/// Waits at most `timeout_s` in all. Throws CommandError(kUnreachable) naming the address.
HttpReply http_get(const ApiAddress& from, const std::string& target, int timeout_s = 5);
/// GET, its body piece by piece as it comes; where the status is not 200 the body is in the reply. `idle_s`
/// without a byte counts as lost, and so does a body that breaks off.
HttpReply http_stream(const ApiAddress& from, const std::string& target, int idle_s,
                      const std::function<void(std::string_view)>& take);
/// As http_get, with a JSON body.
HttpReply http_post(const ApiAddress& to, const std::string& target, const std::string& json,
                    int timeout_s = 15);

/// By PATCH, with a JSON body.
HttpReply http_patch(const ApiAddress& to, const std::string& target, const std::string& json,
                     int timeout_s = 15);
/// By DELETE, without a body.
HttpReply http_delete(const ApiAddress& to, const std::string& target, int timeout_s = 15);

/// Of --api-key.
inline constexpr const char* kApiKeyHelp =
    "as whom to ask; without it PENSTOCK_API_KEY, and on the appliance's own host admin.key in its data "
    "folder";

/// `server.place` empty: http.listen of the configuration. Where that listens everywhere, it is asked on
/// loopback. Without a key it is PENSTOCK_API_KEY; else, of the configuration's own appliance, the local
/// admin's, where this user may read it. Throws CommandError(kUsage) naming `flag`.
ApiAddress appliance_at(const ServerFlag& server, std::string_view flag, const ConfigFlags& config);

}  // namespace penstock::cli

// Who asks: cookie, bearer token or API key.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "admin/http/access_setup.h"
#include "admin/http/message.h"
#include "pipeline/clock.h"
#include "pipeline/mailbox.h"
#include "pipeline/telemetry.h"

namespace penstock::http {

/// The HTTP thread. All references outlive it.
class Gate {
  public:
    Gate(const AccessSetup& setup, const Telemetry& telemetry, ControlMailbox& mailbox, const Clock& clock);

    /// Sets the principal: kNobody without credentials, where these are needed. The answer where they are
    /// wrong. A session's request is a sign of life.
    std::optional<Response> identify(Request& request);
    /// Whether a principal that was let in before would be still. `principal` gets its present role and
    /// scope.
    bool is_still(Principal& principal) const;
    /// False while it cannot be known who anybody is; `identify` lets nobody in then.
    bool knows() const;
    bool open_metrics() const { return setup_.open_metrics; }
    const AccessReader& book() const { return *setup_.book; }
    const AccessSetup& setup() const { return setup_; }

  private:
    std::optional<Principal> of_session(std::string_view token) const;
    std::optional<Principal> of_session_id(const std::string& id) const;
    std::optional<Principal> of_key(std::string_view key) const;
    std::optional<Principal> of_tenant_key(const std::string& hash) const;
    bool is_local(const Request& request) const;
    void note_life(const Principal& principal);

    AccessSetup setup_;
    const Telemetry& telemetry_;
    ControlMailbox& mailbox_;
    const Clock& clock_;
    std::map<std::string, int64_t> noted_;  ///< session -> when its sign of life was asked for, monotonic
};

/// The session's id; what the cookie holds is its secret.
std::string session_id_of(std::string_view token);
/// The value of this name in a Cookie header; empty: none.
std::string_view cookie_of(std::string_view header, std::string_view name);
/// 401, and what to do.
Response sign_in_first(std::string_view detail);
/// Without the port.
std::string address_of(std::string_view peer);

}  // namespace penstock::http

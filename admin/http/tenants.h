// Tenants over HTTP: looked at, made, limited, disabled, given keys.
#pragma once

#include <boost/json/object.hpp>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "admin/http/control_asker.h"
#include "admin/http/message.h"
#include "schemas/tenant.h"

namespace penstock {

/// What the HTTP side sees of tenants.
struct TenantAccess {
    const TenantReader* book = nullptr;    ///< none: tenants are not managed here
    std::vector<Tenant> of_configuration;  ///< shown, and never changed
    /// That a tenant's events may go to.
    std::function<std::vector<std::string>()> region_names;
    /// Gives the name its number in the log, durably; none: there is no room for another.
    std::function<std::optional<uint16_t>(const std::string& name)> give_id;
};

}  // namespace penstock

namespace penstock::http {

class RequestBody;

/// The HTTP thread. What changes something goes to the intake thread, which answers once it is durable, and
/// ingest follows it.
class TenantDoor {
  public:
    TenantDoor(TenantAccess access, ControlAsker& asker) : access_(std::move(access)), asker_(asker) {}

    Response list() const;
    Response show(std::string_view id) const;
    /// Names of those whose events go to the region where they name none.
    std::vector<std::string> of_region(std::string_view region) const;
    /// These call `answer` once, possibly later.
    void add(const Request& request, const Answer& answer);
    void change(const Request& request, std::string_view id, const Answer& answer);
    void add_key(const Request& request, std::string_view id, const Answer& answer);
    void revoke_key(const Request& request, std::string_view place, const Answer& answer);

  private:
    struct Found {
        Tenant tenant;
        bool of_configuration;
    };
    std::optional<Found> find(std::string_view id) const;
    /// One that may be changed; else `answer` was told why not.
    std::optional<Tenant> changeable(std::string_view id, const Answer& answer) const;
    void read_settings(RequestBody& body, boost::json::object& record) const;
    void ask(const std::string& name, boost::json::object record, const Answer& answer, std::string key,
             unsigned status);

    const TenantAccess access_;
    ControlAsker& asker_;
};

}  // namespace penstock::http

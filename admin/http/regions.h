// Regions over HTTP: looked at, added, changed, drained, removed.
#pragma once

#include <boost/json/object.hpp>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "admin/http/control_asker.h"
#include "admin/http/events.h"
#include "admin/http/message.h"
#include "admin/http/tenants.h"
#include "schemas/region.h"
#include "schemas/review.h"

namespace penstock {

/// What the HTTP side sees of regions.
struct RegionAccess {
    const RegionReader* book = nullptr;  ///< none: regions are not managed here
    const ReviewReader* review = nullptr;
    std::vector<Region> of_configuration;
    std::string default_region;
    /// Gives the name its number in the log, durably; none: there is no room for another.
    std::function<std::optional<uint16_t>(const std::string& name)> give_id;
    /// Of a connection string: what the log may hold of it.
    std::function<std::string(const std::string& dsn)> seal;
    /// Why a connection string, or a key file, cannot be used; empty: it can.
    std::function<std::string(const std::string& dsn)> dsn_fault;
    std::function<std::string(const std::string& file)> key_fault;
};

}  // namespace penstock

namespace penstock::http {

class RequestBody;

/// The HTTP thread. What changes something goes to the intake thread, which answers once it is durable; the
/// main thread follows it within a moment. A connection string is in no answer.
class RegionDoor {
  public:
    RegionDoor(RegionAccess access, const TenantDoor& tenants, const Telemetry& telemetry,
               ControlAsker& asker)
        : access_(std::move(access)), tenants_(tenants), telemetry_(telemetry), asker_(asker) {}

    Response list(const Request& request) const;
    Response show(const Request& request, std::string_view name) const;
    /// These call `answer` once, possibly later.
    void add(const Request& request, const Answer& answer);
    void change(const Request& request, std::string_view name, const Answer& answer);
    void drain(const Request& request, std::string_view name, const Answer& answer);
    void resume(const Request& request, std::string_view name, const Answer& answer);
    void remove(const Request& request, std::string_view name, const Answer& answer);
    /// Regions that take events.
    std::vector<std::string> taking() const;
    RegionRules rules() const;

  private:
    std::vector<Region> all() const;
    std::optional<Region> find(std::string_view name) const;
    const RegionTelemetry* telemetry_of(std::string_view name) const;
    /// `counts`: of events; they are of all tenants.
    std::string json_of(const Region& region, bool counts = true) const;
    /// One that may be asked to change; else `answer` was told why not.
    std::optional<Region> changeable(std::string_view name, const Answer& answer) const;
    void read_facts(RequestBody& body, std::string_view of, boost::json::object& record) const;
    void ask(const std::string& name, boost::json::object record, const Answer& answer, unsigned status);

    const RegionAccess access_;
    const TenantDoor& tenants_;
    const Telemetry& telemetry_;
    ControlAsker& asker_;
};

}  // namespace penstock::http

// Alerts, silences and maintenance windows over HTTP: looked at, acknowledged, assigned, closed, silenced.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "admin/http/control_asker.h"
#include "admin/http/events.h"
#include "admin/http/message.h"
#include "schemas/alert.h"

namespace penstock::http {

class JsonWriter;
void write_step(JsonWriter& out, const AlertStep& step);

/// The HTTP thread. What changes something goes to the intake thread, which answers once it is durable.
class AlertDoor {
  public:
    AlertDoor(const EventLog& log, const EventQueries& queries, const AlertReader& book, ControlAsker& asker,
              const Clock& clock);

    Response list(const Request& request) const;
    Response show(const Request& request, std::string_view id) const;
    /// Acknowledges and so on. Calls `answer` once, possibly later; so do the others that are given one.
    void change(const Request& request, std::string_view id, ControlKind kind, const Answer& answer);
    Response silences(const Request& request) const;
    void add_silence(const Request& request, const Answer& answer);
    void expire_silence(const Request& request, std::string_view id, const Answer& answer);
    Response maintenance(const Request& request) const;  // these three: maintenance.cpp
    void add_maintenance(const Request& request, const Answer& answer);
    void end_maintenance(const Request& request, std::string_view id, const Answer& answer);

  private:
    Response conflict(uint64_t id, uint64_t expected_version) const;
    Response alert_response(const Alert& alert, const Scope& scope) const;
    /// Nothing where it lies outside the scope.
    std::optional<Alert> find(std::string_view id, const Scope& scope) const;
    bool sees(const Scope& scope, const AlertScope& of) const;
    std::string window_json(const MaintenanceWindow& window) const;
    std::string tenant_name(uint16_t id) const;
    std::string subject_of(const AlertInstance& instance, const Scope& scope) const;
    class Writer;

    const EventLog& log_;
    const EventQueries& queries_;
    const AlertReader& book_;
    ControlAsker& asker_;
    const Clock& clock_;
};

}  // namespace penstock::http

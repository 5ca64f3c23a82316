// Simulations over HTTP: begun, looked at, cancelled.
#pragma once

#include <string_view>

#include "admin/http/message.h"
#include "admin/http/text.h"
#include "admin/http/workflow_access.h"
#include "pipeline/clock.h"
#include "storage/event_log.h"

namespace penstock::http {

/// The HTTP thread. The work is done on threads of its own.
class SimulationDoor {
  public:
    SimulationDoor(const WorkflowAccess& access, const EventLog& log, const Clock& clock)
        : access_(access), log_(log), clock_(clock) {}

    Response start(const Request& request) const;
    Response list() const;
    Response show(std::string_view id) const;
    Response cancel(std::string_view id) const;

  private:
    /// Fills in the documents, or says why not.
    std::optional<Response> find_documents(const Request& request, SimulationRequest& out) const;
    void write_whole(JsonWriter& out, const SimulationView& view) const;
    void write_difference(JsonWriter& out, std::string_view name, const SimulatedDifference& d) const;

    const WorkflowAccess& access_;
    const EventLog& log_;
    const Clock& clock_;
};

}  // namespace penstock::http

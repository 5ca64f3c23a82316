// Workflows over HTTP: their health, rules and counts, what one key went through, and their versions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "admin/http/control_asker.h"
#include "admin/http/events.h"
#include "admin/http/message.h"
#include "admin/http/text.h"
#include "admin/http/workflow_access.h"
#include "schemas/alert.h"

namespace penstock::http {

/// The HTTP thread. Names are as they stand in the path, escaped. Where the engine does not answer in time,
/// the answer is 503.
class WorkflowDoor {
  public:
    WorkflowDoor(const WorkflowAccess& access, const EventLog& log, const EventQueries& queries,
                 const AlertReader& alerts, ControlAsker& asker, const Clock& clock);

    Response list(const Request& request) const;
    Response show(const Request& request, std::string_view name) const;
    Response series(const Request& request, std::string_view name) const;
    Response instances(const Request& request, std::string_view name) const;
    Response versions(const Request& request, std::string_view name) const;
    /// `place`: "NAME/versions/N"; so for the next two.
    Response version(const Request& request, std::string_view place) const;
    Response diff(const Request& request, std::string_view place) const;
    // lifecycle.cpp
    Response lifecycle(const Request& request) const;

    // workflow_check.cpp: the faults of the document that the request brings, and its next due times
    Response check(const Request& request) const;

    // workflow_changes.cpp. Both call `answer` once, possibly later.
    void publish(const Request& request, const Answer& answer);
    void change(const Request& request, std::string_view place, const Answer& answer);

  private:
    struct Place {
        std::string name;
        uint64_t version = 0;
    };
    static std::optional<Place> place_of(std::string_view place);
    /// A version of a name, or the answer that says why not.
    std::optional<WorkflowVersion> find_version(const Place& place, Response& why) const;
    std::string tenant_name(uint16_t id) const;
    /// What a workflow counts is of its tenant, or of all: who is limited to tenants sees theirs.
    bool is_visible(const Scope& scope, const std::string& name) const;
    bool sees(const Scope& scope, const InstanceView& instance) const;
    std::string subject_of(const InstanceView& instance) const;
    std::optional<Response> refuse_owned(std::string_view name) const;
    /// The version that the record at `seq` made or changed.
    Response after_change(const std::string& name, Seq seq, uint64_t number, unsigned status) const;
    void write_lifecycle(JsonWriter& out, const InstanceView& instance, const Scope& scope) const;
    void write_alerts(JsonWriter& out, const InstanceView& instance) const;

    const WorkflowAccess& access_;
    const EventLog& log_;
    const EventQueries& queries_;
    const AlertReader& alerts_;
    ControlAsker& asker_;
    const Clock& clock_;
};

/// 503.
Response engine_busy();
/// 404.
Response no_such_workflow(std::string_view name);

}  // namespace penstock::http

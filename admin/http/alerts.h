// Alerts, silences and maintenance windows over HTTP: looked at, acknowledged, assigned, closed, silenced.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "admin/http/events.h"
#include "admin/http/message.h"
#include "pipeline/mailbox.h"
#include "pipeline/telemetry.h"
#include "schemas/alert.h"

namespace penstock::http {

/// The HTTP thread. What changes something goes to the intake thread, which answers once it is durable.
class AlertDoor {
  public:
    /// `post` runs work on the HTTP thread; it may be called from any.
    using Post = std::function<void(std::function<void()>)>;
    AlertDoor(const EventLog& log, const EventQueries& queries, const AlertReader& book,
              AlertMailbox& mailbox, const Telemetry& telemetry, const Clock& clock, Post post);

    Response list(const Request& request) const;
    Response show(std::string_view id) const;
    /// Acknowledges and so on. Calls `answer` once, possibly later; so do the others that are given one.
    void change(const Request& request, std::string_view id, ControlKind kind, const Answer& answer);
    Response silences(const Request& request) const;
    void add_silence(const Request& request, const Answer& answer);
    void expire_silence(const Request& request, std::string_view id, const Answer& answer);
    Response maintenance(const Request& request) const;  // these three: maintenance.cpp
    void add_maintenance(const Request& request, const Answer& answer);
    void end_maintenance(const Request& request, std::string_view id, const Answer& answer);
    /// Answers requests that have waited too long. Now and then.
    void give_up_old();

  private:
    struct Body;
    /// What to answer when the record is durable and applied.
    using Done = std::function<Response(Seq seq)>;

    bool ready(const Answer& answer) const;
    void ask(ControlKind kind, std::string name, std::string text, const Answer& answer, Done done);
    void answered(uint64_t id, Seq seq);
    Response conflict(uint64_t id, uint64_t expected_version) const;
    Response alert_response(const Alert& alert) const;
    std::string window_json(const MaintenanceWindow& window) const;
    std::string tenant_name(uint16_t id) const;
    std::string subject_of(Seq anchor) const;
    class Writer;

    const EventLog& log_;
    const EventQueries& queries_;
    const AlertReader& book_;
    AlertMailbox& mailbox_;
    const Telemetry& telemetry_;
    const Clock& clock_;
    Post post_;

    struct Pending {
        Answer answer;
        Done done;
        int64_t give_up_ns;
    };
    std::map<uint64_t, Pending> pending_;
    uint64_t next_id_ = 1;
};

}  // namespace penstock::http

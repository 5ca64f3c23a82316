// Events over HTTP: one, or a batch with a result each.
#pragma once

#include <cstdint>
#include <functional>
#include <map>

#include "admin/http/message.h"
#include "pipeline/clock.h"
#include "pipeline/mailbox.h"
#include "pipeline/telemetry.h"
#include "storage/event_log.h"

namespace penstock::http {

/// The HTTP thread. The intake thread takes the events and answers once they are durable.
class IntakeDoor {
  public:
    /// `post` runs work on the HTTP thread; it may be called from any.
    using Post = std::function<void(std::function<void()>)>;
    IntakeDoor(const EventLog& log, EventsMailbox& mailbox, const Telemetry& telemetry, const Clock& clock,
               Post post)
        : log_(log), mailbox_(mailbox), telemetry_(telemetry), clock_(clock), post_(std::move(post)) {}

    /// Calls `answer` once, possibly later.
    void take(const Request& request, const Answer& answer);
    /// Answers requests that have waited too long. Now and then.
    void give_up_old();

  private:
    struct Pending {
        Answer answer;
        std::vector<std::string> ids;
        bool batch = false;
        int64_t give_up_ns = 0;
    };
    void answered(uint64_t id, EventsAnswer result);

    const EventLog& log_;
    EventsMailbox& mailbox_;
    const Telemetry& telemetry_;
    const Clock& clock_;
    Post post_;
    std::map<uint64_t, Pending> pending_;
    uint64_t next_id_ = 1;
};

}  // namespace penstock::http

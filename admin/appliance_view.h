// Makes the SLA counts that people see from what the state thread publishes.
#pragma once

#include <map>
#include <string>

#include "pipeline/telemetry.h"
#include "stages/sla/sla_stage.h"
#include "storage/event_log.h"

namespace penstock {

/// What names the instance that this event armed: its subject, else its id. Any thread.
std::string event_key_text(const EventLog& log, Seq anchor);

/// Main thread. The engine knows keys by their hash; their text is looked up in the log, once each.
class SlaViewPublisher {
  public:
    void publish(const SlaStage::View& view, const EventLog& log, Telemetry& telemetry);

  private:
    void tell_hold(const SlaSnapshot& sla);

    const SlaStage::View* last_ = nullptr;
    StampNs told_waiting_ns_ = 0;  ///< the gap that the log was told of
    bool told_judged_ = false;
    std::map<Seq, std::string> keys_;  ///< by anchor
};

}  // namespace penstock

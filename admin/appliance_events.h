// Events that came over HTTP, on the intake thread.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "admin/appliance_intake.h"
#include "pipeline/mailbox.h"
#include "stages/ingest/ingest.h"

namespace penstock {

/// Intake thread, between rounds of ingest. All references outlive it.
class EventDesk {
  public:
    EventDesk(IntakeChain& chain, const IntakeChain::Parts& parts, Ingest& ingest, EventsMailbox& mailbox)
        : chain_(chain), p_(parts), ingest_(ingest), mailbox_(mailbox) {}

    /// Takes what was asked through the stages, and answers what is durable and applied.
    void do_work();
    bool idle() const { return waiting_.empty() && mailbox_.empty(); }

  private:
    struct Waiting {
        uint64_t position;  ///< of the ring, behind the last record
        EventsAnswer answer;
        std::function<void(EventsAnswer)> tell;
    };
    void take(EventsRequest& request);

    IntakeChain& chain_;
    IntakeChain::Parts p_;
    Ingest& ingest_;
    EventsMailbox& mailbox_;
    WorkBatch work_;
    std::deque<Waiting> waiting_;
};

}  // namespace penstock

// Where what people and programs ask for becomes records of the log.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <utility>

#include "admin/appliance_intake.h"
#include "pipeline/mailbox.h"

namespace penstock {

/// Intake thread, between rounds of ingest: it alone makes records. All references outlive it.
class ControlDesk {
  public:
    /// Told of each record that was asked for, once it is durable and applied, before who asked is answered.
    using Applied = std::function<void(ControlKind kind, const std::string& name)>;
    ControlDesk(const IntakeChain::Parts& parts, ControlMailbox& mailbox, Applied applied)
        : p_(parts), mailbox_(mailbox), applied_(std::move(applied)) {}

    /// Takes what was asked while the log has room, and answers what is durable and applied.
    void do_work();
    bool idle() const { return waiting_.empty() && mailbox_.empty(); }

  private:
    struct Waiting {
        Seq seq;
        uint64_t position;  ///< of the ring, behind the record
        ControlKind kind;
        std::string name;
        std::function<void(Seq)> tell;
    };
    IntakeChain::Parts p_;
    ControlMailbox& mailbox_;
    const Applied applied_;
    std::deque<Waiting> waiting_;
};

}  // namespace penstock

// Retries and drops of dead letters, on the intake thread: it alone makes records.
#pragma once

#include <string>
#include <vector>

#include "admin/appliance_intake.h"
#include "pipeline/mailbox.h"
#include "storage/dead_letter_book.h"

namespace penstock {

/// Intake thread, between rounds of ingest. All references outlive it.
class DeadLetterDesk {
  public:
    DeadLetterDesk(IntakeChain& chain, const IntakeChain::Parts& parts, const DeadLetterBook& book,
                   LetterMailbox& mailbox)
        : chain_(chain), p_(parts), book_(book), mailbox_(mailbox) {}

    /// Takes what was asked, answers what has become durable and known to the book, and tells the log what
    /// retention has taken.
    void do_work();
    bool idle() const { return waiting_.empty() && mailbox_.empty(); }

  private:
    static constexpr size_t kPadding = 64;
    struct Waiting {
        Seq letter;
        Seq event;          ///< as in the request
        uint64_t position;  ///< of the ring, behind the last record
        LetterAnswer answer;
        std::function<void(LetterAnswer)> tell;
    };
    void take(LetterRequest& request);
    /// Sets the answer's outcome, cause and detail; its event or dead letter is open in the sequencer.
    void retry(LetterRequest& request, LetterAnswer& answer);
    void run(LetterRequest& request);
    void answer_durable();
    void expire();

    IntakeChain& chain_;
    IntakeChain::Parts p_;
    const DeadLetterBook& book_;
    LetterMailbox& mailbox_;
    WorkBatch work_;
    std::vector<Waiting> waiting_;
    int64_t next_expiry_ns_ = 0;
};

}  // namespace penstock

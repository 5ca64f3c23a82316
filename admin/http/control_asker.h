// Asks the intake thread for control records, and answers HTTP requests once they are durable.
#pragma once

#include <cstdint>
#include <functional>
#include <iterator>
#include <map>
#include <string>

#include "admin/http/message.h"
#include "pipeline/clock.h"
#include "pipeline/mailbox.h"
#include "pipeline/telemetry.h"

namespace penstock::http {

/// Answers what has waited too long, in `pending` by age: members answer, give_up_ns. A command under an
/// Idempotency-Key stays: its answer, when it comes, is that of the next request with this key.
template <typename Pending>
void give_up(std::map<uint64_t, Pending>& pending, int64_t now_ns, std::string_view remedy) {
    for (auto at = pending.begin(); at != pending.end() && at->second.give_up_ns <= now_ns;) {
        const Answer answer = at->second.answer;
        at = answer.once ? std::next(at) : pending.erase(at);
        const Response late =
            problem(504, "no-answer-yet", "It is not durable yet", remedy).header("Retry-After", "5");
        answer.once ? answer.once->tell(late) : answer(late);
    }
}

/// The HTTP thread.
class ControlAsker {
  public:
    /// `post` runs work on the HTTP thread; it may be called from any.
    using Post = std::function<void(std::function<void()>)>;
    /// What to answer when the record is durable and applied.
    using Done = std::function<Response(Seq seq)>;

    ControlAsker(ControlMailbox& mailbox, const Telemetry& telemetry, const Clock& clock, Post post)
        : mailbox_(mailbox), telemetry_(telemetry), clock_(clock), post_(std::move(post)) {}

    /// False: the appliance takes no changes now, and `answer` was told so.
    bool ready(const Answer& answer) const;
    /// Calls `answer` once, possibly later.
    void ask(ControlKind kind, std::string name, std::string text, const Answer& answer, Done done);
    /// Answers requests that have waited too long. Now and then.
    void give_up_old();

  private:
    void answered(uint64_t id, Seq seq);

    ControlMailbox& mailbox_;
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

// Commands under an Idempotency-Key: done once, and answered alike.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "admin/http/message.h"
#include "pipeline/clock.h"
#include "pipeline/mailbox.h"
#include "schemas/answers.h"

namespace penstock::http {

/// The HTTP thread. The record of a command carries its key, so that it is never done twice; its answer is a
/// record of its own, and given once that is durable.
class OnceDoor {
  public:
    using Post = std::function<void(std::function<void()>)>;
    using Command = std::function<void(const Answer&)>;
    OnceDoor(const AnswerReader& book, ControlMailbox& mailbox, const Clock& clock, Post post)
        : book_(book), mailbox_(mailbox), clock_(clock), post_(std::move(post)) {}

    /// Runs `command` before it returns, unless the request's key is under way or known.
    void run(const Request& request, const Answer& answer, const Command& command);
    /// Asks again for records that found the mailbox full. Now and then.
    void ask_again();

  private:
    using Flight = std::pair<std::string, std::string>;  ///< who, key
    void answered(const std::shared_ptr<Once>& once, Response response);

    const AnswerReader& book_;
    ControlMailbox& mailbox_;
    const Clock& clock_;
    Post post_;
    std::map<Flight, std::string> flights_;  ///< under way -> hash of the request
    std::deque<ControlRequest> unsent_;
};

}  // namespace penstock::http

// Dead letters over HTTP: looked at, sent through intake again, dropped.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string_view>

#include "admin/http/events.h"
#include "admin/http/message.h"
#include "pipeline/mailbox.h"
#include "pipeline/telemetry.h"

namespace penstock::http {

/// The HTTP thread. What changes something goes to the intake thread, which answers once it is durable.
class DeadLetterDoor {
  public:
    /// `post` runs work on the HTTP thread; it may be called from any.
    using Post = std::function<void(std::function<void()>)>;
    DeadLetterDoor(const EventQueries& queries, const DeadLetterBook& book, LetterMailbox& mailbox,
                   const Telemetry& telemetry, const Clock& clock, Post post);

    Response list(const Request& request) const;
    Response show(const Request& request, std::string_view seq) const;
    /// Retries or drops. Calls `answer` once, possibly later.
    void change(const Request& request, std::string_view seq, bool drop, const Answer& answer);
    /// Answers requests that have waited too long. Now and then.
    void give_up_old();

    DeadLetterBook::Counts counts() const { return book_.counts(); }

  private:
    void answered(uint64_t id, Seq letter, bool drop, const LetterAnswer& result);

    const EventQueries& queries_;
    const DeadLetterBook& book_;
    LetterMailbox& mailbox_;
    const Telemetry& telemetry_;
    const Clock& clock_;
    Post post_;

    struct Pending {
        Answer answer;
        int64_t give_up_ns;
    };
    std::map<uint64_t, Pending> pending_;
    uint64_t next_id_ = 1;
};

}  // namespace penstock::http

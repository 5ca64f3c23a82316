// What an HttpServer is given where a test is about a part of it: the rest is empty.
#pragma once

#include <utility>

#include "admin/http/server.h"
#include "stages/answers/answer_book.h"
#include "stages/review/review_book.h"
#include "tests/support/memory_workflows.h"

namespace penstock::test {

inline HttpServer::Parts http_parts(const Telemetry& telemetry, const EventLog& log, const Clock& clock,
                                    const DeadLetterBook& dead_letters, LetterMailbox& letters,
                                    ControlMailbox& control_requests, const AlertReader& alerts,
                                    WorkflowAccess workflows = no_workflows()) {
    struct NoAudit final : AuditReader {
        AuditHead head() const override { return {}; }
        AuditPage entries(const AuditFilter&, uint64_t, size_t) const override { return {}; }
    };
    static EventsMailbox event_requests(4);
    static const ReviewBook review;
    static const NoAudit audit;
    static const AnswerBook answers;
    return {telemetry,      log,    clock,  dead_letters, letters, control_requests,
            event_requests, alerts, review, audit,        answers, std::move(workflows)};
}

}  // namespace penstock::test

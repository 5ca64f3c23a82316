// An export: page after page, made while it is sent, on record from before its first byte.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "admin/http/message.h"
#include "storage/event_search.h"

namespace penstock::http {

inline constexpr const char *kCsvType = "text/csv; charset=utf-8; header=present",
                            *kNdjsonType = "application/x-ndjson";

struct ExportRequest {
    EventQuery query;
    EventOrder order;
    bool csv = false;
    bool takes_partial = false;    ///< also without the regions that do not answer
    int64_t timeout_ns = 0;        ///< of each page
    std::string by, peer, filter;  ///< for the record
    std::string region;            ///< likewise; empty: of more than one
};

/// What an export needs of others. HTTP thread, but for events().
class ExportDesk {
  public:
    virtual ~ExportDesk() = default;
    virtual EventSearch& events() = 0;
    /// Work for the HTTP thread. Any thread.
    virtual void post(std::function<void()> work) = 0;
    /// Work for another thread; false: the server ends.
    virtual bool run(std::function<void()> work) = 0;
    /// Puts it on record; `done`: whether it is durable. May be empty.
    virtual void record(std::string text, std::function<void(bool)> done) = 0;
};

/// Answers with a body that streams, or with a problem.
void begin_export(std::unique_ptr<ExportDesk> desk, ExportRequest request, const Answer& answer);

}  // namespace penstock::http

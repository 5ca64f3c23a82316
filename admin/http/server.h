// The admin side's HTTP and WebSocket server.
#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>

#include "admin/http/access_setup.h"
#include "admin/http/regions.h"
#include "admin/http/settings.h"
#include "admin/http/tenants.h"
#include "admin/http/workflow_access.h"
#include "pipeline/clock.h"
#include "pipeline/mailbox.h"
#include "pipeline/telemetry.h"
#include "pipeline/tls_identity.h"
#include "schemas/alert.h"
#include "schemas/answers.h"
#include "schemas/audit.h"
#include "schemas/review.h"
#include "storage/dead_letter_book.h"
#include "storage/event_log.h"
#include "storage/event_search.h"

namespace penstock {

/// The server cannot listen. Names the address and the remedy.
struct HttpServerError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Serves health, metrics, status, the hot log, the live stream and the page at /, on one thread of its own.
/// Changes nothing but by the two mailboxes, bounded: nothing that a client does can hold up the appliance.
/// Memory is bounded by the number of connections (about 100 KiB each) and one answer (4 MiB). The log's
/// names must be registered before start(); all that is passed must outlive the server.
class HttpServer {
  public:
    struct Options {
        std::string listen = "127.0.0.1:3000";  ///< host:port; port 0 takes a free one; [::1]:3000 for IPv6
        size_t connections_max = 512;
        const TlsIdentity* tls = nullptr;  ///< none: plain HTTP; outlives the server
        uint64_t hsts_s = 0;               ///< of Strict-Transport-Security; 0: not sent
        http::AccessSetup access = {};
        TenantAccess tenants = {};
        RegionAccess regions = {};
        std::vector<http::Setting> settings = {};  ///< that people may look at
    };
    /// What it shows, and where it asks for changes.
    struct Parts {
        const Telemetry& telemetry;
        const EventLog& log;
        const Clock& clock;
        const DeadLetterBook& dead_letters;
        LetterMailbox& letter_requests;
        ControlMailbox& control_requests;
        EventsMailbox& event_requests;
        const AlertReader& alerts;
        const ReviewReader& review;
        const AuditReader& audit;
        const AnswerReader& answers;
        WorkflowAccess workflows;
        EventSearch* search = nullptr;  ///< none: events are found in the hot log only
    };
    HttpServer(Options options, Parts parts);
    ~HttpServer();
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

    /// Binds, then serves. Throws HttpServerError. Once.
    void start();
    /// Tells stream clients goodbye and ends; within half a second. Safe to call twice, or unstarted.
    void stop();
    /// The port that is bound; 0 before start().
    uint16_t port() const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace penstock

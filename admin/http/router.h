// From a request to its answer, without sockets: every route of the admin side but the WebSocket.
#pragma once

#include <functional>
#include <span>
#include <string_view>

#include "admin/http/alerts.h"
#include "admin/http/audit.h"
#include "admin/http/deadletters.h"
#include "admin/http/event_search.h"
#include "admin/http/events.h"
#include "admin/http/gate.h"
#include "admin/http/intake.h"
#include "admin/http/message.h"
#include "admin/http/people.h"
#include "admin/http/review.h"
#include "admin/http/settings.h"
#include "admin/http/sign_in.h"
#include "admin/http/simulations.h"
#include "admin/http/status.h"
#include "admin/http/tenants.h"
#include "admin/http/workflows.h"

namespace penstock::http {

inline constexpr std::string_view kStreamPath = "/api/v1/stream";
/// The same under the name that the first documents gave it.
inline constexpr std::string_view kStreamAlias = "/api/v1/ws";

/// One thread. Every answer carries the security headers; errors are RFC 9457 problems.
class Router {
  public:
    Router(const Telemetry& telemetry, const Clock& clock, const Sampler& sampler,
           const EventQueries& queries, DeadLetterDoor& letters, AlertDoor& alerts, WorkflowDoor& workflows,
           const SimulationDoor& simulations, ReviewDoor& review, const AuditDoor& audit, IntakeDoor& intake,
           EventSearchDoor& search, TenantDoor& tenants, Gate& gate, SignInDoor& sign_in, PeopleDoor& people,
           const Counters& counters, const std::vector<Setting>& settings);

    /// Calls `answer` once: before it returns, or, where the answer waits for the disk, later on this thread.
    void handle(const Request& request, Answer answer) const;

    /// Paths as the OpenAPI document spells them.
    std::vector<std::string_view> paths() const;

    /// What a request needs at least.
    enum class Need : uint8_t { kNothing, kViewer, kOperator, kSupervisor, kAdmin };
    /// What the answer, or the change, is of: who sees a part only is refused.
    enum class Reach : uint8_t { kAny, kAllTenants, kEverything };
    struct Way {
        std::string_view method, path;  ///< as the OpenAPI document spells it
        Need need;
    };
    /// Each method of each address.
    static std::vector<Way> ways();

  private:
    struct Route {
        std::string_view method;  ///< GET is HEAD, too
        std::string_view path;    ///< a segment in braces stands for any one segment
        Need need;
        /// `argument`: what stands for the braces; of several, from the first to the last. Of a GET:
        Response (Router::*read)(const Request&, std::string_view argument) const;
        /// Of others, and of a GET whose answer takes time.
        void (Router::*change)(const Request&, std::string_view argument, const Answer&) const = nullptr;
        bool takes_form = false;
        Reach reach = Reach::kAny;
        bool for_producers = false;  ///< a tenant's key is enough
    };
    static const Route kRoutes[];

    /// Why this request may not do what needs so much.
    std::optional<Response> refuse(const Request& request, Need need, Reach reach) const;
    Response page(const Request&, std::string_view) const;
    static Response console();
    Response openapi(const Request&, std::string_view) const;
    Response config(const Request&, std::string_view) const;
    Response healthz(const Request&, std::string_view) const;
    Response readyz(const Request&, std::string_view) const;
    Response metrics(const Request&, std::string_view) const;
    Response status(const Request&, std::string_view) const;
    Response workflows(const Request&, std::string_view) const;
    void publish_workflow(const Request&, std::string_view, const Answer&) const;
    Response workflow(const Request&, std::string_view name) const;
    Response workflow_series(const Request&, std::string_view name) const;
    Response workflow_instances(const Request&, std::string_view name) const;
    Response workflow_versions(const Request&, std::string_view name) const;
    Response workflow_version(const Request&, std::string_view place) const;
    void change_version(const Request&, std::string_view place, const Answer&) const;
    Response workflow_diff(const Request&, std::string_view place) const;
    Response lifecycle(const Request&, std::string_view) const;
    Response simulations(const Request&, std::string_view) const;
    void start_simulation(const Request&, std::string_view, const Answer&) const;
    Response simulation(const Request&, std::string_view id) const;
    void cancel_simulation(const Request&, std::string_view id, const Answer&) const;
    Response events(const Request&, std::string_view) const;
    void take_events(const Request&, std::string_view, const Answer&) const;
    Response event(const Request&, std::string_view seq) const;
    void search_events(const Request&, std::string_view, const Answer&) const;
    void event_statistics(const Request&, std::string_view, const Answer&) const;
    void export_events(const Request&, std::string_view, const Answer&) const;
    Response dead_letters(const Request&, std::string_view) const;
    Response dead_letter(const Request&, std::string_view seq) const;
    void retry(const Request&, std::string_view seq, const Answer&) const;
    void drop(const Request&, std::string_view seq, const Answer&) const;
    Response alerts(const Request&, std::string_view) const;
    Response alert(const Request&, std::string_view id) const;
    template <ControlKind kKind>
    void change_alert(const Request&, std::string_view id, const Answer&) const;
    Response silences(const Request&, std::string_view) const;
    void add_silence(const Request&, std::string_view, const Answer&) const;
    void expire_silence(const Request&, std::string_view id, const Answer&) const;
    Response maintenance(const Request&, std::string_view) const;
    void add_maintenance(const Request&, std::string_view, const Answer&) const;
    void end_maintenance(const Request&, std::string_view id, const Answer&) const;
    Response review_items(const Request&, std::string_view) const;
    Response review_item(const Request&, std::string_view id) const;
    Response review_summary(const Request&, std::string_view) const;
    template <ControlKind kKind>
    void change_item(const Request&, std::string_view id, const Answer&) const;
    void decide_items(const Request&, std::string_view, const Answer&) const;
    void put_assignment(const Request&, std::string_view id, const Answer&) const;
    Response audit(const Request&, std::string_view) const;
    Response audit_head(const Request&, std::string_view) const;
    Response sign_in_page(const Request&, std::string_view) const;
    Response who_am_i(const Request&, std::string_view) const;
    void sign_in(const Request&, std::string_view, const Answer&) const;
    void sign_out(const Request&, std::string_view, const Answer&) const;
    Response sessions(const Request&, std::string_view) const;
    void end_session(const Request&, std::string_view id, const Answer&) const;
    Response users(const Request&, std::string_view) const;
    void add_user(const Request&, std::string_view, const Answer&) const;
    Response user(const Request&, std::string_view who) const;
    void change_user(const Request&, std::string_view who, const Answer&) const;
    void remove_user(const Request&, std::string_view who, const Answer&) const;
    template <bool kActive>
    void set_active(const Request&, std::string_view who, const Answer&) const;
    Response preferences(const Request&, std::string_view) const;
    void set_preferences(const Request&, std::string_view, const Answer&) const;
    Response keys(const Request&, std::string_view) const;
    void add_key(const Request&, std::string_view, const Answer&) const;
    void rotate_key(const Request&, std::string_view id, const Answer&) const;
    void revoke_key(const Request&, std::string_view id, const Answer&) const;
    Response tenants(const Request&, std::string_view) const;
    void add_tenant(const Request&, std::string_view, const Answer&) const;
    Response tenant(const Request&, std::string_view id) const;
    void change_tenant(const Request&, std::string_view id, const Answer&) const;
    void add_tenant_key(const Request&, std::string_view id, const Answer&) const;
    void revoke_tenant_key(const Request&, std::string_view place, const Answer&) const;
    Response asset(const Request& request) const;
    void dispatch(Request&, const Answer&) const;

    const Telemetry& telemetry_;
    const Clock& clock_;
    const Sampler& sampler_;
    const EventQueries& queries_;
    DeadLetterDoor& letters_;
    AlertDoor& alerts_;
    WorkflowDoor& workflows_;
    const SimulationDoor& simulations_;
    ReviewDoor& review_;
    const AuditDoor& audit_;
    IntakeDoor& intake_;
    EventSearchDoor& search_;
    Gate& gate_;
    SignInDoor& sign_in_;
    PeopleDoor& people_;
    TenantDoor& tenants_;
    const Counters& counters_;
    const std::vector<Setting>& settings_;
};

/// Content policy, sniffing, framing, referrer, caching. For answers that do not pass the router, too.
void add_common_headers(Response& answer);

}  // namespace penstock::http

#include "admin/http/routes.h"

#include <type_traits>

namespace penstock::http {
namespace {

/// Calls what takes the request, what stands for the braces, both or nothing.
template <auto kDoor, auto kAct>
Response read(const Doors& doors, const Request& request, std::string_view argument) {
    auto& door = *(doors.*kDoor);
    using Door = decltype(door);
    if constexpr (std::is_invocable_v<decltype(kAct), Door, const Request&, std::string_view>)
        return (door.*kAct)(request, argument);
    else if constexpr (std::is_invocable_v<decltype(kAct), Door, const Request&>)
        return (door.*kAct)(request);
    else if constexpr (std::is_invocable_v<decltype(kAct), Door, std::string_view>)
        return (door.*kAct)(argument);
    else
        return (door.*kAct)();
}

/// The same of what answers later; `kMore` goes between.
template <auto kDoor, auto kAct, auto... kMore>
void ask(const Doors& doors, const Request& request, std::string_view argument, const Answer& answer) {
    auto& door = *(doors.*kDoor);
    using Door = decltype(door);
    if constexpr (std::is_invocable_v<decltype(kAct), Door, const Request&, std::string_view,
                                      decltype(kMore)..., const Answer&>)
        (door.*kAct)(request, argument, kMore..., answer);
    else if constexpr (std::is_invocable_v<decltype(kAct), Door, const Request&, const Answer&>)
        (door.*kAct)(request, answer);
    else
        answer(read<kDoor, kAct>(doors, request, argument));
}

/// The same of a command that is done once under an Idempotency-Key.
template <auto kDoor, auto kAct, auto... kMore>
void once(const Doors& doors, const Request& request, std::string_view argument, const Answer& answer) {
    doors.once->run(request, answer, [&](const Answer& keeping) {
        ask<kDoor, kAct, kMore...>(doors, request, argument, keeping);
    });
}

using enum Need;
using D = Doors;

// Events and review look after their keys themselves: an event by its id, an item by its history.
constexpr Route kRoutes[] = {
    {"GET", "/", kNothing, read<&D::host, &HostDoor::page>},
    {"GET", "/healthz", kNothing, read<&D::host, &HostDoor::healthz>},
    {"GET", "/health", kNothing, read<&D::host, &HostDoor::healthz>},
    {"GET", "/readyz", kNothing, read<&D::host, &HostDoor::readyz>},
    {.method = "GET",
     .path = "/metrics",
     .need = kNothing,
     .read = read<&D::host, &HostDoor::metrics>,
     .reach = Reach::kEverything,
     .of_metrics = true},
    {"GET", "/api/v1/status", kViewer, read<&D::host, &HostDoor::status>},
    {"GET", "/api/v1/openapi.yaml", kViewer, read<&D::host, &HostDoor::openapi>},
    {"GET", "/api/v1/config", kAdmin, read<&D::host, &HostDoor::config>, nullptr, Reach::kEverything},
    {"GET", "/api/v1/workflows", kViewer, read<&D::workflows, &WorkflowDoor::list>},
    {"POST", "/api/v1/workflows", kSupervisor, nullptr, once<&D::workflows, &WorkflowDoor::publish>,
     Reach::kEverything},
    {"POST", "/api/v1/workflow-check", kOperator, nullptr, ask<&D::workflows, &WorkflowDoor::check>,
     Reach::kEverything},
    {"GET", "/api/v1/workflows/{name}", kViewer, read<&D::workflows, &WorkflowDoor::show>},
    {"GET", "/api/v1/workflows/{name}/series", kViewer, read<&D::workflows, &WorkflowDoor::series>},
    {"GET", "/api/v1/workflows/{name}/instances", kViewer, read<&D::workflows, &WorkflowDoor::instances>},
    {"GET", "/api/v1/workflows/{name}/versions", kViewer, read<&D::workflows, &WorkflowDoor::versions>},
    {"GET", "/api/v1/workflows/{name}/versions/{version}", kViewer,
     read<&D::workflows, &WorkflowDoor::version>},
    {"POST", "/api/v1/workflows/{name}/versions/{version}", kSupervisor, nullptr,
     once<&D::workflows, &WorkflowDoor::change>, Reach::kEverything},
    {"GET", "/api/v1/workflows/{name}/versions/{version}/diff", kViewer,
     read<&D::workflows, &WorkflowDoor::diff>},
    {"GET", "/api/v1/lifecycle", kViewer, read<&D::workflows, &WorkflowDoor::lifecycle>},
    {"GET", "/api/v1/simulations", kViewer, read<&D::simulations, &SimulationDoor::list>, nullptr,
     Reach::kEverything},
    {"POST", "/api/v1/simulations", kOperator, nullptr, once<&D::simulations, &SimulationDoor::start>,
     Reach::kEverything},
    {"GET", "/api/v1/simulations/{id}", kViewer, read<&D::simulations, &SimulationDoor::show>, nullptr,
     Reach::kEverything},
    {"DELETE", "/api/v1/simulations/{id}", kOperator, nullptr, once<&D::simulations, &SimulationDoor::cancel>,
     Reach::kEverything},
    {"GET", "/api/v1/events", kViewer, read<&D::hot_log, &HotLogDoor::list>},
    {.method = "POST",
     .path = "/api/v1/events",
     .need = kOperator,
     .ask = ask<&D::intake, &IntakeDoor::take>,
     .for_producers = true},
    {"GET", "/api/v1/events/search", kViewer, nullptr, ask<&D::search, &EventSearchDoor::search>},
    {"GET", "/api/v1/events/stats", kViewer, nullptr, ask<&D::search, &EventSearchDoor::statistics>},
    {"GET", "/api/v1/events/export", kViewer, nullptr, ask<&D::search, &EventSearchDoor::export_events>},
    {"GET", "/api/v1/events/{seq}", kViewer, read<&D::hot_log, &HotLogDoor::show>},
    {"GET", "/api/v1/deadletters", kViewer, read<&D::letters, &DeadLetterDoor::list>},
    {"GET", "/api/v1/deadletters/{seq}", kViewer, read<&D::letters, &DeadLetterDoor::show>},
    {"POST", "/api/v1/deadletters/{seq}/retry", kOperator, nullptr,
     once<&D::letters, &DeadLetterDoor::change, false>},
    {"POST", "/api/v1/deadletters/{seq}/drop", kOperator, nullptr,
     once<&D::letters, &DeadLetterDoor::change, true>},
    {"GET", "/api/v1/alerts", kViewer, read<&D::alerts, &AlertDoor::list>},
    {"GET", "/api/v1/alerts/{id}", kViewer, read<&D::alerts, &AlertDoor::show>},
    {"POST", "/api/v1/alerts/{id}/ack", kOperator, nullptr,
     once<&D::alerts, &AlertDoor::change, ControlKind::kAlertAcked>},
    {"POST", "/api/v1/alerts/{id}/unack", kOperator, nullptr,
     once<&D::alerts, &AlertDoor::change, ControlKind::kAlertUnacked>},
    {"POST", "/api/v1/alerts/{id}/assign", kSupervisor, nullptr,
     once<&D::alerts, &AlertDoor::change, ControlKind::kAlertAssigned>},
    {"POST", "/api/v1/alerts/{id}/resolve", kOperator, nullptr,
     once<&D::alerts, &AlertDoor::change, ControlKind::kAlertResolved>},
    {"GET", "/api/v1/silences", kViewer, read<&D::alerts, &AlertDoor::silences>},
    {"POST", "/api/v1/silences", kSupervisor, nullptr, once<&D::alerts, &AlertDoor::add_silence>,
     Reach::kEverything},
    {"POST", "/api/v1/silences/{id}/expire", kSupervisor, nullptr,
     once<&D::alerts, &AlertDoor::expire_silence>, Reach::kEverything},
    {"GET", "/api/v1/maintenance", kViewer, read<&D::alerts, &AlertDoor::maintenance>},
    {"POST", "/api/v1/maintenance", kSupervisor, nullptr, once<&D::alerts, &AlertDoor::add_maintenance>,
     Reach::kEverything},
    {"DELETE", "/api/v1/maintenance/{id}", kSupervisor, nullptr,
     once<&D::alerts, &AlertDoor::end_maintenance>, Reach::kEverything},
    {"GET", "/api/v1/review/items", kViewer, read<&D::review, &ReviewDoor::list>},
    {"GET", "/api/v1/review/items/{id}", kViewer, read<&D::review, &ReviewDoor::show>},
    {"POST", "/api/v1/review/items/{id}/claim", kOperator, nullptr,
     ask<&D::review, &ReviewDoor::change, ControlKind::kReviewClaimed>},
    {"POST", "/api/v1/review/items/{id}/release", kOperator, nullptr,
     ask<&D::review, &ReviewDoor::change, ControlKind::kReviewReleased>},
    {"POST", "/api/v1/review/items/{id}/renew", kOperator, nullptr,
     ask<&D::review, &ReviewDoor::change, ControlKind::kReviewRenewed>},
    {"POST", "/api/v1/review/items/{id}/reassign", kSupervisor, nullptr,
     ask<&D::review, &ReviewDoor::change, ControlKind::kReviewReassigned>},
    {"POST", "/api/v1/review/items/{id}/escalate", kOperator, nullptr,
     ask<&D::review, &ReviewDoor::change, ControlKind::kReviewEscalated>},
    {"POST", "/api/v1/review/items/{id}/decide", kOperator, nullptr,
     ask<&D::review, &ReviewDoor::change, ControlKind::kReviewDecided>},
    {"POST", "/api/v1/review/items/{id}/undo", kOperator, nullptr,
     ask<&D::review, &ReviewDoor::change, ControlKind::kReviewUndone>},
    {"POST", "/api/v1/review/decisions", kOperator, nullptr, ask<&D::review, &ReviewDoor::decide_batch>},
    {"GET", "/api/v1/review/summary", kViewer, read<&D::review, &ReviewDoor::summary>},
    {"PUT", "/assignments/{id}", kOperator, nullptr, ask<&D::review, &ReviewDoor::put_assignment>},
    {"GET", "/api/v1/audit", kSupervisor, read<&D::audit, &AuditDoor::list>, nullptr, Reach::kEverything},
    {"GET", "/api/v1/audit/head", kSupervisor, read<&D::audit, &AuditDoor::head>, nullptr,
     Reach::kEverything},
    {"GET", "/sign-in", kNothing, read<&D::sign_in, &SignInDoor::page>},
    {"GET", "/api/v1/session", kViewer, read<&D::sessions, &SessionDoor::who_am_i>},
    {.method = "POST",
     .path = "/api/v1/session",
     .need = kNothing,
     .ask = ask<&D::sign_in, &SignInDoor::sign_in>,
     .takes_form = true},
    {"DELETE", "/api/v1/session", kViewer, nullptr, once<&D::sessions, &SessionDoor::sign_out>},
    {"GET", "/api/v1/sessions", kViewer, read<&D::sessions, &SessionDoor::list>},
    {"DELETE", "/api/v1/sessions/{id}", kViewer, nullptr, once<&D::sessions, &SessionDoor::end>},
    {"GET", "/api/v1/users", kSupervisor, read<&D::people, &PeopleDoor::users>, nullptr, Reach::kEverything},
    {"POST", "/api/v1/users", kAdmin, nullptr, once<&D::people, &PeopleDoor::add_user>, Reach::kEverything},
    {"GET", "/api/v1/users/{user}", kSupervisor, read<&D::people, &PeopleDoor::user>, nullptr,
     Reach::kEverything},
    {"PATCH", "/api/v1/users/{user}", kAdmin, nullptr, once<&D::people, &PeopleDoor::change_user>,
     Reach::kEverything},
    {"DELETE", "/api/v1/users/{user}", kAdmin, nullptr, once<&D::people, &PeopleDoor::remove_user>,
     Reach::kEverything},
    {.method = "POST",
     .path = "/users/{user}/active",
     .need = kViewer,
     .ask = once<&D::sessions, &SessionDoor::set_active, true>,
     .takes_form = true},
    {"DELETE", "/users/{user}/active", kViewer, nullptr, once<&D::sessions, &SessionDoor::set_active, false>},
    {.method = "POST",
     .path = "/api/v1/users/{user}/active",
     .need = kViewer,
     .ask = once<&D::sessions, &SessionDoor::set_active, true>,
     .takes_form = true},
    {"DELETE", "/api/v1/users/{user}/active", kViewer, nullptr,
     once<&D::sessions, &SessionDoor::set_active, false>},
    {"GET", "/api/v1/preferences", kViewer, read<&D::people, &PeopleDoor::preferences>},
    {"PUT", "/api/v1/preferences", kViewer, nullptr, once<&D::people, &PeopleDoor::set_preferences>},
    {"GET", "/api/v1/views", kViewer, read<&D::people, &PeopleDoor::views>},
    {"PUT", "/api/v1/views/{name}", kOperator, nullptr, once<&D::people, &PeopleDoor::set_view>},
    {"DELETE", "/api/v1/views/{name}", kOperator, nullptr, once<&D::people, &PeopleDoor::remove_view>},
    {"GET", "/api/v1/keys", kAdmin, read<&D::people, &PeopleDoor::keys>, nullptr, Reach::kEverything},
    {"POST", "/api/v1/keys", kAdmin, nullptr, once<&D::people, &PeopleDoor::add_key>, Reach::kEverything},
    {"POST", "/api/v1/keys/{id}/rotate", kAdmin, nullptr, once<&D::people, &PeopleDoor::rotate_key>,
     Reach::kEverything},
    {"DELETE", "/api/v1/keys/{id}", kAdmin, nullptr, once<&D::people, &PeopleDoor::revoke_key>,
     Reach::kEverything},
    {"GET", "/api/v1/regions", kViewer, read<&D::regions, &RegionDoor::list>},
    {"POST", "/api/v1/regions", kAdmin, nullptr, once<&D::regions, &RegionDoor::add>, Reach::kEverything},
    {"GET", "/api/v1/regions/{name}", kViewer, read<&D::regions, &RegionDoor::show>},
    {"PATCH", "/api/v1/regions/{name}", kAdmin, nullptr, once<&D::regions, &RegionDoor::change>,
     Reach::kEverything},
    {"DELETE", "/api/v1/regions/{name}", kAdmin, nullptr, once<&D::regions, &RegionDoor::remove>,
     Reach::kEverything},
    {"POST", "/api/v1/regions/{name}/drain", kAdmin, nullptr, once<&D::regions, &RegionDoor::drain>,
     Reach::kEverything},
    {"POST", "/api/v1/regions/{name}/resume", kAdmin, nullptr, once<&D::regions, &RegionDoor::resume>,
     Reach::kEverything},
    {"GET", "/api/v1/tenants", kAdmin, read<&D::tenants, &TenantDoor::list>, nullptr, Reach::kEverything},
    {"POST", "/api/v1/tenants", kAdmin, nullptr, once<&D::tenants, &TenantDoor::add>, Reach::kEverything},
    {"GET", "/api/v1/tenants/{id}", kAdmin, read<&D::tenants, &TenantDoor::show>, nullptr,
     Reach::kEverything},
    {"PATCH", "/api/v1/tenants/{id}", kAdmin, nullptr, once<&D::tenants, &TenantDoor::change>,
     Reach::kEverything},
    {"POST", "/api/v1/tenants/{id}/keys", kAdmin, nullptr, once<&D::tenants, &TenantDoor::add_key>,
     Reach::kEverything},
    {"DELETE", "/api/v1/tenants/{id}/keys/{key}", kAdmin, nullptr, once<&D::tenants, &TenantDoor::revoke_key>,
     Reach::kEverything},
};

}  // namespace

std::span<const Route> routes() { return kRoutes; }

}  // namespace penstock::http

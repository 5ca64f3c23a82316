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

using enum Need;
using D = Doors;

constexpr Route kRoutes[] = {
    {"GET", "/", kNothing, read<&D::host, &HostDoor::page>},
    {"GET", "/healthz", kNothing, read<&D::host, &HostDoor::healthz>},
    {"GET", "/health", kNothing, read<&D::host, &HostDoor::healthz>},
    {"GET", "/readyz", kNothing, read<&D::host, &HostDoor::readyz>},
    {.method = "GET",
     .path = "/metrics",
     .need = kNothing,
     .read = read<&D::host, &HostDoor::metrics>,
     .of_metrics = true},
    {"GET", "/api/v1/status", kViewer, read<&D::host, &HostDoor::status>},
    {"GET", "/api/v1/openapi.yaml", kViewer, read<&D::host, &HostDoor::openapi>},
    {"GET", "/api/v1/workflows", kViewer, read<&D::workflows, &WorkflowDoor::list>},
    {"POST", "/api/v1/workflows", kSupervisor, nullptr, ask<&D::workflows, &WorkflowDoor::publish>},
    {"GET", "/api/v1/workflows/{name}", kViewer, read<&D::workflows, &WorkflowDoor::show>},
    {"GET", "/api/v1/workflows/{name}/series", kViewer, read<&D::workflows, &WorkflowDoor::series>},
    {"GET", "/api/v1/workflows/{name}/instances", kViewer, read<&D::workflows, &WorkflowDoor::instances>},
    {"GET", "/api/v1/workflows/{name}/versions", kViewer, read<&D::workflows, &WorkflowDoor::versions>},
    {"GET", "/api/v1/workflows/{name}/versions/{version}", kViewer,
     read<&D::workflows, &WorkflowDoor::version>},
    {"POST", "/api/v1/workflows/{name}/versions/{version}", kSupervisor, nullptr,
     ask<&D::workflows, &WorkflowDoor::change>},
    {"GET", "/api/v1/workflows/{name}/versions/{version}/diff", kViewer,
     read<&D::workflows, &WorkflowDoor::diff>},
    {"GET", "/api/v1/lifecycle", kViewer, read<&D::workflows, &WorkflowDoor::lifecycle>},
    {"GET", "/api/v1/simulations", kViewer, read<&D::simulations, &SimulationDoor::list>},
    {"POST", "/api/v1/simulations", kOperator, nullptr, ask<&D::simulations, &SimulationDoor::start>},
    {"GET", "/api/v1/simulations/{id}", kViewer, read<&D::simulations, &SimulationDoor::show>},
    {"DELETE", "/api/v1/simulations/{id}", kOperator, nullptr, ask<&D::simulations, &SimulationDoor::cancel>},
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
     ask<&D::letters, &DeadLetterDoor::change, false>},
    {"POST", "/api/v1/deadletters/{seq}/drop", kOperator, nullptr,
     ask<&D::letters, &DeadLetterDoor::change, true>},
    {"GET", "/api/v1/alerts", kViewer, read<&D::alerts, &AlertDoor::list>},
    {"GET", "/api/v1/alerts/{id}", kViewer, read<&D::alerts, &AlertDoor::show>},
    {"POST", "/api/v1/alerts/{id}/ack", kOperator, nullptr,
     ask<&D::alerts, &AlertDoor::change, ControlKind::kAlertAcked>},
    {"POST", "/api/v1/alerts/{id}/unack", kOperator, nullptr,
     ask<&D::alerts, &AlertDoor::change, ControlKind::kAlertUnacked>},
    {"POST", "/api/v1/alerts/{id}/assign", kSupervisor, nullptr,
     ask<&D::alerts, &AlertDoor::change, ControlKind::kAlertAssigned>},
    {"POST", "/api/v1/alerts/{id}/resolve", kOperator, nullptr,
     ask<&D::alerts, &AlertDoor::change, ControlKind::kAlertResolved>},
    {"GET", "/api/v1/silences", kViewer, read<&D::alerts, &AlertDoor::silences>},
    {"POST", "/api/v1/silences", kSupervisor, nullptr, ask<&D::alerts, &AlertDoor::add_silence>},
    {"POST", "/api/v1/silences/{id}/expire", kSupervisor, nullptr,
     ask<&D::alerts, &AlertDoor::expire_silence>},
    {"GET", "/api/v1/maintenance", kViewer, read<&D::alerts, &AlertDoor::maintenance>},
    {"POST", "/api/v1/maintenance", kSupervisor, nullptr, ask<&D::alerts, &AlertDoor::add_maintenance>},
    {"DELETE", "/api/v1/maintenance/{id}", kSupervisor, nullptr,
     ask<&D::alerts, &AlertDoor::end_maintenance>},
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
    {"GET", "/api/v1/session", kViewer, read<&D::sign_in, &SignInDoor::who_am_i>},
    {.method = "POST",
     .path = "/api/v1/session",
     .need = kNothing,
     .ask = ask<&D::sign_in, &SignInDoor::sign_in>,
     .takes_form = true},
    {"DELETE", "/api/v1/session", kViewer, nullptr, ask<&D::sign_in, &SignInDoor::sign_out>},
    {"GET", "/api/v1/sessions", kViewer, read<&D::sign_in, &SignInDoor::sessions>},
    {"DELETE", "/api/v1/sessions/{id}", kViewer, nullptr, ask<&D::sign_in, &SignInDoor::end_session>},
    {"GET", "/api/v1/users", kSupervisor, read<&D::people, &PeopleDoor::users>},
    {"POST", "/api/v1/users", kAdmin, nullptr, ask<&D::people, &PeopleDoor::add_user>},
    {"GET", "/api/v1/users/{user}", kSupervisor, read<&D::people, &PeopleDoor::user>},
    {"PATCH", "/api/v1/users/{user}", kAdmin, nullptr, ask<&D::people, &PeopleDoor::change_user>},
    {"DELETE", "/api/v1/users/{user}", kAdmin, nullptr, ask<&D::people, &PeopleDoor::remove_user>},
    {.method = "POST",
     .path = "/users/{user}/active",
     .need = kViewer,
     .ask = ask<&D::sign_in, &SignInDoor::set_active, true>,
     .takes_form = true},
    {"DELETE", "/users/{user}/active", kViewer, nullptr, ask<&D::sign_in, &SignInDoor::set_active, false>},
    {.method = "POST",
     .path = "/api/v1/users/{user}/active",
     .need = kViewer,
     .ask = ask<&D::sign_in, &SignInDoor::set_active, true>,
     .takes_form = true},
    {"DELETE", "/api/v1/users/{user}/active", kViewer, nullptr,
     ask<&D::sign_in, &SignInDoor::set_active, false>},
    {"GET", "/api/v1/preferences", kViewer, read<&D::people, &PeopleDoor::preferences>},
    {"PUT", "/api/v1/preferences", kViewer, nullptr, ask<&D::people, &PeopleDoor::set_preferences>},
    {"GET", "/api/v1/keys", kAdmin, read<&D::people, &PeopleDoor::keys>},
    {"POST", "/api/v1/keys", kAdmin, nullptr, ask<&D::people, &PeopleDoor::add_key>},
    {"POST", "/api/v1/keys/{id}/rotate", kAdmin, nullptr, ask<&D::people, &PeopleDoor::rotate_key>},
    {"DELETE", "/api/v1/keys/{id}", kAdmin, nullptr, ask<&D::people, &PeopleDoor::revoke_key>},
    {"GET", "/api/v1/tenants", kAdmin, read<&D::tenants, &TenantDoor::list>},
    {"POST", "/api/v1/tenants", kAdmin, nullptr, ask<&D::tenants, &TenantDoor::add>},
    {"GET", "/api/v1/tenants/{id}", kAdmin, read<&D::tenants, &TenantDoor::show>},
    {"PATCH", "/api/v1/tenants/{id}", kAdmin, nullptr, ask<&D::tenants, &TenantDoor::change>},
    {"POST", "/api/v1/tenants/{id}/keys", kAdmin, nullptr, ask<&D::tenants, &TenantDoor::add_key>},
    {"DELETE", "/api/v1/tenants/{id}/keys/{key}", kAdmin, nullptr, ask<&D::tenants, &TenantDoor::revoke_key>},
};

}  // namespace

std::span<const Route> routes() { return kRoutes; }

}  // namespace penstock::http

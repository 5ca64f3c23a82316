// The table of all addresses: who may ask there, and whom it is asked of.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "admin/http/alerts.h"
#include "admin/http/audit.h"
#include "admin/http/deadletters.h"
#include "admin/http/event_search.h"
#include "admin/http/host.h"
#include "admin/http/hot_log.h"
#include "admin/http/intake.h"
#include "admin/http/once.h"
#include "admin/http/people.h"
#include "admin/http/regions.h"
#include "admin/http/review.h"
#include "admin/http/sessions.h"
#include "admin/http/sign_in.h"
#include "admin/http/simulations.h"
#include "admin/http/tenants.h"
#include "admin/http/workflows.h"

namespace penstock::http {

/// Whom requests are asked of. All outlive the router.
struct Doors {
    const HostDoor* host;
    const HotLogDoor* hot_log;
    DeadLetterDoor* letters;
    AlertDoor* alerts;
    WorkflowDoor* workflows;
    const SimulationDoor* simulations;
    ReviewDoor* review;
    const AuditDoor* audit;
    IntakeDoor* intake;
    EventSearchDoor* search;
    TenantDoor* tenants;
    RegionDoor* regions;
    SignInDoor* sign_in;
    SessionDoor* sessions;
    PeopleDoor* people;
    OnceDoor* once;
};

/// What a request needs at least.
enum class Need : uint8_t { kNothing, kViewer, kOperator, kSupervisor, kAdmin };
/// What the answer, or the change, is of: who sees a part only is refused.
enum class Reach : uint8_t { kAny, kAllTenants, kEverything };

struct Route {
    std::string_view method;  ///< GET is HEAD, too
    std::string_view path;    ///< as the OpenAPI document spells it; braces stand for any one segment
    Need need;
    /// `argument`: what stands for the braces; of several, from the first to the last. Of a GET:
    Response (*read)(const Doors&, const Request&, std::string_view argument) = nullptr;
    /// Of others, and of a GET whose answer takes time.
    void (*ask)(const Doors&, const Request&, std::string_view argument, const Answer&) = nullptr;
    Reach reach = Reach::kAny;
    bool takes_form = false;
    bool for_producers = false;  ///< a tenant's key is enough
    bool of_metrics = false;     ///< open to all, where the configuration says so
};

std::span<const Route> routes();

}  // namespace penstock::http

// All state that follows from the log, and how its parts hear of each other.
#pragma once

#include <functional>
#include <vector>

#include "stages/access/access_book.h"
#include "stages/alert/alert_book.h"
#include "stages/answers/answer_book.h"
#include "stages/audit/audit_book.h"
#include "stages/regions/region_book.h"
#include "stages/review/review_book.h"
#include "stages/sequence/producer_positions.h"
#include "stages/sla/engine.h"
#include "stages/tenancy/tenant_book.h"
#include "storage/dead_letter_book.h"

namespace penstock {

/// The state thread applies each record to all, in this order. Books are read by any thread.
struct StateMachines {
    explicit StateMachines(const Engine::Options& options);
    StateMachines(const StateMachines&) = delete;
    StateMachines& operator=(const StateMachines&) = delete;

    Engine engine;
    ProducerPositions positions;
    DeadLetterBook letters;
    AccessBook access;
    AlertBook alerts;
    RegionBook regions;
    ReviewBook review;
    TenantBook tenants;
    AnswerBook answers;  ///< it asks the others, too
    AuditBook audit;     ///< last: it asks the others what came of a command

    /// State thread: a region was changed. Makes nothing of the state.
    std::function<void(const Region&)> on_region;

    std::vector<StateMachine*> all();
    /// Without the engine, which its own stage applies first.
    std::vector<StateMachine*> books();

  private:
    AuditFacts audit_facts(ControlKind kind, std::string_view name, const RecordText& text, Seq seq) const;
};

}  // namespace penstock

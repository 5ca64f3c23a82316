#include "admin/appliance_machines.h"

#include <string>

#include "admin/appliance_workflows.h"
#include "pipeline/record_text.h"

namespace penstock {
namespace {

std::string_view name_of(ReviewState state) { return kReviewStateNames[static_cast<size_t>(state)]; }

}  // namespace

StateMachines::StateMachines(const Engine::Options& options) : engine(options) {
    connect(engine, alerts);
    alerts.on_fired = [this](const Alert& alert, StampNs at_ns, Seq seq) {
        review.on_alert_fired(alert, at_ns, seq);
    };
    access.on_operator = [this](const Operator& who, StampNs at_ns, Seq seq) {
        review.on_operator(who, at_ns, seq);
    };
    regions.on_changed = [this](const Region& region, StampNs at_ns, Seq seq) {
        if (on_region) on_region(region);
        review.on_region(region.name, region.id, at_ns, seq);
    };
    audit.facts_of = [this](ControlKind kind, std::string_view name, const RecordText& text, Seq seq) {
        return audit_facts(kind, name, text, seq);
    };
    answers.done_of = [this](ControlKind kind, std::string_view name, Seq seq) {
        return audit_facts(kind, name, RecordText(std::string_view("{}")), seq).done;
    };
}

std::vector<StateMachine*> StateMachines::books() {
    // Who is there is known before anything is given to them.
    return {&positions, &letters, &access, &alerts, &regions, &review, &tenants, &answers, &audit};
}

std::vector<StateMachine*> StateMachines::all() {
    std::vector<StateMachine*> out = books();
    out.insert(out.begin(), &engine);
    return out;
}

AuditFacts StateMachines::audit_facts(ControlKind kind, std::string_view name, const RecordText& text,
                                      Seq seq) const {
    AuditFacts facts;
    if (kind >= ControlKind::kReviewClaimed && kind <= ControlKind::kReviewUndone) {
        const auto outcome = review.outcome(seq);
        if (!outcome) return facts;
        facts.again = outcome->again;
        facts.done = outcome->result == ReviewOutcome::Result::kDone;
        const auto item = review.item(outcome->item);
        if (!item) return facts;
        facts.region = item->region;
        facts.before = facts.after = name_of(item->state);
        for (const ReviewStep& step : item->history)
            if (step.seq == seq) {  // what the command did itself; that somebody got the item is another step
                facts.before = name_of(step.before);
                facts.after = name_of(step.after);
                break;
            }
        return facts;
    }
    if (kind >= ControlKind::kAlertAcked && kind <= ControlKind::kAlertResolved) {
        facts.done = !alerts.refused(seq);
        const auto id = number_of(name, 16);
        const auto alert = id ? alerts.alert(*id) : std::nullopt;
        if (alert) facts.after = kAlertStateNames[static_cast<size_t>(alert->state)];
        return facts;
    }
    if (kind >= ControlKind::kUserSet && kind <= ControlKind::kApiKeyRevoked)
        facts.done = kind != ControlKind::kSignInRefused && !access.refused(seq);
    if (kind == ControlKind::kSilenceAdded || kind == ControlKind::kSilenceExpired ||
        kind == ControlKind::kMaintenanceAdded || kind == ControlKind::kMaintenanceEnded)
        facts.done = !alerts.refused(seq);
    if (kind == ControlKind::kRegionSet) {
        facts.done = regions.refused(seq).empty();
        if (const auto region = regions.region(name)) facts.region = region->id;
    }
    // Of one region alone it is that region's matter.
    if (kind == ControlKind::kExported) facts.region = review.region_id(text.text("region"));
    if (kind == ControlKind::kTenantSet) facts.done = tenants.refused(seq).empty();
    return facts;
}

}  // namespace penstock

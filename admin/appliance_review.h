// The review queue and the audit trail between the configuration, the log and the regions.
#pragma once

#include <string>

#include "admin/config.h"
#include "pipeline/mailbox.h"
#include "pipeline/telemetry.h"
#include "stages/audit/audit_book.h"
#include "stages/review/review_book.h"
#include "storage/event_log.h"
#include "storage/state_store.h"

namespace penstock {

/// What the book goes by, as the boot record has it: JSON.
std::string review_rules_json(const Config& config, const LogNames& names);

/// The audit trail whole: the newest from the book, the rest from the store. All references outlive it.
class AuditTrail final : public AuditReader, public AuditSource {
  public:
    AuditTrail(const AuditBook& book, const StateStore& store) : book_(book), store_(store) {}
    AuditHead head() const override { return book_.head(); }
    AuditPage entries(const AuditFilter& filter, uint64_t before, size_t limit) const override;
    std::vector<AuditEntry> regional_entries(uint16_t region, Seq from, Seq to) const override;
    Seq audited_to() const override { return book_.audited_to(); }

  private:
    const AuditBook& book_;
    const StateStore& store_;
};

/// Tells the book now and then what the regions have taken, so that it forgets decisions that are stored. One
/// thread; all references outlive it.
class FlushReporter {
  public:
    FlushReporter(const ReviewBook& book, const Telemetry& telemetry, ControlMailbox& mailbox)
        : book_(book), telemetry_(telemetry), mailbox_(mailbox) {}
    void report(int64_t now_ns);

  private:
    const ReviewBook& book_;
    const Telemetry& telemetry_;
    ControlMailbox& mailbox_;
    int64_t next_ns_ = 0;
    std::string last_;
};

}  // namespace penstock

#include "stages/audit/audit_book.h"

#include <algorithm>

#include "pipeline/audit_chain.h"
#include "pipeline/record_text.h"
#include "schemas/event_fields.h"

namespace penstock {

std::string_view audit_action(ControlKind kind) {
    switch (kind) {
        case ControlKind::kWorkflow:
            return "workflow.configured";
        case ControlKind::kWorkflowRetired:
            return "workflow.removed";
        case ControlKind::kWorkflowVersion:
            return "workflow.version";
        case ControlKind::kDeadLetterRetried:
            return "dead_letter.retried";
        case ControlKind::kDeadLetterDropped:
            return "dead_letter.dropped";
        case ControlKind::kAlertAcked:
            return "alert.acked";
        case ControlKind::kAlertUnacked:
            return "alert.unacked";
        case ControlKind::kAlertAssigned:
            return "alert.assigned";
        case ControlKind::kAlertResolved:
            return "alert.resolved";
        case ControlKind::kSilenceAdded:
            return "silence.added";
        case ControlKind::kSilenceExpired:
            return "silence.expired";
        case ControlKind::kMaintenanceAdded:
            return "maintenance.added";
        case ControlKind::kMaintenanceEnded:
            return "maintenance.ended";
        case ControlKind::kUserSet:
            return "user.set";
        case ControlKind::kUserRemoved:
            return "user.removed";
        case ControlKind::kSignedIn:
            return "session.signed_in";
        case ControlKind::kSignInRefused:
            return "session.refused";
        case ControlKind::kSessionEnded:
            return "session.ended";
        case ControlKind::kPreferencesSet:
            return "user.preferences";
        case ControlKind::kApiKeySet:
            return "key.set";
        case ControlKind::kApiKeyRevoked:
            return "key.revoked";
        case ControlKind::kTeamViewSet:
            return "view.set";
        case ControlKind::kTenantSet:
            return "tenant.set";
        case ControlKind::kExported:
            return "exported";
        case ControlKind::kReviewReleased:
            return "review.released";
        case ControlKind::kReviewReassigned:
            return "review.reassigned";
        case ControlKind::kReviewEscalated:
            return "review.escalated";
        case ControlKind::kReviewDecided:
            return "review.decided";
        case ControlKind::kReviewUndone:
            return "review.undone";
        case ControlKind::kRegionSet:
            return "region.set";
        default:
            return {};
    }
}

void AuditBook::apply(const RecordView& record) {
    note(record);
    std::lock_guard lock(mutex_);
    audited_to_ = record.end_seq();
}

void AuditBook::note(const RecordView& record) {
    if (record.header->kind != RecordKind::kControl || record.count() == 0) return;
    const auto* c = flatbuffers::GetRoot<fb::Control>(record.bytes(0).data());
    const auto kind = static_cast<ControlKind>(c->kind());
    const std::string_view action = audit_action(kind);
    if (action.empty()) return;
    const std::string_view name = view_of(c->name()), text = view_of(c->text());
    AuditEntry e;
    e.seq = record.first_seq();
    e.at_ns = record.last_stamp();
    e.action = action;
    e.target = name;
    // A configured workflow's text is the document itself.
    const RecordText m(kind == ControlKind::kWorkflow ? std::string_view("{}") : text);
    e.by = m.text("by");
    if (e.by.empty()) e.by = m.text("user");
    if (e.by.empty()) e.by = "configuration";
    e.peer = m.text("peer");
    e.why = m.text("note");
    if (e.why.empty()) e.why = m.text("reason");
    if (e.why.empty()) e.why = m.text("why");
    if (kind == ControlKind::kWorkflowVersion) e.action = "workflow." + m.text("action");
    e.record = audit_hash(text);
    if (facts_of) {
        AuditFacts facts = facts_of(kind, name, m, e.seq);
        if (facts.again) return;
        e.done = facts.done;
        e.region = facts.region;
        e.before = std::move(facts.before);
        e.after = std::move(facts.after);
    }
    std::lock_guard lock(mutex_);
    e.number = head_.number + 1;
    e.chain = audit_chain(head_.chain, e);
    head_ = {e.number, e.chain};
    head_dirty_ = true;
    entries_.push_back(std::move(e));
}

void AuditBook::begin_save(Checkpoint& out) {
    std::lock_guard lock(mutex_);
    out_ = &out;
    // What the checkpoint before took along, a store has by now.
    before_cut_ = cut_;
    while (entries_.size() > kRecentMax && entries_.front().number < before_cut_) entries_.pop_front();
    copied_ = cut_;
    cut_ = head_.number + 1;
    if (!std::exchange(head_dirty_, false)) return;
    RowWriter key, value;
    put_audit_head(value, head_);
    out.put(key.key_u8(row_prefix()).bytes(), value.bytes());
}

bool AuditBook::save_some(size_t rows) {
    std::lock_guard lock(mutex_);
    for (RowWriter key, value; rows > 0 && copied_ < cut_; --rows, ++copied_) {
        const AuditEntry& e = entries_[copied_ - entries_.front().number];
        key.clear();
        value.clear();
        put_audit_entry(value, e);
        out_->put(key.key_u8(kAuditRows).key_u64(e.number).bytes(), value.bytes());
    }
    return copied_ < cut_;
}

void AuditBook::load_row(std::span<const uint8_t>, std::span<const uint8_t> value_bytes) {
    std::lock_guard lock(mutex_);
    RowReader in(value_bytes);
    head_ = get_audit_head(in);
    cut_ = copied_ = before_cut_ = head_.number + 1;
}

AuditHead AuditBook::head() const {
    std::lock_guard lock(mutex_);
    return head_;
}

std::vector<AuditEntry> AuditBook::recent(const AuditFilter& filter, uint64_t before, size_t limit,
                                          uint64_t& oldest) const {
    std::lock_guard lock(mutex_);
    oldest = entries_.empty() ? head_.number + 1 : entries_.front().number;
    std::vector<AuditEntry> out;
    for (auto e = entries_.rbegin(); e != entries_.rend() && out.size() < limit; ++e)
        if (e->number < before && filter.matches(*e)) out.push_back(*e);
    return out;
}

std::vector<AuditEntry> AuditBook::regional(uint16_t region, Seq from, Seq to, uint64_t& oldest) const {
    std::lock_guard lock(mutex_);
    oldest = entries_.empty() ? head_.number + 1 : entries_.front().number;
    std::vector<AuditEntry> out;
    for (auto e = entries_.rbegin(); e != entries_.rend() && e->seq >= from; ++e)
        if (e->seq < to && e->region == region) out.push_back(*e);
    // What is older than the oldest in memory is with the store only where the span reaches so far back.
    if (!entries_.empty() && entries_.front().seq < from) oldest = 0;
    std::reverse(out.begin(), out.end());
    return out;
}

Seq AuditBook::audited_to() const {
    std::lock_guard lock(mutex_);
    return audited_to_;
}

}  // namespace penstock

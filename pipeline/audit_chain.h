// The chain of the audit trail: what each entry's hash is made of, and its bytes in a store.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "pipeline/state_machine.h"
#include "schemas/audit.h"

namespace penstock {

AuditHash audit_hash(std::string_view bytes);
/// Of `before`, and every member of the entry but `chain`.
AuditHash audit_chain(const AuditHash& before, const AuditEntry& entry);

void put_audit_entry(RowWriter& out, const AuditEntry& entry);
/// Nothing where the bytes are no entry.
std::optional<AuditEntry> get_audit_entry(uint64_t number, std::span<const uint8_t> value);

void put_audit_head(RowWriter& out, const AuditHead& head);
AuditHead get_audit_head(RowReader& in);

std::string hex_of(const AuditHash& hash);

}  // namespace penstock

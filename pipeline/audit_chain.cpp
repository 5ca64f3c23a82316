#include "pipeline/audit_chain.h"

#include <fmt/format.h>
#include <sodium.h>

#include "pipeline/row_parts.h"

namespace penstock {
namespace {

constexpr uint8_t kDone = 1, kRegional = 2;

void put_members(RowWriter& out, const AuditEntry& e) {
    const bool regional = e.region != kRegionNone;
    out.value(e.seq).value(e.at_ns).value(
        static_cast<uint8_t>((e.done ? kDone : 0) | (regional ? kRegional : 0)));
    if (regional) out.value(e.region);
    for (const std::string* text : {&e.action, &e.target, &e.by, &e.peer, &e.before, &e.after, &e.why})
        out.text(*text);
    out.raw(e.record.data(), e.record.size());
}

AuditHash get_hash(RowReader& in) {
    AuditHash hash{};
    for (uint8_t& byte : hash) byte = in.value<uint8_t>();
    return hash;
}

}  // namespace

AuditHash audit_hash(std::string_view bytes) {
    AuditHash out{};
    crypto_generichash(out.data(), out.size(), reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(),
                       nullptr, 0);
    return out;
}

AuditHash audit_chain(const AuditHash& before, const AuditEntry& entry) {
    RowWriter bytes;
    bytes.raw(before.data(), before.size()).value(entry.number);
    put_members(bytes, entry);
    return audit_hash({reinterpret_cast<const char*>(bytes.bytes().data()), bytes.bytes().size()});
}

void put_audit_entry(RowWriter& out, const AuditEntry& entry) {
    put_members(out, entry);
    out.raw(entry.chain.data(), entry.chain.size());
}

std::optional<AuditEntry> get_audit_entry(uint64_t number, std::span<const uint8_t> value) {
    RowReader in(value);
    AuditEntry e;
    e.number = number;
    e.seq = in.value<Seq>();
    e.at_ns = in.value<StampNs>();
    const auto flags = in.value<uint8_t>();
    e.done = (flags & kDone) != 0;
    if ((flags & kRegional) != 0) e.region = in.value<uint16_t>();
    for (std::string* text : {&e.action, &e.target, &e.by, &e.peer, &e.before, &e.after, &e.why})
        *text = text_of(in);
    e.record = get_hash(in);
    e.chain = get_hash(in);
    if (!in.ok() || !in.at_end()) return std::nullopt;
    return e;
}

void put_audit_head(RowWriter& out, const AuditHead& head) {
    out.value(head.number).raw(head.chain.data(), head.chain.size());
}

AuditHead get_audit_head(RowReader& in) {
    AuditHead head;
    head.number = in.value<uint64_t>();
    head.chain = get_hash(in);
    return head;
}

std::string hex_of(const AuditHash& hash) {
    std::string text;
    for (const uint8_t byte : hash) text += fmt::format("{:02x}", byte);
    return text;
}

}  // namespace penstock

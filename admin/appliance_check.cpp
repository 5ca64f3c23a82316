#include "admin/appliance_check.h"

#include <fmt/format.h>

#include <algorithm>

#include "pipeline/stream_hash.h"

namespace penstock {

namespace {
using Bytes = std::span<const uint8_t>;

void add_row(StreamHash& hash, Bytes key, Bytes value) {
    const uint64_t sizes[] = {key.size(), value.size()};
    hash.add(sizes, sizeof sizes).add(key).add(value);
}
std::string hex(Bytes bytes) {
    std::string text;
    for (const uint8_t b : bytes) text += fmt::format("{:02x}", b);
    return text;
}
bool equal(Bytes a, Bytes b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }
}  // namespace

StateCheck::StateCheck(const std::string& path, const EventLog& log)
    : store_({.path = path, .log_id = log.identity().log_id, .read_only = true, .keys = log.keys()}) {
    StreamHash hash;
    hash.reset();
    applied_seq_ = store_.load([&](Bytes key, Bytes value) {
        add_row(hash, key, value);
        ++rows_;
    });
    digest_ = hash.digest();
}

void StateCheck::apply(const RecordView& record) {
    if (record.first_seq() >= applied_seq_) return;
    for (StateMachine* machine : machines_.all()) machine->apply(record);
}

StateCheck::Result StateCheck::finish() {
    Checkpoint made;
    for (StateMachine* machine : machines_.all()) {
        machine->begin_save(made);
        while (machine->save_some(100'000)) {
        }
    }
    std::vector<Checkpoint::Row> rows = sorted_rows(made);
    // What came and went leaves an erasure, or an erasure before the row that came after.
    // Entries of the audit trail are no rows; their chain's end is.
    std::erase_if(rows, [](const Checkpoint::Row& row) { return row.deleted || row.key[0] == kAuditRows; });
    StreamHash hash;
    hash.reset();
    for (const Checkpoint::Row& row : rows) add_row(hash, row.key, row.value);
    Result out{rows.size(), fmt::format("{:016x}", hash.digest()), std::nullopt};
    if (hash.digest() == digest_ && rows.size() == rows_) return out;

    out.difference = fmt::format("the replay gives {} rows, the state has {}", rows.size(), rows_);
    size_t at = 0;
    bool named = false;
    const auto name = [&](std::string_view what, Bytes key) {
        if (!named) *out.difference += fmt::format("; {} {}", what, hex(key));
        named = true;
    };
    const Seq now = store_.load([&](Bytes key, Bytes value) {
        while (at < rows.size() &&
               std::lexicographical_compare(rows[at].key.begin(), rows[at].key.end(), key.begin(), key.end()))
            name("only the replay has", rows[at++].key);
        if (at == rows.size() || !equal(rows[at].key, key)) return name("only the state has", key);
        if (!equal(rows[at++].value, value)) name("they differ in", key);
    });
    if (at < rows.size()) name("only the replay has", rows[at].key);
    if (now != applied_seq_) *out.difference += " (the appliance has written another checkpoint meanwhile)";
    return out;
}

}  // namespace penstock

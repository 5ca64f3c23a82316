#include "stages/answers/answer_book.h"

#include "pipeline/command_key.h"
#include "pipeline/stream_hash.h"
#include "schemas/event_fields.h"
#include "schemas/event_generated.h"

namespace penstock {
namespace {

uint64_t id_of(std::string_view by, std::string_view key) {
    StreamHash hash;
    const uint64_t size = by.size();
    return hash.add(&size, sizeof size).add(by.data(), by.size()).add(key.data(), key.size()).digest();
}

size_t bytes_of(const KeptAnswer& a) {
    size_t bytes = sizeof a + a.command.by.size() + a.command.key.size() + a.command.request.size() +
                   a.type.size() + a.body.size();
    for (const auto& [name, value] : a.headers) bytes += name.size() + value.size();
    return bytes;
}

}  // namespace

void AnswerBook::apply(const RecordView& record) {
    const std::lock_guard lock(mutex_);
    if (record.header->kind == RecordKind::kControl && record.count() != 0) {
        const auto* c = flatbuffers::GetRoot<fb::Control>(record.bytes(0).data());
        const std::string_view text = view_of(c->text());
        const auto kind = static_cast<ControlKind>(c->kind());
        if (const auto command = command_key_in(text)) {
            KeptAnswer& a = entry(*command, record.last_stamp());
            bytes_ -= bytes_of(a);
            if (kind == ControlKind::kAnswered) {
                const RecordText given(text);
                a.known = true;
                a.status = static_cast<uint32_t>(given.number("status"));
                a.type = given.text("type");
                a.body = given.text("body");
                a.headers.clear();
                for (const RecordText& header : given.parts("headers"))
                    a.headers.emplace_back(header.text("name"), header.text("value"));
            } else {
                a.seq = record.first_seq();
                a.done = !done_of || done_of(kind, view_of(c->name()), a.seq);
            }
            bytes_ += bytes_of(a);
        }
    }
    keep_bounds(record.last_stamp());
}

KeptAnswer& AnswerBook::entry(const CommandKey& command, StampNs now_ns) {
    const uint64_t id = id_of(command.by, command.key);
    if (const KeptAnswer* known = answers_.find(id)) {
        if (known->command == command) return answers_.change(id);
        erase(id);  // its time was over when the key came again
    }
    KeptAnswer& fresh = answers_.make(id);
    fresh = {};
    fresh.command = command;
    fresh.until_ns = now_ns + kKeepNs;
    ends_.insert({fresh.until_ns, id});
    bytes_ += bytes_of(fresh);
    return fresh;
}

void AnswerBook::erase(uint64_t id) {
    const KeptAnswer& a = answers_.at(id);
    bytes_ -= bytes_of(a);
    ends_.erase({a.until_ns, id});
    answers_.erase(id);
}

void AnswerBook::keep_bounds(StampNs now_ns) {
    while (!ends_.empty() &&
           (ends_.begin()->first <= now_ns || ends_.size() > kEntriesMax || bytes_ > kBytesMax))
        erase(ends_.begin()->second);
}

std::optional<KeptAnswer> AnswerBook::answer(std::string_view by, std::string_view key) const {
    const std::lock_guard lock(mutex_);
    const KeptAnswer* a = answers_.find(id_of(by, key));
    return a && a->command.by == by && a->command.key == key ? std::optional(*a) : std::nullopt;
}

size_t AnswerBook::size() const {
    const std::lock_guard lock(mutex_);
    return answers_.size();
}

// --- rows -------------------------------------------------------------------------------------------------

void AnswerBook::begin_save(Checkpoint& out) {
    const std::lock_guard lock(mutex_);
    answers_.begin_save(out);
}

bool AnswerBook::save_some(size_t rows) {
    const std::lock_guard lock(mutex_);
    return answers_.save_some(rows);
}

void AnswerBook::put(RowWriter& out, const KeptAnswer& a) {
    out.text(a.command.by).text(a.command.key).text(a.command.request).value(a.until_ns).value(a.seq);
    out.value(uint8_t{a.done}).value(uint8_t{a.known}).value(a.status).text(a.type).text(a.body);
    out.value(static_cast<uint32_t>(a.headers.size()));
    for (const auto& [name, value] : a.headers) out.text(name).text(value);
}

void AnswerBook::load_row(std::span<const uint8_t> key_bytes, std::span<const uint8_t> value_bytes) {
    RowReader key(key_bytes), row(value_bytes);
    key.key_u8();
    key.key_u8();
    const uint64_t id = key.key_u64();
    KeptAnswer a;
    a.command.by = row.text();
    a.command.key = row.text();
    a.command.request = row.text();
    a.until_ns = row.value<StampNs>();
    a.seq = row.value<Seq>();
    a.done = row.value<uint8_t>() != 0;
    a.known = row.value<uint8_t>() != 0;
    a.status = row.value<uint32_t>();
    a.type = row.text();
    a.body = row.text();
    for (auto n = row.value<uint32_t>(); n > 0 && row.ok(); --n) {
        std::string name(row.text());
        a.headers.emplace_back(std::move(name), row.text());
    }
    const std::lock_guard lock(mutex_);
    ends_.insert({a.until_ns, id});
    bytes_ += bytes_of(a);
    answers_.load(id, std::move(a));
}

}  // namespace penstock

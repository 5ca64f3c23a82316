#include "admin/http/event_json.h"

#include <boost/json/basic_parser_impl.hpp>
#include <cstring>

#include "schemas/event_generated.h"
#include "schemas/limits.h"
#include "schemas/refusal.h"

namespace penstock::http {
namespace {

/// Checks JSON without building anything of it.
struct NullHandler {
    static constexpr size_t max_object_size = SIZE_MAX, max_array_size = SIZE_MAX;
    static constexpr size_t max_key_size = SIZE_MAX, max_string_size = SIZE_MAX;
    using ec = boost::json::error_code;
    using sv = boost::json::string_view;
    bool on_document_begin(ec&) { return true; }
    bool on_document_end(ec&) { return true; }
    bool on_array_begin(ec&) { return true; }
    bool on_array_end(size_t, ec&) { return true; }
    bool on_object_begin(ec&) { return true; }
    bool on_object_end(size_t, ec&) { return true; }
    bool on_string_part(sv, size_t, ec&) { return true; }
    bool on_string(sv, size_t, ec&) { return true; }
    bool on_key_part(sv, size_t, ec&) { return true; }
    bool on_key(sv, size_t, ec&) { return true; }
    bool on_number_part(sv, ec&) { return true; }
    bool on_int64(int64_t, sv, ec&) { return true; }
    bool on_uint64(uint64_t, sv, ec&) { return true; }
    bool on_double(double, sv, ec&) { return true; }
    bool on_bool(bool, ec&) { return true; }
    bool on_null(ec&) { return true; }
    bool on_comment_part(sv, ec&) { return true; }
    bool on_comment(sv, ec&) { return true; }
};

bool is_json(std::string_view text) {
    boost::json::parse_options options;
    options.max_depth = limits::kJsonDepthMax + 1;
    boost::json::basic_parser<NullHandler> parser(options);
    boost::json::error_code ec;
    return parser.write_some(false, text.data(), text.size(), ec) == text.size() && !ec;
}

template <typename T>
const T* verified(const RecordView& record, size_t item) {
    const EventHead& head = record.heads[item];
    if (uint64_t{head.offset} + head.length > record.header->heap_bytes || head.length < 8) return nullptr;
    const auto bytes = record.bytes(item);
    flatbuffers::Verifier verifier(bytes.data(), bytes.size());
    if (!verifier.VerifyBuffer<T>(nullptr)) return nullptr;
    return flatbuffers::GetRoot<T>(bytes.data());
}

std::string_view text_of(const flatbuffers::String* s) {
    return s == nullptr ? std::string_view() : std::string_view(s->c_str(), s->size());
}

std::string_view name_of(const NameList& names, uint16_t id) {
    return id < names.size() ? std::string_view(names[id]) : std::string_view();
}

using Pairs = flatbuffers::Vector<flatbuffers::Offset<fb::Pair>>;

void write_pairs(JsonWriter& json, std::string_view name, const Pairs* pairs) {
    if (pairs == nullptr || pairs->size() == 0) return;
    json.key(name).begin_object();
    for (const auto* pair : *pairs) json.field(text_of(pair->name()), text_of(pair->value()));
    json.end_object();
}

void write_place(JsonWriter& json, const RecordView& record, size_t item, const LogNames& names) {
    json.field("seq", record.first_seq() + item).field("received", rfc3339(record.stamp(item)));
    json.field("tenant", name_of(names.tenants, record.heads[item].tenant));
    json.field("region", name_of(names.regions, record.heads[item].region));
}

void write_cloud_event(JsonWriter& json, const fb::Event& event, bool payload) {
    const fb::Event* e = &event;
    json.begin_object().field("specversion", "1.0");
    json.field("id", text_of(e->id()))
        .field("source", text_of(e->source()))
        .field("type", text_of(e->type()));
    json.field_if("subject", text_of(e->subject()));
    if (e->time_ns() != kNoTime) json.field("time", rfc3339(e->time_ns()));
    json.field_if("region", text_of(e->region()));
    if (e->severity() != 0) json.field("severity", e->severity());
    write_pairs(json, "keys", e->keys());
    write_pairs(json, "groups", e->groups());
    if (e->extensions() != nullptr) {
        for (const auto* pair : *e->extensions()) json.field(text_of(pair->name()), text_of(pair->value()));
    }
    if (const std::string_view data = text_of(e->data()); !payload) {
        json.field("data_hidden", true).field("data_bytes", data.size());
    } else if (!data.empty()) {
        write_payload(json.key("data"), data);
    }
    json.end_object();
}

/// What was done with a letter and those that it came from and led to, oldest first.
void write_history(JsonWriter& json, Seq letter, const DeadLetterBook& book, Seq durable) {
    constexpr int kStepsMax = 64;
    Seq first = letter;
    for (int i = 0; i < kStepsMax; ++i) {
        const Seq before = book.fate(first, durable).retry_of;
        if (before == 0) break;
        first = before;
    }
    json.key("history").begin_array();
    for (int i = 0; i < kStepsMax && first != 0; ++i) {
        const LetterFate fate = book.fate(first, durable);
        Seq next = 0;
        for (const LetterAction& a : fate.actions) {
            json.begin_object().field("seq", a.seq).field("at", rfc3339(a.stamp_ns));
            json.field("dead_letter", first).field("action", a.drop ? "drop" : "retry").field("by", a.by);
            json.field_if("note", a.note);
            if (!a.drop) {
                json.field("edited", a.edited);
                json.field("outcome", kRetryOutcomeNames[static_cast<size_t>(a.outcome)]);
                if (a.outcome == RetryOutcome::kStored) json.field("event_seq", a.result_seq);
                if (a.outcome == RetryOutcome::kRefused) {
                    json.field("cause", info(a.cause).name).field("new_dead_letter", a.result_seq);
                    next = a.result_seq;
                }
            }
            json.end_object();
        }
        first = next;
    }
    json.end_array();
}

}  // namespace

void write_payload(JsonWriter& json, std::string_view data) {
    if (is_json(data) && is_utf8(data)) {
        json.raw(data);
    } else {
        json.value(data);
    }
}

const fb::Event* sound_event(std::span<const uint8_t> bytes, std::vector<uint64_t>& room) {
    if (bytes.size() < 8) return nullptr;
    room.resize((bytes.size() + 7) / 8);
    std::memcpy(room.data(), bytes.data(), bytes.size());
    flatbuffers::Verifier verifier(reinterpret_cast<const uint8_t*>(room.data()), bytes.size());
    return verifier.VerifyBuffer<fb::Event>(nullptr) ? flatbuffers::GetRoot<fb::Event>(room.data()) : nullptr;
}

const fb::Event* stored_event(const RecordView& record, size_t item) {
    return verified<fb::Event>(record, item);
}
const fb::DeadLetter* stored_dead_letter(const RecordView& record, size_t item) {
    return verified<fb::DeadLetter>(record, item);
}

void write_event(JsonWriter& json, const RecordView& record, size_t item, const LogNames& names,
                 bool payload) {
    json.begin_object();
    write_place(json, record, item, names);
    const fb::Event* e = stored_event(record, item);
    if (e == nullptr) {
        json.field("damaged", true).end_object();
        return;
    }
    json.key("event");
    write_cloud_event(json, *e, payload);
    json.end_object();
}

void write_event_summary(JsonWriter& json, const RecordView& record, size_t item, const LogNames& names) {
    json.begin_object();
    write_place(json, record, item, names);
    if (const fb::Event* e = stored_event(record, item)) {
        json.field("id", text_of(e->id()))
            .field("source", text_of(e->source()))
            .field("type", text_of(e->type()));
        json.field_if("subject", text_of(e->subject()));
        if (e->time_ns() != kNoTime) json.field("time", rfc3339(e->time_ns()));
        if (e->severity() != 0) json.field("severity", e->severity());
        json.field("data_bytes", text_of(e->data()).size());
    } else {
        json.field("damaged", true);
    }
    json.end_object();
}

void write_dead_letter(JsonWriter& json, const RecordView& record, size_t item, const LogNames& names,
                       const DeadLetterBook* book, Seq durable, bool payload) {
    json.begin_object();
    json.field("seq", record.first_seq() + item).field("received", rfc3339(record.stamp(item)));
    json.field("tenant", name_of(names.tenants, record.heads[item].tenant));
    if (book != nullptr) {
        const Seq letter = record.first_seq() + item;
        const LetterFate fate = book->fate(letter, durable);
        json.field("status", kLetterStatusNames[static_cast<size_t>(fate.status())]);
        if (fate.retry_of != 0) json.field("retry_of", fate.retry_of);
        write_history(json, letter, *book, durable);
    }
    const fb::DeadLetter* d = stored_dead_letter(record, item);
    if (d == nullptr) {
        json.field("damaged", true).end_object();
        return;
    }
    const bool known = d->cause() < kRefusalCount;
    json.field("cause", known ? kRefusals[d->cause()].name : std::string_view("unknown"));
    if (known) json.field_if("help", kRefusals[d->cause()].help);
    json.field("detail", text_of(d->detail())).field_if("peer", text_of(d->peer()));
    json.field_if("producer", text_of(d->producer())).field("position", d->position());
    const auto* raw = d->raw();
    const std::string_view bytes =
        raw == nullptr ? std::string_view()
                       : std::string_view(reinterpret_cast<const char*>(raw->data()), raw->size());
    if (!payload) {
        json.field("raw_hidden", true);
    } else if (is_utf8(bytes)) {
        json.field("raw", bytes);
    } else {
        json.field("raw_base64", base64(bytes));
    }
    json.field("whole_bytes", d->whole_length()).field("raw_truncated", d->whole_length() > bytes.size());
    json.field("whole_hash", fmt::format("{:016x}", d->whole_hash()));
    std::vector<uint64_t> room;
    const std::span<const uint8_t> kept =
        raw == nullptr ? std::span<const uint8_t>() : std::span(raw->data(), raw->size());
    if (const fb::Event* event = payload ? sound_event(kept, room) : nullptr) {
        json.key("event");
        write_cloud_event(json, *event, payload);
    }
    json.end_object();
}

}  // namespace penstock::http

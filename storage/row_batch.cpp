#include "storage/row_batch.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "schemas/event_generated.h"

namespace penstock {
namespace {

constexpr int16_t kColumnCount = 12;
static_assert(std::count(RowBatch::kColumns.begin(), RowBatch::kColumns.end(), ',') + 1 == kColumnCount);

/// PostgreSQL counts microseconds from 2000-01-01.
constexpr int64_t kPostgresEpochUs = 946'684'800'000'000;
constexpr int64_t timestamptz(StampNs ns) { return floor_to_us(ns) - kPostgresEpochUs; }

/// Room for a row beside its texts: lengths, numbers, the names of the attributes' groups.
constexpr size_t kRowFixedBytes = 512;
/// A byte of text may become six (\u001f), and each pair brings quotes, a colon and a comma.
constexpr size_t kTextGrowth = 6;

std::string_view view(const flatbuffers::String* s) {
    return s ? std::string_view(s->c_str(), s->size()) : std::string_view();
}

}  // namespace

void RowBatch::clear(int32_t log, Seq from, size_t keep_bytes) {
    log_ = log;
    from_ = to_ = from;
    used_ = 0;
    rows_.clear();
    for (Acts& acts : acts_) acts.clear();
    if (capacity_ > keep_bytes) {  // one large event shall not hold its memory for ever
        buffer_.reset();
        capacity_ = 0;
    }
}

std::span<const uint8_t> RowBatch::encoded(size_t first, size_t end) const {
    if (first >= end) return {};
    const size_t begin = rows_[first].begin;
    const size_t stop = end < rows_.size() ? rows_[end].begin : used_;
    return {buffer_.get() + begin, stop - begin};
}

std::string RowBatch::acts(Act act, Seq from, Seq to) const {
    std::string rows;
    for (const auto& [seq, row] : acts_[static_cast<size_t>(act)])
        if (from <= seq && seq < to) (rows += rows.empty() ? '[' : ',') += row;
    return rows.empty() ? rows : rows + ']';
}

void RowBatch::add(const RecordView& record, size_t i, std::string_view tenant) {
    const EventHead& head = record.heads[i];
    const auto bytes = record.bytes(i);
    const auto* event = flatbuffers::GetRoot<fb::Event>(bytes.data());
    reserve(kRowFixedBytes + tenant.size() + bytes.size() * kTextGrowth);
    rows_.push_back({record.first_seq() + i, record.stamp(i), used_, head.tenant});

    put16(kColumnCount);
    put32(8), put64(static_cast<int64_t>(record.first_seq() + i));
    put32(8), put64(timestamptz(record.stamp(i)));
    put32(8), put64(timestamptz(head.time_ns));
    put32(4), put32(log_);
    if (head.severity != 0)
        put32(2), put16(head.severity);
    else
        put_null();
    put_text(tenant);
    put_text(view(event->source()));
    put_text(view(event->id()));
    put_text(view(event->type()));
    if (event->subject())
        put_text(view(event->subject()));
    else
        put_null();
    if (event->data() && event->data()->size() > 0)
        put_text(view(event->data()));
    else
        put_null();
    put_attributes(*event);
}

void RowBatch::reserve(size_t more) {
    if (used_ + more <= capacity_) return;
    const size_t capacity = std::max(used_ + more, std::max<size_t>(capacity_ * 2, 64 * 1024));
    auto buffer = std::make_unique_for_overwrite<uint8_t[]>(capacity);
    if (used_ > 0) std::memcpy(buffer.get(), buffer_.get(), used_);
    buffer_ = std::move(buffer);
    capacity_ = capacity;
}

// Network byte order; reserve() has made room.
void RowBatch::put16(int16_t v) {
    const uint16_t be = __builtin_bswap16(static_cast<uint16_t>(v));
    std::memcpy(buffer_.get() + used_, &be, sizeof be), used_ += sizeof be;
}
void RowBatch::put32(int32_t v) {
    const uint32_t be = __builtin_bswap32(static_cast<uint32_t>(v));
    std::memcpy(buffer_.get() + used_, &be, sizeof be), used_ += sizeof be;
}
void RowBatch::put64(int64_t v) {
    const uint64_t be = __builtin_bswap64(static_cast<uint64_t>(v));
    std::memcpy(buffer_.get() + used_, &be, sizeof be), used_ += sizeof be;
}
void RowBatch::put_raw(std::string_view bytes) {
    std::memcpy(buffer_.get() + used_, bytes.data(), bytes.size());
    used_ += bytes.size();
}
void RowBatch::put_text(std::string_view text) {
    put32(static_cast<int32_t>(text.size()));
    put_raw(text);
}

void RowBatch::put_json_string(std::string_view text) {
    static constexpr char kHex[] = "0123456789abcdef";
    uint8_t* out = buffer_.get() + used_;
    *out++ = '"';
    for (const char c : text) {
        const auto byte = static_cast<uint8_t>(c);
        if (byte == '"' || byte == '\\') {
            *out++ = '\\';
            *out++ = byte;
        } else if (byte < 0x20) {
            for (const char e : {'\\', 'u', '0', '0', kHex[byte >> 4], kHex[byte & 15]})
                *out++ = static_cast<uint8_t>(e);
        } else {
            *out++ = byte;
        }
    }
    *out++ = '"';
    used_ = static_cast<size_t>(out - buffer_.get());
}

template <typename Pairs>
void RowBatch::put_pairs(std::string_view name, const Pairs* pairs, bool& first) {
    if (!pairs || pairs->size() == 0) return;
    put_raw(first ? "{" : ",");
    first = false;
    put_json_string(name);
    put_raw(":{");
    bool first_pair = true;
    for (const auto* pair : *pairs) {
        if (!first_pair) put_raw(",");
        first_pair = false;
        put_json_string(view(pair->name()));
        put_raw(":");
        put_json_string(view(pair->value()));
    }
    put_raw("}");
}

template <typename Event>
void RowBatch::put_attributes(const Event& event) {
    const size_t length_at = used_;
    put32(-1);
    bool first = true;
    put_pairs("keys", event.keys(), first);
    put_pairs("groups", event.groups(), first);
    put_pairs("extensions", event.extensions(), first);
    if (first) return;  // none: NULL
    put_raw("}");
    const uint32_t be = __builtin_bswap32(static_cast<uint32_t>(used_ - length_at - 4));
    std::memcpy(buffer_.get() + length_at, &be, sizeof be);
}

}  // namespace penstock

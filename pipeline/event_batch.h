// What moves between threads: a preallocated slab that holds one log record, ready to be appended.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/limits.h"
#include "schemas/log_record.h"
#include "schemas/refusal.h"

namespace penstock {

/// One record in the making. The intake thread fills it and publishes it; from then on it is read-only until
/// every consumer of the ring has passed it.
struct EventBatch {
    static constexpr size_t kProducersMax = limits::kRecordProducersMax;

    RecordHeader header{};
    alignas(16) uint8_t bloom[limits::kBatchEventsMax];
    ProducerPosition producers[kProducersMax];
    EventIdentity identities[limits::kBatchEventsMax];
    EventHead heads[limits::kBatchEventsMax];
    alignas(16) uint8_t heap[limits::kSlabBytes];

    /// When the last byte of the oldest event was read; monotonic. Not logged.
    int64_t read_ns = 0;

    void clear() {
        header = RecordHeader{};
        read_ns = 0;
    }
    size_t count() const { return header.count; }
    bool full() const {
        return header.count == limits::kBatchEventsMax || header.heap_bytes >= limits::kBatchBytesTarget;
    }
    size_t heap_left() const { return limits::kSlabBytes - header.heap_bytes; }

    RecordView view() const {
        const size_t n = header.count;
        return {&header,    {bloom, header.bloom_bytes}, {producers, header.producer_count}, {identities, n},
                {heads, n}, {heap, header.heap_bytes}};
    }
};

/// An event as it lies in a receive buffer. The bytes stay readable, with padding for the JSON parser behind
/// them, until the round of the intake loop ends.
struct RawEvent {
    enum class Format : uint8_t { kJson, kFlatBuffer };
    const uint8_t* data;
    uint32_t length;
    Format format;
    uint16_t tenant;
    uint32_t source;        ///< index into WorkBatch::sources
    uint64_t position;      ///< line number or producer sequence
    bool backfill = false;  ///< history that is sent after the fact
};

/// Who sent raw events. Borrows; valid as long as the work.
struct RawSource {
    std::string_view peer;
    std::string_view producer_name;  ///< empty: unnamed
    Hash128 producer;
    uint64_t epoch = 0;
    uint16_t tenant = 0;
};

enum class Verdict : uint8_t { kPending, kAccepted, kDuplicate, kRefused };

struct RefusedEvent {
    uint32_t raw;  ///< index into WorkBatch::raw
    Refusal cause;
    std::string detail;
};

/// What the intake stages (parse, dedup, enrich, route) work on: raw events in, items of `batch` from
/// `begin` on out. Owned and used by the intake thread only.
struct WorkBatch {
    std::vector<RawEvent> raw;
    std::vector<RawSource> sources;
    std::vector<Verdict> verdicts;      ///< beside raw
    std::vector<RefusedEvent> refused;  ///< of this work
    size_t raw_done = 0;                ///< raw events that parse has taken
    int64_t read_ns = 0;                ///< when the bytes were read; monotonic

    EventBatch* batch = nullptr;
    size_t begin = 0;                          ///< first item of this work in `batch`
    uint32_t raw_of[limits::kBatchEventsMax];  ///< item -> raw

    WorkBatch() {
        raw.reserve(limits::kBatchEventsMax);
        verdicts.reserve(limits::kBatchEventsMax);
    }
    void clear() {
        raw.clear();
        sources.clear();
        verdicts.clear();
        refused.clear();
        raw_done = 0;
    }
    void refuse(uint32_t raw_index, Refusal cause, std::string detail) {
        verdicts[raw_index] = Verdict::kRefused;
        refused.push_back({raw_index, cause, std::move(detail)});
    }

    /// Keeps the items of this work for which `keep(i)`; moves columns and bytes together, so that the log
    /// holds no bytes of what was dropped.
    template <typename Keep>
    void compact(Keep keep) {
        EventBatch& b = *batch;
        size_t to = begin;
        uint32_t heap_to = begin < b.count() ? b.heads[begin].offset : b.header.heap_bytes;
        for (size_t from = begin; from < b.count(); ++from) {
            if (!keep(from)) continue;
            EventHead head = b.heads[from];
            if (head.offset != heap_to) {
                std::memmove(b.heap + heap_to, b.heap + head.offset, head.length);
                head.offset = heap_to;
            }
            b.heads[to] = head;
            b.identities[to] = b.identities[from];
            raw_of[to] = raw_of[from];
            heap_to += (head.length + 7u) & ~7u;
            ++to;
        }
        b.header.count = static_cast<uint32_t>(to);
        b.header.heap_bytes = heap_to;
    }
};

}  // namespace penstock

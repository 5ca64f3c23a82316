// Writes an event's FlatBuffers form straight to where it is to lie: one pass forward, without the general
// builder's detours (it builds backwards in a buffer of its own, and looks for vtables to share).
#pragma once

#include <cstring>

#include "schemas/event_fields.h"

namespace penstock {

/// An event without keys, groups and extensions, which is what most are. The same table as EventBuilder's for
/// every reader; the bytes lie in another order.
class EventWriter {
  public:
    static bool can_write(const EventFields& f) {
        return f.keys.empty() && f.groups.empty() && f.extensions.empty();
    }

    /// `to`: 8-byte aligned, with room for the texts and 160 bytes. Returns the length, a multiple of 8.
    static size_t write(const EventFields& f, uint8_t* to) {
        // offset to the table | vtable | table: offset to the vtable, texts, time, severity | texts
        put<uint32_t>(to, kTable);
        uint8_t* const vtable = to + kVtable;
        std::memset(vtable, 0, kTable + kTableBytesPadded - kVtable);
        put<uint16_t>(vtable, kVtableBytes);
        put<uint16_t>(vtable + 2, kTableBytes);
        uint8_t* const table = to + kTable;
        put<int32_t>(table, kTable - kVtable);
        uint8_t* end = table + kTableBytesPadded;
        const auto text = [&](flatbuffers::voffset_t field, uint16_t place, std::string_view s) {
            put<uint16_t>(vtable + field, place);
            put<uint32_t>(table + place, static_cast<uint32_t>(end - (table + place)));
            put<uint32_t>(end, static_cast<uint32_t>(s.size()));
            std::memcpy(end + 4, s.data(), s.size());
            uint8_t* const after = end + 4 + s.size();
            put<uint32_t>(after, 0);  // the terminator and what pads to the next text
            end += (4 + s.size() + 1 + 3) & ~size_t{3};
        };
        text(fb::Event::VT_TYPE, 12, f.type);  // first: the engine compares it, and reads nothing behind it
        text(fb::Event::VT_ID, 4, f.id);
        text(fb::Event::VT_SOURCE, 8, f.source);
        if (!f.subject.empty()) text(fb::Event::VT_SUBJECT, 16, f.subject);
        if (!f.data.empty()) text(fb::Event::VT_DATA, 20, f.data);
        if (!f.region.empty()) text(fb::Event::VT_REGION, 24, f.region);
        if (f.time_ns != kNoTime) {
            put<uint16_t>(vtable + fb::Event::VT_TIME_NS, kTimeAt);
            put<int64_t>(table + kTimeAt, f.time_ns);
        }
        if (f.severity != 0) {
            put<uint16_t>(vtable + fb::Event::VT_SEVERITY, kSeverityAt);
            put<uint8_t>(table + kSeverityAt, f.severity);
        }
        const auto length = static_cast<size_t>(end - to);
        put<uint32_t>(end, 0);
        return (length + 7) & ~size_t{7};
    }

  private:
    static constexpr uint16_t kVtable = 4, kVtableBytes = fb::Event::VT_EXTENSIONS + 2, kTable = 32;
    static constexpr uint16_t kTimeAt = 32, kSeverityAt = 40, kTableBytes = 41, kTableBytesPadded = 44;
    static_assert(kVtable + kVtableBytes <= kTable && (kTable + kTimeAt) % 8 == 0);

    template <typename T>
    static void put(uint8_t* to, T value) {
        std::memcpy(to, &value, sizeof value);
    }
};

}  // namespace penstock

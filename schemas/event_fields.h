// An event's fields as views, and its FlatBuffers form from and to them.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "schemas/event_generated.h"
#include "schemas/log_record.h"

namespace penstock {

/// Borrows every string from wherever it was read. `data` is JSON text; empty: none.
struct EventFields {
    using Pair = std::pair<std::string_view, std::string_view>;
    std::string_view id, source, type, subject, region, data;
    StampNs time_ns = kNoTime;
    uint8_t severity = 0;
    std::vector<Pair> keys, groups, extensions;

    void clear() {
        id = source = type = subject = region = data = {};
        time_ns = kNoTime;
        severity = 0;
        keys.clear();
        groups.clear();
        extensions.clear();
    }
};

inline const fb::Event* event_of(std::span<const uint8_t> bytes) {
    return flatbuffers::GetRoot<fb::Event>(bytes.data());
}

inline std::string_view view_of(const flatbuffers::String* s) {
    return s ? std::string_view(s->c_str(), s->size()) : std::string_view{};
}

/// Reads a verified event.
inline void read_event(const fb::Event& event, EventFields& out) {
    const auto pairs = [](const flatbuffers::Vector<flatbuffers::Offset<fb::Pair>>* from,
                          std::vector<EventFields::Pair>& to) {
        to.clear();
        if (!from) return;
        for (const fb::Pair* p : *from) to.emplace_back(view_of(p->name()), view_of(p->value()));
    };
    out.id = view_of(event.id());
    out.source = view_of(event.source());
    out.type = view_of(event.type());
    out.subject = view_of(event.subject());
    out.region = view_of(event.region());
    out.data = view_of(event.data());
    out.time_ns = event.time_ns();
    out.severity = event.severity();
    pairs(event.keys(), out.keys);
    pairs(event.groups(), out.groups);
    pairs(event.extensions(), out.extensions);
}

/// Builds events into a buffer of its own; one thread.
class EventBuilder {
  public:
    /// The bytes stay until the next call. Their length is a multiple of 8.
    std::span<const uint8_t> build(const EventFields& f) {
        fbb_.Clear();
        const auto optional = [&](std::string_view s) {
            return s.empty() ? flatbuffers::Offset<flatbuffers::String>()
                             : fbb_.CreateString(s.data(), s.size());
        };
        const auto extensions = pairs(f.extensions), groups = pairs(f.groups), keys = pairs(f.keys);
        const auto data = optional(f.data), region = optional(f.region), subject = optional(f.subject);
        const auto type = fbb_.CreateString(f.type.data(), f.type.size());
        const auto source = fbb_.CreateString(f.source.data(), f.source.size());
        const auto id = fbb_.CreateString(f.id.data(), f.id.size());
        fb::EventBuilder event(fbb_);
        event.add_time_ns(f.time_ns);
        event.add_id(id);
        event.add_source(source);
        event.add_type(type);
        event.add_subject(subject);
        event.add_data(data);
        event.add_region(region);
        event.add_keys(keys);
        event.add_groups(groups);
        event.add_extensions(extensions);
        event.add_severity(f.severity);
        fbb_.Finish(event.Finish());
        return {fbb_.GetBufferPointer(), fbb_.GetSize()};
    }

  private:
    flatbuffers::Offset<flatbuffers::Vector<flatbuffers::Offset<fb::Pair>>> pairs(
        const std::vector<EventFields::Pair>& from) {
        if (from.empty()) return {};
        offsets_.clear();
        for (const auto& [name, value] : from) {
            const auto n = fbb_.CreateString(name.data(), name.size());
            const auto v = fbb_.CreateString(value.data(), value.size());
            offsets_.push_back(fb::CreatePair(fbb_, n, v));
        }
        return fbb_.CreateVector(offsets_);
    }
    flatbuffers::FlatBufferBuilder fbb_{2048};
    std::vector<flatbuffers::Offset<fb::Pair>> offsets_;
};

}  // namespace penstock

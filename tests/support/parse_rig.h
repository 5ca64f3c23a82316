// The parse stage with a batch and its verdicts, fed by lines or FlatBuffers.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "schemas/event_fields.h"
#include "stages/parse/parse.h"

namespace penstock::test {

class ParseRig {
  public:
    explicit ParseRig(size_t growth = 0, bool refuse_unknown_regions = false)
        : vocabulary_(make_vocabulary(refuse_unknown_regions)), parse_(secret(), vocabulary_, growth) {}

    static std::vector<uint8_t> secret() { return std::vector<uint8_t>(192, 0x5a); }
    static Vocabulary make_vocabulary(bool refuse_unknown_regions = false) {
        Vocabulary v;
        v.refuse_unknown_regions = refuse_unknown_regions;
        v.regions["us"] = 0, v.regions["na"] = 0, v.regions["eu"] = 1;
        v.type_aliases["old_name"] = "new_name";
        return v;
    }

    void begin() {
        batch->clear();
        work->clear();
        work->batch = batch.get();
        bytes_.clear();
    }
    void add(std::string_view bytes, RawEvent::Format format = RawEvent::Format::kJson) {
        // An exact allocation of eight-byte alignment, so that a sanitizer sees what reads too far.
        auto& kept = bytes_.emplace_back(new uint8_t[bytes.size() + kPadding]());
        std::memcpy(kept.get(), bytes.data(), bytes.size());
        work->raw.push_back(
            {kept.get(), static_cast<uint32_t>(bytes.size()), format, 0, 0, work->raw.size() + 1});
        work->verdicts.push_back(Verdict::kPending);
    }
    size_t run() { return parse_.do_work(*work); }

    /// One event by itself: "ok", or the name of the cause.
    std::string verdict(std::string_view bytes, RawEvent::Format format = RawEvent::Format::kJson) {
        begin();
        add(bytes, format);
        EXPECT_EQ(run(), 1u);
        if (work->verdicts[0] == Verdict::kAccepted)
            return batch->count() == 1 ? "ok" : "accepted without an item";
        if (work->refused.size() != 1 || batch->count() != 0) return "refused in a wrong way";
        EXPECT_FALSE(work->refused[0].detail.empty());
        return std::string(info(work->refused[0].cause).name);
    }
    const std::string& detail() const { return work->refused.at(0).detail; }
    const EventHead& head(size_t i = 0) const { return batch->heads[i]; }
    const EventIdentity& identity(size_t i = 0) const { return batch->identities[i]; }
    EventFields fields(size_t i = 0) const {
        EventFields f;
        read_event(*event_of({batch->heap + batch->heads[i].offset, batch->heads[i].length}), f);
        return f;
    }
    /// Content hash of an event that must be accepted.
    uint64_t content(std::string_view line) {
        EXPECT_EQ(verdict(line), "ok") << line;
        return identity().content;
    }

    std::unique_ptr<EventBatch> batch = std::make_unique<EventBatch>();
    std::unique_ptr<WorkBatch> work = std::make_unique<WorkBatch>();

  private:
    static constexpr size_t kPadding = 64;
    Vocabulary vocabulary_;
    ParseStage parse_;
    std::deque<std::unique_ptr<uint8_t[]>> bytes_;
};

/// An event line with these members after the required ones.
inline std::string event_line(std::string_view members = {}) {
    std::string line = R"({"specversion":"1.0","id":"7","source":"/s","type":"t")";
    if (!members.empty()) line += ',';
    return line.append(members) + "}";
}
inline std::string flatbuffer_of(const EventFields& fields) {
    EventBuilder builder;
    const auto bytes = builder.build(fields);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace penstock::test

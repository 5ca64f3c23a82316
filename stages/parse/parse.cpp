#include "stages/parse/parse.h"

#include <fmt/format.h>

#include "schemas/event_fields.h"
#include "stages/parse/event_reader.h"
#include "stages/parse/event_writer.h"

namespace penstock {

namespace {
/// An event whose FlatBuffers form would not fit is left for the next batch. Strings never grow, each pair
/// costs at most 32 bytes beyond its text, the table itself below 256.
size_t bytes_needed_max(const RawEvent& raw) { return raw.length + 256 + limits::kAttributesMax * 32 + 64; }
}  // namespace

struct ParseStage::Impl {
    Impl(std::span<const uint8_t> secret, const Vocabulary& v, size_t growth)
        : hasher(secret), reader(hasher), vocabulary(v), growth_bytes_max(growth) {}

    IdentityHasher hasher;
    EventReader reader;
    EventBuilder builder;
    const Vocabulary& vocabulary;
    const size_t growth_bytes_max;
    EventFields fields;

    void take(const RawEvent& raw, EventBatch& batch) {
        uint64_t data_hash = 0;
        const size_t item = batch.count();
        uint8_t* const heap = batch.heap + batch.header.heap_bytes;
        std::span<const uint8_t> bytes;
        if (raw.format == RawEvent::Format::kJson) {
            reader.read_json({raw.data, raw.length}, fields, data_hash);
        } else {
            std::memcpy(heap, raw.data, raw.length);
            bytes = {heap, raw.length};
            reader.read_flatbuffer(bytes, fields, data_hash);
        }
        const uint16_t region = vocabulary.region(fields.region);
        if (region == kRegionUnknown && vocabulary.refuse_unknown_regions)
            throw ReadFailure{
                Refusal::kUnknownRegion,
                fmt::format(
                    "region '{}' is not configured; use a configured name or alias, or leave region out",
                    fields.region.substr(0, limits::kNameBytesMax))};
        if (vocabulary.is_draining(region))
            throw ReadFailure{Refusal::kRegionDraining,
                              fmt::format("region '{}' takes no new events",
                                          fields.region.substr(0, limits::kNameBytesMax))};
        const std::string_view type = vocabulary.type(fields.type);
        const bool aliased = type.data() != fields.type.data();
        fields.type = type;
        // What enrich may write again is written by our builder from the start: it grows by no more than what
        // is added.
        if (bytes.empty() && growth_bytes_max == 0 && EventWriter::can_write(fields)) {
            bytes = {heap, EventWriter::write(fields, heap)};
        } else if (bytes.empty() || aliased || growth_bytes_max > 0) {
            bytes = builder.build(fields);
            std::memcpy(heap, bytes.data(), bytes.size());
        }

        EventHead& head = batch.heads[item];
        head = EventHead{};
        head.offset = batch.header.heap_bytes;
        head.length = static_cast<uint32_t>(bytes.size());
        head.tenant = raw.tenant;
        head.region = region;
        head.severity = fields.severity;
        head.type_hash = type_hash(type);
        if (fields.time_ns != kNoTime) {
            head.time_ns = fields.time_ns;
            head.flags = kHeadHasTime;
        }
        if (raw.backfill) head.flags |= kHeadBackfill;
        if (!fields.subject.empty()) head.key = hasher.key(raw.tenant, fields.subject);

        EventIdentity& identity = batch.identities[item];
        identity.id = hasher.id(raw.tenant, fields.source, fields.id);
        uint64_t content = IdentityHasher::mix(head.type_hash, hasher.text(fields.subject));
        content = IdentityHasher::mix(content, static_cast<uint64_t>(fields.time_ns));
        content = IdentityHasher::mix(
            content, head.region == kRegionUnknown ? hasher.text(fields.region) : uint64_t{head.region});
        identity.content = IdentityHasher::mix(content, data_hash);

        batch.header.heap_bytes += (head.length + 7u) & ~7u;
        batch.header.count = static_cast<uint32_t>(item + 1);
    }
};

ParseStage::ParseStage(std::span<const uint8_t> hash_secret, const Vocabulary& vocabulary,
                       size_t growth_bytes_max)
    : impl_(std::make_unique<Impl>(hash_secret, vocabulary, growth_bytes_max)) {}
ParseStage::~ParseStage() = default;

size_t ParseStage::do_work(WorkBatch& work) {
    EventBatch& batch = *work.batch;
    const size_t from = work.raw_done;
    work.begin = batch.count();
    for (; work.raw_done < work.raw.size(); ++work.raw_done) {
        const RawEvent& raw = work.raw[work.raw_done];
        const size_t growth = (batch.count() - work.begin + 1) * impl_->growth_bytes_max;
        if (batch.full() || batch.heap_left() < bytes_needed_max(raw) + growth) break;
        work.raw_of[batch.count()] = static_cast<uint32_t>(work.raw_done);
        try {
            impl_->take(raw, batch);
            work.verdicts[work.raw_done] = Verdict::kAccepted;
        } catch (ReadFailure& failure) {
            work.refuse(static_cast<uint32_t>(work.raw_done), failure.cause, std::move(failure.detail));
        }
    }
    return work.raw_done - from;
}

}  // namespace penstock

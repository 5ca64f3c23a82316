#include "stages/sequence/sequencer.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>

#include "schemas/event_generated.h"

namespace penstock {
namespace {

constexpr size_t kKeptForTicks = 16;
constexpr int64_t kLookNs = 10'000'000, kLookForTicksNs = 2'000'000;

/// Puts a finished FlatBuffers item into the batch as its next item.
EventHead& append_item(EventBatch& batch, const flatbuffers::FlatBufferBuilder& fbb) {
    RecordHeader& h = batch.header;
    EventHead& head = batch.heads[h.count];
    head = EventHead{};
    batch.identities[h.count] = EventIdentity{};
    head.offset = h.heap_bytes;
    head.length = fbb.GetSize();
    std::memcpy(batch.heap + h.heap_bytes, fbb.GetBufferPointer(), fbb.GetSize());
    h.heap_bytes += (head.length + 7u) & ~7u;
    ++h.count;
    return head;
}

void append_control(EventBatch& batch, ControlKind kind, std::string_view name, std::string_view text) {
    if (name.size() > limits::kAttributeBytesMax || text.size() > limits::kControlTextBytesMax)
        throw std::length_error("a control record's name or text is longer than the limit");
    flatbuffers::FlatBufferBuilder fbb(256 + text.size());
    const auto name_offset = fbb.CreateString(name.data(), name.size());
    const auto text_offset = fbb.CreateString(text.data(), text.size());
    fbb.Finish(fb::CreateControl(fbb, static_cast<uint16_t>(kind), name_offset, text_offset));
    append_item(batch, fbb);
}

}  // namespace

Sequencer::Sequencer(BatchRing& ring, const Clock& clock, Seq next_seq, StampNs last_stamp_ns,
                     std::function<bool()> give_up)
    : ring_(ring),
      clock_(clock),
      give_up_(std::move(give_up)),
      kept_for_ticks_(std::min(kKeptForTicks, ring.capacity() / 4)),
      events_(new EventBatch),
      letters_(new EventBatch),
      tick_(new EventBatch),
      next_seq_(next_seq),
      last_stamp_ns_(last_stamp_ns) {}

void Sequencer::add_position(const ProducerPosition& position) {
    RecordHeader& h = events_->header;
    for (uint32_t i = h.producer_count; i-- > 0;) {  // the newest is the likeliest
        if (events_->producers[i].producer == position.producer) {
            events_->producers[i] = position;
            return;
        }
    }
    if (h.producer_count == EventBatch::kProducersMax) {
        publish();
        return add_position(position);
    }
    events_->producers[h.producer_count++] = position;
}

void Sequencer::add_dead_letter(const DeadLetter& letter) {
    flatbuffers::FlatBufferBuilder fbb(1024 + letter.raw.size());
    const auto detail = fbb.CreateString(letter.detail), peer = fbb.CreateString(letter.peer);
    const auto producer = fbb.CreateString(letter.producer);
    const auto raw = fbb.CreateVector(letter.raw);
    fb::DeadLetterBuilder built(fbb);
    built.add_position(letter.position);
    built.add_whole_length(letter.whole_length);
    built.add_whole_hash(letter.whole_hash);
    built.add_detail(detail);
    built.add_peer(peer);
    built.add_producer(producer);
    built.add_raw(raw);
    built.add_cause(static_cast<uint16_t>(letter.cause));
    fbb.Finish(built.Finish());
    if (letters_->full()) publish_letters();
    append_item(*letters_, fbb).tenant = letter.tenant;
}

void Sequencer::publish_letters() {
    if (letters_->count() > 0) publish_slab(RecordKind::kDeadLetters, letters_);
}

void Sequencer::publish() {
    publish_letters();
    if (events_->count() > 0) return publish_slab(RecordKind::kEvents, events_);
    if (events_->header.producer_count == 0) return;
    append_control(*events_, ControlKind::kPositions, "", "");
    publish_slab(RecordKind::kControl, events_);
}

void Sequencer::publish_control(ControlKind kind, std::string_view name, std::string_view text) {
    publish();
    append_control(*events_, kind, name, text);
    publish_slab(RecordKind::kControl, events_);
}

Seq Sequencer::publish_retry(Seq letter, std::string_view text) {
    auto control = std::make_unique<EventBatch>();
    append_control(*control, ControlKind::kDeadLetterRetried, std::to_string(letter), text);
    publish_slab(RecordKind::kControl, control);
    const Seq seq = next_seq_ - 1;
    may_tick_ = false;  // what it led to has the next sequence
    // In the record itself: an event that is durable is known to be of this letter, whatever happens next.
    for (EventBatch* open : {events_.get(), letters_.get()})
        if (open->count() > 0) open->header.retry_of = letter;
    publish();
    may_tick_ = true;
    return seq;
}

void Sequencer::publish_slab(RecordKind kind, std::unique_ptr<EventBatch>& slab) {
    const size_t kept_free = tick_due ? kept_for_ticks_ : 0;
    std::unique_ptr<EventBatch>* slot = ring_.try_claim(kept_free);
    int64_t look_ns = tick_due ? kLookForTicksNs : kLookNs;
    for (; !slot; slot = ring_.try_claim(kept_free)) {
        if (give_up_()) throw IntakeStopped{};
        if (tick_due && may_tick_ && tick_due()) {
            tick();
            look_ns += look_ns / 7;  // what is kept has to last for a slow commit: 16 ticks, 110 ms
        }
        ring_.wait_for_slot(look_ns, kept_free);
    }
    hand_over(*slot, kind, slab);
}

void Sequencer::tick() {
    std::unique_ptr<EventBatch>* slot = ring_.try_claim();
    if (!slot) return;
    append_control(*tick_, ControlKind::kTick, "", "");
    hand_over(*slot, RecordKind::kControl, tick_);
}

void Sequencer::hand_over(std::unique_ptr<EventBatch>& slot, RecordKind kind,
                          std::unique_ptr<EventBatch>& slab) {
    EventBatch& b = *slab;
    RecordHeader& h = b.header;
    h.magic = kRecordMagic;
    h.version = kRecordVersion;
    h.kind = kind;
    h.first_seq = next_seq_;
    h.base_stamp_ns = std::max(time_ns(), last_stamp_ns_ + 1);
    h.time_min_ns = std::numeric_limits<StampNs>::max();
    h.time_max_ns = std::numeric_limits<StampNs>::min();
    h.region_mask = 0;
    if (kind == RecordKind::kEvents) {
        h.bloom_bytes = bloom_bytes_for(h.count);
        std::memset(b.bloom, 0, h.bloom_bytes);
        for (uint32_t i = 0; i < h.count; ++i) {
            EventHead& head = b.heads[i];
            if (!(head.flags & kHeadHasTime)) head.time_ns = h.base_stamp_ns + i;
            h.time_min_ns = std::min(h.time_min_ns, head.time_ns);
            h.time_max_ns = std::max(h.time_max_ns, head.time_ns);
            h.region_mask |= uint64_t{1} << head.region;
            bloom_add({b.bloom, h.bloom_bytes}, head.key);
        }
    }
    next_seq_ += h.span();
    last_stamp_ns_ = h.base_stamp_ns + static_cast<StampNs>(h.span()) - 1;
    if (!slot) slot.reset(new EventBatch);
    slab.swap(slot);
    slab->clear();
    ring_.publish();
}

}  // namespace penstock

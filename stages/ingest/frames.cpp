// Binary frames: bytes to frames, frames to events.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "schemas/wire.h"
#include "stages/ingest/ingest.h"

namespace penstock {

namespace {

using wire::FrameHeader;
using wire::FrameType;

FrameHeader header_of(const uint8_t* at) {
    FrameHeader h;
    std::memcpy(&h, at, sizeof h);
    return h;
}
bool plausible(const FrameHeader& h) {
    return h.magic == wire::kMagic && h.flags == 0 && h.reserved == 0 && h.type >= FrameType::kHello &&
           h.type <= FrameType::kEnd && h.body_bytes <= limits::kFrameBodyBytesMax;
}
bool checksum_holds(std::span<const uint8_t> frame) {
    static thread_local StreamHash hash;
    hash.reset();
    hash.add(frame.first(offsetof(FrameHeader, checksum))).add(frame.subspan(sizeof(FrameHeader)));
    return hash.digest() == header_of(frame.data()).checksum;
}

}  // namespace

void Ingest::read_frames(Connection& c, std::span<const uint8_t> data) {
    while (!data.empty() && !c.failing && !c.ended) {  // nothing follows an end
        // How many bytes the frame that has begun still lacks, as far as it is known.
        const size_t have = c.carry.size();
        if (have == 0 && data.size() >= sizeof(FrameHeader)) {
            const FrameHeader h = header_of(data.data());
            if (!plausible(h))
                return fail(c, Refusal::kBadFrame,
                            "a frame's magic, type, flags or length is wrong (docs/wire_format.md)");
            const size_t size = sizeof h + h.body_bytes;
            if (data.size() >= size) {
                take_frame(c, data.first(size));
                data = data.subspan(size);
                continue;
            }
        }
        size_t wanted = sizeof(FrameHeader);
        if (have >= sizeof(FrameHeader)) wanted += header_of(c.carry.data()).body_bytes;
        const size_t part = std::min(data.size(), wanted - have);
        if (have == 0) c.carry.reserve(sizeof(FrameHeader));
        c.carry.insert(c.carry.end(), data.begin(), data.begin() + static_cast<ptrdiff_t>(part));
        data = data.subspan(part);
        if (c.carry.size() < sizeof(FrameHeader)) return;
        const FrameHeader h = header_of(c.carry.data());
        if (!plausible(h))
            return fail(c, Refusal::kBadFrame,
                        "a frame's magic, type, flags or length is wrong (docs/wire_format.md)");
        if (have < sizeof(FrameHeader)) c.carry.reserve(sizeof h + h.body_bytes + 64);
        if (c.carry.size() == sizeof h + h.body_bytes)
            take_frame(c, keep_for_round(std::exchange(c.carry, {})));
    }
}

void Ingest::take_frame(Connection& c, std::span<const uint8_t> frame) {
    ++c.units;
    const FrameHeader h = header_of(frame.data());
    const std::string_view body(reinterpret_cast<const char*>(frame.data()) + sizeof h, h.body_bytes);
    const bool sound = checksum_holds(frame);
    if (!sound && h.type != FrameType::kEvents)
        return fail(c, Refusal::kBadChecksum, "a control frame was damaged on its way; connect again");
    if (h.type == FrameType::kHello) {
        if (c.introduced) return fail(c, Refusal::kBadValue, "hello comes first on a connection, and once");
        return hello(c, body.empty() ? "{}" : body);
    }
    if (!c.introduced && !introduce_anonymous(c)) return;
    switch (h.type) {
        case FrameType::kEvents:
            return take_event_frame(c, frame);
        case FrameType::kWatermark:
            return watermark(c, body);
        case FrameType::kHeartbeat:
            ++c.acks_wanted;
            process();
            return touch(c);
        case FrameType::kCaughtUp:
            process();
            return note_presence(ControlKind::kCaughtUp, c);
        case FrameType::kEnd:
            ++c.acks_wanted;
            process();
            return end_of_stream(c);
        default:
            return;
    }
}

void Ingest::take_event_frame(Connection& c, std::span<const uint8_t> frame) {
    const FrameHeader h = header_of(frame.data());
    const bool named = !c.producer_name.empty();
    const bool sound = checksum_holds(frame);
    // Whatever a damaged frame says of itself cannot be believed, but for its length, which led to it.
    const uint64_t count = std::min<uint64_t>(h.count, h.body_bytes / 8);
    if (count == 0 || count != h.count)
        return fail(c, Refusal::kBadFrame,
                    fmt::format("the frame says that it holds {} events in {} bytes", h.count, h.body_bytes));
    const uint64_t first = named ? h.first_seq : c.next_new;
    if (named && sound && h.epoch != c.epoch)
        return fail(c, Refusal::kFenced,
                    fmt::format("the frame has epoch {}, the connection {}", h.epoch, c.epoch));
    if (named && sound && first > c.next_new)
        return fail(c, Refusal::kGap, fmt::format("sequence {} came but {} is expected", first, c.next_new));
    if (!sound) {
        DeadLetter letter = letter_for(c, c.next_new);
        letter.set_raw(frame);
        if (named) {
            // Which sequences it held cannot be believed; to pass over any could lose events that come again.
            process();  // dead letters keep the order in which things came
            letter.cause = Refusal::kBadChecksum;
            letter.detail = "a frame of a named producer was damaged on its way";
            telemetry_.dead_letters[static_cast<size_t>(letter.cause)].add();
            sink_.keep_dead_letter(letter);
            return fail(
                c, Refusal::kBadChecksum,
                "the frame was damaged on its way; connect again and continue with the welcome's next");
        }
        const uint64_t position = c.next_new;
        c.next_new += count;
        return refuse_whole(
            c, position, count, Refusal::kBadChecksum,
            fmt::format("the frame of {} events was damaged on its way; send it again", count),
            std::move(letter));
    }
    const uint8_t* at = frame.data() + sizeof h;
    const uint8_t* const end = frame.data() + frame.size();
    for (uint64_t i = 0; i < count; ++i) {
        uint32_t length = 0;
        if (end - at >= 8) std::memcpy(&length, at, sizeof length);
        if (end - at < 8 || length == 0 || length > limits::kEventBytesMax ||
            static_cast<size_t>(end - at) - 8 < length)
            return fail(c, Refusal::kBadFrame,
                        fmt::format("event {} of the frame does not lie inside it", i + 1));
        const uint64_t position = first + i;
        if (position < c.next_new) {
            resent(c);
        } else {
            ++c.next_new;
            add_raw(c, {at + 8, length}, RawEvent::Format::kFlatBuffer, position);
        }
        const size_t step = 8 + ((size_t{length} + 7) & ~size_t{7});
        at += std::min(step, static_cast<size_t>(end - at));
    }
}

}  // namespace penstock

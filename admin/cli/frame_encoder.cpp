#define XXH_STATIC_LINKING_ONLY  // the streaming state by value
#include <xxhash.h>

#include "admin/cli/frame_encoder.h"

#include <fmt/format.h>

#include <cstring>

#include "schemas/limits.h"

namespace penstock::cli {
namespace {

/// Before each event of a body: its length, and a zero that keeps it on a multiple of 8.
constexpr size_t kEventPrefixBytes = 8;
/// XXH3's own minimum for a secret, with room; nothing here depends on its content.
constexpr std::array<uint8_t, 192> kNoSecret{};

size_t padded_length(size_t bytes) { return (bytes + 7) & ~size_t{7}; }

}  // namespace

uint64_t frame_checksum(const wire::FrameHeader& header, std::string_view body) {
    XXH3_state_t state;
    XXH3_64bits_reset(&state);
    XXH3_64bits_update(&state, &header, sizeof header - sizeof header.checksum);
    XXH3_64bits_update(&state, body.data(), body.size());
    return XXH3_64bits_digest(&state);
}

std::string make_frame(wire::FrameType type, std::string_view body, uint32_t count, uint64_t epoch,
                       uint64_t first_seq) {
    wire::FrameHeader header{};
    header.magic = wire::kMagic;
    header.type = type;
    header.body_bytes = static_cast<uint32_t>(body.size());
    header.count = count;
    header.epoch = epoch;
    header.first_seq = first_seq;
    header.checksum = frame_checksum(header, body);
    std::string frame;
    frame.reserve(sizeof header + body.size());
    frame.append(reinterpret_cast<const char*>(&header), sizeof header);
    frame.append(body);
    return frame;
}

std::string drop_events(const std::string& frame, uint64_t skip) {
    wire::FrameHeader header;
    std::memcpy(&header, frame.data(), sizeof header);
    size_t at = sizeof header;
    for (uint64_t i = 0; i < skip; ++i) {
        uint32_t length = 0;
        std::memcpy(&length, frame.data() + at, sizeof length);
        at += kEventPrefixBytes + padded_length(length);
    }
    return make_frame(header.type, std::string_view(frame).substr(at),
                      header.count - static_cast<uint32_t>(skip), header.epoch,
                      header.first_seq == 0 ? 0 : header.first_seq + skip);
}

FrameEncoder::FrameEncoder() : hasher_(kNoSecret), reader_(hasher_) {}

void FrameEncoder::add(std::string_view json_line) {
    if (json_line.size() > limits::kEventBytesMax)
        throw ReadFailure{Refusal::kTooLong, fmt::format("the line has {} bytes; at most {} are allowed",
                                                         json_line.size(), limits::kEventBytesMax)};
    padded_.assign(json_line);
    padded_.resize(json_line.size() + simdjson::SIMDJSON_PADDING);
    uint64_t data_hash = 0;
    reader_.read_json({reinterpret_cast<const uint8_t*>(padded_.data()), json_line.size()}, fields_,
                      data_hash);
    const auto bytes = builder_.build(fields_);
    if (bytes.size() > limits::kEventBytesMax)
        throw ReadFailure{Refusal::kTooLong,
                          fmt::format("as FlatBuffers the event has {} bytes; at most {} are allowed",
                                      bytes.size(), limits::kEventBytesMax)};
    const auto length = static_cast<uint32_t>(bytes.size());
    const uint32_t zero = 0;
    body_.append(reinterpret_cast<const char*>(&length), sizeof length);
    body_.append(reinterpret_cast<const char*>(&zero), sizeof zero);
    body_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    body_.append(padded_length(bytes.size()) - bytes.size(), '\0');
    ++count_;
}

std::string FrameEncoder::finish(uint64_t epoch, uint64_t first_seq) {
    std::string frame = make_frame(wire::FrameType::kEvents, body_, count_, epoch, first_seq);
    body_.clear();
    count_ = 0;
    return frame;
}

}  // namespace penstock::cli

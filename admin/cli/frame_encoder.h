// Binary frames as a producer makes them: JSON lines to FlatBuffers events to checked frames.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "schemas/event_fields.h"
#include "schemas/wire.h"
#include "stages/parse/event_reader.h"

namespace penstock::cli {

/// The checksum that `header` is to carry before `body`.
uint64_t frame_checksum(const wire::FrameHeader& header, std::string_view body);

/// A whole frame. `body` at most limits::kFrameBodyBytesMax.
std::string make_frame(wire::FrameType type, std::string_view body = {}, uint32_t count = 0,
                       uint64_t epoch = 0, uint64_t first_seq = 0);

/// `frame` (of events) without its first `skip` events: what is left to send after a lost connection.
std::string drop_events(const std::string& frame, uint64_t skip);

/// Gathers events for one frame at a time. One thread. Attributes are checked by the appliance's own reader,
/// so what would be refused there is refused here already.
class FrameEncoder {
  public:
    FrameEncoder();

    /// Adds an event, given as JSON without line end. Throws ReadFailure; then nothing was added.
    void add(std::string_view json_line);

    uint32_t count() const { return count_; }
    size_t body_bytes() const { return body_.size(); }
    /// The frame of what was added, and a new beginning.
    std::string finish(uint64_t epoch, uint64_t first_seq);

  private:
    IdentityHasher hasher_;
    EventReader reader_;
    EventFields fields_;
    EventBuilder builder_;
    std::string padded_, body_;
    uint32_t count_ = 0;
};

}  // namespace penstock::cli

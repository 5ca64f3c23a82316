// What ingest needs of the stages behind it; the wiring page implements it.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "pipeline/dead_letter.h"
#include "pipeline/event_batch.h"

namespace penstock {

/// Intake thread. Positions are the ring's: what was handed over is durable when committed_position() has
/// reached the position that publish() returned.
class IntakeSink {
  public:
    virtual ~IntakeSink() = default;
    /// Parse, dedup, enrich, route: on return every raw event has its verdict, refused ones a dead letter,
    /// and named producers their progress.
    virtual void process(WorkBatch& work) = 0;
    /// For what was refused before it became a raw event.
    virtual void keep_dead_letter(const DeadLetter& letter) = 0;
    virtual void note_position(const ProducerPosition& position) = 0;
    virtual void control(ControlKind kind, std::string_view name, std::string_view text) = 0;
    /// Hands everything over to log and state, unless it pays to gather more first (then nothing).
    virtual std::optional<uint64_t> publish() = 0;
    virtual uint64_t committed_position() const = 0;
    /// False: the log or the dedup window has no room; do not read sockets.
    virtual bool admits() const = 0;
};

}  // namespace penstock

// parse: raw bytes to events. JSON or FlatBuffers in, checked columns and FlatBuffers bytes out.
#pragma once

#include <memory>
#include <span>

#include "pipeline/event_batch.h"
#include "schemas/identity.h"
#include "stages/parse/vocabulary.h"

namespace penstock {

/// Intake thread. Takes the raw events that the batch has room for; each becomes an item of the batch, or
/// is refused with a cause and a sentence. Strict: what it accepts is valid JSON, UTF-8 and within limits.h.
class ParseStage {
  public:
    /// `vocabulary` must outlive the stage. `growth_bytes_max`: what enrich may add to an event.
    ParseStage(std::span<const uint8_t> hash_secret, const Vocabulary& vocabulary, size_t growth_bytes_max);
    ~ParseStage();

    /// Returns how many raw events it took; less than all when the batch is full.
    size_t do_work(WorkBatch& work);

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace penstock

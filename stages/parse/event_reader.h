// Reads and checks one event, from JSON or from FlatBuffers, into fields.
#pragma once

#include <simdjson.h>

#include <span>
#include <string>

#include "schemas/event_fields.h"
#include "schemas/refusal.h"
#include "stages/parse/json_walk.h"

namespace penstock {

struct ReadFailure {
    Refusal cause;
    std::string detail;
};

/// One thread. Fields borrow from the input and from the reader, until its next call.
class EventReader {
  public:
    explicit EventReader(const IdentityHasher& hasher) : walk_(hasher) {}

    /// `bytes` have simdjson::SIMDJSON_PADDING readable bytes behind them. Throws ReadFailure.
    void read_json(std::span<const uint8_t> bytes, EventFields& out, uint64_t& data_hash);

    /// `bytes`: 8-byte aligned, padded as above. Throws ReadFailure.
    void read_flatbuffer(std::span<const uint8_t> bytes, EventFields& out, uint64_t& data_hash);

  private:
    void read_member(simdjson::ondemand::document& document, simdjson::ondemand::field& field,
                     EventFields& out, uint64_t& data_hash);
    void read_data(simdjson::ondemand::document& document, simdjson::ondemand::value value, EventFields& out,
                   uint64_t& data_hash);
    void read_pairs(simdjson::ondemand::value value, std::string_view name,
                    std::vector<EventFields::Pair>& out);
    void read_extension(simdjson::ondemand::value value, std::string_view name, EventFields& out);

    JsonWalk walk_;
    simdjson::ondemand::parser parser_;
    uint32_t seen_ = 0,
             named_ = 0;  ///< members of the current event that have a value, or any mention; a bit each
    std::vector<std::string_view> nulls_;  ///< extensions of the current event that are null
};

}  // namespace penstock

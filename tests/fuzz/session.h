// Connections without sockets: ingest and parse as they are, over a loop that keeps what is sent.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/log_record.h"

namespace penstock::fuzz {

struct SessionResult {
    std::string answers;                ///< all bytes that the appliance sent, in order
    std::vector<std::string> accepted;  ///< FlatBuffers of the events that were taken
    std::vector<std::string> letters;   ///< cause and raw bytes of each dead letter
    std::vector<std::string> controls;
    bool closed = false;
};
/// One connection that sends `pieces`, a round each, and then shuts its side. Twice the same input gives
/// twice the same result.
SessionResult run_session(const std::vector<std::string>& pieces);

/// Cuts at places that depend on the bytes and `salt`.
std::vector<std::string> cut(std::string_view bytes, uint64_t salt);

}  // namespace penstock::fuzz

// Replay equals live: the state that the appliance keeps, against one made anew from the log.
#pragma once

#include <optional>
#include <string>

#include "admin/appliance_machines.h"
#include "storage/event_log.h"
#include "storage/state_store.h"

namespace penstock {

/// One thread. Feed it every record of the log, from its beginning, in order.
class StateCheck {
  public:
    /// Reads the checkpoint's rows once. Throws LogError when there is no sound state/ of this log.
    StateCheck(const std::string& path, const EventLog& log);

    /// State holds every record below it; later ones are not needed.
    Seq applied_seq() const { return applied_seq_; }
    void apply(const RecordView& record);

    struct Result {
        size_t rows = 0;
        std::string digest;                     ///< of the rows: XXH3-64, hexadecimal
        std::optional<std::string> difference;  ///< what the replay has otherwise; none: they are equal
    };
    Result finish();

  private:
    StateStore store_;
    Seq applied_seq_ = 1;
    size_t rows_ = 0;
    uint64_t digest_ = 0;
    StateMachines machines_{Engine::Options{}};
};

}  // namespace penstock

// What the appliance did not see while it was down, and how long deadlines wait after a start: a producer
// that was connected at the stop may hold back events that would settle them.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/state_machine.h"

namespace penstock {

/// One thread; a function of the records, as the engine that it belongs to.
class Observer {
  public:
    /// A span that nobody watched.
    struct Gap {
        StampNs from_ns = 0, to_ns = 0;  ///< last record before the stop, boot record after it
        StampNs judged_ns = 0;           ///< when deadlines were judged again; 0: they wait
        uint32_t awaited = 0;            ///< producers that were connected at the stop
        uint32_t caught_up = 0;          ///< of those: said so in time
    };

    // --- input: control records. `producer` names tenant and producer; several unnamed ones are one. ---
    /// `last_stamp_ns`: of the log before the stop; 0: this is the first start.
    void boot(StampNs now_ns, StampNs last_stamp_ns, int64_t hold_ns);
    void connected(std::string_view producer);
    void disconnected(std::string_view producer);
    void caught_up(std::string_view producer, StampNs now_ns);
    /// Time passes. True: deadlines wait.
    bool holds(StampNs now_ns);

    // --- output ---
    bool holding() const { return hold_until_ns_ != 0; }
    StampNs hold_until_ns() const { return hold_until_ns_; }
    const std::vector<Gap>& gaps() const { return gaps_; }  ///< oldest first, the last 16
    std::vector<std::string> awaited() const;

    // --- state: rows below the engine's prefix ---
    void save(Checkpoint& out);
    void load_producer(std::string_view producer, uint8_t flags);
    void load_gaps(RowReader& value);

    static constexpr uint8_t kProducerTable = 3, kGapsTable = 4;

  private:
    static constexpr size_t kGapsMax = 16;
    enum : uint8_t { kPresent = 1, kAwaited = 2 };

    void set(const std::string& producer, uint8_t flags);
    void end_hold(StampNs now_ns);

    std::map<std::string, uint8_t, std::less<>> producers_;  ///< flags; absent: none
    uint32_t awaited_ = 0;                                   ///< how many have kAwaited
    StampNs hold_until_ns_ = 0;                              ///< 0: no hold
    std::vector<Gap> gaps_;
    std::set<std::string, std::less<>> changed_;
    bool gaps_changed_ = false;
};

}  // namespace penstock

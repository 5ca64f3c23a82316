// A region that is managed while the appliance runs: what the book of regions (stages/regions) keeps, and how
// others read it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/log_record.h"

namespace penstock {

enum class RegionState : uint8_t {
    kActive,
    kDraining,  ///< takes no new events; what it has yet to get is flushed
    kRemoved,   ///< as if it was never there, except that its number stays its own
};
inline constexpr std::array<std::string_view, 3> kRegionStateNames{"active", "draining", "removed"};

struct Region {
    uint16_t id = 0;  ///< in the log's names
    std::string name;
    /// Its facts are the configuration's; the book knows its state alone.
    bool of_configuration = false;
    RegionState state = RegionState::kActive;
    std::vector<std::string> aliases;
    std::string dsn, read_dsn;  ///< in the book: sealed (pipeline/seal.h); empty: none
    std::string key_file;  ///< of what is kept of its events on this host; empty: it is kept in the clear
    bool payload_stays = false;
    StampNs changed_ns = 0;
    std::string changed_by;
    Seq version = 0;  ///< sequence of the record that changed it last
};

/// Any thread.
class RegionReader {
  public:
    virtual ~RegionReader() = default;
    /// By id, those that were removed too.
    virtual std::vector<Region> regions() const = 0;
    virtual std::optional<Region> region(std::string_view name) const = 0;
    /// Why the command of this record changed nothing; empty: it did, or it is long ago.
    virtual std::string refused(Seq seq) const = 0;
    /// Moves with each change.
    virtual uint64_t version() const = 0;
};

}  // namespace penstock

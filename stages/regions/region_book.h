// regions: regional databases that come, drain and go while the appliance runs, as the log tells it.
#pragma once

#include <deque>
#include <functional>
#include <mutex>
#include <utility>

#include "pipeline/saved_map.h"
#include "pipeline/state_machine.h"
#include "schemas/region.h"

namespace penstock {

/// Applied by the state thread, read by any. A record kRegionSet's text is JSON: action, by, id (in the log's
/// names), and
/// - add: aliases, dsn and read_dsn (sealed), key_file, payload_stays. Of a name that was removed: again
/// - change: the same, except id; what is left out stays
/// - drain, resume: configured (true: the region is the configuration's)
/// - remove: after it has drained, or (configured) after it has left the configuration
class RegionBook final : public StateMachine, public RegionReader {
  public:
    uint8_t row_prefix() const override { return 'G'; }
    void apply(const RecordView& record) override;
    void begin_save(Checkpoint& out) override;
    bool save_some(size_t rows) override;
    void load_row(std::span<const uint8_t> key, std::span<const uint8_t> value) override;
    void loaded(StampNs) override;

    std::vector<Region> regions() const override;
    std::optional<Region> region(std::string_view name) const override;
    std::string refused(Seq seq) const override;
    uint64_t version() const override;

    /// State thread, after each change, and after loading for each that is there, with a sequence of 0.
    std::function<void(const Region& region, StampNs at_ns, Seq seq)> on_changed;

  private:
    const Region* find(std::string_view name) const;
    /// Why nothing was changed; empty: it was.
    std::string command(std::string_view name, std::string_view text, StampNs now_ns, Seq seq);
    static void put(RowWriter& out, const Region& region);

    mutable std::mutex mutex_;  // guards what follows
    SavedMap<Region> regions_{'G', 1, &put};
    uint64_t version_ = 0;
    std::deque<std::pair<Seq, std::string>> refused_;  ///< the last; readers' memory, not state
};

}  // namespace penstock

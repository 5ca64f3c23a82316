// route: every event gets the region whose database it will end in.
#pragma once

#include <utility>
#include <vector>

#include "pipeline/event_batch.h"

namespace penstock {

/// Intake thread. The event's own region wins, then the tenant's, then the default. Refuses nothing: dedup
/// took the events for stored already. (Parse refuses an unknown region where that is configured.)
class RouteStage {
  public:
    struct Options {
        uint16_t default_region = 0;
        std::vector<uint16_t> tenant_regions;  ///< by tenant id; kRegionNone: the default
    };
    explicit RouteStage(Options options) : options_(std::move(options)) {}

    size_t do_work(WorkBatch& work);
    /// From now on; kRegionNone: the default.
    void set_tenant_region(uint16_t tenant, uint16_t region) {
        auto& regions = options_.tenant_regions;
        if (regions.size() <= tenant) regions.resize(tenant + size_t{1}, kRegionNone);
        regions[tenant] = region;
    }

  private:
    uint16_t region_for(uint16_t tenant) const {
        const uint16_t own =
            tenant < options_.tenant_regions.size() ? options_.tenant_regions[tenant] : kRegionNone;
        return own == kRegionNone ? options_.default_region : own;
    }
    Options options_;
};

}  // namespace penstock

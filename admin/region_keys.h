// The keys of the configuration's regions.
#pragma once

#include <memory>

#include "admin/config.h"
#include "pipeline/seal.h"
#include "storage/event_log.h"

namespace penstock {

/// Of those that ask for it. What belongs to no single region is sealed with the default region's; where that
/// has none, with the first there is. Throws SealError.
std::shared_ptr<SealKeys> region_keys(const Config& config, const LogNames& names);

}  // namespace penstock

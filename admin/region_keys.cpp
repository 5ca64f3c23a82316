#include "admin/region_keys.h"

namespace penstock {

std::shared_ptr<SealKeys> region_keys(const Config& config, const LogNames& names) {
    auto keys = std::make_shared<SealKeys>();
    for (const auto& r : config.regions)
        if (const auto id = names.region(r.name); id && !r.key_file.empty())
            keys->add_region(*id, r.key_file);
    if (const auto id = names.region(config.routing.default_region)) keys->make_common(*id);
    for (const auto& r : config.regions)
        if (const auto id = names.region(r.name)) keys->make_common(*id);
    return keys;
}

}  // namespace penstock

// The names that events use for regions and types, and what they stand for here. Needed before identity:
// the same event sent once as `na` and once as `us` is a duplicate, not a conflict.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/strings/string_view.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "schemas/log_record.h"

namespace penstock {

/// Intake thread.
struct Vocabulary {
    absl::flat_hash_map<std::string, uint16_t> regions;  ///< names and aliases -> id in the log
    absl::flat_hash_map<std::string, std::string> type_aliases;
    bool refuse_unknown_regions = false;  ///< else route gives them a region
    uint64_t draining = 0;                ///< bit r: region r takes no new events

    uint16_t region(std::string_view name) const {
        if (name.empty()) return kRegionNone;
        const auto it = regions.find(absl::string_view(name.data(), name.size()));
        return it == regions.end() ? kRegionUnknown : it->second;
    }
    bool is_draining(uint16_t region) const { return region < 64 && (draining >> region & 1) != 0; }
    std::string_view type(std::string_view name) const {
        if (type_aliases.empty()) return name;
        const auto it = type_aliases.find(absl::string_view(name.data(), name.size()));
        return it == type_aliases.end() ? name : std::string_view(it->second);
    }
};

}  // namespace penstock

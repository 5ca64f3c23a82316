// RFC 3339 instants from and to nanoseconds since 1970, without the C library's locale and zone.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "schemas/log_record.h"

namespace penstock {

/// "2026-01-31T08:00:00.125Z", any offset, up to nine digits of fraction (more are cut off), years 1678 to
/// 2261. A leap second counts as the first instant of the next minute. Anything else: nothing.
std::optional<StampNs> parse_rfc3339(std::string_view text);

}  // namespace penstock

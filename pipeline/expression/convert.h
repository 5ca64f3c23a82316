// Texts of values, from and to. Nothing depends on the C library's locale and zone.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "schemas/log_record.h"

namespace penstock::expression {

/// "90s", "1h30m", "-1.5s", "250ms", "0": units h, m, s, ms, us, ns. Up to 292 years.
std::optional<int64_t> parse_duration(std::string_view text);
std::optional<int64_t> parse_int(std::string_view text);
std::optional<double> parse_double(std::string_view text);
/// Towards zero; nothing outside of (-2^63, 2^63).
std::optional<int64_t> int_of(double value);

inline constexpr size_t kTextOfValueMax = 40;
/// Into kTextOfValueMax characters; how many were written.
size_t write_int(int64_t value, char* out);
size_t write_double(double value, char* out);        ///< the shortest that reads back the same
size_t write_timestamp(StampNs value, char* out);    ///< RFC 3339 in UTC
size_t write_duration(int64_t value_ns, char* out);  ///< in seconds, "1.5s"

/// Whether all of it is well-formed UTF-8; otherwise `bad` is where it ends to be.
bool is_utf8(std::string_view text, size_t& bad);
/// Bytes of UTF-8 for a code point.
size_t write_utf8(uint32_t code_point, char* out);
/// How many code points.
int64_t count_code_points(std::string_view text);

}  // namespace penstock::expression

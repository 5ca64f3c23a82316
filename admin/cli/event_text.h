// Small work on one event's JSON text, and on times. Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace penstock::cli {

/// Appends `line` with its top-level `region` set. A line that is no JSON object is appended as it is: the
/// appliance says what is wrong with it.
void append_with_region(std::string_view line, std::string_view region, std::string& out);

/// Appends `text` as a JSON string, quotes included.
void append_json_string(std::string_view text, std::string& out);
std::string json_string(std::string_view text);

/// "2026-01-31T08:00:00.125Z"; the fraction has no, three, six or nine digits.
std::string format_rfc3339(int64_t utc_ns);

}  // namespace penstock::cli

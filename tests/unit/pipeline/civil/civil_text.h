// Instants as text, both ways, and what is wrong with a document.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "admin/cli/event_text.h"
#include "pipeline/civil/date.h"
#include "pipeline/faults.h"
#include "pipeline/rfc3339.h"

namespace penstock::test {

inline constexpr int64_t kSecondNs = 1'000'000'000, kMinuteNs = 60 * kSecondNs, kHourNs = 60 * kMinuteNs;

inline StampNs utc(std::string_view text) {
    const auto at = parse_rfc3339(text);
    EXPECT_TRUE(at.has_value()) << text;
    return at.value_or(0);
}
inline std::string text_of(StampNs at) { return cli::format_rfc3339(at); }
/// As the other writes it, without fractions that are zero.
inline std::string same(std::string_view text) { return text_of(utc(text)); }

template <typename Call>
std::string refusal(Call call) {
    try {
        call();
    } catch (const CivilError& e) {
        return e.what();
    }
    return "";
}

}  // namespace penstock::test

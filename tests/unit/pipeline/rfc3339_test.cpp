#include "pipeline/rfc3339.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <ctime>

#include "admin/cli/event_text.h"
#include "tests/support/seed.h"

namespace penstock::test {
namespace {

constexpr StampNs kSecond = 1'000'000'000;

TEST(Rfc3339, InstantsAreRead) {
    for (const auto& [text, expected] : std::vector<std::pair<std::string, StampNs>>{
             {"1970-01-01T00:00:00Z", 0},
             {"1970-01-01t00:00:00z", 0},
             {"1970-01-01 00:00:00Z", 0},
             {"1970-01-01T00:00:00.000000001Z", 1},
             {"1970-01-01T00:00:00.5Z", kSecond / 2},
             {"1970-01-01T00:00:00.123456789987654321Z", 123'456'789},
             {"1969-12-31T23:59:59.999999999Z", -1},
             {"1970-01-01T01:30:00+01:30", 0},
             {"1969-12-31T16:00:00-08:00", 0},
             {"1970-01-01T00:00:00-00:00", 0},
             {"1970-01-01T23:59:00+23:59", 0},
             {"2000-02-29T00:00:00Z", 951'782'400 * kSecond},
             {"2024-02-29T12:00:00Z", 1'709'208'000 * kSecond},
             {"2026-01-31T08:00:00.125Z", 1'769'846'400 * kSecond + 125'000'000},
             {"2016-12-31T23:59:60Z", 1'483'228'800 * kSecond},
             {"1678-01-01T00:00:00Z", -9'214'560'000 * kSecond},
             {"2261-12-31T23:59:59.999999999Z", 9'214'646'400 * kSecond - 1},
         })
        EXPECT_EQ(parse_rfc3339(text), expected) << text;
}

TEST(Rfc3339, EverythingElseIsRefused) {
    for (const char* text : {"",
                             "2026",
                             "2026-01-31",
                             "2026-01-31T08:00:00",
                             "2026-01-31T08:00Z",
                             "2026-01-31T08:00:00.Z",
                             "2026-01-31T08:00:00,5Z",
                             "2026-01-31T08:00:00+01",
                             "2026-01-31T08:00:00+0100",
                             "2026-01-31T08:00:00+01:60",
                             "2026-01-31T08:00:00+24:00",
                             "2026-01-31T08:00:00 Z",
                             "2026-01-31T08:00:00ZZ",
                             "2026-01-31T08:00:00Z ",
                             " 2026-01-31T08:00:00Z",
                             "2026-1-31T08:00:00Z0",
                             "2026-01-31X08:00:00Z",
                             "2026/01/31T08:00:00Z",
                             "2026-00-31T08:00:00Z",
                             "2026-13-31T08:00:00Z",
                             "2026-01-00T08:00:00Z",
                             "2026-01-32T08:00:00Z",
                             "2026-04-31T08:00:00Z",
                             "2025-02-29T08:00:00Z",
                             "1900-02-29T08:00:00Z",
                             "2100-02-29T08:00:00Z",
                             "2026-01-31T24:00:00Z",
                             "2026-01-31T08:60:00Z",
                             "2026-01-31T08:00:61Z",
                             "1677-12-31T23:59:59Z",
                             "2262-01-01T00:00:00Z",
                             "-026-01-31T08:00:00Z",
                             "+2026-01-31T08:00:00Z",
                             "2026-01-31T-8:00:00Z",
                             "2026-01-31T08:00:00.5",
                             "2026-01-31T08:00:00.1x",
                             "2026-01-31T08:00:00+1:000",
                             "2026-01-31T08:00:00+aa:00",
                             "yesterday at eight o'clock"})
        EXPECT_EQ(parse_rfc3339(text), std::nullopt) << text;
}

TEST(Rfc3339, EveryDayOfFiveCenturiesAgreesWithTheCLibrary) {
    for (int64_t day = -106'651; day < 106'651; day += 1) {
        const time_t seconds = day * 86'400 + 3'661;
        tm parts;
        gmtime_r(&seconds, &parts);
        if (parts.tm_year + 1900 < 1678 || parts.tm_year + 1900 > 2261) continue;
        char text[40];
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
        ASSERT_EQ(parse_rfc3339(text), seconds * kSecond) << text;
    }
}

TEST(Rfc3339, WhatIsWrittenIsReadBack) {
    SCOPED_TRACE(seed_note());
    Random random;
    for (int i = 0; i < 20'000; ++i) {
        const StampNs at = random.between(-9'214'560'000 * kSecond, 9'214'646'400 * kSecond - 1);
        const std::string text = cli::format_rfc3339(at);
        const auto back = parse_rfc3339(text);
        ASSERT_TRUE(back.has_value()) << text;
        ASSERT_EQ(*back, at) << text;
    }
}

}  // namespace
}  // namespace penstock::test

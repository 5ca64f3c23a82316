#include "pipeline/civil/duration.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <limits>

#include "tests/unit/pipeline/civil/civil_text.h"

namespace penstock::test {
namespace {

TEST(Duration, TheShortFormAndIso8601AreRead) {
    for (const auto& [text, expected] : std::vector<std::pair<std::string, int64_t>>{
             {"90s", 90 * kSecondNs},
             {"15m", 15 * kMinuteNs},
             {"1h30m", 90 * kMinuteNs},
             {"2d", 48 * kHourNs},
             {"250ms", 250'000'000},
             {"1m1ms", kMinuteNs + 1'000'000},
             {"3us7ns", 3'007},
             {"0s", 0},
             {"90m", 90 * kMinuteNs},
             {"106751d23h47m16s854ms775us807ns", std::numeric_limits<int64_t>::max()},
             {"PT15M", 15 * kMinuteNs},
             {"P1DT2H", 26 * kHourNs},
             {"P1D", 24 * kHourNs},
             {"P2W", 14 * 24 * kHourNs},
             {"PT1H30M5S", 90 * kMinuteNs + 5 * kSecondNs},
             {"PT0.5S", kSecondNs / 2},
             {"PT1,000000001S", kSecondNs + 1},
             {"PT36H", 36 * kHourNs},
             {"PT0S", 0},
         })
        EXPECT_EQ(parse_duration(text), expected) << text;
}

TEST(Duration, WhatIsWrongIsSaid) {
    for (const auto& [text, part] : std::vector<std::pair<std::string, std::string>>{
             {"", "is empty"},
             {"-5m", "has a sign"},
             {"90", "without a unit"},
             {"5x", "unknown unit 'x'"},
             {"5M", "unknown unit 'M'"},
             {"m", "needs a number at column 1"},
             {"1.5h", "has a fraction"},
             {"30m1h", "'h' out of order"},
             {"1h1h", "'h' out of order"},
             {"1h 30m", "unknown unit"},
             {"P", "names no length"},
             {"PT", "names no length"},
             {"P1DT", "names no length"},
             {"P1Y", "years or months"},
             {"P1M", "years or months"},
             {"P1H", "unknown unit 'H'"},
             {"PT1D", "unknown unit 'D'"},
             {"PT1.5H", "only seconds"},
             {"PT1.S", "needs a digit at column 5"},
             {"PT0.0000000001S", "nine digits"},
             {"PT5", "without a unit"},
             {"PT1M1H", "out of order"},
             {"PTT1M", "needs a number at column 3"},
             {"106752d", "is too long"},
             {"99999999999999999999s", "is too long"},
             {"PT9223372036.854775808S", "is too long"},
         }) {
        const std::string why = refusal([&] { parse_duration(text); });
        EXPECT_NE(why.find(part), std::string::npos) << text << ": " << why;
    }
}

TEST(Duration, TheShortFormIsWritten) {
    for (const auto& [ns, expected] : std::vector<std::pair<int64_t, std::string>>{
             {0, "0s"},
             {90 * kSecondNs, "1m30s"},
             {90 * kMinuteNs, "1h30m"},
             {48 * kHourNs, "2d"},
             {250'000'000, "250ms"},
             {-kHourNs, "-1h"},
             {kSecondNs + 1, "1s1ns"},
             {std::numeric_limits<int64_t>::min(), "-106751d23h47m16s854ms775us808ns"},
         })
        EXPECT_EQ(format_duration(ns), expected);
}

TEST(Duration, WhatIsWrittenIsReadBack) {
    EXPECT_TRUE(rc::check([](int64_t any) {
        const int64_t ns = any < 0 ? ~any : any;
        RC_ASSERT(parse_duration(format_duration(ns)) == ns);
    }));
}

TEST(Duration, AnyTextIsReadOrRefused) {
    EXPECT_TRUE(rc::check([] {
        const auto text =
            *rc::gen::container<std::string>(rc::gen::elementOf(std::string("0123456789PTDHMSWdhmsnu.,- ")));
        try {
            RC_ASSERT(parse_duration(text) >= 0);
        } catch (const CivilError& e) {
            RC_ASSERT(std::string_view(e.what()).size() > 4);
        }
    }));
}

}  // namespace
}  // namespace penstock::test

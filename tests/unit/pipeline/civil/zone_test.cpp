#include "pipeline/civil/zone.h"

#include <limits>
#include <regex>
#include <vector>

#include "tests/unit/pipeline/civil/civil_text.h"

namespace penstock::test {
namespace {

using absl::CivilSecond;

TEST(Zone, LocalTimesAreTheInstantsThatPythonsZoneinfoGives) {
    const struct {
        const char* zone;
        CivilSecond local;
        const char* expected;
    } kTable[] = {
        {"America/New_York", CivilSecond(2026, 3, 7, 8), "2026-03-07T13:00:00Z"},
        {"America/New_York", CivilSecond(2026, 3, 8, 8), "2026-03-08T12:00:00Z"},
        {"America/New_York", CivilSecond(2026, 10, 31, 8), "2026-10-31T12:00:00Z"},
        {"America/New_York", CivilSecond(2026, 11, 1, 8), "2026-11-01T13:00:00Z"},
        {"America/New_York", CivilSecond(2040, 3, 10, 8), "2040-03-10T13:00:00Z"},
        {"America/New_York", CivilSecond(2040, 3, 11, 8), "2040-03-11T12:00:00Z"},
        {"America/New_York", CivilSecond(2040, 11, 3, 8), "2040-11-03T12:00:00Z"},
        {"America/New_York", CivilSecond(2040, 11, 4, 8), "2040-11-04T13:00:00Z"},
        {"America/New_York", CivilSecond(2100, 3, 13, 8), "2100-03-13T13:00:00Z"},
        {"America/New_York", CivilSecond(2100, 3, 14, 8), "2100-03-14T12:00:00Z"},
        {"America/New_York", CivilSecond(2100, 11, 6, 8), "2100-11-06T12:00:00Z"},
        {"America/New_York", CivilSecond(2100, 11, 7, 8), "2100-11-07T13:00:00Z"},
        {"America/New_York", CivilSecond(2200, 7, 1, 8), "2200-07-01T12:00:00Z"},
        {"Asia/Kathmandu", CivilSecond(2026, 7, 1, 8), "2026-07-01T02:15:00Z"},
        {"Australia/Lord_Howe", CivilSecond(2026, 1, 1, 8), "2025-12-31T21:00:00Z"},
        {"Australia/Lord_Howe", CivilSecond(2026, 7, 1, 8), "2026-06-30T21:30:00Z"},
        {"Pacific/Apia", CivilSecond(2011, 12, 29, 8), "2011-12-29T18:00:00Z"},
        {"Pacific/Apia", CivilSecond(2011, 12, 31, 8), "2011-12-30T18:00:00Z"},
        {"Africa/Casablanca", CivilSecond(2026, 2, 14, 8), "2026-02-14T07:00:00Z"},
        {"Africa/Casablanca", CivilSecond(2026, 2, 16, 8), "2026-02-16T08:00:00Z"},
        {"Africa/Casablanca", CivilSecond(2026, 3, 21, 8), "2026-03-21T08:00:00Z"},
        {"Africa/Casablanca", CivilSecond(2026, 3, 23, 8), "2026-03-23T07:00:00Z"},
        {"Africa/Casablanca", CivilSecond(2090, 7, 1, 8), "2090-07-01T07:00:00Z"},
    };
    for (const auto& [name, local, expected] : kTable) {
        const Zone zone = Zone::load(name);
        EXPECT_EQ(text_of(zone.to_utc(local)), same(expected)) << name << ' ' << local;
        EXPECT_EQ(zone.instants(local).kind, Zone::Kind::kUnique) << name << ' ' << local;
        EXPECT_EQ(zone.local(utc(expected)), local) << name << ' ' << local;
        EXPECT_EQ(zone.local(utc(expected) + kSecondNs - 1), local) << "fractions are cut off";
    }
}

TEST(Zone, ATimeThatTheClocksSkipIsTheFirstInstantAfterTheGap) {
    const struct {
        const char* zone;
        CivilSecond local;
        const char* expected;
    } kTable[] = {
        {"America/New_York", CivilSecond(2026, 3, 8, 2, 0), "2026-03-08T07:00:00Z"},
        {"America/New_York", CivilSecond(2026, 3, 8, 2, 30), "2026-03-08T07:00:00Z"},
        {"America/New_York", CivilSecond(2026, 3, 8, 2, 59, 59), "2026-03-08T07:00:00Z"},
        {"Australia/Lord_Howe", CivilSecond(2026, 10, 4, 2, 15), "2026-10-03T15:30:00Z"},
        {"Pacific/Apia", CivilSecond(2011, 12, 30, 8), "2011-12-30T10:00:00Z"},
        {"America/Nuuk", CivilSecond(2026, 3, 28, 23, 30), "2026-03-29T01:00:00Z"},
        {"America/Sao_Paulo", CivilSecond(2018, 11, 4, 0, 30), "2018-11-04T03:00:00Z"},
    };
    for (const auto& [name, local, expected] : kTable) {
        const Zone::Instants at = Zone::load(name).instants(local);
        EXPECT_EQ(at.kind, Zone::Kind::kSkipped) << name;
        EXPECT_EQ(text_of(at.first_ns), same(expected)) << name;
        EXPECT_EQ(at.second_ns, at.first_ns) << name;
    }
}

TEST(Zone, ATimeThatComesTwiceIsTheFirst) {
    const struct {
        const char* zone;
        CivilSecond local;
        const char *first, *second;
    } kTable[] = {
        {"America/New_York", CivilSecond(2026, 11, 1, 1, 30), "2026-11-01T05:30:00Z", "2026-11-01T06:30:00Z"},
        {"Australia/Lord_Howe", CivilSecond(2026, 4, 5, 1, 45), "2026-04-04T14:45:00Z",
         "2026-04-04T15:15:00Z"},
        {"America/Havana", CivilSecond(2026, 11, 1, 0, 30), "2026-11-01T04:30:00Z", "2026-11-01T05:30:00Z"},
        {"America/St_Johns", CivilSecond(2010, 11, 6, 23, 30), "2010-11-07T02:00:00Z",
         "2010-11-07T03:00:00Z"},
    };
    for (const auto& [name, local, first, second] : kTable) {
        const Zone::Instants at = Zone::load(name).instants(local);
        EXPECT_EQ(at.kind, Zone::Kind::kRepeated) << name;
        EXPECT_EQ(text_of(at.first_ns), same(first)) << name;
        EXPECT_EQ(text_of(at.second_ns), same(second)) << name;
        EXPECT_EQ(Zone::load(name).to_utc(local), at.first_ns) << name;
    }
}

TEST(Zone, BeyondTheYearsOfStampsAreTheirEnds) {
    const Zone zone = Zone::load("America/New_York");
    EXPECT_EQ(zone.to_utc(CivilSecond(1000, 1, 1)), std::numeric_limits<StampNs>::min());
    EXPECT_EQ(zone.to_utc(CivilSecond(3000, 1, 1)), std::numeric_limits<StampNs>::max());
    EXPECT_EQ(zone.local(std::numeric_limits<StampNs>::min()).year(), 1677);
    EXPECT_EQ(zone.local(std::numeric_limits<StampNs>::max()).year(), 2262);
}

TEST(Zone, UnknownNamesAreRefusedWithTheNearest) {
    const auto why = [](std::string_view name) { return refusal([&] { Zone::load(name); }); };
    EXPECT_EQ(why("America/NewYork"),
              "'America/NewYork' is no known time zone; did you mean America/New_York?");
    EXPECT_EQ(why("america/new_york"),
              "'america/new_york' is no known time zone; did you mean America/New_York?");
    EXPECT_EQ(why("Berlin"), "'Berlin' is no known time zone; did you mean Europe/Berlin?");
    EXPECT_EQ(why("Europe/Berlni"), "'Europe/Berlni' is no known time zone; did you mean Europe/Berlin?");
    EXPECT_EQ(why("Middle-earth/Minas_Tirith"),
              "'Middle-earth/Minas_Tirith' is no known time zone; use an IANA name such as "
              "America/New_York");
    for (const char* name : {"", "/etc/localtime", "localtime", "../zoneinfo/UTC", "right/Europe/Berlin",
                             "posix/UTC", "posixrules", "Fixed/UTC+01:00:00", ":UTC", "Europe/",
                             "Europe//Berlin", "tzdata.zi", "Europe", "Europe/Berlin ", "EST5EDT4", "\xff"})
        EXPECT_NE(why(name), "") << name;
    EXPECT_NE(why(std::string(100'000, 'A')), "");
    EXPECT_NE(why(std::string_view("UTC\0", 4)), "");
}

TEST(Zone, UtcAndLinksAreZonesToo) {
    EXPECT_EQ(Zone().name(), "UTC");
    EXPECT_EQ(Zone::load("UTC"), Zone());
    EXPECT_EQ(Zone::load("Etc/GMT+5").to_utc(CivilSecond(1970, 1, 1)), 5 * kHourNs);
    EXPECT_EQ(Zone::load("Asia/Calcutta").to_utc(CivilSecond(1970, 1, 1, 5, 30)), 0);
}

TEST(Zone, TheVersionOfTheZoneDataIsKnownOrSaidToBeUnknown) {
    EXPECT_TRUE(std::regex_match(tzdb_version(), std::regex("20[0-9][0-9][a-z]+|unknown"))) << tzdb_version();
}

}  // namespace
}  // namespace penstock::test

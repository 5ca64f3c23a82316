#include "admin/cli/event_generator.h"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <map>
#include <set>

#include "admin/cli/frame_encoder.h"

namespace penstock::cli {
namespace {

std::vector<std::string> events(uint64_t seed, int count, const EventGenerator::Options& options = {}) {
    EventGenerator generator(seed, options);
    std::vector<std::string> lines;
    for (int i = 0; i < count; ++i) {
        std::string line;
        generator.next(line);
        EXPECT_EQ(line.back(), '\n');
        line.pop_back();
        lines.push_back(line);
    }
    return lines;
}

TEST(EventGenerator, TheSameSeedRepeatsEveryByteAndAnotherDoesNot) {
    EXPECT_EQ(events(7, 500), events(7, 500));
    EXPECT_NE(events(7, 1), events(8, 1));
}

TEST(EventGenerator, EveryLineIsAnEventThatTheApplianceTakes) {
    FrameEncoder encoder;
    size_t bytes = 0;
    const auto lines = events(1, 20'000);
    for (const std::string& line : lines) {
        ASSERT_NO_THROW(encoder.add(line)) << line;
        bytes += line.size() + 1;
    }
    EXPECT_EQ(encoder.count(), lines.size());
    EXPECT_NEAR(static_cast<double>(bytes) / static_cast<double>(lines.size()), 268, 8);
}

TEST(EventGenerator, AllKindsOccurAndACameraKeepsItsPlace) {
    simdjson::dom::parser parser;
    std::set<std::string> types, locations, regions, ids, frames;
    std::set<int64_t> severities;
    std::map<std::string, std::set<std::string>> places;
    for (const std::string& line : events(3, 20'000)) {
        const auto e = parser.parse(line);
        const std::string region(e["region"].get_string().value());
        types.emplace(e["type"].get_string().value());
        regions.insert(region);
        severities.insert(e["severity"].get_int64().value());
        locations.emplace(e["data"]["location"].get_string().value());
        ids.emplace(e["id"].get_string().value());
        frames.emplace(e["data"]["frame"].get_string().value());
        places[std::string(e["subject"].get_string().value())].insert(
            (region == "na" ? "us" : region) + std::string(e["source"].get_string().value()) +
            std::string(e["data"]["location"].get_string().value()));
    }
    EXPECT_EQ(types.size(), 4u);
    EXPECT_EQ(locations.size(), 5u);
    EXPECT_EQ(severities, (std::set<int64_t>{1, 2, 3, 4, 5}));
    EXPECT_EQ(regions, (std::set<std::string>{"us", "na", "ca", "eu", "apac", "latam"}));
    EXPECT_EQ(ids.size(), 20'000u);
    EXPECT_EQ(frames.size(), 20'000u);
    EXPECT_EQ(places.size(), 1000u);
    for (const auto& [camera, where] : places) EXPECT_EQ(where.size(), 1u) << camera;
}

TEST(EventGenerator, DuplicatesRepeatEarlierLinesByteForByte) {
    EventGenerator::Options options;
    options.duplicates_percent = 20;
    const auto lines = events(5, 20'000, options);
    const std::set<std::string> distinct(lines.begin(), lines.end());
    EXPECT_NEAR(static_cast<double>(lines.size() - distinct.size()), 4000, 300);
}

TEST(EventGenerator, TimesBeginWhereAskedAndStepByTheInterval) {
    EventGenerator::Options options;
    options.interval_ns = 1'500'000'000;
    const auto lines = events(5, 3, options);
    EXPECT_NE(lines[0].find("\"time\":\"2026-01-01T00:00:00.000Z\""), std::string::npos);
    EXPECT_NE(lines[1].find("\"time\":\"2026-01-01T00:00:01.500Z\""), std::string::npos);
    EXPECT_NE(lines[2].find("\"time\":\"2026-01-01T00:00:03.000Z\""), std::string::npos);
}

TEST(EventGenerator, AnIncidentGoesFromMotionToFaceOrIntrusionAndFewStall) {
    EventGenerator::Options options;
    options.incident_gap = 100;
    simdjson::dom::parser parser;
    std::map<std::string, std::vector<std::string>> incidents;
    std::map<std::string, std::set<std::string>> subjects;
    for (const std::string& line : events(11, 300 * 200, options)) {
        const auto e = parser.parse(line);
        const std::string incident(e["data"]["incident"].get_string().value());
        incidents[incident].emplace_back(e["type"].get_string().value());
        subjects[incident].emplace(e["subject"].get_string().value());
    }
    std::map<std::vector<std::string>, int> ways;
    for (const auto& [incident, types] : incidents) {
        ++ways[types];
        EXPECT_EQ(subjects[incident].size(), 1u) << incident;
    }
    const std::vector<std::string> usual{"motion_detection", "object_detection", "face_detection"};
    const std::vector<std::string> intrusion{"motion_detection", "object_detection", "intrusion_detection"};
    const std::vector<std::string> stalled{"motion_detection"};
    EXPECT_EQ(ways.size(), 3u);
    EXPECT_GT(ways[usual], 19'000);
    EXPECT_NEAR(ways[intrusion], 20'000 / 48, 80);
    EXPECT_GT(ways[stalled], 0);
    EXPECT_LT(ways[stalled], 100);
}

}  // namespace
}  // namespace penstock::cli

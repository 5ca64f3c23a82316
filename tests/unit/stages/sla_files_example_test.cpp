// docs/examples/files: by eight on Sunday in New York, across both changes of the clocks of 2026.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "pipeline/civil/zone.h"
#include "pipeline/rfc3339.h"
#include "stages/sla/expected_arrival.h"
#include "tests/support/watcher_rig.h"

namespace penstock::test {
namespace {

std::string text_of(const std::string& file) {
    std::ifstream in(std::string(PENSTOCK_SOURCE_DIR) + "/docs/examples/" + file);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
}

TEST(SlaFilesExample, EightIsEightByTheClockOnTheWall) {
    Faults faults;
    const auto document = boost::json::parse(text_of("files.workflow.json"));
    const auto rules = read_expected(document.at("expected"), "/expected", {}, faults);
    ASSERT_EQ(faults.text(), "");
    WatcherRig rig([&] { return make_expected(rules.at(0), 0); });
    rig.start(new_york("2026-02-28", "12:00"));
    std::istringstream lines(text_of("files.ndjson"));
    for (std::string line; std::getline(lines, line);) {
        const auto event = boost::json::parse(line);
        if (event.at("type").as_string() != "file.arrived") continue;
        EventFields fields;
        const std::string data = boost::json::serialize(event.at("data"));
        fields.data = data;
        const StampNs time_ns = parse_rfc3339(std::string_view(event.at("time").as_string())).value();
        while (rig.watcher->due_ns() < time_ns) rig.pass(rig.watcher->due_ns() + 1);
        rig.event(fields, time_ns, time_ns);
    }
    EXPECT_EQ(rig.news(), (News{"missed positions 2026-03-08", "late positions 2026-03-08",
                                "missed positions 2026-03-15", "withdrawn positions 2026-03-15"}));
    EXPECT_EQ(rig.told[0].deadline, new_york("2026-03-08", "08:00"));
    EXPECT_EQ(rig.told[2].at, new_york("2026-03-15", "08:05") + 1);
    EXPECT_EQ(rig.told[3].at, new_york("2026-03-15", "20:00") + 1);
    const RuleCounts c = rig.watcher->view().counts;
    EXPECT_EQ(c.met, 72u);
    EXPECT_EQ(c.late, 1u);
    EXPECT_EQ(c.missed, 1u);
}

}  // namespace
}  // namespace penstock::test

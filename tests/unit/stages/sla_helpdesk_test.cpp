// Real tickets against figures that another program counted; where the data is there.
#include <gtest/gtest.h>
#include <zlib.h>

#include <boost/json.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "pipeline/rfc3339.h"
#include "tests/support/engine_rig.h"

namespace penstock::test {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

fs::path data_folder() {
    if (const char* given = std::getenv("PENSTOCK_SHARED_DATA")) return given;
    return fs::path(PENSTOCK_SOURCE_DIR) / "../shared/data";
}
std::string text_of(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

TEST(SlaHelpdesk, CountsAreThoseOfTheOutsideCheck) {
    const fs::path folder = data_folder();
    if (!fs::exists(folder / "helpdesk.ndjson.gz"))
        GTEST_SKIP() << "no helpdesk.ndjson.gz in " << folder << "; PENSTOCK_SHARED_DATA names the folder";
    EngineRig rig;
    rig.engine.define(parse_workflow(text_of(folder / "helpdesk.workflow.json")));
    gzFile in = gzopen((folder / "helpdesk.ndjson.gz").c_str(), "rb");
    ASSERT_NE(in, nullptr);
    std::string line(1 << 20, '\0');
    StampNs last = 0;
    while (gzgets(in, line.data(), static_cast<int>(line.size()))) {
        const json::value event = json::parse(std::string_view(line.c_str()));
        last = parse_rfc3339(std::string_view(event.at("time").as_string())).value();
        rig.event(std::string(event.at("subject").as_string()), std::string(event.at("type").as_string()),
                  last, last);
    }
    gzclose(in);
    const json::value expected = json::parse(text_of(folder / "helpdesk.expected.json"));
    EXPECT_EQ(static_cast<int64_t>(rig.seq), expected.at("events").as_int64());
    EXPECT_EQ(last / 1'000'000, expected.at("clock_end_ms").as_int64());
    const WorkflowCounts counts = rig.engine.counts(0);
    ASSERT_EQ(counts.edges.size(), expected.at("edges").as_array().size());
    for (size_t i = 0; i < counts.edges.size(); ++i) {
        const json::object& e = expected.at("edges").as_array()[i].as_object();
        const EdgeCounts& found = counts.edges[i];
        EXPECT_EQ(found.from, std::string_view(e.at("from").as_string()));
        for (const auto& [name, value] : {std::pair{"anchored", found.anchored},
                                          {"met", found.met},
                                          {"late", found.late},
                                          {"missed", found.missed},
                                          {"pending", found.pending}})
            EXPECT_EQ(static_cast<int64_t>(value), e.at(name).as_int64())
                << found.from << " -> " << found.to << " " << name;
    }
}

}  // namespace
}  // namespace penstock::test

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "stages/enrich/enrich.h"
#include "stages/route/route.h"
#include "tests/support/parse_rig.h"

namespace penstock::test {
namespace {

class EnrichTest : public testing::Test {
  protected:
    EnrichTest() {
        std::string pattern = (std::filesystem::temp_directory_path() / "penstock-enrich-XXXXXX").string();
        folder_ = ::mkdtemp(pattern.data());
    }
    ~EnrichTest() override { std::filesystem::remove_all(folder_); }

    std::string write(const std::string& text) {
        const std::string file = folder_ + "/table.csv";
        std::ofstream(file, std::ios::binary) << text;
        return file;
    }
    void make(EnrichStage::Options options) {
        rig_ = std::make_unique<ParseRig>(EnrichStage::growth_bytes_max(options));
        stage_ = std::make_unique<EnrichStage>(std::move(options));
    }
    EventFields run(const std::string& line) {
        EXPECT_EQ(rig_->verdict(line), "ok") << line;
        stage_->do_work(*rig_->work);
        return rig_->fields();
    }
    std::string masked(const std::string& data, const std::string& path) {
        make({{}, {*FieldPath::parse(path)}});
        return std::string(run(event_line("\"data\":" + data)).data);
    }
    using Pairs = std::vector<EventFields::Pair>;

    std::string folder_;
    std::unique_ptr<ParseRig> rig_;
    std::unique_ptr<EnrichStage> stage_;
};

TEST_F(EnrichTest, ARowsColumnsBecomeGroups) {
    const std::string file = write("camera,site,owner\r\ncam-1,\"Hall \"\"A\"\", east\",ann\ncam-2,yard,\n");
    make({{{file, *FieldPath::parse("subject")}}, {}});
    EXPECT_EQ(run(event_line(R"("subject":"cam-1")")).groups,
              (Pairs{{"site", "Hall \"A\", east"}, {"owner", "ann"}}));
    EXPECT_EQ(run(event_line(R"("subject":"cam-2")")).groups, (Pairs{{"site", "yard"}}))
        << "an empty value says nothing";
    EXPECT_EQ(run(event_line(R"("subject":"cam-3")")).groups, Pairs{});
    EXPECT_EQ(run(event_line(R"("subject":"cam-1","groups":{"site":"mine"})")).groups,
              (Pairs{{"site", "mine"}, {"owner", "ann"}}))
        << "the producer goes first";
}

TEST_F(EnrichTest, TheKeyMayLieInsideTheData) {
    const std::string file = write("n,name\n7,seven\ntrue,yes\nx\"y,quoted\n");
    make({{{file, *FieldPath::parse("data.order.id")}}, {}});
    EXPECT_EQ(run(event_line(R"("data":{"order":{"id":7}})")).groups, (Pairs{{"name", "seven"}}));
    EXPECT_EQ(run(event_line(R"("data":{"order":{"id":"7"}})")).groups, (Pairs{{"name", "seven"}}));
    EXPECT_EQ(run(event_line(R"("data":{"order":{"id":true}})")).groups, (Pairs{{"name", "yes"}}));
    EXPECT_EQ(run(event_line(R"("data":{"order":{"id":[7]}})")).groups, Pairs{});
    EXPECT_EQ(run(event_line(R"("data":{"order":7})")).groups, Pairs{});
    EXPECT_EQ(run(event_line()).groups, Pairs{});
}

TEST_F(EnrichTest, AChangedFileIsLoadedAndAFaultyOneIsNot) {
    const std::string file = write("k,v\na,1\n");
    make({{{file, *FieldPath::parse("subject")}}, {}});
    EXPECT_EQ(run(event_line(R"("subject":"a")")).groups, (Pairs{{"v", "1"}}));
    write("k,v\na,2222\n");
    stage_->reload_changed_files();
    EXPECT_EQ(run(event_line(R"("subject":"a")")).groups, (Pairs{{"v", "2222"}}));
    write("k,v\na,3,too many\n");
    stage_->reload_changed_files();
    EXPECT_EQ(run(event_line(R"("subject":"a")")).groups, (Pairs{{"v", "2222"}}));
}

TEST_F(EnrichTest, FaultsOfTablesNameFileAndLine) {
    for (const auto& [text, where] : std::vector<std::pair<std::string, std::string>>{
             {"", ":1:"},
             {"only\n", ":1:"},
             {"k,v\na,1\nb\n", ":3:"},
             {"k,v\na,1\na,2\n", ":3:"},
             {"k,v\n\"a,1\n", ":2:"},
             {"k,v\n\"a\"b,1\n", ":2:"},
             {"k,v\n\n\na," + std::string(1100, 'x') + "\n", ":4:"}}) {
        const std::string file = write(text);
        try {
            LookupTable::load(file);
            ADD_FAILURE() << text;
        } catch (const LookupError& e) {
            EXPECT_NE(std::string(e.what()).find("table.csv" + where), std::string::npos) << e.what();
        }
    }
    EXPECT_THROW(LookupTable::load(folder_ + "/none.csv"), LookupError);
}

TEST_F(EnrichTest, AMaskReplacesItsMemberAndNothingElse) {
    EXPECT_EQ(masked(R"({"a":1,"pin":"1234","b":2})", "data.pin"), R"({"a":1,"pin":"***","b":2})");
    EXPECT_EQ(masked(R"({ "a" : { "pin" : 12.5 , "c" : [ 1 ] } })", "data.a.pin"),
              R"({ "a" : { "pin" : "***" , "c" : [ 1 ] } })");
    EXPECT_EQ(masked(R"({"pin":{"x":[1,{"y":"}"}]} , "z":1})", "data.pin"), R"({"pin":"***" , "z":1})");
    EXPECT_EQ(masked(R"({"pin": [1, 2, "]"]	})", "data.pin"), R"({"pin": "***"	})");
    EXPECT_EQ(masked(R"({"pin":null,"t":true})", "data.pin"), R"({"pin":"***","t":true})");
    EXPECT_EQ(masked(R"({"a":{"pin":1},"pin":2})", "data.pin"), R"({"a":{"pin":1},"pin":"***"})");
    EXPECT_EQ(masked(R"({"p\u0069n":"1234"})", "data.pin"), R"({"p\u0069n":"***"})")
        << "however the name is written";
    for (const char* same : {R"({"a":1})", R"([{"pin":1}])", R"("pin")", R"({"pin2":1})", "12"})
        EXPECT_EQ(masked(same, "data.pin"), same);
    EXPECT_EQ(masked(R"({"a":{"b":1}})", "data.a.b.c"), R"({"a":{"b":1}})");
}

TEST_F(EnrichTest, AFullBatchOfTheLargestRowsFits) {
    std::string table = "k,v\n";
    for (int i = 0; i < 4; ++i)
        table += fmt::format("k{},{}\n", i, std::string(LookupTable::kRowBytesMax - 33, 'v'));
    make({{{write(table), *FieldPath::parse("subject")}}, {*FieldPath::parse("data.p")}});
    rig_->begin();
    for (int i = 0; i < 1200; ++i)
        rig_->add(event_line(fmt::format(R"("subject":"k{}","data":{{"p":1,"f":"{}"}})", i % 4,
                                         std::string(static_cast<size_t>(i % 97), 'f'))));
    size_t taken = 0;
    while (rig_->work->raw_done < rig_->work->raw.size()) {
        ASSERT_GT(rig_->run(), 0u);
        stage_->do_work(*rig_->work);
        ASSERT_LE(rig_->batch->header.heap_bytes, limits::kSlabBytes);
        for (size_t i = 0; i < rig_->batch->count(); ++i) {
            ASSERT_EQ(rig_->fields(i).groups.at(0).second.size(), LookupTable::kRowBytesMax - 33);
            ASSERT_EQ(rig_->fields(i).data.substr(0, 10), R"({"p":"***")");
            ASSERT_EQ(rig_->head(i).offset % 8, 0u);
        }
        taken += rig_->batch->count();
        rig_->batch->clear();
    }
    EXPECT_EQ(taken, 1200u);
}

TEST(FieldPathTest, OnlyWhatNamesAFieldIsAPath) {
    for (const char* good : {"subject", "source", "type", "data.a", "data.a.b.c"})
        EXPECT_TRUE(FieldPath::parse(good)) << good;
    for (const char* bad : {"", "data", "data.", "data..a", "data.a.", "id", "keys.a", "subject.x", "Data.a"})
        EXPECT_FALSE(FieldPath::parse(bad)) << bad;
}

TEST(RouteTest, TheEventsRegionGoesFirstThenTheTenantsThenTheDefault) {
    RouteStage stage({2, {kRegionNone, 5}});
    ParseRig rig;
    rig.begin();
    for (const char* region : {"eu", "", "mars", "", "us"})
        rig.add(event_line(*region ? fmt::format("\"region\":\"{}\"", region) : ""));
    rig.run();
    rig.batch->heads[3].tenant = 1;
    EXPECT_EQ(stage.do_work(*rig.work), 5u);
    std::vector<uint16_t> regions;
    for (size_t i = 0; i < rig.batch->count(); ++i) regions.push_back(rig.head(i).region);
    EXPECT_EQ(regions, (std::vector<uint16_t>{1, 2, 2, 5, 0}));
    EXPECT_TRUE(rig.work->refused.empty());
}

TEST(RouteTest, AnUnknownRegionIsRefusedBeforeAnythingTakesTheEventForStored) {
    ParseRig rig(0, true);
    rig.begin();
    for (const char* region : {"eu", "mars", "us"})
        rig.add(event_line(fmt::format("\"region\":\"{}\"", region)));
    rig.run();
    ASSERT_EQ(rig.batch->count(), 2u);
    EXPECT_EQ(rig.work->refused.at(0).cause, Refusal::kUnknownRegion);
    EXPECT_NE(rig.detail().find("'mars'"), std::string::npos);
    EXPECT_EQ(rig.work->raw_of[1], 2u);
}

}  // namespace
}  // namespace penstock::test

#include "stages/regions/region_book.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "schemas/event_fields.h"
#include "tests/support/engine_rig.h"
#include "tests/support/seed.h"

namespace penstock::test {
namespace {

void apply(RegionBook& book, const std::string& name, const std::string& text, Seq seq) {
    flatbuffers::FlatBufferBuilder fbb;
    const auto of = fbb.CreateString(name), as = fbb.CreateString(text);
    fbb.Finish(fb::CreateControl(fbb, static_cast<uint16_t>(ControlKind::kRegionSet), of, as));
    RecordHeader header{};
    header.kind = RecordKind::kControl;
    header.first_seq = seq;
    header.base_stamp_ns = static_cast<StampNs>(seq) * 1'000;
    header.count = 1;
    const EventIdentity identity{};
    EventHead head{};
    head.length = fbb.GetSize();
    book.apply(
        RecordView{&header, {}, {}, {&identity, 1}, {&head, 1}, {fbb.GetBufferPointer(), fbb.GetSize()}});
}

struct RegionBookTest : testing::Test {
    std::string tell(const std::string& name, const std::string& text) {
        apply(book, name, text, ++seq);
        return book.refused(seq);
    }
    RegionState state(const std::string& name) { return book.region(name).value().state; }
    RegionBook book;
    Seq seq = 0;
};

TEST_F(RegionBookTest, OneIsAddedDrainedRemovedAndComesAgainWithItsNumber) {
    EXPECT_EQ(tell("mena", R"({"action":"add","id":5,"aliases":["me"],"dsn":"x","by":"ann"})"), "");
    EXPECT_NE(tell("mena", R"({"action":"remove"})"), "") << "it is not drained";
    EXPECT_EQ(tell("mena", R"({"action":"drain","by":"bob"})"), "");
    EXPECT_EQ(state("mena"), RegionState::kDraining);
    EXPECT_EQ(tell("mena", R"({"action":"resume"})"), "");
    EXPECT_EQ(tell("mena", R"({"action":"drain"})"), "");
    EXPECT_EQ(tell("mena", R"({"action":"remove","by":"bob"})"), "");
    EXPECT_EQ(state("mena"), RegionState::kRemoved);
    EXPECT_EQ(book.region("mena")->dsn, "") << "nobody needs it any more";
    EXPECT_NE(tell("mena", R"({"action":"drain"})"), "");
    EXPECT_NE(tell("mena", R"({"action":"add","id":6})"), "") << "its number stays its own";
    EXPECT_EQ(tell("mena", R"({"action":"add","id":5,"dsn":"y"})"), "");
    EXPECT_EQ(book.region("mena")->dsn, "y");
    EXPECT_TRUE(book.region("mena")->aliases.empty());
}

TEST_F(RegionBookTest, OfTheConfigurationsItKnowsTheStateAlone) {
    EXPECT_NE(tell("us", R"({"action":"drain","id":0})"), "");
    EXPECT_EQ(tell("us", R"({"action":"drain","id":0,"configured":true})"), "");
    EXPECT_TRUE(book.region("us")->of_configuration);
    EXPECT_EQ(tell("us", R"({"action":"resume","id":0,"configured":true})"), "");
    EXPECT_EQ(state("us"), RegionState::kActive);
}

TEST_F(RegionBookTest, WhatCannotBeDoneChangesNothing) {
    tell("mena", R"({"action":"add","id":5})");
    const uint64_t version = book.version();
    for (const char* bad :
         {"", "[]", R"({"action":"add","id":5})", R"({"action":"add","id":64})", R"({"action":"paint"})"})
        EXPECT_NE(tell("mena", bad), "") << bad;
    EXPECT_NE(tell("other", R"({"action":"add","id":5})"), "") << "the number is taken";
    EXPECT_NE(tell("other", R"({"action":"change","dsn":"x"})"), "");
    EXPECT_NE(tell("other", R"({"action":"add","id":-1})"), "");
    EXPECT_EQ(book.version(), version);
}

TEST_F(RegionBookTest, OthersHearOfEachChangeAndOfAllAfterAStart) {
    std::vector<std::string> heard;
    book.on_changed = [&](const Region& r, StampNs, Seq at) {
        heard.push_back(fmt::format("{}@{}", r.name, at));
    };
    tell("mena", R"({"action":"add","id":5})");
    tell("mena", R"({"action":"add","id":5})");
    tell("anz", R"({"action":"add","id":6})");
    EXPECT_EQ(heard, (std::vector<std::string>{"mena@1", "anz@3"}));
    heard.clear();
    book.loaded(0);
    EXPECT_EQ(heard, (std::vector<std::string>{"mena@0", "anz@0"}));
}

TEST_F(RegionBookTest, TheSameRecordsGiveTheSameRowsWhereverTheyAreSavedInBetween) {
    SCOPED_TRACE(seed_note());
    static constexpr const char* kActions[] = {"add", "change", "drain", "resume", "remove"};
    for (uint64_t round = 0; round < 50; ++round) {
        Random random(round);
        RegionBook whole;
        auto parted = std::make_unique<RegionBook>();
        Rows whole_rows, parted_rows;
        for (Seq at = 1; at <= 60; ++at) {
            const uint64_t n = random.below(4);
            const std::string name = fmt::format("r{}", n),
                              text =
                                  fmt::format(R"({{"action":"{}","id":{},"dsn":"d{}","payload_stays":{}}})",
                                              kActions[random.below(5)], n, at, random.chance(50));
            apply(whole, name, text, at);
            apply(*parted, name, text, at);
            if (random.chance(20)) {
                parted_rows.save(*parted);
                parted = std::make_unique<RegionBook>();
                parted_rows.load(*parted, 0);
            }
        }
        whole_rows.save(whole);
        parted_rows.save(*parted);
        EXPECT_EQ(whole_rows.rows(), parted_rows.rows()) << "round " << round;
    }
}

}  // namespace
}  // namespace penstock::test

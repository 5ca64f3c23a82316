#include "stages/tenancy/tenant_book.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "schemas/event_fields.h"
#include "tests/support/engine_rig.h"
#include "tests/support/seed.h"

namespace penstock::test {
namespace {

struct Command {
    std::string name, text;
};

/// Applies the command as the record of this sequence.
void apply(TenantBook& book, const Command& c, Seq seq, ControlKind kind = ControlKind::kTenantSet) {
    flatbuffers::FlatBufferBuilder fbb;
    const auto name = fbb.CreateString(c.name), text = fbb.CreateString(c.text);
    fbb.Finish(fb::CreateControl(fbb, static_cast<uint16_t>(kind), name, text));
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

struct TenantBookTest : testing::Test {
    Seq tell(const std::string& name, const std::string& text) {
        apply(book, {name, text}, ++seq);
        return seq;
    }
    TenantBook book;
    Seq seq = 0;
};

TEST_F(TenantBookTest, ATenantIsMadeWithItsKeyAndChanged) {
    const Seq made = tell("acme", R"({"action":"add","id":3,"key":"h1","rate_limit":5,"by":"ann"})");
    EXPECT_EQ(book.refused(made), "");
    Tenant t = book.tenant("acme").value();
    EXPECT_EQ(t.id, 3);
    EXPECT_TRUE(t.enabled);
    EXPECT_EQ(t.rate_limit, 5u);
    ASSERT_EQ(t.keys.size(), 1u);
    EXPECT_EQ(t.keys[0].hash, "h1");
    EXPECT_EQ(t.keys[0].id, made);

    const Seq changed = tell("acme", R"({"action":"change","enabled":false,"region":"eu","by":"bob"})");
    t = book.tenant("acme").value();
    EXPECT_FALSE(t.enabled);
    EXPECT_EQ(t.region, "eu");
    EXPECT_EQ(t.rate_limit, 5u) << "what is left out stays";
    EXPECT_EQ(t.made_by, "ann");
    EXPECT_EQ(t.changed_by, "bob");
    EXPECT_EQ(t.version, changed);
}

TEST_F(TenantBookTest, KeysRotate) {
    const Seq first = tell("acme", R"({"action":"add","id":3,"key":"h1"})");
    const Seq second = tell("acme", R"({"action":"key_add","key":"h2"})");
    EXPECT_EQ(book.tenant("acme")->keys.size(), 2u);
    EXPECT_EQ(book.refused(tell("acme", fmt::format(R"({{"action":"key_revoke","key_id":{}}})", first))), "");
    ASSERT_EQ(book.tenant("acme")->keys.size(), 1u);
    EXPECT_EQ(book.tenant("acme")->keys[0].id, second);
    EXPECT_NE(book.refused(tell("acme", fmt::format(R"({{"action":"key_revoke","key_id":{}}})", first))), "");
    while (book.tenant("acme")->keys.size() < TenantBook::kKeysMax)
        tell("acme", R"({"action":"key_add","key":"h"})");
    EXPECT_NE(book.refused(tell("acme", R"({"action":"key_add","key":"h"})")).find("8 keys"),
              std::string::npos);
}

TEST_F(TenantBookTest, WhatCannotBeDoneChangesNothingAndSaysWhy) {
    tell("acme", R"({"action":"add","id":3})");
    EXPECT_EQ(book.refused(tell("acme", R"({"action":"add","id":4})")), "there is a tenant acme already");
    EXPECT_NE(book.refused(tell("other", R"({"action":"add","id":3})")), "");
    EXPECT_EQ(book.refused(tell("nobody", R"({"action":"change","enabled":false})")),
              "there is no tenant nobody");
    for (const char* text : {"", "[]", "{}", R"({"action":"dance"})", R"({"action":"add"})"})
        EXPECT_NE(book.refused(tell("acme", text)), "") << text;
    apply(book, {"acme", R"({"action":"change","enabled":false})"}, ++seq, ControlKind::kTick);
    EXPECT_TRUE(book.tenant("acme")->enabled) << "not its record";
    EXPECT_EQ(book.tenants().size(), 1u);
}

TEST_F(TenantBookTest, TheSameRecordsGiveTheSameRowsWhereverTheyAreSavedInBetween) {
    SCOPED_TRACE(seed_note());
    for (uint64_t round = 0; round < 50; ++round) {
        Random random(round);
        TenantBook whole;
        auto parted = std::make_unique<TenantBook>();
        Rows whole_rows, parted_rows;
        for (Seq at = 1; at <= 60; ++at) {
            const uint64_t n = random.below(4);
            const std::string name = fmt::format("t{}", n);
            static constexpr const char* kTexts[] = {R"({{"action":"add","id":{},"key":"h","by":"x"}})",
                                                     R"({{"action":"key_add","key":"k{}"}})",
                                                     R"({{"action":"change","rate_limit":{}}})",
                                                     R"({{"action":"change","enabled":false,"burst":{}}})",
                                                     R"({{"action":"key_revoke","key_id":{}}})"};
            const size_t which = random.below(5);
            const uint64_t value = which == 0 ? n : random.below(at);
            const Command c{name, fmt::format(fmt::runtime(kTexts[which]), value)};
            apply(whole, c, at);
            apply(*parted, c, at);
            if (random.chance(20)) {
                parted_rows.save(*parted);
                parted = std::make_unique<TenantBook>();
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

#include "stages/answers/answer_book.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "pipeline/command_key.h"
#include "tests/support/access_rig.h"
#include "tests/support/seed.h"

namespace penstock {
namespace {

constexpr StampNs kStart = 1'767'225'600'000'000'000;

struct AnswerBookTest : testing::Test {
    AnswerBook book;
    test::Rows rows;
    Seq next_seq = 1;
    StampNs now = kStart;

    Seq command(const std::string& by, const std::string& key, const std::string& request = "r") {
        return record(ControlKind::kSilenceAdded, with_command_key({by, key, request}, R"({"owner":"bob"})"));
    }
    Seq answer(const std::string& by, const std::string& key, const std::string& body) {
        const boost::json::object text{{"status", 201},
                                       {"type", "application/json"},
                                       {"body", body},
                                       {"headers", {{{"name", "Location"}, {"value", "/x"}}}}};
        return record(ControlKind::kAnswered, with_command_key({by, key, "r"}, boost::json::serialize(text)));
    }
    Seq record(ControlKind kind, const std::string& text) {
        test::apply_control(book, kind, "", text, next_seq, ++now);
        return next_seq++;
    }
};

TEST_F(AnswerBookTest, ACommandIsKnownFromItsRecordOnAndItsAnswerFromTheNext) {
    EXPECT_FALSE(book.answer("ann", "k"));
    const Seq seq = command("ann", "k");
    auto kept = book.answer("ann", "k");
    ASSERT_TRUE(kept);
    EXPECT_EQ(kept->seq, seq);
    EXPECT_TRUE(kept->done);
    EXPECT_FALSE(kept->known);
    answer("ann", "k", R"({"id":7,"text":"\"é\n"})");
    kept = book.answer("ann", "k");
    EXPECT_TRUE(kept->known);
    EXPECT_EQ(kept->status, 201u);
    EXPECT_EQ(kept->body, R"({"id":7,"text":"\"é\n"})");
    EXPECT_EQ(kept->headers.at(0).second, "/x");
    EXPECT_EQ(kept->seq, seq);
    EXPECT_FALSE(book.answer("bob", "k")) << "a key is its owner's alone";
    EXPECT_FALSE(book.answer("an", "nk"));
}

TEST_F(AnswerBookTest, WhatWasRefusedIsKnownAsRefused) {
    book.done_of = [](ControlKind, std::string_view, Seq) { return false; };
    command("ann", "k");
    EXPECT_FALSE(book.answer("ann", "k")->done);
}

TEST_F(AnswerBookTest, OnlyTheFirstMemberOfARecordIsACommandsKey) {
    record(ControlKind::kPreferencesSet, R"({"preferences":{"once":{"by":"eve","key":"k","request":"r"}}})");
    record(ControlKind::kPreferencesSet, R"({"by":"{\"once\":{","once":{"by":"eve","key":"k"}})");
    record(ControlKind::kPreferencesSet, "");
    EXPECT_EQ(book.size(), 0u);
    EXPECT_EQ(with_command_key({"a", "b", "c"}, "{}"), R"({"once":{"by":"a","key":"b","request":"c"}})");
}

TEST_F(AnswerBookTest, AfterADayTheKeyIsForgottenAndMayComeAgain) {
    command("ann", "k", "first");
    now += AnswerBook::kKeepNs - 2;
    record(ControlKind::kTick, "");
    EXPECT_TRUE(book.answer("ann", "k"));
    record(ControlKind::kTick, "");
    EXPECT_FALSE(book.answer("ann", "k"));
    command("ann", "k", "second");
    EXPECT_EQ(book.answer("ann", "k")->command.request, "second");
}

TEST_F(AnswerBookTest, ManyAndLargeAnswersPushTheOldestOut) {
    for (size_t i = 0; i < AnswerBook::kEntriesMax + 10; ++i) command("ann", fmt::format("k{}", i));
    EXPECT_EQ(book.size(), AnswerBook::kEntriesMax);
    EXPECT_FALSE(book.answer("ann", "k9"));
    EXPECT_TRUE(book.answer("ann", "k10"));
    const std::string large(400'000, 'x');
    for (int i = 0; i < 100; ++i) answer("ann", fmt::format("large{}", i), large);
    EXPECT_LT(book.size() * large.size(), AnswerBook::kBytesMax + large.size());
    EXPECT_TRUE(book.answer("ann", "large99"));
    EXPECT_FALSE(book.answer("ann", "large0"));
}

TEST_F(AnswerBookTest, SavedAndLoadedItIsTheSameAndGoesOnTheSame) {
    test::Random random(test::seed());
    AnswerBook loaded;
    for (int i = 0; i < 300; ++i) {
        const std::string key = fmt::format("k{}", random.below(40));
        random.chance(60) ? command("ann", key) : answer("ann", key, fmt::format("body {}", i));
        if (random.chance(5)) now += AnswerBook::kKeepNs / 3;
        if (random.chance(10)) rows.save(book);
    }
    rows.save(book);
    rows.load(loaded, now);
    const auto same = [&] {
        for (int i = 0; i < 40; ++i) {
            const auto a = book.answer("ann", fmt::format("k{}", i)),
                       b = loaded.answer("ann", fmt::format("k{}", i));
            ASSERT_EQ(a.has_value(), b.has_value()) << i;
            if (!a) continue;
            EXPECT_EQ(a->body, b->body);
            EXPECT_EQ(a->until_ns, b->until_ns);
            EXPECT_EQ(a->known, b->known);
        }
        EXPECT_EQ(book.size(), loaded.size());
    };
    same();
    now += AnswerBook::kKeepNs / 2;
    for (AnswerBook* b : {&book, &loaded}) test::apply_control(*b, ControlKind::kTick, "", "", next_seq, now);
    same();
}

}  // namespace
}  // namespace penstock

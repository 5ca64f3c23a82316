#include "admin/http/raw_json.h"

#include <gtest/gtest.h>

namespace penstock::http {
namespace {

TEST(RawJson, WhatIsInAListKeepsItsSpellingButForLineBreaks) {
    const auto list = events_in("[ {\"a\" : 1.0,\n\"b\":\"\\n\"} ,7 , \"x\",null,[1e2]\n]\n");
    ASSERT_TRUE(list);
    EXPECT_TRUE(list->is_array);
    EXPECT_EQ(list->events,
              (std::vector<std::string>{"{\"a\" : 1.0, \"b\":\"\\n\"}", "7", "\"x\"", "null", "[1e2]"}));
    const auto one = events_in(" {\"a\":{}} ");
    ASSERT_TRUE(one);
    EXPECT_FALSE(one->is_array);
    EXPECT_EQ(one->events, (std::vector<std::string>{"{\"a\":{}}"}));
    EXPECT_TRUE(events_in("[]")->events.empty());
}

TEST(RawJson, WhatIsNoListAndNoObjectIsNothing) {
    for (const char* text : {"", " ", "7", "\"x\"", "null", "{", "[", "[1", "{\"a\":1", "{} {}", "[] 1",
                             "{\"a\":1}]", "[{}", "\xff", "[\"\xff\"]"})
        EXPECT_FALSE(events_in(text)) << text;
}

TEST(RawJson, MembersHaveNamesWithoutEscapesAndValuesWithThem) {
    const RawObject o = members_of(R"({"a\u0062":"\u00e9","n":1e2,"o":{"x":[1]},"n":2})");
    ASSERT_TRUE(o.whole);
    ASSERT_EQ(o.members.size(), 4u);
    EXPECT_EQ(o.members[0].name, "ab");
    EXPECT_EQ(o.members[0].value, R"("\u00e9")");
    EXPECT_EQ(text_of(o.members[0].value), "é");
    EXPECT_EQ(o.find("n")->value, "1e2");
    EXPECT_EQ(o.find("o")->value, R"({"x":[1]})");
    EXPECT_EQ(o.find("x"), nullptr);
    EXPECT_EQ(text_of("7"), "");
    for (const char* text : {"7", "[]", "{\"a\" 1}", "{\"a\":1"})
        EXPECT_FALSE(members_of(text).whole) << text;
}

}  // namespace
}  // namespace penstock::http

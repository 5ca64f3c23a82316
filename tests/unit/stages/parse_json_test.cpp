#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/support/parse_rig.h"
#include "tests/support/seed.h"

namespace penstock::test {
namespace {

struct Case {
    std::string line, verdict;
};

std::string nested(int depth) {
    return std::string(static_cast<size_t>(depth), '[') + std::string(static_cast<size_t>(depth), ']');
}
std::string nested_objects(int depth) {
    std::string s;
    for (int i = 0; i < depth; ++i) s += "{\"a\":";
    return s + "1" + std::string(static_cast<size_t>(depth), '}');
}
std::string pairs(size_t n, const std::string& prefix = "k") {
    std::string s;
    for (size_t i = 0; i < n; ++i) s += fmt::format("{}\"{}{}\":\"v\"", i ? "," : "", prefix, i);
    return s;
}

TEST(ParseJson, EachLineHasItsVerdict) {
    const std::string long4096(4096, 'x'), long4097(4097, 'x');
    const std::vector<Case> cases = {
        {event_line(), "ok"},
        {"  " + event_line() + " \t\r", "ok"},
        {event_line(
             R"("subject":"cam","time":"2026-01-31T08:00:00.125Z","region":"eu","severity":3,"data":{"f":1})"),
         "ok"},
        // the shape of the line
        {"", "bad_json"},
        {"nonsense", "bad_json"},
        {"{", "bad_json"},
        {"}", "bad_json"},
        {"\"text", "bad_json"},
        {"[]", "not_an_object"},
        {"[1]", "not_an_object"},
        {"\"text\"", "not_an_object"},
        {"17", "not_an_object"},
        {"null", "not_an_object"},
        {"true", "not_an_object"},
        {event_line() + "x", "bad_json"},
        {event_line() + event_line(), "bad_json"},
        {event_line() + ",", "bad_json"},
        {event_line() + "}", "bad_json"},
        {event_line() + "]", "bad_json"},
        {event_line() + "\"", "bad_json"},
        {event_line().substr(0, 30), "bad_json"},
        {event_line("\"x\":1,"), "bad_json"},
        {event_line("\"x\" 1"), "bad_json"},
        {event_line("\"x\":"), "bad_json"},
        {event_line("x:1"), "bad_json"},
        {event_line("\"x\":1 \"y\":2"), "bad_json"},
        {event_line("'x':1"), "bad_json"},
        {event_line("\"x\":1,,\"y\":2"), "bad_json"},
        {event_line("\"x\":1]"), "bad_json"},
        {"{\"specversion\":\"1.0\",}", "bad_json"},
        {"{}", "missing_field"},
        {"{} {}", "bad_json"},
        // required members
        {R"({"id":"7","source":"/s","type":"t"})", "missing_field"},
        {R"({"specversion":"1.0","source":"/s","type":"t"})", "missing_field"},
        {R"({"specversion":"1.0","id":"7","type":"t"})", "missing_field"},
        {R"({"specversion":"1.0","id":"7","source":"/s"})", "missing_field"},
        {R"({"specversion":"1.0","id":null,"source":"/s","type":"t"})", "missing_field"},
        {R"({"specversion":"1.1","id":"7","source":"/s","type":"t"})", "bad_value"},
        {R"({"specversion":1.0,"id":"7","source":"/s","type":"t"})", "wrong_type"},
        {R"({"specversion":"1.0","id":7,"source":"/s","type":"t"})", "wrong_type"},
        {R"({"specversion":"1.0","id":"","source":"/s","type":"t"})", "bad_value"},
        {R"({"specversion":"1.0","id":"7","source":[],"type":"t"})", "wrong_type"},
        {R"({"specversion":"1.0","id":"7","source":"/s","type":{}})", "wrong_type"},
        {R"({"\u0073pecversion":"1.0","\u0069d":"7","source":"/s","type":"t"})", "ok"},
        // optional members
        {event_line(R"("subject":"")"), "bad_value"},
        {event_line(R"("subject":null)"), "ok"},
        {event_line(R"("subject":1)"), "wrong_type"},
        {event_line(R"("subject":nul)"), "bad_json"},
        {event_line(R"("subject":nulL)"), "bad_json"},
        {event_line(R"("time":"yesterday")"), "bad_time"},
        {event_line(R"("time":"2026-02-30T00:00:00Z")"), "bad_time"},
        {event_line(R"("time":"1677-12-31T23:59:59Z")"), "bad_time"},
        {event_line(R"("time":"2262-01-01T00:00:00Z")"), "bad_time"},
        {event_line(R"("time":"2026-01-31T08:00:00")"), "bad_time"},
        {event_line(R"("time":1767225600)"), "wrong_type"},
        {event_line(R"("time":null)"), "ok"},
        {event_line(R"("region":"")"), "bad_value"},
        {event_line(R"("region":7)"), "wrong_type"},
        {event_line(R"("region":"mars")"), "ok"},
        {event_line(R"("severity":1)"), "ok"},
        {event_line(R"("severity":5)"), "ok"},
        {event_line(R"("severity":0)"), "bad_value"},
        {event_line(R"("severity":6)"), "bad_value"},
        {event_line(R"("severity":-1)"), "bad_value"},
        {event_line(R"("severity":2.5)"), "bad_value"},
        {event_line(R"("severity":99999999999999999999)"), "bad_value"},
        {event_line(R"("severity":"3")"), "wrong_type"},
        {event_line(R"("severity":null)"), "ok"},
        {event_line(R"("severity":3x)"), "bad_value"},
        {event_line(R"("keys":{"a":"1"},"groups":{"g":"2"})"), "ok"},
        {event_line(R"("keys":{})"), "ok"},
        {event_line(R"("keys":null)"), "ok"},
        {event_line(R"("keys":[])"), "wrong_type"},
        {event_line(R"("keys":{"a":1})"), "wrong_type"},
        {event_line(R"("groups":{"a":null})"), "wrong_type"},
        {event_line(R"("groups":{"a":{}})"), "wrong_type"},
        {event_line(R"("keys":{"a":"1",})"), "bad_json"},
        {event_line(R"("keys":{"a":"1")"), "bad_json"},
        // extensions
        {event_line(R"("x":"1","y":2,"z":true,"n":null,"e":-1.5e+3)"), "ok"},
        {event_line(R"("x":{})"), "wrong_type"},
        {event_line(R"("x":[])"), "wrong_type"},
        {event_line(R"("x":tru)"), "bad_json"},
        {event_line(R"("x":falsey)"), "bad_json"},
        {event_line(R"("x":nul)"), "bad_json"},
        {event_line(R"("x":01)"), "bad_json"},
        {event_line(R"("x":1e5000)"), "ok"},
        // a name given twice
        {event_line(R"("id":"8")"), "bad_json"},
        {event_line(R"("subject":null,"subject":"x")"), "bad_json"},
        {event_line(R"("data":1,"data":1)"), "bad_json"},
        {event_line(R"("x":1,"x":1)"), "bad_json"},
        {event_line(R"("x":null,"x":1)"), "bad_json"},
        {event_line(R"("x":1,"x":null)"), "bad_json"},
        {event_line(R"("x":1,"\u0078":1)"), "bad_json"},
        {event_line(R"("keys":{"a":"1","a":"1"})"), "bad_json"},
        {event_line(R"("keys":{},"keys":{})"), "bad_json"},
        {event_line(R"("keys":{"a":"1"},"groups":{"a":"1"},"a":"1")"), "ok"},
        {event_line(R"("data":{"a":1,"a":1})"), "bad_json"},
        {event_line(R"("data":[{"b":{"a":1,"c":2,"a":3}}])"), "bad_json"},
        {event_line(R"("data":{"a":{"a":{"a":1}},"b":{"a":1}})"), "ok"},
        // lengths
        {event_line("\"subject\":\"" + long4096 + "\""), "ok"},
        {event_line("\"subject\":\"" + long4097 + "\""), "too_long"},
        {event_line("\"x\":\"" + long4097 + "\""), "too_long"},
        {event_line("\"" + long4097 + "\":1"), "too_long"},
        {event_line("\"" + long4096 + "\":1"), "ok"},
        {event_line("\"keys\":{\"a\":\"" + long4097 + "\"}"), "too_long"},
        {event_line("\"keys\":{\"" + long4097 + "\":\"a\"}"), "too_long"},
        {event_line("\"x\":" + std::string(4097, '1')), "too_long"},
        {event_line(pairs(64)), "ok"},
        {event_line(pairs(65)), "too_long"},
        {event_line("\"keys\":{" + pairs(64) + "}"), "ok"},
        {event_line("\"keys\":{" + pairs(65) + "}"), "too_long"},
        {event_line("\"keys\":{" + pairs(30) + "},\"groups\":{" + pairs(30) + "}," + pairs(5)), "too_long"},
        {event_line("\"keys\":{" + pairs(2000) + "}"), "too_long"},
        // texts
        {event_line("\"subject\":\"a\\u0000b\""), "bad_value"},
        {event_line("\"a\\u0000b\":1"), "bad_value"},
        {event_line("\"keys\":{\"a\":\"\\u0000\"}"), "bad_value"},
        {event_line("\"data\":\"a\\u0000b\""), "ok"},
        {event_line("\"subject\":\"\\x\""), "bad_json"},
        {event_line("\"subject\":\"\\u12\""), "bad_json"},
        {event_line("\"subject\":\"\\ud800\""), "bad_json"},
        {event_line("\"subject\":\"\\ud83d\\ude00\""), "ok"},
        {event_line("\"data\":\"\\ud800\""), "bad_json"},
        {event_line("\"subject\":\"a\tb\""), "bad_json"},
        {event_line("\"subject\":\"\xc3\xa9\""), "ok"},
        {event_line("\"subject\":\"\xc3\""), "bad_utf8"},
        {event_line("\"data\":\"\xff\""), "bad_utf8"},
        {event_line("\"data\":{\"\xed\xa0\x80\":1}"), "bad_utf8"},
        {event_line("\"x\":\"\xc0\xaf\""), "bad_utf8"},
        // data
        {event_line("\"data\":null"), "ok"},
        {event_line("\"data\":12"), "ok"},
        {event_line("\"data\": \"text\" "), "ok"},
        {event_line("\"data\":true"), "ok"},
        {event_line("\"data\":[1,{\"a\":[]},null,false,\"x\",-0.5e-7]"), "ok"},
        {event_line("\"data\":" + nested(64)), "ok"},
        {event_line("\"data\":" + nested(65)), "too_deep"},
        {event_line("\"data\":" + nested_objects(64)), "ok"},
        {event_line("\"data\":" + nested_objects(65)), "too_deep"},
        {event_line("\"data\":" + nested(5000)), "too_deep"},
        {event_line("\"data\":[1,2"), "bad_json"},
        {event_line("\"data\":[1,2}"), "bad_json"},
        {event_line("\"data\":{\"a\":1]"), "bad_json"},
        {event_line("\"data\":[1 2]"), "bad_json"},
        {event_line("\"data\":[1,]"), "bad_json"},
        {event_line("\"data\":{,}"), "bad_json"},
        {event_line("\"data\":[,1]"), "bad_json"},
        {event_line("\"data\":{\"a\"}"), "bad_json"},
        {event_line("\"data\":{1:2}"), "bad_json"},
        {event_line("\"data\":undefined"), "bad_json"},
        {event_line("\"data\":\"abc\"def"), "bad_json"},
        {event_line("\"data\":12 34"), "bad_json"},
        {event_line("\"data\":"), "bad_json"},
        {event_line("\"data\":nulll"), "bad_json"},
        {event_line("\"data\":{\"a\":truee}"), "bad_json"},
    };
    ParseRig rig;
    for (const Case& c : cases) EXPECT_EQ(rig.verdict(c.line), c.verdict) << c.line.substr(0, 200);
}

TEST(ParseJson, NumbersFollowTheGrammarAndNothingElse) {
    ParseRig rig;
    for (const char* good : {"0", "-0", "1", "-1", "10", "0.0", "0.5", "1e5", "1E+5", "1e-5", "-1.25e10",
                             "123456789012345678901234567890", "1e999", "0e0"}) {
        EXPECT_EQ(rig.verdict(event_line(fmt::format("\"data\":{}", good))), "ok") << good;
        EXPECT_EQ(rig.verdict(event_line(fmt::format("\"data\":[{},{{\"n\":{} }}]", good, good))), "ok")
            << good;
        EXPECT_EQ(rig.verdict(event_line(fmt::format("\"n\":{}", good))), "ok") << good;
        EXPECT_EQ(rig.fields().extensions.at(0).second, good);
    }
    for (const char* bad : {"01", "-", "+1", "1.", ".5", "1e", "1e+", "0x10", "1_000", "--1", "1.2.3",
                            "1e5.5", "NaN", "Infinity", "-Infinity", "00", "-01", "1a", "1,5"}) {
        EXPECT_EQ(rig.verdict(event_line(fmt::format("\"data\":{}", bad))), "bad_json") << bad;
        EXPECT_EQ(rig.verdict(event_line(fmt::format("\"data\":{{\"n\":{}}}", bad))), "bad_json") << bad;
        EXPECT_EQ(rig.verdict(event_line(fmt::format("\"n\":{}", bad))), "bad_json") << bad;
    }
}

TEST(ParseJson, WhatIsStoredIsWhatWasSaid) {
    ParseRig rig;
    ASSERT_EQ(
        rig.verdict(
            R"( {"specversion":"1.0", "id":"a\"b\\\u00e9\n", "source":"\/s", "type":"motion", "subject":"cam-3", "time":"2026-01-31T09:00:00.125+01:00",
                              "region":"na", "severity":4, "data" : { "f" : [1, 2.50, "x\u0041"] } , "keys":{"order":"7"}, "groups":{"site":"hq"}, "trace":"t1", "n":-1.50, "b":false } )"),
        "ok");
    const EventFields f = rig.fields();
    EXPECT_EQ(f.id, "a\"b\\\xc3\xa9\n");
    EXPECT_EQ(f.source, "/s");
    EXPECT_EQ(f.subject, "cam-3");
    EXPECT_EQ(f.region, "na");
    EXPECT_EQ(f.severity, 4);
    EXPECT_EQ(f.time_ns, 1'769'846'400'125'000'000);
    EXPECT_EQ(f.data, R"({ "f" : [1, 2.50, "x\u0041"] })") << "data stays byte for byte";
    EXPECT_EQ(f.keys, (std::vector<EventFields::Pair>{{"order", "7"}}));
    EXPECT_EQ(f.groups, (std::vector<EventFields::Pair>{{"site", "hq"}}));
    EXPECT_EQ(f.extensions,
              (std::vector<EventFields::Pair>{{"trace", "t1"}, {"n", "-1.50"}, {"b", "false"}}));
    EXPECT_EQ(rig.head().time_ns, f.time_ns);
    EXPECT_EQ(rig.head().region, 0) << "na is another name of us";
    EXPECT_EQ(rig.head().severity, 4);
    EXPECT_EQ(rig.head().type_hash, type_hash("motion"));
    EXPECT_EQ(rig.head().flags, kHeadHasTime);
    EXPECT_NE(rig.head().key, Hash128{});
}

TEST(ParseJson, ScalarsAsDataStayByteForByte) {
    ParseRig rig;
    for (const char* data :
         {"12", "-1.50e+3", "\"a \\\" b\"", "true", "false", "null", "[]", "{}", "[ 1 ]"}) {
        ASSERT_EQ(rig.verdict(event_line(fmt::format("\"data\" : {} , \"x\":1", data))), "ok");
        EXPECT_EQ(rig.fields().data, data);
        ASSERT_EQ(rig.verdict(event_line(fmt::format("\"data\":{}", data))), "ok");
        EXPECT_EQ(rig.fields().data, data);
    }
}

TEST(ParseJson, AbsentThingsAreAbsent) {
    ParseRig rig;
    ASSERT_EQ(rig.verdict(event_line()), "ok");
    EXPECT_EQ(rig.head().key, Hash128{});
    EXPECT_EQ(rig.head().flags, 0);
    EXPECT_EQ(rig.head().region, kRegionNone);
    EXPECT_EQ(rig.fields().time_ns, kNoTime);
    ASSERT_EQ(rig.verdict(event_line("\"region\":\"mars\"")), "ok");
    EXPECT_EQ(rig.head().region, kRegionUnknown);
}

TEST(ParseJson, ATypeAliasIsSettledBeforeIdentity) {
    ParseRig rig;
    const std::string old_line = R"({"specversion":"1.0","id":"7","source":"/s","type":"old_name"})",
                      new_line = R"({"specversion":"1.0","id":"7","source":"/s","type":"new_name"})";
    ASSERT_EQ(rig.verdict(old_line), "ok");
    EXPECT_EQ(rig.fields().type, "new_name");
    EXPECT_EQ(rig.head().type_hash, type_hash("new_name"));
    EXPECT_EQ(rig.content(old_line), rig.content(new_line));
}

}  // namespace
}  // namespace penstock::test

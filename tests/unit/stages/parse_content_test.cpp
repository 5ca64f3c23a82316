// Identity and content hashes, room in the batch, and FlatBuffers.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/support/parse_rig.h"
#include "tests/support/seed.h"

namespace penstock::test {
namespace {

constexpr auto kFlat = RawEvent::Format::kFlatBuffer;

EventFields sound() {
    EventFields f;
    f.id = "7", f.source = "/s", f.type = "t", f.subject = "cam", f.region = "eu", f.severity = 3;
    f.time_ns = 1'769'846'400'125'000'000;
    f.data = R"({"frame":"f-1","n":[1,2.5,true,null]})";
    f.keys = {{"order", "7"}};
    f.groups = {{"site", "hq"}};
    f.extensions = {{"trace", "t1"}};
    return f;
}

TEST(ParseContent, OrderOfMembersAndWhiteSpaceDoNotMatter) {
    ParseRig rig;
    const uint64_t expected =
        rig.content(event_line(R"("subject":"cam","data":{"a":1,"b":[1,2,{"x":"y","z":null}]})"));
    for (
        const char* same :
        {R"({"data":{"b":[1,2,{"z":null,"x":"y"}],"a":1},"subject":"cam","type":"t","source":"/s","id":"7","specversion":"1.0"})",
         "{ \"specversion\" : "
         "\"1.0\",\t\"id\":\"7\",\"source\":\"/s\",\"type\":\"t\",\"subject\":\"cam\",\"data\" : { \"a\" : 1 "
         ", \"b\" : [ 1 , 2 , { \"x\" : \"y\" , \"z\" : null } ] } }",
         R"({"specversion":"1.0","id":"7","source":"/s","type":"t","subject":"c\u0061m","data":{"\u0061":1,"b":[1,2,{"x":"\u0079","z":null}]}})",
         R"({"specversion":"1.0","id":"7","source":"/s","type":"t","subject":"cam","severity":3,"trace":"x","keys":{"k":"v"},"data":{"a":1,"b":[1,2,{"x":"y","z":null}]}})"})
        EXPECT_EQ(rig.content(same), expected) << same;
}

TEST(ParseContent, EveryPartOfTheContentMatters) {
    ParseRig rig;
    std::set<uint64_t> seen;
    const std::vector<std::string> different = {
        event_line(),
        event_line(R"("subject":"a")"),
        event_line(R"("subject":"b")"),
        event_line(R"("time":"2026-01-31T08:00:00Z")"),
        event_line(R"("time":"2026-01-31T08:00:00.000000001Z")"),
        event_line(R"("region":"us")"),
        event_line(R"("region":"eu")"),
        event_line(R"("region":"mars")"),
        event_line(R"("region":"pluto")"),
        event_line(R"("data":null)"),
        event_line(R"("data":1)"),
        event_line(R"("data":"1")"),
        event_line(R"("data":[])"),
        event_line(R"("data":{})"),
        event_line(R"("data":[[]])"),
        event_line(R"("data":[1,2])"),
        event_line(R"("data":[2,1])"),
        event_line(R"("data":[12])"),
        event_line(R"("data":{"a":1,"b":2})"),
        event_line(R"("data":{"a":2,"b":1})"),
        event_line(R"("data":{"a":{"b":1}})"),
        event_line(R"("data":{"b":{"a":1}})"),
        event_line(R"("data":true)"),
        event_line(R"("data":false)"),
        event_line(R"("data":"true")"),
        event_line(R"("data":"")"),
        event_line(R"("data":[null])"),
        R"({"specversion":"1.0","id":"7","source":"/s","type":"other"})"};
    for (const std::string& line : different) EXPECT_TRUE(seen.insert(rig.content(line)).second) << line;
    EXPECT_EQ(rig.content(event_line(R"("region":"na")")), rig.content(event_line(R"("region":"us")")));
    EXPECT_EQ(rig.content(event_line(R"("time":"2026-01-31T08:00:00Z")")),
              rig.content(event_line(R"("time":"2026-01-31T09:00:00+01:00")")));
}

TEST(ParseContent, IdentityIsTenantSourceAndId) {
    ParseRig rig;
    const auto id = [&](const std::string& source, const std::string& text) {
        EXPECT_EQ(rig.verdict(fmt::format(R"({{"specversion":"1.0","id":"{}","source":"{}","type":"t"}})",
                                          text, source)),
                  "ok");
        return rig.identity().id;
    };
    EXPECT_EQ(id("/s", "7"), id("/s", "7"));
    EXPECT_NE(id("/s", "7"), id("/s", "8"));
    EXPECT_NE(id("/s", "7"), id("/t", "7"));
    EXPECT_NE(id("ab", "c"), id("a", "bc"));
    EXPECT_EQ(rig.verdict(event_line("\"subject\":\"x\"")), "ok");
    EXPECT_EQ(rig.identity().id, id("/s", "7"));
}

TEST(ParseContent, TheSameEventInBothFormatsIsTheSame) {
    ParseRig rig;
    const std::string line =
        R"({"specversion":"1.0","id":"7","source":"/s","type":"t","subject":"cam","region":"eu","time":"2026-01-31T08:00:00.125Z","data":{"n":[1,2.5,true,null],"frame":"f-1"}})";
    ASSERT_EQ(rig.verdict(line), "ok");
    const EventIdentity json = rig.identity();
    const Hash128 key = rig.head().key;
    ASSERT_EQ(rig.verdict(flatbuffer_of(sound()), kFlat), "ok") << rig.detail();
    EXPECT_EQ(rig.identity().id, json.id);
    EXPECT_EQ(rig.identity().content, json.content);
    EXPECT_EQ(rig.head().key, key);
    EXPECT_EQ(rig.head().region, 1);
}

TEST(ParseFlatBuffer, WhatIsNotAllowedIsRefusedAsInJson) {
    const std::string long4097(4097, 'x'), nul("a\0b", 3);
    struct Case {
        const char* verdict;
        std::function<void(EventFields&)> change;
    };
    const std::vector<Case> cases = {
        {"ok", [](EventFields&) {}},
        {"bad_value", [](EventFields& f) { f.id = ""; }},
        {"bad_value", [](EventFields& f) { f.source = ""; }},
        {"bad_value", [](EventFields& f) { f.type = ""; }},
        {"too_long", [&](EventFields& f) { f.id = long4097; }},
        {"too_long", [&](EventFields& f) { f.subject = long4097; }},
        {"too_long", [&](EventFields& f) { f.keys = {{long4097, "v"}}; }},
        {"bad_value", [&](EventFields& f) { f.subject = nul; }},
        {"bad_value", [&](EventFields& f) { f.extensions = {{"x", nul}}; }},
        {"bad_utf8", [](EventFields& f) { f.id = "\xff"; }},
        {"bad_utf8", [](EventFields& f) { f.groups = {{"\xc3", "v"}}; }},
        {"bad_utf8", [](EventFields& f) { f.data = "\"\xff\""; }},
        {"bad_value", [](EventFields& f) { f.severity = 6; }},
        {"ok", [](EventFields& f) { f.severity = 0; }},
        {"ok", [](EventFields& f) { f.time_ns = kNoTime; }},
        {"bad_time", [](EventFields& f) { f.time_ns = kNoTime + 1; }},
        {"bad_time", [](EventFields& f) { f.time_ns = INT64_MAX; }},
        {"bad_json", [](EventFields& f) { f.keys = {{"a", "1"}, {"a", "2"}}; }},
        {"bad_json", [](EventFields& f) { f.data = "{"; }},
        {"bad_json", [](EventFields& f) { f.data = "1 2"; }},
        {"bad_json", [](EventFields& f) { f.data = "{} {}"; }},
        {"bad_json", [](EventFields& f) { f.data = "\"a\" \"b\""; }},
        {"bad_json", [](EventFields& f) { f.data = "truefalse"; }},
        {"bad_json", [](EventFields& f) { f.data = "null null"; }},
        {"bad_json", [](EventFields& f) { f.data = "{\"a\":1,\"a\":2}"; }},
        {"bad_json", [](EventFields& f) { f.data = " "; }},
        {"bad_json", [](EventFields& f) { f.data = "nul"; }},
        {"bad_json", [](EventFields& f) { f.data = "01"; }},
        {"ok", [](EventFields& f) { f.data = ""; }},
        {"ok", [](EventFields& f) { f.data = "12"; }},
        {"ok", [](EventFields& f) { f.data = "-1.5e3"; }},
        {"ok", [](EventFields& f) { f.data = "\"text\""; }},
        {"ok", [](EventFields& f) { f.data = "true"; }},
        {"ok", [](EventFields& f) { f.data = "null"; }},
        {"ok", [](EventFields& f) { f.data = " [1] "; }},
        {"ok", [](EventFields& f) { f.data = "\"\""; }},
    };
    ParseRig rig;
    for (size_t i = 0; i < cases.size(); ++i) {
        EventFields f = sound();
        cases[i].change(f);
        EXPECT_EQ(rig.verdict(flatbuffer_of(f), kFlat), cases[i].verdict) << "case " << i << ": " << f.data;
    }
    std::vector<std::string> names;
    for (int i = 0; i < 65; ++i) names.push_back("n" + std::to_string(i));
    EventFields f = sound();
    f.keys.clear(), f.groups.clear(), f.extensions.clear();
    for (int i = 0; i < 64; ++i) f.keys.emplace_back(names[static_cast<size_t>(i)], "v");
    EXPECT_EQ(rig.verdict(flatbuffer_of(f), kFlat), "ok");
    f.groups.emplace_back(names[64], "v");
    EXPECT_EQ(rig.verdict(flatbuffer_of(f), kFlat), "too_long");
    for (int depth : {64, 65}) {
        const std::string data =
            std::string(static_cast<size_t>(depth), '[') + std::string(static_cast<size_t>(depth), ']');
        EventFields deep = sound();
        deep.data = data;
        EXPECT_EQ(rig.verdict(flatbuffer_of(deep), kFlat), depth == 64 ? "ok" : "too_deep");
    }
}

TEST(ParseFlatBuffer, StringsThatLieOverOneAnotherAreRefused) {
    // Small as sent; written again it would not fit the room that was left for it.
    flatbuffers::FlatBufferBuilder fbb;
    const std::string text(4000, 'x');
    const auto shared = fbb.CreateString(text);
    std::vector<flatbuffers::Offset<fb::Pair>> pairs;
    for (int i = 0; i < 60; ++i)
        pairs.push_back(fb::CreatePair(fbb, fbb.CreateString("n" + std::to_string(i)), shared));
    const auto keys = fbb.CreateVector(pairs);
    fbb.Finish(fb::CreateEvent(fbb, shared, shared, shared, 0, kNoTime, 0, 0, 0, keys));
    ParseRig rig;
    EXPECT_EQ(rig.verdict({reinterpret_cast<const char*>(fbb.GetBufferPointer()), fbb.GetSize()}, kFlat),
              "bad_flatbuffer");
}

TEST(ParseFlatBuffer, FlippedBytesNeverCrashAndWhatIsAcceptedIsSound) {
    SCOPED_TRACE(seed_note());
    Random random;
    ParseRig rig(100);  // as with enrich: what is accepted is written again
    const std::string original = flatbuffer_of(sound());
    std::map<std::string, int> verdicts;
    for (int i = 0; i < 100'000; ++i) {
        std::string bytes = original;
        for (uint64_t n = 1 + random.below(4); n > 0; --n)
            bytes[random.below(bytes.size())] = static_cast<char>(random.next());
        if (random.chance(10)) bytes.resize(random.below(bytes.size() + 1));
        const std::string verdict = rig.verdict(bytes, kFlat);
        ++verdicts[verdict];
        if (verdict != "ok") continue;
        const EventFields f = rig.fields();
        ASSERT_TRUE(!f.id.empty() && !f.source.empty() && !f.type.empty() && f.severity <= 5);
    }
    EXPECT_GT(verdicts["ok"], 1000);
    EXPECT_GT(verdicts["bad_flatbuffer"], 1000);
    EXPECT_GT(verdicts["bad_json"], 10);
}

TEST(ParseJson, FlippedBytesNeverCrash) {
    SCOPED_TRACE(seed_note());
    Random random(1);
    ParseRig rig;
    const std::string original = event_line(
        R"("subject":"cam\u0041","time":"2026-01-31T08:00:00Z","severity":3,"keys":{"a":"b"},"x":-1.5e3,"data":{"a":[1,2,{"b":null}],"c":"\"d"})");
    static constexpr std::string_view kLikely = "{}[]\":,\\0-.eE tfn\xc3\xff";
    for (int i = 0; i < 100'000; ++i) {
        std::string line = original;
        for (uint64_t n = 1 + random.below(4); n > 0; --n) {
            const size_t at = random.below(line.size());
            switch (random.below(3)) {
                case 0:
                    line[at] = kLikely[random.below(kLikely.size())];
                    break;
                case 1:
                    line.erase(at, 1 + random.below(8));
                    break;
                default:
                    line.insert(at, 1, kLikely[random.below(kLikely.size())]);
            }
        }
        rig.verdict(line);
    }
}

TEST(ParseRoom, ALineOfTheGreatestLengthIsTaken) {
    ParseRig rig;
    for (const char* shape : {R"("data":")", R"("x":1,"data":["a",")"}) {
        std::string line = event_line(shape);
        line.pop_back();
        const std::string end = std::string_view(shape).find('[') != std::string_view::npos ? "\"]}" : "\"}";
        line.append(limits::kEventBytesMax - line.size() - end.size(), 'y').append(end);
        ASSERT_EQ(line.size(), limits::kEventBytesMax);
        EXPECT_EQ(rig.verdict(line), "ok");
        EXPECT_GT(rig.fields().data.size(), 262'000u);
    }
}

TEST(ParseRoom, AFullBatchLeavesTheRestForTheNext) {
    SCOPED_TRACE(seed_note());
    Random random;
    ParseRig rig(2048);
    rig.begin();
    std::vector<std::string> ids;
    for (size_t i = 0; i < 900; ++i) {
        const size_t size = random.chance(3) ? random.below(200'000) : random.below(500);
        rig.add(fmt::format(R"({{"specversion":"1.0","id":"{}","source":"/s","type":"t","data":"{}"}})", i,
                            std::string(size, 'z')));
    }
    size_t taken = 0, batches = 0;
    while (rig.work->raw_done < rig.work->raw.size()) {
        const size_t n = rig.run();
        ASSERT_GT(n, 0u) << "an empty batch takes at least one event";
        ASSERT_LE(rig.batch->header.heap_bytes + rig.batch->count() * 2048, limits::kSlabBytes);
        for (size_t i = 0; i < rig.batch->count(); ++i)
            EXPECT_EQ(rig.fields(i).id, std::to_string(taken + i));
        taken += rig.batch->count();
        ++batches;
        rig.batch->clear();
    }
    EXPECT_EQ(taken, 900u);
    EXPECT_GT(batches, 5u);
}

TEST(ParseRoom, NeverMoreThanABatchOfEvents) {
    ParseRig rig;
    rig.begin();
    for (size_t i = 0; i < limits::kBatchEventsMax + 10; ++i) rig.add(event_line());
    EXPECT_EQ(rig.run(), limits::kBatchEventsMax);
    EXPECT_EQ(rig.batch->count(), limits::kBatchEventsMax);
    EXPECT_EQ(rig.run(), 0u);
}

TEST(ParseRoom, RefusedEventsTakeNoRoom) {
    ParseRig rig;
    rig.begin();
    rig.add(event_line()), rig.add("{"), rig.add(event_line(R"("subject":"x")"));
    EXPECT_EQ(rig.run(), 3u);
    EXPECT_EQ(rig.batch->count(), 2u);
    EXPECT_EQ(rig.work->raw_of[1], 2u);
    EXPECT_EQ(rig.fields(1).subject, "x");
}

}  // namespace
}  // namespace penstock::test

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "pipeline/api_key.h"
#include "tests/support/ingest_rig.h"

namespace penstock::test {
namespace {

class IngestNdjson : public testing::TestWithParam<const char*> {
  protected:
    IngestRig rig{GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Backends, IngestNdjson, testing::Values("epoll", "io_uring"),
                         [](const auto& p) { return std::string(p.param) == "epoll" ? "epoll" : "uring"; });

using Lines = std::vector<std::string>;

TEST_P(IngestNdjson, AnswersComeInTheOrderOfTheLines) {
    Peer peer(rig);
    peer.send("one\n\r\n  \nrefuse two\r\nduplicate three\n\tfour \nrefuse five\n");
    peer.shut();
    ASSERT_TRUE(peer.closed());
    EXPECT_EQ(peer.lines(), (Lines{R"({"refused":2,"error":"bad_value","detail":"as the test wants"})",
                                   R"({"refused":5,"error":"bad_value","detail":"as the test wants"})",
                                   R"({"acked":5,"stored":2,"duplicates":1,"refused":2})",
                                   R"({"done":true,"acked":5,"stored":2,"duplicates":1,"refused":2})"}));
    ASSERT_EQ(rig.sink.taken.size(), 5u);
    EXPECT_EQ(rig.sink.taken[3].bytes, "four");
    EXPECT_EQ(rig.telemetry.dead_letters[static_cast<size_t>(Refusal::kBadValue)].read(), 2u);
}

TEST_P(IngestNdjson, OneByteAtATimeIsTheSame) {
    Peer peer(rig);
    for (const char c : std::string("one\nrefuse two\nthree")) {
        peer.send(std::string(1, c));
        rig.pump_some(1);
    }
    peer.shut();
    ASSERT_TRUE(peer.closed());
    EXPECT_EQ(peer.lines().back(), R"({"done":true,"acked":3,"stored":2,"duplicates":0,"refused":1})");
    EXPECT_EQ(rig.sink.taken.at(2).bytes, "three") << "a last line without its newline is a line";
}

TEST_P(IngestNdjson, NothingIsAcknowledgedBeforeItIsDurable) {
    rig.sink.hold = true;
    Peer peer(rig), other(rig);
    peer.send("one\nrefuse two\n");
    ASSERT_TRUE(rig.pump([&] { return rig.sink.taken.size() == 2; }));
    other.send("theirs\n");
    ASSERT_TRUE(rig.pump([&] { return rig.sink.taken.size() == 3; }));
    peer.send("three\n");
    peer.shut();
    ASSERT_TRUE(rig.pump([&] { return rig.sink.taken.size() == 4; }));
    rig.pump_some();
    EXPECT_EQ(peer.receive(), "");
    rig.sink.hold = false;
    ASSERT_TRUE(peer.closed());
    size_t done = 0;
    for (const std::string& line : peer.lines()) done += line.find("\"done\"") != std::string::npos;
    EXPECT_EQ(done, 1u) << peer.receive();
    EXPECT_EQ(peer.lines().back(), R"({"done":true,"acked":3,"stored":2,"duplicates":0,"refused":1})");
    EXPECT_TRUE(other.answered(R"({"acked":1,"stored":1,"duplicates":0,"refused":0})"));
}

TEST_P(IngestNdjson, ManyLinesInPiecesOfAnyLengthArriveWhole) {
    std::string all;
    for (int i = 0; i < 60'000; ++i)
        all += fmt::format("{{\"line\":{},\"fill\":\"{}\"}}\n", i,
                           std::string(static_cast<size_t>(i * 31 % 300), 'x'));
    Peer peer(rig);
    for (size_t at = 0, n = 1; at < all.size(); at += n, n = (n * 7919 + 13) % 90'000 + 1)
        peer.send(std::string_view(all).substr(at, n));
    peer.shut();
    ASSERT_TRUE(peer.closed());
    EXPECT_EQ(peer.lines().back(),
              R"({"done":true,"acked":60000,"stored":60000,"duplicates":0,"refused":0})");
    std::string seen;
    for (const auto& t : rig.sink.taken) seen += t.bytes + "\n";
    EXPECT_TRUE(seen == all);
}

TEST_P(IngestNdjson, ALongLineIsDiscardedAndTheNextCounts) {
    Peer peer(rig);
    std::string longest(limits::kEventBytesMax, 'x'), longer(limits::kEventBytesMax + 1, 'y'),
        longer_still(3'000'000, 'z');
    peer.send("one\n" + longer + "\n" + longest + "\n" + longer_still + "\nlast\n");
    peer.shut();
    ASSERT_TRUE(peer.closed());
    EXPECT_EQ(peer.lines().back(), R"({"done":true,"acked":5,"stored":3,"duplicates":0,"refused":2})");
    EXPECT_NE(peer.receive().find(R"({"refused":2,"error":"too_long")"), std::string::npos);
    EXPECT_NE(peer.receive().find(R"({"refused":4,"error":"too_long")"), std::string::npos);
    ASSERT_EQ(rig.sink.letters.size(), 2u);
    for (const auto& [letter, line] :
         {std::pair{rig.sink.letters[0], longer}, std::pair{rig.sink.letters[1], longer_still}}) {
        EXPECT_EQ(letter.raw.size(), limits::kDeadLetterRawBytesMax);
        EXPECT_EQ(letter.whole_length, line.size());
        EXPECT_EQ(letter.whole_hash, XXH3_64bits(line.data(), line.size()));
    }
}

TEST_P(IngestNdjson, EachHeartbeatHasItsAnswerAlsoOfSeveralAtOnce) {
    Peer peer(rig);
    peer.send("{\"penstock\":\"heartbeat\"}\n{\"penstock\":\"heartbeat\"}\n{\"penstock\":\"heartbeat\"}\n");
    peer.shut();
    ASSERT_TRUE(peer.answered("done"));
    EXPECT_EQ(peer.lines().size(), 4u) << peer.receive();
}

TEST_P(IngestNdjson, HeartbeatsAreAnsweredBeforeAnyEvent) {
    Peer peer(rig);
    peer.send("{\"penstock\":\"heartbeat\"}\n");
    ASSERT_TRUE(peer.answered(R"({"acked":0,"stored":0,"duplicates":0,"refused":0})"));
    peer.forget();
    peer.send("one\n");
    ASSERT_TRUE(peer.answered(R"("acked":1)"));
    peer.forget();
    peer.send("{ \"penstock\" : \"heartbeat\"}\n");
    EXPECT_TRUE(peer.answered(R"({"acked":1,"stored":1,"duplicates":0,"refused":0})"));
}

TEST_P(IngestNdjson, ControlLinesAreNotCountedAsEvents) {
    Peer peer(rig);
    peer.send(
        "{\"penstock\":\"hello\"}\none\n{\"penstock\":\"watermark\",\"source\":\"/"
        "f\",\"time\":\"2026-01-31T08:00:00Z\"}\ntwo\n{\"penstock\":\"caught-up\"}\n");
    peer.shut();
    ASSERT_TRUE(peer.closed());
    EXPECT_EQ(
        peer.lines().front(),
        R"({"welcome":true,"log_id":"log-1","tenant":"default","epoch":0,"next":1,"credits_bytes":4194304})");
    EXPECT_EQ(peer.lines().back(), R"({"done":true,"acked":2,"stored":2,"duplicates":0,"refused":0})");
    ASSERT_EQ(rig.sink.controls.size(), 2u);
    EXPECT_EQ(
        rig.sink.controls[0],
        std::pair(ControlKind::kWatermark, std::string(R"(/f|{"tenant":0,"time":"2026-01-31T08:00:00Z"})")));
    EXPECT_EQ(rig.sink.controls[1].first, ControlKind::kCaughtUp);
}

TEST_P(IngestNdjson, ControlLinesThatAreWrongEndTheConnection) {
    const std::string long_source(5000, 's'),
        long_time = "2026-01-31T08:00:00." + std::string(5000, '0') + "Z";
    const std::vector<std::pair<std::string, std::string>> cases = {
        {R"({"penstock":"dance"})", "bad_value"},
        {R"({"penstock":1})", "bad_json"},
        {R"({"penstock":"heartbeat")", "bad_json"},
        {R"({"penstock":"watermark","source":"/f"})", "bad_value"},
        {R"({"penstock":"watermark","source":"/f","time":"soon"})", "bad_value"},
        {R"({"penstock":"watermark","source":")" + long_source + R"(","time":"2026-01-31T08:00:00Z"})",
         "too_long"},
        {R"({"penstock":"watermark","source":"/f","time":")" + long_time + R"("})", "too_long"},
        {R"({"penstock":"seq","seq":1})", "bad_value"},
        {R"({"penstock":"hello"})", "bad_value"}};
    for (const auto& [line, cause] : cases) {
        SCOPED_TRACE(line.substr(0, 80));
        Peer peer(rig);
        peer.send("one\n" + line + "\nnot read\n");
        ASSERT_TRUE(peer.closed());
        ASSERT_EQ(peer.lines().size(), 2u) << peer.receive();
        EXPECT_EQ(peer.lines()[0], R"({"acked":1,"stored":1,"duplicates":0,"refused":0})")
            << "what came before counts";
        EXPECT_NE(peer.lines()[1].find("{\"error\":\"" + cause + "\""), std::string::npos) << peer.lines()[1];
    }
}

TEST_P(IngestNdjson, HellosThatAreWrongEndTheConnection) {
    for (const auto& [line, cause] : std::vector<std::pair<std::string, std::string>>{
             {R"({"penstock":"hello","tenant":"nobody"})", "unknown_tenant"},
             {R"({"penstock":"hello","tenant":7})", "wrong_type"},
             {R"({"penstock":"hello","epoch":0})", "bad_value"},
             {R"({"penstock":"hello","epoch":"1"})", "bad_value"},
             {R"({"penstock":"hello","tenent":"x"})", "bad_value"}}) {
        SCOPED_TRACE(line);
        Peer peer(rig);
        peer.send(line + "\none\n");
        ASSERT_TRUE(peer.closed());
        EXPECT_NE(peer.receive().find("\"error\":\"" + cause + "\""), std::string::npos) << peer.receive();
    }
    EXPECT_TRUE(rig.sink.taken.empty());
}

TEST_P(IngestNdjson, SilenceEndsAConnectionAndHalfALineSooner) {
    Peer idle(rig), stalled(rig), done(rig);
    stalled.send("whole\n{\"half");
    done.send("one\n");
    ASSERT_TRUE(done.answered("acked"));
    ASSERT_TRUE(rig.pump([&] { return rig.sink.taken.size() == 2; }));
    rig.clock.advance(61'000'000'000);
    ASSERT_TRUE(stalled.closed());
    ASSERT_EQ(rig.sink.letters.size(), 1u);
    EXPECT_EQ(rig.sink.letters[0].cause, Refusal::kTruncated);
    EXPECT_EQ(rig.telemetry.connections_open.read(), 2);
    rig.clock.advance(838'000'000'000);
    done.send("two\n");
    ASSERT_TRUE(rig.pump([&] { return rig.sink.taken.size() == 3; }));
    rig.clock.advance(2'000'000'000);
    EXPECT_TRUE(idle.closed());
    EXPECT_EQ(rig.telemetry.connections_open.read(), 1);
    EXPECT_EQ(rig.telemetry.connections_timed_out.read(), 2u);
}

TEST_P(IngestNdjson, ALineThatComesAByteAtATimeStallsAllTheSame) {
    Peer slow(rig), steady(rig);
    rig.pump_some();
    slow.send("{\"half");
    for (int second = 0; second < 70; ++second) {
        slow.send("x");
        steady.send("whole\n{\"next");  // always inside a line, but never in the same for long
        steady.send("\n");
        rig.pump_some(2);
        rig.clock.advance(1'000'000'000);
    }
    EXPECT_TRUE(slow.closed());
    steady.send("last\n");
    EXPECT_TRUE(steady.answered("\"acked\":141"));
}

TEST_P(IngestNdjson, SilenceThatBackpressureMadeIsNoStall) {
    Peer peer(rig);
    peer.send("{\"half");
    rig.pump_some();
    rig.sink.room = false;
    rig.pump_some();
    rig.clock.advance(120'000'000'000);
    rig.sink.room = true;
    rig.pump_some();
    peer.send(" a line\n");
    EXPECT_TRUE(peer.answered("\"acked\":1"));
}

TEST_P(IngestNdjson, WithoutRoomNothingIsReadAndNobodyIsTimedOut) {
    Peer peer(rig);
    peer.send("one\n");
    ASSERT_TRUE(peer.answered("\"acked\":1"));
    rig.sink.room = false;
    rig.pump_some(3);
    peer.send("two\n");
    rig.pump_some();  // what was asked of the kernel before may still come
    const size_t before = rig.sink.taken.size();
    for (int i = 0; i < 50; ++i) peer.send("more\n"), rig.pump_some(1);
    EXPECT_EQ(rig.sink.taken.size(), before);
    rig.clock.advance(2'000'000'000'000);
    rig.pump_some();
    EXPECT_EQ(rig.telemetry.connections_open.read(), 1);
    rig.sink.room = true;
    EXPECT_TRUE(peer.answered("\"acked\":52"));
}

TEST_P(IngestNdjson, APeerThatDoesNotReadItsAnswersIsNotRead) {
    Peer deaf(rig), other(rig);
    const std::string many = [] {
        std::string s;
        for (int i = 0; i < 2000; ++i) s += "refuse\n";
        return s;
    }();
    // Sent without reading: the kernel's buffers fill, then ingest's backlog.
    rig.sink.taken.reserve(1 << 20);
    for (int i = 0; i < 400 && rig.telemetry.backpressure_pauses.read() == 0; ++i) {
        if (rig.telemetry.backpressure_pauses.read() == 0) deaf.send(many);
        rig.pump_some(2);
    }
    EXPECT_EQ(rig.telemetry.backpressure_pauses.read(), 1u);
    other.send("one\n");
    EXPECT_TRUE(other.answered("\"acked\":1")) << "others are served";
    deaf.shut();
    ASSERT_TRUE(deaf.closed());
    const std::string& all = deaf.receive();
    EXPECT_NE(all.find(fmt::format("\"done\":true,\"acked\":{}", rig.sink.taken.size() - 1)),
              std::string::npos);
}

TEST(IngestTenants, AConfiguredTenantNeedsItsKey) {
    IngestRig rig("epoll", {{"default", 0, ""}, {"acme", 1, hash_api_key("secret-key")}});
    for (const auto& [hello, answer] : std::vector<std::pair<std::string, std::string>>{
             {R"("tenant":"acme","key":"secret-key")", R"("tenant":"acme")"},
             {R"("tenant":"acme","key":"wrong")", "bad_key"},
             {R"("tenant":"acme")", "bad_key"},
             {R"("tenant":"default")", R"("tenant":"default")"}}) {
        Peer peer(rig);
        peer.send("{\"penstock\":\"hello\"," + hello + "}\none\n");
        EXPECT_TRUE(peer.answered(answer)) << hello << peer.receive();
    }
}

}  // namespace
}  // namespace penstock::test

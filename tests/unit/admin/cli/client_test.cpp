#include "admin/cli/client.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "pipeline/clock.h"
#include "tests/unit/admin/cli/fake_appliance.h"

namespace penstock::cli {
namespace {

using test::FakeAppliance;
using test::Peer;

std::string event(int id, std::string_view more = "") {
    return fmt::format(R"({{"specversion":"1.0","id":"{}","source":"/t","type":"x"{}}})", id, more);
}

/// A source of given lines; `events_at_once` shows how a slow source is drained.
class GivenLines final : public LineSource {
  public:
    explicit GivenLines(int events, std::string more = "") : events_(events), more_(std::move(more)) {}
    Taken take(std::string& out, uint64_t events_max, size_t bytes_target) override {
        Taken taken;
        while (next_ < events_ && taken.events < events_max && out.size() < bytes_target) {
            out += event(++next_, more_) + "\n";
            ++taken.events;
        }
        taken.ended = next_ == events_;
        return taken;
    }

  private:
    const int events_;
    const std::string more_;
    int next_ = 0;
};

struct Heard final : ClientObserver {
    std::vector<std::string> refused, notices;
    void on_refused(uint64_t line, std::string_view error, std::string_view) override {
        refused.push_back(fmt::format("{} {}", line, error));
    }
    void on_progress(const SendReport&, std::optional<double>) override {}
    void on_notice(std::string_view text) override { notices.emplace_back(text); }
};

struct ClientTest : testing::Test {
    ClientOptions options_to(const FakeAppliance& appliance) {
        ClientOptions options;
        options.to = {"127.0.0.1", appliance.port()};
        return options;
    }
    Heard heard;
};

std::string temporary_file(std::string_view content) {
    std::string path = testing::TempDir() + "penstock-client-XXXXXX";
    const int fd = mkstemp(path.data());
    EXPECT_EQ(write(fd, content.data(), content.size()), static_cast<ssize_t>(content.size()));
    close(fd);
    return path;
}

constexpr std::string_view kDoneThree =
    "{\"done\":true,\"acked\":3,\"stored\":2,\"duplicates\":1,\"refused\":0}\n";

TEST_F(ClientTest, SendsEveryLineAndEndsWithTheAppliancesCounts) {
    std::vector<std::string> got;
    FakeAppliance appliance({[&](Peer& peer) {
        got = peer.lines_to_end();
        peer.say("{\"acked\":1,\"stored\":1,\"duplicates\":0,\"refused\":0}\n");
        peer.say(kDoneThree);
    }});
    GivenLines lines(3);
    Client client(options_to(appliance), lines, heard);
    const SendReport& report = client.run();
    EXPECT_EQ(report.end, SendReport::End::kDone);
    EXPECT_EQ(got, (std::vector<std::string>{event(1), event(2), event(3)}));
    EXPECT_EQ(report.sent, 3u);
    EXPECT_EQ(report.acked, 3u);
    EXPECT_EQ(report.stored, 2u);
    EXPECT_EQ(report.duplicates, 1u);
    EXPECT_EQ(report.latency_ns.snapshot().count, 3u);
}

TEST_F(ClientTest, SaysOnceAConnectionThatItHasCaughtUpWhenAllIsWritten) {
    std::vector<std::string> first, second;
    FakeAppliance appliance({[&](Peer& peer) {
                                 while (auto text = peer.any_line()) first.push_back(*text);
                                 peer.reset();
                             },
                             [&](Peer& peer) {
                                 while (auto text = peer.any_line()) second.push_back(*text);
                                 peer.say(kDoneThree);
                             }});
    GivenLines lines(3);
    ClientOptions options = options_to(appliance);
    options.retry_for_s = 5;
    Client client(options, lines, heard);
    EXPECT_EQ(client.run().end, SendReport::End::kDone);
    const std::vector<std::string> all{event(1), event(2), event(3), R"({"penstock":"caught-up"})"};
    EXPECT_EQ(first, all);
    EXPECT_EQ(second, all) << "again, after what was sent again";
}

TEST_F(ClientTest, RefusalsAreNamedByTheLineOfTheFileNotByTheEvent) {
    const std::string file =
        temporary_file(event(1) + "\n\n{\"penstock\":\"heartbeat\"}\r\n\r\nbad\n" + event(2));
    FakeAppliance appliance({[&](Peer& peer) {
        EXPECT_EQ(peer.lines_to_end().size(), 4u);  // the empty lines stay at home
        peer.say("{\"refused\":2,\"error\":\"bad_json\",\"detail\":\"d\"}\n");
        peer.say("{\"done\":true,\"acked\":3,\"stored\":2,\"duplicates\":0,\"refused\":1}\n");
    }});
    FileLines lines(file, {});
    Client client(options_to(appliance), lines, heard);
    EXPECT_EQ(client.run().refused, 1u);
    EXPECT_EQ(heard.refused, std::vector<std::string>{"5 bad_json"});
    std::filesystem::remove(file);
}

TEST_F(ClientTest, AfterALostConnectionItSendsAgainFromTheFirstUnacknowledgedEvent) {
    std::vector<std::string> again;
    FakeAppliance appliance(
        {[&](Peer& peer) {
             while (peer.line() != event(5)) continue;
             peer.say("{\"acked\":2,\"stored\":2,\"duplicates\":0,\"refused\":0}\n");
             peer.lines_to_end();
         },
         [&](Peer& peer) {
             again = peer.lines_to_end();
             peer.say("{\"done\":true,\"acked\":3,\"stored\":1,\"duplicates\":2,\"refused\":0}\n");
         }});
    GivenLines lines(5);
    ClientOptions options = options_to(appliance);
    options.retry_for_s = 5;
    Client client(options, lines, heard);
    const SendReport& report = client.run();
    EXPECT_EQ(report.end, SendReport::End::kDone);
    EXPECT_EQ(again, (std::vector<std::string>{event(3), event(4), event(5)}));
    EXPECT_EQ(report.acked, 5u);
    EXPECT_EQ(report.stored, 3u);
    EXPECT_EQ(report.duplicates, 2u);
    EXPECT_EQ(report.resent, 3u);
    EXPECT_EQ(report.reconnects, 1u);
}

TEST_F(ClientTest, WithoutRetryALostConnectionIsTheEnd) {
    FakeAppliance appliance({[](Peer& peer) { peer.lines_to_end(); }});
    GivenLines lines(3);
    Client client(options_to(appliance), lines, heard);
    const SendReport& report = client.run();
    EXPECT_EQ(report.end, SendReport::End::kLost);
    EXPECT_EQ(report.acked, 0u);
    EXPECT_EQ(report.sent, 3u);
}

TEST_F(ClientTest, ANamedProducerSkipsWhatItsEarlierRunDelivered) {
    std::string hello;
    std::vector<std::string> got;
    FakeAppliance appliance({[&](Peer& peer) {
        hello = peer.line().value_or("");
        peer.say("{\"welcome\":true,\"log_id\":\"l\",\"tenant\":\"acme\",\"epoch\":3,\"next\":3}\n");
        got = peer.lines_to_end();
        peer.say("{\"done\":true,\"acked\":4,\"stored\":2,\"duplicates\":0,\"refused\":0}\n");
    }});
    GivenLines lines(4);
    ClientOptions options = options_to(appliance);
    options.tenant = "acme";
    options.api_key = "k\"1";
    options.producer = "feed-1";
    options.epoch = 3;
    Client client(options, lines, heard);
    const SendReport& report = client.run();
    EXPECT_EQ(report.end, SendReport::End::kDone) << report.error;
    EXPECT_EQ(hello,
              "{\"penstock\":\"hello\",\"tenant\":\"acme\",\"key\":\"k\\\"1\",\"producer\":\"feed-1\","
              "\"epoch\":3}");
    EXPECT_EQ(got, (std::vector<std::string>{event(3), event(4)}));
    EXPECT_EQ(report.skipped, 2u);
    EXPECT_EQ(report.sent, 2u);
    EXPECT_EQ(report.acked, 2u);
}

TEST_F(ClientTest, ANamedProducerThatWasWhollyTakenSendsNothing) {
    FakeAppliance appliance({[&](Peer& peer) {
        peer.line();
        peer.say("{\"welcome\":true,\"epoch\":1,\"next\":10}\n");
        EXPECT_TRUE(peer.lines_to_end().empty());
        peer.say("{\"done\":true,\"acked\":9,\"stored\":0,\"duplicates\":0,\"refused\":0}\n");
    }});
    GivenLines lines(9);
    ClientOptions options = options_to(appliance);
    options.producer = "feed-1";
    Client client(options, lines, heard);
    const SendReport& report = client.run();
    EXPECT_EQ(report.end, SendReport::End::kDone) << report.error;
    EXPECT_EQ(report.sent, 0u);
    EXPECT_EQ(report.skipped, 9u);
}

TEST_F(ClientTest, ANamedProducerContinuesAtTheWelcomesNextAfterALoss) {
    std::vector<std::string> again;
    FakeAppliance appliance(
        {[&](Peer& peer) {
             peer.line();
             peer.say("{\"welcome\":true,\"epoch\":1,\"next\":1}\n");
             while (peer.line() != event(4)) continue;
             peer.say("{\"acked\":1,\"stored\":1,\"duplicates\":0,\"refused\":0}\n");
         },
         [&](Peer& peer) {
             peer.line();
             peer.say("{\"welcome\":true,\"epoch\":1,\"next\":4}\n");
             again = peer.lines_to_end();
             peer.say("{\"done\":true,\"acked\":4,\"stored\":1,\"duplicates\":0,\"refused\":0}\n");
         }});
    GivenLines lines(4);
    ClientOptions options = options_to(appliance);
    options.producer = "feed-1";
    options.retry_for_s = 5;
    Client client(options, lines, heard);
    const SendReport& report = client.run();
    EXPECT_EQ(report.end, SendReport::End::kDone) << report.error;
    EXPECT_EQ(again, std::vector<std::string>{event(4)});
    EXPECT_EQ(report.acked, 4u);
    EXPECT_EQ(report.unclassified, 2u);  // durable, as the second welcome says; how, nobody told
}

TEST_F(ClientTest, AnErrorOfTheConnectionEndsItWithTheAppliancesWords) {
    FakeAppliance appliance({[](Peer& peer) {
        peer.line();
        peer.say("{\"error\":\"bad_key\",\"detail\":\"the API key is wrong\"}\n");
    }});
    GivenLines lines(3);
    ClientOptions options = options_to(appliance);
    options.tenant = "acme";
    options.retry_for_s = 5;
    Client client(options, lines, heard);
    const SendReport& report = client.run();
    EXPECT_EQ(report.end, SendReport::End::kRejected);
    EXPECT_EQ(report.error, "refused by the appliance: bad_key: the API key is wrong");
}

TEST_F(ClientTest, APeerThatIsNoApplianceIsRecognised) {
    FakeAppliance appliance({[](Peer& peer) {
        peer.line();
        peer.say("HTTP/1.1 400 Bad Request\r\n\r\n");
    }});
    GivenLines lines(3);
    Client client(options_to(appliance), lines, heard);
    const SendReport& report = client.run();
    EXPECT_EQ(report.end, SendReport::End::kRejected);
    EXPECT_NE(report.error.find("does not answer as a Penstock ingest port"), std::string::npos);
}

TEST_F(ClientTest, NobodyListeningIsUnreachable) {
    ClientOptions options;
    options.to = {"127.0.0.1", 1};
    GivenLines lines(3);
    Client client(options, lines, heard);
    EXPECT_EQ(client.run().end, SendReport::End::kUnreachable);
}

TEST_F(ClientTest, WithARateEventsLeaveAtTheirTimes) {
    int64_t first = 0, last = 0;
    FakeAppliance appliance({[&](Peer& peer) {
        peer.line();
        first = monotonic_now_ns();
        const size_t rest = peer.lines_to_end().size();
        last = monotonic_now_ns();
        EXPECT_EQ(rest, 199u);
        peer.say("{\"done\":true,\"acked\":200,\"stored\":200,\"duplicates\":0,\"refused\":0}\n");
    }});
    GivenLines lines(200);
    ClientOptions options = options_to(appliance);
    options.rate = 1000;
    Client client(options, lines, heard);
    const SendReport& report = client.run();
    EXPECT_EQ(report.end, SendReport::End::kDone);
    EXPECT_GE(last - first, 190'000'000);
    // The first event was acknowledged when the last had come: its latency counts from when it was due.
    EXPECT_GE(report.latency_max_ns, 190'000'000u);
}

TEST_F(ClientTest, BinaryFramesCarryTheEventsAndAreEndedInOrder) {
    std::vector<std::string> ids;
    FakeAppliance appliance({[&](Peer& peer) {
        uint64_t count = 0;
        while (auto frame = peer.frame()) {
            if (frame->header.type == wire::FrameType::kEnd) break;
            EXPECT_EQ(frame->header.type, wire::FrameType::kEvents);
            EXPECT_EQ(frame->header.first_seq, 0u);
            size_t at = 0;
            for (uint32_t i = 0; i < frame->header.count; ++i) {
                uint32_t length = 0;
                std::memcpy(&length, frame->body.data() + at, sizeof length);
                flatbuffers::Verifier verifier(reinterpret_cast<const uint8_t*>(frame->body.data()) + at + 8,
                                               length);
                ASSERT_TRUE(verifier.VerifyBuffer<fb::Event>(nullptr));
                ids.push_back(flatbuffers::GetRoot<fb::Event>(frame->body.data() + at + 8)->id()->str());
                at += 8 + (length + 7) / 8 * 8;
            }
            EXPECT_EQ(at, frame->body.size());
            count += frame->header.count;
        }
        peer.ack_frame(count);
    }});
    GivenLines lines(3);
    ClientOptions options = options_to(appliance);
    options.binary = true;
    Client client(options, lines, heard);
    const SendReport& report = client.run();
    EXPECT_EQ(report.end, SendReport::End::kDone) << report.error;
    EXPECT_EQ(ids, (std::vector<std::string>{"1", "2", "3"}));
    EXPECT_EQ(report.acked, 3u);
}

TEST_F(ClientTest, WhatABinaryFrameCannotHoldIsRefusedHereAndNamedByItsLine) {
    const std::string file =
        temporary_file(event(1) + "\nnot json\n{\"specversion\":\"1.0\"}\n" + event(2) + "\n");
    uint64_t count = 0;
    FakeAppliance appliance({[&](Peer& peer) {
        while (auto frame = peer.frame()) {
            count += frame->header.count;
            if (frame->header.type == wire::FrameType::kEnd) break;
        }
        peer.say(make_frame(wire::FrameType::kRefused, R"({"seq":2,"error":"conflict","detail":""})"));
        peer.ack_frame(count);
    }});
    FileLines lines(file, {});
    ClientOptions options = options_to(appliance);
    options.binary = true;
    Client client(options, lines, heard);
    const SendReport& report = client.run();
    EXPECT_EQ(report.end, SendReport::End::kDone) << report.error;
    EXPECT_EQ(count, 2u);
    EXPECT_EQ(report.refused_here, 2u);
    EXPECT_EQ(heard.refused, (std::vector<std::string>{"2 bad_json", "3 missing_field", "4 conflict"}));
    std::filesystem::remove(file);
}

TEST_F(ClientTest, NeverMoreThanTheCreditsAreUnderWay) {
    constexpr uint64_t kCredits = 64 * 1024;
    uint64_t most = 0;
    FakeAppliance appliance({[&](Peer& peer) {
        peer.frame();  // the hello
        peer.say(make_frame(
            wire::FrameType::kWelcome,
            fmt::format(R"({{"log_id":"l","tenant":"acme","epoch":1,"next":1,"credits_bytes":{}}})",
                        kCredits)));
        uint64_t under_way = 0, count = 0;
        bool ended = false;
        while (!ended) {
            // Takes all that comes without an ack, then acknowledges it.
            while (peer.sends_within(under_way == 0 ? 5000 : 20)) {
                const auto frame = peer.frame();
                if (!frame) return;
                under_way += frame->header.type == wire::FrameType::kEvents ? frame->body.size() : 0;
                count += frame->header.count;
                ended = frame->header.type == wire::FrameType::kEnd;
                if (ended) break;
            }
            most = std::max(most, under_way);
            under_way = 0;
            peer.ack_frame(count, kCredits);
        }
    }});
    GivenLines lines(2000, R"(,"data":")" + std::string(150, 'x') + '"');
    ClientOptions options = options_to(appliance);
    options.binary = true;
    options.tenant = "acme";
    Client client(options, lines, heard);
    const SendReport& report = client.run();
    EXPECT_EQ(report.end, SendReport::End::kDone) << report.error;
    EXPECT_EQ(report.acked, 2000u);
    EXPECT_LE(most, kCredits);
    EXPECT_GT(most, kCredits / 2);  // and they are used
}

TEST_F(ClientTest, AFrameThatWasHalfAcknowledgedIsResentWithoutThatHalf) {
    std::vector<uint32_t> counts;
    FakeAppliance appliance({[&](Peer& peer) {
                                 peer.frame();
                                 peer.ack_frame(2);
                                 peer.frame();
                             },
                             [&](Peer& peer) {
                                 while (auto frame = peer.frame()) {
                                     if (frame->header.type == wire::FrameType::kEnd) break;
                                     counts.push_back(frame->header.count);
                                 }
                                 peer.ack_frame(3);
                             }});
    GivenLines lines(5);
    ClientOptions options = options_to(appliance);
    options.binary = true;
    options.retry_for_s = 5;
    Client client(options, lines, heard);
    const SendReport& report = client.run();
    EXPECT_EQ(report.end, SendReport::End::kDone) << report.error;
    EXPECT_EQ(counts, std::vector<uint32_t>{3});
    EXPECT_EQ(report.acked, 5u);
}

}  // namespace
}  // namespace penstock::cli

// A command under an Idempotency-Key from its first request to its last, without a server.
#include <gtest/gtest.h>

#include <list>
#include <stdexcept>

#include "admin/http/control_asker.h"
#include "admin/http/once.h"
#include "stages/answers/answer_book.h"
#include "tests/support/access_rig.h"
#include "tests/support/manual_clock.h"

namespace penstock::http {
namespace {

struct HttpOnce : testing::Test {
    test::ManualClock clock;
    Telemetry telemetry;
    AnswerBook book;
    ControlMailbox mailbox{2};
    ControlAsker asker{mailbox, telemetry, clock, [](const auto& work) { work(); }};
    OnceDoor once{book, mailbox, clock, [](const auto& work) { work(); }};
    Seq next_seq = 1;
    int done = 0;

    void SetUp() override { telemetry.readiness = Readiness::kReady; }

    /// The record that was asked for becomes one of the log. False: none was.
    bool apply_one() {
        ControlRequest r;
        if (!mailbox.try_pop(r)) return false;
        test::apply_control(book, r.kind, r.name, r.text, next_seq, clock.wall_ns());
        if (r.answer) r.answer(next_seq);
        ++next_seq;
        return true;
    }
    static Request request(const std::string& key, const std::string& body = "{}", uint64_t user = 1) {
        Request r{"POST", "/api/v1/things", ""};
        r.body = body;
        r.idempotency_key = key;
        r.principal.kind = Principal::Kind::kUser;
        r.principal.user = user;
        return r;
    }
    struct Client {
        int answers = 0;
        Response last;
    };
    /// Asks for a thing to be made, by a record.
    Client& ask(const Request& request) {
        clients.emplace_back();
        Client& client = clients.back();
        once.run(
            request, [&client](Response r) { ++client.answers, client.last = std::move(r); },
            [this](const Answer& answer) {
                asker.ask(ControlKind::kApiKeySet, "thing", "{}", answer, [this](Seq) {
                    Response made;
                    made.status = 201;
                    made.body = "{\"number\":" + std::to_string(++done) + "}";
                    show_once(made, "key", "pk_secret");
                    return made;
                });
            });
        return client;
    }
    std::list<Client> clients;
};

TEST_F(HttpOnce, TheSameRequestIsDoneOnceAndAnsweredAlikeWithoutItsSecret) {
    const Client& first = ask(request("k"));
    const Client& meanwhile = ask(request("k"));
    EXPECT_EQ(meanwhile.last.status, 409u);
    EXPECT_NE(meanwhile.last.body.find("idempotency-in-flight"), std::string::npos);
    EXPECT_EQ(ask(request("k", "{\"other\":1}")).last.status, 422u);
    EXPECT_TRUE(apply_one());
    EXPECT_EQ(first.answers, 0) << "not before its answer is kept";
    EXPECT_TRUE(apply_one());
    EXPECT_EQ(first.last.body, R"({"number":1,"key":"pk_secret"})");
    const Client& again = ask(request("k"));
    EXPECT_FALSE(apply_one()) << "nothing is asked for";
    EXPECT_EQ(again.last.status, 201u);
    EXPECT_EQ(again.last.body, R"({"number":1,"withheld":"key"})");
    EXPECT_EQ(again.last.headers.back().first, "Idempotent-Replayed");
    EXPECT_EQ(ask(request("k", "{\"other\":1}")).last.status, 422u);
    EXPECT_EQ(done, 1);
    ask(request("k", "{}", 2));
    while (apply_one()) {
    }
    EXPECT_EQ(done, 2) << "somebody else's key of the same name";
}

TEST_F(HttpOnce, WhatCameTooLateForTheFirstIsTheAnswerOfTheNext) {
    const Client& first = ask(request("k"));
    clock.advance(11'000'000'000);
    asker.give_up_old();
    asker.give_up_old();
    EXPECT_EQ(first.last.status, 504u);
    EXPECT_EQ(ask(request("k")).last.status, 409u) << "it may still be done";
    while (apply_one()) {
    }
    EXPECT_EQ(first.answers, 1);
    EXPECT_EQ(ask(request("k")).last.status, 201u);
    EXPECT_EQ(done, 1);
}

TEST_F(HttpOnce, AStopBetweenTheCommandAndItsAnswerDoesNotDoItAgain) {
    ask(request("k"));
    ControlRequest r;
    ASSERT_TRUE(mailbox.try_pop(r));
    test::apply_control(book, r.kind, r.name, r.text, next_seq++, clock.wall_ns());
    OnceDoor after_start{book, mailbox, clock, [](const auto& work) { work(); }};
    Response said;
    after_start.run(
        request("k"), [&](Response a) { said = std::move(a); },
        [](const Answer&) { FAIL() << "done again"; });
    EXPECT_EQ(said.status, 409u);
    EXPECT_NE(said.body.find(R"("done":true)"), std::string::npos) << said.body;
    EXPECT_NE(said.body.find("idempotency-answer-lost"), std::string::npos);
}

TEST_F(HttpOnce, WhatDidNothingIsJudgedAnew) {
    int status = 400;
    const auto judge = [&] {
        Response said;
        once.run(
            request("k"), [&](Response a) { said = std::move(a); },
            [&](const Answer& answer) {
                answer(problem(static_cast<unsigned>(status), "bad-body", "", ""));
            });
        return said.status;
    };
    EXPECT_EQ(judge(), 400u);
    status = 503;
    EXPECT_EQ(judge(), 503u);
    EXPECT_FALSE(apply_one());
    EXPECT_THROW(once.run(
                     request("k"), [](const Response&) {},
                     [](const Answer&) { throw std::runtime_error("no memory"); }),
                 std::runtime_error);
    ask(request("k"));
    EXPECT_TRUE(apply_one());
}

TEST_F(HttpOnce, AFullMailboxDelaysTheAnswerAndLosesNone) {
    const Client& first = ask(request("k"));
    ASSERT_TRUE(mailbox.try_push({ControlKind::kTick, "", "{}", {}}));
    ControlRequest r;
    ASSERT_TRUE(mailbox.try_pop(r));
    test::apply_control(book, r.kind, r.name, r.text, next_seq, clock.wall_ns());
    ASSERT_TRUE(mailbox.try_push({ControlKind::kTick, "", "{}", {}}));
    r.answer(next_seq++);
    EXPECT_TRUE(apply_one());
    EXPECT_TRUE(apply_one());
    EXPECT_EQ(first.answers, 0);
    once.ask_again();
    EXPECT_TRUE(apply_one());
    EXPECT_EQ(first.last.status, 201u);
    EXPECT_EQ(ask(request("k")).last.status, 201u);
    EXPECT_EQ(done, 1);
}

TEST_F(HttpOnce, KeysAreBounded) {
    EXPECT_EQ(ask(request(std::string(201, 'k'))).last.status, 400u);
    EXPECT_EQ(ask(request("a b")).last.status, 400u);
    EXPECT_FALSE(apply_one());
}

}  // namespace
}  // namespace penstock::http

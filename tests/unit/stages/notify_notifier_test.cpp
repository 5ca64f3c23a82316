// All of it with threads: several targets, real receivers.
#include "stages/notify/notifier.h"

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "schemas/limits.h"
#include "stages/notify/mail.h"
#include "stages/notify/webhook.h"
#include "tests/support/http_receiver.h"
#include "tests/support/smtp_receiver.h"

namespace penstock::test {
namespace {

using Act = HttpReply::Act;
using std::chrono::steady_clock;

struct NotifierTest : testing::Test {
    SystemClock clock;
    DeliveryPolicy policy{.backoff_min_ns = 5'000'000, .backoff_max_ns = 20'000'000};
    std::mutex mutex;
    std::condition_variable arrived;
    std::vector<DeliveryResult> results;

    std::unique_ptr<Channel> webhook(const HttpReceiver& receiver) const {
        WebhookOptions options;
        options.url = receiver.url();
        options.secrets = {WebhookSecret(32, 7)};
        options.allow_private = true;
        return std::make_unique<WebhookChannel>(std::move(options), clock);
    }
    std::unique_ptr<Notifier> started(std::vector<Notifier::Target> targets) {
        auto notifier = std::make_unique<Notifier>(std::move(targets), policy, clock,
                                                   [this](const DeliveryResult& result) {
                                                       const std::lock_guard lock(mutex);
                                                       results.push_back(result);
                                                       arrived.notify_all();
                                                   });
        notifier->start();
        return notifier;
    }
    std::vector<Notifier::Target> targets(
        const std::vector<std::pair<std::string, const HttpReceiver*>>& named) const {
        std::vector<Notifier::Target> out;
        out.reserve(named.size());
        for (const auto& [name, receiver] : named) out.push_back({name, webhook(*receiver)});
        return out;
    }
    Notification notification(uint64_t id, const std::string& channel) const {
        Notification n;
        n.effect_id = id;
        n.channel = channel;
        n.at_ns = clock.wall_ns();
        n.json = "{\"n\":" + std::to_string(id) + "}";
        n.subject = "late";
        n.text = "late";
        return n;
    }
    /// Waits until so many are delivered or permanent, ten seconds at most.
    bool settled(size_t count) {
        std::unique_lock lock(mutex);
        return arrived.wait_for(lock, std::chrono::seconds(10), [&] {
            return static_cast<size_t>(std::count_if(results.begin(), results.end(), [](const auto& r) {
                       return r.delivered || r.permanent;
                   })) >= count;
        });
    }
};

TEST_F(NotifierTest, EachTargetGetsItsOwnInOrder) {
    HttpReceiver first, second;
    SmtpReceiver mails;
    auto list = targets({{"first", &first}, {"second", &second}});
    MailOptions mail;
    mail.host = "127.0.0.1";
    mail.port = mails.port();
    mail.tls = MailOptions::Tls::kNone;
    mail.from = "a@b.org";
    mail.to = {"c@d.org"};
    list.push_back({"mail", std::make_unique<MailChannel>(mail, clock)});
    const auto notifier = started(std::move(list));
    for (uint64_t id = 0; id < 300; ++id)
        ASSERT_TRUE(notifier->offer(notification(id, id % 2 == 0 ? "first" : "second")));
    ASSERT_TRUE(notifier->offer(notification(300, "mail")));
    ASSERT_TRUE(settled(301));
    EXPECT_EQ(notifier->waiting(), 0u);
    ASSERT_EQ(first.posts().size(), 150u);
    for (uint64_t i = 0; i < 150; ++i) {
        EXPECT_EQ(first.posts()[i].body, "{\"n\":" + std::to_string(2 * i) + "}");
        EXPECT_EQ(second.posts()[i].body, "{\"n\":" + std::to_string(2 * i + 1) + "}");
    }
    EXPECT_EQ(mails.mails().size(), 1u);
    EXPECT_TRUE(notifier->stop().empty());
}

TEST_F(NotifierTest, ATargetThatHangsOrIsDownHoldsUpNoOther) {
    HttpReceiver slow, failing, good;
    slow.script({200, "", "", 0, Act::kHang});
    for (int i = 0; i < 10'000; ++i) failing.script({500});
    const auto notifier = started(targets({{"failing", &failing}, {"good", &good}, {"slow", &slow}}));
    // Their shares are full: the good one has its own.
    for (const char* name : {"failing", "slow"})
        for (uint64_t id = 0; notifier->offer(notification(id, name)); ++id)
            ASSERT_LE(id, limits::kNotificationsMax);
    ASSERT_TRUE(slow.has_posts(1));
    const auto begin = steady_clock::now();
    for (uint64_t id = 0; id < 50; ++id) ASSERT_TRUE(notifier->offer(notification(id, "good")));
    ASSERT_TRUE(settled(50));
    EXPECT_LT(steady_clock::now() - begin, std::chrono::seconds(3));
    EXPECT_EQ(good.posts().size(), 50u);
    EXPECT_EQ(slow.posts().size(), 1u);
}

TEST_F(NotifierTest, RetriesUntilTheReceiverTakesIt) {
    HttpReceiver receiver;
    receiver.script(
        {200, "", "", 0, Act::kClose});  // first: a connection used before libcurl opens anew itself
    receiver.script({503});
    receiver.script({500});
    const auto notifier = started(targets({{"a", &receiver}}));
    notifier->offer(notification(1, "a"));
    ASSERT_TRUE(settled(1));
    const std::lock_guard lock(mutex);
    ASSERT_EQ(results.size(), 4u);
    EXPECT_TRUE(results[3].delivered);
    EXPECT_EQ(results[3].attempt, 4u);
    EXPECT_GE(results[0].took_ns, 0);
}

TEST_F(NotifierTest, StopsWithinASecondDuringARequestAndHandsBackWhatIsUndelivered) {
    HttpReceiver receiver;
    receiver.script({});
    receiver.script({200, "", "", 0, Act::kHang});
    const auto notifier = started(targets({{"a", &receiver}}));
    for (uint64_t id = 1; id <= 4; ++id) notifier->offer(notification(id, "a"));
    ASSERT_TRUE(receiver.has_posts(2));
    const auto begin = steady_clock::now();
    const auto left = notifier->stop();
    EXPECT_LT(steady_clock::now() - begin, std::chrono::seconds(1));
    ASSERT_EQ(left.size(), 3u);
    for (uint64_t i = 0; i < 3; ++i) EXPECT_EQ(left[i].effect_id, i + 2);
    EXPECT_EQ(left[0].attempt, 0u);
    EXPECT_EQ(results.size(), 1u);
    EXPECT_FALSE(notifier->offer(notification(9, "a")));
}

TEST_F(NotifierTest, StopsWithinASecondDuringABackoff) {
    policy = {};
    HttpReceiver receiver;
    receiver.script({500, "", "", 0, Act::kAnswer});
    const auto notifier = started(targets({{"a", &receiver}}));
    notifier->offer(notification(1, "a"));
    {
        std::unique_lock lock(mutex);
        ASSERT_TRUE(arrived.wait_for(lock, std::chrono::seconds(5), [&] { return !results.empty(); }));
    }
    const auto begin = steady_clock::now();
    const auto left = notifier->stop();
    EXPECT_LT(steady_clock::now() - begin, std::chrono::milliseconds(500));
    ASSERT_EQ(left.size(), 1u);
    EXPECT_EQ(left[0].attempt, 1u);
}

TEST_F(NotifierTest, AfterARestartTheSameIsDeliveredUnderTheSameId) {
    HttpReceiver receiver;
    receiver.script({200, "", "", 0, Act::kHang});
    auto notifier = started(targets({{"a", &receiver}}));
    notifier->offer(notification(77, "a"));
    ASSERT_TRUE(receiver.has_posts(1));
    auto left = notifier->stop();
    notifier = started(targets({{"a", &receiver}}));
    for (Notification& n : left) EXPECT_TRUE(notifier->offer(std::move(n)));
    ASSERT_TRUE(settled(1));
    const auto posts = receiver.posts();
    ASSERT_EQ(posts.size(), 2u);
    EXPECT_EQ(posts[0].header("webhook-id"), posts[1].header("webhook-id"));
}

TEST_F(NotifierTest, ATargetThatIsNotConfiguredIsReported) {
    HttpReceiver receiver;
    const auto notifier = started(targets({{"a", &receiver}}));
    EXPECT_TRUE(notifier->offer(notification(1, "gone")));
    ASSERT_TRUE(settled(1));
    EXPECT_TRUE(results[0].permanent);
    EXPECT_EQ(results[0].channel, "gone");
    EXPECT_EQ(results[0].detail, "no target \"gone\" is configured; add a [[notify.target]] of this name");
}

TEST_F(NotifierTest, TakesTenThousandAtOnceThoughNobodyReceives) {
    HttpReceiver receiver;
    receiver.script({200, "", "", 0, Act::kHang});
    const auto notifier = started(targets({{"a", &receiver}}));
    for (uint64_t id = 0; id < limits::kNotificationsMax; ++id)
        ASSERT_TRUE(notifier->offer(notification(id, "a")));
    EXPECT_FALSE(notifier->offer(notification(1, "a")));
    EXPECT_EQ(notifier->stop().size(), limits::kNotificationsMax);
}

}  // namespace
}  // namespace penstock::test

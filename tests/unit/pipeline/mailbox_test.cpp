#include "pipeline/mailbox.h"

#include <gtest/gtest.h>

#include <thread>

namespace penstock {
namespace {

TEST(Mailbox, RefusesBeyondItsCapacityAndLeavesTheRequestToTheSender) {
    Mailbox<std::string> mailbox(2);
    std::string a = "a", b = "b", c = "c";
    EXPECT_TRUE(mailbox.try_push(std::move(a)));
    EXPECT_TRUE(mailbox.try_push(std::move(b)));
    EXPECT_FALSE(mailbox.try_push(std::move(c)));
    EXPECT_EQ(c, "c");
    std::string taken;
    EXPECT_TRUE(mailbox.try_pop(taken));
    EXPECT_TRUE(mailbox.try_push(std::move(c)));
}

TEST(Mailbox, WakesTheReceiverForEachRequest) {
    Mailbox<int> mailbox(1);
    int woken = 0;
    mailbox.set_waker([&] { ++woken; });
    EXPECT_TRUE(mailbox.empty());
    EXPECT_TRUE(mailbox.try_push(1));
    EXPECT_FALSE(mailbox.try_push(2));
    EXPECT_EQ(woken, 1);
    EXPECT_FALSE(mailbox.empty());
}

TEST(Mailbox, GivesWhatManySendersPutInOnceEach) {
    constexpr int kSenders = 4, kEach = 5000;
    Mailbox<int> mailbox(64);
    std::vector<int> seen(kSenders * kEach, 0);
    {
        std::vector<std::jthread> senders;
        for (int s = 0; s < kSenders; ++s)
            senders.emplace_back([&mailbox, s] {
                for (int i = 0; i < kEach; ++i)
                    while (!mailbox.try_push(s * kEach + i)) std::this_thread::yield();
            });
        int value = 0;
        for (int n = 0; n < kSenders * kEach;) {
            if (!mailbox.try_pop(value)) {
                std::this_thread::yield();
                continue;
            }
            ++seen[static_cast<size_t>(value)];
            ++n;
        }
    }
    for (const int times : seen) ASSERT_EQ(times, 1);
    EXPECT_TRUE(mailbox.empty());
}

}  // namespace
}  // namespace penstock

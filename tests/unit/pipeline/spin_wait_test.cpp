#include "pipeline/spin_wait.h"

#include <gtest/gtest.h>

#include <thread>

namespace penstock::test {
namespace {

void sleep_ms(int ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

TEST(SpinWait, SleepsAtOnceUntilAWaitHasBeenShort) {
    SpinWait spin(50'000'000);
    int slept = 0, looked = 0;
    const auto never = [&] { return ++looked < 0; };
    spin.wait(never, [&] { ++slept; });  // woken at once: work comes quickly
    EXPECT_EQ(slept, 1);
    EXPECT_EQ(looked, 0);
    spin.wait([&] { return ++looked == 100; }, [&] { ++slept; });
    EXPECT_EQ(slept, 1) << "found it by looking";
    EXPECT_EQ(looked, 100);
}

TEST(SpinWait, AWaitBeyondTheLimitEndsTheLooking) {
    SpinWait spin(2'000'000);
    int slept = 0, looked = 0;
    const auto never = [&] { return ++looked < 0; };
    spin.wait(never, [&] { ++slept; });
    spin.wait(never, [&] { ++slept, sleep_ms(3); });
    EXPECT_EQ(slept, 2);
    EXPECT_GT(looked, 0);
    looked = 0;
    spin.wait(never, [&] { ++slept; });
    EXPECT_EQ(looked, 0) << "nothing came for long: it slept at once";
    EXPECT_EQ(slept, 3);
}

TEST(SpinWait, WithoutALimitItOnlySleeps) {
    SpinWait spin(0);
    int slept = 0;
    for (int i = 0; i < 3; ++i) spin.wait([] { return true; }, [&] { ++slept; });
    EXPECT_EQ(slept, 3);
}

}  // namespace
}  // namespace penstock::test

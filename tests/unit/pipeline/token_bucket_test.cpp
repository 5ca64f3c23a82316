#include "pipeline/token_bucket.h"

#include <gtest/gtest.h>

namespace penstock::test {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

TEST(TokenBucket, ABurstIsFreeAndWhatGoesBeyondIsDebt) {
    TokenBucket bucket(100, 50);
    bucket.take(50, 10 * kSecond);
    EXPECT_EQ(bucket.ns_until_clear(10 * kSecond), 0);
    bucket.take(10, 10 * kSecond);
    EXPECT_NEAR(static_cast<double>(bucket.ns_until_clear(10 * kSecond)), 0.1 * kSecond, 10);
    EXPECT_EQ(bucket.ns_until_clear(10 * kSecond + kSecond / 10 + 10), 0);
}

TEST(TokenBucket, OverLongTimesTheRateHolds) {
    TokenBucket bucket(30'000, 1'000);  // 33333.33 ns a token
    int64_t now = 0;
    uint64_t taken = 0;
    while (now < 100 * kSecond) {
        bucket.take(500, now);
        taken += 500;
        now += bucket.ns_until_clear(now);
    }
    EXPECT_NEAR(static_cast<double>(taken), 30'000.0 * 100, 2'000);
}

TEST(TokenBucket, RestFillsItToTheBurstAndNoFurther) {
    TokenBucket bucket(100, 50);
    bucket.take(50, 0);
    bucket.take(50, 3600 * kSecond);
    EXPECT_EQ(bucket.ns_until_clear(3600 * kSecond), 0);
    bucket.take(1, 3600 * kSecond);
    EXPECT_GT(bucket.ns_until_clear(3600 * kSecond), 0);
}

TEST(TokenBucket, WithoutARateNothingIsLimited) {
    TokenBucket bucket(0, 0);
    EXPECT_FALSE(bucket.limited());
    bucket.take(1'000'000, 0);
    EXPECT_EQ(bucket.ns_until_clear(0), 0);
}

}  // namespace
}  // namespace penstock::test

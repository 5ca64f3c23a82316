#include "pipeline/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "tests/support/seed.h"

namespace penstock::test {
namespace {

TEST(HistogramTest, EveryValueIsInABucketThatEndsWithinAnEighth) {
    SCOPED_TRACE(seed_note());
    Random random;
    uint64_t last = 0;
    for (size_t b = 0; b < 304; ++b) {
        EXPECT_EQ(Histogram::bucket_of(Histogram::upper_edge(b)), b);
        EXPECT_EQ(Histogram::bucket_of(b ? last + 1 : 0), b) << "no gap";
        last = Histogram::upper_edge(b);
    }
    for (int i = 0; i < 100'000; ++i) {
        const uint64_t value = random.next() >> (24 + random.below(40));
        const uint64_t edge = Histogram::upper_edge(Histogram::bucket_of(value));
        ASSERT_GE(edge, value);
        ASSERT_LE(static_cast<double>(edge), static_cast<double>(value) * 1.125 + 1) << value;
    }
    EXPECT_EQ(Histogram::bucket_of(~uint64_t{0}), Histogram::kBuckets - 1) << "beyond the range: the last";
}

TEST(HistogramTest, QuantilesAreWithinAnEighthAboveTheTrueOnes) {
    SCOPED_TRACE(seed_note());
    for (uint64_t round = 0; round < 30; ++round) {
        Random random(round);
        Histogram h;
        std::vector<uint64_t> values;
        for (uint64_t i = 0, n = 1 + random.below(5000); i < n; ++i) {
            values.push_back(random.next() >> (26 + random.below(30)));
            h.record(values.back());
        }
        std::sort(values.begin(), values.end());
        const auto snapshot = h.snapshot();
        EXPECT_EQ(snapshot.count, values.size());
        for (const double q : {0.0, 0.25, 0.5, 0.9, 0.99, 0.999, 1.0}) {
            const uint64_t truth = values[static_cast<size_t>(q * static_cast<double>(values.size() - 1))];
            EXPECT_GE(snapshot.quantile(q), truth);
            EXPECT_LE(static_cast<double>(snapshot.quantile(q)), static_cast<double>(truth) * 1.125 + 1);
        }
    }
}

TEST(HistogramTest, CountsSumsAndDifferences) {
    Histogram h;
    EXPECT_EQ(h.snapshot().quantile(0.5), 0u);
    h.record(100, 3);
    const auto before = h.snapshot();
    h.record(7);
    h.record(1000, 2);
    const auto since = h.snapshot().since(before);
    EXPECT_EQ(since.count, 3u);
    EXPECT_EQ(since.sum, 2007u);
    EXPECT_EQ(since.quantile(0), 7u);
    EXPECT_EQ(h.snapshot().sum, 2307u);
}

}  // namespace
}  // namespace penstock::test

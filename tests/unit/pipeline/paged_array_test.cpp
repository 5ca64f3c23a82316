#include "pipeline/paged_array.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace penstock::test {
namespace {

TEST(PagedArray, NeverMovesWhatItHolds) {
    constexpr uint32_t kMany = 1'000'000;  // small pages and large ones
    PagedArray<uint64_t> array;
    std::vector<const uint64_t*> places;
    for (uint32_t i = 0; i < kMany; ++i) {
        array.add() = i * 3;
        if (i % 997 == 0) places.push_back(&array[i]);
    }
    ASSERT_EQ(array.size(), kMany);
    for (uint32_t i = 0; i < kMany; ++i) ASSERT_EQ(array[i], i * uint64_t{3});
    for (size_t i = 0; i < places.size(); ++i) EXPECT_EQ(places[i], &array[static_cast<uint32_t>(i * 997)]);
}

TEST(PagedArray, EndsEachElementOnce) {
    const auto counted = std::make_shared<int>(0);
    {
        PagedArray<std::shared_ptr<int>> array;
        for (int i = 0; i < 100'000; ++i) array.add() = counted;
        EXPECT_EQ(counted.use_count(), 100'001);
    }
    EXPECT_EQ(counted.use_count(), 1);
}

TEST(PagedArray, TakesLittleForFewAndNoMoreThanAPageTooMuchForMany) {
    struct Large {
        uint8_t bytes[1'000];
    };
    PagedArray<Large> few;
    few.add();
    EXPECT_LE(few.bytes(), 20'000u);
    PagedArray<uint32_t> many;
    for (uint32_t i = 0; i < 3'000'000; ++i) many.add();
    EXPECT_LE(many.bytes(), 3'000'000 * sizeof(uint32_t) + 1'100'000);
}

TEST(PagedArray, LinesOfMemoryAreSharedByWholeElementsOnly) {
    struct Half {
        uint8_t bytes[32];
    };
    PagedArray<Half> array;
    for (uint32_t i = 0; i < 100'000; ++i)
        ASSERT_LE(reinterpret_cast<uintptr_t>(&array.add()) % 64, 32u) << i;
}

}  // namespace
}  // namespace penstock::test

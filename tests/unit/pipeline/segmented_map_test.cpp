#include "pipeline/segmented_map.h"

#include <gtest/gtest.h>
#include <xxhash.h>

#include <unordered_set>

#include "tests/support/seed.h"

namespace penstock::test {
namespace {

Hash128 hash_of(uint64_t n) {
    const XXH128_hash_t h = XXH3_128bits(&n, sizeof n);
    return {h.low64, h.high64};
}

TEST(SegmentedMap, DoesWhatAnUnorderedMapDoesOverAMillionOperations) {
    SCOPED_TRACE(seed_note());
    Random random;
    SegmentedMap<uint64_t> map;
    std::unordered_set<uint64_t> model;  // a key's value is the key
    for (int i = 0; i < 1'000'000; ++i) {
        const uint64_t key = random.below(200'000), what = random.below(100);
        const uint64_t* found = map.find(hash_of(key));
        ASSERT_EQ(found != nullptr, model.contains(key)) << key << " at " << i;
        if (found) {
            ASSERT_EQ(*found, key);
        }
        if (what < 65 && !found) {
            ASSERT_EQ(map.insert(hash_of(key), key), key);
            model.insert(key);
        } else if (what >= 65 && what < 98) {
            ASSERT_EQ(map.erase(hash_of(key)), model.erase(key) == 1);
        } else if (what >= 98) {
            const uint64_t rest = random.below(17);
            size_t died = 0;
            const size_t gone = map.sweep_one([&](const auto& e) {
                if (e.value % 17 != rest) return false;
                died += model.erase(e.value);
                return true;
            });
            ASSERT_EQ(gone, died);
        }
        ASSERT_EQ(map.size(), model.size());
    }
    size_t visited = 0;
    map.for_each([&](const auto&) { ++visited; });
    EXPECT_EQ(visited, model.size());
    EXPECT_GT(map.segment_count(), 1u) << "how often it splits is up to the seed";
}

TEST(SegmentedMap, KeysOfTheSamePartAreToldApartByTheirValues) {
    SCOPED_TRACE(seed_note());
    Random random;
    SegmentedMap<uint32_t, KeyPart> map;
    std::unordered_set<uint32_t> model;
    for (int i = 0; i < 300'000; ++i) {
        const auto number = static_cast<uint32_t>(random.below(40'000));
        Hash128 key = hash_of(number / 4);
        key.lo ^= uint64_t{number % 4} << 40;  // what a KeyPart leaves out
        const auto same = [&](uint32_t value) { return value == number; };
        const uint32_t* found = map.find(key, same);
        ASSERT_EQ(found != nullptr, model.contains(number)) << number << " at " << i;
        if (found) {
            ASSERT_EQ(*found, number);
            ASSERT_TRUE(map.erase(key, same));
            model.erase(number);
        } else {
            ASSERT_FALSE(map.erase(key, same));
            map.insert(key, number);
            model.insert(number);
        }
        ASSERT_EQ(map.size(), model.size());
    }
    EXPECT_GT(map.segment_count(), 8u);
}

TEST(SegmentedMap, DeadEntriesMakeRoomBeforeASegmentSplits) {
    SegmentedMap<uint64_t> map;
    const auto dead = [](const auto& e) { return e.value == 0; };
    for (uint64_t i = 0; i < 100'000; ++i) map.insert(hash_of(i), 0, dead);
    EXPECT_EQ(map.segment_count(), 1u) << "all that was there was dead";
    for (uint64_t i = 0; i < 100'000; ++i) map.insert(hash_of(1'000'000 + i), 1, dead);
    for (uint64_t i = 0; i < 100'000; ++i) ASSERT_NE(map.find(hash_of(1'000'000 + i)), nullptr);
    EXPECT_GT(map.load(), 0.4);
}

TEST(SegmentedMap, SlotsAreMostlyTakenWhateverTheNumberOfKeys) {
    SegmentedMap<uint64_t> map;
    double least = 1;
    for (uint64_t i = 0; i < 1'000'000; ++i) {
        map.insert(hash_of(i), i);
        if (i > 20'000) least = std::min(least, map.load());
    }
    EXPECT_GT(least, 0.55) << "halves would be 0.45 at some time";
    for (uint64_t i = 0; i < 1'000'000; ++i) ASSERT_EQ(*map.find(hash_of(i)), i);
}

TEST(SegmentedMap, KeysThatAreNotSpreadEvenlyAreAllThere) {
    SegmentedMap<uint64_t> map;
    const auto uneven = [](uint64_t i) {
        Hash128 key = hash_of(i);
        if (i % 16 != 0) key.hi = (key.hi >> 9) | (i % 3 == 0 ? uint64_t{1} << 62 : 0);
        return key;
    };
    for (uint64_t i = 0; i < 100'000; ++i) {
        map.insert(uneven(i), i);
        ASSERT_EQ(map.size(), i + 1);
    }
    for (uint64_t i = 0; i < 100'000; ++i) {
        const uint64_t* found = map.find(uneven(i));
        ASSERT_NE(found, nullptr) << i;
        ASSERT_EQ(*found, i);
    }
    size_t visited = 0;
    map.for_each([&](const auto&) { ++visited; });
    EXPECT_EQ(visited, 100'000u);
}

TEST(SegmentedMap, ReservedRoomHoldsAsManyKeysWithoutGrowing) {
    for (const size_t keys : {1u, 700u, 1'500u, 2'300u, 3'000u, 100'000u}) {
        SegmentedMap<uint64_t> map;
        map.reserve(keys);
        const size_t segments = map.segment_count();
        for (uint64_t i = 0; i < keys; ++i) map.insert(hash_of(i), i);
        EXPECT_EQ(map.segment_count(), segments) << keys;
        for (uint64_t i = 0; i < 4 * keys; ++i)
            map.find(hash_of(i)) ? void() : void(map.insert(hash_of(i), i));
        EXPECT_EQ(map.size(), 4 * keys);
        for (uint64_t i = 0; i < 4 * keys; ++i) ASSERT_NE(map.find(hash_of(i)), nullptr) << i;
    }
}

TEST(SegmentedMap, EraseAndInsertInTurnNeedsNoMoreRoom) {
    SegmentedMap<uint64_t> map;
    for (uint64_t i = 0; i < 500; ++i) map.insert(hash_of(i), i);
    for (uint64_t i = 500; i < 200'000; ++i) {
        ASSERT_TRUE(map.erase(hash_of(i - 500)));
        map.insert(hash_of(i), i);
    }
    EXPECT_EQ(map.segment_count(), 1u);
    EXPECT_EQ(map.size(), 500u);
}

TEST(SegmentedMap, ClearForgetsAllAndGivesMemoryBack) {
    SegmentedMap<uint64_t> map;
    for (uint64_t i = 0; i < 50'000; ++i) map.insert(hash_of(i), i);
    const size_t full = map.bytes();
    map.clear();
    EXPECT_EQ(map.size(), 0u);
    EXPECT_LT(map.bytes(), full / 20);
    EXPECT_EQ(map.find(hash_of(1)), nullptr);
    for (uint64_t i = 0; i < 50'000; ++i) map.insert(hash_of(i), i);
    EXPECT_EQ(*map.find(hash_of(49'999)), 49'999u);
}

}  // namespace
}  // namespace penstock::test

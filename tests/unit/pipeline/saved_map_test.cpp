#include "pipeline/saved_map.h"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>

#include "tests/support/seed.h"

namespace penstock {
namespace {

struct Note {
    std::string text;
};

/// What a store holds once it has taken the checkpoints.
struct Stored {
    std::map<uint64_t, std::string> rows;

    void take(const Checkpoint& checkpoint) {
        checkpoint.for_each([&](const Checkpoint::Row& row) {
            RowReader key(row.key), value(row.value);
            EXPECT_EQ(key.key_u8(), 'X');
            EXPECT_EQ(key.key_u8(), 7);
            const uint64_t id = key.key_u64();
            if (row.deleted)
                rows.erase(id);
            else
                rows[id] = std::string(value.text());
        });
    }
};

struct SavedMapTest : testing::Test {
    SavedMap<Note> map{'X', 7, [](RowWriter& out, const Note& n) { out.text(n.text); }};
    Stored stored;

    std::map<uint64_t, std::string> now() const {
        std::map<uint64_t, std::string> out;
        for (const auto& [id, note] : map.rows()) out[id] = note.text;
        return out;
    }
    void save() {
        Checkpoint c;
        map.begin_save(c);
        for (size_t rows = 1; map.save_some(rows); rows = 1) {
        }
        stored.take(c);
    }
};

TEST_F(SavedMapTest, ARowThatChangesWhileACheckpointIsCopiedIsSavedAsItWasAtTheCut) {
    map.make(1).text = "one";
    map.make(2).text = "two";
    map.make(3).text = "three";
    Checkpoint c;
    map.begin_save(c);
    map.change(1).text = "changed";
    map.erase(2);
    map.make(4).text = "later";
    for (size_t rows = 1; map.save_some(rows); rows = 1) {
    }
    stored.take(c);
    EXPECT_EQ(stored.rows, (std::map<uint64_t, std::string>{{1, "one"}, {2, "two"}, {3, "three"}}));
    save();
    EXPECT_EQ(stored.rows, (std::map<uint64_t, std::string>{{1, "changed"}, {3, "three"}, {4, "later"}}));
}

TEST_F(SavedMapTest, WhatDidNotChangeIsNotSavedAgain) {
    map.make(1).text = "one";
    save();
    Checkpoint c;
    map.begin_save(c);
    size_t rows = 10;
    EXPECT_FALSE(map.save_some(rows));
    EXPECT_EQ(c.rows(), 0u);
    EXPECT_EQ(rows, 10u);
}

TEST_F(SavedMapTest, CheckpointsInPartsGiveTheStateOfEachCutWhateverHappensBetween) {
    test::Random random(31);
    SCOPED_TRACE(test::seed_note());
    for (int round = 0; round < 300; ++round) {
        const auto disturb = [&](uint64_t steps) {
            for (uint64_t i = random.below(steps); i > 0; --i) {
                const uint64_t id = random.below(12);
                if (random.below(4) == 0)
                    map.erase(id);
                else
                    map.make(id).text = std::to_string(random.next());
            }
        };
        disturb(20);
        const auto at_cut = now();
        Checkpoint c;
        map.begin_save(c);
        for (bool more = true; more;) {
            disturb(4);
            size_t rows = random.below(3);
            more = map.save_some(rows);
        }
        stored.take(c);
        ASSERT_EQ(stored.rows, at_cut) << "round " << round;
    }
}

}  // namespace
}  // namespace penstock

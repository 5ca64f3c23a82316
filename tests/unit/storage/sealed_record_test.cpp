#include "storage/sealed_record.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <lmdb.h>
#include <sys/stat.h>

#include <fstream>
#include <iterator>

#include "schemas/event_fields.h"
#include "schemas/event_generated.h"
#include "storage/state_store.h"
#include "tests/support/hot_log.h"

namespace penstock::test {
namespace {

struct Keys {
    Keys() {
        std::string name = (std::filesystem::temp_directory_path() / "penstock-keys-XXXXXX").string();
        folder = ::mkdtemp(name.data());
    }
    ~Keys() { std::filesystem::remove_all(folder); }
    std::string file(const std::string& name, const std::string& lines) const {
        const std::string path = folder + "/" + name;
        std::ofstream(path) << lines << "\n";
        ::chmod(path.c_str(), 0600);
        return path;
    }
    std::string folder;
};

std::string bytes_in(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string> data_in(const EventLog& log) {
    std::vector<std::string> found;
    LogReader(log).scan(1, [&](const RecordView& record) {
        for (size_t i = 0; i < record.count(); ++i) {
            const auto bytes = record.bytes(i);
            if (record.header->kind == RecordKind::kEvents)
                found.emplace_back(view_of(flatbuffers::GetRoot<fb::Event>(bytes.data())->data()));
            if (record.header->kind == RecordKind::kDeadLetters) {
                const auto* raw = flatbuffers::GetRoot<fb::DeadLetter>(bytes.data())->raw();
                found.emplace_back(raw->begin(), raw->end());
            }
        }
        return true;
    });
    return found;
}

class SealedLog : public testing::Test {
  protected:
    uint16_t region(const char* name) { return *hot.log().names().region(name); }
    std::shared_ptr<SealKeys> eu_key() {
        auto all = std::make_shared<SealKeys>();
        all->add_region(region("eu"), keys.file("eu", std::string(64, 'e')));
        all->make_common(region("eu"));
        return all;
    }
    std::string disk() { return bytes_in(hot.path() + "/data.mdb"); }

    Keys keys;
    HotLog hot;
};

TEST_F(SealedLog, EventsOfARegionWithAKeyAreOnDiskForWhoHasItAlone) {
    hot.log().use_keys(eu_key());
    hot.append({{.id = "1", .region = "us", .data = R"("seen by all")"},
                {.id = "2", .region = "eu", .data = R"("for the few")"}});
    hot.append(std::vector<LoggedDeadLetter>{{.raw = "raw for the few"}});
    EXPECT_EQ(data_in(hot.log()),
              (std::vector<std::string>{R"("seen by all")", R"("for the few")", "raw for the few"}));
    const std::string stored = disk();
    EXPECT_NE(stored.find("seen by all"), std::string::npos) << "its region asks for nothing";
    EXPECT_EQ(stored.find("for the few"), std::string::npos);
}

TEST_F(SealedLog, WhatIsSealedIsNotPacked) {
    hot.log().use_keys(eu_key());
    const std::string text = '"' + std::string(5'000, 'a') + '"';
    hot.append({{.id = "1", .region = "us", .data = text}});
    hot.append({{.id = "2", .region = "us", .data = text}, {.id = "3", .region = "eu", .data = text}});
    std::vector<bool> packed;
    LogReader(hot.log()).scan(1, [&](const RecordView& record) {
        packed.push_back(record.header->packed_bytes != 0);
        return true;
    });
    EXPECT_EQ(packed, (std::vector<bool>{true, false})) << "its length would tell of its bytes";
    EXPECT_EQ(data_in(hot.log()), (std::vector<std::string>{text, text, text}));
}

TEST_F(SealedLog, ColumnsAndChecksumsNeedNoKey) {
    hot.log().use_keys(eu_key());
    hot.append({{.id = "1", .subject = "cam-1", .region = "eu", .data = "1"}});
    hot.log().use_keys(nullptr);
    size_t seen = 0;
    LogReader(hot.log()).scan(
        1,
        [&](const RecordView& record) {
            seen += record.heads[0].region == region("eu");
            EXPECT_THROW(record.bytes(0), LogError);
            return true;
        },
        true);
    EXPECT_EQ(seen, 1u);
    EXPECT_EQ(hot.log().bounds().next_seq, 2u);
}

TEST_F(SealedLog, AKeyThatIsMissingIsNamedAndItsReturnOpensAll) {
    hot.log().use_keys(eu_key());
    hot.append({{.id = "1", .region = "eu", .data = "\"text\""}});
    auto other = std::make_shared<SealKeys>();
    other->add_region(region("eu"), keys.file("other", std::string(64, 'f')));
    hot.log().use_keys(other);
    try {
        data_in(hot.log());
        FAIL() << "was opened without its key";
    } catch (const LogError& e) {
        const std::string id = seal_key_name(eu_key()->of_region(region("eu"))->id());
        EXPECT_NE(std::string(e.what()).find(id), std::string::npos) << e.what();
        EXPECT_FALSE(e.damaged());
    }
    auto rotated = std::make_shared<SealKeys>();
    rotated->add_region(region("eu"), keys.file("both", std::string(64, 'f') + "\n" + std::string(64, 'e')));
    hot.log().use_keys(rotated);
    hot.append({{.id = "2", .region = "eu", .data = "\"later\""}});
    EXPECT_EQ(data_in(hot.log()), (std::vector<std::string>{"\"text\"", "\"later\""}));
}

TEST_F(SealedLog, BytesThatWereChangedAreNoEvent) {
    hot.log().use_keys(eu_key());
    hot.append({{.id = "1", .region = "eu", .data = "\"text\""}, {.id = "2", .region = "eu", .data = "2"}});
    std::vector<uint64_t> copy;
    size_t size = 0;
    LogReader(hot.log()).scan(1, [&](const RecordView& record) {
        size = record.header->value_bytes();
        copy.resize((size + 7) / 8);
        std::memcpy(copy.data(), record.header, size);
        return false;
    });
    auto* const bytes = reinterpret_cast<uint8_t*>(copy.data());
    const RecordView stored = parse_record({bytes, size}, true);
    const_cast<uint8_t*>(stored.heap.data())[stored.heads[1].offset + 5] ^= 1;
    RecordView view = parse_record({bytes, size}, false);
    EXPECT_THROW(view.bytes(0), LogError) << "nobody opens it";
    const auto keys_of_eu = eu_key();
    RecordOpener opener(keys_of_eu.get());
    opener.take(view);
    EXPECT_NO_THROW(view.bytes(0));
    try {
        view.bytes(1);
        FAIL() << "was taken for an event";
    } catch (const LogError& e) {
        EXPECT_TRUE(e.damaged()) << e.what();
    }
}

TEST_F(SealedLog, TheStateIsSealedFromTheNextStartOnAndOpenedAgainWhenNobodyAsks) {
    const std::string path = keys.folder + "/state";
    const auto row = [](const std::string& text) {
        auto checkpoint = std::make_unique<Checkpoint>();
        RowWriter key, value;
        key.key_u8('S').key_u64(7);
        value.text(text);
        checkpoint->put(key.bytes(), value.bytes());
        checkpoint->applied_seq = 9;
        return checkpoint;
    };
    const auto text_of = [&](const StateStore& store) {
        std::string text;
        store.load([&](std::span<const uint8_t>, std::span<const uint8_t> value) {
            RowReader in(value);
            text = in.text();
        });
        return text;
    };
    StateStore({.path = path, .log_id = "log"}).write(*row("in the clear"));
    EXPECT_NE(bytes_in(path + "/data.mdb").find("in the clear"), std::string::npos);
    const auto all = eu_key();
    {
        StateStore store({.path = path, .log_id = "log", .keys = all.get()});
        EXPECT_EQ(text_of(store), "in the clear");
        store.write(*row("sealed from now on"));
        EXPECT_EQ(text_of(store), "sealed from now on");
    }
    EXPECT_EQ(bytes_in(path + "/data.mdb").find("sealed from now on"), std::string::npos);
    EXPECT_THROW(text_of(StateStore({.path = path, .log_id = "log", .read_only = true})), LogError);
    auto both = std::make_shared<SealKeys>();
    both->add_region(region("eu"), keys.file("eu", std::string(64, 'e')));
    EXPECT_EQ(text_of(StateStore({.path = path, .log_id = "log", .keys = both.get()})), "sealed from now on");
    EXPECT_EQ(text_of(StateStore({.path = path, .log_id = "log"})), "sealed from now on") << "no key asks";
}

}  // namespace
}  // namespace penstock::test

#include "storage/event_log.h"

#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>
#include <algorithm>
#include <atomic>
#include <thread>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "schemas/limits.h"
#include "storage/state_store.h"
#include "tests/support/seed.h"

namespace penstock::test {
namespace {

class Folder {
  public:
    Folder() {
        std::string pattern = (std::filesystem::temp_directory_path() / "penstock-log-XXXXXX").string();
        path_ = ::mkdtemp(pattern.data());
    }
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    std::string sub(const std::string& name) const { return path_ + "/" + name; }

  private:
    std::string path_;
};

struct Made {
    RecordHeader header{};
    std::vector<uint8_t> bloom;
    std::vector<ProducerPosition> producers;
    std::vector<EventIdentity> identities;
    std::vector<EventHead> heads;
    std::vector<uint8_t> heap;
    RecordView view() const { return {&header, bloom, producers, identities, heads, heap}; }
};

/// A record of `count` items of `bytes` each; count 0: a control record without an item.
Made made(Seq first, uint32_t count, uint32_t bytes) {
    Made m;
    m.header.magic = kRecordMagic;
    m.header.version = kRecordVersion;
    m.header.kind = count ? RecordKind::kEvents : RecordKind::kControl;
    m.header.first_seq = first;
    m.header.base_stamp_ns = static_cast<StampNs>(first) * 1000;
    m.header.count = count;
    for (uint32_t i = 0; i < count; ++i) {
        EventHead head{};
        head.offset = static_cast<uint32_t>(m.heap.size());
        head.length = bytes;
        m.heap.insert(m.heap.end(), bytes, static_cast<uint8_t>(first + i));
        m.heap.resize((m.heap.size() + 7) / 8 * 8);
        m.heads.push_back(head);
        m.identities.push_back({{first + i, 7}, 9});
    }
    m.bloom.assign(bloom_bytes_for(count), 0xa5);
    m.producers.assign(first % 3, ProducerPosition{{first, 1}, 2, 3});
    m.header.heap_bytes = static_cast<uint32_t>(m.heap.size());
    m.header.bloom_bytes = static_cast<uint32_t>(m.bloom.size());
    m.header.producer_count = static_cast<uint32_t>(m.producers.size());
    return m;
}

void expect_same(const RecordView& found, const Made& m) {
    EXPECT_EQ(found.first_seq(), m.header.first_seq);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(found.header) % 8, 0u) << "structs are read in place";
    ASSERT_EQ(found.count(), m.heads.size());
    EXPECT_TRUE(std::equal(found.bloom.begin(), found.bloom.end(), m.bloom.begin(), m.bloom.end()));
    ASSERT_EQ(found.producers.size(), m.producers.size());
    for (size_t i = 0; i < m.producers.size(); ++i)
        EXPECT_EQ(found.producers[i].producer, m.producers[i].producer);
    for (size_t i = 0; i < m.heads.size(); ++i) {
        EXPECT_EQ(found.identities[i].id, m.identities[i].id);
        const auto bytes = found.bytes(i);
        EXPECT_TRUE(std::all_of(bytes.begin(), bytes.end(), [&](uint8_t b) {
            return b == static_cast<uint8_t>(m.header.first_seq + i);
        }));
    }
}

class EventLogTest : public testing::Test {
  protected:
    EventLogTest() { open(); }
    void open(bool pack = false) {
        log_ = std::make_unique<EventLog>(EventLog::Options{folder_.sub("log"), 64 << 20, false, pack});
    }
    void append(uint32_t count, uint32_t bytes) {
        made_.push_back(made(next_, count, bytes));
        next_ += made_.back().header.span();
        const RecordView view = made_.back().view();
        log_->append({&view, 1});
    }
    std::vector<Seq> scan(Seq from, bool verify = false) {
        std::vector<Seq> firsts;
        LogReader(*log_).scan(
            from, [&](const RecordView& r) { return firsts.push_back(r.first_seq()), true; }, verify);
        return firsts;
    }

    Folder folder_;
    std::unique_ptr<EventLog> log_;
    std::vector<Made> made_;
    Seq next_ = 1;
};

TEST_F(EventLogTest, WhatIsAppendedIsReadWhateverItsSize) {
    SCOPED_TRACE(seed_note());
    Random random;
    for (int i = 0; i < 200; ++i) {
        if (i % 50 == 0) log_.reset(), open(i % 100 == 50);  // packed and not, in turns
        append(static_cast<uint32_t>(random.below(random.chance(20) ? 1025 : 4)),
               static_cast<uint32_t>(random.below(random.chance(10) ? 700 : 60)));
    }
    for (const bool reopened : {false, true}) {
        if (reopened) log_.reset(), open();
        size_t i = 0;
        const Seq end = LogReader(*log_).scan(
            1, [&](const RecordView& r) { return expect_same(r, made_.at(i++)), true; }, true);
        EXPECT_EQ(i, made_.size());
        EXPECT_EQ(end, next_);
        LogReader(*log_).scan_back([&](const RecordView& r) { return expect_same(r, made_.at(--i)), true; });
        EXPECT_EQ(i, 0u);
        EXPECT_EQ(log_->bounds().first_seq, 1u);
        EXPECT_EQ(log_->bounds().next_seq, next_);
        EXPECT_EQ(log_->bounds().records, 200u);
        EXPECT_EQ(log_->bounds().last_stamp_ns, made_.back().view().last_stamp());
    }
}

TEST_F(EventLogTest, AnEmptyLogHasBoundsAndNoRecords) {
    EXPECT_EQ(log_->bounds().next_seq, 1u);
    EXPECT_EQ(log_->bounds().records, 0u);
    EXPECT_EQ(LogReader(*log_).scan(5, [](const RecordView&) { return true; }), 5u);
    LogReader(*log_).scan_back([](const RecordView&) { return ADD_FAILURE(), true; });
    EXPECT_EQ(log_->trim([](const RecordView&) { return true; }, 10), 0u);
}

TEST_F(EventLogTest, AScanBeginsWithTheRecordThatHoldsTheSequence) {
    for (int i = 0; i < 5; ++i) append(10, 20);  // 1, 11, 21, 31, 41
    EXPECT_EQ(scan(0), (std::vector<Seq>{1, 11, 21, 31, 41}));
    EXPECT_EQ(scan(10), (std::vector<Seq>{1, 11, 21, 31, 41}));
    EXPECT_EQ(scan(11), (std::vector<Seq>{11, 21, 31, 41}));
    EXPECT_EQ(scan(25), (std::vector<Seq>{21, 31, 41}));
    EXPECT_EQ(scan(50), (std::vector<Seq>{41}));
    EXPECT_EQ(scan(51), std::vector<Seq>{});
    EXPECT_EQ(scan(999), std::vector<Seq>{});
    int seen = 0;
    EXPECT_EQ(LogReader(*log_).scan(1, [&](const RecordView&) { return ++seen < 2; }), 21u)
        << "stops where it was told to";
    EXPECT_EQ(log_->trim([](const RecordView& r) { return r.end_seq() <= 31; }, 100), 3u);
    EXPECT_EQ(scan(1), (std::vector<Seq>{31, 41})) << "what was trimmed is passed over";
    EXPECT_EQ(scan(35), (std::vector<Seq>{31, 41}));
}

TEST_F(EventLogTest, TrimmingKeepsItsLimitsAndTheLastRecord) {
    for (int i = 0; i < 20; ++i) append(3, 5000);
    const uint64_t before = log_->bytes_used();
    EXPECT_EQ(log_->trim([](const RecordView&) { return true; }, 5), 5u);
    EXPECT_LT(log_->bytes_used(), before);
    EXPECT_EQ(log_->trim([](const RecordView& r) { return r.first_seq() < 22; }, 100), 2u);
    EXPECT_EQ(log_->bounds().first_seq, 22u);
    EXPECT_EQ(log_->trim([](const RecordView&) { return true; }, 1000), 12u);
    EXPECT_EQ(log_->bounds().records, 1u);
    log_.reset(), open();
    EXPECT_EQ(log_->bounds().next_seq, next_) << "an old log continues where it was";
    append(1, 10);
    EXPECT_EQ(scan(1), (std::vector<Seq>{58, 61}));
}

TEST_F(EventLogTest, FreedPagesAreUsedAgain) {
    for (int i = 0; i < 300; ++i) {
        append(1000, 700);  // 210 MB through a map of 64 MB
        if (i % 20 == 19) log_->trim([&](const RecordView& r) { return r.end_seq() + 5000 < next_; }, 1000);
    }
    EXPECT_EQ(log_->bounds().next_seq, next_);
}

TEST_F(EventLogTest, AFullMapRefusesTheGroupAndKeepsTheRest) {
    bool full = false;
    try {
        for (int i = 0; i < 1000; ++i) append(100, 2000);
    } catch (const LogError& e) {
        full = e.full();
    }
    EXPECT_TRUE(full);
    const Seq end = log_->bounds().next_seq;
    EXPECT_EQ(end, made_.back().header.first_seq);
    log_.reset(), open();
    EXPECT_EQ(log_->bounds().next_seq, end);
}

TEST_F(EventLogTest, ADamagedByteIsFoundByVerifying) {
    for (int i = 0; i < 3; ++i) append(10, 3000);
    log_.reset();
    const std::string file = folder_.sub("log") + "/data.mdb";
    std::ifstream in(file, std::ios::binary);
    std::string bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    const size_t at = bytes.find(std::string(2000, 15));  // inside item 15, of the second record
    ASSERT_NE(at, std::string::npos);
    std::FILE* f = std::fopen(file.c_str(), "r+b");
    std::fseek(f, static_cast<long>(at + 1000), SEEK_SET);
    std::fputc(99, f);
    std::fclose(f);
    open();
    try {
        scan(1, true);
        FAIL() << "not found";
    } catch (const LogError& e) {
        EXPECT_NE(std::string(e.what()).find("record at 11"), std::string::npos) << e.what();
    }
    EXPECT_EQ(scan(21, true), std::vector<Seq>{21}) << "the others are sound";
}

/// The record's value as it is stored, 8-byte aligned.
std::vector<uint64_t> stored_value(const EventLog& log, Seq first) {
    std::vector<uint64_t> value;
    LogReader(log).scan(first, [&](const RecordView& r) {
        value.resize((r.header->value_bytes() + 7) / 8);
        std::memcpy(value.data(), r.header, r.header->value_bytes());
        return false;
    });
    return value;
}

TEST_F(EventLogTest, APackedRecordIsSmallerAndReadsAsIfItWereNot) {
    log_.reset(), open(true);
    append(100, 700);
    size_t seen = 0;
    LogReader(*log_).scan(
        1,
        [&](const RecordView& r) {
            EXPECT_GT(r.header->packed_bytes, 0u);
            EXPECT_LT(r.header->value_bytes(), 20'000u) << "of 77,000";
            EXPECT_EQ(r.header->heap_bytes, made_[0].heap.size()) << "as it was";
            expect_same(r, made_[0]);
            return ++seen, true;
        },
        true);
    EXPECT_EQ(seen, 1u);
}

TEST_F(EventLogTest, WhatPackingDoesNotMakeSmallerStaysAsItIs) {
    log_.reset(), open(true);
    Random random;
    SCOPED_TRACE(seed_note());
    Made m = made(1, 10, 700);
    for (uint8_t& byte : m.heap) byte = static_cast<uint8_t>(random.below(256));
    const RecordView view = m.view();
    log_->append({&view, 1});
    LogReader(*log_).scan(1, [&](const RecordView& r) {
        EXPECT_EQ(r.header->packed_bytes, 0u);
        EXPECT_TRUE(std::ranges::equal(r.heap, m.heap));
        return true;
    });
}

TEST_F(EventLogTest, ABlockThatDoesNotUnpackIsDamageAndItsColumnsCanBeRead) {
    log_.reset(), open(true);
    append(100, 700);
    std::vector<uint64_t> value = stored_value(*log_, 1);
    const std::span<const uint8_t> bytes{reinterpret_cast<const uint8_t*>(value.data()), value.size() * 8};
    RecordView view = parse_record(bytes, true);
    EXPECT_THROW(view.bytes(0), LogError) << "nobody unpacks it";
    std::memset(const_cast<uint8_t*>(view.heap.data()), 0xff, view.heap.size());
    RecordOpener opener(nullptr);
    opener.take(view);
    EXPECT_EQ(view.identities[99].id, made_[0].identities[99].id);
    try {
        view.bytes(0);
        FAIL() << "was taken for an event";
    } catch (const LogError& e) {
        EXPECT_TRUE(e.damaged()) << e.what();
        EXPECT_NE(std::string(e.what()).find("record at 1 "), std::string::npos) << e.what();
    }
}

TEST_F(EventLogTest, RecordsOfTheFormatBeforePackingAreRead) {
    Made m = made(1, 10, 700);
    m.header.version = 1;
    const RecordView view = m.view();
    log_->append({&view, 1});
    size_t seen = 0;
    LogReader(*log_).scan(1, [&](const RecordView& r) { return expect_same(r, m), ++seen, true; }, true);
    EXPECT_EQ(seen, 1u);
}

TEST_F(EventLogTest, WhatIsNoRecordIsRefused) {
    const Made m = made(1, 3, 50);
    std::vector<uint64_t> aligned((m.header.value_bytes() + 7) / 8);
    const auto write = [&](const Made& from) {
        auto* at = reinterpret_cast<uint8_t*>(aligned.data());
        std::memcpy(at, &from.header, sizeof from.header), at += sizeof from.header;
        std::memcpy(at, from.bloom.data(), from.bloom.size()), at += from.bloom.size();
        std::memcpy(at, from.producers.data(), from.producers.size() * sizeof(ProducerPosition)),
            at += from.producers.size() * sizeof(ProducerPosition);
        std::memcpy(at, from.identities.data(), from.identities.size() * sizeof(EventIdentity)),
            at += from.identities.size() * sizeof(EventIdentity);
        std::memcpy(at, from.heads.data(), from.heads.size() * sizeof(EventHead));
    };
    const std::span<const uint8_t> value{reinterpret_cast<const uint8_t*>(aligned.data()),
                                         m.header.value_bytes()};
    write(m);
    EXPECT_NO_THROW(parse_record(value, false));
    EXPECT_THROW(parse_record(value, true), LogError) << "no checksum was written";
    EXPECT_THROW(parse_record(value.first(95), false), LogError);
    EXPECT_THROW(parse_record(value.first(value.size() - 1), false), LogError);
    for (const auto& change : std::vector<std::function<void(Made&)>>{
             [](Made& x) { x.header.magic = 1; }, [](Made& x) { x.header.version = 9; },
             [](Made& x) { x.header.count = 4; }, [](Made& x) { x.header.count = 0xffffffff; },
             [](Made& x) { x.header.heap_bytes = 0xffffffff; },
             [](Made& x) { x.header.packed_bytes = x.header.heap_bytes + 8; },
             [](Made& x) { x.header.version = 0; }, [](Made& x) { x.header.bloom_bytes = 0x80000000; },
             [](Made& x) { x.header.producer_count = 0x10000000; },
             [](Made& x) { x.heads[1].offset = 0xffffff00; }, [](Made& x) { x.heads[2].length = 1000; }}) {
        Made damaged = m;
        change(damaged);
        write(damaged);
        EXPECT_THROW(parse_record(value, false), LogError);
    }
}

std::vector<std::string> all(const NameList& names) { return {names.begin(), names.end()}; }

TEST_F(EventLogTest, IdentityAndNamesStay) {
    const LogIdentity identity = log_->identity();
    EXPECT_EQ(identity.log_id.size(), 36u);
    EXPECT_EQ(identity.hash_secret.size(), 192u);
    log_->register_names({"us", "eu"}, {"default"});
    log_->register_names({"ca", "us"}, {"acme", "default"});
    for (const bool reopened : {false, true}) {
        if (reopened) log_.reset(), open();
        EXPECT_EQ(all(log_->names().regions), (std::vector<std::string>{"us", "eu", "ca"}));
        EXPECT_EQ(all(log_->names().tenants), (std::vector<std::string>{"default", "acme"}));
        EXPECT_EQ(log_->names().region("ca"), 2);
        EXPECT_EQ(log_->names().region("mars"), std::nullopt);
        EXPECT_EQ(log_->identity().log_id, identity.log_id);
        EXPECT_EQ(log_->identity().hash_secret, identity.hash_secret);
    }
    std::vector<std::string> many;
    for (size_t i = 0; i < limits::kRegionsMax; ++i) many.push_back("r" + std::to_string(i));
    EXPECT_THROW(log_->register_names(many, {}), LogError);
    EXPECT_EQ(log_->names().regions.size(), 3u) << "all or none";
}

TEST_F(EventLogTest, NamesGrowWhileOthersReadAndAppend) {
    log_->register_names({"us"}, {"default"});
    std::atomic<bool> stop{false};
    std::vector<std::thread> readers;
    for (int i = 0; i < 2; ++i)
        readers.emplace_back([&] {
            while (!stop) {
                const NameList& tenants = log_->names().tenants;
                const size_t size = tenants.size();
                for (size_t t = 1; t < size; ++t) ASSERT_EQ(tenants[t], "t" + std::to_string(t));
                ASSERT_EQ(log_->names().tenant("default"), 0);
                if (size > 1) ASSERT_EQ(log_->names().tenant("t" + std::to_string(size - 1)), size - 1);
            }
        });
    std::thread writer([&] {
        for (int i = 0; i < 50; ++i) append(3, 100);
    });
    for (int i = 1; i <= 100; ++i) log_->register_names({}, {"t" + std::to_string(i)});
    writer.join();
    stop = true;
    for (std::thread& reader : readers) reader.join();
    log_.reset();
    open();
    EXPECT_EQ(log_->names().tenants.size(), 101u);
    EXPECT_EQ(log_->names().tenant("t100"), 100);
}

TEST_F(EventLogTest, AReaderOpensReadOnlyBesideTheWriter) {
    append(5, 100);
    // Another process, as LMDB forbids one process to open an environment twice.
    const pid_t child = ::fork();
    if (child == 0) {
        int code = 1;
        try {
            const EventLog log({folder_.sub("log"), 64 << 20, true});
            Seq found = 0;
            const Seq end = LogReader(log).scan(
                1, [&](const RecordView& r) { return found = r.first_seq(), true; }, true);
            code = found == 1 && end == 6 && log.identity().hash_secret.size() == 192 ? 0 : 2;
        } catch (...) {
        }
        ::_exit(code);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
    append(5, 100);
    EXPECT_EQ(scan(1).size(), 2u);
    EXPECT_THROW(EventLog({folder_.sub("nothing"), 64 << 20, true}), LogError);
}

// --- state ------------------------------------------------------------------------------------------------

std::span<const uint8_t> bytes_of(const std::string& s) {
    return {reinterpret_cast<const uint8_t*>(s.data()), s.size()};
}

std::vector<std::pair<std::string, std::string>> rows_of(const StateStore& store) {
    std::vector<std::pair<std::string, std::string>> rows;
    store.load([&](auto key, auto value) {
        rows.emplace_back(std::string(key.begin(), key.end()), std::string(value.begin(), value.end()));
    });
    return rows;
}

TEST(StateStoreTest, RowsAndTheirSequenceAreOneWrite) {
    const Folder folder;
    const StateStore::Options options{folder.sub("state"), "log-a", 16 << 20};
    using Rows = std::vector<std::pair<std::string, std::string>>;
    {
        StateStore store(options);
        EXPECT_EQ(store.applied_seq(), 1u);
        Checkpoint c;
        c.applied_seq = 50;
        c.put(bytes_of("b"), bytes_of("2")), c.put(bytes_of("\xff"), bytes_of("9")),
            c.put(bytes_of("a"), bytes_of("1"));
        c.erase(bytes_of("x")), c.erase(bytes_of("y")), c.put(bytes_of("y"), bytes_of("new"));
        // A large state is copied in parts, in which the erasure may come second: the key lives all the same.
        c.put(bytes_of("a long key, of whom parts are equal, 1"), bytes_of("new")),
            c.erase(bytes_of("a long key, of whom parts are equal, 1")),
            c.erase(bytes_of("a long key, of whom parts are equal, 2")),
            c.put(bytes_of("a long key, of whom parts are equal"), bytes_of("short"));
        c.put(bytes_of("empty"), {});
        store.write(c);
        EXPECT_EQ(rows_of(store), (Rows{{"a", "1"},
                                        {"a long key, of whom parts are equal", "short"},
                                        {"a long key, of whom parts are equal, 1", "new"},
                                        {"b", "2"},
                                        {"empty", ""},
                                        {"y", "new"},
                                        {"\xff", "9"}}));
    }
    StateStore store(options);
    EXPECT_EQ(store.applied_seq(), 50u);
    Checkpoint c;
    c.applied_seq = 60;
    c.erase(bytes_of("a long key, of whom parts are equal")),
        c.erase(bytes_of("a long key, of whom parts are equal, 1"));
    c.erase(bytes_of("a")), c.erase(bytes_of("never")), c.put(bytes_of("b"), bytes_of("3"));
    store.write(c);
    EXPECT_EQ(store.applied_seq(), 60u);
    EXPECT_EQ(rows_of(store), (Rows{{"b", "3"}, {"empty", ""}, {"y", "new"}, {"\xff", "9"}}));
}

TEST(StateStoreTest, TheStateOfAnotherLogIsRefused) {
    const Folder folder;
    StateStore({folder.sub("state"), "log-a", 16 << 20});
    try {
        StateStore({folder.sub("state"), "log-b", 16 << 20});
        FAIL();
    } catch (const LogError& e) {
        EXPECT_NE(std::string(e.what()).find("log-a"), std::string::npos) << e.what();
    }
    EXPECT_NO_THROW(StateStore({folder.sub("state"), "log-a", 16 << 20}));
}

}  // namespace
}  // namespace penstock::test

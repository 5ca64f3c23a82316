// The audit trail and its chain.
#include <gtest/gtest.h>

#include <filesystem>

#include "pipeline/audit_chain.h"
#include "stages/audit/audit_book.h"
#include "storage/state_store.h"
#include "tests/support/engine_rig.h"

namespace penstock {
namespace {

struct Folder {
    Folder() {
        std::string name = (std::filesystem::temp_directory_path() / "penstock-audit-XXXXXX").string();
        path = ::mkdtemp(name.data());
    }
    ~Folder() { std::filesystem::remove_all(path); }
    std::string path;
};

constexpr StampNs kT = 1'767'225'600'000'000'000;

void feed(AuditBook& book, Seq seq, ControlKind kind, const std::string& name, const std::string& text) {
    flatbuffers::FlatBufferBuilder fbb;
    const auto about = fbb.CreateString(name), said = fbb.CreateString(text);
    fbb.Finish(fb::CreateControl(fbb, static_cast<uint16_t>(kind), about, said));
    RecordHeader header{};
    header.kind = RecordKind::kControl;
    header.first_seq = seq;
    header.base_stamp_ns = kT + static_cast<StampNs>(seq);
    header.count = 1;
    const EventIdentity identity{};
    EventHead head{};
    head.length = fbb.GetSize();
    book.apply(
        RecordView{&header, {}, {}, {&identity, 1}, {&head, 1}, {fbb.GetBufferPointer(), fbb.GetSize()}});
}

void save(AuditBook& book, StateStore& store, Seq applied) {
    Checkpoint c;
    c.applied_seq = applied;
    book.begin_save(c);
    while (book.save_some(2)) {
    }
    store.write(c);
}

TEST(AuditBook, KeepsWhoDidWhatAndLeavesOutWhatNobodyDid) {
    AuditBook book;
    book.facts_of = [](ControlKind, std::string_view, const RecordText&, Seq seq) {
        return AuditFacts{.done = seq != 3, .before = "firing", .after = "acked"};
    };
    feed(book, 1, ControlKind::kTick, "", "");
    feed(book, 2, ControlKind::kAlertAcked, "00ff", R"({"by":"emma","peer":"10.0.0.1:9","note":"mine"})");
    feed(book, 3, ControlKind::kAlertAcked, "00ff", R"({"by":"raj"})");
    feed(book, 4, ControlKind::kWorkflowVersion, "orders", R"({"action":"activate","by":"raj"})");
    feed(book, 5, ControlKind::kWorkflow, "files", "{}");
    uint64_t oldest = 0;
    const auto all = book.recent({}, ~uint64_t{0}, 10, oldest);
    ASSERT_EQ(all.size(), 4u);
    EXPECT_EQ(oldest, 1u);
    EXPECT_EQ(all[3].action, "alert.acked");
    EXPECT_EQ(all[3].by, "emma");
    EXPECT_EQ(all[3].peer, "10.0.0.1:9");
    EXPECT_EQ(all[3].why, "mine");
    EXPECT_EQ(all[3].before, "firing");
    EXPECT_FALSE(all[2].done);
    EXPECT_EQ(all[1].action, "workflow.activate");
    EXPECT_EQ(all[0].by, "configuration");
    AuditFilter alerts;
    alerts.action = "alert.";
    EXPECT_EQ(book.recent(alerts, ~uint64_t{0}, 10, oldest).size(), 2u);
    EXPECT_EQ(book.recent({}, 3, 10, oldest).size(), 2u);
}

TEST(AuditBook, EntriesGoToTheStoreOnceAndTheChainGoesOnBehindARestart) {
    const Folder folder;
    StateStore store({.path = folder.path, .log_id = "log"});
    AuditHead head;
    Seq seq = 1;
    {
        AuditBook book;
        for (int round = 0; round < 4; ++round) {
            for (int i = 0; i < 5; ++i, ++seq)
                feed(book, seq, ControlKind::kAlertAcked, std::to_string(seq), R"({"by":"emma"})");
            save(book, store, seq);
        }
        head = book.head();
    }
    AuditBook book;
    size_t rows = 0;
    store.load([&](auto key, auto value) { ++rows, book.load_row(key, value); });
    EXPECT_EQ(rows, 1u) << "entries are not loaded";
    EXPECT_EQ(book.head().chain, head.chain);
    feed(book, seq, ControlKind::kAlertAcked, "x", R"({"by":"raj"})");
    save(book, store, seq + 1);

    AuditHash chain{};
    uint64_t number = 0;
    store.scan_audit([&](const AuditEntry& e) {
        EXPECT_EQ(e.number, ++number);
        EXPECT_EQ(audit_chain(chain, e), e.chain);
        chain = e.chain;
        return true;
    });
    EXPECT_EQ(number, 21u);
    ASSERT_TRUE(store.audit_head());
    EXPECT_EQ(store.audit_head()->chain, chain);
    std::vector<uint64_t> back;
    store.scan_audit_back(20, [&](const AuditEntry& e) {
        back.push_back(e.number);
        return back.size() < 3;
    });
    EXPECT_EQ(back, (std::vector<uint64_t>{19, 18, 17}));
}

TEST(AuditBook, WhileACheckpointIsCopiedEntriesMayCome) {
    AuditBook book;
    test::Rows whole;
    Seq seq = 1;
    for (; seq <= 10; ++seq) feed(book, seq, ControlKind::kAlertAcked, "a", R"({"by":"emma"})");
    Checkpoint c;
    book.begin_save(c);
    size_t parts = 0;
    while (book.save_some(3)) {
        ++parts;
        feed(book, seq++, ControlKind::kAlertAcked, "a", R"({"by":"emma"})");
    }
    EXPECT_EQ(parts, 3u);
    EXPECT_EQ(c.rows(), 11u) << "ten entries and the end of the chain";
    Checkpoint next;
    book.begin_save(next);
    while (book.save_some(100)) {
    }
    EXPECT_EQ(next.rows(), 4u);
}

TEST(AuditChain, AnyChangeOfAnEntryChangesItsHash) {
    AuditEntry e;
    e.number = 7;
    e.action = "a";
    e.by = "b";
    const AuditHash before{}, chain = audit_chain(before, e);
    AuditHash other{};
    other[31] = 1;
    EXPECT_NE(audit_chain(other, e), chain);
    AuditEntry changed = e;
    changed.action = "ab";
    changed.by = "";
    EXPECT_NE(audit_chain(before, changed), chain) << "texts do not run into one another";
    changed = e;
    changed.number = 8;
    EXPECT_NE(audit_chain(before, changed), chain);
    changed = e;
    changed.done = false;
    EXPECT_NE(audit_chain(before, changed), chain);
}

TEST(AuditBook, EntriesOfARegionAreGivenOnceBySequence) {
    AuditBook book;
    book.facts_of = [](ControlKind, std::string_view, const RecordText&, Seq seq) {
        AuditFacts facts;
        facts.region = seq % 2 == 0 ? uint16_t{3} : kRegionNone;
        return facts;
    };
    for (Seq seq = 1; seq <= 8; ++seq) feed(book, seq, ControlKind::kAlertAcked, "00ff", R"({"by":"emma"})");
    uint64_t oldest = 0;
    const auto some = book.regional(3, 3, 8, oldest);
    ASSERT_EQ(some.size(), 2u);
    EXPECT_EQ(some[0].seq, 4u);
    EXPECT_EQ(some[1].seq, 6u);
    EXPECT_EQ(oldest, 0u) << "nothing of it is with a store";
    EXPECT_EQ(book.regional(3, 1, 8, oldest).size(), 3u);
    EXPECT_EQ(oldest, 1u) << "what is older than the first entry is with a store, if anything is";
    EXPECT_TRUE(book.regional(2, 1, 9, oldest).empty());
    EXPECT_EQ(book.audited_to(), 9u);
    // The region is a part of what is chained, and comes back from a store.
    RowWriter row;
    put_audit_entry(row, some[0]);
    const auto again = get_audit_entry(some[0].number, row.bytes());
    ASSERT_TRUE(again);
    EXPECT_EQ(again->region, 3);
    EXPECT_TRUE(again->done);
    AuditEntry other = *again;
    other.region = kRegionNone;
    EXPECT_NE(audit_chain({}, other), audit_chain({}, *again));
}

}  // namespace
}  // namespace penstock

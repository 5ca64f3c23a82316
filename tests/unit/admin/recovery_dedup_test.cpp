#include <gtest/gtest.h>
#include <unistd.h>
#include <xxhash.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>

#include "admin/appliance_recovery.h"
#include "tests/support/manual_clock.h"
#include "tests/support/seed.h"

namespace penstock::test {
namespace {

namespace fs = std::filesystem;

constexpr StampNs kT = 1'767'225'600'000'000'000;
constexpr int64_t kSecond = 1'000'000'000, kWindow = 100 * kSecond;

/// A log of identities, received at times of our choice, with its runs.
class RecoveryDedup : public testing::Test {
  protected:
    RecoveryDedup() {
        std::string pattern = (fs::temp_directory_path() / "penstock-runs-XXXXXX").string();
        folder_ = ::mkdtemp(pattern.data());
        log_ = std::make_unique<EventLog>(EventLog::Options{folder_ + "/log", 64 << 20, false});
    }
    ~RecoveryDedup() override {
        std::error_code ignored;
        log_.reset();
        fs::remove_all(folder_, ignored);
    }

    static EventIdentity identity(uint64_t n, uint64_t content = 1) {
        const XXH128_hash_t h = XXH3_128bits(&n, sizeof n);
        return {{h.low64, h.high64}, content << 16};
    }
    /// Identities first_id, first_id + 1, ...; received from `at` on.
    void append(uint64_t first_id, uint32_t count, StampNs at) {
        RecordHeader header{};
        header.magic = kRecordMagic;
        header.version = kRecordVersion;
        header.kind = RecordKind::kEvents;
        header.first_seq = next_seq_;
        header.base_stamp_ns = at;
        header.count = count;
        std::vector<EventIdentity> identities;
        std::vector<EventHead> heads(count);
        for (uint32_t i = 0; i < count; ++i) identities.push_back(identity(first_id + i));
        const RecordView view{&header, {}, {}, identities, heads, {}};
        log_->append({&view, 1});
        next_seq_ += count;
        last_ = at + count - 1;
    }
    IdentityRunWriter writer(size_t entries_max = 1000) const {
        return IdentityRunWriter({folder_ + "/dedup", kWindow, entries_max}, *log_);
    }
    std::vector<fs::path> files() const {
        std::vector<fs::path> out;
        for (const auto& entry : fs::directory_iterator(folder_ + "/dedup")) out.push_back(entry.path());
        std::sort(out.begin(), out.end());
        return out;
    }
    DedupStage recovered(const IdentityRunWriter* runs) const {
        DedupStage dedup({kWindow});
        ManualClock clock(last_);
        recover_dedup(*log_, runs, dedup, kWindow, clock);
        return dedup;
    }
    /// Of an event with this identity that comes now.
    Verdict verdict(DedupStage& dedup, const EventIdentity& id, StampNs now) {
        batch_->clear();
        work_->clear();
        work_->batch = batch_.get();
        work_->begin = 0;
        batch_->header.count = 1;
        batch_->heads[0] = EventHead{};
        batch_->identities[0] = id;
        work_->raw_of[0] = 0;
        work_->verdicts.push_back(Verdict::kAccepted);
        dedup.do_work(*work_, now);
        return work_->verdicts[0];
    }

    std::string folder_;
    std::unique_ptr<EventLog> log_;
    Seq next_seq_ = 1;
    StampNs last_ = 0;
    std::unique_ptr<EventBatch> batch_ = std::make_unique<EventBatch>();
    std::unique_ptr<WorkBatch> work_ = std::make_unique<WorkBatch>();
};

TEST_F(RecoveryDedup, SortedRunsAndTheLogsTailGiveWhatTheWholeLogGives) {
    SCOPED_TRACE(seed_note());
    Random random;
    IdentityRunWriter runs = writer();
    std::map<uint64_t, StampNs> received;
    uint64_t id = 1;
    StampNs at = kT;
    for (int record = 0; record < 400; ++record, at += static_cast<int64_t>(random.below(kSecond))) {
        const auto count = static_cast<uint32_t>(random.below(60) + 1);
        append(id, count, at);
        for (uint32_t i = 0; i < count; ++i) received[id + i] = at + i;
        id += count;
        if (random.chance(30)) runs.collect(at);
    }
    ASSERT_GT(files().size(), 5u);
    fs::remove(files()[files().size() / 2]);  // a gap, that the log fills
    DedupStage with = recovered(&runs), without = recovered(nullptr);
    EXPECT_NEAR(static_cast<double>(with.keys()), static_cast<double>(without.keys()), 60)
        << "a record at the edge";
    for (const auto& [known, stamp] : received) {
        if (stamp < last_ - kWindow + kSecond) continue;  // a record, or a tick, at the edge of the window
        ASSERT_EQ(verdict(with, identity(known), last_), Verdict::kDuplicate) << known;
        ASSERT_EQ(verdict(with, identity(known, 2), last_), Verdict::kRefused) << known;
    }
    // They expire when their time has come, to a tick.
    for (const auto& [known, stamp] : received) {
        const StampNs before = stamp + kWindow - kSecond / 10, after = stamp + kWindow + kSecond / 10;
        if (stamp < last_ - kWindow / 2 || before < last_) continue;
        DedupStage fresh = recovered(&runs);
        EXPECT_EQ(verdict(fresh, identity(known), before), Verdict::kDuplicate);
        EXPECT_EQ(verdict(fresh, identity(known), after + kSecond), Verdict::kAccepted);
        if (random.chance(90)) break;
    }
}

TEST_F(RecoveryDedup, ARunThatIsDamagedTornOrOfAnotherLogIsReadFromTheLogInstead) {
    {
        IdentityRunWriter runs = writer();
        for (uint64_t id = 1; id < 9'000; id += 50)
            append(id, 50, kT + static_cast<int64_t>(id) * 1'000'000), runs.collect(last_);
    }
    ASSERT_GT(files().size(), 4u);
    {
        std::fstream flipped(files()[0], std::ios::in | std::ios::out | std::ios::binary);
        flipped.seekp(500);
        flipped.put('\x5a');
    }
    fs::resize_file(files()[1], fs::file_size(files()[1]) - 24);
    fs::resize_file(files()[2], 10);
    std::ofstream(folder_ + "/dedup/00000000000000000001.run.partial") << "a crash left it";
    const IdentityRunWriter runs = writer();
    EXPECT_EQ(runs.open_runs(last_).size(), files().size() - 4);
    DedupStage dedup = recovered(&runs);
    EXPECT_EQ(dedup.keys(), next_seq_ - 1);
    for (uint64_t id = 1; id < next_seq_; id += 7)
        ASSERT_EQ(verdict(dedup, identity(id), last_), Verdict::kDuplicate);

    // Another log, with the same sequences: nothing of these runs is its own.
    log_.reset();
    fs::remove_all(folder_ + "/log");
    log_ = std::make_unique<EventLog>(EventLog::Options{folder_ + "/log", 64 << 20, false});
    next_seq_ = 1;
    append(100'000, 50, kT);
    EXPECT_TRUE(writer().open_runs(last_).empty());
}

TEST_F(RecoveryDedup, ARunOfWhatTheLogLostIsNotBelieved) {
    // As a log that was restored from a backup: the same log, shorter, and then with other events.
    IdentityRunWriter runs = writer();
    append(1, 600, kT);
    const Seq shorter = next_seq_;
    fs::copy(folder_ + "/log", folder_ + "/older");
    append(601, 600, kT + kSecond);
    runs.collect(last_);
    runs.collect(last_);
    ASSERT_EQ(files().size(), 1u);
    log_.reset();
    fs::remove_all(folder_ + "/log");
    fs::rename(folder_ + "/older", folder_ + "/log");
    log_ = std::make_unique<EventLog>(EventLog::Options{folder_ + "/log", 64 << 20, false});
    next_seq_ = shorter;
    last_ = kT + kSecond;
    const IdentityRunWriter again = writer();
    EXPECT_TRUE(again.open_runs(last_).empty()) << "it ends after the log";
    append(5'000, 600, kT + 2 * kSecond);
    EXPECT_TRUE(again.open_runs(last_).empty()) << "its last event was received at another time";
    DedupStage dedup = recovered(&again);
    EXPECT_EQ(verdict(dedup, identity(700), last_), Verdict::kAccepted);
    EXPECT_EQ(verdict(dedup, identity(5'001), last_), Verdict::kDuplicate);
}

TEST_F(RecoveryDedup, RunsOlderThanTheWindowGo) {
    IdentityRunWriter runs = writer();
    StampNs at = kT;
    for (uint64_t id = 1; id < 40'000; id += 100, at += kSecond) append(id, 100, at), runs.collect(at);
    EXPECT_LE(files().size(), 25u);
    EXPECT_GE(files().size(), 15u);
    // A writer that starts again goes on where the last run ends.
    IdentityRunWriter next = writer();
    const auto before = files();
    next.collect(at);
    for (int i = 0; i < 20; ++i, at += kSecond)
        append(100'000 + static_cast<uint64_t>(i) * 100, 100, at), next.collect(at);
    const auto found = next.open_runs(at);
    for (size_t i = 1; i < found.size(); ++i)
        EXPECT_EQ(found[i]->header().first_seq, found[i - 1]->header().end_seq);
    EXPECT_NE(files(), before);
}

}  // namespace
}  // namespace penstock::test

// What became of each dead letter, as the log tells it: open, retried and with what outcome, or dropped.
#pragma once

#include <absl/container/flat_hash_set.h>

#include <array>
#include <atomic>
#include <limits>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "pipeline/dead_letter.h"
#include "pipeline/state_machine.h"

namespace penstock {

/// One line of a letter's history.
struct LetterAction {
    Seq seq = 0;  ///< of its control record
    StampNs stamp_ns = 0;
    bool drop = false;
    std::string by, note;
    // Of a retry.
    bool edited = false;
    RetryOutcome outcome = RetryOutcome::kUnknown;  ///< unknown: the appliance ended before it was durable
    Seq result_seq = 0;                             ///< of the stored event, or of the new dead letter
    Refusal cause = Refusal::kNone;                 ///< of the new dead letter
    Seq event = 0;                                  ///< that a region had refused; it is stored again
};

/// A letter without history is open, and costs nothing here.
struct LetterFate {
    Seq retry_of = 0;  ///< the letter whose retry led to this one; 0: none
    std::vector<LetterAction> actions;

    LetterStatus status() const {
        if (actions.empty()) return LetterStatus::kOpen;
        if (actions.back().drop) return LetterStatus::kDropped;
        return actions.back().outcome == RetryOutcome::kUnknown ? LetterStatus::kOpen
                                                                : LetterStatus::kRetried;
    }
};

/// Applied by one thread, read by any. Memory: an entry for each letter with a history, and 16 bytes for each
/// 1,024 sequences that hold letters; both go when the log says that retention has taken them.
class DeadLetterBook final : public StateMachine {
  public:
    using Counts = std::array<uint64_t, kLetterStatusNames.size()>;
    static constexpr Seq kNever = std::numeric_limits<Seq>::max();

    uint8_t row_prefix() const override { return 'D'; }
    void apply(const RecordView& record) override;
    void begin_save(Checkpoint& out) override;
    bool save_some(size_t) override { return false; }
    void load_row(std::span<const uint8_t> key, std::span<const uint8_t> value) override;
    void loaded(StampNs) override {}

    /// What is known below `durable`: records at or above it may yet be lost.
    LetterFate fate(Seq letter, Seq durable = kNever) const;
    /// Letters in the log by status; up to 1,024 sequences at its front count though they have just gone.
    Counts counts() const;
    /// An event that a region refused has been stored again.
    bool stored_again(Seq event) const;
    /// Once the log begins here or later, a record kDeadLettersExpired is due for all below. kNever: none.
    Seq expires_at() const { return expires_at_.load(std::memory_order_acquire); }

  private:
    static constexpr Seq kBucketSeqs = 1024;

    void apply_control(const RecordView& record);
    void expire(Seq below);
    LetterFate& change(Seq letter);
    void finish(Seq letter, RetryOutcome outcome, Seq result, Refusal cause);
    void count(const LetterFate& fate, int64_t n);
    void count_letters(Seq bucket, uint32_t n);

    mutable std::mutex mutex_;         // guards what follows
    std::map<Seq, uint32_t> buckets_;  ///< sequence / kBucketSeqs -> letters, whatever their status
    std::map<Seq, LetterFate> fates_;  ///< letters with a history
    std::set<Seq> dirty_buckets_, dirty_fates_;
    absl::flat_hash_set<Seq> stored_again_;
    uint64_t letters_ = 0, retried_ = 0, dropped_ = 0;

    std::atomic<Seq> expires_at_{kNever};
};

}  // namespace penstock

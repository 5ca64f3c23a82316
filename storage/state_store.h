// Checkpoints of the state machines in a second LMDB environment, `state/`: rows, and the log sequence up to
// which they hold everything, in one transaction.
#pragma once

#include <lmdb.h>

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "pipeline/seal.h"
#include "pipeline/state_machine.h"
#include "schemas/audit.h"

namespace penstock {

/// In the order in which a store keeps them; of a key that is erased and put, what is put.
std::vector<Checkpoint::Row> sorted_rows(const Checkpoint& checkpoint);

/// One writer thread.
class StateStore {
  public:
    struct Options {
        std::string path;  ///< the folder `state/`; created when missing
        std::string log_id;
        uint64_t bytes_max = 64ULL << 30;
        bool read_only = false;  ///< also beside the appliance that writes it
        /// Where they have a common key, all rows are kept sealed by it, except the audit trail, which holds
        /// nothing of events. It outlives the store.
        const SealKeys* keys = nullptr;
    };
    /// Throws LogError; also when the state belongs to another log.
    explicit StateStore(const Options& options);
    ~StateStore();
    StateStore(const StateStore&) = delete;
    StateStore& operator=(const StateStore&) = delete;

    /// Durable on return.
    void write(const Checkpoint& checkpoint);
    /// State holds every record below it; 1: nothing yet.
    Seq applied_seq() const { return applied_seq_; }
    using Row = std::function<void(std::span<const uint8_t> key, std::span<const uint8_t> value)>;
    /// In key order. Returns the applied sequence of these rows.
    Seq load(const Row& row) const;
    /// Entries of the audit trail from the newest below `before` backwards, until `visit` answers false. They
    /// are no part of what load() gives. Any thread.
    void scan_audit_back(uint64_t before, const std::function<bool(const AuditEntry&)>& visit) const;
    /// Where the trail ends, as the rows have it; nothing: there is none.
    std::optional<AuditHead> audit_head() const;
    /// All of them from the first on; a row that is no entry throws LogError.
    void scan_audit(const std::function<bool(const AuditEntry&)>& visit) const;

  private:
    void write_in_one(const Checkpoint& checkpoint);
    /// Seals all rows, or opens them, where the configuration has changed.
    void follow_keys(MDB_txn* txn);
    std::vector<uint8_t> opened(const MDB_val& key, const MDB_val& value) const;
    Seq read_applied_seq(MDB_txn* txn) const;

    const std::string path_;
    const SealKeys* const keys_;
    const SealKey* seal_ = nullptr;  ///< of what is written; null: it is in the clear
    bool sealed_ = false;            ///< what is stored
    MDB_env* env_ = nullptr;
    MDB_dbi rows_ = 0, audit_ = 0, meta_ = 0;
    Seq applied_seq_ = 1;
};

}  // namespace penstock

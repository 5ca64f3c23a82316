// Checkpoints of the state machines in a second LMDB environment, `state/`: rows, and the log sequence up to
// which they hold everything, in one transaction.
#pragma once

#include <lmdb.h>

#include <functional>
#include <span>
#include <string>

#include "pipeline/state_machine.h"

namespace penstock {

/// One writer thread.
class StateStore {
  public:
    struct Options {
        std::string path;  ///< the folder `state/`; created when missing
        std::string log_id;
        uint64_t bytes_max = 64ULL << 30;
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
    /// In key order.
    void load(
        const std::function<void(std::span<const uint8_t> key, std::span<const uint8_t> value)>& row) const;

  private:
    MDB_env* env_ = nullptr;
    MDB_dbi rows_ = 0, meta_ = 0;
    Seq applied_seq_ = 1;
};

}  // namespace penstock

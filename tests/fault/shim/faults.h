// What a test tells the preloaded shim, and what the shim tells back: one page of a file that both map.
#pragma once

#include <atomic>
#include <cstdint>

namespace penstock::test {

/// PENSTOCK_FAULTS names the file.
struct Faults {
    std::atomic<int> sync_error;         ///< errno of fdatasync and fsync on log/data.mdb; 0: as it is
    std::atomic<int> write_error;        ///< errno of every write to log/data.mdb
    std::atomic<int64_t> clock_step_ns;  ///< added to the wall clock
    std::atomic<uint64_t> syncs_failed, syncs_after_failure, writes_failed;
};

}  // namespace penstock::test

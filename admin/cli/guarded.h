// Work that may touch damaged pages of a mapped file. LMDB's pages carry no checksum: reading a damaged one
// can end the process (SIGBUS, SIGSEGV, or an assertion inside LMDB).
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

namespace penstock::cli {

/// Seen by both processes: how far the work has come when it ends badly.
struct GuardedProgress {
    std::atomic<uint64_t> seq{0};  ///< log sequence that is being read
};

/// Runs `work` in a child process and returns its exit code. Where the child is killed by such a signal, says
/// so on stderr, with the sequence that was being read, and returns kDamaged; `on_crash` may add an answer of
/// its own. The child opens what it needs itself: LMDB must not be carried over a fork. Before any thread is
/// started.
int run_guarded(const std::function<int(GuardedProgress&)>& work,
                const std::function<void(const GuardedProgress&)>& on_crash = {});

}  // namespace penstock::cli

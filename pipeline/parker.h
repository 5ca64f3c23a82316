// A thread that has nothing to do sleeps here; its peer wakes it, and pays for the system call only when it
// really sleeps.
#pragma once

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <ctime>

namespace penstock {

/// What the parker and the ring need of the machine. The tests have another, which explores interleavings.
struct FutexPlatform {
    template <typename T>
    using Atomic = std::atomic<T>;
    /// Sleeps while `word` is `expected`: until it is woken, or the timeout.
    static void wait(Atomic<uint32_t>& word, uint32_t expected, int64_t timeout_ns) {
        timespec ts{timeout_ns / 1'000'000'000, timeout_ns % 1'000'000'000};
        syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, expected, &ts, nullptr, 0);
    }
    static void wake_one(Atomic<uint32_t>& word) {
        syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
    }
    static_assert(sizeof(Atomic<uint32_t>) == 4, "a futex word has 32 bits");
};

/// One sleeper, any number of wakers. A wake that comes between the sleeper's last look and its sleep is
/// not lost: prepare() announces the sleep, the sleeper looks once more, then parks.
///
///     parker.prepare();
///     if (work_is_there()) parker.cancel(); else parker.park(timeout_ns);
template <typename Platform = FutexPlatform>
class BasicParker {
  public:
    void prepare() { state_.store(kSleeping, std::memory_order_seq_cst); }
    void cancel() { state_.store(kAwake, std::memory_order_relaxed); }

    /// Sleeps until unpark() or the timeout.
    void park(int64_t timeout_ns) {
        if (state_.load(std::memory_order_acquire) == kSleeping)
            Platform::wait(state_, kSleeping, timeout_ns);
        state_.store(kAwake, std::memory_order_relaxed);
    }

    /// Call after the work has been made visible. Returns whether a system call was made.
    bool unpark() {
        if (state_.load(std::memory_order_seq_cst) == kAwake) return false;
        if (state_.exchange(kAwake, std::memory_order_seq_cst) == kAwake) return false;
        Platform::wake_one(state_);
        return true;
    }

  private:
    static constexpr uint32_t kAwake = 0, kSleeping = 1;
    alignas(64) typename Platform::template Atomic<uint32_t> state_{kAwake};
};
using Parker = BasicParker<>;

}  // namespace penstock

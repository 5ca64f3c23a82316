// Looks for work for a while before the thread sleeps. A sleeping thread on a processor of a virtual machine
// may come back a millisecond late, when its host has given the processor away meanwhile.
#pragma once

#include <sched.h>

#include <cstdint>

#include "pipeline/clock.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace penstock {

/// One thread. Spins only while work comes in quick succession: after a wait that was longer than the limit
/// the next ones sleep at once, until one of them is short again. So an idle thread costs nothing.
class SpinWait {
  public:
    /// `limit_ns`: longest spin; 0: never.
    explicit SpinWait(int64_t limit_ns) : limit_ns_(limit_ns) {}

    /// Returns when `ready()` holds; else calls `sleep()` once the limit has passed. Gives the processor to
    /// whoever waits for it between two looks.
    template <typename Ready, typename Sleep>
    void wait(Ready ready, Sleep sleep) {
        const int64_t began_ns = monotonic_now_ns();
        if (worth_it_ && limit_ns_ > 0) {
            do {
                for (int look = 0; look < kLooks; ++look) {
                    if (ready()) return;
                    pause();
                }
                sched_yield();
            } while (monotonic_now_ns() - began_ns < limit_ns_);
        }
        sleep();
        worth_it_ = monotonic_now_ns() - began_ns < limit_ns_;
    }

  private:
    static constexpr int kLooks = 16;  // about half a microsecond
    static void pause() {
#if defined(__x86_64__)
        _mm_pause();
#endif
    }

    const int64_t limit_ns_;
    bool worth_it_ = false;
};

}  // namespace penstock

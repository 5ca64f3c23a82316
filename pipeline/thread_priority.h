// What a thread asks of the scheduler.
#pragma once

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace penstock {

/// For threads that work some ten microseconds at a time and are waited for: with a slice of 0.1 ms instead
/// of about 3 they do not queue behind a thread that copies pages. Needs no privilege; kernels before 6.12
/// have no such wish, and nothing changes there. Returns whether it was granted.
inline bool ask_for_short_slice(uint64_t slice_ns = 100'000) {
    struct {  // the kernel's struct sched_attr, version 0; its header and the C library's exclude each other
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime_ns, deadline_ns, period_ns;
    } attributes{};
    static_assert(sizeof attributes == 48);
    attributes.size = sizeof attributes;
    attributes.runtime_ns = slice_ns;  // policy 0: SCHED_OTHER, nice 0
    return syscall(SYS_sched_setattr, 0, &attributes, 0) == 0;
}

/// For a thread that may come after the others when processors are few; 1 to 19, the more the later. Threads
/// that it starts later inherit that.
inline void yield_to_others(int nice) { setpriority(PRIO_PROCESS, 0, nice); }  // 0: this thread, on Linux

}  // namespace penstock

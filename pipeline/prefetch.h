#pragma once

namespace penstock {

/// Asks for the line of memory at `p`, which may be any address. GCC takes a function that does nothing else
/// for one without effect and leaves out calls of it; the empty statement keeps them.
inline void prefetch_line(const void* p) {
    __builtin_prefetch(p);
    asm volatile("");
}

}  // namespace penstock

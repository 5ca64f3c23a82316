// A record's heap as an LZ4 block: events of one batch resemble each other, and what is not written need not
// be copied, synced or kept. Chosen by measurement: docs/decisions/0015-packed-heaps.md.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace penstock {

/// One thread.
class HeapPacker {
  public:
    HeapPacker();
    /// The block, valid until the next call; empty where it would save less than an eighth.
    std::span<const uint8_t> pack(std::span<const uint8_t> heap);

  private:
    std::vector<uint64_t> state_;  ///< LZ4's
    std::vector<uint8_t> block_;
};

/// Fills `heap`, whose length must be what was packed. False: `block` is damaged.
bool unpack_heap(std::span<const uint8_t> block, std::span<uint8_t> heap);

}  // namespace penstock

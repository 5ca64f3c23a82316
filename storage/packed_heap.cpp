#include "storage/packed_heap.h"

#include <lz4.h>

namespace penstock {
namespace {

/// Smaller ones save no page, and LZ4 prepares its table of 16 KB for each.
constexpr size_t kHeapBytesMin = 2048;

const char* chars(const uint8_t* bytes) { return reinterpret_cast<const char*>(bytes); }
char* chars(uint8_t* bytes) { return reinterpret_cast<char*>(bytes); }

}  // namespace

HeapPacker::HeapPacker() : state_((static_cast<size_t>(LZ4_sizeofState()) + 7) / 8) {}

std::span<const uint8_t> HeapPacker::pack(std::span<const uint8_t> heap) {
    if (heap.size() < kHeapBytesMin || heap.size() > LZ4_MAX_INPUT_SIZE) return {};
    const size_t most = heap.size() - heap.size() / 8;
    if (block_.size() < most) block_.resize(most);
    const int n = LZ4_compress_fast_extState(state_.data(), chars(heap.data()), chars(block_.data()),
                                             static_cast<int>(heap.size()), static_cast<int>(most), 1);
    return {block_.data(), static_cast<size_t>(n)};  // 0: there was not enough room
}

bool unpack_heap(std::span<const uint8_t> block, std::span<uint8_t> heap) {
    const int n = LZ4_decompress_safe(chars(block.data()), chars(heap.data()), static_cast<int>(block.size()),
                                      static_cast<int>(heap.size()));
    return n >= 0 && static_cast<size_t>(n) == heap.size();
}

}  // namespace penstock

// XXH3-64 over bytes that do not lie together.
#pragma once

#include <xxhash.h>

#include <cstdint>
#include <memory>
#include <new>
#include <span>

namespace penstock {

/// One thread. Made once and used again: its state is half a kilobyte.
class StreamHash {
  public:
    StreamHash() : state_(XXH3_createState()) {
        if (!state_) throw std::bad_alloc();
        reset();
    }
    void reset() { XXH3_64bits_reset(state_.get()); }
    StreamHash& add(const void* data, size_t size) {
        XXH3_64bits_update(state_.get(), data, size);
        return *this;
    }
    StreamHash& add(std::span<const uint8_t> bytes) { return add(bytes.data(), bytes.size()); }
    uint64_t digest() const { return XXH3_64bits_digest(state_.get()); }

  private:
    struct Free {
        void operator()(XXH3_state_t* s) const { XXH3_freeState(s); }
    };
    std::unique_ptr<XXH3_state_t, Free> state_;
};

}  // namespace penstock

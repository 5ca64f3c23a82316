// An array that grows without a pause and never moves what it holds: small pages first, so that few elements
// take little memory, and large ones then, so that the table of pages of millions stays in the first cache.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <new>
#include <vector>

namespace penstock {

/// One thread. Pages of 8 to 16 KiB, and of 0.5 to 1 MiB when there are 64 of these. Memory of a page is not
/// touched before its elements are made.
template <typename T>
class PagedArray {
  public:
    PagedArray() = default;
    PagedArray(const PagedArray&) = delete;
    PagedArray& operator=(const PagedArray&) = delete;
    ~PagedArray() {
        for (uint32_t i = 0; i < size_; ++i) (*this)[i].~T();
        for (T* page : pages_) ::operator delete(page, kLine);
    }

    uint32_t size() const { return size_; }
    T& operator[](uint32_t i) { return *at(i); }
    const T& operator[](uint32_t i) const { return *at(i); }

    /// As `T` is when it is default-initialised: plain members have no value yet.
    T& add() {
        if (size_ == room_) {
            const uint32_t elements = size_ < kLarge ? kSmall : kLarge;
            pages_.push_back(static_cast<T*>(::operator new(elements * sizeof(T), kLine)));
            room_ += elements;
        }
        return *::new (static_cast<void*>(at(size_++))) T;
    }

    size_t bytes() const { return size_t{room_} * sizeof(T) + pages_.capacity() * sizeof(T*); }

  private:
    /// Elements of 32 bytes lie in one line each, and need be asked for once.
    static constexpr std::align_val_t kLine{64};
    static constexpr uint32_t kSmall = std::bit_floor(uint32_t{16'384 / sizeof(T)}), kSmallPages = 64,
                              kLarge = kSmall * kSmallPages;

    T* at(uint32_t i) const {
        return i < kLarge ? pages_[i / kSmall] + i % kSmall
                          : pages_[kSmallPages - 1 + i / kLarge] + i % kLarge;
    }

    std::vector<T*> pages_;
    uint32_t size_ = 0, room_ = 0;
};

}  // namespace penstock

// A list that only grows, read while it does.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <stdexcept>

namespace penstock {

/// One thread appends; any may read meanwhile what was there, and it stays where it is.
template <typename T, size_t kMax>
class GrowingList {
  public:
    size_t size() const { return size_.load(std::memory_order_acquire); }
    bool empty() const { return size() == 0; }
    const std::unique_ptr<T>& operator[](size_t i) const { return items_[i]; }
    const std::unique_ptr<T>& back() const { return items_[size() - 1]; }
    const std::unique_ptr<T>* begin() const { return items_.data(); }
    const std::unique_ptr<T>* end() const { return items_.data() + size(); }
    /// Throws std::length_error when it is full.
    void push_back(std::unique_ptr<T> item) {
        const size_t at = size();
        if (at == kMax) throw std::length_error("a list has reached its bound");
        items_[at] = std::move(item);
        size_.store(at + 1, std::memory_order_release);
    }

  private:
    std::array<std::unique_ptr<T>, kMax> items_;
    std::atomic<size_t> size_{0};
};

}  // namespace penstock

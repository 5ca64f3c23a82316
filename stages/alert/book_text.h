// What the parts of the book of alerts share. Private to them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <vector>

namespace penstock {

/// Who did what no person did.
inline constexpr std::string_view kSelf = "penstock";

uint64_t alert_hash(std::initializer_list<std::string_view> texts, uint64_t a, uint64_t b);

template <typename T>
void keep_last(std::vector<T>& list, size_t max) {
    if (list.size() > max) list.erase(list.begin(), list.end() - static_cast<ptrdiff_t>(max));
}

}  // namespace penstock

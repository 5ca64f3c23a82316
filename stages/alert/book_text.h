// What the parts of the book of alerts share. Private to them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "stages/alert/notice.h"

namespace penstock {

/// Who did what no person did.
inline constexpr std::string_view kSelf = "penstock";

uint64_t alert_hash(std::initializer_list<std::string_view> texts, uint64_t a, uint64_t b);

NoticeAlert snapshot_of(const Alert& alert, std::string_view kind, const std::string& reason);

inline bool holds(const std::vector<std::string>& list, std::string_view name) {
    return std::find(list.begin(), list.end(), name) != list.end();
}

/// Appends to a list that people read.
inline void note(std::string& list, std::string_view text, std::string_view between = ", ") {
    if (!list.empty()) list += between;
    list += text;
}

/// "oncall in 30s", of what waits for others.
std::string waits_text(const std::string& target, int64_t wait_ns);

template <typename T>
void keep_last(std::vector<T>& list, size_t max) {
    if (list.size() > max) list.erase(list.begin(), list.end() - static_cast<ptrdiff_t>(max));
}

}  // namespace penstock

// What changed between two documents, line by line.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::http {

struct DiffLine {
    enum class Op : uint8_t { kSame, kRemoved, kAdded };
    Op op;
    std::string text;
};

/// The shortest way from `before` to `after`; where that is longer than some thousand lines, what is between
/// their common beginning and end is told as replaced.
std::vector<DiffLine> diff_lines(std::string_view before, std::string_view after);

/// JSON with a member or an element a line; text that is no JSON as it is.
std::string pretty_json(std::string_view document);

}  // namespace penstock::http

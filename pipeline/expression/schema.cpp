#include "pipeline/expression/schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <stdexcept>

namespace penstock {
namespace {

constexpr std::string_view name_of(Type::Kind kind) {
    constexpr std::array<std::string_view, 10> kNames = {"dyn",    "null",      "bool",     "int",  "double",
                                                         "string", "timestamp", "duration", "list", "map"};
    return kNames[static_cast<size_t>(kind)];
}

/// Levenshtein's distance, upper and lower case being the same.
size_t edits(std::string_view a, std::string_view b) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    std::vector<size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), size_t{0});
    for (size_t i = 0; i < a.size(); ++i) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < b.size(); ++j) {
            const size_t replaced = diagonal + (lower(a[i]) != lower(b[j]));
            diagonal = row[j + 1];
            row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
        }
    }
    return row.back();
}

}  // namespace

std::string text_of(Type type) {
    const auto inner = [&] {
        const bool nested = type.element == Type::Kind::kList || type.element == Type::Kind::kMap;
        return nested ? text_of(Type{type.element, Type::Kind::kDyn}) : std::string(name_of(type.element));
    };
    if (type.is(Type::Kind::kList)) return fmt::format("list<{}>", inner());
    if (type.is(Type::Kind::kMap)) return fmt::format("map<string, {}>", inner());
    return std::string(name_of(type.kind));
}

Schema::Schema(std::vector<Variable> variables) : variables_(std::move(variables)) {
    for (size_t i = 0; i < variables_.size(); ++i)
        if (find(variables_[i].name) != &variables_[i])
            throw std::invalid_argument(fmt::format("two variables are named {}", variables_[i].name));
}

const Variable* Schema::find(std::string_view name) const {
    const auto found = std::find_if(variables_.begin(), variables_.end(),
                                    [&](const Variable& variable) { return variable.name == name; });
    return found == variables_.end() ? nullptr : &*found;
}

std::string_view nearest(std::string_view name, std::span<const std::string_view> known) {
    if (name.size() > 64) return {};
    std::string_view best;
    size_t fewest = std::max<size_t>(1, name.size() / 3) + 1;
    for (const std::string_view one : known)
        if (const size_t n = edits(name, one); n < fewest) {
            fewest = n;
            best = one;
        }
    return best;
}

}  // namespace penstock

// What an expression may name: variables and their static types.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace penstock {

/// A type that is known before any event is. A list's elements and a map's values have one type, which is not
/// itself looked into: lists of lists have elements of type list<dyn>.
struct Type {
    enum class Kind : uint8_t {
        kDyn,  ///< known only when evaluated, as all that comes from JSON
        kNull,
        kBool,
        kInt,
        kDouble,
        kString,
        kTimestamp,
        kDuration,
        kList,
        kMap
    };
    Kind kind = Kind::kDyn;
    Kind element = Kind::kDyn;  ///< of a list, or of a map's values

    static constexpr Type dyn() { return {}; }
    static constexpr Type null() { return {Kind::kNull, Kind::kDyn}; }
    static constexpr Type boolean() { return {Kind::kBool, Kind::kDyn}; }
    static constexpr Type integer() { return {Kind::kInt, Kind::kDyn}; }
    static constexpr Type real() { return {Kind::kDouble, Kind::kDyn}; }
    static constexpr Type string() { return {Kind::kString, Kind::kDyn}; }
    static constexpr Type timestamp() { return {Kind::kTimestamp, Kind::kDyn}; }
    static constexpr Type duration() { return {Kind::kDuration, Kind::kDyn}; }
    static constexpr Type list(Type element) { return {Kind::kList, element.kind}; }
    static constexpr Type map(Type value) { return {Kind::kMap, value.kind}; }

    constexpr bool is(Kind k) const { return kind == k; }
    constexpr bool is_number() const { return kind == Kind::kInt || kind == Kind::kDouble; }
    constexpr Type element_type() const { return {element, Kind::kDyn}; }
    constexpr bool operator==(const Type&) const = default;
};

/// "int", "list<string>", "map<string, dyn>".
std::string text_of(Type type);

struct Variable {
    std::string name;
    Type type;
    uint32_t index = 0;  ///< what Variables is asked by
};

class Schema {
  public:
    /// Throws std::invalid_argument when two have one name.
    explicit Schema(std::vector<Variable> variables);

    const Variable* find(std::string_view name) const;
    std::span<const Variable> variables() const { return variables_; }

  private:
    std::vector<Variable> variables_;
};

/// The one of `known` that `name` was most likely meant to be; empty when none is near.
std::string_view nearest(std::string_view name, std::span<const std::string_view> known);

}  // namespace penstock

// What an expression is compiled into: a tree in an array, and what its nodes point to.
#pragma once

#include <re2/re2.h>

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "pipeline/expression/expression.h"

namespace penstock::expression {

enum class Op : uint8_t {
    kConstant,     ///< a: place in constants
    kVariable,     ///< a: place in uses, b: place in the cache + 1, or 0
    kHasVariable,  ///< a: place in uses
    kLocal,        ///< a: which
    kMember,       ///< a: of what, b: place in paths
    kHasMember,    ///< a: of what, b: place in paths
    kIndex,        ///< a: of what, b: the index
    kList,         ///< a: first place in links, b: count
    kNot,
    kNegate,
    kAdd,
    kSubtract,
    kMultiply,
    kDivide,
    kModulo,
    kLess,
    kLessEqual,
    kGreater,
    kGreaterEqual,
    kEqual,
    kNotEqual,
    kIn,
    kAnd,  ///< a: first place in links, b: count
    kOr,   ///< as kAnd
    kChoose,
    kSize,
    kStartsWith,
    kEndsWith,
    kContains,
    kMatches,  ///< a: the string, b: place in patterns
    kToInt,
    kToDouble,
    kToString,
    kToTimestamp,
    kToDuration,
    kExists,  ///< a: the list, b: the condition, c: which local is the element
    kAll,     ///< as kExists
};

struct Node {
    Op op;
    uint32_t a = 0, b = 0, c = 0;
};

struct Program {
    std::string text;
    Type result, expected;
    std::vector<Node> nodes;  ///< children before parents
    uint32_t root = 0;
    std::vector<uint32_t> links;
    std::vector<Value> constants;
    std::vector<Expression::Use> uses;
    std::vector<std::unique_ptr<RE2>> patterns;
    std::deque<std::string> strings;       ///< that constants and paths borrow from
    std::deque<std::vector<Value>> lists;  ///< that constants borrow from
    std::deque<std::vector<Step>> paths;
    uint32_t locals = 0;  ///< of macros in one another
    uint32_t cached = 0;  ///< variables that are read more than once
};

/// Node `at` of the program, with everything below it.
Value evaluate(const Program& program, uint32_t at, const Variables& variables, Scratch& scratch);
/// The program of a text.
std::shared_ptr<const Program> compile(std::string_view text, const Schema& schema, Type expected);

}  // namespace penstock::expression

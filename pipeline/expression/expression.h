// Expressions over events: a typed subset of CEL, Google's Common Expression Language. docs/expressions.md is
// the language; no side effects, no loops without an end, the same result for the same values everywhere.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include "pipeline/expression/schema.h"
#include "pipeline/expression/value.h"
#include "pipeline/expression/variables.h"

namespace penstock {

namespace expression_limits {
inline constexpr size_t kTextBytesMax = 4096;
inline constexpr size_t kDepthMax = 32;            ///< parentheses, calls, lists, ?: in one another
inline constexpr size_t kNodesMax = 512;           ///< values, operators and functions
inline constexpr size_t kPatternBytesMax = 512;    ///< of matches()
inline constexpr size_t kListElementsMax = 1'000;  ///< that one pass over a list sees
inline constexpr size_t kVisitsMax = 10'000;       ///< elements that an evaluation sees, all passes together
inline constexpr size_t kSearchedBytesMax = 4 << 20;  ///< of strings that an evaluation searches
inline constexpr size_t kMadeBytesMax = 64 * 1024;    ///< of strings and lists that an evaluation makes
}  // namespace expression_limits

/// The text is no expression over the schema. what() is "column 14: what is wrong; how to mend it", with the
/// line before it where the text has several.
struct ExpressionError : std::runtime_error {
    ExpressionError(size_t offset_, uint32_t line_, uint32_t column_, std::string sentence_);

    size_t offset;          ///< in bytes
    uint32_t line, column;  ///< from 1, a column being a code point
    std::string sentence;   ///< without the place
};

/// Memory for strings and lists that an evaluation makes. One evaluation at a time; give the same one to the
/// next. It allocates only for what needs more than a kilobyte, once.
class Scratch {
  public:
    Scratch() = default;
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;

    void clear() { used_ = 0; }
    /// Aligned for a Value; nullptr when all of kMadeBytesMax is taken.
    void* allocate(size_t bytes);
    size_t mark() const { return used_; }
    void back_to(size_t mark) { used_ = mark; }

  private:
    static constexpr size_t kInlineBytes = 1024;
    alignas(16) char inline_[kInlineBytes];
    std::unique_ptr<char[]> more_;
    size_t used_ = 0;
};

namespace expression {
struct Program;
}

/// A compiled expression: immutable, cheap to copy. Any thread, several at once.
class Expression {
  public:
    /// One variable, or one path inside it, that the expression reads.
    struct Use {
        uint32_t variable;
        Path path;           ///< empty: the variable itself, or a member that is computed
        bool only_presence;  ///< has() alone asks for it
    };

    /// Throws ExpressionError. A result of type dyn is taken for any `result`, then looked at when evaluated.
    static Expression compile(std::string_view text, const Schema& schema, Type result = Type::boolean());

    /// A value of type result_type(), or an error. It borrows from the variables, this and `scratch`.
    Value evaluate(const Variables& variables, Scratch& scratch) const;
    /// The same for conditions: true, false or an error.
    Value test(const Variables& variables) const;

    /// As found when compiling; dyn where the values decide.
    Type result_type() const;
    /// What it reads, each once, in the order of the text. Valid as long as this or a copy of it is.
    std::span<const Use> variables_used() const;
    const std::string& text() const;

  private:
    explicit Expression(std::shared_ptr<const expression::Program> program) : program_(std::move(program)) {}
    std::shared_ptr<const expression::Program> program_;
};

}  // namespace penstock

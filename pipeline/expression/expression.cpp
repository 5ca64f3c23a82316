#include "pipeline/expression/expression.h"

#include <fmt/format.h>

#include "pipeline/expression/program.h"

namespace penstock {
namespace {

// The kinds of both are in one order, so that one is the other's number.
static_assert(static_cast<int>(Type::Kind::kMap) == static_cast<int>(Value::Kind::kMap) &&
              static_cast<int>(Type::Kind::kString) == static_cast<int>(Value::Kind::kString));

bool is_of(Value value, Type type) {
    return type.is(Type::Kind::kDyn) || static_cast<int>(value.kind()) == static_cast<int>(type.kind);
}

std::string with_place(uint32_t line, uint32_t column, std::string_view sentence) {
    if (line == 1) return fmt::format("column {}: {}", column, sentence);
    return fmt::format("line {}, column {}: {}", line, column, sentence);
}

}  // namespace

std::string_view text_of(EvaluationError error) {
    switch (error) {
        case EvaluationError::kNoSuchMember:
            return "a member is missing";
        case EvaluationError::kWrongType:
            return "a value is of a type that the operator or function does not take";
        case EvaluationError::kNotBool:
            return "a value that is to be true or false is neither";
        case EvaluationError::kOverflow:
            return "a number or time does not fit into 64 bits";
        case EvaluationError::kDivisionByZero:
            return "an integer is divided by zero";
        case EvaluationError::kBadText:
            return "a text does not hold what it is converted to";
        case EvaluationError::kListTooLong:
            return "a list has more than 1000 elements";
        case EvaluationError::kTooMuchWork:
            return "the lists and texts together are too long for one evaluation";
        case EvaluationError::kTooLarge:
            return "the texts that are made are longer than 64 KiB together";
    }
    return "unknown";
}

ExpressionError::ExpressionError(size_t offset_, uint32_t line_, uint32_t column_, std::string sentence_)
    : std::runtime_error(with_place(line_, column_, sentence_)),
      offset(offset_),
      line(line_),
      column(column_),
      sentence(std::move(sentence_)) {}

Value Variables::has(uint32_t variable, Path path) const {
    const Value found = get(variable, path);
    if (!found.is_error()) return Value::boolean(true);
    if (found.as_error() != EvaluationError::kNoSuchMember) return found;
    const Value holder = get(variable, path.first(path.size() - 1));
    if (holder.is_error()) return holder;
    return holder.kind() == Value::Kind::kMap ? Value::boolean(false)
                                              : Value::error(EvaluationError::kWrongType);
}
Value Variables::get_in(Value, Path) const { return Value::error(EvaluationError::kWrongType); }
Value Variables::size_of(Value) const { return Value::error(EvaluationError::kWrongType); }
Value Variables::each(Value, ElementVisitor&) const { return Value::error(EvaluationError::kWrongType); }

void* Scratch::allocate(size_t bytes) {
    using namespace expression_limits;
    bytes = (bytes + 15) / 16 * 16;
    if (used_ + bytes <= kInlineBytes) {
        void* const at = inline_ + used_;
        used_ += bytes;
        return at;
    }
    // From here on in the larger block, whose first byte counts as kInlineBytes.
    const size_t begin = used_ < kInlineBytes ? kInlineBytes : used_;
    if (bytes > kMadeBytesMax || begin + bytes > kInlineBytes + kMadeBytesMax) return nullptr;
    if (!more_) more_ = std::unique_ptr<char[]>(new char[kMadeBytesMax]);
    used_ = begin + bytes;
    return more_.get() + (begin - kInlineBytes);
}

Expression Expression::compile(std::string_view text, const Schema& schema, Type result) {
    return Expression(expression::compile(text, schema, result));
}

Value Expression::evaluate(const Variables& variables, Scratch& scratch) const {
    const Value value = expression::evaluate(*program_, program_->root, variables, scratch);
    if (value.is_error() || is_of(value, program_->expected)) return value;
    return Value::error(program_->expected.is(Type::Kind::kBool) ? EvaluationError::kNotBool
                                                                 : EvaluationError::kWrongType);
}

Value Expression::test(const Variables& variables) const {
    Scratch scratch;
    const Value value = evaluate(variables, scratch);
    if (value.is_error() || value.kind() == Value::Kind::kBool) return value;
    return Value::error(EvaluationError::kNotBool);
}

Type Expression::result_type() const { return program_->result; }
std::span<const Expression::Use> Expression::variables_used() const { return program_->uses; }
const std::string& Expression::text() const { return program_->text; }

}  // namespace penstock

// What is no expression: where it is wrong, and the sentence that says how to mend it.
#include <gtest/gtest.h>

#include "pipeline/expression/expression.h"
#include "tests/support/json_variables.h"

namespace penstock::test {
namespace {

ExpressionError error_of(std::string_view text, Type result = Type::boolean()) {
    try {
        Expression::compile(text, JsonVariables::schema(), result);
    } catch (const ExpressionError& e) {
        return e;
    }
    return {0, 0, 0, "compiles"};
}

struct Row {
    std::string_view text;
    uint32_t column;
    std::string_view sentence;
};
void expect_errors(std::initializer_list<Row> rows) {
    for (const auto& [text, column, sentence] : rows) {
        const ExpressionError e = error_of(text);
        EXPECT_EQ(e.sentence, sentence) << text;
        EXPECT_EQ(e.column, column) << text;
    }
}
// ROWS

}  // namespace
}  // namespace penstock::test

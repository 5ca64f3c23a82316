// Expressions: an error with its place, or a program that gives the same for the same event, however often.
#include "pipeline/expression/expression.h"
#include "tests/fuzz/targets.h"
#include "tests/support/json_variables.h"

namespace penstock::fuzz {

int expression(const uint8_t* data, size_t size) {
    static const test::JsonVariables variables(R"({
        "id": "e-1", "source": "cam/17", "type": "order.created", "subject": "o-9", "region": "eu", "severity": 3,
        "score": 2.5, "test": false, "time": 1769846400125000000, "received": 1769846401000000000,
        "age": 90000000000, "keys": {"order": "o-9"}, "groups": {}, "tags": ["red", "blue"], "counts": [3, 1, 2],
        "data": {"order": {"total": 120.5, "note": null, "lines": [{"sku": "a"}]}, "at": "2026-01-31T08:00:00Z",
                 "lines": [{"n": 1}, {"n": 5}, {}], "mixed": [1, "x", null, [2]]}})");
    const std::string_view text = text_of(data, size);
    try {
        const Expression e = Expression::compile(text, test::JsonVariables::schema(), Type::dyn());
        Scratch first, second;
        const std::string once = test::shown(e.evaluate(variables, first), variables);
        require(once == test::shown(e.evaluate(variables, second), variables), "two evaluations differ");
        require(once == test::shown(e.evaluate(variables, first), variables),
                "used memory changes the result");
        require(e.text() == text, "the text is kept as given");
        const Expression again =
            Expression::compile(e.text(), test::JsonVariables::schema(), e.result_type());
        require(again.variables_used().size() == e.variables_used().size(), "it does not read back");
    } catch (const ExpressionError& e) {
        require(!e.sentence.empty() && e.offset <= size && e.line >= 1 && e.column >= 1,
                "a fault without a place");
    }
    return 0;
}

}  // namespace penstock::fuzz

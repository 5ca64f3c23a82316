// What expressions mean, in tables; most rows follow the CEL specification and its conformance suite.
#include <gtest/gtest.h>

#include <limits>

#include "pipeline/expression/expression.h"
#include "tests/support/json_variables.h"

namespace penstock::test {
namespace {

constexpr std::string_view kEvent = R"({
    "id": "e-1", "source": "cam/17", "type": "order.created", "subject": "o-9", "region": "eu", "tenant": "acme",
    "severity": 3, "score": 2.5, "test": false,
    "time": 1769846400125000000, "received": 1769846401000000000, "age": 90000000000,
    "keys": {"order": "o-9", "empty": ""}, "groups": {}, "tags": ["red", "blue"], "counts": [3, 1, 2],
    "data": {"order": {"total": 120.5, "count": 4, "paid": true, "note": null, "id": "o-9", "né": 1},
             "lines": [{"sku": "a", "n": 1}, {"sku": "b", "n": 5}, {"sku": "c"}],
             "numbers": [1, 2.0, 3], "words": ["x", "y"], "mixed": [1, "x", null, [2]], "nothing": [],
             "big": 18446744073709551615, "at": "2026-01-31T08:00:00Z", "for": "90s", "42": "answer"}
})";

struct Row {
    std::string_view text, result;
};

void expect_rows(std::initializer_list<Row> rows) {
    const JsonVariables variables(kEvent);
    for (const auto& [text, result] : rows) {
        try {
            const Expression e = Expression::compile(text, JsonVariables::schema(), Type::dyn());
            Scratch scratch;
            EXPECT_EQ(shown(e.evaluate(variables, scratch), variables), result) << text;
        } catch (const ExpressionError& error) {
            ADD_FAILURE() << text << ": " << error.what();
        }
    }
}

TEST(ExpressionSemantics, LiteralsAreThemselves) {
    expect_rows({{"0", "0"},
                 {"42", "42"},
                 {"-42", "-42"},
                 {"0xfF", "255"},
                 {"-0x10", "-16"},
                 {"9223372036854775807", "9223372036854775807"},
                 {"-9223372036854775808", "-9223372036854775808"},
                 {"-0x8000000000000000", "-9223372036854775808"},
                 {"1.5", "1.5"},
                 {".5", "0.5"},
                 {"1e3", "1000"},
                 {"-1.5E-1", "-0.15"},
                 {"0.0 == -0.0", "true"},
                 {"true", "true"},
                 {"false", "false"},
                 {"null", "null"},
                 {"[]", "[]"},
                 {"[1, 'a', [true]]", "[1, \"a\", [true]]"},
                 {"[1, 2,]", "[1, 2]"},
                 {"[severity, 1 + 1]", "[3, 2]"},
                 {"1 // one\n + 1", "2"}});
}

TEST(ExpressionSemantics, StringsHaveQuotesEscapesAndRawForms) {
    expect_rows({{R"('')", "\"\""},
                 {R"('"')", "\"\"\""},
                 {R"("\"")", "\"\"\""},
                 {R"('a\nb\tc\\')", "\"a\nb\tc\\\""},
                 {R"('\a\b\f\r\v\?\`')", "\"\a\b\f\r\v?`\""},
                 {R"("\x41\X42\u00e9\U0001F431\303\277")", "\"ABé🐱Ã¿\""},
                 {R"("\377" == "ÿ" && "\xFF" == "ÿ")", "true"},
                 {R"(r"\d+\")", "\"\\d+\\\""},
                 {R"(R'a\n')", "\"a\\n\""},
                 {"'''x''x'''", "\"x''x\""},
                 {"\"\"\"two\nlines\"\"\"", "\"two\nlines\""},
                 {"r'''\\'''", "\"\\\""},
                 {R"('\000'.size())", "1"}});
}

TEST(ExpressionSemantics, SizeCountsCodePointsElementsAndMembers) {
    expect_rows({{"size('')", "0"},
                 {"size('abc')", "3"},
                 {"size('πέντε')", "5"},
                 {"'🐱😀'.size()", "2"},
                 {"size([])", "0"},
                 {"[1, 2, 3].size()", "3"},
                 {"size(tags)", "2"},
                 {"size(keys)", "2"},
                 {"size(data.lines)", "3"},
                 {"size(data.order.total)", "!WrongType"},
                 {"data.order.id.size()", "3"}});
}

TEST(ExpressionSemantics, ArithmeticOfIntegersOverflowsAndDividesTowardsZero) {
    expect_rows({{"1 + 2 * 3 - 4", "3"},
                 {"(1 + 2) * 3", "9"},
                 {"7 / 2", "3"},
                 {"-7 / 2", "-3"},
                 {"7 % 3", "1"},
                 {"-7 % 3", "-1"},
                 {"7 % -3", "1"},
                 {"10 - 3 - 2", "5"},
                 {"--5", "5"},
                 {"-severity", "-3"},
                 {"9223372036854775807 + 1", "!Overflow"},
                 {"-9223372036854775808 - 1", "!Overflow"},
                 {"5000000000 * 5000000000", "!Overflow"},
                 {"-(-9223372036854775808)", "!Overflow"},
                 {"-9223372036854775808 / -1", "!Overflow"},
                 {"-9223372036854775808 % -1", "!Overflow"},
                 {"1 / 0", "!DivisionByZero"},
                 {"1 % 0", "!DivisionByZero"},
                 {"severity / (severity - 3)", "!DivisionByZero"}});
}

TEST(ExpressionSemantics, ArithmeticOfDoublesIsIeee) {
    expect_rows({{"1.5 + 1.0", "2.5"},
                 {"score * 2.0", "5"},
                 {"1.0 / 0.0", "inf"},
                 {"-1.0 / 0.0", "-inf"},
                 {"0.0 / 0.0 == 0.0 / 0.0", "false"},
                 {"0.0 / 0.0 != 0.0 / 0.0", "true"},
                 {"0.0 / 0.0 < 1", "false"},
                 {"0.0 / 0.0 >= 1", "false"},
                 {"-score", "-2.5"}});
}

TEST(ExpressionSemantics, NumbersOfJsonAreNotConvertedInArithmetic) {
    expect_rows({{"data.order.count + 1", "5"},
                 {"data.order.count + 1.0", "!WrongType"},
                 {"double(data.order.count) + 1.0", "5"},
                 {"data.order.total + 1.0", "121.5"},
                 {"data.order.total + 1", "!WrongType"},
                 {"data.order.id + 1", "!WrongType"},
                 {"data.order.total % 2", "!WrongType"}});
}

TEST(ExpressionSemantics, ComparisonsOfNumbersAreNumericAcrossTypes) {
    expect_rows({{"1 == 1.0", "true"},
                 {"1 < 1.5", "true"},
                 {"-1 > -1.5", "true"},
                 {"2 <= 1.5", "false"},
                 {"3 != 3.0", "false"},
                 {"severity >= 2.5", "true"},
                 {"score < 3", "true"},
                 {"9007199254740993 == 9007199254740992.0", "false"},
                 {"9007199254740993 > 9007199254740992.0", "true"},
                 {"9223372036854775807 < 9223372036854775808.0", "true"},
                 {"9223372036854775807 == 9223372036854775807.0", "false"},
                 {"-9223372036854775808 == -9223372036854775808.0", "true"},
                 {"-9223372036854775808 > -1e300", "true"},
                 {"1 < 1e300", "true"},
                 {"data.order.total > 100", "true"},
                 {"data.order.count == 4.0", "true"},
                 {"data.big > 9223372036854775807", "true"}});
}

TEST(ExpressionSemantics, OrderIsOfOneTypeAndStringsGoByCodePoint) {
    expect_rows({{"'a' < 'b'", "true"},
                 {"'a' < 'á'", "true"},
                 {"'Abc' < 'aBC'", "true"},
                 {"'abc' < 'abcd'", "true"},
                 {"'' < ''", "false"},
                 {"'\\uffff' < '\\U00010000'", "true"},
                 {"'z' < '\\u0080'", "true"},
                 {"false < true", "true"},
                 {"true > true", "false"},
                 {"data.order.id < 'p'", "true"},
                 {"data.order.id < 3", "!WrongType"},
                 {"data.order.note < 3", "!WrongType"},
                 {"data.words < data.words", "!WrongType"},
                 {"data.order >= 1", "!WrongType"}});
}

TEST(ExpressionSemantics, EqualityIsFalseAcrossTypesAndDeepInLists) {
    expect_rows({{"data.order.id == 3", "false"},
                 {"data.order.id != 3", "true"},
                 {"data.order.note == null", "true"},
                 {"data.order.total == null", "false"},
                 {"null == null", "true"},
                 {"[] == []", "true"},
                 {"[[]] != [[]]", "false"},
                 {"[1, 2] == [1, 2.0]", "true"},
                 {"[1, 2] == [2, 1]", "false"},
                 {"[1, 2] == [1, 2, 3]", "false"},
                 {"data.numbers == [1, 2, 3]", "true"},
                 {"data.mixed == [1, 'x', null, [2]]", "true"},
                 {"data.mixed == [1, 'x', null, [3]]", "false"},
                 {"tags == ['red', 'blue']", "true"},
                 {"data.order == data.order", "!WrongType"},
                 {"data.lines == data.lines", "!WrongType"},
                 {"data.lines == [1]", "false"}});
}

TEST(ExpressionSemantics, LogicalOperatorsAbsorbErrors) {
    for (const char* bad : {"1 / 0 > 0", "data.none", "data.order.id", "(data.order.total > 'x')"}) {
        const std::string e = bad;
        const std::string error = e == "1 / 0 > 0"       ? "!DivisionByZero"
                                  : e == "data.none"     ? "!NoSuchMember"
                                  : e == "data.order.id" ? "!NotBool"
                                                         : "!WrongType";
        const std::string f_and = e + " && false", and_f = "false && " + e, t_or = e + " || true",
                          or_t = "true || " + e;
        const std::string t_and = e + " && true", and_t = "true && " + e, f_or = e + " || false",
                          or_f = "false || " + e;
        const std::string chain = "true && " + e + " && true && false";
        expect_rows({{f_and, "false"},
                     {and_f, "false"},
                     {t_or, "true"},
                     {or_t, "true"},
                     {chain, "false"},
                     {t_and, error},
                     {and_t, error},
                     {f_or, error},
                     {or_f, error}});
    }
    expect_rows({{"true && true", "true"},
                 {"true && false", "false"},
                 {"false || false", "false"},
                 {"true || false && false", "true"},
                 {"!test", "true"},
                 {"!!test", "false"},
                 {"!data.order.id", "!NotBool"},
                 {"!(1 / 0 > 0)", "!DivisionByZero"}});
}

TEST(ExpressionSemantics, TheConditionalEvaluatesOneSide) {
    expect_rows({{"test ? 1 : 2", "2"},
                 {"!test ? 'a' : 'b'", "\"a\""},
                 {"severity > 2 ? 1 : 1 / 0", "1"},
                 {"severity < 2 ? 1 / 0 : 1", "1"},
                 {"data.order.id ? 1 : 2", "!NotBool"},
                 {"1 / 0 > 0 ? 1 : 2", "!DivisionByZero"},
                 {"false ? 1 : false ? 2 : 3", "3"},
                 {"true ? (false ? 1 : 2) : 3", "2"},
                 {"(test ? 1 : 2) + 1", "3"}});
}

TEST(ExpressionSemantics, MembersAndElementsAreFoundOrMissing) {
    expect_rows({{"data.order.total", "120.5"},
                 {"data['order']['total']", "120.5"},
                 {"data[\"or\" + \"der\"].total", "120.5"},
                 {"data.order['né']", "1"},
                 {"data['42']", "\"answer\""},
                 {"data.lines[1].sku", "\"b\""},
                 {"data.lines[severity - 3].sku", "\"a\""},
                 {"data.lines[severity - 2].n", "5"},
                 {"data.lines[3]", "!NoSuchMember"},
                 {"data.lines[severity]", "!NoSuchMember"},
                 {"data.lines[0 - severity]", "!NoSuchMember"},
                 {"data.lines[data.numbers[1]].sku", "\"c\""},
                 {"data.lines['a']", "!WrongType"},
                 {"data.lines.sku", "!WrongType"},
                 {"data.order[0]", "!WrongType"},
                 {"data.order.total.x", "!WrongType"},
                 {"data.order.note.x", "!WrongType"},
                 {"data.none", "!NoSuchMember"},
                 {"data.none.deeper", "!NoSuchMember"},
                 {"keys.order", "\"o-9\""},
                 {"keys[region]", "!NoSuchMember"},
                 {"keys['o' + 'rder'] == subject", "true"},
                 {"[10, 20, 30][1]", "20"},
                 {"[10, 20, 30][severity - 3]", "10"},
                 {"[10, 20, 30][severity]", "!NoSuchMember"},
                 {"[[1, 2], [3]][0][1]", "2"},
                 {"[data.order][0].count", "4"},
                 {"(test ? data.none : data.order).count", "4"},
                 {"counts[0]", "3"}});
}

TEST(ExpressionSemantics, HasTellsWhetherAMemberIsThere) {
    expect_rows({{"has(data.order)", "true"},
                 {"has(data.order.total)", "true"},
                 {"has(data.order.note)", "true"},
                 {"has(data.none)", "false"},
                 {"has(data['none'])", "false"},
                 {"has(data.order.none)", "false"},
                 {"has(data.none.deeper)", "!NoSuchMember"},
                 {"has(data.none) && has(data.none.deeper)", "false"},
                 {"has(data.order.total.x)", "!WrongType"},
                 {"has(data.lines.sku)", "!WrongType"},
                 {"has(data.lines[0].sku)", "true"},
                 {"has(data.lines[2].n)", "false"},
                 {"has(data.lines[9].n)", "!NoSuchMember"},
                 {"has(keys.order)", "true"},
                 {"has(keys.empty)", "true"},
                 {"has(groups.order)", "false"},
                 {"has(data.lines[severity - 2].n)", "true"},
                 {"data.lines.all(l, has(l.sku))", "true"},
                 {"data.lines.all(l, has(l.n))", "false"},
                 {"[1].all(x, has(data.order) && x > 0)", "true"}});
}

TEST(ExpressionSemantics, InLooksIntoListsAndKeys) {
    expect_rows({{"region in ['eu', 'us']", "true"},
                 {"region in []", "false"},
                 {"severity in [1, 2, 3]", "true"},
                 {"severity in [3.0]", "true"},
                 {"score in [1, 2]", "false"},
                 {"'red' in tags", "true"},
                 {"'green' in tags", "false"},
                 {"!('green' in tags)", "true"},
                 {"2 in data.numbers", "true"},
                 {"'x' in data.mixed", "true"},
                 {"[2] in data.mixed", "true"},
                 {"null in data.mixed", "true"},
                 {"data.order in data.lines", "!WrongType"},
                 {"'order' in keys", "true"},
                 {"'region' in keys", "false"},
                 {"region in keys", "false"},
                 {"'order' in data", "true"},
                 {"1 in data", "false"},
                 {"1 in data.order.total", "!WrongType"},
                 {"1 in data.none", "!NoSuchMember"},
                 {"data.none in [1]", "!NoSuchMember"},
                 {"severity in [1, severity, 1 / 0]", "!DivisionByZero"}});
}

TEST(ExpressionSemantics, StringFunctionsLookForParts) {
    expect_rows({{"type.startsWith('order.')", "true"},
                 {"type.startsWith('')", "true"},
                 {"type.endsWith('created')", "true"},
                 {"type.endsWith('xorder.created')", "false"},
                 {"type.contains('r.c')", "true"},
                 {"type.contains('')", "true"},
                 {"type.contains('R')", "false"},
                 {"'éa'.contains('\\u00e9')", "true"},
                 {"data.order.id.startsWith('o')", "true"},
                 {"data.order.total.startsWith('o')", "!WrongType"},
                 {"type.startsWith(data.order.count)", "!WrongType"},
                 {"source.matches('^cam/[0-9]+$')", "true"},
                 {"source.matches('17')", "true"},
                 {"source.matches('^17')", "false"},
                 {"matches(source, r'\\d+')", "true"},
                 {"data.order.count.matches('4')", "!WrongType"},
                 {"subject + '/' + region", "\"o-9/eu\""},
                 {"('a' + 'b' + subject).size()", "5"}});
}

TEST(ExpressionSemantics, ConversionsFollowTheSpecification) {
    expect_rows(
        {{"int(1.9)", "1"},
         {"int(-7.9)", "-7"},
         {"int('987')", "987"},
         {"int(-5)", "-5"},
         {"int(timestamp('2004-09-16T23:59:59Z'))", "1095379199"},
         {"int(timestamp('1969-12-31T23:59:59.5Z'))", "-1"},
         {"int(data.order.total)", "120"},
         {"int(score * 1e99)", "!Overflow"},
         {"int(score * 0.0 - 9223372036854775808.0)", "!Overflow"},
         {"int(0.0 / (score - 2.5))", "!Overflow"},
         {"int(subject)", "!BadText"},
         {"int(data.words)", "!WrongType"},
         {"double(3)", "3"},
         {"double('6.02214e23')", "6.02214e+23"},
         {"double('-0.0')", "-0"},
         {"double(9223372036854775807)", "9.223372036854776e+18"},
         {"double(subject)", "!BadText"},
         {"string(123)", "\"123\""},
         {"string(-456)", "\"-456\""},
         {"string(123.456)", "\"123.456\""},
         {"string(-4.5e-3)", "\"-0.0045\""},
         {"string(1.0 / 0.0)", "\"Infinity\""},
         {"string(true)", "\"true\""},
         {"string(subject)", "\"o-9\""},
         {"string(timestamp('2026-01-31T08:00:00.120+01:00'))", "\"2026-01-31T07:00:00.12Z\""},
         {"string(timestamp('1969-12-31T23:59:59.999999999Z'))", "\"1969-12-31T23:59:59.999999999Z\""},
         {"string(duration('1h0.25s'))", "\"3600.25s\""},
         {"string(duration('-1ns'))", "\"-0.000000001s\""},
         {"string(data.order)", "!WrongType"},
         {"timestamp(1769846400) == timestamp('2026-01-31T08:00:00Z')", "true"},
         {"timestamp(data.at) < time", "true"},
         {"timestamp(data.order.id)", "!BadText"},
         {"timestamp(severity * 9000000000)", "!Overflow"},
         {"duration('1h30m') == duration('5400s')", "true"},
         {"duration('-1.5s')", "-1500000000ns"},
         {"duration('1ms1us1ns')", "1001001ns"},
         {"duration('0')", "0ns"},
         {"duration('0.1h')", "360000000000ns"},
         {"duration('2562047h')", "9223369200000000000ns"},
         {"duration(data.for)", "90000000000ns"},
         {"duration(data.at)", "!BadText"},
         {"duration(subject + '1s')", "!BadText"},
         {"duration(string(severity) + 's')", "3000000000ns"}});
}

TEST(ExpressionSemantics, InstantsAndSpansOfTimeAddUp) {
    expect_rows({{"received - time", "875000000ns"},
                 {"received - time < duration('1s')", "true"},
                 {"time + age > received", "true"},
                 {"age + time == time + age", "true"},
                 {"time - age < time", "true"},
                 {"age + age", "180000000000ns"},
                 {"age - duration('90s') == duration('0s')", "true"},
                 {"time > timestamp('2026-01-31T08:00:00Z')", "true"},
                 {"time + duration('2562047h')", "!Overflow"},
                 {"timestamp(data.at) - duration(data.for)", "@1769846310000000000ns"},
                 {"data.order.count + age", "!WrongType"}});
}

TEST(ExpressionSemantics, MacrosGoOverListsAndAbsorbErrors) {
    expect_rows({{"data.lines.exists(l, l.n > 3)", "true"},
                 {"data.lines.exists(l, l.n > 9)", "!NoSuchMember"},
                 {"data.lines.all(l, l.n > 3)", "false"},
                 {"data.lines.all(l, l.n > 0)", "!NoSuchMember"},
                 {"data.lines.exists(l, has(l.n) && l.n > 9)", "false"},
                 {"tags.exists(t, t == 'blue')", "true"},
                 {"tags.all(t, t.size() > 3)", "false"},
                 {"data.nothing.exists(x, x)", "false"},
                 {"data.nothing.all(x, x)", "true"},
                 {"[].all(x, x > 1)", "true"},
                 {"[1, 2, 3].exists(x, x / 0 > 1 || x == 2)", "true"},
                 {"[1, 2, 3].all(x, 6 / (x - 2) > 100)", "false"},
                 {"[1, 2].exists(x, [2, 3].exists(y, x == y))", "true"},
                 {"[1, 2].all(x, [1, 2].exists(x, x == 2))", "true"},
                 {"[[1, 2], [3]].exists(l, l.all(x, x > 2))", "true"},
                 {"data.numbers.all(x, x >= 1) ? 'yes' : 'no'", "\"yes\""},
                 {"data.order.exists(x, true)", "!WrongType"},
                 {"data.none.exists(x, true)", "!NoSuchMember"},
                 {"data.words.exists(x, x)", "!NotBool"},
                 {"counts.exists(severity, severity == 1)", "true"}});
}

TEST(ExpressionSemantics, PrecedenceIsCels) {
    expect_rows({{"1 + 2 == 3 && 2 * 2 < 5 || 1 / 0 > 0", "true"},
                 {"!test && true", "true"},
                 {"-severity + 5 == 2", "true"},
                 {"1 - -1", "2"},
                 {"2 * -3", "-6"},
                 {"1 < 2 == true", "true"},
                 {"true ? true : false || 1 / 0 > 0", "true"},
                 {"severity in counts && !('x' in tags)", "true"}});
}

TEST(ExpressionCost, ListsPastTheirLimitAreErrors) {
    std::string list;
    for (int i = 0; i < 1'001; ++i) list += fmt::format("{}{}", i ? "," : "", i);
    const JsonVariables variables(
        fmt::format(R"({{"data": [{}], "counts": [{}]}})", list, list.substr(0, list.rfind(','))));
    const auto result = [&](std::string_view text) {
        return shown(Expression::compile(text, JsonVariables::schema()).test(variables), variables);
    };
    EXPECT_EQ(result("data.exists(x, x < 0)"), "!ListTooLong");
    EXPECT_EQ(result("data.exists(x, x == 1000)"), "!ListTooLong");
    EXPECT_EQ(result("data.exists(x, x == 999)"), "true");
    EXPECT_EQ(result("counts.all(x, x >= 0)"), "true");
    EXPECT_EQ(result("-1 in data"), "!ListTooLong");
    EXPECT_EQ(result("data == counts"), "!ListTooLong");
    EXPECT_EQ(result("counts == counts"), "true");
    EXPECT_EQ(result("counts.all(x, counts.exists(y, x == y))"), "!TooMuchWork");
    EXPECT_EQ(result("counts.all(x, [1, 2, 3].exists(y, y == 3))"), "true");
    EXPECT_EQ(result("size(data) == 1001"), "true");
}

TEST(ExpressionCost, LongStringsAreErrorsInsteadOfHoursOfWork) {
    const std::string kilo(1024, 'x');
    const JsonVariables variables(fmt::format(R"({{"subject": "{}", "source": "{}", "counts": [{}1]}})", kilo,
                                              std::string(200'000, 'a'), [] {
                                                  std::string ones;
                                                  for (int i = 0; i < 99; ++i) ones += "1,";
                                                  return ones;
                                              }()));
    const auto result = [&](std::string_view text) {
        return shown(Expression::compile(text, JsonVariables::schema()).test(variables), variables);
    };
    std::string sum = "subject";
    for (int i = 0; i < 9; ++i) sum += "+subject";
    EXPECT_EQ(result(fmt::format("({}).size() == 10240", sum)), "true")
        << "made piece by piece: 54 KiB in all";
    EXPECT_EQ(result(fmt::format("({}+subject).size() > 1", sum)), "!TooLarge");
    EXPECT_EQ(result("counts.all(x, (subject + subject).size() == 2048)"), "true")
        << "an element's room is free again";
    EXPECT_EQ(result("source.contains('ab')"), "false");
    EXPECT_EQ(result("counts.exists(x, source.contains('ab'))"), "!TooMuchWork");
    EXPECT_EQ(result("counts.exists(x, source.matches('(a*)*b'))"), "!TooMuchWork");
}

TEST(Expressions, ReadWhatTheySayAndEachThingOnce) {
    const Expression e = Expression::compile(
        "severity >= 3 && data.order.total > 100.0 && data.order.total < 1000.0 && has(data.note) && "
        "keys[region] == keys.order && data['order'].lines[0].sku == 'a'",
        JsonVariables::schema());
    std::vector<std::string> uses;
    for (const Expression::Use& use : e.variables_used()) {
        std::string text(JsonVariables::schema().variables()[use.variable].name);
        for (const Step& step : use.path)
            text += step.is_name() ? fmt::format(".{}", step.name) : fmt::format("[{}]", step.index);
        uses.push_back(use.only_presence ? "has " + text : text);
    }
    std::sort(uses.begin(), uses.end());
    EXPECT_EQ(uses, (std::vector<std::string>{"data.order.lines[0].sku", "data.order.total", "has data.note",
                                              "keys", "keys.order", "region", "severity"}));

    const JsonVariables variables(kEvent);
    EXPECT_TRUE(
        Expression::compile("data.order.total > 1.0 && data.order.total < 1000.0 && data['order'].total > 2",
                            JsonVariables::schema())
            .test(variables)
            .is_true());
    EXPECT_EQ(variables.reads, 1u);
    variables.reads = 0;
    EXPECT_TRUE(Expression::compile("[1, 2, 3].all(x, x <= severity)", JsonVariables::schema())
                    .test(variables)
                    .is_true());
    EXPECT_EQ(variables.reads, 1u);
}

TEST(Expressions, ConditionsGiveABoolOrAnError) {
    const JsonVariables variables(kEvent);
    const Expression e = Expression::compile("data.order.count", JsonVariables::schema());
    EXPECT_EQ(e.result_type(), Type::dyn());
    EXPECT_EQ(shown(e.test(variables), variables), "!NotBool");
    EXPECT_FALSE(e.test(variables).is_true());
    EXPECT_EQ(text_of(e.test(variables).as_error()), "a value that is to be true or false is neither");
    const Expression text = Expression::compile("data.order.count", JsonVariables::schema(), Type::string());
    Scratch scratch;
    EXPECT_EQ(shown(text.evaluate(variables, scratch), variables), "!WrongType");
    EXPECT_EQ(shown(text.test(variables), variables), "!WrongType");
    EXPECT_TRUE(Expression::compile("data.order.paid", JsonVariables::schema()).test(variables).is_true());
}

TEST(Expressions, AVariableThatIsNotAsDeclaredIsAnError) {
    const JsonVariables variables(R"({"severity": "three", "tags": {"a": 1}, "keys": [1]})");
    for (const char* text : {"severity > 2", "severity + 1 > 2", "'a' in tags && tags.all(t, true)",
                             "keys.a == 'x'", "size(severity + 1) > 2 || test"}) {
        try {
            EXPECT_TRUE(Expression::compile(text, JsonVariables::schema()).test(variables).is_error())
                << text;
        } catch (const ExpressionError&) {
        }
    }
}

TEST(Expressions, CopiesShareOneProgramAndOutliveTheText) {
    Expression copy = [] {
        const std::string text = "subject.startsWith('o-') && keys['order'] == 'o-9'";
        return Expression::compile(text, JsonVariables::schema());
    }();
    const Expression other = copy;
    copy = Expression::compile("severity == 0", JsonVariables::schema());
    const JsonVariables variables(kEvent);
    EXPECT_TRUE(other.test(variables).is_true());
    EXPECT_FALSE(copy.test(variables).is_true());
    EXPECT_EQ(other.text(), "subject.startsWith('o-') && keys['order'] == 'o-9'");
}

}  // namespace
}  // namespace penstock::test

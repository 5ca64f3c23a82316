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
TEST(ExpressionErrors, SayWhereAndHowToMendIt) {
    expect_errors({
        {"", 1, "the expression is empty; write for example severity >= 3"},
        {"   ", 1, "the expression is empty; write for example severity >= 3"},
        {"severty > 3", 1,
         "'severty' is no name here; did you mean severity? known are id, source, type, subject, region, "
         "tenant, severity, score, test, time, received, age, keys, groups, tags, counts, data"},
        {"Severity > 3", 1,
         "'Severity' is no name here; did you mean severity? known are id, source, type, subject, region, "
         "tenant, severity, score, test, time, received, age, keys, groups, tags, counts, data"},
        {"foo > 3", 1,
         "'foo' is no name here; known are id, source, type, subject, region, tenant, severity, score, test, "
         "time, received, age, keys, groups, tags, counts, data"},
        {"severity > 3 and score > 1.0", 14, "'and' is written && here"},
        {"(severity > 3 OR test)", 15, "'OR' is written || here"},
        {"not test", 1, "'not' is written !"},
        {"test is true", 6, "'is' is written == here"},
        {"test == True", 9, "'True' is written true here"},
        {"severity = 3", 10, "'equals' is written =="},
        {"severity & 3", 10, "'and' is written &&"},
        {"test | test", 6, "'or' is written ||"},
        {"severity === 3", 12, "'equals' is written =="},
        {"severity <> 3", 10, "'is not' is written !="},
        {"severity >", 11,
         "the expression ends where a value is wanted, for example a name, a number or a \"text\""},
        {"> 3", 1, "there is '>' where a value is wanted, for example a name, a number or a \"text\""},
        {"severity >= 3 &&", 17,
         "the expression ends where a value is wanted, for example a name, a number or a \"text\""},
        {"(severity > 3", 14, "the expression ends where ')' is wanted to close the '(' of column 1"},
        {"severity > 3)", 13, "this ')' closes nothing; take it out, or open it before"},
        {"tags[0", 7, "the expression ends where ']' is wanted behind the index"},
        {"tags[0]]", 8, "this ']' closes nothing; take it out, or open it before"},
        {"test : true", 6, "this ':' has no '?' before it; write condition ? a : b"},
        {"test ? 1 : ", 12,
         "the expression ends where a value is wanted, for example a name, a number or a \"text\""},
        {"test ? true", 12, "the expression ends where ':' is wanted between the two values of '?'"},
        {"severity 3", 10, "there is '3' where an operator is wanted, for example && or =="},
        {"severity", 1,
         "a condition gives true or false, this gives int; compare it with something, for example with == or "
         ">="},
        {"severity + 1", 1,
         "a condition gives true or false, this gives int; compare it with something, for example with == or "
         ">="},
        {"subject", 1,
         "a condition gives true or false, this gives string; compare it with something, for example with == "
         "or >="},
        {"subject.size", 9, "'size' is a function; write size()"},
        {"subject.name", 9, "subject is of type string, which has no members"},
        {"tags.name", 6,
         "a list has elements, as in [0], and no member 'name'; ask for some element with exists()"},
        {"keys[0]", 5, "the keys of a map are strings; write [\"name\"]"},
        {"tags['a']", 5,
         "a list has elements, as in [0], and no member 'a'; ask for some element with exists()"},
        {"tags[1.5]", 6, "an index is an int for a list, a string for a map; this is double"},
        {"tags[-1]", 6, "elements are counted from 0; this is before the first"},
        {"severity[0]", 9, "severity is of type int, which has no members"},
        {"data.", 6, "the expression ends where a member's name is wanted; other names go as [\"name\"]"},
        {"data.'x'", 6, "there is ''x'' where a member's name is wanted; other names go as [\"name\"]"},
        {"data.in", 6, "'in' is a reserved word; write [\"in\"]"},
        {"subject + severity", 9,
         "'+' does not take string and int; convert the other to text with string()"},
        {"severity + score", 10,
         "'+' does not take int and double; convert one of them with double() or int()"},
        {"score % 2.0", 7, "'%' does not take double and double; it is for integers, convert with int()"},
        {"time + 5 > received", 6,
         "'+' does not take timestamp and int; write spans of time as duration(\"90s\")"},
        {"time + time > received", 6,
         "'+' does not take timestamp and timestamp; only a duration can be added to an instant"},
        {"time > \"2026-01-31T08:00:00Z\"", 6,
         "'>' does not compare timestamp with string; write an instant as "
         "timestamp(\"2026-01-31T08:00:00Z\")"},
        {"age > 5", 5, "'>' does not compare duration with int; write a span of time as duration(\"5m\")"},
        {"age > \"5m\"", 5,
         "'>' does not compare duration with string; write a span of time as duration(\"5m\")"},
        {"severity == \"3\"", 10,
         "'==' does not compare int with string; convert with int(), double() or string()"},
        {"subject == null", 9,
         "'==' does not compare string with null; only values from JSON can be null, ask with has() for a "
         "member"},
        {"subject < severity", 9,
         "'<' does not compare string with int; convert with int(), double() or string()"},
        {"1 < severity < 5", 14, "'<' does not compare bool with int; write a < b && b < c to compare three"},
        {"tags < tags", 6,
         "'<' finds no order between list<string> and list<string>; only == and != compare those"},
        {"keys == keys", 6, "'==' does not compare maps; compare their members"},
        {"test && severity", 9, "'&&' takes true or false, this is int; compare it with something"},
        {"!severity", 2, "'!' takes true or false, this is int; compare it with something"},
        {"-subject", 1, "'-' takes a number, this is string"},
        {"severity ? true : false", 1, "'?' takes true or false, this is int; compare it with something"},
        {"test ? 1 : \"a\"", 12, "both values of '?' are of one type; the first is int, this is string"},
        {"severity in 3", 10, "'in' looks into a list or a map, not into int"},
        {"'a' in subject", 5,
         "'in' looks into a list or a map, not into string; write text.contains(\"part\")"},
        {"severity in tags", 10, "a list<string> holds no int"},
        {"severity in keys", 1, "the keys of a map are strings, this is int"},
        {"severity in [\"a\"]", 10, "a list<string> holds no int"},
        {"tags.contains(\"red\")", 6, "a list is asked with in: write element in list"},
        {"severity.startsWith(\"a\")", 10, "startsWith() is for strings, this is int"},
        {"subject.startsWith(3)", 20, "startsWith() takes string, this is int"},
        {"subject.startsWith()", 19, "startsWith() takes 1 argument, here are 0"},
        {"subject.startsWith(\"a\", \"b\")", 19, "startsWith() takes 1 argument, here are 2"},
        {"subject.startswith(\"a\")", 9,
         "'startswith' is no function here; did you mean startsWith? known are size, startsWith, endsWith, "
         "contains, matches, exists, all"},
        {"startsWith(subject, \"a\")", 1, "startsWith() goes behind a value: write value.startsWith(...)"},
        {"subject.int()", 9, "int() goes around a value: write int(value)"},
        {"tags.filter(t, true)", 6, "filter() is left out of this subset; there are exists() and all()"},
        {"tags.map(t, t)", 6, "map() is left out of this subset; there are exists() and all()"},
        {"lower(subject)", 1,
         "'lower' is no function here; known are has, size, int, double, string, timestamp, duration, "
         "matches"},
        {"sizee(subject)", 1,
         "'sizee' is no function here; did you mean size? known are has, size, int, double, string, "
         "timestamp, duration, matches"},
        {"size(severity) > 1", 6, "size() takes a string, a list or a map, this is int"},
        {"has(severity)", 5,
         "has() asks for a member, for example has(severity.name); severity itself is always there"},
        {"has(data)", 5, "has() asks for a member, for example has(data.name); data itself is always there"},
        {"has(data.x > 3)", 5, "has() takes a member and nothing else, for example has(data.order)"},
        {"has()", 5, "has() takes a member, for example has(data.order)"},
        {"has(data.lines[0])", 5, "has() takes a member and nothing else, for example has(data.order)"},
        {"has(data.x, data.y)", 5, "has() takes a member and nothing else, for example has(data.order)"},
        {"subject.matches(region)", 17,
         "the pattern of matches() is a text that is written here, for example r\"^cam-[0-9]+$\""},
        {"subject.matches(\"(\")", 17,
         "this is no pattern: missing ): (; the syntax is RE2's, and r\"...\" keeps backslashes as they are"},
        {"subject.matches(3)", 17,
         "the pattern of matches() is a text that is written here, for example r\"^cam-[0-9]+$\""},
        {"keys.exists(k, k == 'a')", 6, "exists() goes over a list, this is map<string, string>"},
        {"subject.exists(x, true)", 9, "exists() goes over a list, this is string"},
        {"tags.exists(t)", 14, "there is ')' where ',' is wanted; write exists(x, condition over x)"},
        {"tags.exists('t', true)", 13,
         "there is ''t'' where a name for the element is wanted; write exists(x, condition over x)"},
        {"tags.exists(t, t)", 16, "exists() takes true or false, this is string; compare it with something"},
        {"tags.exists(true, true)", 13, "'true' is a reserved word, and no name"},
        {"tags.exists(t t, true)", 15, "there is 't' where ',' is wanted; write exists(x, condition over x)"},
        {"int(\"abc\") > 1", 5,
         "int() cannot make anything of this; it takes a number, a text or an instant (its seconds since "
         "1970)"},
        {"duration(\"5 minutes\") > age", 10,
         "duration() cannot make anything of this; it takes a text as 1h30m or 250ms"},
        {"timestamp(\"yesterday\") > time", 11,
         "timestamp() cannot make anything of this; it takes a text as 2026-01-31T08:00:00Z, or an int of "
         "seconds since 1970"},
        {"duration(5) > age", 10, "duration() takes a text as 1h30m or 250ms, this is int"},
        {"int(tags) > 1", 5,
         "int() takes a number, a text or an instant (its seconds since 1970), this is list<string>"},
        {"string(tags) == ''", 8, "string() does not take list<string>"},
        {"9223372036854775808 > 1", 1,
         "this integer does not fit into 64 bits; write a double, for example 1e30"},
        {"1e999 > 1.0", 1, "this number does not fit into a double, which holds 1e-307 to 1.7e308"},
        {"99999999999999999999999 > 1", 1,
         "this integer does not fit into 64 bits; write a double, for example 1e30"},
        {"5u > 1", 2, "there are no unsigned integers here; leave the u out"},
        {"5m > age", 2,
         "a number ends before 'm'; write an operator between them, and times as duration(\"5m\")"},
        {"b\"abc\" == subject", 1, "there are no byte strings here; leave the b out"},
        {"\"abc", 1, "this string has no end; close it with \""},
        {"\"abc == subject", 1, "this string has no end; close it with \""},
        {"'\\q' == subject", 2,
         "this is no escape; write \\\\ for a backslash, or r\"...\" for a string without escapes"},
        {"'\\ud800' == subject", 2,
         "this escape is no Unicode character; those end at 10ffff, and lack d800 to dfff"},
        {"'\\u12' == subject", 2, "this escape takes 4 hexadecimal digits, for example \\u00e9"},
        {"'\\8' == subject", 2,
         "this is no escape; write \\\\ for a backslash, or r\"...\" for a string without escapes"},
        {"“a” == subject", 1, "this is a typographic quote; write \" or '"},
        {"{\"a\": 1} == data", 1, "maps cannot be written here; compare members one by one"},
        {"severity > 3; test", 13, "an expression is one condition; join two with && or ||"},
        {"severity > 3 # note", 14, "comments begin with //"},
        {"for > 3", 1, "'for' is a reserved word, and no name"},
        {"[1, 2 == data", 14, "the expression ends where ',' or ']' is wanted in the list of column 1"},
        {"size(subject region) > 1", 14,
         "there is 'region' where ',' or ')' is wanted behind an argument of size()"},
        {"subject == \"a\" \"b\"", 16, "there is '\"b\"' where an operator is wanted, for example && or =="},
        {"- > 3", 3, "there is '>' where a value is wanted, for example a name, a number or a \"text\""},
    });
}

TEST(ExpressionErrors, CarryTheirPlaceInBytesAndCodePoints) {
    const ExpressionError e = error_of("subject == 'né' &&\n  severty > 3");
    EXPECT_EQ(e.line, 2u);
    EXPECT_EQ(e.column, 3u);
    EXPECT_EQ(e.offset, 22u);
    EXPECT_EQ(
        std::string(e.what()).find("line 2, column 3: 'severty' is no name here; did you mean severity?"),
        0u);
    const ExpressionError wide = error_of("subject == '\u00e9é🐱' foo");
    EXPECT_EQ(wide.column, 18u);
    EXPECT_EQ(std::string(wide.what()).find("column 18: there is 'foo'"), 0u);
    EXPECT_EQ(error_of("subject == 'a\xff'").offset, 13u);
    EXPECT_EQ(error_of("subject == 'a\xff'").sentence, "this byte is no UTF-8; save the text as UTF-8");
}

TEST(ExpressionErrors, OtherResultsThanBoolAreCheckedToo) {
    EXPECT_EQ(error_of("subject", Type::integer()).sentence, "this gives string, wanted is int");
    EXPECT_EQ(error_of("tags", Type::list(Type::integer())).sentence,
              "this gives list<string>, wanted is list<int>");
    EXPECT_EQ(error_of("tags", Type::list(Type::string())).sentence, "compiles");
    EXPECT_EQ(error_of("data", Type::list(Type::string())).sentence, "compiles");
    EXPECT_EQ(error_of("[]", Type::list(Type::string())).sentence, "compiles");
}

TEST(ExpressionLimits, HoldAtTheirEdge) {
    const auto repeated = [](std::string_view part, size_t n) {
        std::string out;
        while (n-- > 0) out += part;
        return out;
    };
    const auto nested = [&](size_t n) { return repeated("(", n) + "test" + repeated(")", n); };
    EXPECT_EQ(error_of(nested(32)).sentence, "compiles");
    EXPECT_EQ(error_of(nested(33)).sentence, "this is nested more than 32 deep; make two expressions of it");
    EXPECT_EQ(error_of(nested(2'000)).sentence,
              "this is nested more than 32 deep; make two expressions of it");
    EXPECT_EQ(error_of(repeated("has(", 500) + "data.x").sentence,
              "this is nested more than 32 deep; make two expressions of it");
    EXPECT_EQ(error_of(repeated("data[", 500)).sentence,
              "this is nested more than 32 deep; make two expressions of it");
    EXPECT_EQ(error_of(repeated("test ? test : ", 32) + "test").sentence, "compiles");
    EXPECT_EQ(error_of(repeated("!", 32) + "test").sentence, "compiles");
    EXPECT_EQ(error_of(repeated("!", 33) + "test").sentence,
              "more than 32 signs in a row; most of them cancel out");
    EXPECT_EQ(error_of("test" + repeated(" && test", 510)).sentence, "compiles") << "511 names and one &&";
    EXPECT_EQ(error_of("test" + repeated(" && test", 511)).sentence,
              "the expression has more than 512 values and operators; make two of it");
    EXPECT_EQ(error_of("severity" + repeated("+severity", 200) + " > 1").sentence, "compiles");
    EXPECT_EQ(error_of("data" + repeated(".a", 32)).sentence, "compiles");
    EXPECT_EQ(error_of("data" + repeated(".a", 33)).sentence, "a path has at most 32 steps");
    EXPECT_EQ(error_of("test" + std::string(4'092, ' ')).sentence, "compiles");
    EXPECT_EQ(error_of("test" + std::string(4'093, ' ')).sentence,
              "the expression has more than 4096 bytes; make two of it");
    EXPECT_EQ(error_of("subject.matches('" + std::string(512, 'a') + "')").sentence, "compiles");
    EXPECT_EQ(error_of("subject.matches('" + std::string(513, 'a') + "')").sentence,
              "a pattern has at most 512 bytes, this has 513");
    EXPECT_EQ(error_of("subject.matches('((a{100}){100}){100}')").column, 17u);
    EXPECT_EQ(error_of(repeated("counts.all(x,", 8) + "true" + repeated(")", 8)).sentence, "compiles");
    EXPECT_EQ(error_of(repeated("counts.all(x,", 9) + "true" + repeated(")", 9)).sentence,
              "exists() and all() are nested more than 8 deep");
}

TEST(Schemas, RefuseTwoVariablesOfOneName) {
    EXPECT_THROW(Schema({{"a", Type::integer(), 0}, {"a", Type::string(), 1}}), std::invalid_argument);
    EXPECT_EQ(text_of(Type::map(Type::dyn())), "map<string, dyn>");
    EXPECT_EQ(text_of(Type::list(Type::list(Type::integer()))), "list<list<dyn>>");
}

}  // namespace
}  // namespace penstock::test

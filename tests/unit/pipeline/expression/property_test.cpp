// Random expressions mean what a slow and obvious interpreter of their trees says; random texts do no harm.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cmath>
#include <functional>
#include <memory>
#include <optional>
#include <variant>

#include "pipeline/expression/expression.h"
#include "tests/support/json_variables.h"
#include "tests/support/seed.h"

namespace penstock::test {
namespace {

struct Error {};
using Plain = std::variant<Error, bool, int64_t, double, std::string, std::vector<int64_t>>;
enum class Sort { kBool, kInt, kDouble, kString, kInts };

/// A tree that knows its text and its value; the element of the macros around it comes from outside.
struct Tree {
    std::string text;
    std::function<Plain(const std::vector<int64_t>& elements)> value;
};

const std::string kEvent =
    R"({"severity": 3, "score": 2.5, "test": true, "subject": "näh", "counts": [3, 1, 2],
                               "data": {"n": 7, "d": 0.5, "s": "cam", "b": false, "list": [1, 2, 5]}})";

/// Makes trees of a sort. Nothing is parenthesized less than fully: precedence has its own table.
class Maker {
  public:
    explicit Maker(uint64_t seed) : random_(seed) {}

    Tree make(Sort sort, int depth) {
        if (depth <= 0 || random_.chance(10)) return leaf(sort);
        if (random_.chance(12)) return choose(sort, depth);
        switch (sort) {
            case Sort::kBool:
                return boolean(depth);
            case Sort::kInt:
                return random_.chance(25) ? size(depth) : integer(depth);
            case Sort::kDouble:
                return real(depth);
            case Sort::kString:
                return joined(depth);
            case Sort::kInts:
                return ints(depth);
        }
        return leaf(sort);
    }

  private:
    template <typename T>
    static Tree fixed(std::string text, T value) {
        return {std::move(text), [value](const auto&) { return Plain(value); }};
    }
    template <typename T>
    T one_of(std::initializer_list<T> all) {
        return all.begin()[random_.below(all.size())];
    }

    Tree leaf(Sort sort) {
        switch (sort) {
            case Sort::kBool:
                return one_of<Tree>({fixed("true", true), fixed("false", false), fixed("test", true),
                                     fixed("data.b", false), fixed("data.none", Error())});
            case Sort::kInt: {
                if (elements_ > 0 && random_.chance(50)) {
                    const size_t i = random_.below(elements_);
                    return {fmt::format("x{}", i), [i](const auto& elements) { return Plain(elements[i]); }};
                }
                const int64_t n = one_of<int64_t>({0, 1, -1, 2, 3, 1000, INT64_MAX, INT64_MIN, INT64_MAX - 1,
                                                   5'000'000'000, (int64_t{1} << 53) + 1});
                return one_of<Tree>({fixed(fmt::format("{}", n), n), fixed("severity", int64_t{3}),
                                     fixed("data.n", int64_t{7}), fixed("data.gone.n", Error()),
                                     fixed("data['list'][2]", int64_t{5})});
            }
            case Sort::kDouble:
                return one_of<Tree>({fixed("0.0", 0.0), fixed("1.5", 1.5), fixed("-2.5", -2.5),
                                     fixed("score", 2.5), fixed("data.d", 0.5),
                                     fixed("9007199254740992.0", 9007199254740992.0),
                                     fixed("9223372036854775808.0", 9223372036854775808.0),
                                     fixed("1e300", 1e300), fixed("data.no", Error())});
            case Sort::kString:
                return one_of<Tree>({fixed("''", std::string()), fixed("'a'", std::string("a")),
                                     fixed("\"\\u00e4h\"", std::string("äh")),
                                     fixed("subject", std::string("näh")),
                                     fixed("data.s", std::string("cam")), fixed("data['no']", Error())});
            case Sort::kInts:
                return one_of<Tree>({fixed("counts", std::vector<int64_t>{3, 1, 2}),
                                     fixed("data.list", std::vector<int64_t>{1, 2, 5}),
                                     fixed("[1, 2, 3]", std::vector<int64_t>{1, 2, 3}),
                                     fixed("[]", std::vector<int64_t>{})});
        }
        return {};
    }

    static bool failed(const Plain& v) { return std::holds_alternative<Error>(v); }

    template <typename T, typename F>
    static Tree strict(std::string text, Tree a, Tree b, F f) {
        return {std::move(text), [a = a.value, b = b.value, f](const auto& elements) -> Plain {
                    const Plain x = a(elements), y = b(elements);
                    if (failed(x) || failed(y)) return Error();
                    return f(std::get<T>(x), std::get<T>(y));
                }};
    }

    Tree choose(Sort sort, int depth) {
        const Tree c = make(Sort::kBool, depth - 1), a = make(sort, depth - 1), b = make(sort, depth - 1);
        return {fmt::format("({} ? {} : {})", c.text, a.text, b.text),
                [c = c.value, a = a.value, b = b.value](const auto& elements) -> Plain {
                    const Plain condition = c(elements);
                    if (failed(condition)) return Error();
                    return std::get<bool>(condition) ? a(elements) : b(elements);
                }};
    }

    Tree integer(int depth) {
        const Tree a = make(Sort::kInt, depth - 1), b = make(Sort::kInt, depth - 1);
        const char op = one_of({'+', '-', '*', '/', '%'});
        return strict<int64_t>(fmt::format("({} {} {})", a.text, op, b.text), a, b,
                               [op](int64_t x, int64_t y) -> Plain {
                                   __extension__ using Wide = __int128;
                                   if ((op == '/' || op == '%') && y == 0) return Error();
                                   if (op == '%' && x == INT64_MIN && y == -1) return Error();
                                   const Wide wide = op == '+'   ? Wide{x} + y
                                                     : op == '-' ? Wide{x} - y
                                                     : op == '*' ? Wide{x} * y
                                                     : op == '/' ? Wide{x} / y
                                                                 : Wide{x} % y;
                                   if (wide > INT64_MAX || wide < INT64_MIN) return Error();
                                   return static_cast<int64_t>(wide);
                               });
    }
    Tree size(int depth) {
        if (random_.chance(50)) {
            const Tree of = make(Sort::kInts, depth - 1);
            return {fmt::format("size({})", of.text), [v = of.value](const auto& elements) -> Plain {
                        const Plain list = v(elements);
                        if (failed(list)) return Error();
                        return static_cast<int64_t>(std::get<std::vector<int64_t>>(list).size());
                    }};
        }
        const Tree of = make(Sort::kString, depth - 1);
        return {fmt::format("{}.size()", of.text), [v = of.value](const auto& elements) -> Plain {
                    const Plain text = v(elements);
                    if (failed(text)) return Error();
                    int64_t n = 0;
                    for (const char c : std::get<std::string>(text)) n += (c & 0xc0) != 0x80;
                    return n;
                }};
    }
    Tree real(int depth) {
        const Tree a = make(Sort::kDouble, depth - 1), b = make(Sort::kDouble, depth - 1);
        const char op = one_of({'+', '-', '*', '/'});
        return strict<double>(fmt::format("({} {} {})", a.text, op, b.text), a, b,
                              [op](double x, double y) -> Plain {
                                  return op == '+' ? x + y : op == '-' ? x - y : op == '*' ? x * y : x / y;
                              });
    }
    Tree joined(int depth) {
        const Tree a = make(Sort::kString, depth - 1), b = make(Sort::kString, depth - 1);
        return strict<std::string>(fmt::format("({} + {})", a.text, b.text), a, b,
                                   [](const std::string& x, const std::string& y) -> Plain { return x + y; });
    }
    Tree ints(int depth) {
        const Tree a = make(Sort::kInt, depth - 1), b = make(Sort::kInt, depth - 1);
        return strict<int64_t>(fmt::format("[{}, {}]", a.text, b.text), a, b,
                               [](int64_t x, int64_t y) -> Plain { return std::vector<int64_t>{x, y}; });
    }

    template <typename T>
    static bool relate(const std::string& op, const T& x, const T& y) {
        if (op == "<") return x < y;
        if (op == "<=") return x <= y;
        if (op == ">") return x > y;
        if (op == ">=") return x >= y;
        return op == "==" ? x == y : x != y;
    }
    Tree boolean(int depth) {
        const std::string op = one_of<std::string>({"<", "<=", ">", ">=", "==", "!="});
        switch (random_.below(9)) {
            case 0: {
                const Tree a = make(Sort::kInt, depth - 1), b = make(Sort::kInt, depth - 1);
                return strict<int64_t>(fmt::format("({} {} {})", a.text, op, b.text), a, b,
                                       [op](int64_t x, int64_t y) -> Plain { return relate(op, x, y); });
            }
            case 1: {
                const Tree a = make(Sort::kDouble, depth - 1), b = make(Sort::kDouble, depth - 1);
                return strict<double>(fmt::format("({} {} {})", a.text, op, b.text), a, b,
                                      [op](double x, double y) -> Plain { return relate(op, x, y); });
            }
            case 2: {
                const Tree a = make(Sort::kString, depth - 1), b = make(Sort::kString, depth - 1);
                return strict<std::string>(
                    fmt::format("({} {} {})", a.text, op, b.text), a, b,
                    [op](const std::string& x, const std::string& y) -> Plain { return relate(op, x, y); });
            }
            case 3: {  // across kinds of number: an 80-bit long double holds either exactly
                const Tree a = make(Sort::kInt, depth - 1), b = make(Sort::kDouble, depth - 1);
                return {fmt::format("({} {} {})", a.text, op, b.text),
                        [op, a = a.value, b = b.value](const auto& elements) -> Plain {
                            const Plain x = a(elements), y = b(elements);
                            if (failed(x) || failed(y)) return Error();
                            return relate(op, static_cast<long double>(std::get<int64_t>(x)),
                                          static_cast<long double>(std::get<double>(y)));
                        }};
            }
            case 4: {
                const Tree a = make(Sort::kInt, depth - 1), b = make(Sort::kInts, depth - 1);
                return {fmt::format("({} in {})", a.text, b.text),
                        [a = a.value, b = b.value](const auto& elements) -> Plain {
                            const Plain x = a(elements), y = b(elements);
                            if (failed(x) || failed(y)) return Error();
                            for (const int64_t one : std::get<std::vector<int64_t>>(y))
                                if (one == std::get<int64_t>(x)) return true;
                            return false;
                        }};
            }
            case 5: {
                const Tree a = make(Sort::kBool, depth - 1);
                return {fmt::format("!({})", a.text), [a = a.value](const auto& elements) -> Plain {
                            const Plain x = a(elements);
                            if (failed(x)) return Error();
                            return !std::get<bool>(x);
                        }};
            }
            case 6:
                return macro(depth);
            default: {
                const bool decides = random_.chance(50);
                std::vector<Tree> parts;
                std::string text;
                for (uint64_t n = 2 + random_.below(3); n > 0; --n) {
                    parts.push_back(make(Sort::kBool, depth - 1));
                    text += (text.empty() ? "" : decides ? " || " : " && ") + parts.back().text;
                }
                return {fmt::format("({})", text), [decides, parts](const auto& elements) -> Plain {
                            bool bad = false;
                            for (const Tree& part : parts) {
                                const Plain x = part.value(elements);
                                if (failed(x))
                                    bad = true;
                                else if (std::get<bool>(x) == decides)
                                    return decides;
                            }
                            if (bad) return Error();
                            return !decides;
                        }};
            }
        }
    }
    Tree macro(int depth) {
        const Tree list = make(Sort::kInts, depth - 1);
        if (elements_ == 3) return leaf(Sort::kBool);
        const size_t place = elements_++;
        const Tree condition = make(Sort::kBool, depth - 1);
        --elements_;
        const bool decides = random_.chance(50);
        return {fmt::format("{}.{}(x{}, {})", list.text, decides ? "exists" : "all", place, condition.text),
                [decides, list = list.value, condition = condition.value](const auto& elements) -> Plain {
                    const Plain over = list(elements);
                    if (failed(over)) return Error();
                    bool bad = false;
                    for (const int64_t one : std::get<std::vector<int64_t>>(over)) {
                        std::vector<int64_t> inner = elements;
                        inner.push_back(one);
                        const Plain x = condition(inner);
                        if (failed(x))
                            bad = true;
                        else if (std::get<bool>(x) == decides)
                            return decides;
                    }
                    if (bad) return Error();
                    return !decides;
                }};
    }

    Random random_;
    size_t elements_ = 0;  ///< of macros around
};

std::string shown_plain(const Plain& plain) {
    const JsonVariables none("{}");
    if (const bool* b = std::get_if<bool>(&plain)) return shown(Value::boolean(*b), none);
    if (const int64_t* i = std::get_if<int64_t>(&plain)) return shown(Value::integer(*i), none);
    if (const double* d = std::get_if<double>(&plain)) return shown(Value::real(*d), none);
    if (const std::string* s = std::get_if<std::string>(&plain)) return shown(Value::string(*s), none);
    return "!";
}

TEST(ExpressionProperties, CompiledExpressionsAgreeWithTheObviousInterpreter) {
    size_t evaluated = 0, errors = 0;
    const JsonVariables variables(kEvent);
    Scratch scratch;
    rc::check("compiled and obvious agree", [&] {
        const auto seed_of = *rc::gen::arbitrary<uint64_t>();
        const int depth = *rc::gen::inRange(1, 6);
        const auto sort = *rc::gen::element(Sort::kBool, Sort::kInt, Sort::kDouble, Sort::kString);
        for (uint64_t i = 0; i < 30; ++i) {
            const Tree tree = Maker(seed_of + i).make(sort, depth);
            if (tree.text.size() > expression_limits::kTextBytesMax) continue;
            std::optional<Expression> e;
            try {
                e = Expression::compile(tree.text, JsonVariables::schema(), Type::dyn());
            } catch (const ExpressionError& error) {
                // Random trees may be larger than is allowed; nothing else is wrong with them.
                RC_ASSERT(std::string(error.what()).find("more than") != std::string::npos);
                continue;
            }
            const Value value = e->evaluate(variables, scratch);
            const std::string found = value.is_error() ? "!" : shown(value, variables);
            const std::string wanted = shown_plain(tree.value({}));
            if (found != wanted) RC_LOG() << tree.text << "\n";
            RC_ASSERT(found == wanted);
            ++evaluated;
            errors += value.is_error();
        }
    });
    EXPECT_GT(evaluated, 1'000u);
    EXPECT_GT(errors, evaluated / 50);
    EXPECT_LT(errors, evaluated * 9 / 10);
}

TEST(ExpressionProperties, RandomAndMutatedTextsDoNoHarm) {
    SCOPED_TRACE(seed_note());
    const JsonVariables variables(kEvent);
    const std::vector<std::string> valid = {
        "severity >= 3 && data.d > 100.0",
        "data.list.exists(x, x > 2) || counts.all(c, c in [1, 2, 3])",
        "subject.matches(r'^n[a-z]+$') ? \"a\\u00e9\" + subject : string(score)",
        "received - time < duration('1h30m') && timestamp(data.at) > time",
        "data['list'][severity - 2] == keys[region]",
        "[1, [2.5, null]] == data.list // why\n && -9223372036854775808 / -1 < 0x1f",
        "has(data.a.b) && !has(keys.x)"};
    const std::string_view bits = "()[].,!-+*/%<>=&|?:\"'\\ \n0x9e1";
    Random random(5);
    Scratch scratch;
    size_t compiled = 0;
    for (int i = 0; i < 60'000; ++i) {
        std::string text;
        if (i % 10 == 0) {
            for (uint64_t n = random.below(60); n > 0; --n) text += static_cast<char>(random.below(256));
        } else {
            text = valid[random.below(valid.size())];
            for (uint64_t n = 1 + random.below(4); n > 0 && !text.empty(); --n) {
                const size_t at = random.below(text.size());
                const std::string& other = valid[random.below(valid.size())];
                switch (random.below(6)) {
                    case 0:
                        text[at] = static_cast<char>(random.below(256));
                        break;
                    case 1:
                        text.erase(at, 1 + random.below(8));
                        break;
                    case 2:
                        text.insert(at, text.substr(random.below(text.size()), 1 + random.below(30)));
                        break;
                    case 3:
                        text.insert(at, other.substr(random.below(other.size())));
                        break;
                    case 4:
                        text.resize(at);
                        break;
                    default:
                        text[at] = bits[random.below(bits.size())];
                }
            }
        }
        try {
            const Expression e = Expression::compile(text, JsonVariables::schema(), Type::dyn());
            ++compiled;
            const std::string once = shown(e.evaluate(variables, scratch), variables);
            ASSERT_EQ(once, shown(e.evaluate(variables, scratch), variables)) << text;
        } catch (const ExpressionError& error) {
            ASSERT_FALSE(error.sentence.empty()) << text;
            ASSERT_LE(error.offset, text.size()) << text;
        }
    }
    EXPECT_GT(compiled, 500u);
}

}  // namespace
}  // namespace penstock::test

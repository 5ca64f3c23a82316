// Evaluation: a walk over the tree. Its cost is bounded by the limits in expression.h.
#include <array>
#include <compare>
#include <cstring>

#include "pipeline/expression/convert.h"
#include "pipeline/expression/program.h"
#include "pipeline/rfc3339.h"

namespace penstock::expression {
namespace {

namespace limits = expression_limits;
using Kind = Value::Kind;
using enum EvaluationError;

constexpr uint32_t kEqualityDepthMax = 16;  ///< of lists in lists

constexpr Value fault(EvaluationError e) { return Value::error(e); }

/// An int and a double as the numbers that they are, without rounding either.
std::partial_ordering compare(int64_t a, double b) {
    constexpr double kEdge = 9223372036854775808.0;  // 2^63
    if (b != b) return std::partial_ordering::unordered;
    if (b >= kEdge) return std::partial_ordering::less;
    if (b < -kEdge) return std::partial_ordering::greater;
    const auto whole = static_cast<int64_t>(b);
    if (a != whole) return a < whole ? std::partial_ordering::less : std::partial_ordering::greater;
    return 0.0 <=> (b - static_cast<double>(whole));
}
constexpr std::partial_ordering turned(std::partial_ordering o) { return 0 <=> o; }

bool is_number(Kind kind) { return kind == Kind::kInt || kind == Kind::kDouble; }

/// How two numbers stand.
std::partial_ordering compare_numbers(Value a, Value b) {
    if (a.kind() == Kind::kInt)
        return b.kind() == Kind::kInt ? std::partial_ordering(a.as_int() <=> b.as_int())
                                      : compare(a.as_int(), b.as_double());
    return b.kind() == Kind::kInt ? turned(compare(b.as_int(), a.as_double()))
                                  : a.as_double() <=> b.as_double();
}

bool holds(Op op, std::partial_ordering o) {
    switch (op) {
        case Op::kLess:
            return o < 0;
        case Op::kLessEqual:
            return o <= 0;
        case Op::kGreater:
            return o > 0;
        default:
            return o >= 0;
    }
}

Value ordered(Op op, Value a, Value b) {
    if (a.kind() == Kind::kInt && b.kind() == Kind::kInt)
        return Value::boolean(holds(op, a.as_int() <=> b.as_int()));
    if (is_number(a.kind()) && is_number(b.kind())) return Value::boolean(holds(op, compare_numbers(a, b)));
    if (a.is_error()) return a;
    if (b.is_error()) return b;
    if (a.kind() != b.kind()) return fault(kWrongType);
    switch (a.kind()) {
        case Kind::kBool:
        case Kind::kTimestamp:
        case Kind::kDuration:
            return Value::boolean(holds(op, a.as_int() <=> b.as_int()));
        case Kind::kString:
            return Value::boolean(holds(op, a.as_string() <=> b.as_string()));
        default:
            return fault(kWrongType);
    }
}

Value integers(Op op, int64_t a, int64_t b) {
    int64_t out = 0;
    switch (op) {
        case Op::kAdd:
            return __builtin_add_overflow(a, b, &out) ? fault(kOverflow) : Value::integer(out);
        case Op::kSubtract:
            return __builtin_sub_overflow(a, b, &out) ? fault(kOverflow) : Value::integer(out);
        case Op::kMultiply:
            return __builtin_mul_overflow(a, b, &out) ? fault(kOverflow) : Value::integer(out);
        default:
            break;
    }
    if (b == 0) return fault(kDivisionByZero);
    if (b == -1 && a == INT64_MIN) return fault(kOverflow);
    return Value::integer(op == Op::kDivide ? a / b : a % b);
}

Value doubles(Op op, double a, double b) {
    switch (op) {
        case Op::kAdd:
            return Value::real(a + b);
        case Op::kSubtract:
            return Value::real(a - b);
        case Op::kMultiply:
            return Value::real(a * b);
        case Op::kDivide:
            return Value::real(a / b);
        default:
            return fault(kWrongType);
    }
}

/// Instants and spans of time.
Value times(Op op, Value a, Value b) {
    const bool a_instant = a.kind() == Kind::kTimestamp, b_instant = b.kind() == Kind::kTimestamp;
    int64_t out = 0;
    if (op == Op::kAdd) {
        if (a_instant && b_instant) return fault(kWrongType);
        if (__builtin_add_overflow(a.as_int(), b.as_int(), &out)) return fault(kOverflow);
        return a_instant || b_instant ? Value::timestamp(out) : Value::duration(out);
    }
    if (op != Op::kSubtract || (b_instant && !a_instant)) return fault(kWrongType);
    if (__builtin_sub_overflow(a.as_int(), b.as_int(), &out)) return fault(kOverflow);
    return a_instant && !b_instant ? Value::timestamp(out) : Value::duration(out);
}

class Evaluator {
  public:
    Evaluator(const Program& program, const Variables& variables, Scratch& scratch)
        : program_(program), variables_(variables), scratch_(scratch) {
        scratch.clear();
        if (program.cached + program.locals == 0) return;
        // At most 512 + 8 values: Scratch always has that much at the beginning.
        cache_ = static_cast<Value*>(scratch.allocate((program.cached + program.locals) * sizeof(Value)));
        for (uint32_t i = 0; i < program.cached; ++i) cache_[i] = Value();
        locals_ = cache_ + program.cached;
    }

    Value at(uint32_t place) {
        const Node& n = program_.nodes[place];
        switch (n.op) {
            case Op::kConstant:
                return program_.constants[n.a];
            case Op::kVariable:
                return variable(n);
            case Op::kHasVariable:
                return variables_.has(program_.uses[n.a].variable, program_.uses[n.a].path);
            case Op::kLocal:
                return locals_[n.a];
            case Op::kMember:
                return member(at(n.a), program_.paths[n.b]);
            case Op::kHasMember:
                return has(at(n.a), program_.paths[n.b]);
            case Op::kIndex:
                return index(at(n.a), at(n.b));
            case Op::kList:
                return list(n);
            case Op::kNot:
                return negated(at(n.a));
            case Op::kNegate:
                return minus(at(n.a));
            case Op::kAdd:
            case Op::kSubtract:
            case Op::kMultiply:
            case Op::kDivide:
            case Op::kModulo:
                return arithmetic(n.op, at(n.a), at(n.b));
            case Op::kLess:
            case Op::kLessEqual:
            case Op::kGreater:
            case Op::kGreaterEqual:
                return ordered(n.op, at(n.a), at(n.b));
            case Op::kEqual:
                return equal(at(n.a), at(n.b), 0);
            case Op::kNotEqual:
                return negated(equal(at(n.a), at(n.b), 0));
            case Op::kIn:
                return in(at(n.a), at(n.b));
            case Op::kAnd:
                return all_or_one<false>(n);
            case Op::kOr:
                return all_or_one<true>(n);
            case Op::kChoose: {
                const Value condition = at(n.a);
                if (condition.kind() != Kind::kBool)
                    return condition.is_error() ? condition : fault(kNotBool);
                return at(condition.as_bool() ? n.b : n.c);
            }
            case Op::kSize:
                return size(at(n.a));
            case Op::kStartsWith:
            case Op::kEndsWith:
            case Op::kContains:
                return test(n.op, at(n.a), at(n.b));
            case Op::kMatches:
                return matches(at(n.a), *program_.patterns[n.b]);
            case Op::kToInt:
            case Op::kToDouble:
            case Op::kToString:
            case Op::kToTimestamp:
            case Op::kToDuration:
                return convert(n.op, at(n.a));
            case Op::kExists:
                return over_elements<true>(n);
            case Op::kAll:
                return over_elements<false>(n);
        }
        return fault(kWrongType);
    }

  private:
    // -- reading

    Value variable(const Node& n) {
        const Expression::Use& use = program_.uses[n.a];
        if (n.b == 0) return variables_.get(use.variable, use.path);
        Value& cached = cache_[n.b - 1];
        if (cached.is_unset()) cached = variables_.get(use.variable, use.path);
        return cached;
    }

    Value member(Value of, Path path) {
        while (of.is_plain_list() && !path.empty()) {
            const Step& step = path.front();
            if (step.is_name()) return fault(kWrongType);
            if (step.index >= of.size()) return fault(kNoSuchMember);
            of = of.as_plain_list()[static_cast<size_t>(step.index)];
            path = path.subspan(1);
        }
        if (of.is_error() || path.empty()) return of;
        if (of.kind() != Kind::kMap && of.kind() != Kind::kList) return fault(kWrongType);
        return variables_.get_in(of, path);
    }

    Value has(Value of, Path path) {
        const Value holder = path.size() == 1 ? of : member(of, path.first(path.size() - 1));
        if (holder.is_error()) return holder;
        return has_key(holder, path.back().name);
    }
    Value has_key(Value map, std::string_view key) {
        if (map.kind() != Kind::kMap) return fault(kWrongType);
        const Step step{.name = key};
        const Value found = variables_.get_in(map, Path(&step, 1));
        if (!found.is_error()) return Value::boolean(true);
        return found.as_error() == kNoSuchMember ? Value::boolean(false) : found;
    }

    Value index(Value of, Value by) {
        if (of.is_error()) return of;
        if (by.is_error()) return by;
        Step step;
        if (of.kind() == Kind::kList && by.kind() == Kind::kDouble) {
            // A whole number of JSON that is written with a point.
            const double whole = by.as_double();
            if (!(whole >= 0 && whole < 1e9) || whole != static_cast<double>(static_cast<int64_t>(whole)))
                return fault(kNoSuchMember);
            step.index = static_cast<int64_t>(whole);
        } else if (of.kind() == Kind::kList && by.kind() == Kind::kInt) {
            if (by.as_int() < 0) return fault(kNoSuchMember);
            step.index = by.as_int();
        } else if (of.kind() == Kind::kMap && by.kind() == Kind::kString) {
            step.name = by.as_string();
        } else {
            return fault(kWrongType);
        }
        return member(of, Path(&step, 1));
    }

    /// Calls visit(element) for the elements of a list until it says false. An error, or null.
    template <typename Visit>
    Value each(Value list, Visit visit) {
        struct Counter final : ElementVisitor {
            Counter(Evaluator& e, Visit& v) : evaluator(e), visit(v) {}
            bool element(Value value) override {
                if (++seen > limits::kListElementsMax || ++evaluator.visits_ > limits::kVisitsMax) {
                    failed = fault(seen > limits::kListElementsMax ? kListTooLong : kTooMuchWork);
                    return false;
                }
                return visit(value);
            }
            Evaluator& evaluator;
            Visit& visit;
            size_t seen = 0;
            Value failed = Value::null();
        } counter(*this, visit);
        if (list.is_plain_list()) {
            for (const Value& value : list.as_plain_list())
                if (!counter.element(value)) break;
        } else {
            const Value went = variables_.each(list, counter);
            if (went.is_error()) return went;
        }
        return counter.failed;
    }

    // -- making

    Value list(const Node& n) {
        auto* const values = static_cast<Value*>(scratch_.allocate(n.b * sizeof(Value)));
        if (!values) return fault(kTooLarge);
        for (uint32_t i = 0; i < n.b; ++i) {
            values[i] = at(program_.links[n.a + i]);
            if (values[i].is_error()) return values[i];
        }
        return Value::list(std::span<const Value>(values, n.b));
    }

    Value joined(std::string_view a, std::string_view b) {
        if (!search(a.size() + b.size())) return fault(kTooMuchWork);
        auto* const out = static_cast<char*>(scratch_.allocate(a.size() + b.size()));
        if (!out) return fault(kTooLarge);
        if (!a.empty()) std::memcpy(out, a.data(), a.size());
        if (!b.empty()) std::memcpy(out + a.size(), b.data(), b.size());
        return Value::string({out, a.size() + b.size()});
    }

    // -- operators

    static Value negated(Value v) {
        if (v.kind() == Kind::kBool) return Value::boolean(!v.as_bool());
        return v.is_error() ? v : fault(kNotBool);
    }
    static Value minus(Value v) {
        if (v.kind() == Kind::kDouble) return Value::real(-v.as_double());
        if (v.kind() != Kind::kInt) return v.is_error() ? v : fault(kWrongType);
        return v.as_int() == INT64_MIN ? fault(kOverflow) : Value::integer(-v.as_int());
    }

    Value arithmetic(Op op, Value a, Value b) {
        if (a.kind() == Kind::kInt && b.kind() == Kind::kInt) return integers(op, a.as_int(), b.as_int());
        if (a.kind() == Kind::kDouble && b.kind() == Kind::kDouble)
            return doubles(op, a.as_double(), b.as_double());
        if (a.is_error()) return a;
        if (b.is_error()) return b;
        if (a.kind() == Kind::kString && b.kind() == Kind::kString && op == Op::kAdd)
            return joined(a.as_string(), b.as_string());
        const auto is_time = [](Value v) {
            return v.kind() == Kind::kTimestamp || v.kind() == Kind::kDuration;
        };
        return is_time(a) && is_time(b) ? times(op, a, b) : fault(kWrongType);
    }

    /// && and ||: one operand that decides does so, whatever became of the others.
    template <bool kDecides>
    Value all_or_one(const Node& n) {
        Value result = Value::boolean(!kDecides);
        for (uint32_t i = 0; i < n.b; ++i) {
            const Value v = at(program_.links[n.a + i]);
            if (v.kind() == Kind::kBool) {
                if (v.as_bool() == kDecides) return v;
            } else if (!result.is_error()) {
                result = v.is_error() ? v : fault(kNotBool);
            }
        }
        return result;
    }

    template <bool kDecides>
    Value over_elements(const Node& n) {
        const Value list = at(n.a);
        if (list.kind() != Kind::kList) return list.is_error() ? list : fault(kWrongType);
        Value result = Value::boolean(!kDecides);
        const size_t mark = scratch_.mark();
        const Value went = each(list, [&](Value element) {
            locals_[n.c] = element;
            const Value v = at(n.b);
            scratch_.back_to(mark);
            if (v.kind() == Kind::kBool) {
                if (v.as_bool() != kDecides) return true;
                result = v;
                return false;
            }
            if (!result.is_error()) result = v.is_error() ? v : fault(kNotBool);
            return true;
        });
        return went.is_error() ? went : result;
    }

    Value equal(Value a, Value b, uint32_t depth) {
        if (is_number(a.kind()) && is_number(b.kind())) return Value::boolean(compare_numbers(a, b) == 0);
        if (a.is_error()) return a;
        if (b.is_error()) return b;
        if (a.kind() != b.kind()) return Value::boolean(false);
        switch (a.kind()) {
            case Kind::kNull:
                return Value::boolean(true);
            case Kind::kString:
                return Value::boolean(a.as_string() == b.as_string());
            case Kind::kList:
                return equal_lists(a, b, depth);
            case Kind::kMap:
                return fault(kWrongType);
            default:
                return Value::boolean(a.as_int() == b.as_int());
        }
    }

    /// As a[0] == b[0] && a[1] == b[1] && ...
    Value equal_lists(Value a, Value b, uint32_t depth) {
        if (depth == kEqualityDepthMax) return fault(kTooMuchWork);
        const size_t mark = scratch_.mark();
        if (const Value e = made_plain(a); e.is_error()) return e;
        if (const Value e = made_plain(b); e.is_error()) return e;
        const auto left = a.as_plain_list(), right = b.as_plain_list();
        Value result = Value::boolean(left.size() == right.size());
        for (size_t i = 0; result.kind() != Kind::kBool || result.as_bool(); ++i) {
            if (i == left.size()) break;
            if (++visits_ > limits::kVisitsMax) return fault(kTooMuchWork);
            const Value same = equal(left[i], right[i], depth + 1);
            if (same.is_error() ? !result.is_error() : !same.as_bool()) result = same;
        }
        scratch_.back_to(mark);
        return result;
    }

    /// A container of the variables as a list of values.
    Value made_plain(Value& list) {
        if (list.is_plain_list()) return Value::null();
        const Value count = size(list);
        if (count.kind() != Kind::kInt) return count.is_error() ? count : fault(kWrongType);
        if (count.as_int() > static_cast<int64_t>(limits::kListElementsMax)) return fault(kListTooLong);
        const auto room = static_cast<size_t>(count.as_int());
        auto* const values = static_cast<Value*>(scratch_.allocate(room * sizeof(Value)));
        if (!values) return fault(kTooLarge);
        size_t n = 0;
        const Value went = each(list, [&](Value element) {
            if (n < room) values[n++] = element;
            return n < room;
        });
        if (went.is_error()) return went;
        list = Value::list(std::span<const Value>(values, n));
        return Value::null();
    }

    Value in(Value what, Value where) {
        if (what.is_error()) return what;
        if (where.is_error()) return where;
        if (where.kind() == Kind::kMap)
            return what.kind() == Kind::kString ? has_key(where, what.as_string()) : Value::boolean(false);
        if (where.kind() != Kind::kList) return fault(kWrongType);
        Value result = Value::boolean(false);
        const Value went = each(where, [&](Value element) {
            const Value same = equal(what, element, 0);
            if (same.is_error() ? !result.is_error() : same.as_bool()) result = same;
            return !result.is_true();
        });
        return went.is_error() ? went : result;
    }

    // -- functions

    bool search(size_t bytes) { return (searched_ += bytes) <= limits::kSearchedBytesMax; }

    Value size(Value v) {
        if (v.is_plain_list()) return Value::integer(v.size());
        if (v.kind() == Kind::kString) {
            if (!search(v.size())) return fault(kTooMuchWork);
            return Value::integer(count_code_points(v.as_string()));
        }
        if (v.kind() == Kind::kList || v.kind() == Kind::kMap) return variables_.size_of(v);
        return v.is_error() ? v : fault(kWrongType);
    }

    Value test(Op op, Value of, Value with) {
        if (of.is_error()) return of;
        if (with.is_error()) return with;
        if (of.kind() != Kind::kString || with.kind() != Kind::kString) return fault(kWrongType);
        const std::string_view text = of.as_string(), part = with.as_string();
        if (op == Op::kStartsWith) return Value::boolean(text.starts_with(part));
        if (op == Op::kEndsWith) return Value::boolean(text.ends_with(part));
        if (part.size() > text.size()) return Value::boolean(false);
        if (part.empty()) return Value::boolean(true);
        if (!search(text.size())) return fault(kTooMuchWork);
        // Two-way search: linear, which std::string_view::find is not.
        return Value::boolean(::memmem(text.data(), text.size(), part.data(), part.size()) != nullptr);
    }

    Value matches(Value of, const RE2& pattern) {
        if (of.kind() != Kind::kString) return of.is_error() ? of : fault(kWrongType);
        const std::string_view text = of.as_string();
        if (!search(text.size())) return fault(kTooMuchWork);
        return Value::boolean(pattern.Match(re2::StringPiece(text.data(), text.size()), 0, text.size(),
                                            RE2::UNANCHORED, nullptr, 0));
    }

    Value convert(Op op, Value v) {
        if (v.is_error()) return v;
        const bool text = v.kind() == Kind::kString;
        if (text && v.size() > 100 && op != Op::kToString) return fault(kBadText);
        switch (op) {
            case Op::kToInt:
                if (v.kind() == Kind::kInt) return v;
                if (v.kind() == Kind::kDouble) {
                    const auto n = int_of(v.as_double());
                    return n ? Value::integer(*n) : fault(kOverflow);
                }
                if (v.kind() == Kind::kTimestamp) {
                    const int64_t ns = v.as_timestamp() % 1'000'000'000;
                    return Value::integer(v.as_timestamp() / 1'000'000'000 - (ns < 0));
                }
                if (text) {
                    const auto n = parse_int(v.as_string());
                    return n ? Value::integer(*n) : fault(kBadText);
                }
                break;
            case Op::kToDouble:
                if (v.kind() == Kind::kDouble) return v;
                if (v.kind() == Kind::kInt) return Value::real(static_cast<double>(v.as_int()));
                if (text) {
                    const auto n = parse_double(v.as_string());
                    return n ? Value::real(*n) : fault(kBadText);
                }
                break;
            case Op::kToTimestamp:
                if (v.kind() == Kind::kTimestamp) return v;
                if (v.kind() == Kind::kInt) {
                    int64_t ns = 0;
                    const bool over = __builtin_mul_overflow(v.as_int(), int64_t{1'000'000'000}, &ns);
                    return over ? fault(kOverflow) : Value::timestamp(ns);
                }
                if (text) {
                    const auto at = parse_rfc3339(v.as_string());
                    return at ? Value::timestamp(*at) : fault(kBadText);
                }
                break;
            case Op::kToDuration:
                if (v.kind() == Kind::kDuration) return v;
                if (text) {
                    const auto ns = parse_duration(v.as_string());
                    return ns ? Value::duration(*ns) : fault(kBadText);
                }
                break;
            default:
                return text ? v : written(v);
        }
        return fault(kWrongType);
    }

    Value written(Value v) {
        if (v.kind() == Kind::kBool) return Value::string(v.as_bool() ? "true" : "false");
        auto* const out = static_cast<char*>(scratch_.allocate(kTextOfValueMax));
        if (!out) return fault(kTooLarge);
        switch (v.kind()) {
            case Kind::kInt:
                return Value::string({out, write_int(v.as_int(), out)});
            case Kind::kDouble:
                return Value::string({out, write_double(v.as_double(), out)});
            case Kind::kTimestamp:
                return Value::string({out, write_timestamp(v.as_timestamp(), out)});
            case Kind::kDuration:
                return Value::string({out, write_duration(v.as_duration_ns(), out)});
            default:
                return fault(kWrongType);
        }
    }

    const Program& program_;
    const Variables& variables_;
    Scratch& scratch_;
    Value* cache_ = nullptr;
    Value* locals_ = nullptr;
    size_t visits_ = 0;
    size_t searched_ = 0;
};

}  // namespace

Value evaluate(const Program& program, uint32_t at, const Variables& variables, Scratch& scratch) {
    return Evaluator(program, variables, scratch).at(at);
}

}  // namespace penstock::expression

// Text into program in one pass: what is read is typed and checked at once, since all below it is known.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "pipeline/expression/convert.h"
#include "pipeline/expression/lexer.h"
#include "pipeline/expression/program.h"

namespace penstock::expression {
namespace {

using Kind = Type::Kind;
namespace limits = expression_limits;

constexpr uint32_t kLocalsMax = 8;

constexpr std::array<std::string_view, 8> kFunctions = {"has",    "size",      "int",      "double",
                                                        "string", "timestamp", "duration", "matches"};
constexpr std::array<std::string_view, 7> kMethods = {"size",    "startsWith", "endsWith", "contains",
                                                      "matches", "exists",     "all"};
constexpr std::array<std::string_view, 18> kReserved = {
    "as", "break", "const", "continue", "else",      "for",    "function", "if",   "import",
    "in", "let",   "loop",  "package",  "namespace", "return", "var",      "void", "while"};

struct Overload {
    Op op;
    Kind left, right, result;
};
constexpr Overload kArithmetic[] = {
    {Op::kAdd, Kind::kInt, Kind::kInt, Kind::kInt},
    {Op::kAdd, Kind::kDouble, Kind::kDouble, Kind::kDouble},
    {Op::kAdd, Kind::kString, Kind::kString, Kind::kString},
    {Op::kAdd, Kind::kTimestamp, Kind::kDuration, Kind::kTimestamp},
    {Op::kAdd, Kind::kDuration, Kind::kTimestamp, Kind::kTimestamp},
    {Op::kAdd, Kind::kDuration, Kind::kDuration, Kind::kDuration},
    {Op::kSubtract, Kind::kInt, Kind::kInt, Kind::kInt},
    {Op::kSubtract, Kind::kDouble, Kind::kDouble, Kind::kDouble},
    {Op::kSubtract, Kind::kTimestamp, Kind::kTimestamp, Kind::kDuration},
    {Op::kSubtract, Kind::kTimestamp, Kind::kDuration, Kind::kTimestamp},
    {Op::kSubtract, Kind::kDuration, Kind::kDuration, Kind::kDuration},
    {Op::kMultiply, Kind::kInt, Kind::kInt, Kind::kInt},
    {Op::kMultiply, Kind::kDouble, Kind::kDouble, Kind::kDouble},
    {Op::kDivide, Kind::kInt, Kind::kInt, Kind::kInt},
    {Op::kDivide, Kind::kDouble, Kind::kDouble, Kind::kDouble},
    {Op::kModulo, Kind::kInt, Kind::kInt, Kind::kInt},
};

struct BinaryOp {
    std::string_view sign;
    Op op;
};
constexpr BinaryOp kRelations[] = {
    {"<", Op::kLess},   {"<=", Op::kLessEqual}, {">", Op::kGreater}, {">=", Op::kGreaterEqual},
    {"==", Op::kEqual}, {"!=", Op::kNotEqual},  {"in", Op::kIn}};
constexpr BinaryOp kSums[] = {{"+", Op::kAdd}, {"-", Op::kSubtract}};
constexpr BinaryOp kProducts[] = {{"*", Op::kMultiply}, {"/", Op::kDivide}, {"%", Op::kModulo}};

/// While compiling nothing has a value but constants.
class NoVariables final : public Variables {
  public:
    Value get(uint32_t, Path) const override { return Value::error(EvaluationError::kNoSuchMember); }
};

class Compiler {
  public:
    Compiler(std::string_view text, const Schema& schema, Type expected)
        : schema_(schema), program_(std::make_shared<Program>()), text_(text), lexer_(text) {
        program_->text = text;
        program_->expected = expected;
    }

    std::shared_ptr<const Program> run() {
        if (text_.size() > limits::kTextBytesMax)
            fail(limits::kTextBytesMax,
                 fmt::format("the expression has more than {} bytes; make two of it", limits::kTextBytesMax));
        if (size_t bad = 0; !is_utf8(text_, bad)) fail(bad, "this byte is no UTF-8; save the text as UTF-8");
        advance();
        if (token_.kind == Token::Kind::kEnd)
            fail(0, "the expression is empty; write for example severity >= 3");
        const Operand root = choice();
        if (token_.kind != Token::Kind::kEnd) fail_after_operand();
        const Type expected = program_->expected;
        if (!fits(root.type, expected)) {
            const bool condition = expected.is(Kind::kBool);
            fail(root.offset,
                 condition
                     ? fmt::format("a condition gives true or false, this gives {}; compare it with "
                                   "something, for example with == or >=",
                                   text_of(root.type))
                     : fmt::format("this gives {}, wanted is {}", text_of(root.type), text_of(expected)));
        }
        program_->result = root.type;
        program_->root = root.node;
        share_variables();
        return program_;
    }

  private:
    /// Something that has a value: its node, and where it begins in the text.
    struct Operand {
        uint32_t node;
        Type type;
        size_t offset;
    };
    /// A variable or a value, and a constant path into it that has no node yet.
    struct Reference {
        const Variable* variable = nullptr;  ///< none: `node` is the base
        uint32_t node = 0;
        std::vector<Step> steps;
        Type type;
        size_t offset = 0;
        size_t last_offset = 0;  ///< of the last step
    };
    struct Local {
        std::string_view name;
        Type type;
    };

    [[noreturn]] void fail(size_t offset, std::string sentence) const {
        expression::fail(text_, offset, std::move(sentence));
    }

    // -- words

    Token advance() {
        Token taken = std::move(token_);
        token_ = lexer_.next();
        return taken;
    }
    bool take(std::string_view sign) {
        if (!token_.is_sign(sign)) return false;
        advance();
        return true;
    }
    std::string found() const {
        if (token_.kind == Token::Kind::kEnd) return "the expression ends";
        return fmt::format("there is '{}'",
                           token_.text.size() > 40 ? token_.text.substr(0, 40) : token_.text);
    }
    void want(std::string_view sign, std::string_view for_what) {
        if (!take(sign)) fail_found(fmt::format("'{}' is wanted {}", sign, for_what));
    }
    /// The word that is there is not what comes next.
    [[noreturn]] void fail_found(std::string_view wanted) const {
        constexpr std::pair<std::string_view, std::string_view> kMeant[] = {
            {"and", "&&"}, {"or", "||"}, {"not", "!"}, {"is", "=="}, {"like", "matches()"}};
        for (const auto& [word, sign] : kMeant)
            if (same_letters(token_.text, word))
                fail(token_.offset, fmt::format("'{}' is written {} here", token_.text, sign));
        fail(token_.offset, fmt::format("{} where {}", found(), wanted));
    }
    [[noreturn]] void fail_after_operand() const {
        if (token_.is_sign(")") || token_.is_sign("]"))
            fail(token_.offset,
                 fmt::format("this '{}' closes nothing; take it out, or open it before", token_.text));
        if (token_.is_sign(":"))
            fail(token_.offset, "this ':' has no '?' before it; write condition ? a : b");
        fail_found("an operator is wanted, for example && or ==");
    }
    static bool same_letters(std::string_view a, std::string_view lower) {
        return a.size() == lower.size() &&
               std::equal(a.begin(), a.end(), lower.begin(), [](char x, char y) { return (x | 0x20) == y; });
    }

    /// One level of nesting as long as it lives.
    class Level {
      public:
        Level(Compiler& compiler, size_t offset) : compiler_(compiler) {
            if (++compiler_.depth_ > limits::kDepthMax + 1)  // what is in nothing has depth 0
                compiler_.fail(offset,
                               fmt::format("this is nested more than {} deep; make two expressions of it",
                                           limits::kDepthMax));
        }
        ~Level() { --compiler_.depth_; }
        Level(const Level&) = delete;
        Level& operator=(const Level&) = delete;

      private:
        Compiler& compiler_;
    };

    // -- nodes

    uint32_t add(Node node, size_t offset) {
        if (++made_ > limits::kNodesMax)
            fail(offset, fmt::format("the expression has more than {} values and operators; make two of it",
                                     limits::kNodesMax));
        program_->nodes.push_back(node);
        return static_cast<uint32_t>(program_->nodes.size() - 1);
    }
    uint32_t add_constant(Value value, size_t offset) {
        program_->constants.push_back(value);
        return add({Op::kConstant, static_cast<uint32_t>(program_->constants.size() - 1)}, offset);
    }
    Operand constant(Value value, Type type, size_t offset) {
        return {add_constant(value, offset), type, offset};
    }
    std::string_view keep(std::string_view text) { return program_->strings.emplace_back(text); }

    const Value* constant_at(uint32_t node) const {
        const Node& n = program_->nodes[node];
        return n.op == Op::kConstant ? &program_->constants[n.a] : nullptr;
    }
    /// Takes the node at the end back.
    void drop(uint32_t node) { program_->nodes.resize(node); }

    /// A node whose operands are constants becomes one. What fails stays: it may never be asked for.
    Operand folded(Operand made, uint32_t first_operand) {
        for (uint32_t i = first_operand; i < made.node; ++i)
            if (!constant_at(i)) return made;
        Scratch scratch;
        Value value = evaluate(*program_, made.node, NoVariables(), scratch);
        if (value.is_error()) return made;
        if (value.kind() == Value::Kind::kString) value = Value::string(keep(value.as_string()));
        drop(first_operand);
        program_->constants.push_back(value);
        program_->nodes.push_back({Op::kConstant, static_cast<uint32_t>(program_->constants.size() - 1)});
        return {first_operand, made.type, made.offset};
    }

    /// Values that are read more than once, or in a macro, are read once an evaluation.
    void share_variables() {
        std::vector<uint32_t> place(program_->uses.size(), 0);
        for (Node& n : program_->nodes) {
            if (n.op != Op::kVariable || !read_again_[n.a]) continue;
            if (place[n.a] == 0) place[n.a] = ++program_->cached;
            n.b = place[n.a];
        }
    }

    // -- types

    static bool fits(Type found, Type wanted) {
        if (found.is(Kind::kDyn) || wanted.is(Kind::kDyn)) return true;
        if (found.kind != wanted.kind) return false;
        return !(found.is(Kind::kList) || found.is(Kind::kMap)) || found.element == wanted.element ||
               found.element == Kind::kDyn || wanted.element == Kind::kDyn;
    }
    void want_type(const Operand& operand, Kind kind, std::string_view who) const {
        if (operand.type.is(kind) || operand.type.is(Kind::kDyn)) return;
        fail(operand.offset, fmt::format("{} takes {}, this is {}", who, text_of(Type{kind, Kind::kDyn}),
                                         text_of(operand.type)));
    }
    void want_bool(const Operand& operand, std::string_view who) const {
        if (operand.type.is(Kind::kBool) || operand.type.is(Kind::kDyn)) return;
        fail(operand.offset, fmt::format("{} takes true or false, this is {}; compare it with something", who,
                                         text_of(operand.type)));
    }

    Type arithmetic(const BinaryOp& op, const Operand& left, const Operand& right, size_t offset) const {
        const auto matches = [](Type type, Kind kind) { return type.is(Kind::kDyn) || type.is(kind); };
        std::optional<Kind> result;
        for (const Overload& o : kArithmetic) {
            if (o.op != op.op || !matches(left.type, o.left) || !matches(right.type, o.right)) continue;
            result = result && *result != o.result ? Kind::kDyn : o.result;
        }
        if (result) return {*result, Kind::kDyn};
        const auto is = [&](Kind a, Kind b) {
            return (left.type.is(a) && right.type.is(b)) || (left.type.is(b) && right.type.is(a));
        };
        std::string_view mend = "";
        if (op.op == Op::kModulo && (left.type.is(Kind::kDouble) || right.type.is(Kind::kDouble)))
            mend = "; it is for integers, convert with int()";
        else if (is(Kind::kInt, Kind::kDouble))
            mend = "; convert one of them with double() or int()";
        else if (op.op == Op::kAdd && (left.type.is(Kind::kString) || right.type.is(Kind::kString)))
            mend = "; convert the other to text with string()";
        else if (is(Kind::kTimestamp, Kind::kInt) || is(Kind::kDuration, Kind::kInt))
            mend = "; write spans of time as duration(\"90s\")";
        else if (op.op == Op::kAdd && is(Kind::kTimestamp, Kind::kTimestamp))
            mend = "; only a duration can be added to an instant";
        else if (left.type.is(Kind::kList) || right.type.is(Kind::kList))
            mend = "; lists cannot be joined";
        fail(offset, fmt::format("'{}' does not take {} and {}{}", op.sign, text_of(left.type),
                                 text_of(right.type), mend));
    }

    static bool comparable(Type a, Type b) {
        return a.is(Kind::kDyn) || b.is(Kind::kDyn) || a.kind == b.kind || (a.is_number() && b.is_number());
    }
    void check_comparison(const BinaryOp& op, const Operand& left, const Operand& right,
                          size_t offset) const {
        const Type a = left.type, b = right.type;
        const bool ordering = op.op != Op::kEqual && op.op != Op::kNotEqual;
        const auto either = [&](Kind kind) { return a.is(kind) || b.is(kind); };
        if (!comparable(a, b)) {
            std::string_view mend = "";
            if (either(Kind::kTimestamp) && either(Kind::kString))
                mend = "; write an instant as timestamp(\"2026-01-31T08:00:00Z\")";
            else if (either(Kind::kDuration) && (either(Kind::kString) || either(Kind::kInt)))
                mend = "; write a span of time as duration(\"5m\")";
            else if (either(Kind::kNull))
                mend = "; only values from JSON can be null, ask with has() for a member";
            else if (either(Kind::kString) && (a.is_number() || b.is_number()))
                mend = "; convert with int(), double() or string()";
            else if (ordering && a.is(Kind::kBool))
                mend = "; write a < b && b < c to compare three";
            fail(offset,
                 fmt::format("'{}' does not compare {} with {}{}", op.sign, text_of(a), text_of(b), mend));
        }
        if (either(Kind::kMap))
            fail(offset, fmt::format("'{}' does not compare maps; compare their members", op.sign));
        if (ordering && (either(Kind::kList) || either(Kind::kNull)))
            fail(offset, fmt::format("'{}' finds no order between {} and {}; only == and != compare those",
                                     op.sign, text_of(a), text_of(b)));
    }
    void check_in(const Operand& left, const Operand& right, size_t offset) const {
        if (right.type.is(Kind::kDyn)) return;
        if (right.type.is(Kind::kMap)) {
            if (left.type.is(Kind::kString) || left.type.is(Kind::kDyn)) return;
            fail(left.offset, fmt::format("the keys of a map are strings, this is {}", text_of(left.type)));
        }
        if (!right.type.is(Kind::kList))
            fail(offset, fmt::format("'in' looks into a list or a map, not into {}{}", text_of(right.type),
                                     right.type.is(Kind::kString) ? "; write text.contains(\"part\")" : ""));
        if (!comparable(left.type, right.type.element_type()))
            fail(offset, fmt::format("a {} holds no {}", text_of(right.type), text_of(left.type)));
    }

    // -- grammar, from what binds least

    Operand choice() {
        const Level level(*this, token_.offset);
        const Operand condition = disjunction();
        if (!token_.is_sign("?")) return condition;
        want_bool(condition, "'?'");
        advance();
        const Operand yes = disjunction();
        want(":", "between the two values of '?'");
        const Operand no = choice();
        Type type = yes.type;
        if (yes.type != no.type) {
            if (!fits(yes.type, no.type))
                fail(no.offset, fmt::format("both values of '?' are of one type; the first is {}, this is {}",
                                            text_of(yes.type), text_of(no.type)));
            const bool container = yes.type.kind == no.type.kind;
            type = container ? Type{yes.type.kind, Kind::kDyn} : Type::dyn();
        }
        return {add({Op::kChoose, condition.node, yes.node, no.node}, condition.offset), type,
                condition.offset};
    }

    Operand disjunction() { return logical("||", Op::kOr, &Compiler::conjunction); }
    Operand conjunction() { return logical("&&", Op::kAnd, &Compiler::relation); }

    Operand logical(std::string_view sign, Op op, Operand (Compiler::*operand)()) {
        const Operand first = (this->*operand)();
        if (!token_.is_sign(sign)) return first;
        std::vector<uint32_t> nodes{first.node};
        want_bool(first, fmt::format("'{}'", sign));
        while (take(sign)) {
            const Operand next = (this->*operand)();
            want_bool(next, fmt::format("'{}'", sign));
            nodes.push_back(next.node);
        }
        return {add_linked(op, nodes, first.offset), Type::boolean(), first.offset};
    }
    uint32_t add_linked(Op op, const std::vector<uint32_t>& nodes, size_t offset) {
        const auto begin = static_cast<uint32_t>(program_->links.size());
        program_->links.insert(program_->links.end(), nodes.begin(), nodes.end());
        return add({op, begin, static_cast<uint32_t>(nodes.size())}, offset);
    }

    template <size_t N>
    const BinaryOp* operator_among(const BinaryOp (&ops)[N]) const {
        for (const BinaryOp& op : ops)
            if (token_.is_sign(op.sign) || (op.op == Op::kIn && token_.is_name("in"))) return &op;
        return nullptr;
    }

    Operand relation() {
        Operand left = sum();
        while (const BinaryOp* op = operator_among(kRelations)) {
            const size_t offset = advance().offset;
            const Operand right = sum();
            if (op->op == Op::kIn)
                check_in(left, right, offset);
            else
                check_comparison(*op, left, right, offset);
            left = binary(op->op, left, right, Type::boolean(), offset);
        }
        return left;
    }
    Operand sum() {
        Operand left = product();
        while (const BinaryOp* op = operator_among(kSums)) {
            const size_t offset = advance().offset;
            const Operand right = product();
            left = binary(op->op, left, right, arithmetic(*op, left, right, offset), offset);
        }
        return left;
    }
    Operand product() {
        Operand left = unary();
        while (const BinaryOp* op = operator_among(kProducts)) {
            const size_t offset = advance().offset;
            const Operand right = unary();
            left = binary(op->op, left, right, arithmetic(*op, left, right, offset), offset);
        }
        return left;
    }
    Operand binary(Op op, const Operand& left, const Operand& right, Type type, size_t offset) {
        return folded({add({op, left.node, right.node}, offset), type, left.offset},
                      std::min(left.node, right.node));
    }

    Operand unary() {
        std::vector<size_t> signs;
        const bool negate = token_.is_sign("-");
        while (token_.is_sign(negate ? "-" : "!")) {
            signs.push_back(token_.offset);
            if (signs.size() > limits::kDepthMax)
                fail(token_.offset,
                     fmt::format("more than {} signs in a row; most of them cancel out", limits::kDepthMax));
            advance();
        }
        bool literal = false;
        Operand operand{};
        if (negate && (token_.kind == Token::Kind::kInt || token_.kind == Token::Kind::kDouble)) {
            operand = number(advance(), true, signs.back());
            signs.pop_back();
            literal = true;
        }
        if (!literal) operand = member();
        for (; !signs.empty(); signs.pop_back()) {
            if (!negate)
                want_bool(operand, "'!'");
            else if (!operand.type.is_number() && !operand.type.is(Kind::kDyn))
                fail(signs.back(), fmt::format("'-' takes a number, this is {}", text_of(operand.type)));
            const uint32_t of = operand.node;
            operand = folded({add({negate ? Op::kNegate : Op::kNot, of}, signs.back()),
                              negate ? operand.type : Type::boolean(), signs.back()},
                             of);
        }
        return operand;
    }

    Operand number(const Token& token, bool negative, size_t offset) {
        if (token.kind == Token::Kind::kDouble)
            return constant(Value::real(negative ? -token.real : token.real), Type::real(), offset);
        if (!negative && token.magnitude >> 63)
            fail(offset, "this integer does not fit into 64 bits; write a double, for example 1e30");
        const auto value = static_cast<int64_t>(negative ? 0 - token.magnitude : token.magnitude);
        return constant(Value::integer(value), Type::integer(), offset);
    }

    Operand member() { return settled(reference()); }

    /// A primary and all that follows it: .name, [index], .method().
    Reference reference() {
        Reference r = primary();
        for (;;) {
            if (token_.is_sign(".")) {
                advance();
                if (token_.kind != Token::Kind::kName)
                    fail(token_.offset, fmt::format("{} where a member's name is wanted; other names go as "
                                                    "[\"name\"]",
                                                    found()));
                const Token name = advance();
                for (const std::string_view word : {"in", "true", "false", "null"})
                    if (name.is_name(word))
                        fail(name.offset, fmt::format("'{0}' is a reserved word; write [\"{0}\"]", word));
                if (token_.is_sign("("))
                    r = based_on(method(settled(r), name));
                else
                    step(r, {.name = keep(name.text)}, name.offset);
            } else if (token_.is_sign("[")) {
                index(r);
            } else {
                return r;
            }
        }
    }

    void step(Reference& r, Step s, size_t offset) {
        const auto what = [&] { return text_.substr(r.offset, offset - r.offset - (s.is_name() ? 1 : 0)); };
        if (r.type.is(Kind::kList)) {
            if (s.is_name())
                fail(offset, fmt::format("a list has elements, as in [0], and no member '{}'; ask for some "
                                         "element with exists()",
                                         s.name));
        } else if (r.type.is(Kind::kMap)) {
            if (!s.is_name()) fail(offset, "the keys of a map are strings; write [\"name\"]");
        } else if (!r.type.is(Kind::kDyn)) {
            const bool method =
                s.is_name() && std::find(kMethods.begin(), kMethods.end(), s.name) != kMethods.end();
            fail(offset,
                 method ? fmt::format("'{}' is a function; write {}()", s.name, s.name)
                        : fmt::format("{} is of type {}, which has no members", what(), text_of(r.type)));
        }
        if (++made_ > limits::kNodesMax || r.steps.size() >= limits::kDepthMax)
            fail(offset, fmt::format("a path has at most {} steps", limits::kDepthMax));
        r.steps.push_back(s);
        r.last_offset = offset;
        r.type = r.type.is(Kind::kDyn) ? Type::dyn() : r.type.element_type();
    }

    void index(Reference& r) {
        const size_t offset = advance().offset;
        const Operand at = choice();
        want("]", "behind the index");
        if (const Value* value = constant_at(at.node)) {
            const Value v = *value;
            if (v.kind() == Value::Kind::kInt && v.as_int() < 0)
                fail(at.offset, "elements are counted from 0; this is before the first");
            drop(at.node);
            if (v.kind() == Value::Kind::kInt) return step(r, {.name = {}, .index = v.as_int()}, offset);
            if (v.kind() == Value::Kind::kString) return step(r, {.name = v.as_string()}, offset);
            fail_index(at);
        }
        const Operand base = settled(r);
        const bool list = base.type.is(Kind::kList), map = base.type.is(Kind::kMap);
        if (!list && !map && !base.type.is(Kind::kDyn))
            fail(offset,
                 fmt::format("{} has no elements or members; [] is for lists and maps", text_of(base.type)));
        const bool fits_list = at.type.is(Kind::kInt) || at.type.is(Kind::kDyn);
        const bool fits_map = at.type.is(Kind::kString) || at.type.is(Kind::kDyn);
        if (!(list ? fits_list : map ? fits_map : fits_list || fits_map)) fail_index(at);
        const Type type = list || map ? base.type.element_type() : Type::dyn();
        r = based_on({add({Op::kIndex, base.node, at.node}, offset), type, base.offset});
    }

    [[noreturn]] void fail_index(const Operand& at) const {
        fail(at.offset,
             fmt::format("an index is an int for a list, a string for a map; this is {}", text_of(at.type)));
    }

    static Reference based_on(const Operand& operand) {
        Reference r;
        r.node = operand.node;
        r.type = operand.type;
        r.offset = r.last_offset = operand.offset;
        return r;
    }

    /// The node of a reference.
    Operand settled(const Reference& r) {
        if (r.variable) return {add({Op::kVariable, use(r, false)}, r.offset), r.type, r.offset};
        if (r.steps.empty()) return {r.node, r.type, r.offset};
        return {add({Op::kMember, r.node, path(r)}, r.offset), r.type, r.offset};
    }
    uint32_t path(const Reference& r) {
        program_->paths.push_back(r.steps);
        return static_cast<uint32_t>(program_->paths.size() - 1);
    }
    /// The place in uses; each path of a variable has one, and another for has() alone.
    uint32_t use(const Reference& r, bool presence) {
        auto& uses = program_->uses;
        for (size_t i = 0; i < uses.size(); ++i)
            if (uses[i].variable == r.variable->index && uses[i].only_presence == presence &&
                std::equal(uses[i].path.begin(), uses[i].path.end(), r.steps.begin(), r.steps.end())) {
                read_again_[i] = true;
                return static_cast<uint32_t>(i);
            }
        uses.push_back({r.variable->index, program_->paths.emplace_back(r.steps), presence});
        read_again_.push_back(!locals_.empty());
        return static_cast<uint32_t>(uses.size() - 1);
    }

    Reference primary() {
        const size_t offset = token_.offset;
        if (token_.kind == Token::Kind::kInt || token_.kind == Token::Kind::kDouble)
            return based_on(number(advance(), false, offset));
        if (token_.kind == Token::Kind::kString)
            return based_on(constant(Value::string(keep(advance().content)), Type::string(), offset));
        if (token_.is_sign("[")) return based_on(list());
        if (token_.is_sign("(")) {
            advance();
            Operand inner = choice();
            want(")", fmt::format("to close the '(' of column {}", place_of(text_, offset).column));
            inner.offset = offset;
            return based_on(inner);
        }
        if (token_.kind == Token::Kind::kName) return name();
        if (token_.is_sign("=="))  // "===" and "x == == y"
            fail(offset, "'==' wants a value on either side; '===' is written ==");
        fail(offset,
             fmt::format("{} where a value is wanted, for example a name, a number or a \"text\"", found()));
    }

    Operand list() {
        const size_t offset = advance().offset;
        std::vector<uint32_t> nodes;
        std::optional<Type> element;
        const auto first = static_cast<uint32_t>(program_->nodes.size());
        while (!token_.is_sign("]")) {
            const Operand one = choice();
            nodes.push_back(one.node);
            element = element && *element != one.type ? Type::dyn() : one.type;
            if (!take(",") && !token_.is_sign("]"))
                fail_found(fmt::format("',' or ']' is wanted in the list of column {}",
                                       place_of(text_, offset).column));
        }
        advance();
        const Type type = Type::list(element.value_or(Type::dyn()));
        std::vector<Value> values;
        for (const uint32_t node : nodes)
            if (const Value* value = constant_at(node)) values.push_back(*value);
        if (values.size() != nodes.size()) return {add_linked(Op::kList, nodes, offset), type, offset};
        drop(first);
        const std::vector<Value>& kept = program_->lists.emplace_back(std::move(values));
        return constant(Value::list(std::span(kept)), type, offset);
    }

    Reference name() {
        const Token token = advance();
        const std::string_view word = token.text;
        if (token_.is_sign("(")) return based_on(function(token));
        if (word == "true" || word == "false")
            return based_on(constant(Value::boolean(word == "true"), Type::boolean(), token.offset));
        if (word == "null") return based_on(constant(Value::null(), Type::null(), token.offset));
        for (size_t i = locals_.size(); i-- > 0;)
            if (locals_[i].name == word)
                return based_on({add({Op::kLocal, static_cast<uint32_t>(i)}, token.offset), locals_[i].type,
                                 token.offset});
        if (const Variable* variable = schema_.find(word)) {
            Reference r;
            r.variable = variable;
            r.type = variable->type;
            r.offset = r.last_offset = token.offset;
            return r;
        }
        if (word == "not") fail(token.offset, "'not' is written !");
        for (const std::string_view literal : {"true", "false", "null"})
            if (same_letters(word, literal))
                fail(token.offset, fmt::format("'{}' is written {} here", word, literal));
        if (std::find(kReserved.begin(), kReserved.end(), word) != kReserved.end())
            fail(token.offset, fmt::format("'{}' is a reserved word, and no name", word));
        unknown(token, "name", names());
    }

    std::vector<std::string_view> names() const {
        std::vector<std::string_view> all;
        all.reserve(locals_.size() + schema_.variables().size());
        for (const Local& local : locals_) all.push_back(local.name);
        for (const Variable& variable : schema_.variables()) all.push_back(variable.name);
        return all;
    }
    [[noreturn]] void unknown(const Token& token, std::string_view what,
                              std::span<const std::string_view> known) const {
        std::string all;
        for (const std::string_view one : known) (all += all.empty() ? "" : ", ") += one;
        const std::string_view near = nearest(token.text, known);
        const std::string meant = near.empty() ? "" : fmt::format("did you mean {}? ", near);
        fail(token.offset, fmt::format("'{}' is no {} here; {}known are {}", token.text, what, meant, all));
    }

    // -- functions

    std::vector<Operand> arguments(std::string_view name, size_t count) {
        const size_t offset = advance().offset;
        std::vector<Operand> found_ones;
        while (!token_.is_sign(")")) {
            found_ones.push_back(choice());
            if (!take(",") && !token_.is_sign(")"))
                fail_found(fmt::format("',' or ')' is wanted behind an argument of {}()", name));
        }
        advance();
        if (found_ones.size() != count)
            fail(offset, fmt::format("{}() takes {} argument{}, here are {}", name, count,
                                     count == 1 ? "" : "s", found_ones.size()));
        return found_ones;
    }

    Operand function(const Token& name) {
        if (name.is_name("has")) return has(name);
        if (name.is_name("size")) return size(arguments("size", 1)[0], name.offset);
        if (name.is_name("matches")) {
            const std::vector<Operand> two = arguments("matches", 2);
            return matches(two[0], two[1], name.offset);
        }
        constexpr struct {
            std::string_view name;
            Op op;
            Type result;
            std::string_view takes;
            Kind from[4];
        } kConversions[] = {
            {"int",
             Op::kToInt,
             Type::integer(),
             "a number, a text or an instant (its seconds since 1970)",
             {Kind::kInt, Kind::kDouble, Kind::kString, Kind::kTimestamp}},
            {"double",
             Op::kToDouble,
             Type::real(),
             "a number or a text",
             {Kind::kInt, Kind::kDouble, Kind::kString, Kind::kString}},
            {"timestamp",
             Op::kToTimestamp,
             Type::timestamp(),
             "a text as 2026-01-31T08:00:00Z, or an int of seconds since 1970",
             {Kind::kInt, Kind::kString, Kind::kTimestamp, Kind::kTimestamp}},
            {"duration",
             Op::kToDuration,
             Type::duration(),
             "a text as 1h30m or 250ms",
             {Kind::kString, Kind::kDuration, Kind::kDuration, Kind::kDuration}},
        };
        for (const auto& c : kConversions) {
            if (!name.is_name(c.name)) continue;
            const Operand of = arguments(c.name, 1)[0];
            if (!of.type.is(Kind::kDyn) &&
                std::find(std::begin(c.from), std::end(c.from), of.type.kind) == std::end(c.from))
                fail(of.offset, fmt::format("{}() takes {}, this is {}", c.name, c.takes, text_of(of.type)));
            return converted(c.op, c.name, c.takes, of, c.result, name.offset);
        }
        if (name.is_name("string")) {
            const Operand of = arguments("string", 1)[0];
            if (of.type.is(Kind::kList) || of.type.is(Kind::kMap) || of.type.is(Kind::kNull))
                fail(of.offset, fmt::format("string() does not take {}", text_of(of.type)));
            return converted(Op::kToString, "string", "", of, Type::string(), name.offset);
        }
        if (std::find(kMethods.begin(), kMethods.end(), name.text) != kMethods.end())
            fail(name.offset, fmt::format("{0}() goes behind a value: write value.{0}(...)", name.text));
        unknown(name, "function", kFunctions);
    }

    Operand converted(Op op, std::string_view name, std::string_view takes, const Operand& of, Type type,
                      size_t offset) {
        const bool literal = constant_at(of.node) != nullptr;
        const Operand made = folded({add({op, of.node}, offset), type, offset}, of.node);
        if (literal && !constant_at(made.node))
            fail(of.offset, fmt::format("{}() cannot make anything of this; it takes {}", name, takes));
        return made;
    }

    Operand has(const Token& name) {
        const size_t open = advance().offset;
        const Level level(*this, open);
        const size_t offset = token_.offset;
        if (token_.is_sign(")")) fail(offset, "has() takes a member, for example has(data.order)");
        const Reference r = reference();
        if (!token_.is_sign(")") || r.steps.empty() || !r.steps.back().is_name())
            fail(offset,
                 r.variable && r.steps.empty() && token_.is_sign(")")
                     ? fmt::format("has() asks for a member, for example has({0}.name); {0} itself is "
                                   "always there",
                                   r.variable->name)
                     : "has() takes a member and nothing else, for example has(data.order)");
        advance();
        const Node node =
            r.variable ? Node{Op::kHasVariable, use(r, true)} : Node{Op::kHasMember, r.node, path(r)};
        return {add(node, name.offset), Type::boolean(), name.offset};
    }

    Operand size(const Operand& of, size_t offset) {
        if (!of.type.is(Kind::kString) && !of.type.is(Kind::kList) && !of.type.is(Kind::kMap) &&
            !of.type.is(Kind::kDyn))
            fail(of.offset,
                 fmt::format("size() takes a string, a list or a map, this is {}", text_of(of.type)));
        return folded({add({Op::kSize, of.node}, offset), Type::integer(), of.offset}, of.node);
    }

    Operand matches(const Operand& text, const Operand& pattern, size_t offset) {
        want_type(text, Kind::kString, "matches()");
        const Value* constant = constant_at(pattern.node);
        if (!constant || constant->kind() != Value::Kind::kString)
            fail(pattern.offset,
                 "the pattern of matches() is a text that is written here, for example r\"^cam-[0-9]+$\"");
        const std::string_view expression = constant->as_string();
        if (expression.size() > limits::kPatternBytesMax)
            fail(pattern.offset, fmt::format("a pattern has at most {} bytes, this has {}",
                                             limits::kPatternBytesMax, expression.size()));
        RE2::Options options(RE2::Quiet);
        options.set_max_mem(1 << 20);
        options.set_never_capture(true);
        auto compiled =
            std::make_unique<RE2>(re2::StringPiece(expression.data(), expression.size()), options);
        if (!compiled->ok())
            fail(pattern.offset,
                 fmt::format("this is no pattern: {}; the syntax is RE2's, and r\"...\" keeps "
                             "backslashes as they are",
                             compiled->error()));
        program_->patterns.push_back(std::move(compiled));
        const auto place = static_cast<uint32_t>(program_->patterns.size() - 1);
        return {add({Op::kMatches, text.node, place}, offset), Type::boolean(), text.offset};
    }

    Operand method(const Operand& of, const Token& name) {
        if (name.is_name("exists")) return macro(of, name, Op::kExists);
        if (name.is_name("all")) return macro(of, name, Op::kAll);
        if (name.is_name("size")) {
            arguments("size", 0);
            return size(of, name.offset);
        }
        if (name.is_name("matches")) {
            const Operand pattern = arguments("matches", 1)[0];
            return matches(of, pattern, name.offset);
        }
        constexpr BinaryOp kTests[] = {
            {"startsWith", Op::kStartsWith}, {"endsWith", Op::kEndsWith}, {"contains", Op::kContains}};
        for (const BinaryOp& test : kTests) {
            if (!name.is_name(test.sign)) continue;
            if (of.type.is(Kind::kList) && test.op == Op::kContains)
                fail(name.offset, "a list is asked with in: write element in list");
            if (!of.type.is(Kind::kString) && !of.type.is(Kind::kDyn))
                fail(name.offset,
                     fmt::format("{}() is for strings, this is {}", test.sign, text_of(of.type)));
            const Operand with = arguments(test.sign, 1)[0];
            want_type(with, Kind::kString, fmt::format("{}()", test.sign));
            return binary(test.op, of, with, Type::boolean(), name.offset);
        }
        for (const std::string_view other : {"map", "filter", "exists_one"})
            if (name.is_name(other))
                fail(name.offset,
                     fmt::format("{}() is left out of this subset; there are exists() and all()", other));
        if (std::find(kFunctions.begin(), kFunctions.end(), name.text) != kFunctions.end())
            fail(name.offset, fmt::format("{0}() goes around a value: write {0}(value)", name.text));
        unknown(name, "function", kMethods);
    }

    Operand macro(const Operand& of, const Token& name, Op op) {
        if (!of.type.is(Kind::kList) && !of.type.is(Kind::kDyn))
            fail(name.offset, fmt::format("{}() goes over a list, this is {}", name.text, text_of(of.type)));
        advance();
        const std::string usage = fmt::format("write {}(x, condition over x)", name.text);
        if (token_.kind != Token::Kind::kName) fail_found("a name for the element is wanted; " + usage);
        const Token element = advance();
        if (element.is_name("true") || element.is_name("false") || element.is_name("null") ||
            std::find(kReserved.begin(), kReserved.end(), element.text) != kReserved.end())
            fail(element.offset, fmt::format("'{}' is a reserved word, and no name", element.text));
        if (!take(",")) fail_found("',' is wanted; " + usage);
        if (locals_.size() == kLocalsMax)
            fail(name.offset, fmt::format("exists() and all() are nested more than {} deep", kLocalsMax));
        const auto local = static_cast<uint32_t>(locals_.size());
        locals_.push_back({element.text, of.type.is(Kind::kDyn) ? Type::dyn() : of.type.element_type()});
        program_->locals = std::max(program_->locals, local + 1);
        const Operand condition = choice();
        want_bool(condition, fmt::format("{}()", name.text));
        locals_.pop_back();
        if (!take(")")) fail_found("')' is wanted; " + usage);
        return {add({op, of.node, condition.node, local}, name.offset), Type::boolean(), of.offset};
    }

    const Schema& schema_;
    std::shared_ptr<Program> program_;
    std::string_view text_;
    Lexer lexer_;
    Token token_;
    std::vector<Local> locals_;
    std::vector<bool> read_again_;  ///< beside uses
    size_t depth_ = 0;
    size_t made_ = 0;
};

}  // namespace

std::shared_ptr<const Program> compile(std::string_view text, const Schema& schema, Type expected) {
    return Compiler(text, schema, expected).run();
}

}  // namespace penstock::expression

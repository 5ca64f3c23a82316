#include "pipeline/expression/lexer.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>

#include "pipeline/expression/convert.h"
#include "pipeline/expression/expression.h"

namespace penstock::expression {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
int hex_digit(char c) {
    if (is_digit(c)) return c - '0';
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

constexpr std::array<std::string_view, 20> kSigns = {"&&", "||", "==", "!=", "<=", ">=", "<", ">", "!", "-",
                                                     "+",  "*",  "/",  "%",  "?",  ":",  "(", ")", "[", "]"};

/// What somebody meant by a sign that is none here.
std::string_view hint(std::string_view rest) {
    if (rest.starts_with("&")) return "'and' is written &&";
    if (rest.starts_with("|")) return "'or' is written ||";
    if (rest.starts_with("<>")) return "'is not' is written !=";
    if (rest.starts_with("#")) return "comments begin with //";
    if (rest.starts_with("=")) return "'equals' is written ==";
    if (rest.starts_with("{") || rest.starts_with("}"))
        return "maps cannot be written here; compare members one by one";
    if (rest.starts_with("\xe2\x80\x9c") || rest.starts_with("\xe2\x80\x9d") ||
        rest.starts_with("\xe2\x80\x98") || rest.starts_with("\xe2\x80\x99"))
        return "this is a typographic quote; write \" or '";
    if (rest.starts_with(";")) return "an expression is one condition; join two with && or ||";
    return {};
}

}  // namespace

Place place_of(std::string_view text, size_t offset) {
    Place place;
    for (const char c : text.substr(0, offset)) {
        if (c == '\n')
            ++place.line, place.column = 1;
        else
            place.column += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
    }
    return place;
}

void fail(std::string_view text, size_t offset, std::string sentence) {
    const Place place = place_of(text, offset);
    throw ExpressionError(offset, place.line, place.column, std::move(sentence));
}

void Lexer::fail(size_t offset, std::string sentence) const {
    expression::fail(text_, offset, std::move(sentence));
}

void Lexer::skip_blanks() {
    for (;;) {
        while (peek() == ' ' || peek() == '\t' || peek() == '\n' || peek() == '\r' || peek() == '\f') ++at_;
        if (!at("//")) return;
        while (at_ < text_.size() && peek() != '\n' && peek() != '\r') ++at_;
    }
}

Token Lexer::next() {
    skip_blanks();
    if (at_ == text_.size()) return {.kind = Token::Kind::kEnd, .offset = at_, .text = {}, .content = {}};
    const char c = peek();
    if (c == '"' || c == '\'') return string(0, false);
    if ((c == 'r' || c == 'R') && (peek(1) == '"' || peek(1) == '\'')) return string(1, true);
    if ((c == 'b' || c == 'B') && (peek(1) == '"' || peek(1) == '\''))
        fail(at_, "there are no byte strings here; leave the b out");
    if (is_digit(c) || (c == '.' && is_digit(peek(1)))) return number();
    Token token{.kind = Token::Kind::kSign, .offset = at_, .text = {}, .content = {}};
    if (is_letter(c)) {
        while (is_letter(peek()) || is_digit(peek())) ++at_;
        token.kind = Token::Kind::kName;
        token.text = text_.substr(token.offset, at_ - token.offset);
        return token;
    }
    size_t length = c == '.' || c == ',' ? 1 : 0;
    for (const std::string_view sign : kSigns)
        if (length == 0 && at(sign) && !at("<>")) length = sign.size();
    if (length == 0) {
        const std::string_view rest = text_.substr(at_);
        if (const std::string_view meant = hint(rest); !meant.empty()) fail(at_, std::string(meant));
        size_t end = 1;
        while (end < rest.size() && (static_cast<unsigned char>(rest[end]) & 0xc0) == 0x80) ++end;
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
            fail(at_, fmt::format("the control character {:#04x} means nothing here; take it out", c));
        fail(at_, fmt::format("'{}' means nothing here; text belongs into quotes", rest.substr(0, end)));
    }
    token.text = text_.substr(at_, length);
    at_ += length;
    return token;
}

Token Lexer::number() {
    Token token{.kind = Token::Kind::kInt, .offset = at_, .text = {}, .content = {}};
    constexpr uint64_t kMost = uint64_t{1} << 63;
    if (peek() == '0' && (peek(1) == 'x' || peek(1) == 'X') && hex_digit(peek(2)) >= 0) {
        for (at_ += 2; hex_digit(peek()) >= 0; ++at_) {
            if (token.magnitude >> 60)
                fail(token.offset,
                     "this integer does not fit into 64 bits; write a double, for example 1e30");
            token.magnitude = token.magnitude << 4 | static_cast<uint64_t>(hex_digit(peek()));
        }
    } else {
        while (is_digit(peek())) ++at_;
        if (peek() == '.' && is_digit(peek(1))) {
            token.kind = Token::Kind::kDouble;
            for (++at_; is_digit(peek());) ++at_;
        }
        const size_t sign = peek(1) == '+' || peek(1) == '-' ? 2 : 1;
        if ((peek() == 'e' || peek() == 'E') && is_digit(peek(sign))) {
            token.kind = Token::Kind::kDouble;
            for (at_ += sign; is_digit(peek());) ++at_;
        }
        const std::string_view digits = text_.substr(token.offset, at_ - token.offset);
        const char* const end = digits.data() + digits.size();
        if (token.kind == Token::Kind::kDouble) {
            if (std::from_chars(digits.data(), end, token.real).ec != std::errc())
                fail(token.offset, "this number does not fit into a double, which holds 1e-307 to 1.7e308");
        } else if (std::from_chars(digits.data(), end, token.magnitude).ec != std::errc()) {
            token.magnitude = kMost + 1;
        }
    }
    token.text = text_.substr(token.offset, at_ - token.offset);
    if (token.magnitude > kMost)
        fail(token.offset, "this integer does not fit into 64 bits; write a double, for example 1e30");
    if (peek() == 'u' || peek() == 'U') fail(at_, "there are no unsigned integers here; leave the u out");
    if (is_letter(peek()) || is_digit(peek()))
        fail(at_, fmt::format("a number ends before '{}'; write an operator between them, and times as "
                              "duration(\"5m\")",
                              peek()));
    return token;
}

Token Lexer::string(size_t prefix, bool raw) {
    Token token{.kind = Token::Kind::kString, .offset = at_, .text = {}, .content = {}};
    at_ += prefix;
    const std::string one(1, peek()), three(3, peek());
    const bool tripled = at(three);
    const std::string& quote = tripled ? three : one;
    at_ += quote.size();
    while (!at(quote)) {
        if (at_ == text_.size())
            fail(token.offset, fmt::format("this string has no end; close it with {}", quote));
        if (!tripled && (peek() == '\n' || peek() == '\r'))
            fail(token.offset,
                 fmt::format("this string has no end in its line; close it with {}, or write \\n", quote));
        if (peek() == '\\' && !raw)
            escape(token.content);
        else
            token.content += text_[at_++];
    }
    at_ += quote.size();
    token.text = text_.substr(token.offset, at_ - token.offset);
    return token;
}

uint32_t Lexer::hexadecimal(size_t digits, size_t begin) {
    uint32_t value = 0;
    for (size_t i = 0; i < digits; ++i, ++at_) {
        if (hex_digit(peek()) < 0)
            fail(begin, fmt::format("this escape takes {} hexadecimal digits, for example \\{}{:0{}x}",
                                    digits, text_[begin + 1], 0xe9, digits));
        value = value << 4 | static_cast<uint32_t>(hex_digit(peek()));
    }
    return value;
}

void Lexer::escape(std::string& out) {
    const size_t begin = at_++;
    const char c = peek();
    constexpr std::string_view kNames = "\\?\"'`abfnrtv", kMeanings = "\\?\"'`\a\b\f\n\r\t\v";
    if (const size_t i = kNames.find(c); i != std::string_view::npos && at_ < text_.size()) {
        ++at_;
        out += kMeanings[i];
        return;
    }
    uint32_t code_point = 0;
    if (c == 'x' || c == 'X' || c == 'u' || c == 'U') {
        ++at_;
        code_point = hexadecimal(c == 'u' ? 4 : c == 'U' ? 8 : 2, begin);
        if (code_point > 0x10ffff || (code_point >= 0xd800 && code_point < 0xe000))
            fail(begin, "this escape is no Unicode character; those end at 10ffff, and lack d800 to dfff");
    } else if (c >= '0' && c <= '3') {
        for (int i = 0; i < 3; ++i, ++at_) {
            if (peek() < '0' || peek() > '7')
                fail(begin, "this escape takes three octal digits, \\000 to \\377");
            code_point = code_point << 3 | static_cast<uint32_t>(peek() - '0');
        }
    } else {
        fail(begin,
             "this is no escape; write \\\\ for a backslash, or r\"...\" for a string without escapes");
    }
    char bytes[4];
    out.append(bytes, write_utf8(code_point, bytes));
}

}  // namespace penstock::expression

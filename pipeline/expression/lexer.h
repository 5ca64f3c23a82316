// The words of an expression.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace penstock::expression {

struct Token {
    enum class Kind : uint8_t { kEnd, kName, kInt, kDouble, kString, kSign };
    Kind kind = Kind::kEnd;
    size_t offset = 0;
    std::string_view text;   ///< as written; of a sign all there is
    uint64_t magnitude = 0;  ///< of an int, which may be one too many for an int without a minus before it
    double real = 0;
    std::string content;  ///< of a string, escapes done

    bool is_sign(std::string_view sign) const { return kind == Kind::kSign && text == sign; }
    bool is_name(std::string_view name) const { return kind == Kind::kName && text == name; }
};

/// Throws what fail() makes of what is no word.
class Lexer {
  public:
    explicit Lexer(std::string_view text) : text_(text) {}
    Token next();

  private:
    void skip_blanks();
    Token number();
    Token string(size_t prefix, bool raw);
    void escape(std::string& out);
    uint32_t hexadecimal(size_t digits, size_t begin);
    bool at(std::string_view what) const { return text_.substr(at_).starts_with(what); }
    char peek(size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
    [[noreturn]] void fail(size_t offset, std::string sentence) const;

    std::string_view text_;
    size_t at_ = 0;
};

struct Place {
    uint32_t line = 1, column = 1;  ///< a column is a code point
};
Place place_of(std::string_view text, size_t offset);
/// Throws an ExpressionError for the place.
[[noreturn]] void fail(std::string_view text, size_t offset, std::string sentence);

}  // namespace penstock::expression

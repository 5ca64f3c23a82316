// Text helpers of the HTTP side: JSON written by appending, UTF-8 checked, times and bytes spelled.
#pragma once

#include <fmt/format.h>

#include <concepts>
#include <optional>
#include <string>
#include <string_view>

#include "schemas/log_record.h"

namespace penstock::http {

/// Length in bytes of the valid UTF-8 sequence that begins at `at`; 0 when there is none.
size_t utf8_sequence(std::string_view text, size_t at);
bool is_utf8(std::string_view text);

/// "2026-01-31T08:00:00.125000000Z": always nine digits, so that texts sort as times do.
std::string rfc3339(StampNs stamp);

std::string base64(std::string_view bytes);

/// Undoes %XX and, for queries, '+'. Nothing when an escape is broken.
std::optional<std::string> percent_decode(std::string_view text);
/// Escapes all but RFC 3986's unreserved characters.
std::string percent_encode(std::string_view text);

/// A decimal number without sign that fits; nothing otherwise.
std::optional<uint64_t> parse_unsigned(std::string_view text);

bool equal_ignoring_case(std::string_view a, std::string_view b);

/// Writes JSON by appending to one string; places the commas. The caller balances begin and end.
/// Bytes that are not UTF-8 become U+FFFD, so that the output is always a valid document.
class JsonWriter {
  public:
    JsonWriter& begin_object() { return open('{'); }
    JsonWriter& end_object() { return close('}'); }
    JsonWriter& begin_array() { return open('['); }
    JsonWriter& end_array() { return close(']'); }

    JsonWriter& key(std::string_view name) {
        separate();
        append_string(name);
        out_ += ':';
        comma_ = false;
        return *this;
    }
    JsonWriter& value(std::string_view text) {
        separate();
        append_string(text);
        comma_ = true;
        return *this;
    }
    JsonWriter& value(const char* text) { return value(std::string_view(text)); }
    JsonWriter& value(const std::string& text) { return value(std::string_view(text)); }
    JsonWriter& value(bool b) { return raw(b ? "true" : "false"); }
    JsonWriter& value(std::integral auto n) {
        separate();
        fmt::format_to(std::back_inserter(out_), "{}", n);
        comma_ = true;
        return *this;
    }
    /// Nine significant digits; JSON has no NaN, so it becomes null.
    JsonWriter& value(double d);
    JsonWriter& null() { return raw("null"); }
    /// A piece that is JSON already.
    JsonWriter& raw(std::string_view json) {
        separate();
        out_ += json;
        comma_ = true;
        return *this;
    }
    template <typename T>
    JsonWriter& field(std::string_view name, const T& v) {
        return key(name).value(v);
    }
    /// The field is left out where the text is empty.
    JsonWriter& field_if(std::string_view name, std::string_view text) {
        return text.empty() ? *this : key(name).value(text);
    }

    /// A list of texts.
    template <typename Texts>
    JsonWriter& list(std::string_view name, const Texts& texts) {
        key(name).begin_array();
        for (const auto& text : texts) value(std::string_view(text));
        return end_array();
    }

    size_t size() const { return out_.size(); }
    std::string take() { return std::move(out_); }

  private:
    void separate() {
        if (comma_) out_ += ',';
        comma_ = false;
    }
    JsonWriter& open(char c) {
        separate();
        out_ += c;
        return *this;
    }
    JsonWriter& close(char c) {
        out_ += c;
        comma_ = true;
        return *this;
    }
    void append_string(std::string_view text);

    std::string out_;
    bool comma_ = false;
};

}  // namespace penstock::http

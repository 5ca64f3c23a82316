#include "pipeline/expression/convert.h"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <cmath>
#include <limits>

namespace penstock::expression {
namespace {

__extension__ using Wide = __int128;
constexpr int64_t kSecond = 1'000'000'000;

struct Unit {
    std::string_view name;
    int64_t ns;
};
// The longer of two names that begin alike comes first.
constexpr Unit kUnits[] = {{"ms", 1'000'000},      {"us", 1'000},       {"ns", 1},
                           {"h", 3'600 * kSecond}, {"m", 60 * kSecond}, {"s", kSecond}};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

template <typename T>
std::optional<T> whole(std::string_view text) {
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

/// ".5" for half a second, nothing for none.
size_t write_fraction(int64_t ns, char* out) {
    if (ns == 0) return 0;
    char* end = fmt::format_to(out, ".{:09}", ns);
    while (end[-1] == '0') --end;
    return static_cast<size_t>(end - out);
}

}  // namespace

std::optional<int64_t> parse_duration(std::string_view text) {
    const bool negative = !text.empty() && text[0] == '-';
    if (negative || (!text.empty() && text[0] == '+')) text.remove_prefix(1);
    if (text == "0") return 0;
    if (text.empty()) return std::nullopt;
    constexpr Wide kMost = std::numeric_limits<int64_t>::max();
    constexpr Wide kFinest =
        1'000'000'000'000'000;  // of an hour: less than a nanosecond; the rest is cut off
    Wide total = 0;
    while (!text.empty()) {
        Wide number = 0, fraction = 0, scale = 1;  // number + fraction / scale
        size_t at = 0, digits = 0;
        for (; at < text.size() && is_digit(text[at]); ++at, ++digits) {
            number = number * 10 + (text[at] - '0');
            if (number > kMost) return std::nullopt;
        }
        if (at < text.size() && text[at] == '.') {
            for (++at; at < text.size() && is_digit(text[at]); ++at, ++digits) {
                if (scale >= kFinest) continue;
                fraction = fraction * 10 + (text[at] - '0');
                scale *= 10;
            }
        }
        if (digits == 0) return std::nullopt;
        text.remove_prefix(at);
        const Unit* unit = nullptr;
        for (const Unit& u : kUnits)
            if (!unit && text.starts_with(u.name)) unit = &u;
        if (!unit) return std::nullopt;
        text.remove_prefix(unit->name.size());
        total += number * unit->ns + fraction * unit->ns / scale;
        if (total > kMost) return std::nullopt;
    }
    return static_cast<int64_t>(negative ? -total : total);
}

std::optional<int64_t> parse_int(std::string_view text) { return whole<int64_t>(text); }
std::optional<double> parse_double(std::string_view text) { return whole<double>(text); }

std::optional<int64_t> int_of(double value) {
    constexpr double kEdge = 9223372036854775808.0;  // 2^63
    if (!(value > -kEdge && value < kEdge)) return std::nullopt;
    return static_cast<int64_t>(value);
}

size_t write_int(int64_t value, char* out) {
    return static_cast<size_t>(std::to_chars(out, out + kTextOfValueMax, value).ptr - out);
}

size_t write_double(double value, char* out) {
    if (std::isfinite(value))
        return static_cast<size_t>(std::to_chars(out, out + kTextOfValueMax, value).ptr - out);
    const std::string_view name = std::isnan(value) ? "NaN" : value < 0 ? "-Infinity" : "Infinity";
    return name.copy(out, name.size());
}

size_t write_timestamp(StampNs value, char* out) {
    int64_t seconds = value / kSecond, ns = value % kSecond;
    if (ns < 0) ns += kSecond, --seconds;
    int64_t day = seconds / 86'400, second = seconds % 86'400;
    if (second < 0) second += 86'400, --day;
    const std::chrono::year_month_day date{std::chrono::sys_days{std::chrono::days{day}}};
    char* end = fmt::format_to(out, "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()),
                               static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                               second / 3'600, second / 60 % 60, second % 60);
    end += write_fraction(ns, end);
    *end++ = 'Z';
    return static_cast<size_t>(end - out);
}

size_t write_duration(int64_t value_ns, char* out) {
    const uint64_t size =
        value_ns < 0 ? 0 - static_cast<uint64_t>(value_ns) : static_cast<uint64_t>(value_ns);
    char* end = fmt::format_to(out, "{}{}", value_ns < 0 ? "-" : "", size / kSecond);
    end += write_fraction(static_cast<int64_t>(size % kSecond), end);
    *end++ = 's';
    return static_cast<size_t>(end - out);
}

bool is_utf8(std::string_view text, size_t& bad) {
    for (size_t at = 0; at < text.size();) {
        bad = at;
        const auto byte = [&](size_t i) {
            return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0u;
        };
        const unsigned lead = byte(0);
        const size_t length = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
        if (length == 0 || lead > 0xf4) return false;
        for (size_t i = 1; i < length; ++i)
            if ((byte(i) & 0xc0) != 0x80) return false;
        // Too long for what they say, surrogates, beyond U+10FFFF.
        if ((lead == 0xe0 && byte(1) < 0xa0) || (lead == 0xed && byte(1) > 0x9f) ||
            (lead == 0xf0 && byte(1) < 0x90) || (lead == 0xf4 && byte(1) > 0x8f))
            return false;
        at += length;
    }
    return true;
}

size_t write_utf8(uint32_t c, char* out) {
    const auto put = [&](size_t i, uint32_t bits) { out[i] = static_cast<char>(bits); };
    const auto rest = [&](int shift) { return 0x80 | (c >> shift & 0x3f); };
    if (c < 0x80) return put(0, c), 1;
    if (c < 0x800) return put(0, 0xc0 | c >> 6), put(1, rest(0)), 2;
    if (c < 0x10000) return put(0, 0xe0 | c >> 12), put(1, rest(6)), put(2, rest(0)), 3;
    return put(0, 0xf0 | c >> 18), put(1, rest(12)), put(2, rest(6)), put(3, rest(0)), 4;
}

int64_t count_code_points(std::string_view text) {
    int64_t n = 0;
    for (const char c : text) n += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
    return n;
}

}  // namespace penstock::expression

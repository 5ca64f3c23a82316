#include "stages/notify/mail_message.h"

#include <absl/time/time.h>
#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>

namespace penstock {
namespace {

constexpr size_t kSubjectBytesMax = 300;
constexpr size_t kPlainSubjectMax = 66;  ///< with "Subject: " within the 78 columns that RFC 5322 asks for
constexpr size_t kWordBytes = 42;        ///< of an encoded word, which may have 75 columns
constexpr size_t kLineBytes = 57;        ///< 76 columns of base64

std::string base64(std::string_view bytes) {
    constexpr int kVariant = sodium_base64_VARIANT_ORIGINAL;
    std::string text(sodium_base64_ENCODED_LEN(bytes.size(), kVariant), '\0');
    sodium_bin2base64(text.data(), text.size(), reinterpret_cast<const unsigned char*>(bytes.data()),
                      bytes.size(), kVariant);
    text.pop_back();  // the end of a C string
    return text;
}

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

/// As much of `text` as `max` bytes hold without cutting a character of UTF-8.
std::string_view head_of(std::string_view text, size_t max) {
    if (text.size() <= max) return text;
    size_t end = max;
    while (end > max - 3 && continues_character(text[end])) --end;
    return text.substr(0, end);
}

/// The canonical form of text: lines that end with CRLF, whatever they ended with before.
std::string with_crlf(std::string_view text) {
    std::string out;
    out.reserve(text.size() + text.size() / 32 + 2);
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') continue;
        if (text[i] == '\n' || text[i] == '\r')
            out += "\r\n";
        else
            out += text[i];
    }
    if (!out.ends_with("\r\n")) out += "\r\n";
    return out;
}

}  // namespace

bool is_mail_address(std::string_view text) {
    const size_t at = text.find('@');
    if (at == std::string_view::npos || at == 0 || at + 1 == text.size() || text.size() > 254) return false;
    return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; }) &&
           text.find_first_of("<>()[],;:\\\"") == std::string_view::npos &&
           text.find('@', at + 1) == std::string_view::npos;
}

std::string mail_subject(std::string_view text) {
    std::string clean(head_of(text, kSubjectBytesMax));
    bool ascii = true;
    for (char& c : clean) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < ' ' || byte == 0x7f) c = ' ';
        if (byte > '~') ascii = false;
    }
    if (ascii && clean.size() <= kPlainSubjectMax && clean.find("=?") == std::string::npos) return clean;
    std::string out;
    for (std::string_view rest = clean; !rest.empty();) {
        const std::string_view word = head_of(rest, kWordBytes);
        out += (out.empty() ? "=?UTF-8?B?" : "\r\n =?UTF-8?B?") + base64(word) + "?=";
        rest.remove_prefix(word.size());
    }
    return out;
}

std::string mail_message(const Notification& notification, const std::string& from,
                         const std::vector<std::string>& to) {
    std::string receivers;
    for (const std::string& address : to) receivers += (receivers.empty() ? "" : ",\r\n ") + address;
    const std::string date = absl::FormatTime("%a, %d %b %Y %H:%M:%S +0000",
                                              absl::FromUnixNanos(notification.at_ns), absl::UTCTimeZone());
    std::string out = fmt::format(
        "Date: {}\r\nFrom: {}\r\nTo: {}\r\nSubject: {}\r\nMessage-ID: <{}@{}>\r\n"
        "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
        "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n",
        date, from, receivers, mail_subject(notification.subject), effect_text(notification.effect_id),
        from.substr(from.find('@') + 1));
    const std::string text = with_crlf(notification.text);
    for (size_t at = 0; at < text.size(); at += kLineBytes)
        out += base64(std::string_view(text).substr(at, kLineBytes)) + "\r\n";
    return out;
}

}  // namespace penstock

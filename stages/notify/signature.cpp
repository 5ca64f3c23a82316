#include "stages/notify/signature.h"

#include <sodium.h>

#include <array>
#include <stdexcept>

namespace penstock {
namespace {

constexpr std::string_view kPrefix = "whsec_";
constexpr size_t kKeyBytesMin = 24, kKeyBytesMax = 64;
constexpr int kVariant = sodium_base64_VARIANT_ORIGINAL;

std::string_view trimmed(std::string_view line) {
    const size_t first = line.find_first_not_of(" \t\r");
    if (first == std::string_view::npos) return {};
    return line.substr(first, line.find_last_not_of(" \t\r") - first + 1);
}

}  // namespace

std::optional<WebhookSecret> parse_webhook_secret(std::string_view text) {
    if (!text.starts_with(kPrefix)) return std::nullopt;
    text.remove_prefix(kPrefix.size());
    WebhookSecret key(kKeyBytesMax);
    size_t bytes = 0;
    const char* end = nullptr;
    if (sodium_base642bin(key.data(), key.size(), text.data(), text.size(), nullptr, &bytes, &end,
                          kVariant) != 0 ||
        end != text.data() + text.size() || bytes < kKeyBytesMin)
        return std::nullopt;
    key.resize(bytes);
    return key;
}

std::optional<std::vector<WebhookSecret>> parse_webhook_secrets(std::string_view lines) {
    std::vector<WebhookSecret> secrets;
    for (size_t at = 0; at < lines.size();) {
        const size_t end = std::min(lines.find('\n', at), lines.size());
        const std::string_view line = trimmed(lines.substr(at, end - at));
        at = end + 1;
        if (line.empty() || line.front() == '#') continue;
        auto secret = parse_webhook_secret(line);
        if (!secret) return std::nullopt;
        secrets.push_back(std::move(*secret));
    }
    return secrets;
}

std::string webhook_signature(const std::vector<WebhookSecret>& secrets, std::string_view id,
                              int64_t timestamp_s, std::string_view body) {
    static const int started = sodium_init();  // once; thread safe
    if (started < 0) throw std::runtime_error("libsodium cannot start: no source of random numbers");
    const std::string head = std::string(id) + "." + std::to_string(timestamp_s) + ".";
    const auto bytes = [](std::string_view text) {
        return reinterpret_cast<const unsigned char*>(text.data());
    };
    std::string value;
    for (const WebhookSecret& secret : secrets) {
        crypto_auth_hmacsha256_state state;
        crypto_auth_hmacsha256_init(&state, secret.data(), secret.size());
        crypto_auth_hmacsha256_update(&state, bytes(head), head.size());
        crypto_auth_hmacsha256_update(&state, bytes(body), body.size());
        std::array<unsigned char, crypto_auth_hmacsha256_BYTES> mac;
        crypto_auth_hmacsha256_final(&state, mac.data());
        sodium_memzero(&state, sizeof state);
        std::array<char, sodium_base64_ENCODED_LEN(crypto_auth_hmacsha256_BYTES, kVariant)> text;
        sodium_bin2base64(text.data(), text.size(), mac.data(), mac.size(), kVariant);
        value += (value.empty() ? "v1," : " v1,") + std::string(text.data());
    }
    return value;
}

}  // namespace penstock

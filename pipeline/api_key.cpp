#include "pipeline/api_key.h"

#include <sodium.h>

#include <array>
#include <stdexcept>

namespace penstock {
namespace {

constexpr std::string_view kPrefix = "blake2b:";
constexpr size_t kHashBytes = 32;

void start_sodium() {
    static const int started = sodium_init();  // once; thread safe
    if (started < 0) throw std::runtime_error("libsodium cannot start: no source of random numbers");
}

}  // namespace

std::string make_api_key() {
    start_sodium();
    std::array<unsigned char, 32> bytes;
    randombytes_buf(bytes.data(), bytes.size());
    constexpr int kVariant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
    std::array<char, sodium_base64_ENCODED_LEN(bytes.size(), kVariant)> text;
    sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(), kVariant);
    sodium_memzero(bytes.data(), bytes.size());
    return "pk_" + std::string(text.data());
}

std::string hash_api_key(std::string_view key) {
    start_sodium();
    std::array<unsigned char, kHashBytes> hash;
    crypto_generichash(hash.data(), hash.size(), reinterpret_cast<const unsigned char*>(key.data()),
                       key.size(), nullptr, 0);
    std::array<char, 2 * kHashBytes + 1> hex;
    sodium_bin2hex(hex.data(), hex.size(), hash.data(), hash.size());
    return std::string(kPrefix) + hex.data();
}

bool api_key_matches(std::string_view key, std::string_view hash) {
    const std::string own = hash_api_key(key);
    return own.size() == hash.size() && sodium_memcmp(own.data(), hash.data(), own.size()) == 0;
}

}  // namespace penstock

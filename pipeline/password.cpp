#include "pipeline/password.h"

#include <sodium.h>

namespace penstock {
namespace {
// Of no password that anybody knows.
constexpr const char* kNobodysHash =
    "$argon2id$v=19$m=65536,t=2,p=1$VmyWNQ2aGIm7YgF/Qs4VqQ$3KkA4k7EQSIPlYk+KGTe0ZSkgJokrTro2139UAA5q6A";
}  // namespace

std::string hash_password(std::string_view password) {
    std::string text(crypto_pwhash_STRBYTES, '\0');
    if (crypto_pwhash_str(text.data(), password.data(), password.size(), crypto_pwhash_OPSLIMIT_INTERACTIVE,
                          crypto_pwhash_MEMLIMIT_INTERACTIVE) != 0)
        return {};
    text.resize(text.find('\0'));
    return text;
}

bool password_matches(std::string_view password, std::string_view hash) {
    // libsodium wants the whole array.
    std::string text(hash.starts_with("$argon2id$") ? hash : std::string_view(kNobodysHash));
    const bool real = text == hash;
    text.resize(crypto_pwhash_STRBYTES, '\0');
    return crypto_pwhash_str_verify(text.data(), password.data(), password.size()) == 0 && real;
}

}  // namespace penstock

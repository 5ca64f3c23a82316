// Passwords as Argon2id keeps them. Slow on purpose: tens of milliseconds and 64 MiB each. Any thread.
#pragma once

#include <string>
#include <string_view>

namespace penstock {

/// "$argon2id$…"; empty where there is no memory for it.
std::string hash_password(std::string_view password);

/// Where `hash` is none, it takes as long and is false: nobody learns which users have a password.
bool password_matches(std::string_view password, std::string_view hash);

}  // namespace penstock

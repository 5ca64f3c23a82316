// API keys of tenants. A key is 32 random bytes, so a plain hash keeps it: there is nothing to guess, and the
// check costs a microsecond on the intake thread. Any thread.
#pragma once

#include <string>
#include <string_view>

namespace penstock {

/// A new key as URL-safe text, "pk_" and 43 characters. Throws std::runtime_error when libsodium cannot
/// start.
std::string make_api_key();

/// "blake2b:<64 hexadecimal digits>": what the configuration holds.
std::string hash_api_key(std::string_view key);

/// Whether `key` has the hash, in a time that does not depend on where they differ.
bool api_key_matches(std::string_view key, std::string_view hash);

}  // namespace penstock

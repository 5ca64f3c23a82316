// Bearer tokens of other systems: JSON Web Tokens (RFC 7519), signed with HMAC SHA-256 and nothing else.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace penstock::http {

struct JwtPolicy {
    std::string_view secret;            ///< at least 32 bytes
    std::string_view issuer, audience;  ///< empty: any
    /// Clocks may differ by so much.
    static constexpr int64_t kLeewayS = 60;
};

struct JwtResult {
    std::string subject;  ///< empty: refused
    std::string why;      ///< one sentence
};

/// `exp` and `sub` must be there; `nbf`, `iss` and `aud` are checked. A token with critical extensions is
/// refused. `now_s`: Unix time.
JwtResult check_jwt(std::string_view token, const JwtPolicy& policy, int64_t now_s);

}  // namespace penstock::http

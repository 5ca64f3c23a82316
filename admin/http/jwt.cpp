#include "admin/http/jwt.h"

#include <sodium.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <optional>

namespace penstock::http {
namespace {

namespace json = boost::json;

constexpr size_t kTokenBytesMax = 8 * 1024;

std::optional<std::string> decode(std::string_view part) {
    std::string out(part.size(), '\0');
    size_t length = 0;
    const char* end = nullptr;
    if (part.empty() ||
        sodium_base642bin(reinterpret_cast<unsigned char*>(out.data()), out.size(), part.data(), part.size(),
                          nullptr, &length, &end, sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
        end != part.data() + part.size())
        return std::nullopt;
    out.resize(length);
    return out;
}

std::optional<json::object> object_of(std::string_view part) {
    const auto text = decode(part);
    if (!text) return std::nullopt;
    json::error_code failed;
    json::value v = json::parse(*text, failed);
    if (failed || !v.is_object()) return std::nullopt;
    return std::move(v.get_object());
}

std::string_view text_of(const json::object& o, std::string_view name) {
    const json::value* v = o.if_contains(name);
    return v && v->is_string() ? std::string_view(v->get_string()) : std::string_view();
}

/// Seconds; nothing where it is no number.
std::optional<double> time_of(const json::value& v) {
    json::error_code failed;
    const double t = v.is_number() ? v.to_number<double>(failed) : std::nan("");
    return std::isfinite(t) && !failed ? std::optional(t) : std::nullopt;
}

bool is_for(const json::object& claims, std::string_view audience) {
    const json::value* aud = claims.if_contains("aud");
    const auto is_it = [&](const json::value& v) { return v.is_string() && v.get_string() == audience; };
    if (!aud) return false;
    return aud->is_array() ? std::any_of(aud->get_array().begin(), aud->get_array().end(), is_it)
                           : is_it(*aud);
}

}  // namespace

JwtResult check_jwt(std::string_view token, const JwtPolicy& policy, int64_t now_s) {
    const auto refused = [](std::string_view why) { return JwtResult{{}, std::string(why)}; };
    const size_t first = token.find('.'), second = token.find('.', first + 1);
    if (token.size() > kTokenBytesMax || first == token.npos || second == token.npos ||
        token.find('.', second + 1) != token.npos)
        return refused("the token has not three parts");
    const auto header = object_of(token.substr(0, first));
    const auto mac = decode(token.substr(second + 1));
    // The algorithm is ours, never the token's choice: the header may only agree.
    if (!header || text_of(*header, "alg") != "HS256") return refused("the token is not signed with HS256");
    if (header->contains("crit")) return refused("the token has critical extensions");
    const std::string_view signed_part = token.substr(0, second);
    unsigned char own[crypto_auth_hmacsha256_BYTES];
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, reinterpret_cast<const unsigned char*>(policy.secret.data()),
                                policy.secret.size());
    crypto_auth_hmacsha256_update(&state, reinterpret_cast<const unsigned char*>(signed_part.data()),
                                  signed_part.size());
    crypto_auth_hmacsha256_final(&state, own);
    if (policy.secret.empty() || !mac || mac->size() != sizeof own ||
        sodium_memcmp(own, mac->data(), sizeof own) != 0)
        return refused("the token's signature is wrong");
    const auto claims = object_of(token.substr(first + 1, second - first - 1));
    if (!claims) return refused("the token's claims are not a JSON object");
    const json::value* exp = claims->if_contains("exp");
    const auto ends = exp ? time_of(*exp) : std::nullopt;
    const auto now = static_cast<double>(now_s);
    if (!ends) return refused("the token has no end (exp)");
    if (now >= *ends + JwtPolicy::kLeewayS) return refused("the token has expired");
    if (const json::value* nbf = claims->if_contains("nbf")) {
        const auto begins = time_of(*nbf);
        if (!begins || now < *begins - JwtPolicy::kLeewayS) return refused("the token is not valid yet");
    }
    if (!policy.issuer.empty() && text_of(*claims, "iss") != policy.issuer)
        return refused("the token is of another issuer");
    if (!policy.audience.empty() && !is_for(*claims, policy.audience))
        return refused("the token is for another audience");
    const std::string_view subject = text_of(*claims, "sub");
    if (subject.empty()) return refused("the token names nobody (sub)");
    return {std::string(subject), {}};
}

}  // namespace penstock::http

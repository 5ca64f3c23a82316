#include "admin/http/gate.h"

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <boost/json.hpp>

#include "admin/http/jwt.h"
#include "admin/http/origin.h"
#include "admin/http/text.h"
#include "pipeline/api_key.h"

namespace penstock::http {
namespace {

constexpr int64_t kNoteEveryNs = 30'000'000'000;
constexpr size_t kNotedMax = 10'000;

class NobodyKnown final : public AccessReader {
  public:
    size_t user_count() const override { return 0; }
    std::optional<User> user(uint64_t) const override { return std::nullopt; }
    std::optional<User> user(std::string_view) const override { return std::nullopt; }
    std::vector<User> users_of_token(std::string_view) const override { return {}; }
    std::vector<User> users() const override { return {}; }
    std::optional<UserSession> session(std::string_view) const override { return std::nullopt; }
    std::vector<UserSession> sessions(uint64_t) const override { return {}; }
    std::optional<ApiKey> key_of_hash(std::string_view) const override { return std::nullopt; }
    std::vector<ApiKey> keys() const override { return {}; }
    std::vector<TeamView> views() const override { return {}; }
    bool refused(Seq) const override { return false; }
};

Principal principal_of(const User& user, std::string session) {
    return {Principal::Kind::kUser, user.name, user.number, user.role, user.scope, std::move(session)};
}

}  // namespace

std::string session_id_of(std::string_view token) {
    const std::string hash = hash_api_key(token);
    return hash.substr(hash.find(':') + 1);
}

std::string_view cookie_of(std::string_view header, std::string_view name) {
    while (!header.empty()) {
        const size_t end = std::min(header.find(';'), header.size());
        std::string_view pair = header.substr(0, end);
        header.remove_prefix(std::min(end + 1, header.size()));
        pair.remove_prefix(std::min(pair.find_first_not_of(" \t"), pair.size()));
        if (pair.starts_with(name) && pair.size() > name.size() && pair[name.size()] == '=')
            return pair.substr(name.size() + 1);
    }
    return {};
}

Response sign_in_first(std::string_view detail) {
    return problem(401, "sign-in", "Sign in first", detail)
        .header("WWW-Authenticate", R"(Bearer realm="penstock")");
}

std::string address_of(std::string_view peer) {
    return std::string(peer.substr(0, std::min(peer.rfind(':'), peer.size())));
}

Gate::Gate(const AccessSetup& setup, const Telemetry& telemetry, ControlMailbox& mailbox, const Clock& clock)
    : setup_(setup), telemetry_(telemetry), mailbox_(mailbox), clock_(clock) {
    static const NobodyKnown kNobody;
    if (!setup_.book) setup_.book = &kNobody;
}

bool Gate::knows() const {
    const Readiness now = telemetry_.readiness.load(std::memory_order_acquire);
    return setup_.required == AccessSetup::Required::kNo ||
           (now != Readiness::kStarting && now != Readiness::kRecovering);
}

bool Gate::is_local(const Request& request) const {
    if (setup_.required == AccessSetup::Required::kNo) return true;
    if (setup_.required == AccessSetup::Required::kYes || setup_.book->user_count() > 0) return false;
    boost::system::error_code ec;
    const auto peer = boost::asio::ip::make_address(address_of(request.peer), ec);
    // A name that leads here may be anybody's (DNS rebinding); an address is not.
    return !ec && peer.is_loopback() && (is_loopback_host(request.host) || is_address_host(request.host));
}

std::optional<Principal> Gate::of_session_id(const std::string& id) const {
    const auto session = setup_.book->session(id);
    if (!session || session->ends_ns <= clock_.wall_ns()) return std::nullopt;
    const auto user = setup_.book->user(session->user);
    return user && user->enabled ? std::optional(principal_of(*user, id)) : std::nullopt;
}

std::optional<Principal> Gate::of_session(std::string_view token) const {
    return token.empty() ? std::nullopt : of_session_id(session_id_of(token));
}

std::optional<Principal> Gate::of_key(std::string_view key) const {
    const std::string hash = hash_api_key(key);
    const auto known = setup_.book->key_of_hash(hash);
    if (!known) return of_tenant_key(hash);
    Principal p{Principal::Kind::kMachine, known->name, 0, known->role, known->scope, {}};
    p.session = known->id;
    if (known->id == kLocalAdmin) p.kind = Principal::Kind::kLocal;
    return p;
}

/// Sends the tenant's events, and sees what is the tenant's.
std::optional<Principal> Gate::of_tenant_key(const std::string& hash) const {
    const std::string tenant = setup_.tenant_of_key ? setup_.tenant_of_key(hash) : "";
    if (tenant.empty()) return std::nullopt;
    Principal p{Principal::Kind::kMachine, "tenant " + tenant, 0, Role::kViewer, {}, hash};
    p.scope.tenants = {tenant};
    p.producer = true;
    return p;
}

std::optional<Response> Gate::identify(Request& request) {
    Principal& who = request.principal;
    who = {Principal::Kind::kNobody, "", 0, Role::kViewer, {}, {}};
    if (!knows()) return std::nullopt;
    if (auto of = of_session(cookie_of(request.cookie, kSessionCookie))) {
        who = std::move(*of);
        note_life(who);
        return std::nullopt;
    }
    std::string_view bearer(request.authorization);
    if (!bearer.empty()) {
        if (!equal_ignoring_case(bearer.substr(0, 7), "Bearer "))
            return sign_in_first("the Authorization header must be \"Bearer\" and a token");
        bearer.remove_prefix(7);
        if (bearer.starts_with("pk_")) {
            if (auto of = of_key(bearer)) return who = std::move(*of), std::nullopt;
            return sign_in_first("the API key is not known, or was revoked");
        }
        if (setup_.jwt_secret.empty()) return sign_in_first("no JWT is taken here; use an API key");
        const JwtResult jwt = check_jwt(bearer, {setup_.jwt_secret, setup_.jwt_issuer, setup_.jwt_audience},
                                        clock_.wall_ns() / 1'000'000'000);
        if (jwt.subject.empty()) return sign_in_first(jwt.why);
        const auto user = setup_.book->user(jwt.subject);
        if (!user || !user->enabled) return sign_in_first("the token names no user of this appliance");
        who = principal_of(*user, {});
        return std::nullopt;
    }
    if (!request.api_key.empty()) {
        if (auto of = of_key(request.api_key)) return who = std::move(*of), std::nullopt;
        return sign_in_first("the API key is not known, or was revoked");
    }
    if (is_local(request)) who = Principal{};
    return std::nullopt;
}

bool Gate::is_still(Principal& principal) const {
    std::optional<Principal> now;
    if (principal.kind == Principal::Kind::kLocal && principal.session.empty())
        return setup_.required == AccessSetup::Required::kNo ||
               (setup_.required == AccessSetup::Required::kAuto && setup_.book->user_count() == 0);
    if (principal.producer) return of_tenant_key(principal.session).has_value();
    if (principal.kind != Principal::Kind::kUser) {
        const auto keys = setup_.book->keys();
        const auto at = std::find_if(keys.begin(), keys.end(),
                                     [&](const ApiKey& k) { return k.id == principal.session; });
        if (at == keys.end()) return false;
        principal.role = at->role;
        principal.scope = at->scope;
        return true;
    }
    if (!principal.session.empty()) {
        now = of_session_id(principal.session);
    } else if (const auto user = setup_.book->user(principal.user); user && user->enabled) {
        now = principal_of(*user, {});
    }
    if (now) principal = std::move(*now);
    return now.has_value();
}

void Gate::note_life(const Principal& who) {
    const int64_t now = clock_.monotonic_ns(), every = std::min(kNoteEveryNs, setup_.session_idle_ns / 4);
    if (noted_.size() >= kNotedMax)
        std::erase_if(noted_, [&](const auto& one) { return now - one.second > every; });
    const auto [at, fresh] = noted_.try_emplace(who.session, now);
    if (!fresh && now - at->second < every) return;
    at->second = now;
    mailbox_.try_push({ControlKind::kUserSeen,
                       who.name,
                       boost::json::serialize(boost::json::object{{"session", who.session}}),
                       {}});
}

}  // namespace penstock::http

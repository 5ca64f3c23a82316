// Who gets in, and to what: a real server, a real book, and an intake thread that applies what is asked.
#include <gtest/gtest.h>
#include <sodium.h>

#include <atomic>
#include <boost/json.hpp>
#include <mutex>
#include <thread>

#include "admin/http/jwt.h"
#include "admin/http/router.h"
#include "admin/http/server.h"
#include "admin/http/sign_in_throttle.h"
#include "pipeline/api_key.h"
#include "pipeline/password.h"
#include "stages/alert/alert_book.h"
#include "tests/support/access_rig.h"
#include "tests/support/hot_log.h"
#include "tests/support/http_client.h"
#include "tests/support/http_parts.h"

namespace penstock {
namespace {

namespace json = boost::json;
using http::Router;
using test::HttpAnswer;
using test::HttpClient;

constexpr const char* kSecret = "0123456789abcdef0123456789abcdef";

std::string base64url(std::string_view bytes) {
    std::string out(sodium_base64_ENCODED_LEN(bytes.size(), sodium_base64_VARIANT_URLSAFE_NO_PADDING), 0);
    sodium_bin2base64(out.data(), out.size(), reinterpret_cast<const unsigned char*>(bytes.data()),
                      bytes.size(), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    return out.c_str();
}
std::string jwt(const std::string& header, const std::string& claims, std::string_view secret = kSecret) {
    const std::string text = base64url(header) + "." + base64url(claims);
    std::string mac(crypto_auth_hmacsha256_BYTES, 0);
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, reinterpret_cast<const unsigned char*>(secret.data()), secret.size());
    crypto_auth_hmacsha256_update(&state, reinterpret_cast<const unsigned char*>(text.data()), text.size());
    crypto_auth_hmacsha256_final(&state, reinterpret_cast<unsigned char*>(mac.data()));
    return text + "." + base64url(mac);
}
constexpr const char* kHs256 = R"({"alg":"HS256","typ":"JWT"})";

struct HttpAccess : testing::Test {
    SystemClock clock;
    test::HotLog hot;
    Telemetry telemetry;
    DeadLetterBook letters_book;
    LetterMailbox letters{1};
    AlertBook alerts;
    AccessBook book;
    ControlMailbox requests{64};
    std::unique_ptr<HttpServer> server;
    std::atomic<bool> stop{false};
    std::thread intake;
    std::mutex apply_mutex;
    Seq next_seq = 1;

    /// Applied, as if it came from the log. Answers its sequence.
    Seq apply(ControlKind kind, const std::string& name, const std::string& text) {
        std::lock_guard lock(apply_mutex);
        test::apply_control(book, kind, name, text, next_seq, clock.wall_ns());
        return next_seq++;
    }
    void user(const std::string& name, const std::string& role, const std::string& more = "") {
        apply(ControlKind::kUserSet, name, fmt::format(R"({{"role":"{}"{}}})", role, more));
    }
    /// Answers the secret.
    std::string key(const std::string& name, const std::string& role, const std::string& more = "") {
        const std::string secret = make_api_key();
        apply(ControlKind::kApiKeySet, name,
              fmt::format(R"({{"name":"{}","role":"{}","hash":"{}"{}}})", name, role, hash_api_key(secret),
                          more));
        return secret;
    }
    void SetUp() override {
        telemetry.readiness = Readiness::kReady;
        hot.append({test::LoggedEvent{.id = "1"}, {.id = "2", .region = "eu"}});
        hot.append({test::LoggedEvent{.id = "3", .tenant = "acme", .region = "eu"}});
        start();
    }
    void start(http::AccessSetup::Required required = http::AccessSetup::Required::kAuto) {
        http::AccessSetup setup;
        setup.book = &book;
        setup.required = required;
        setup.jwt_secret = kSecret;
        server = std::make_unique<HttpServer>(
            HttpServer::Options{.listen = "127.0.0.1:0", .access = setup},
            test::http_parts(telemetry, hot.log(), clock, letters_book, letters, requests, alerts));
        server->start();
        intake = std::thread([this] {
            while (!stop) {
                ControlRequest r;
                if (!requests.try_pop(r)) {
                    std::this_thread::sleep_for(std::chrono::milliseconds(1));
                    continue;
                }
                const Seq seq = apply(r.kind, r.name, r.text);
                if (r.answer) r.answer(seq);
            }
        });
    }
    void TearDown() override {
        stop = true;
        intake.join();
        server->stop();
    }
    HttpAnswer ask(const std::string& method, const std::string& path, const std::string& headers = "",
                   const std::string& body = "") {
        HttpClient client(server->port());
        const std::string length =
            body.empty()
                ? ""
                : fmt::format("Content-Type: application/json\r\nContent-Length: {}\r\n", body.size());
        client.send(fmt::format("{} {} HTTP/1.1\r\nHost: localhost\r\n{}{}\r\n{}", method, path, headers,
                                length, body));
        return client.receive();
    }
    static std::string by_key(const std::string& secret) { return "X-API-Key: " + secret + "\r\n"; }
    static std::string cookie_of(const HttpAnswer& a) {
        const std::string& set = a.header("set-cookie");
        return "Cookie: " + set.substr(0, set.find(';')) + "\r\n";
    }
    static std::string member(const HttpAnswer& a, const char* name) {
        const json::value root = json::parse(a.body);
        const json::value* v = root.get_object().if_contains(name);
        return v ? v->is_string() ? std::string(v->get_string()) : json::serialize(*v) : "";
    }
};

TEST_F(HttpAccess, EveryRouteRefusesEveryRoleBelowItsOwnAndLetsTheOthersIn) {
    const std::vector<std::string> keys{key("k0", "viewer"), key("k1", "operator"), key("k2", "supervisor"),
                                        key("k3", "admin")};
    user("ann", "viewer");
    size_t tried = 0;
    for (const Router::Way& way : Router::ways()) {
        std::string path(way.path);
        for (size_t brace; (brace = path.find('{')) != std::string::npos;)
            path.replace(brace, path.find('}') + 1 - brace, "999");
        const std::string method(way.method), body = method == "GET" ? "" : "{}";
        const auto need = static_cast<int>(way.need);
        if (need > 0) {
            const HttpAnswer nobody = ask(method, path, "", body);
            EXPECT_EQ(nobody.status, 401) << method << " " << path;
            EXPECT_NE(nobody.header("www-authenticate"), "") << path;
            EXPECT_EQ(ask(method, path, by_key("pk_wrong"), body).status, 401) << method << " " << path;
        }
        for (int role = 0; role < 4; ++role) {
            const HttpAnswer a = ask(method, path, by_key(keys[static_cast<size_t>(role)]), body);
            const bool refused = a.status == 403 && a.body.find("role-missing") != std::string::npos;
            // Others may be made active by supervisors only; that is said once the user is known.
            EXPECT_EQ(refused, role + 1 < need) << method << " " << path << " as role " << role << a.body;
            EXPECT_NE(a.status, 500) << method << " " << path;
            ++tried;
        }
    }
    EXPECT_GT(tried, 200u);
}

TEST_F(HttpAccess, WithoutUsersThisHostIsTheLocalAdminAndWithThemEverybodySignsIn) {
    EXPECT_EQ(ask("GET", "/api/v1/keys").status, 200);
    EXPECT_EQ(ask("GET", "/api/v1/keys", "Host: evil.example\r\n").status, 400) << "two Host headers";
    user("ann", "viewer");
    EXPECT_EQ(ask("GET", "/api/v1/keys").status, 401);
    EXPECT_EQ(ask("GET", "/").status, 303);
    EXPECT_EQ(ask("GET", "/healthz").status, 200);
    EXPECT_EQ(ask("GET", "/metrics").status, 200);
}

TEST_F(HttpAccess, BeforeRecoveryIsOverNobodyIsLetIn) {
    telemetry.readiness = Readiness::kRecovering;
    EXPECT_EQ(ask("GET", "/api/v1/status").status, 503);
    EXPECT_EQ(ask("GET", "/readyz").status, 503);
    EXPECT_EQ(ask("GET", "/healthz").status, 200);
}

TEST_F(HttpAccess, ALinkSignsInAndTheTokenLeavesTheAddress) {
    user("ann", "operator", fmt::format(R"(,"token_hash":"{}")", hash_api_key("a-token-of-ann")));
    const HttpAnswer in = ask("GET", "/a-token-of-ann");
    EXPECT_EQ(in.status, 303);
    EXPECT_EQ(in.header("location"), "/");
    EXPECT_EQ(in.header("cache-control"), "no-store");
    EXPECT_EQ(in.header("referrer-policy"), "no-referrer");
    EXPECT_NE(in.header("set-cookie").find("; HttpOnly; SameSite=Lax"), std::string::npos);
    EXPECT_EQ(in.body.find("a-token-of-ann"), std::string::npos);
    const HttpAnswer me = ask("GET", "/api/v1/session", cookie_of(in));
    EXPECT_EQ(member(me, "name"), "ann");
    EXPECT_EQ(member(me, "active"), "true");
    // Again, with the session: no second one.
    EXPECT_EQ(ask("GET", "/a-token-of-ann", cookie_of(in)).header("set-cookie"), "");
    EXPECT_EQ(book.sessions(1).size(), 1u);
    const HttpAnswer out = ask("DELETE", "/api/v1/session", cookie_of(in));
    EXPECT_NE(out.header("set-cookie").find("Max-Age=0"), std::string::npos);
    EXPECT_EQ(ask("GET", "/api/v1/session", cookie_of(in)).status, 401);
    EXPECT_EQ(ask("GET", "/another-token-1").status, 404);
}

TEST_F(HttpAccess, UsersThatShareATokenAreOfferedTheChoiceOnce) {
    const std::string more = fmt::format(R"(,"token_hash":"{}")", hash_api_key("123123123123123"));
    for (const char* name : {"abc-1", "abc-2"}) user(name, "operator", more);
    const HttpAnswer link = ask("GET", "/123123123123123");
    ASSERT_EQ(link.status, 303);
    const std::string place = link.header("location");
    EXPECT_EQ(place.find("123123123123123"), std::string::npos);
    const HttpAnswer page = ask("GET", place);
    EXPECT_NE(page.body.find("abc-2"), std::string::npos);
    EXPECT_NE(page.header("content-security-policy").find("form-action 'self'"), std::string::npos);
    EXPECT_EQ(page.header("content-security-policy").find("script-src"), std::string::npos);
    EXPECT_EQ(page.header("referrer-policy"), "same-origin");
    const std::string choice = place.substr(place.find('=') + 1);
    const auto choose = [&](const std::string& headers) {
        HttpClient client(server->port());
        return client.post("/api/v1/session", "choice=" + choice + "&user=2",
                           "Content-Type: application/x-www-form-urlencoded\r\n" + headers);
    };
    EXPECT_EQ(choose("Origin: https://evil.example\r\n").status, 403);
    const HttpAnswer in = choose("");
    EXPECT_EQ(in.header("location"), "/");
    EXPECT_EQ(member(ask("GET", "/api/v1/session", cookie_of(in)), "name"), "abc-2");
    EXPECT_NE(choose("").header("location"), "/") << "a choice is good for once";
    EXPECT_EQ(ask("POST", "/api/v1/session", "", R"({"token":"123123123123123"})").status, 409);
    EXPECT_EQ(ask("POST", "/api/v1/session", "", R"({"token":"123123123123123","user":"abc-1"})").status,
              201);
}

TEST_F(HttpAccess, ByNameAndPasswordAndSlowerWithEachFailure) {
    user("ann", "operator", fmt::format(R"(,"password_hash":"{}")", hash_password("open sesame")));
    const auto sign_in = [&](const std::string& name, const std::string& password) {
        return ask("POST", "/api/v1/session", "",
                   fmt::format(R"({{"name":"{}","password":"{}"}})", name, password));
    };
    const HttpAnswer in = sign_in("ann", "open sesame");
    EXPECT_EQ(in.status, 201);
    EXPECT_EQ(in.body.find("argon2"), std::string::npos);
    const HttpAnswer wrong = sign_in("ann", "open barley"), unknown = sign_in("bob", "open sesame");
    EXPECT_EQ(wrong.status, 401);
    EXPECT_EQ(wrong.body, unknown.body) << "it tells nobody which names there are";
    for (int i = 0; i < 5; ++i) sign_in("ann", "x");
    const HttpAnswer slow = sign_in("ann", "open sesame");
    EXPECT_EQ(slow.status, 429);
    EXPECT_NE(slow.header("retry-after"), "");
    EXPECT_EQ(ask("GET", "/api/v1/session", cookie_of(in)).status, 200) << "who is in stays in";
}

TEST_F(HttpAccess, AForeignPageChangesNothingWithAnOperatorsCookie) {
    user("ann", "supervisor", fmt::format(R"(,"token_hash":"{}")", hash_api_key("a-token-of-ann")));
    const std::string cookie = cookie_of(ask("GET", "/a-token-of-ann"));
    const auto leave = [&](const std::string& headers) {
        return ask("POST", "/users/ann/active", cookie + headers).status;
    };
    EXPECT_EQ(leave(""), 200);
    EXPECT_EQ(leave("Origin: http://localhost\r\nSec-Fetch-Site: same-origin\r\n"), 200);
    EXPECT_EQ(leave("Origin: https://evil.example\r\n"), 403);
    EXPECT_EQ(leave("Origin: null\r\n"), 403);
    EXPECT_EQ(leave("Sec-Fetch-Site: cross-site\r\n"), 403);
    EXPECT_EQ(leave("Sec-Fetch-Site: same-site\r\n"), 403);
}

TEST_F(HttpAccess, WhatIsOutsideTheScopeIsNotThere) {
    const std::string all = key("all", "viewer"), eu = key("eu", "viewer", R"(,"regions":["eu"])"),
                      acme = key("acme", "viewer", R"(,"tenants":["acme"])");
    user("ann", "viewer");
    const auto count = [&](const std::string& secret) {
        const HttpAnswer a = ask("GET", "/api/v1/events", by_key(secret));
        return json::parse(a.body).at("items").as_array().size();
    };
    EXPECT_EQ(count(all), 3u);
    EXPECT_EQ(count(eu), 2u);
    EXPECT_EQ(count(acme), 1u);
    EXPECT_EQ(ask("GET", "/api/v1/events/1", by_key(all)).status, 200);
    EXPECT_EQ(ask("GET", "/api/v1/events/1", by_key(eu)).status, 404);
    EXPECT_EQ(ask("GET", "/api/v1/events/2", by_key(eu)).status, 200);
    EXPECT_EQ(ask("GET", "/api/v1/events/2", by_key(acme)).status, 404);
    EXPECT_EQ(ask("GET", "/api/v1/events?region=us", by_key(eu)).body.find("\"seq\""), std::string::npos);
}

TEST_F(HttpAccess, UsersKeysAndPreferencesAreMadeChangedAndEnded) {
    const std::string admin = by_key(key("root", "admin"));
    const HttpAnswer made =
        ask("POST", "/api/v1/users", admin,
            R"({"name":"ann","role":"operator","regions":["eu"],"password":"open sesame","token":true})");
    ASSERT_EQ(made.status, 201) << made.body;
    const HttpAnswer in = ask("GET", "/" + member(made, "token"));
    const std::string cookie = cookie_of(in);
    EXPECT_EQ(ask("PUT", "/api/v1/preferences", cookie, R"({"theme":"dark"})").status, 200);
    EXPECT_EQ(ask("GET", "/api/v1/preferences", cookie).body, R"({"theme":"dark"})");
    EXPECT_EQ(
        member(ask("PUT", "/api/v1/views/late%20trades", cookie, R"({"address":"/console/search"})"), "name"),
        "late trades");
    EXPECT_EQ(ask("PUT", "/api/v1/views/away", cookie, R"({"address":"//elsewhere.example"})").status, 400);
    EXPECT_EQ(ask("DELETE", "/api/v1/views/late%20trades", cookie).status, 200);
    EXPECT_EQ(ask("DELETE", "/api/v1/views/late%20trades", cookie).status, 404);
    EXPECT_EQ(ask("POST", "/api/v1/users", admin, R"({"name":"ann","role":"viewer"})").status, 409);
    EXPECT_EQ(
        ask("POST", "/api/v1/users", admin, R"({"name":"bob","role":"viewer","regions":["mars"]})").status,
        400);
    const HttpAnswer changed = ask("PATCH", "/api/v1/users/ann", admin, R"({"role":"supervisor"})");
    EXPECT_EQ(member(changed, "role"), "supervisor");
    EXPECT_EQ(ask("PATCH", "/api/v1/users/ann", admin, R"({"role":"viewer","version":1})").status, 409);
    EXPECT_NE(ask("GET", "/api/v1/session", cookie).body.find("\"role\":\"supervisor\""), std::string::npos)
        << "the new role holds at once";
    EXPECT_EQ(ask("PATCH", "/api/v1/users/ann", admin, R"({"enabled":false})").status, 200);
    EXPECT_EQ(ask("GET", "/api/v1/session", cookie).status, 401);

    const HttpAnswer one = ask("POST", "/api/v1/keys", admin, R"({"name":"wall","role":"viewer"})");
    EXPECT_EQ(ask("GET", "/api/v1/session", by_key(member(one, "key"))).status, 200);
    EXPECT_EQ(ask("GET", "/api/v1/session", "Authorization: Bearer " + member(one, "key") + "\r\n").status,
              200);
    const HttpAnswer other = ask("POST", "/api/v1/keys/" + member(one, "id") + "/rotate", admin, "{}");
    EXPECT_EQ(ask("GET", "/api/v1/session", by_key(member(one, "key"))).status, 401);
    EXPECT_EQ(ask("GET", "/api/v1/session", by_key(member(other, "key"))).status, 200);
    EXPECT_EQ(ask("DELETE", "/api/v1/keys/" + member(one, "id"), admin).status, 200);
    EXPECT_EQ(ask("GET", "/api/v1/session", by_key(member(other, "key"))).status, 401);
    EXPECT_EQ(ask("GET", "/api/v1/keys", admin).body.find("blake2b"), std::string::npos);
}

TEST_F(HttpAccess, AnOperatorSeesAndEndsTheirOwnSessionsOnlyAndAnAdminAll) {
    for (const char* name : {"ann", "bob"})
        user(name, "operator",
             fmt::format(R"(,"token_hash":"{}")", hash_api_key(std::string("a-token-of-") + name)));
    const std::string ann = cookie_of(ask("GET", "/a-token-of-ann")),
                      bob = cookie_of(ask("GET", "/a-token-of-bob"));
    const std::string of_bob = book.sessions(2).at(0).id;
    EXPECT_EQ(ask("GET", "/api/v1/sessions", ann).body.find(of_bob), std::string::npos);
    EXPECT_EQ(ask("DELETE", "/api/v1/sessions/" + of_bob, ann).status, 404);
    EXPECT_EQ(ask("POST", "/users/2/active", ann).status, 403);
    EXPECT_EQ(ask("DELETE", "/users/1/active", ann).status, 200);
    EXPECT_FALSE(book.user("ann")->active);
    EXPECT_EQ(ask("DELETE", "/api/v1/sessions/" + of_bob, by_key(key("root", "admin"))).status, 200);
    EXPECT_EQ(ask("GET", "/api/v1/session", bob).status, 401);
}

TEST_F(HttpAccess, AJwtIsTakenAsItsUser) {
    user("ann", "operator");
    const int64_t now = clock.wall_ns() / 1'000'000'000;
    const std::string token = jwt(kHs256, fmt::format(R"({{"sub":"ann","exp":{}}})", now + 100));
    EXPECT_EQ(member(ask("GET", "/api/v1/session", "Authorization: Bearer " + token + "\r\n"), "name"),
              "ann");
    const std::string other = jwt(kHs256, fmt::format(R"({{"sub":"eve","exp":{}}})", now + 100));
    EXPECT_EQ(ask("GET", "/api/v1/session", "Authorization: Bearer " + other + "\r\n").status, 401);
}

TEST(Jwt, OnlyWhatWeSignedForUsAndForNowIsTaken) {
    const http::JwtPolicy policy{kSecret, "issuer", "penstock"};
    const std::string good = R"({"sub":"ann","iss":"issuer","aud":["x","penstock"],"exp":1000})";
    EXPECT_EQ(http::check_jwt(jwt(kHs256, good), policy, 900).subject, "ann");
    EXPECT_EQ(http::check_jwt(jwt(kHs256, good), policy, 1059).subject, "ann");
    const auto refused = [&](const std::string& token, int64_t now = 900) {
        const http::JwtResult r = http::check_jwt(token, policy, now);
        return r.subject.empty() && !r.why.empty();
    };
    EXPECT_TRUE(refused(jwt(kHs256, good), 1060));
    EXPECT_TRUE(refused(jwt(kHs256, good, "another secret of thirty-two bytes")));
    EXPECT_TRUE(refused(jwt(R"({"alg":"none"})", good)));
    EXPECT_TRUE(refused(base64url(R"({"alg":"none"})") + "." + base64url(good) + "."));
    EXPECT_TRUE(refused(jwt(R"({"alg":"HS512"})", good)));
    EXPECT_TRUE(refused(jwt(R"({"alg":"hs256"})", good)));
    EXPECT_TRUE(refused(jwt(R"({"alg":"HS256","crit":["b64"]})", good)));
    EXPECT_TRUE(refused(jwt(kHs256, R"({"sub":"ann","iss":"issuer","aud":"penstock"})"))) << "no end";
    EXPECT_TRUE(refused(jwt(kHs256, R"({"sub":"ann","iss":"other","aud":"penstock","exp":1000})")));
    EXPECT_TRUE(refused(jwt(kHs256, R"({"sub":"ann","iss":"issuer","aud":"other","exp":1000})")));
    EXPECT_TRUE(
        refused(jwt(kHs256, R"({"sub":"ann","iss":"issuer","aud":"penstock","exp":1000,"nbf":961})")));
    EXPECT_TRUE(refused(jwt(kHs256, R"({"iss":"issuer","aud":"penstock","exp":1000})"))) << "nobody";
    EXPECT_TRUE(refused(jwt(kHs256, R"([])")));
    std::string bent = jwt(kHs256, good);
    bent[bent.find('.') + 3] ^= 1;
    EXPECT_TRUE(refused(bent));
    for (const char* text : {"", ".", "..", "...", "a.b", "a.b.c.d"}) EXPECT_TRUE(refused(text)) << text;
}

TEST(SignInThrottle, WaitsGrowAreBoundedAndForgottenAndMemoryIsBounded) {
    constexpr int64_t kS = 1'000'000'000;
    http::SignInThrottle t({2, 8 * kS});
    for (int i = 0; i < 2; ++i) t.tried("ann", 0);
    EXPECT_EQ(t.wait_ns("ann", 0), 0);
    for (const int64_t wait : {1, 2, 4, 8, 8}) {
        t.tried("ann", 0);
        EXPECT_EQ(t.wait_ns("ann", 0), wait * kS);
    }
    EXPECT_EQ(t.wait_ns("ann", 3 * kS), 5 * kS);
    EXPECT_EQ(t.wait_ns("bob", 0), 0);
    t.tried("ann", 2 * http::SignInThrottle::kForgetNs);
    EXPECT_EQ(t.wait_ns("ann", 2 * http::SignInThrottle::kForgetNs), 0) << "long ago";
    t.succeeded("ann");
    EXPECT_EQ(t.size(), 0u);
    for (size_t i = 0; i < http::SignInThrottle::kEntriesMax + 10; ++i) t.tried(std::to_string(i), 0);
    EXPECT_EQ(t.size(), http::SignInThrottle::kEntriesMax);
}

}  // namespace
}  // namespace penstock

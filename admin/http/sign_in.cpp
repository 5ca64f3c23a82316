#include "admin/http/sign_in.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/json.hpp>

#include "admin/http/page_assets.h"
#include "admin/http/paging.h"
#include "admin/http/request_body.h"
#include "admin/http/text.h"
#include "pipeline/api_key.h"

namespace penstock::http {
namespace {

namespace json = boost::json;

constexpr int64_t kSecondNs = 1'000'000'000;
constexpr int64_t kChoiceNs = 300 * kSecondNs;
constexpr size_t kChoicesMax = 1000;
constexpr size_t kAgentBytesMax = 256;

/// Without the prefix that says what it is for.
std::string random_token() { return make_api_key().substr(3); }

std::string html(std::string_view text) {
    std::string out;
    for (const char c : text) switch (c) {
            case '&':
                out += "&amp;";
                break;
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            case '"':
                out += "&quot;";
                break;
            default:
                out += c;
        }
    return out;
}

Response go_to(std::string place) {
    Response answer;
    answer.status = 303;
    answer.content_type = "text/plain; charset=utf-8";
    return answer.header("Location", std::move(place));
}

void text_list(JsonWriter& out, std::string_view name, const std::vector<std::string>& texts) {
    out.key(name).begin_array();
    for (const std::string& t : texts) out.value(t);
    out.end_array();
}

}  // namespace

bool looks_like_token(std::string_view path) {
    if (!path.starts_with('/')) return false;
    path.remove_prefix(1);
    return path.size() >= 12 && path.size() <= 128 &&
           path.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") ==
               path.npos;
}

SignInDoor::SignInDoor(const Gate& gate, ControlAsker& asker, ControlMailbox& mailbox,
                       PasswordPool& passwords, const Clock& clock)
    : gate_(gate),
      book_(gate.book()),
      asker_(asker),
      mailbox_(mailbox),
      passwords_(passwords),
      clock_(clock) {}

// --- signing in -------------------------------------------------------------------------------------------

bool SignInDoor::may_try(const std::string& name, const Request& request, bool form, const Answer& answer) {
    const int64_t now = clock_.monotonic_ns();
    const std::string peer = address_of(request.peer);
    const int64_t wait_ns = std::max(peers_.wait_ns(peer, now), name.empty() ? 0 : names_.wait_ns(name, now));
    if (wait_ns == 0) {
        peers_.tried(peer, now);
        if (!name.empty()) names_.tried(name, now);
        return true;
    }
    const std::string seconds = std::to_string((wait_ns + kSecondNs - 1) / kSecondNs);
    answer((form ? go_to("/sign-in?wait=" + seconds)
                 : problem(429, "too-many-tries", "Too many tries to sign in failed",
                           fmt::format("try again in {} s", seconds)))
               .header("Retry-After", seconds));
    return false;
}

void SignInDoor::refuse(const Request& request, std::string_view known_name, std::string_view why) {
    const int64_t now = clock_.monotonic_ns();
    if (refusals_.ns_until_clear(now) > 0) {
        ++unrecorded_;
        return;
    }
    refusals_.take(1, now);
    spdlog::warn("http: {} was refused to sign in{}: {}", address_of(request.peer),
                 known_name.empty() ? "" : fmt::format(" as {}", known_name), why);
    json::object text{{"peer", request.peer}, {"why", why}, {"unrecorded", unrecorded_}};
    if (mailbox_.try_push({ControlKind::kSignInRefused, std::string(known_name), json::serialize(text), {}}))
        unrecorded_ = 0;
}

Response SignInDoor::refused(bool form) const {
    if (form) return go_to("/sign-in?refused=1");
    // One answer for all reasons: it must not tell which names there are.
    return problem(401, "sign-in-refused", "This does not sign you in",
                   "the name, the password or the token is wrong, or the user is disabled");
}

std::string SignInDoor::set_cookie(const Request& request, std::string_view token, int64_t life_s) const {
    return fmt::format("{}={}; Path=/; Max-Age={}; HttpOnly; SameSite=Lax{}", kSessionCookie, token, life_s,
                       request.secure ? "; Secure" : "");
}

void SignInDoor::open(const Request& request, const User& user, std::string_view how, bool redirect,
                      const Answer& answer) {
    if (!asker_.ready(answer)) return;
    const std::string token = random_token(), id = session_id_of(token);
    json::object text{{"user", user.number},
                      {"by", user.name},
                      {"peer", request.peer},
                      {"agent", request.user_agent.substr(0, kAgentBytesMax)},
                      {"how", how}};
    const std::string cookie = set_cookie(request, token, gate_.setup().session_life_ns / kSecondNs);
    peers_.succeeded(address_of(request.peer));
    names_.succeeded(user.name);
    asker_.ask(ControlKind::kSignedIn, id, json::serialize(text), answer,
               [this, request, id, cookie, redirect, number = user.number](Seq seq) {
                   if (book_.refused(seq)) return refused(redirect);
                   const auto now = book_.user(number);
                   if (redirect || !now) return go_to("/").header("Set-Cookie", cookie);
                   Request as = request;
                   as.principal = {Principal::Kind::kUser, now->name, number, now->role, now->scope, id};
                   Response done = who_am_i(as);
                   done.status = 201;
                   return done.header("Set-Cookie", cookie);
               });
}

void SignInDoor::by_link(const Request& request, std::string_view token, const Answer& answer) {
    if (!asker_.ready(answer)) return;
    const std::string hash = hash_api_key(token);
    const auto users = book_.users_of_token(hash);
    // Who comes again by a bookmark goes on with the session that is open.
    if (users.size() == 1 && request.principal.kind == Principal::Kind::kUser &&
        request.principal.user == users[0].number && !request.principal.session.empty())
        return answer(go_to("/"));
    if (!may_try("", request, false, answer)) return;
    if (users.empty()) {
        refuse(request, "", "token");
        return answer(problem(404, "not-found", "There is nothing at this address",
                              "/api/v1/openapi.yaml lists the addresses of this server"));
    }
    if (users.size() == 1) return open(request, users[0], "token", true, answer);
    peers_.succeeded(address_of(request.peer));
    answer(go_to("/sign-in?choice=" + new_choice(hash)));
}

std::string SignInDoor::new_choice(std::string token_hash) {
    const int64_t now = clock_.monotonic_ns();
    std::erase_if(choices_, [&](const auto& one) { return one.second.until_ns <= now; });
    if (choices_.size() >= kChoicesMax) choices_.erase(choices_.begin());
    std::string id = random_token();
    choices_[id] = {std::move(token_hash), now + kChoiceNs};
    return id;
}

const SignInDoor::Choice* SignInDoor::choice_of(const std::string& id) const {
    const auto at = choices_.find(id);
    return at == choices_.end() || at->second.until_ns <= clock_.monotonic_ns() ? nullptr : &at->second;
}

Response SignInDoor::page(const Request& request) const {
    Parameters parameters(request.query, {"choice", "refused", "wait"});
    const uint64_t wait = parameters.number("wait", 0, 1, 86'400);
    const std::string choice = parameters.text("choice");
    const Choice* of = choice_of(choice);
    std::string out = fmt::format(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport "
        "content=\"width=device-width\"><title>Sign in - Penstock</title><link rel=stylesheet "
        "href=\"/assets/{}/sign_in.css\"><main><h1>Penstock</h1>",
        page_build());
    if (wait > 0)
        out += fmt::format("<p role=alert>Too many tries failed. Try again in {} s.</p>", wait);
    else if (!parameters.text("refused").empty())
        out += "<p role=alert>The name or the password is wrong, or the choice is too old.</p>";
    out += "<form method=post action=\"/api/v1/session\">";
    if (of) {
        out += fmt::format("<p>Who are you?</p><input type=hidden name=choice value=\"{}\">", html(choice));
        for (const User& u : book_.users_of_token(of->token_hash))
            out += fmt::format("<button name=user value=\"{}\">{} <small>{}</small></button>", u.number,
                               html(u.display_name.empty() ? u.name : u.display_name), html(u.name));
    } else {
        out +=
            "<label>Name <input name=name autocomplete=username autofocus required></label>"
            "<label>Password <input name=password type=password autocomplete=current-password "
            "required></label><button>Sign in</button>";
    }
    Response answer;
    answer.content_type = "text/html; charset=utf-8";
    answer.body = out + "</form></main></html>";
    answer.has_form = true;
    return answer;
}

SignInDoor::Asked SignInDoor::asked(const Request& request) const {
    Asked a;
    a.form = has_content_type(request, kFormType);
    if (a.form) {
        Parameters form(request.body, {"name", "password", "choice", "user"});
        a.name = form.text("name");
        a.password = form.text("password");
        a.choice = form.text("choice");
        a.user = form.text("user");
        return a;
    }
    RequestBody body(request, {"name", "password", "token", "choice", "user"});
    a.name = body.text("name");
    a.password = body.text("password");
    a.token = body.text("token");
    a.choice = body.text("choice");
    a.user = body.text("user");
    if (a.token.empty() && a.choice.empty() && (a.name.empty() || a.password.empty()))
        body.wrong("\"name\" and \"password\", or \"token\", are missing");
    a.fault = std::move(body.fault);
    return a;
}

void SignInDoor::sign_in(const Request& request, const Answer& answer) {
    if (!asker_.ready(answer)) return;
    Asked a = asked(request);
    if (!a.fault.empty()) return answer(bad_body(a.fault));
    if (!may_try(a.name, request, a.form, answer)) return;
    if (!a.token.empty() || !a.choice.empty()) {
        const Choice* of = choice_of(a.choice);
        const auto users = book_.users_of_token(!a.token.empty() ? hash_api_key(a.token)
                                                : of             ? of->token_hash
                                                                 : "-");
        const auto number = parse_unsigned(a.user);
        const auto at = std::find_if(users.begin(), users.end(), [&](const User& u) {
            return a.user.empty() ? users.size() == 1 : u.name == a.user || u.number == number;
        });
        if (at != users.end()) {
            choices_.erase(a.choice);
            return open(request, *at, "token", a.form, answer);
        }
        if (!users.empty() && a.user.empty()) {
            peers_.succeeded(address_of(request.peer));
            JsonWriter names;
            names.begin_array();
            for (const User& u : users) names.value(u.name);
            Response which =
                problem(409, "which-user", "Several users share this token", "say which in \"user\"");
            which.body.pop_back();  // the object goes on
            which.body += fmt::format(R"(,"users":{}}})", names.end_array().take());
            return answer(std::move(which));
        }
        refuse(request, "", "token");
        return answer(refused(a.form));
    }
    const auto user = book_.user(a.name);
    const bool queued =
        passwords_.verify(user ? user->password_hash : "", std::move(a.password),
                          [this, request, user, form = a.form, answer](bool fits) {
                              if (fits && user->enabled)
                                  return open(request, *user, "password", form, answer);
                              refuse(request, user ? user->name : "", fits ? "disabled" : "password");
                              answer(refused(form));
                          });
    if (!queued)
        answer(problem(503, "busy", "Too many sign in at once", "ask again in a moment")
                   .header("Retry-After", "2"));
}

// --- sessions ---------------------------------------------------------------------------------------------

void SignInDoor::sign_out(const Request& request, const Answer& answer) {
    const Principal& who = request.principal;
    if (who.kind != Principal::Kind::kUser || who.session.empty())
        return answer(problem(409, "no-session", "This request is of no session",
                              "only who signed in can sign out; revoke keys at /api/v1/keys"));
    if (!asker_.ready(answer)) return;
    json::object text{{"user", who.name}, {"by", who.name}, {"peer", request.peer}};
    asker_.ask(ControlKind::kSessionEnded, who.session, json::serialize(text), answer,
               [cookie = set_cookie(request, "", 0)](Seq) {
                   Response done;
                   done.body = R"({"signed_out":true})";
                   return done.header("Set-Cookie", cookie).header("Clear-Site-Data", "\"cache\"");
               });
}

std::string SignInDoor::session_json(const UserSession& s, std::string_view own) const {
    const auto user = book_.user(s.user);
    JsonWriter out;
    out.begin_object().field("id", s.id).field("user", user ? user->name : std::to_string(s.user));
    out.field("opened", rfc3339(s.opened_ns)).field("seen", rfc3339(s.seen_ns));
    out.field("ends", rfc3339(s.ends_ns)).field("peer", s.peer).field_if("agent", s.agent);
    out.field("how", s.how).field("own", s.id == own).end_object();
    return out.take();
}

Response SignInDoor::who_am_i(const Request& request) const {
    static constexpr std::string_view kKinds[] = {"nobody", "local", "user", "machine"};
    const Principal& who = request.principal;
    const auto user = who.user ? book_.user(who.user) : std::nullopt;
    JsonWriter out;
    out.begin_object().field("kind", kKinds[static_cast<size_t>(who.kind)]).field("name", who.name);
    out.field("role", kRoleNames[static_cast<size_t>(who.role)]);
    text_list(out, "regions", who.scope.regions);
    text_list(out, "tenants", who.scope.tenants);
    if (user) {
        out.field("user", user->number).field("display_name", user->display_name);
        text_list(out, "skills", user->skills);
        out.field_if("email", user->email).field("active", user->active);
        out.key("preferences").raw(user->preferences);
    }
    if (const auto session = book_.session(who.session); user && session)
        out.key("session").raw(session_json(*session, who.session));
    Response answer;
    answer.body = out.end_object().take();
    return answer;
}

Response SignInDoor::sessions(const Request& request) const {
    const Principal& who = request.principal;
    Parameters parameters(request.query, {"user"});
    const std::string name = parameters.text("user");
    if (!parameters.errors.empty()) return bad_parameters(parameters.errors);
    const bool all = who.role == Role::kAdmin;
    const auto asked_for = name.empty() ? std::nullopt : book_.user(name);
    std::vector<UserSession> found;
    if (all && name.empty())
        found = book_.sessions(0);
    else if (all && asked_for)
        found = book_.sessions(asked_for->number);
    else if (!all && who.user != 0 && (name.empty() || name == who.name))
        found = book_.sessions(who.user);
    JsonWriter out;
    out.begin_object().key("items").begin_array();
    for (const UserSession& s : found) out.raw(session_json(s, who.session));
    Response answer;
    answer.body = out.end_array().end_object().take();
    return answer;
}

void SignInDoor::end_session(const Request& request, std::string_view id, const Answer& answer) {
    const Principal& who = request.principal;
    const auto session = book_.session(id);
    const auto nothing = [] {
        return problem(404, "no-such-session", "There is no session with this id",
                       "it may have ended; GET /api/v1/sessions lists those that you may end");
    };
    if (!session || (who.role != Role::kAdmin && session->user != who.user)) return answer(nothing());
    if (!asker_.ready(answer)) return;
    const auto user = book_.user(session->user);
    json::object text{{"user", user ? user->name : ""}, {"by", who_did(request, "")}, {"peer", request.peer}};
    asker_.ask(ControlKind::kSessionEnded, session->id, json::serialize(text), answer,
               [this, nothing](Seq seq) {
                   if (book_.refused(seq)) return nothing();
                   Response done;
                   done.body = R"({"ended":true})";
                   return done;
               });
}

void SignInDoor::set_active(const Request& request, std::string_view given, bool active,
                            const Answer& answer) {
    const auto number = parse_unsigned(given);
    const auto by_number = number ? book_.user(*number) : std::nullopt;
    const auto user = by_number ? by_number : book_.user(percent_decode(given).value_or(""));
    const Principal& who = request.principal;
    if (user && user->number != who.user && who.role < Role::kSupervisor)
        return answer(role_missing(Role::kSupervisor, who));
    const auto nobody = [] {
        return problem(404, "no-such-user", "There is no such user, or it is disabled",
                       "name a user by its name or its number");
    };
    if (!user || !user->enabled) return answer(nobody());
    if (!asker_.ready(answer)) return;
    json::object text{{"by", who_did(request, "")}, {"peer", request.peer}};
    if (active) text["back"] = true;
    if (active && user->number == who.user) text["session"] = who.session;
    asker_.ask(active ? ControlKind::kUserSeen : ControlKind::kUserLeft, user->name, json::serialize(text),
               answer, [this, nobody, of = user->number](Seq seq) {
                   const auto now = book_.user(of);
                   if (!now || book_.refused(seq)) return nobody();
                   JsonWriter out;
                   out.begin_object().field("user", now->number).field("name", now->name);
                   out.field("active", now->active);
                   if (now->last_seen_ns != 0) out.field("last_seen", rfc3339(now->last_seen_ns));
                   Response done;
                   done.body = out.end_object().take();
                   return done;
               });
}

}  // namespace penstock::http

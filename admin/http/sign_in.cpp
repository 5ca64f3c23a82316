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

}  // namespace

bool looks_like_token(std::string_view path) {
    if (!path.starts_with('/')) return false;
    path.remove_prefix(1);
    return path.size() >= 12 && path.size() <= 128 &&
           path.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") ==
               path.npos;
}

SignInDoor::SignInDoor(const Gate& gate, const SessionDoor& sessions, ControlAsker& asker,
                       ControlMailbox& mailbox, PasswordPool& passwords, const Clock& clock)
    : gate_(gate),
      sessions_(sessions),
      book_(gate.book()),
      asker_(asker),
      mailbox_(mailbox),
      passwords_(passwords),
      clock_(clock) {}

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

void SignInDoor::open(const Request& request, const User& user, std::string_view how, bool redirect,
                      const Answer& answer) {
    if (!asker_.ready(answer)) return;
    const std::string token = random_token(), id = session_id_of(token);
    json::object text{{"user", user.number},
                      {"by", user.name},
                      {"peer", request.peer},
                      {"agent", request.user_agent.substr(0, kAgentBytesMax)},
                      {"how", how}};
    const std::string cookie = session_cookie(request, token, gate_.setup().session_life_ns / kSecondNs);
    peers_.succeeded(address_of(request.peer));
    names_.succeeded(user.name);
    asker_.ask(ControlKind::kSignedIn, id, json::serialize(text), answer,
               [this, request, id, cookie, redirect, number = user.number](Seq seq) {
                   if (book_.refused(seq)) return refused(redirect);
                   const auto now = book_.user(number);
                   if (redirect || !now) return go_to("/").header("Set-Cookie", cookie);
                   Request as = request;
                   as.principal = {Principal::Kind::kUser, now->name, number, now->role, now->scope, id};
                   Response done = sessions_.who_am_i(as);
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

}  // namespace penstock::http

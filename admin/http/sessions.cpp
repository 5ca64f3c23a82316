#include "admin/http/sessions.h"

#include <algorithm>
#include <boost/json.hpp>

#include "admin/http/paging.h"
#include "admin/http/text.h"

namespace penstock::http {
namespace {

namespace json = boost::json;

/// A user of other tenants or regions alone is not known to who asks.
bool knows(const Scope& who, const Scope& of) {
    const auto meet = [](const std::vector<std::string>& a, const std::vector<std::string>& b) {
        return a.empty() || b.empty() ||
               std::find_first_of(a.begin(), a.end(), b.begin(), b.end()) != a.end();
    };
    return meet(who.regions, of.regions) && meet(who.tenants, of.tenants);
}

bool sees_all_sessions(const Principal& who) {
    return who.role == Role::kAdmin && who.scope.all_regions() && who.scope.all_tenants();
}

}  // namespace

std::string session_cookie(const Request& request, std::string_view token, int64_t life_s) {
    return fmt::format("{}={}; Path=/; Max-Age={}; HttpOnly; SameSite=Lax{}", kSessionCookie, token, life_s,
                       request.secure ? "; Secure" : "");
}

void SessionDoor::sign_out(const Request& request, const Answer& answer) {
    const Principal& who = request.principal;
    if (who.kind != Principal::Kind::kUser || who.session.empty())
        return answer(problem(409, "no-session", "This request is of no session",
                              "only who signed in can sign out; revoke keys at /api/v1/keys"));
    if (!asker_.ready(answer)) return;
    json::object text{{"user", who.name}, {"by", who.name}, {"peer", request.peer}};
    asker_.ask(ControlKind::kSessionEnded, who.session, json::serialize(text), answer,
               [cookie = session_cookie(request, "", 0)](Seq) {
                   Response done;
                   done.body = R"({"signed_out":true})";
                   return done.header("Set-Cookie", cookie).header("Clear-Site-Data", "\"cache\"");
               });
}

std::string SessionDoor::session_json(const UserSession& s, std::string_view own) const {
    const auto user = book_.user(s.user);
    JsonWriter out;
    out.begin_object().field("id", s.id).field("user", user ? user->name : std::to_string(s.user));
    out.field("opened", rfc3339(s.opened_ns)).field("seen", rfc3339(s.seen_ns));
    out.field("ends", rfc3339(s.ends_ns)).field("peer", s.peer).field_if("agent", s.agent);
    out.field("how", s.how).field("own", s.id == own).end_object();
    return out.take();
}

Response SessionDoor::who_am_i(const Request& request) const {
    static constexpr std::string_view kKinds[] = {"nobody", "local", "user", "machine"};
    const Principal& who = request.principal;
    const auto user = who.user ? book_.user(who.user) : std::nullopt;
    JsonWriter out;
    out.begin_object().field("kind", kKinds[static_cast<size_t>(who.kind)]).field("name", who.name);
    out.field("role", kRoleNames[static_cast<size_t>(who.role)]);
    out.list("regions", who.scope.regions);
    out.list("tenants", who.scope.tenants);
    if (user) {
        out.field("user", user->number).field("display_name", user->display_name);
        out.list("skills", user->skills);
        out.field_if("email", user->email).field("active", user->active);
        out.key("preferences").raw(user->preferences);
    }
    if (const auto session = book_.session(who.session); user && session)
        out.key("session").raw(session_json(*session, who.session));
    Response answer;
    answer.body = out.end_object().take();
    return answer;
}

Response SessionDoor::list(const Request& request) const {
    const Principal& who = request.principal;
    Parameters parameters(request.query, {"user"});
    const std::string name = parameters.text("user");
    if (!parameters.errors.empty()) return bad_parameters(parameters.errors);
    const bool all = sees_all_sessions(who);
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

void SessionDoor::end(const Request& request, std::string_view id, const Answer& answer) {
    const Principal& who = request.principal;
    const auto session = book_.session(id);
    const auto nothing = [] {
        return problem(404, "no-such-session", "There is no session with this id",
                       "it may have ended; GET /api/v1/sessions lists those that you may end");
    };
    if (!session || (!sees_all_sessions(who) && session->user != who.user)) return answer(nothing());
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

void SessionDoor::set_active(const Request& request, std::string_view given, bool active,
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
    if (!user || !user->enabled || !knows(who.scope, user->scope)) return answer(nobody());
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

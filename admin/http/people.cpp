#include "admin/http/people.h"

#include <boost/json.hpp>

#include "admin/http/text.h"
#include "pipeline/api_key.h"

namespace penstock::http {
namespace {

namespace json = boost::json;

constexpr size_t kPasswordBytesMin = 8, kListMax = 100, kNameBytesMax = 256;

Response no_such_user(std::string_view who) {
    return problem(404, "no-such-user", "There is no such user",
                   fmt::format("\"{}\" is not known; GET /api/v1/users lists them", who));
}
Response of_configuration(std::string_view name) {
    return problem(409, "of-configuration", "The configuration has this user",
                   fmt::format("change {} in the [[user]] section, and start the appliance anew", name));
}
Response no_such_key(std::string_view id) {
    return problem(404, "no-such-key", "There is no API key with this id",
                   fmt::format("\"{}\" is not known; GET /api/v1/keys lists them", id));
}
Response changed_meanwhile(std::string_view what) { return problem(409, "changed", "It was not done", what); }

void read_texts(RequestBody& body, std::string_view name, std::vector<std::string>& out) {
    const json::value* v = body.members.if_contains(name);
    if (!v) return;
    out.clear();
    if (!v->is_array() || v->get_array().size() > kListMax)
        return body.wrong(fmt::format("\"{}\" must be a list of at most {} texts", name, kListMax));
    for (const json::value& item : v->get_array()) {
        if (!item.is_string() || item.get_string().empty() || item.get_string().size() > 64)
            return body.wrong(fmt::format("\"{}\" must hold texts of 1 to 64 bytes", name));
        out.emplace_back(item.get_string());
    }
}

json::object scope_facts(const Scope& scope) {
    return {{"regions", json::value_from(scope.regions)}, {"tenants", json::value_from(scope.tenants)}};
}

}  // namespace

void PeopleDoor::read_scope(RequestBody& body, Scope& scope) const {
    read_texts(body, "regions", scope.regions);
    read_texts(body, "tenants", scope.tenants);
    for (const std::string& region : scope.regions)
        if (!log_.names().region(region)) body.wrong(fmt::format("\"{}\" is not a region's name", region));
    for (const std::string& tenant : scope.tenants)
        if (!log_.names().tenant(tenant)) body.wrong(fmt::format("\"{}\" is not a tenant's name", tenant));
}

// --- users ------------------------------------------------------------------------------------------------

std::optional<User> PeopleDoor::find(std::string_view who) const {
    if (const auto number = parse_unsigned(who))
        if (auto user = book_.user(*number)) return user;
    return book_.user(percent_decode(who).value_or(""));
}

std::string PeopleDoor::user_json(const User& u) const {
    JsonWriter out;
    out.begin_object().field("user", u.number).field("name", u.name).field("display_name", u.display_name);
    out.field("role", kRoleNames[static_cast<size_t>(u.role)]);
    out.list("regions", u.scope.regions);
    out.list("tenants", u.scope.tenants);
    out.list("skills", u.skills);
    out.field_if("email", u.email).field("enabled", u.enabled);
    out.field("of_configuration", u.of_configuration).field("version", u.version);
    out.field("has_password", !u.password_hash.empty()).field("has_token", !u.token_hash.empty());
    out.field("active", u.active);
    if (u.last_seen_ns != 0) out.field("last_seen", rfc3339(u.last_seen_ns));
    out.field("sessions", book_.sessions(u.number).size()).end_object();
    return out.take();
}

Response PeopleDoor::users(const Request&) const {
    JsonWriter out;
    out.begin_object().key("items").begin_array();
    for (const User& u : book_.users()) out.raw(user_json(u));
    Response answer;
    answer.body = out.end_array().end_object().take();
    return answer;
}

Response PeopleDoor::user(const Request&, std::string_view who) const {
    const auto found = find(who);
    if (!found) return no_such_user(who);
    Response answer;
    answer.body = user_json(*found);
    return answer;
}

void PeopleDoor::read_user(RequestBody& body, User& u, std::string& token) const {
    const auto has = [&](std::string_view name) { return body.members.contains(name); };
    if (has("display_name")) u.display_name = body.text("display_name");
    if (has("email")) u.email = body.text("email");
    if (u.display_name.size() > kNameBytesMax || u.email.size() > kNameBytesMax)
        body.wrong(fmt::format("\"display_name\" and \"email\" have at most {} bytes", kNameBytesMax));
    if (has("role")) {
        if (const auto role = role_of(body.text("role")))
            u.role = *role;
        else
            body.wrong("\"role\" must be viewer, operator, supervisor or admin");
    }
    read_scope(body, u.scope);
    read_texts(body, "skills", u.skills);
    if (has("enabled")) u.enabled = body.flag("enabled");
    if (has("password") && body.text("password").size() < kPasswordBytesMin)
        body.wrong(fmt::format("\"password\" must have at least {} bytes", kPasswordBytesMin));
    if (!has("token")) return;
    if (body.flag("token")) token = make_api_key().substr(3);
    u.token_hash = token.empty() ? "" : hash_api_key(token);
}

void PeopleDoor::add_user(const Request& request, const Answer& answer) {
    if (!asker_.ready(answer)) return;
    RequestBody body(request, {"name", "display_name", "role", "regions", "tenants", "skills", "email",
                               "password", "token", "enabled"});
    User u;
    u.name = body.text("name", true);
    if (!is_user_name(u.name))
        body.wrong("\"name\" must be 1 to 64 lower case letters, digits, '.', '_', '-' and '@'");
    if (!body.members.contains("role")) body.wrong("\"role\" is missing");
    std::string token;
    read_user(body, u, token);
    if (!body.fault.empty()) return answer(bad_body(body.fault));
    if (book_.user(u.name))
        return answer(problem(409, "name-taken", "There is a user of this name",
                              fmt::format("{} is taken; PATCH /api/v1/users/{} changes it", u.name, u.name)));
    set_user(request, std::move(u), true, body.text("password"), std::move(token), answer);
}

void PeopleDoor::change_user(const Request& request, std::string_view who, const Answer& answer) {
    if (!asker_.ready(answer)) return;
    auto u = find(who);
    if (!u) return answer(no_such_user(who));
    if (u->of_configuration) return answer(of_configuration(u->name));
    RequestBody body(request, {"display_name", "role", "regions", "tenants", "skills", "email", "password",
                               "token", "enabled", "version"});
    const auto version = body.number("version", 0, std::numeric_limits<int64_t>::max());
    std::string token;
    read_user(body, *u, token);
    if (!body.fault.empty()) return answer(bad_body(body.fault));
    if (version && *version != u->version)
        return answer(changed_meanwhile(
            fmt::format("the user is at version {}; look at it and ask again", u->version)));
    set_user(request, std::move(*u), false, body.text("password"), std::move(token), answer);
}

void PeopleDoor::set_user(const Request& request, User user, bool is_new, std::string password,
                          std::string token, const Answer& answer) {
    if (password.empty()) return ask_for_user(request, user, is_new, token, answer);
    const bool queued = passwords_.hash(
        std::move(password), [this, request, user, is_new, token, answer](std::string hash) mutable {
            if (hash.empty())
                return answer(
                    problem(503, "busy", "There is no memory for a password now", "ask again in a moment")
                        .header("Retry-After", "5"));
            user.password_hash = std::move(hash);
            ask_for_user(request, user, is_new, token, answer);
        });
    if (!queued)
        answer(problem(503, "busy", "Too many passwords wait", "ask again in a moment")
                   .header("Retry-After", "2"));
}

void PeopleDoor::ask_for_user(const Request& request, const User& u, bool is_new, const std::string& token,
                              const Answer& answer) {
    json::object text = scope_facts(u.scope);
    text["display_name"] = u.display_name;
    text["role"] = kRoleNames[static_cast<size_t>(u.role)];
    text["skills"] = json::value_from(u.skills);
    text["email"] = u.email;
    text["password_hash"] = u.password_hash;
    text["token_hash"] = u.token_hash;
    text["enabled"] = u.enabled;
    if (!is_new) text["version"] = u.version;
    if (request.principal.user == u.number) text["session"] = request.principal.session;
    text["by"] = who_did(request, "");
    text["peer"] = request.peer;
    asker_.ask(ControlKind::kUserSet, u.name, json::serialize(text), answer,
               [this, name = u.name, is_new, token](Seq seq) {
                   const auto now = book_.user(name);
                   if (!now || book_.refused(seq))
                       return changed_meanwhile("somebody else changed the user, or there are too many");
                   Response done;
                   done.status = is_new ? 201 : 200;
                   done.body = user_json(*now);
                   if (!token.empty()) show_once(done, "token", token);
                   if (is_new) done.header("Location", fmt::format("/api/v1/users/{}", now->number));
                   return done;
               });
}

void PeopleDoor::remove_user(const Request& request, std::string_view who, const Answer& answer) {
    if (!asker_.ready(answer)) return;
    const auto u = find(who);
    if (!u) return answer(no_such_user(who));
    if (u->of_configuration) return answer(of_configuration(u->name));
    asker_.ask(ControlKind::kUserRemoved, u->name,
               json::serialize(json::object{{"by", who_did(request, "")}, {"peer", request.peer}}), answer,
               [this, name = u->name](Seq seq) {
                   if (book_.refused(seq)) return no_such_user(name);
                   Response done;
                   done.body = R"({"removed":true})";
                   return done;
               });
}

Response PeopleDoor::preferences(const Request& request) const {
    const auto user = book_.user(request.principal.user);
    Response answer;
    answer.body = user ? user->preferences : "{}";
    return answer;
}

void PeopleDoor::set_preferences(const Request& request, const Answer& answer) {
    if (request.principal.user == 0)
        return answer(problem(409, "no-user", "Only users have preferences",
                              "this request is of a program, or of nobody who signed in"));
    if (!asker_.ready(answer)) return;
    json::error_code failed;
    const json::value given = json::parse(request.body, failed);
    if (failed || !given.is_object()) return answer(bad_body("the body is not a JSON object"));
    if (json::serialize(given).size() > kPreferencesBytesMax)
        return answer(problem(413, "body-too-large", "The preferences are too large",
                              fmt::format("at most {} bytes are kept", kPreferencesBytesMax)));
    asker_.ask(ControlKind::kPreferencesSet, request.principal.name,
               json::serialize(json::object{
                   {"preferences", given}, {"by", request.principal.name}, {"peer", request.peer}}),
               answer, [this, user = request.principal.user](Seq seq) {
                   const auto now = book_.user(user);
                   if (!now || book_.refused(seq)) return changed_meanwhile("the user is there no more");
                   Response done;
                   done.body = now->preferences;
                   return done;
               });
}

// --- views ------------------------------------------------------------------------------------------------

Response PeopleDoor::views(const Request&) const {
    JsonWriter out;
    out.begin_object().key("items").begin_array();
    for (const TeamView& v : book_.views())
        out.begin_object()
            .field("name", v.name)
            .field("address", v.address)
            .field("by", v.by)
            .field("set", rfc3339(v.set_ns))
            .end_object();
    Response answer;
    answer.body = out.end_array().end_object().take();
    return answer;
}

void PeopleDoor::ask_for_view(const Request& request, std::string_view name, const std::string& address,
                              const Answer& answer, Response done) {
    asker_.ask(
        ControlKind::kTeamViewSet, std::string(name),
        json::serialize(
            json::object{{"address", address}, {"by", who_did(request, "")}, {"peer", request.peer}}),
        answer, [this, name = std::string(name), removes = address.empty(), done](Seq seq) {
            if (!book_.refused(seq)) return done;
            return removes ? problem(404, "no-such-view", "There is no view of this name",
                                     fmt::format("\"{}\" is not known; GET /api/v1/views lists them", name))
                           : problem(507, "too-many-views", "There are too many views",
                                     fmt::format("at most {} are kept; remove one", kTeamViewsMax));
        });
}

void PeopleDoor::set_view(const Request& request, std::string_view given, const Answer& answer) {
    if (!asker_.ready(answer)) return;
    const std::string name = percent_decode(given).value_or("");
    RequestBody body(request, {"address"});
    const std::string address = body.text("address", true);
    if (name.empty() || name.size() > kTeamViewNameBytesMax)
        body.wrong(fmt::format("a view's name has 1 to {} bytes", kTeamViewNameBytesMax));
    // Of this console: a view is followed by a click, and must lead nowhere else.
    if (!address.starts_with('/') || address.starts_with("//") || address.find('\\') != std::string::npos ||
        address.size() > kTeamViewAddressBytesMax)
        body.wrong(
            fmt::format("address must be a path within the console, such as /console/search?q=..., of at "
                        "most {} bytes",
                        kTeamViewAddressBytesMax));
    if (!body.fault.empty()) return answer(bad_body(body.fault));
    JsonWriter out;
    Response done;
    done.body = out.begin_object().field("name", name).field("address", address).end_object().take();
    ask_for_view(request, name, address, answer, std::move(done));
}

void PeopleDoor::remove_view(const Request& request, std::string_view given, const Answer& answer) {
    if (!asker_.ready(answer)) return;
    Response done;
    done.body = R"({"removed":true})";
    ask_for_view(request, percent_decode(given).value_or(""), "", answer, std::move(done));
}

// --- keys -------------------------------------------------------------------------------------------------

std::string PeopleDoor::key_json(const ApiKey& k) const {
    JsonWriter out;
    out.begin_object().field("id", k.id).field("name", k.name);
    out.field("role", kRoleNames[static_cast<size_t>(k.role)]);
    out.list("regions", k.scope.regions);
    out.list("tenants", k.scope.tenants);
    out.field("by", k.by).field("set", rfc3339(k.set_ns)).end_object();
    return out.take();
}

Response PeopleDoor::keys(const Request&) const {
    JsonWriter out;
    out.begin_object().key("items").begin_array();
    for (const ApiKey& k : book_.keys()) out.raw(key_json(k));
    Response answer;
    answer.body = out.end_array().end_object().take();
    return answer;
}

void PeopleDoor::add_key(const Request& request, const Answer& answer) {
    RequestBody body(request, {"name", "role", "regions", "tenants"});
    ApiKey k;
    k.name = body.text("name", true);
    if (!is_user_name(k.name))
        body.wrong("\"name\" must be 1 to 64 lower case letters, digits, '.', '_', '-' and '@'");
    const auto role = role_of(body.text("role", true));
    if (!role) body.wrong("\"role\" must be viewer, operator, supervisor or admin");
    k.role = role.value_or(Role::kViewer);
    read_scope(body, k.scope);
    if (!body.fault.empty()) return answer(bad_body(body.fault));
    set_key(request, std::move(k), true, answer);
}

void PeopleDoor::rotate_key(const Request& request, std::string_view id, const Answer& answer) {
    for (ApiKey& k : book_.keys())
        if (k.id == id && id != kLocalAdmin) return set_key(request, std::move(k), false, answer);
    answer(no_such_key(id));
}

void PeopleDoor::set_key(const Request& request, ApiKey k, bool is_new, const Answer& answer) {
    if (!asker_.ready(answer)) return;
    const std::string secret = make_api_key();
    k.hash = hash_api_key(secret);
    if (is_new) k.id = k.hash.substr(k.hash.find(':') + 1, 16);
    json::object text = scope_facts(k.scope);
    text["name"] = k.name;
    text["role"] = kRoleNames[static_cast<size_t>(k.role)];
    text["hash"] = k.hash;
    text["by"] = who_did(request, "");
    text["peer"] = request.peer;
    asker_.ask(ControlKind::kApiKeySet, k.id, json::serialize(text), answer,
               [this, hash = k.hash, secret, is_new](Seq seq) {
                   const auto now = book_.key_of_hash(hash);
                   if (!now || book_.refused(seq)) return changed_meanwhile("there are too many API keys");
                   Response done;
                   done.status = is_new ? 201 : 200;
                   done.body = key_json(*now);
                   show_once(done, "key", secret);
                   return done;
               });
}

void PeopleDoor::revoke_key(const Request& request, std::string_view id, const Answer& answer) {
    if (!asker_.ready(answer)) return;
    if (id == kLocalAdmin)
        return answer(problem(409, "local-admin", "This is the local admin's key",
                              "remove admin.key from the data folder and start the appliance anew: it "
                              "makes another"));
    asker_.ask(ControlKind::kApiKeyRevoked, std::string(id),
               json::serialize(json::object{{"by", who_did(request, "")}, {"peer", request.peer}}), answer,
               [this, id = std::string(id)](Seq seq) {
                   if (book_.refused(seq)) return no_such_key(id);
                   Response done;
                   done.body = R"({"revoked":true})";
                   return done;
               });
}

}  // namespace penstock::http

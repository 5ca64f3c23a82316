#include "admin/http/tenants.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/json.hpp>

#include "admin/http/paging.h"
#include "admin/http/request_body.h"
#include "admin/http/text.h"
#include "pipeline/api_key.h"
#include "schemas/limits.h"

namespace penstock::http {

namespace json = boost::json;

namespace {

constexpr uint64_t kRateMax = 1'000'000'000;

bool is_tenant_name(std::string_view name) {
    return !name.empty() && name.size() <= limits::kNameBytesMax && name[0] != '_' && name[0] != '-' &&
           name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-") == std::string_view::npos;
}

std::string tenant_json(const Tenant& t, bool of_configuration) {
    JsonWriter out;
    out.begin_object()
        .field("id", t.id)
        .field("name", t.name)
        .field("enabled", t.enabled)
        .field("origin", of_configuration ? "configuration" : "api")
        .field_if("region", t.region)
        .field("rate_limit", t.rate_limit)
        .field("burst", t.burst);
    out.key("keys").begin_array();
    for (const TenantKey& k : t.keys) {
        out.begin_object();
        if (!of_configuration) out.field("id", k.id).field("made", rfc3339(k.made_ns)).field("by", k.by);
        out.end_object();
    }
    out.end_array();
    if (!of_configuration)
        out.field("made", rfc3339(t.made_ns))
            .field("made_by", t.made_by)
            .field("changed", rfc3339(t.changed_ns))
            .field("changed_by", t.changed_by)
            .field("version", t.version);
    return out.end_object().take();
}

Response no_such_tenant(std::string_view id) {
    return problem(404, "not-found", "There is no such tenant",
                   fmt::format("\"{}\" is neither a tenant's name nor its id", id));
}

std::string by_of(const Request& request, const std::string& given) {
    return given.empty() ? fmt::format("{} {}", request.principal.name, request.peer) : given;
}

}  // namespace

std::optional<TenantDoor::Found> TenantDoor::find(std::string_view id) const {
    const auto configured = [&](const auto& is) -> std::optional<Found> {
        for (const Tenant& t : access_.of_configuration)
            if (is(t)) return Found{t, true};
        return std::nullopt;
    };
    const auto named = [&](const Tenant& t) { return t.name == id; };
    if (auto found = configured(named)) return found;
    if (access_.book) {
        if (auto t = access_.book->tenant(id)) return Found{std::move(*t), false};
    }
    const auto number = parse_unsigned(id);
    if (!number) return std::nullopt;
    const auto numbered = [&](const Tenant& t) { return t.id == *number; };
    if (auto found = configured(numbered)) return found;
    if (access_.book)
        for (Tenant& t : access_.book->tenants())
            if (numbered(t)) return Found{std::move(t), false};
    return std::nullopt;
}

Response TenantDoor::list() const {
    JsonWriter out;
    out.begin_object().key("items").begin_array();
    for (const Tenant& t : access_.of_configuration) out.raw(tenant_json(t, true));
    if (access_.book)
        for (const Tenant& t : access_.book->tenants()) {
            const auto& all = access_.of_configuration;
            // The configuration's facts are those that hold.
            if (std::none_of(all.begin(), all.end(), [&](const Tenant& c) { return c.name == t.name; }))
                out.raw(tenant_json(t, false));
        }
    Response answer;
    answer.body = out.end_array().end_object().take();
    return answer;
}

Response TenantDoor::show(std::string_view id) const {
    const auto found = find(id);
    if (!found) return no_such_tenant(id);
    Response answer;
    answer.body = tenant_json(found->tenant, found->of_configuration);
    return answer;
}

std::vector<std::string> TenantDoor::of_region(std::string_view region) const {
    std::vector<std::string> names;
    for (const Tenant& t : access_.of_configuration)
        if (t.region == region) names.push_back(t.name);
    if (access_.book)
        for (const Tenant& t : access_.book->tenants())
            if (t.region == region) names.push_back(t.name);
    return names;
}

std::optional<Tenant> TenantDoor::changeable(std::string_view id, const Answer& answer) const {
    if (!asker_.ready(answer)) return std::nullopt;
    auto found = find(id);
    if (!found) {
        answer(no_such_tenant(id));
        return std::nullopt;
    }
    if (found->of_configuration) {
        answer(problem(
            409, "of-configuration", "The tenant is the configuration's",
            fmt::format("{} is changed in the configuration's file, and by a restart", found->tenant.name)));
        return std::nullopt;
    }
    return std::move(found->tenant);
}

void TenantDoor::read_settings(RequestBody& body, json::object& record) const {
    for (const char* name : {"rate_limit", "burst"})
        if (const auto n = body.number(name, 0, kRateMax)) record[name] = *n;
    if (!body.members.contains("region")) return;
    const std::string region = body.text("region");
    const auto known = access_.region_names();
    if (!region.empty() && std::find(known.begin(), known.end(), region) == known.end())
        body.wrong(fmt::format("\"region\" is not known; known are {}", fmt::join(known, ", ")));
    record["region"] = region;
}

void TenantDoor::ask(const std::string& name, json::object record, const Answer& answer, std::string key,
                     unsigned status) {
    asker_.ask(ControlKind::kTenantSet, name, json::serialize(record), answer,
               [this, name, key = std::move(key), status](Seq seq) {
                   if (const std::string why = access_.book->refused(seq); !why.empty())
                       return problem(409, "not-changed", "The tenant was not changed", why);
                   const auto tenant = access_.book->tenant(name);
                   if (!tenant) return no_such_tenant(name);
                   Response done;
                   done.status = status;
                   done.body = tenant_json(*tenant, false);
                   if (!key.empty()) show_once(done, "key", key);
                   return done;
               });
}

void TenantDoor::add(const Request& request, const Answer& answer) {
    if (!asker_.ready(answer)) return;
    RequestBody body(request, {"name", "region", "rate_limit", "burst", "by"});
    const std::string name = body.text("name", true);
    if (!name.empty() && !is_tenant_name(name))
        body.wrong(
            "\"name\": use 1 to 64 lower case letters, digits, _ and -, beginning with a letter or digit");
    json::object record{{"action", "add"}};
    read_settings(body, record);
    record["by"] = by_of(request, body.text("by"));
    if (!body.fault.empty()) return answer(bad_body(body.fault));
    const auto known = find(name);
    if (known && known->tenant.name == name)
        return answer(problem(409, "tenant-exists", "There is a tenant of this name already",
                              fmt::format("{} has the id {}", name, known->tenant.id)));
    const auto id = access_.book ? access_.give_id(name) : std::nullopt;
    if (!id)
        return answer(problem(507, "too-many-tenants", "There is no room for another tenant",
                              fmt::format("a log knows at most {} names of tenants", limits::kTenantsMax)));
    std::string key = make_api_key();
    record["id"] = *id;
    record["key"] = hash_api_key(key);
    ask(name, std::move(record), answer, std::move(key), 201);
}

void TenantDoor::change(const Request& request, std::string_view id, const Answer& answer) {
    const auto tenant = changeable(id, answer);
    if (!tenant) return;
    RequestBody body(request, {"enabled", "region", "rate_limit", "burst", "by"});
    json::object record{{"action", "change"}};
    read_settings(body, record);
    if (body.members.contains("enabled")) record["enabled"] = body.flag("enabled");
    if (record.size() == 1) body.wrong("nothing is to be changed; give enabled, region, rate_limit or burst");
    record["by"] = by_of(request, body.text("by"));
    if (!body.fault.empty()) return answer(bad_body(body.fault));
    ask(tenant->name, std::move(record), answer, {}, 200);
}

void TenantDoor::add_key(const Request& request, std::string_view id, const Answer& answer) {
    const auto tenant = changeable(id, answer);
    if (!tenant) return;
    RequestBody body(request, {"by"});
    json::object record{{"action", "key_add"}, {"by", by_of(request, body.text("by"))}};
    if (!body.fault.empty()) return answer(bad_body(body.fault));
    std::string key = make_api_key();
    record["key"] = hash_api_key(key);
    ask(tenant->name, std::move(record), answer, std::move(key), 201);
}

void TenantDoor::revoke_key(const Request& request, std::string_view place, const Answer& answer) {
    const size_t slash = place.find('/');
    const auto tenant = changeable(place.substr(0, slash), answer);
    if (!tenant) return;
    Parameters parameters(request.query, {"by"});
    if (!parameters.errors.empty()) return answer(bad_parameters(parameters.errors));
    const auto key = parse_unsigned(place.substr(place.rfind('/') + 1));
    const auto is = [&](const TenantKey& k) { return key && k.id == *key; };
    if (std::none_of(tenant->keys.begin(), tenant->keys.end(), is))
        return answer(problem(404, "not-found", "The tenant has no such key",
                              fmt::format("GET /api/v1/tenants/{} lists its keys", tenant->name)));
    ask(tenant->name,
        {{"action", "key_revoke"}, {"key_id", *key}, {"by", by_of(request, parameters.text("by"))}}, answer,
        {}, 200);
}

}  // namespace penstock::http

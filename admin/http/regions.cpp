#include "admin/http/regions.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/json.hpp>

#include "admin/http/paging.h"
#include "admin/http/request_body.h"
#include "admin/http/text.h"
#include "schemas/limits.h"

namespace penstock::http {

namespace json = boost::json;

namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr size_t kAliasesMax = 16;

bool is_region_name(std::string_view name) {
    return !name.empty() && name.size() <= limits::kNameBytesMax && name[0] != '_' && name[0] != '-' &&
           name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-") == std::string_view::npos;
}

Response no_such_region(std::string_view name) {
    return problem(404, "not-found", "There is no such region",
                   fmt::format("\"{}\" is no region's name", name));
}

Response not_now(std::string_view slug, std::string detail) {
    return problem(409, slug, "The region cannot be changed so now", detail);
}

std::string by_of(const Request& request, const std::string& given) {
    return given.empty() ? fmt::format("{} {}", request.principal.name, request.peer) : given;
}

}  // namespace

// --- looking ----------------------------------------------------------------------------------------------

std::vector<Region> RegionDoor::all() const {
    std::vector<Region> out = access_.of_configuration;
    if (!access_.book) return out;
    for (Region& known : access_.book->regions()) {
        const auto configured =
            std::find_if(out.begin(), out.end(), [&](const Region& r) { return r.name == known.name; });
        if (configured != out.end()) {
            if (known.state == RegionState::kDraining) configured->state = known.state;
            configured->changed_ns = known.changed_ns;
            configured->changed_by = known.changed_by;
            configured->version = known.version;
        } else if (known.state != RegionState::kRemoved && !known.of_configuration) {
            out.push_back(std::move(known));
        }
    }
    return out;
}

std::optional<Region> RegionDoor::find(std::string_view name) const {
    for (Region& r : all())
        if (r.name == name) return std::move(r);
    return std::nullopt;
}

const RegionTelemetry* RegionDoor::telemetry_of(std::string_view name) const {
    for (const auto& t : telemetry_.regions)
        if (t->name == name) return t.get();
    return nullptr;
}

std::vector<std::string> RegionDoor::taking() const {
    std::vector<std::string> names;
    for (const Region& r : all())
        if (r.state == RegionState::kActive) names.push_back(r.name);
    return names;
}

RegionRules RegionDoor::rules() const {
    RegionRules rules;
    for (const Region& r : all()) {
        if (r.payload_stays) rules.staying |= uint64_t{1} << r.id;
        rules.names[r.name] = r.id;
        for (const std::string& alias : r.aliases) rules.names[alias] = r.id;
    }
    return rules;
}

std::string RegionDoor::json_of(const Region& r, bool counts) const {
    const RegionTelemetry* t = telemetry_of(r.name);
    const bool drained = r.state == RegionState::kDraining && t && t->drained();
    JsonWriter out;
    out.begin_object()
        .field("id", r.id)
        .field("name", r.name)
        .field("origin", r.of_configuration ? "configuration" : "api")
        .field("state", drained ? "drained" : kRegionStateNames[static_cast<size_t>(r.state)])
        .field("default", r.name == access_.default_region);
    out.key("aliases").begin_array();
    for (const std::string& alias : r.aliases) out.value(alias);
    out.end_array();
    out.field("has_database", !r.dsn.empty())
        .field("payload", r.payload_stays ? "stays" : "leaves")
        .field("sealed", !r.key_file.empty());
    if (t && counts) {
        out.field("stored", t->stored_total.load(kRelaxed))
            .field("waiting", t->waiting_events.load(kRelaxed))
            .field("lag_seconds", static_cast<double>(t->lag_ns.load(kRelaxed)) * 1e-9)
            .field("flushed_seq", t->flushed_seq.load(kRelaxed));
    }
    if (t) {
        out.field("breaker", kBreakerNames[static_cast<size_t>(t->breaker.load(kRelaxed))])
            .field_if("error", t->error());
    }
    if (counts && r.state == RegionState::kDraining && access_.review) {
        const RegionWork work = access_.review->work_of(r.id);
        out.field("open_items", work.open_items).field("decisions_to_flush", work.decisions_to_flush);
    }
    if (r.version != 0)
        out.field("changed", rfc3339(r.changed_ns))
            .field("changed_by", r.changed_by)
            .field("version", r.version);
    return out.end_object().take();
}

Response RegionDoor::list(const Request& request) const {
    JsonWriter out;
    out.begin_object().key("items").begin_array();
    for (const Region& r : all())
        if (request.principal.scope.sees_region(r.name))
            out.raw(json_of(r, request.principal.scope.all_tenants()));
    Response answer;
    answer.body = out.end_array().end_object().take();
    return answer;
}

Response RegionDoor::show(const Request& request, std::string_view name) const {
    const auto region = find(name);
    if (!region || !request.principal.scope.sees_region(region->name)) return no_such_region(name);
    Response answer;
    answer.body = json_of(*region, request.principal.scope.all_tenants());
    return answer;
}

// --- changing ---------------------------------------------------------------------------------------------

std::optional<Region> RegionDoor::changeable(std::string_view name, const Answer& answer) const {
    if (!asker_.ready(answer)) return std::nullopt;
    auto region = find(name);
    if (!region || !access_.book) answer(no_such_region(name));
    return access_.book ? std::move(region) : std::nullopt;
}

void RegionDoor::read_facts(RequestBody& body, std::string_view of, json::object& record) const {
    for (const char* name : {"dsn", "read_dsn"}) {
        if (!body.members.contains(name)) continue;
        const std::string dsn = body.text(name);
        if (const std::string fault = dsn.empty() ? "" : access_.dsn_fault(dsn); !fault.empty())
            body.wrong(fmt::format("\"{}\" {}", name, fault));
        record[name] = access_.seal(dsn);
    }
    if (body.members.contains("key_file")) {
        const std::string file = body.text("key_file");
        if (const std::string fault = file.empty() ? "" : access_.key_fault(file); !fault.empty())
            body.wrong(fmt::format("\"key_file\": {}", fault));
        record["key_file"] = file;
    }
    if (body.members.contains("payload")) {
        const std::string payload = body.text("payload");
        if (payload != "stays" && payload != "leaves") body.wrong("\"payload\": leaves or stays");
        record["payload_stays"] = payload == "stays";
    }
    const json::value* aliases = body.members.if_contains("aliases");
    if (!aliases) return;
    json::array names;
    if (!aliases->is_array() || aliases->get_array().size() > kAliasesMax)
        return body.wrong(fmt::format("\"aliases\" is a list of at most {} texts", kAliasesMax));
    for (const json::value& v : aliases->get_array()) {
        if (!v.is_string() || v.get_string().empty() || v.get_string().size() > limits::kNameBytesMax)
            return body.wrong("\"aliases\": each has 1 to 64 characters");
        const std::string_view alias = v.get_string();
        for (const Region& r : all())
            if (r.name != of &&
                (r.name == alias || std::find(r.aliases.begin(), r.aliases.end(), alias) != r.aliases.end()))
                return body.wrong(fmt::format("\"aliases\": {} is region {}'s already", alias, r.name));
        names.push_back(v);
    }
    record["aliases"] = std::move(names);
}

void RegionDoor::ask(const std::string& name, json::object record, const Answer& answer, unsigned status) {
    asker_.ask(ControlKind::kRegionSet, name, json::serialize(record), answer, [this, name, status](Seq seq) {
        if (const std::string why = access_.book->refused(seq); !why.empty())
            return problem(409, "not-changed", "The region was not changed", why);
        Response done;
        done.status = status;
        const auto region = find(name);
        done.body = region ? json_of(*region)
                           : JsonWriter()
                                 .begin_object()
                                 .field("name", name)
                                 .field("state", "removed")
                                 .end_object()
                                 .take();
        return done;
    });
}

void RegionDoor::add(const Request& request, const Answer& answer) {
    if (!asker_.ready(answer)) return;
    RequestBody body(request, {"name", "aliases", "dsn", "read_dsn", "payload", "key_file", "by"});
    const std::string name = body.text("name", true);
    if (!name.empty() && !is_region_name(name))
        body.wrong(
            "\"name\": use 1 to 64 lower case letters, digits, _ and -, beginning with a letter or digit");
    json::object record{{"action", "add"}, {"by", by_of(request, body.text("by"))}};
    read_facts(body, name, record);
    if (!body.fault.empty()) return answer(bad_body(body.fault));
    for (const Region& r : all())
        if (r.name == name || std::find(r.aliases.begin(), r.aliases.end(), name) != r.aliases.end())
            return answer(problem(409, "region-exists", "The name is taken",
                                  fmt::format("{} is a name or an alias of the region {}", name, r.name)));
    const auto id = access_.book ? access_.give_id(name) : std::nullopt;
    if (!id)
        return answer(problem(507, "too-many-regions", "There is no room for another region",
                              fmt::format("a log knows at most {} names of regions", limits::kRegionsMax)));
    record["id"] = *id;
    ask(name, std::move(record), answer, 201);
}

void RegionDoor::change(const Request& request, std::string_view name, const Answer& answer) {
    const auto region = changeable(name, answer);
    if (!region) return;
    if (region->of_configuration)
        return answer(
            not_now("of-configuration", fmt::format("{} is changed in the configuration's file, and "
                                                    "by a restart",
                                                    region->name)));
    RequestBody body(request, {"aliases", "dsn", "read_dsn", "payload", "key_file", "by"});
    json::object record{{"action", "change"}};
    read_facts(body, region->name, record);
    if (record.size() == 1)
        body.wrong("nothing is to be changed; give aliases, dsn, read_dsn, payload or key_file");
    record["by"] = by_of(request, body.text("by"));
    if (!body.fault.empty()) return answer(bad_body(body.fault));
    ask(region->name, std::move(record), answer, 200);
}

void RegionDoor::drain(const Request& request, std::string_view name, const Answer& answer) {
    const auto region = changeable(name, answer);
    if (!region) return;
    RequestBody body(request, {"by"});
    json::object record{{"action", "drain"},
                        {"id", region->id},
                        {"configured", region->of_configuration},
                        {"by", by_of(request, body.text("by"))}};
    if (!body.fault.empty()) return answer(bad_body(body.fault));
    if (region->name == access_.default_region)
        return answer(not_now("default-region",
                              fmt::format("events that name no region go to {}; make another the default "
                                          "(routing.default_region) first",
                                          region->name)));
    if (const auto tenants = tenants_.of_region(region->name); !tenants.empty())
        return answer(not_now(
            "region-in-use", fmt::format("events of {} that name no region go to {}; give them another first",
                                         fmt::join(tenants, ", "), region->name)));
    ask(region->name, std::move(record), answer, 200);
}

void RegionDoor::resume(const Request& request, std::string_view name, const Answer& answer) {
    const auto region = changeable(name, answer);
    if (!region) return;
    RequestBody body(request, {"by"});
    if (!body.fault.empty()) return answer(bad_body(body.fault));
    ask(region->name,
        {{"action", "resume"},
         {"id", region->id},
         {"configured", region->of_configuration},
         {"by", by_of(request, body.text("by"))}},
        answer, 200);
}

void RegionDoor::remove(const Request& request, std::string_view name, const Answer& answer) {
    const auto region = changeable(name, answer);
    if (!region) return;
    Parameters parameters(request.query, {"by"});
    if (!parameters.errors.empty()) return answer(bad_parameters(parameters.errors));
    if (region->of_configuration)
        return answer(
            not_now("of-configuration",
                    fmt::format("{} stands in the configuration's file; when it has drained, take its "
                                "[[region]] section out and restart",
                                region->name)));
    const RegionTelemetry* t = telemetry_of(region->name);
    if (region->state != RegionState::kDraining || !t || !t->drained())
        return answer(
            not_now("not-drained", region->state == RegionState::kDraining
                                       ? fmt::format("{} has {} events to get yet", region->name,
                                                     t ? t->waiting_events.load(kRelaxed) : 0)
                                       : fmt::format("{} takes events; drain it first", region->name)));
    const RegionWork work = access_.review ? access_.review->work_of(region->id) : RegionWork{};
    if (work.open_items > 0 || work.decisions_to_flush > 0)
        return answer(not_now("not-drained",
                              fmt::format("{} items of {} are open, and {} decisions are on their way to it",
                                          work.open_items, region->name, work.decisions_to_flush)));
    ask(region->name, {{"action", "remove"}, {"by", by_of(request, parameters.text("by"))}}, answer, 200);
}

}  // namespace penstock::http

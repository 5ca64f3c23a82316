#include "admin/appliance_options.h"

namespace penstock {
namespace {

constexpr int64_t kSecondNs = 1'000'000'000;

}  // namespace

std::vector<std::string> tenant_names(const Config& config) {
    std::vector<std::string> names{"default"};
    for (const auto& t : config.tenants) names.push_back(t.name);
    return names;
}

Vocabulary vocabulary_of(const Config& config) {
    Vocabulary v;
    for (const auto& [from, to] : config.enrich.type_aliases) v.type_aliases[from] = to;
    v.refuse_unknown_regions = config.routing.unknown_region == "refuse";
    return v;
}

Engine::Options engine_options(const Config& config) {
    const auto ns = [](uint64_t seconds) { return static_cast<int64_t>(seconds) * kSecondNs; };
    return {ns(config.sla.instance_retention_s),
            {ns(config.sla.source_idle_s), ns(config.sla.source_hold_s), ns(config.sla.source_lag_s)}};
}
EnrichStage::Options enrich_options(const Config& config) {
    EnrichStage::Options o;
    for (const auto& l : config.enrich.lookups)
        o.lookups.push_back({l.file, FieldPath::parse(l.match).value_or(FieldPath{})});
    for (const auto& m : config.enrich.mask)
        if (auto path = FieldPath::parse(m)) o.masks.push_back(*path);
    return o;
}

RouteStage::Options route_options(const Config& config, const LogNames& names) {
    RouteStage::Options o;
    o.default_region = *names.region(config.routing.default_region);
    o.tenant_regions.assign(names.tenants.size(), kRegionNone);
    for (const auto& t : config.tenants)
        if (!t.region.empty()) o.tenant_regions[*names.tenant(t.name)] = *names.region(t.region);
    return o;
}

Ingest::Tenant ingest_tenant(const Tenant& t) {
    Ingest::Tenant out{t.name,
                       t.id,
                       t.keys.empty() ? std::string() : t.keys[0].hash,
                       static_cast<double>(t.rate_limit),
                       static_cast<double>(t.burst == 0 ? t.rate_limit : t.burst),
                       {},
                       t.enabled && !t.keys.empty()};
    for (size_t i = 1; i < t.keys.size(); ++i) out.other_keys.push_back(t.keys[i].hash);
    return out;
}

Ingest::Options ingest_options(const Config& config, const EventLog& log, const TlsIdentity* tls) {
    Ingest::Options o;
    o.net = {config.ingest.listen, config.ingest.backend, config.ingest.connections_max};
    o.net.tls.identity = tls;
    o.idle_timeout_ns = static_cast<int64_t>(config.ingest.idle_timeout_s) * kSecondNs;
    o.stall_timeout_ns = static_cast<int64_t>(config.ingest.stall_timeout_s) * kSecondNs;
    o.credits_bytes = config.ingest.credits_bytes;
    o.log_id = log.identity().log_id;
    o.hash_secret = log.identity().hash_secret;
    const auto add = [&](const std::string& name, const std::string& key_hash, uint64_t rate,
                         uint64_t burst) {
        o.tenants.push_back({name, *log.names().tenant(name), key_hash, static_cast<double>(rate),
                             static_cast<double>(burst == 0 ? rate : burst)});
    };
    add("default", "", config.ingest.rate_limit, config.ingest.burst);
    for (const auto& t : config.tenants) add(t.name, t.key_hash, t.rate_limit, t.burst);
    return o;
}

std::unique_ptr<TlsIdentity> tls_identity(const Config::Tls& tls) {
    return tls.wanted() ? std::make_unique<TlsIdentity>(tls.certificate, tls.key) : nullptr;
}

}  // namespace penstock

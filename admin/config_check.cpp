// The checks of values, alone and against each other.
#include <fmt/format.h>
#include <libpq-fe.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <set>

#include "admin/address.h"
#include "admin/config_loader.h"
#include "pipeline/seal.h"
#include "pipeline/tls_identity.h"
#include "schemas/limits.h"

namespace penstock {
namespace {

/// data.<field>[.<field>...], without empty parts.
bool is_data_path(std::string_view path) {
    return path.starts_with("data.") && path.size() > 5 && path.back() != '.' &&
           path.find("..") == std::string_view::npos;
}

bool in_choices(std::string_view choices, std::string_view value) {
    for (size_t at = 0; at <= choices.size();) {
        const size_t end = std::min(choices.find('|', at), choices.size());
        if (choices.substr(at, end - at) == value) return true;
        at = end + 1;
    }
    return false;
}

}  // namespace

bool is_key_hash(std::string_view hash) {
    constexpr std::string_view kPrefix = "blake2b:";
    return hash.starts_with(kPrefix) && hash.size() == kPrefix.size() + 64 &&
           hash.find_first_not_of("0123456789abcdef", kPrefix.size()) == std::string_view::npos;
}

bool is_name(std::string_view name) {
    if (name.empty() || name.size() > limits::kNameBytesMax || name[0] == '_' || name[0] == '-') return false;
    return name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-") == std::string_view::npos;
}

DsnFacts examine_dsn(const std::string& dsn) {
    DsnFacts facts;
    const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options(
        PQconninfoParse(dsn.c_str(), nullptr), &PQconninfoFree);
    if (options == nullptr) {
        facts.masked = "(not valid)";
        return facts;
    }
    facts.valid = true;
    for (const PQconninfoOption* o = options.get(); o->keyword != nullptr; ++o) {
        if (o->val == nullptr) continue;
        const bool secret = std::strchr(o->dispchar, '*') != nullptr;
        if (std::strcmp(o->keyword, "password") == 0) facts.has_password = true;
        facts.masked +=
            fmt::format("{}{}={}", facts.masked.empty() ? "" : " ", o->keyword, secret ? "***" : o->val);
    }
    return facts;
}

void ConfigLoader::check() {
    check_values();
    check_regions();
    check_tenants();
    check_enrich();
    check_notify();
    check_alerts();
    check_review();
    check_access();
    check_users();
    check_files();
    check_tls("ingest", config_.ingest.listen, config_.ingest.tls);
    check_tls("http", config_.http.listen, config_.http.tls);
}

void ConfigLoader::check_values() {
    for (const ConfigKey& key : config_keys()) {
        const std::string name = key.name();
        if (!std::holds_alternative<std::string* (*)(Config&)>(key.field)) continue;
        const std::string& value = *std::get<0>(key.field)(config_);
        if (key.kind == ValueKind::kChoice && !in_choices(key.choices, value)) {
            fault(origin_of(name), name, fmt::format("\"{}\" is not known; write {}", value, key.type()));
        } else if (key.kind == ValueKind::kPath && value.empty() && name == "data_dir") {
            fault(origin_of(name), name, "is empty; name a folder");
        } else if (key.kind == ValueKind::kAddress) {
            const auto address = parse_host_port(value);
            if (!address)
                fault(origin_of(name), name,
                      fmt::format(
                          "\"{}\" is not an address; write host:port, such as 127.0.0.1:7400 or [::1]:7400",
                          value));
            else if (!is_listen_host(address->host))
                fault(origin_of(name), name,
                      fmt::format(
                          "\"{}\" is not an address of this host; write an IP address, 0.0.0.0 for all of "
                          "them, or localhost",
                          address->host));
        }
    }
    if (config_.ingest.listen == config_.http.listen && !config_.http.listen.ends_with(":0"))
        fault(origin_of("http.listen"), "http.listen",
              "is the address of ingest.listen too; give one another port");
    // The default of the one is no fault when only the other was lowered.
    if (config_.log.retention_bytes > config_.log.bytes_max) {
        if (origin_of("log.retention_bytes").source == Origin::Source::kDefault)
            config_.log.retention_bytes = config_.log.bytes_max / 4 * 3;
        else
            fault(
                origin_of("log.retention_bytes"), "log.retention_bytes",
                fmt::format("{} is more than log.bytes_max ({}); lower it, or raise log.bytes_max",
                            format_bytes(config_.log.retention_bytes), format_bytes(config_.log.bytes_max)));
    }
}

bool ConfigLoader::is_region(const std::string& name) const {
    return std::any_of(config_.regions.begin(), config_.regions.end(), [&](const Config::Region& r) {
        return r.name == name || std::find(r.aliases.begin(), r.aliases.end(), name) != r.aliases.end();
    });
}

void ConfigLoader::check_dsn(const std::string& text, const std::string& key) {
    if (text.empty()) return;
    const DsnFacts dsn = examine_dsn(text);
    const Origin& origin = origin_of(key);
    // libpq's own message may quote a part of the password.
    if (!dsn.valid)
        fault(origin, key,
              "is not a libpq connection string; write \"host=… port=… dbname=… user=…\" or "
              "\"postgresql://user@host:port/dbname\"");
    if (dsn.has_password && world_readable_ && origin.source == Origin::Source::kFile)
        warn(origin, key,
             fmt::format("holds a password and every user of this host may read {}; chmod 640 it, or use "
                         "PENSTOCK_REGION_<NAME>_DSN or ~/.pgpass",
                         path_));
}

void ConfigLoader::check_regions() {
    std::map<std::string, std::string> taken;  // name or alias, lower case -> origin of the first use
    const auto claim = [&](const std::string& name, const std::string& key) {
        std::string folded = name;
        for (char& c : folded) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        const Origin& origin = origin_of(key);
        const auto [first, fresh] = taken.emplace(folded, origin.text);
        if (!fresh)
            fault(origin, key,
                  fmt::format("\"{}\" is taken at {}; each name and alias belongs to one region", name,
                              first->second));
    };
    for (size_t i = 0; i < config_.regions.size(); ++i) {
        const Config::Region& region = config_.regions[i];
        const std::string prefix = fmt::format("region[{}].", i);
        if (!is_name(region.name)) {
            // A missing name has its own fault already.
            if (!region.name.empty())
                fault(origin_of(prefix + "name"), prefix + "name",
                      fmt::format("\"{}\" is not a name; {}", region.name, kNameRule));
        } else {
            claim(region.name, prefix + "name");
        }
        for (const std::string& alias : region.aliases) {
            if (alias.empty() || alias.size() > limits::kNameBytesMax)
                fault(origin_of(prefix + "aliases"), prefix + "aliases", "an alias has 1 to 64 characters");
            else
                claim(alias, prefix + "aliases");
        }
        if (region.payload != "leaves" && region.payload != "stays")
            fault(origin_of(prefix + "payload"), prefix + "payload",
                  fmt::format("\"{}\" is not known; write leaves or stays", region.payload));
        check_dsn(region.dsn, prefix + "dsn");
        check_dsn(region.read_dsn, prefix + "read_dsn");
        if (!region.key_file.empty()) {
            try {
                read_seal_keys(region.key_file);
            } catch (const SealError& e) {
                fault(origin_of(prefix + "key_file"), prefix + "key_file", e.what());
            }
        }
        if (region.dsn.empty() && !region.read_dsn.empty())
            fault(origin_of(prefix + "read_dsn"), prefix + "read_dsn",
                  "is given without dsn: nothing would be stored there to be read");
    }
    if (config_.regions.empty() || config_.regions.size() > limits::kRegionsMax)
        fault(origin_of("region[0].name"), "region",
              fmt::format("{} are configured; have 1 to {}", config_.regions.size(), limits::kRegionsMax));
    if (!is_region(config_.routing.default_region)) {
        std::string names;
        for (const Config::Region& region : config_.regions)
            names += (names.empty() ? "" : ", ") + region.name;
        fault(
            origin_of("routing.default_region"), "routing.default_region",
            fmt::format("\"{}\" is not a region; configured are: {}", config_.routing.default_region, names));
    }
}

void ConfigLoader::check_tenants() {
    std::map<std::string, std::string> taken;
    for (size_t i = 0; i < config_.tenants.size(); ++i) {
        const Config::Tenant& tenant = config_.tenants[i];
        const std::string prefix = fmt::format("tenant[{}].", i);
        const Origin& name_at = origin_of(prefix + "name");
        if (tenant.name == "default") {
            fault(name_at, prefix + "name",
                  "\"default\" is built in and has no key; give the tenant another name");
        } else if (!tenant.name.empty() && !is_name(tenant.name)) {
            fault(name_at, prefix + "name", fmt::format("\"{}\" is not a name; {}", tenant.name, kNameRule));
        } else if (!tenant.name.empty()) {
            const auto [first, fresh] = taken.emplace(tenant.name, name_at.text);
            if (!fresh)
                fault(name_at, prefix + "name",
                      fmt::format("\"{}\" is taken at {}", tenant.name, first->second));
        }
        if (!tenant.key_hash.empty() && !is_key_hash(tenant.key_hash))
            fault(origin_of(prefix + "key_hash"), prefix + "key_hash",
                  "is not \"blake2b:\" and 64 hexadecimal digits; make one with `penstock tenant-key NAME`");
        if (!tenant.region.empty() && !is_region(tenant.region))
            fault(origin_of(prefix + "region"), prefix + "region",
                  fmt::format("\"{}\" is not a configured region", tenant.region));
    }
    if (config_.tenants.size() >= limits::kTenantsMax)
        fault(origin_of("tenant[0].name"), "tenant",
              fmt::format("{} are configured; have at most {}", config_.tenants.size(),
                          limits::kTenantsMax - 1));
}

void ConfigLoader::check_enrich() {
    for (const std::string& path : config_.enrich.mask)
        if (!is_data_path(path))
            fault(origin_of("enrich.mask"), "enrich.mask",
                  fmt::format("\"{}\" is not a payload field; write data.<field>", path));
    for (size_t i = 0; i < config_.enrich.lookups.size(); ++i) {
        const std::string& match = config_.enrich.lookups[i].match;
        const std::string key = fmt::format("enrich.lookup[{}].match", i);
        if (!match.empty() && match != "subject" && match != "source" && match != "type" &&
            !is_data_path(match))
            fault(origin_of(key), key,
                  fmt::format("\"{}\" cannot be looked up; write subject, source, type or data.<field>",
                              match));
    }
}

void ConfigLoader::check_files() {
    const auto readable = [&](const std::string& key, const std::string& file) {
        if (!file.empty() && access(file.c_str(), R_OK) != 0)
            fault(origin_of(key), key, fmt::format("cannot read {}: {}", file, std::strerror(errno)));
    };
    for (const std::string& file : config_.sla.workflows) readable("sla.workflows", file);
    for (size_t i = 0; i < config_.enrich.lookups.size(); ++i)
        readable(fmt::format("enrich.lookup[{}].file", i), config_.enrich.lookups[i].file);
    for (size_t i = 0; i < config_.notify.targets.size(); ++i)
        readable(fmt::format("notify.target[{}].ca_file", i), config_.notify.targets[i].ca_file);
}

void ConfigLoader::check_tls(std::string_view section, const std::string& listen, const Config::Tls& tls) {
    const auto name = [&](std::string_view key) { return fmt::format("{}.{}", section, key); };
    const std::string certificate = name("tls_certificate"), key = name("tls_key");
    if (tls.certificate.empty() != tls.key.empty()) {
        const std::string& absent = tls.key.empty() ? key : certificate;
        fault(origin_of(tls.key.empty() ? certificate : key), absent,
              "is missing; a certificate and its key go together");
    } else if (tls.wanted()) {
        const auto of = [&](TlsIdentity::File file) {
            return file == TlsIdentity::File::kKey ? key : certificate;
        };
        try {
            const TlsIdentity identity(tls.certificate, tls.key);
            for (const TlsIdentity::Note& note : identity.warnings())
                warn(origin_of(of(note.file)), of(note.file), note.text);
        } catch (const TlsIdentity::Fault& e) {
            fault(origin_of(of(e.file)), of(e.file), e.what());
        }
    } else if (const auto address = parse_host_port(listen); address && is_listen_host(address->host) &&
                                                             !is_loopback(address->host) &&
                                                             tls.plain_text == "loopback") {
        fault(origin_of(name("listen")), name("listen"),
              fmt::format("{} is reached from other hosts, and without TLS everybody on the way reads along; "
                          "give {} and {}, or say {} = \"everywhere\"",
                          listen, certificate, key, name("plain_text")));
    }
}

}  // namespace penstock

// What all sources share, the environment and the flags. config_file.cpp reads the file, config_check.cpp
// holds the checks.
#include "admin/config_loader.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <limits>

namespace penstock {
namespace {

size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<size_t> row(b.size() + 1);
    for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (size_t i = 1; i <= a.size(); ++i) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.size(); ++j) {
            const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
        }
    }
    return row[b.size()];
}

}  // namespace

std::string variable_name(std::string_view name) {
    std::string out(name);
    for (char& c : out) c = c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return out;
}

std::string unknown(std::string_view what, std::string_view given,
                    const std::vector<std::string>& candidates) {
    std::string best;
    size_t best_distance = 3;
    for (const std::string& candidate : candidates) {
        const size_t distance = edit_distance(given, candidate);
        if (distance < best_distance) {
            best_distance = distance;
            best = candidate;
        }
    }
    if (!best.empty()) return fmt::format("unknown {}; did you mean {}?", what, best);
    return fmt::format("unknown {}; docs/configuration.md and `penstock config` list all", what);
}

ConfigLoader::Origin ConfigLoader::at_line(uint32_t line) const {
    return {Origin::Source::kFile, line, fmt::format("{}:{}", path_, line)};
}

const ConfigLoader::Origin& ConfigLoader::origin_of(const std::string& key) const {
    static const Origin kDefault{Origin::Source::kDefault, 0, "default"};
    const auto found = origins_.find(key);
    return found == origins_.end() ? kDefault : found->second;
}

void ConfigLoader::fault(const Origin& origin, std::string_view key, std::string_view text) {
    faults_.push_back({origin, fmt::format("{}: {}: {}", origin.text, key, text)});
}

void ConfigLoader::warn(const Origin& origin, std::string_view key, std::string_view text) {
    warnings_.push_back(fmt::format("{}: {}: {}", origin.text, key, text));
}

void ConfigLoader::fault_range(const ConfigKey& key, const std::string& value, const Origin& origin) {
    const bool bytes = key.kind == ValueKind::kBytes;
    const auto show = [bytes](uint64_t v) { return bytes ? format_bytes(v) : std::to_string(v); };
    fault(origin, key.name(),
          fmt::format("{} is out of range; allowed is {} to {}{}", value, show(key.min), show(key.max),
                      bytes || key.unit().empty() ? "" : fmt::format(" {}", key.unit())));
}

void ConfigLoader::store_number(const ConfigKey& key, uint64_t value, const Origin& origin) {
    if (value < key.min || value > key.max)
        fault_range(key, key.kind == ValueKind::kBytes ? format_bytes(value) : std::to_string(value), origin);
    else
        *std::get<1>(key.field)(config_) = value;
}

void ConfigLoader::read_text(const ConfigKey& key, const std::string& value, const Origin& origin) {
    origins_[key.name()] = origin;
    if (const auto* text = std::get_if<0>(&key.field)) {
        *(*text)(config_) = value;
    } else if (key.kind == ValueKind::kBytes) {
        if (const auto bytes = parse_bytes(value))
            store_number(key, *bytes, origin);
        else
            fault(origin, key.name(),
                  fmt::format("\"{}\" is not a size; write 4096, \"512MiB\" or \"64GiB\"", value));
    } else if (key.kind == ValueKind::kCount) {
        uint64_t number = 0;
        const auto [stop, error] = std::from_chars(value.data(), value.data() + value.size(), number);
        if (error != std::errc() || stop != value.data() + value.size() || value.empty())
            fault(origin, key.name(),
                  fmt::format("\"{}\" is not an integer{}", value,
                              key.unit().empty() ? "" : " (" + key.unit() + ")"));
        else
            store_number(key, number, origin);
    } else {
        std::vector<std::string> items;
        for (size_t from = 0; from <= value.size();) {
            const size_t end = std::min(value.find(',', from), value.size());
            if (end > from) items.push_back(value.substr(from, end - from));
            from = end + 1;
        }
        *std::get<2>(key.field)(config_) = std::move(items);
    }
}

void ConfigLoader::set_dsn(std::string_view region_name, const std::string& value, const Origin& origin,
                           bool upper_case) {
    for (size_t i = 0; i < config_.regions.size(); ++i) {
        const std::string& name = config_.regions[i].name;
        if ((upper_case ? variable_name(name) : name) != region_name) continue;
        config_.regions[i].dsn = value;
        origins_[fmt::format("region[{}].dsn", i)] = origin;
        return;
    }
    fault(origin, "region",
          fmt::format("no region \"{}\" is configured; add a [[region]] of this name", region_name));
}

void ConfigLoader::read_environment(const std::vector<std::string>& variables) {
    // Of the client, and what Kubernetes sets for a service that is called penstock.
    constexpr std::string_view kOthers[] = {"PENSTOCK_API_KEY", "PENSTOCK_CONFIG"};
    for (const std::string& entry : variables) {
        const size_t equals = entry.find('=');
        const std::string name = entry.substr(0, equals);
        const std::string value = equals == std::string::npos ? "" : entry.substr(equals + 1);
        if (value.empty() || std::find(std::begin(kOthers), std::end(kOthers), name) != std::end(kOthers) ||
            name.starts_with("PENSTOCK_SERVICE_") || name.starts_with("PENSTOCK_PORT"))
            continue;
        const Origin origin{Origin::Source::kEnvironment, 0, name};
        const auto keys = config_keys();
        const auto known =
            std::find_if(keys.begin(), keys.end(), [&](const ConfigKey& k) { return k.variable() == name; });
        if (known != keys.end()) {
            read_text(*known, value, origin);
        } else if (name.starts_with("PENSTOCK_REGION_") && name.ends_with("_DSN") && name.size() > 20) {
            set_dsn(std::string_view(name).substr(16, name.size() - 20), value, origin, true);
        } else if (!set_notify(name, value, origin)) {
            std::vector<std::string> names;
            for (const ConfigKey& key : keys) names.push_back(key.variable());
            warn(origin, "environment", unknown("variable", name, names));
        }
    }
}

void ConfigLoader::read_flags(const std::map<std::string, std::string>& flags) {
    for (const auto& [name, value] : flags) {
        const Origin origin{Origin::Source::kFlag, 0, "--set"};
        const auto keys = config_keys();
        const auto known = std::find_if(keys.begin(), keys.end(),
                                        [&, n = name](const ConfigKey& k) { return k.name() == n; });
        if (known != keys.end()) {
            read_text(*known, value, origin);
        } else if (name.starts_with("region.") && name.ends_with(".dsn") && name.size() > 11) {
            set_dsn(std::string_view(name).substr(7, name.size() - 11), value, origin, false);
        } else {
            std::vector<std::string> names;
            for (const ConfigKey& key : keys) names.push_back(key.name());
            fault(origin, name, unknown("key", name, names));
        }
    }
}

void ConfigLoader::throw_if_faulty() const {
    if (faults_.empty()) return;
    std::vector<const Fault*> sorted;
    for (const Fault& f : faults_) sorted.push_back(&f);
    std::stable_sort(sorted.begin(), sorted.end(), [](const Fault* a, const Fault* b) {
        return std::pair(a->origin.source, a->origin.line) < std::pair(b->origin.source, b->origin.line);
    });
    std::string text;
    for (const Fault* f : sorted) text += (text.empty() ? "" : "\n") + f->text;
    throw ConfigError(text);
}

ConfigNotes ConfigLoader::notes() const {
    ConfigNotes notes;
    notes.warnings = warnings_;
    for (const ConfigKey& key : config_keys())
        notes.settings.push_back({key.name(), toml_value(key, config_), origin_of(key.name()).text});
    for (size_t i = 0; i < config_.regions.size(); ++i) {
        const Config::Region& region = config_.regions[i];
        std::string value = "no database";
        if (!region.dsn.empty()) value = examine_dsn(region.dsn).masked;
        for (size_t a = 0; a < region.aliases.size(); ++a)
            value += fmt::format("{}{}", a == 0 ? "; also called " : ", ", region.aliases[a]);
        notes.settings.push_back(
            {"region." + region.name, value, origin_of(fmt::format("region[{}].dsn", i)).text});
    }
    for (size_t i = 0; i < config_.tenants.size(); ++i)
        notes.settings.push_back(
            {"tenant." + config_.tenants[i].name,
             config_.tenants[i].region.empty() ? "default region" : config_.tenants[i].region,
             origin_of(fmt::format("tenant[{}].name", i)).text});
    for (size_t i = 0; i < config_.notify.targets.size(); ++i) {
        const Config::NotifyTarget& target = config_.notify.targets[i];
        notes.settings.push_back({"notify." + target.name, target_summary(target),
                                  origin_of(fmt::format("notify.target[{}].name", i)).text});
    }
    return notes;
}

}  // namespace penstock

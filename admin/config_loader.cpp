// Reading the three sources. admin/config_check.cpp holds the checks.
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

/// "unknown key; did you mean X?" when a candidate is near, else where the keys are listed.
template <typename Range>
std::string unknown(std::string_view what, std::string_view given, const Range& candidates) {
    std::string best;
    size_t best_distance = 3;
    for (const auto& candidate : candidates) {
        const size_t distance = edit_distance(given, candidate);
        if (distance < best_distance) {
            best_distance = distance;
            best = candidate;
        }
    }
    if (!best.empty()) return fmt::format("unknown {}; did you mean {}?", what, best);
    return fmt::format("unknown {}; docs/configuration.md and `penstock config` list all", what);
}

std::vector<std::string> keys_of(std::string_view section) {
    std::vector<std::string> names;
    for (const ConfigKey& key : config_keys())
        if (key.section == section) names.emplace_back(key.key);
    return names;
}

std::vector<std::string> sections() {
    std::vector<std::string> names{"region", "tenant"};
    for (const ConfigKey& key : config_keys())
        names.emplace_back(key.section.empty() ? key.key : key.section);
    return names;
}

const ConfigKey* find_key(std::string_view section, std::string_view key) {
    for (const ConfigKey& k : config_keys())
        if (k.section == section && k.key == key) return &k;
    return nullptr;
}

std::string_view type_name(const toml::node& node) {
    switch (node.type()) {
        case toml::node_type::table:
            return "a section";
        case toml::node_type::array:
            return "a list";
        case toml::node_type::string:
            return "text";
        case toml::node_type::integer:
            return "an integer";
        case toml::node_type::floating_point:
            return "a number with a fraction";
        case toml::node_type::boolean:
            return "true or false";
        default:
            return "a date or time";
    }
}

}  // namespace

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

std::string ConfigLoader::from_folder(const std::string& path) const {
    if (path.empty() || path.front() == '/' || folder_.empty()) return path;
    return (std::filesystem::path(folder_) / path).lexically_normal().string();
}

void ConfigLoader::read_file(const std::string& path) {
    path_ = path;
    folder_ = std::filesystem::path(path).parent_path().string();
    struct stat status{};
    if (stat(path.c_str(), &status) == 0) world_readable_ = (status.st_mode & S_IROTH) != 0;
    toml::table file;
    try {
        file = toml::parse_file(path);
    } catch (const toml::parse_error& e) {
        const auto where = e.source().begin;
        if (where.line == 0) {
            faults_.push_back(
                {at_line(0), fmt::format("{}: cannot be read: {}; give --config a readable TOML file", path,
                                         e.description())});
        } else {
            faults_.push_back({at_line(where.line), fmt::format("{}:{}:{}: not valid TOML: {}", path,
                                                                where.line, where.column, e.description())});
        }
        return;
    }
    for (auto&& [key, node] : file) {
        const std::string_view name = key.str();
        if (const ConfigKey* known = find_key("", name)) {
            read_node(*known, node);
        } else if (name == "region") {
            read_regions(node);
        } else if (name == "tenant") {
            read_tenants(node);
        } else if (keys_of(name).empty()) {
            fault(at(key), name, unknown("section", name, sections()));
        } else if (const toml::table* table = node.as_table()) {
            read_section(name, *table);
        } else {
            fault(at(key), name, fmt::format("is {}; write it as a section [{}]", type_name(node), name));
        }
    }
}

void ConfigLoader::read_section(std::string_view section, const toml::table& table) {
    for (auto&& [key, node] : table) {
        const std::string_view name = key.str();
        if (const ConfigKey* known = find_key(section, name)) {
            read_node(*known, node);
        } else if (section == "enrich" && name == "lookup") {
            read_lookups(node);
        } else if (section == "enrich" && name == "type_aliases") {
            read_type_aliases(node);
        } else {
            fault(at(key), fmt::format("{}.{}", section, name), unknown("key", name, keys_of(section)));
        }
    }
}

void ConfigLoader::read_node(const ConfigKey& key, const toml::node& node) {
    const std::string name = key.name();
    const Origin origin = at(node);
    origins_[name] = origin;
    if (const auto* text = std::get_if<0>(&key.field)) {
        if (!node.is_string()) {
            fault(origin, name,
                  fmt::format("is {}, must be {}; put it in double quotes", type_name(node), key.type()));
            return;
        }
        std::string value = node.as_string()->get();
        *(*text)(config_) = key.kind == ValueKind::kPath ? from_folder(value) : value;
    } else if (std::holds_alternative<uint64_t* (*)(Config&)>(key.field)) {
        if (const auto* integer = node.as_integer()) {
            if (integer->get() < 0) {
                fault(
                    origin, name,
                    fmt::format("{} is out of range; allowed is {} to {}", integer->get(), key.min, key.max));
            } else {
                store_number(key, static_cast<uint64_t>(integer->get()), origin);
            }
        } else if (key.kind == ValueKind::kBytes && node.is_string()) {
            read_text(key, node.as_string()->get(), origin);
        } else {
            fault(origin, name,
                  fmt::format("is {}, must be {}", type_name(node),
                              key.kind == ValueKind::kBytes
                                  ? "a size: an integer of bytes, or text such as \"64GiB\""
                              : key.unit().empty() ? std::string("an integer")
                                                   : "an integer in " + key.unit()));
        }
    } else {
        std::vector<std::string> items;
        text_list(node, name, items);
        if (key.kind == ValueKind::kPaths)
            for (std::string& item : items) item = from_folder(item);
        *std::get<2>(key.field)(config_) = std::move(items);
    }
}

void ConfigLoader::store_number(const ConfigKey& key, uint64_t value, const Origin& origin) {
    if (value < key.min || value > key.max) {
        const bool bytes = key.kind == ValueKind::kBytes;
        const auto show = [bytes](uint64_t v) { return bytes ? format_bytes(v) : std::to_string(v); };
        fault(origin, key.name(),
              fmt::format("{} is out of range; allowed is {} to {}{}", show(value), show(key.min),
                          show(key.max), bytes || key.unit().empty() ? "" : " " + key.unit()));
        return;
    }
    *std::get<1>(key.field)(config_) = value;
}

void ConfigLoader::text_list(const toml::node& node, const std::string& name, std::vector<std::string>& out) {
    const toml::array* list = node.as_array();
    if (list == nullptr) {
        fault(at(node), name,
              fmt::format("is {}, must be a list of text; write [\"…\", \"…\"]", type_name(node)));
        return;
    }
    for (const toml::node& item : *list) {
        if (item.is_string()) {
            out.push_back(item.as_string()->get());
        } else {
            fault(at(item), name, fmt::format("holds {}, must hold text only", type_name(item)));
        }
    }
}

std::vector<const toml::table*> ConfigLoader::tables(std::string_view section, const toml::node& node) {
    std::vector<const toml::table*> result;
    const std::string_view name = section.substr(2, section.size() - 4);
    const toml::array* list = node.as_array();
    if (list == nullptr) {
        fault(at(node), name, fmt::format("is {}; begin each with {}", type_name(node), section));
        return result;
    }
    std::vector<std::string> known;
    for (const ListKey& key : list_keys())
        if (key.section == section) known.emplace_back(key.key);
    for (const toml::node& item : *list) {
        const toml::table* table = item.as_table();
        if (table == nullptr) {
            fault(at(item), name, fmt::format("holds {}; begin each with {}", type_name(item), section));
            continue;
        }
        for (auto&& [key, value] : *table)
            if (std::find(known.begin(), known.end(), key.str()) == known.end())
                fault(at(key), fmt::format("{}.{}", name, key.str()), unknown("key", key.str(), known));
        for (const ListKey& key : list_keys())
            if (key.section == section && key.required && !table->contains(key.key))
                fault(at(item), fmt::format("{}.{}", name, key.key),
                      fmt::format("is missing; every {} needs it", section));
        result.push_back(table);
    }
    return result;
}

std::string ConfigLoader::text_of(const toml::table& table, std::string_view key, const std::string& name) {
    const toml::node* node = table.get(key);
    if (node == nullptr) {
        origins_[name] = at(table);
        return {};
    }
    origins_[name] = at(*node);
    if (const auto* text = node->as_string()) return text->get();
    fault(at(*node), name, fmt::format("is {}, must be text; put it in double quotes", type_name(*node)));
    return {};
}

void ConfigLoader::read_regions(const toml::node& node) {
    config_.regions.clear();
    for (const toml::table* table : tables("[[region]]", node)) {
        const std::string prefix = fmt::format("region[{}].", config_.regions.size());
        Config::Region region;
        region.name = text_of(*table, "name", prefix + "name");
        region.dsn = text_of(*table, "dsn", prefix + "dsn");
        if (const toml::node* aliases = table->get("aliases")) {
            origins_[prefix + "aliases"] = at(*aliases);
            text_list(*aliases, prefix + "aliases", region.aliases);
        }
        config_.regions.push_back(std::move(region));
    }
}

void ConfigLoader::read_tenants(const toml::node& node) {
    for (const toml::table* table : tables("[[tenant]]", node)) {
        const std::string prefix = fmt::format("tenant[{}].", config_.tenants.size());
        Config::Tenant tenant;
        tenant.name = text_of(*table, "name", prefix + "name");
        tenant.key_hash = text_of(*table, "key_hash", prefix + "key_hash");
        tenant.region = text_of(*table, "region", prefix + "region");
        config_.tenants.push_back(std::move(tenant));
    }
}

void ConfigLoader::read_lookups(const toml::node& node) {
    for (const toml::table* table : tables("[[enrich.lookup]]", node)) {
        const std::string prefix = fmt::format("enrich.lookup[{}].", config_.enrich.lookups.size());
        Config::Lookup lookup;
        lookup.file = from_folder(text_of(*table, "file", prefix + "file"));
        lookup.match = text_of(*table, "match", prefix + "match");
        if (const toml::node* reload = table->get("reload_s")) {
            const auto* integer = reload->as_integer();
            if (integer == nullptr || integer->get() < 1 || integer->get() > 86'400)
                fault(at(*reload), prefix + "reload_s", "must be an integer of 1 to 86400 seconds");
            else
                lookup.reload_s = static_cast<uint64_t>(integer->get());
        }
        config_.enrich.lookups.push_back(std::move(lookup));
    }
}

void ConfigLoader::read_type_aliases(const toml::node& node) {
    const toml::table* table = node.as_table();
    if (table == nullptr) {
        fault(at(node), "enrich.type_aliases",
              "must be a section [enrich.type_aliases] of \"sent\" = \"stored\"");
        return;
    }
    for (auto&& [key, value] : *table) {
        const auto* text = value.as_string();
        if (text == nullptr || text->get().empty())
            fault(at(value), fmt::format("enrich.type_aliases.\"{}\"", key.str()),
                  "must be text and not empty");
        else
            config_.enrich.type_aliases.emplace(key.str(), text->get());
    }
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
        std::string name = config_.regions[i].name;
        if (upper_case)
            for (char& c : name)
                c = c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
        if (name != region_name) continue;
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
        } else {
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
    return notes;
}

}  // namespace penstock

// Reading the TOML file.
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "admin/config_loader.h"

namespace penstock {
namespace {
constexpr uint64_t kRateMax = 1'000'000'000;

std::vector<std::string> keys_of(std::string_view section) {
    std::vector<std::string> names;
    for (const ConfigKey& key : config_keys())
        if (key.section == section) names.emplace_back(key.key);
    return names;
}

std::vector<std::string> sections() {
    std::vector<std::string> names{"region", "tenant", "user", "notify"};
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
        } else if (name == "user") {
            read_users(node);
        } else if (name == "notify") {
            read_notify(node);
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
        } else if (section == "alerts" && name == "inhibit") {
            read_inhibit(node);
        } else if (section == "alerts" && name == "escalation") {
            read_escalation(node);
        } else if (section == "review" && name == "queue") {
            read_review_queues(node);
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
        if (const auto* flag = node.as_boolean(); flag && key.takes_flags()) {
            *(*text)(config_) = flag->get() ? "true" : "false";
            return;
        }
        if (!node.is_string()) {
            fault(origin, name, fmt::format("is {}, must be text; put it in double quotes", type_name(node)));
            return;
        }
        std::string value = node.as_string()->get();
        *(*text)(config_) =
            key.kind == ValueKind::kPath || key.kind == ValueKind::kFile ? from_folder(value) : value;
    } else if (std::holds_alternative<uint64_t* (*)(Config&)>(key.field)) {
        if (const auto* integer = node.as_integer()) {
            if (integer->get() < 0) {
                fault_range(key, std::to_string(integer->get()), origin);
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
        region.read_dsn = text_of(*table, "read_dsn", prefix + "read_dsn");
        if (table->contains("payload")) region.payload = text_of(*table, "payload", prefix + "payload");
        region.key_file = text_of(*table, "key_file", prefix + "key_file");
        if (const toml::node* aliases = table->get("aliases")) {
            origins_[prefix + "aliases"] = at(*aliases);
            text_list(*aliases, prefix + "aliases", region.aliases);
        } else if (region.name == "us") {
            region.aliases = {"na"};
        }
        config_.regions.push_back(std::move(region));
    }
    // The default alias gives way to whoever is given the name.
    const auto named_na = [](const Config::Region& r) {
        return r.name == "na" || (r.name != "us" && std::count(r.aliases.begin(), r.aliases.end(), "na") > 0);
    };
    if (std::any_of(config_.regions.begin(), config_.regions.end(), named_na))
        for (Config::Region& r : config_.regions)
            if (r.name == "us" &&
                origins_.count(fmt::format("region[{}].aliases", &r - config_.regions.data())) == 0)
                r.aliases.clear();
}

uint64_t ConfigLoader::count_of(const toml::table& table, std::string_view name, const std::string& prefix,
                                const CountRange& range, uint64_t otherwise) {
    const toml::node* node = table.get(name);
    if (node == nullptr) return otherwise;
    const auto* integer = node->as_integer();
    if (integer != nullptr && integer->get() >= 0) {
        const auto value = static_cast<uint64_t>(integer->get());
        if (value >= range.min && value <= range.max) return value;
    }
    fault(at(*node), prefix + std::string(name),
          fmt::format("must be an integer of {} to {}{}", range.min, range.max, range.unit));
    return otherwise;
}

void ConfigLoader::read_tenants(const toml::node& node) {
    for (const toml::table* table : tables("[[tenant]]", node)) {
        const std::string prefix = fmt::format("tenant[{}].", config_.tenants.size());
        Config::Tenant tenant;
        tenant.name = text_of(*table, "name", prefix + "name");
        tenant.key_hash = text_of(*table, "key_hash", prefix + "key_hash");
        tenant.region = text_of(*table, "region", prefix + "region");
        tenant.rate_limit = count_of(*table, "rate_limit", prefix, {0, kRateMax, ""}, 0);
        tenant.burst = count_of(*table, "burst", prefix, {0, kRateMax, ""}, 0);
        config_.tenants.push_back(std::move(tenant));
    }
}

void ConfigLoader::read_lookups(const toml::node& node) {
    for (const toml::table* table : tables("[[enrich.lookup]]", node)) {
        const std::string prefix = fmt::format("enrich.lookup[{}].", config_.enrich.lookups.size());
        Config::Lookup lookup;
        lookup.file = from_folder(text_of(*table, "file", prefix + "file"));
        lookup.match = text_of(*table, "match", prefix + "match");
        lookup.reload_s = count_of(*table, "reload_s", prefix, {1, 86'400, " seconds"}, lookup.reload_s);
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

}  // namespace penstock

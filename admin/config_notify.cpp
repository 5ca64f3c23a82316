// [[notify.target]]: reading, the environment, and the checks. Nothing here quotes a URL or a secret.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>

#include "admin/config_loader.h"
#include "schemas/limits.h"
#include "stages/notify/mail_message.h"
#include "stages/notify/signature.h"
#include "stages/notify/webhook.h"

namespace penstock {
namespace {

constexpr size_t kReceiversMax = 100;
constexpr std::array<std::string_view, 4> kWebhookKeys{"url", "secret_file", "secrets", "allow_private"};
constexpr std::array<std::string_view, 4> kGroupFields{"tenant", "workflow", "severity", "group"};
constexpr std::array<std::string_view, 8> kMailKeys{"host", "port", "tls",           "from",
                                                    "to",   "user", "password_file", "password"};

bool is_host(const std::string& text) {
    in6_addr ipv6;
    if (inet_pton(AF_INET6, text.c_str(), &ipv6) == 1) return true;
    return !text.empty() && text.size() <= 253 &&
           text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") ==
               std::string::npos;
}

bool is_loopback(std::string_view host) {
    return host == "localhost" || host == "::1" || host.starts_with("127.");
}

std::string without_line_end(std::string text) {
    text.resize(std::min(text.find_first_of("\r\n"), text.size()));
    return text;
}

}  // namespace

std::string target_summary(const Config::NotifyTarget& target) {
    if (target.kind == "webhook") return "webhook to " + webhook_destination(target.url);
    return fmt::format("mail by {} to {} address{}", target.host, target.to.size(),
                       target.to.size() == 1 ? "" : "es");
}

bool ConfigLoader::flag_of(const toml::table& table, std::string_view name, const std::string& prefix,
                           bool otherwise) {
    const toml::node* node = table.get(name);
    if (node == nullptr) return otherwise;
    if (const auto* flag = node->as_boolean()) return flag->get();
    fault(at(*node), prefix + std::string(name), "must be true or false, without quotes");
    return otherwise;
}

void ConfigLoader::read_notify(const toml::node& node) {
    const toml::table* section = node.as_table();
    if (section == nullptr) {
        fault(at(node), "notify", "must be given as [[notify.target]] sections");
        return;
    }
    for (auto&& [key, value] : *section) {
        if (key.str() != "target") {
            fault(at(key), fmt::format("notify.{}", key.str()), unknown("key", key.str(), {"target"}));
            continue;
        }
        for (const toml::table* table : tables("[[notify.target]]", value)) read_notify_target(*table);
    }
}

void ConfigLoader::read_notify_target(const toml::table& table) {
    const std::string prefix = fmt::format("notify.target[{}].", config_.notify.targets.size());
    const auto text = [&](std::string_view key) { return text_of(table, key, prefix + std::string(key)); };
    const auto texts = [&](std::string_view key, std::vector<std::string>& out) {
        const toml::node* list = table.get(key);
        origins_[prefix + std::string(key)] = list == nullptr ? at(table) : at(*list);
        if (list != nullptr) text_list(*list, prefix + std::string(key), out);
    };
    Config::NotifyTarget target;
    target.name = text("name");
    target.kind = text("kind");
    target.severity_at_least = count_of(table, "severity_at_least", prefix, {1, 5, ""}, 0);
    texts("tenants", target.tenants);
    target.escalation_only = flag_of(table, "escalation_only", prefix, false);
    target.repeat_interval_s =
        count_of(table, "repeat_interval_s", prefix, {60, 30 * 86'400, " seconds"}, target.repeat_interval_s);
    read_grouping(table, prefix, target);
    target.ca_file = from_folder(text("ca_file"));
    target.url = text("url");
    target.secret_file = from_folder(text("secret_file"));
    texts("secrets", target.secrets);
    target.allow_private = flag_of(table, "allow_private", prefix, false);
    target.host = text("host");
    target.port = count_of(table, "port", prefix, {1, 65'535, ""}, 0);
    if (const std::string tls = text("tls"); table.contains("tls")) target.tls = tls;
    target.from = text("from");
    texts("to", target.to);
    target.user = text("user");
    target.password = text("password");
    target.password_file = from_folder(text("password_file"));
    const auto misplaced = [&](std::string_view kind, const auto& keys, std::string_view other) {
        if (target.kind != kind) return;
        for (const std::string_view key : keys)
            if (const toml::node* node = table.get(key))
                fault(at(*node), prefix + std::string(key),
                      fmt::format("belongs to kind = \"{}\"; this target is of kind \"{}\"", other, kind));
    };
    misplaced("webhook", kMailKeys, "mail");
    misplaced("mail", kWebhookKeys, "webhook");
    config_.notify.targets.push_back(std::move(target));
}

void ConfigLoader::read_grouping(const toml::table& table, const std::string& prefix,
                                 Config::NotifyTarget& target) {
    if (const toml::node* by = table.get("group_by")) {
        const std::string name = prefix + "group_by";
        text_list(*by, name, target.group_by);
        for (const std::string& field : target.group_by)
            if (std::find(kGroupFields.begin(), kGroupFields.end(), field) == kGroupFields.end())
                fault(at(*by), name,
                      fmt::format("\"{}\" is not known; write tenant, workflow, severity or group", field));
    }
    target.group_wait_s =
        count_of(table, "group_wait_s", prefix, {0, 86'400, " seconds"}, target.group_wait_s);
    target.group_interval_s =
        count_of(table, "group_interval_s", prefix, {1, 86'400, " seconds"}, target.group_interval_s);
    if (!target.group_by.empty()) return;
    for (const std::string_view key : {"group_wait_s", "group_interval_s"})
        if (const toml::node* node = table.get(key))
            fault(at(*node), prefix + std::string(key),
                  "has no use without group_by; give that, or take this out");
}

bool ConfigLoader::set_notify(std::string_view variable, const std::string& value, const Origin& origin) {
    constexpr std::string_view kPrefix = "PENSTOCK_NOTIFY_";
    if (!variable.starts_with(kPrefix)) return false;
    const size_t end = variable.rfind('_');
    const std::string_view key = variable.substr(end + 1);
    if (end < kPrefix.size() || (key != "URL" && key != "SECRETS" && key != "PASSWORD")) return false;
    const std::string_view name = variable.substr(kPrefix.size(), end - kPrefix.size());
    for (size_t i = 0; i < config_.notify.targets.size(); ++i) {
        Config::NotifyTarget& target = config_.notify.targets[i];
        if (variable_name(target.name) != name) continue;
        const std::string prefix = fmt::format("notify.target[{}].", i);
        if (key == "URL") {
            target.url = value;
            origins_[prefix + "url"] = origin;
        } else if (key == "PASSWORD") {
            target.password = value;
            target.password_file.clear();
            origins_[prefix + "password"] = origin;
        } else {
            target.secrets.clear();
            target.secret_file.clear();
            for (size_t from = 0; from <= value.size();) {
                const size_t comma = std::min(value.find(',', from), value.size());
                if (comma > from) target.secrets.push_back(value.substr(from, comma - from));
                from = comma + 1;
            }
            origins_[prefix + "secrets"] = origin;
        }
        return true;
    }
    fault(origin, "notify.target",
          fmt::format("no target \"{}\" is configured; add a [[notify.target]] of this name", name));
    return true;
}

void ConfigLoader::check_notify() {
    std::map<std::string, std::string> taken;
    const auto& targets = config_.notify.targets;
    for (size_t i = 0; i < targets.size(); ++i) {
        const Config::NotifyTarget& target = targets[i];
        const std::string prefix = fmt::format("notify.target[{}].", i);
        const Origin& name_at = origin_of(prefix + "name");
        if (!target.name.empty() && !is_name(target.name)) {
            fault(name_at, prefix + "name", fmt::format("\"{}\" is not a name; {}", target.name, kNameRule));
        } else if (!target.name.empty()) {
            const auto [first, fresh] = taken.emplace(variable_name(target.name), name_at.text);
            if (!fresh)
                fault(name_at, prefix + "name",
                      fmt::format("\"{}\" is taken at {}; give it another name (_ and - count as the same)",
                                  target.name, first->second));
        }
        for (const std::string& name : target.tenants) {
            const auto& known = config_.tenants;
            const bool found =
                name == "default" ||
                std::any_of(known.begin(), known.end(), [&](const auto& t) { return t.name == name; });
            if (!found)
                fault(origin_of(prefix + "tenants"), prefix + "tenants",
                      fmt::format("no tenant \"{}\" is configured; add a [[tenant]] of this name", name));
        }
        if (target.kind == "webhook") {
            check_webhook(target, prefix);
        } else if (target.kind == "mail") {
            check_mail(target, prefix);
        } else if (!target.kind.empty()) {
            fault(origin_of(prefix + "kind"), prefix + "kind",
                  fmt::format("\"{}\" is not known; write webhook or mail", target.kind));
        }
    }
    if (targets.size() > limits::kNotifyTargetsMax)
        fault(origin_of(fmt::format("notify.target[{}].name", limits::kNotifyTargetsMax)), "notify.target",
              fmt::format("{} are configured; have at most {}", targets.size(), limits::kNotifyTargetsMax));
}

std::string ConfigLoader::secret_text(const std::string& file, const std::string& key) {
    struct stat status{};
    std::ifstream in(file, std::ios::binary);
    if (!in || stat(file.c_str(), &status) != 0) {
        fault(origin_of(key), key, fmt::format("cannot read {}: {}", file, std::strerror(errno)));
        return {};
    }
    if (!S_ISREG(status.st_mode)) {
        fault(origin_of(key), key, fmt::format("{} is not a file", file));
        return {};
    }
    if ((status.st_mode & S_IROTH) != 0)
        warn(origin_of(key), key, fmt::format("every user of this host may read {}; chmod 640 it", file));
    std::string text(64 * 1024, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<size_t>(in.gcount()));
    return text;
}

void ConfigLoader::warn_if_readable(const std::string& key, std::string_view what, std::string_view instead) {
    if (world_readable_ && origin_of(key).source == Origin::Source::kFile)
        warn(origin_of(key), key,
             fmt::format("holds {} and every user of this host may read {}; chmod 640 it, or use {}", what,
                         path_, instead));
}

void ConfigLoader::check_webhook(const Config::NotifyTarget& target, const std::string& prefix) {
    const std::string url = prefix + "url", file = prefix + "secret_file", secrets = prefix + "secrets";
    if (target.url.empty()) {
        fault(origin_of(url), url, "is missing; a webhook needs it");
    } else if (const std::string wrong = webhook_url_fault(target.url, target.allow_private);
               !wrong.empty()) {
        fault(origin_of(url), url, wrong);
    }
    constexpr std::string_view kForm = "make one with: echo whsec_$(openssl rand -base64 32)";
    if (!target.secret_file.empty() && !target.secrets.empty()) {
        fault(origin_of(secrets), secrets, "stands beside secret_file; keep one of the two");
    } else if (!target.secret_file.empty()) {
        const size_t before = faults_.size();
        const std::string text = secret_text(target.secret_file, file);
        const auto parsed = parse_webhook_secrets(text);
        if (faults_.size() == before && (!parsed || parsed->empty()))
            fault(origin_of(file), file,
                  fmt::format("{} must hold a secret a line, \"whsec_\" and the base64 of 24 to 64 bytes; {}",
                              target.secret_file, kForm));
    } else if (target.secrets.empty()) {
        fault(origin_of(secrets), secrets,
              fmt::format("is missing; a webhook needs secret_file or secrets; {}", kForm));
    } else {
        for (size_t i = 0; i < target.secrets.size(); ++i)
            if (!parse_webhook_secret(target.secrets[i]))
                fault(origin_of(secrets), secrets,
                      fmt::format("number {} is not \"whsec_\" and the base64 of 24 to 64 bytes; {}", i + 1,
                                  kForm));
        warn_if_readable(secrets, "secrets", "secret_file");
    }
}

void ConfigLoader::check_mail(const Config::NotifyTarget& target, const std::string& prefix) {
    const auto wrong = [&](std::string_view key, std::string_view text) {
        const std::string name = prefix + std::string(key);
        fault(origin_of(name), name, text);
    };
    constexpr std::string_view kAddressRule = "write plain addresses, name@domain";
    if (target.host.empty()) {
        wrong("host", "is missing; mail needs it");
    } else if (!is_host(target.host)) {
        wrong("host", "is not a host name or an IP address; the port has a key of its own");
    }
    const bool known = target.tls == "none" || target.tls == "starttls" || target.tls == "required" ||
                       target.tls == "implicit";
    if (!known)
        wrong("tls",
              fmt::format("\"{}\" is not known; write none, starttls, required or implicit", target.tls));
    if (target.from.empty()) {
        wrong("from", "is missing; mail needs it");
    } else if (!is_mail_address(target.from)) {
        wrong("from", fmt::format("is not a mail address; {}", kAddressRule));
    }
    if (target.to.empty()) wrong("to", "is missing; mail needs at least one address");
    if (target.to.size() > kReceiversMax)
        wrong("to", fmt::format("has {} addresses; have at most {}", target.to.size(), kReceiversMax));
    for (size_t i = 0; i < target.to.size(); ++i)
        if (!is_mail_address(target.to[i]))
            wrong("to", fmt::format("number {} is not a mail address; {}", i + 1, kAddressRule));
    const bool file = !target.password_file.empty();
    if (file && !target.password.empty())
        wrong("password", "stands beside password_file; keep one of the two");
    else if (file && without_line_end(secret_text(target.password_file, prefix + "password_file")).empty())
        wrong("password_file",
              fmt::format("{} must hold the password in its first line", target.password_file));
    if (!target.password.empty()) warn_if_readable(prefix + "password", "a password", "password_file");
    const bool password = file || !target.password.empty();
    if (target.user.empty() && password) wrong("user", "is missing; a password needs it");
    if (!target.user.empty() && !password)
        wrong("user", "has no password; give password_file, or take the user out");
    if (password && (target.tls == "none" || target.tls == "starttls") && !is_loopback(target.host))
        wrong("tls",
              fmt::format("\"{}\" may send the password readable by others; write required or implicit",
                          target.tls));
}

}  // namespace penstock

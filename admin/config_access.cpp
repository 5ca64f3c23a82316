// Users, and how they get in.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "admin/address.h"
#include "admin/config_loader.h"
#include "schemas/access.h"
#include "schemas/limits.h"

namespace penstock {
namespace {

constexpr size_t kUsersMax = 5'000;  // the rest is for those made by API
constexpr size_t kJwtSecretBytesMin = 32;
constexpr size_t kTextBytesMax = 256, kSkillsMax = 100;

}  // namespace

void ConfigLoader::read_users(const toml::node& node) {
    for (const toml::table* table : tables("[[user]]", node)) {
        const std::string prefix = fmt::format("user[{}].", config_.users.size());
        const auto text = [&](std::string_view key) {
            return text_of(*table, key, prefix + std::string(key));
        };
        const auto texts = [&](std::string_view key, std::vector<std::string>& out) {
            const std::string name = prefix + std::string(key);
            if (const toml::node* list = table->get(key)) {
                origins_[name] = at(*list);
                text_list(*list, name, out);
            }
        };
        Config::User user;
        user.name = text("name");
        user.display_name = text("display_name");
        user.role = text("role");
        texts("regions", user.regions);
        texts("tenants", user.tenants);
        texts("skills", user.skills);
        user.email = text("email");
        user.password_hash = text("password_hash");
        user.token_hash = text("token_hash");
        config_.users.push_back(std::move(user));
    }
}

void ConfigLoader::check_access() {
    const Config::Access& access = config_.access;
    const auto listen = parse_host_port(config_.http.listen);
    if (listen && !is_loopback(listen->host)) {
        if (access.is_demo())
            fault(origin_of("access.demo"), "access.demo",
                  fmt::format("everybody knows the demo's passwords, and http.listen ({}) is not a loopback "
                              "address; set demo = false, or http.listen to 127.0.0.1",
                              config_.http.listen));
        if (access.required == "false" && access.open != Config::Access::kOpenWord)
            fault(origin_of("access.required"), "access.required",
                  fmt::format("false would let everybody who reaches http.listen ({}) do anything; leave it "
                              "out, or say access.open = \"{}\"",
                              config_.http.listen, Config::Access::kOpenWord));
    }
    if (!access.open.empty() && access.open != Config::Access::kOpenWord)
        fault(origin_of("access.open"), "access.open",
              fmt::format("must be \"{}\", or be left out", Config::Access::kOpenWord));
    if (access.session_life_s < access.session_idle_s)
        fault(origin_of("access.session_life_s"), "access.session_life_s",
              fmt::format("is less than session_idle_s ({}); raise it", access.session_idle_s));
    if (access.jwt_secret_file.empty()) return;
    const size_t before = faults_.size();
    const std::string secret = secret_text(access.jwt_secret_file, "access.jwt_secret_file");
    const size_t end = secret.find_last_not_of("\r\n");
    if (faults_.size() == before && (end == std::string::npos || end + 1 < kJwtSecretBytesMin))
        fault(origin_of("access.jwt_secret_file"), "access.jwt_secret_file",
              fmt::format("{} must hold at least {} bytes; make it with: openssl rand -base64 48",
                          access.jwt_secret_file, kJwtSecretBytesMin));
}

void ConfigLoader::check_users() {
    std::map<std::string, std::string> taken;
    for (size_t i = 0; i < config_.users.size(); ++i) {
        Config::User& user = config_.users[i];
        const std::string prefix = fmt::format("user[{}].", i);
        const auto wrong = [&](std::string_view key, std::string_view text) {
            const std::string name = prefix + std::string(key);
            fault(origin_of(name), name, text);
        };
        if (!user.name.empty() && !is_user_name(user.name))
            wrong("name", fmt::format("\"{}\" is not a user's name; use 1 to 64 lower case letters, digits, "
                                      "'.', '_', '-' and '@', beginning with a letter or digit",
                                      user.name));
        else if (const auto [first, fresh] = taken.emplace(user.name, origin_of(prefix + "name").text);
                 !user.name.empty() && !fresh)
            wrong("name", fmt::format("\"{}\" is taken at {}", user.name, first->second));
        if (!user.role.empty() && !role_of(user.role))
            wrong("role",
                  fmt::format("\"{}\" is not known; write viewer, operator, supervisor or admin", user.role));
        for (std::string& region : user.regions) {
            const auto known =
                std::find_if(config_.regions.begin(), config_.regions.end(), [&](const Config::Region& r) {
                    return r.name == region ||
                           std::find(r.aliases.begin(), r.aliases.end(), region) != r.aliases.end();
                });
            if (known == config_.regions.end())
                wrong("regions", fmt::format("\"{}\" is not a configured region", region));
            else
                region = known->name;
        }
        for (const std::string& tenant : user.tenants)
            if (!is_name(tenant))
                wrong("tenants", fmt::format("\"{}\" is not a tenant's name; {}", tenant, kNameRule));
        if (user.skills.size() > kSkillsMax)
            wrong("skills", fmt::format("are {}; have at most {}", user.skills.size(), kSkillsMax));
        for (const std::string& skill : user.skills)
            if (!is_name(skill))
                wrong("skills", fmt::format("\"{}\" is not a skill's name; {}", skill, kNameRule));
        if (user.display_name.size() > kTextBytesMax || user.email.size() > kTextBytesMax)
            wrong("display_name", fmt::format("and email have at most {} bytes", kTextBytesMax));
        if (!user.password_hash.empty() && !user.password_hash.starts_with("$argon2id$"))
            wrong("password_hash", "does not begin with \"$argon2id$\"; make it with `penstock user hash`");
        if (!user.token_hash.empty() && !is_key_hash(user.token_hash))
            wrong("token_hash",
                  "is not \"blake2b:\" and 64 hexadecimal digits; make it with `penstock user hash --token`");
        if (!user.password_hash.empty() || !user.token_hash.empty())
            warn_if_readable(prefix + "password_hash", "hashes of secrets", "penstock user add");
    }
    if (config_.users.size() > kUsersMax)
        fault(origin_of("user[0].name"), "user",
              fmt::format("{} are configured; have at most {}", config_.users.size(), kUsersMax));
}

}  // namespace penstock

#include "admin/appliance_access.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>

#include "pipeline/api_key.h"

namespace penstock {
namespace {

namespace json = boost::json;

constexpr uint64_t kSecondNs = 1'000'000'000;

struct DemoUser {
    const char *name, *display_name, *role, *region;
};
// Numbers rise from 1. The first five share a token, the others a password.
constexpr size_t kTokenUsers = 5;
constexpr DemoUser kDemoUsers[] = {
    {"abc-1", "abc", "operator", ""},
    {"abc-2", "abc", "operator", ""},
    {"abc-3", "abc", "operator", ""},
    {"abc-4", "abc", "operator", ""},
    {"abc-5", "abc", "operator", ""},
    {"emma.wilson", "Emma Wilson", "supervisor", "eu"},
    {"sarah.connor", "Sarah Connor", "supervisor", "us"},
    {"raj.patel", "Raj Patel", "supervisor", "apac"},
    {"james.wilson", "James Wilson", "supervisor", "us"},
    {"john.smith", "John Smith", "operator", "us"},
    {"carlos.garcia", "Carlos Garcia", "operator", "latam"},
    {"liu.yang", "Liu Yang", "operator", "apac"},
    {"mike.ross", "Mike Ross", "operator", "eu"},
    {"ana.silva", "Ana Silva", "operator", "latam"},
    {"marie.dubois", "Marie Dubois", "operator", "eu"},
};
constexpr const char* kDemoTokenHash =  // 123123123123123
    "blake2b:3bf0b5a9c35a03eddde5f43d9ca02b13e28bfb99c1734b0fc77329543ab14cd2";
constexpr const char* kDemoPasswordHash =  // pass123
    "$argon2id$v=19$m=65536,t=2,p=1$VmyWNQ2aGIm7YgF/Qs4VqQ$3KkA4k7EQSIPlYk+KGTe0ZSkgJokrTro2139UAA5q6M";

struct Wanted {
    Config::User user;
    uint64_t number = 0;  ///< 0: any
};

/// By name.
std::map<std::string, Wanted> wanted_users(const Config& config) {
    std::map<std::string, Wanted> wanted;
    for (const Config::User& user : config.users) wanted[user.name] = {user, 0};
    if (!config.access.is_demo()) return wanted;
    uint64_t number = 0;
    for (const DemoUser& d : kDemoUsers) {
        Config::User user;
        user.name = d.name;
        user.display_name = d.display_name;
        user.role = d.role;
        if (*d.region) user.regions = {d.region};
        (number < kTokenUsers ? user.token_hash : user.password_hash) =
            number < kTokenUsers ? kDemoTokenHash : kDemoPasswordHash;
        wanted.try_emplace(user.name, Wanted{user, ++number});
    }
    return wanted;
}

bool is_same(const User& known, const Config::User& wanted) {
    return known.of_configuration && known.enabled && known.display_name == wanted.display_name &&
           known.role == role_of(wanted.role) && known.scope.regions == wanted.regions &&
           known.scope.tenants == wanted.tenants && known.skills == wanted.skills &&
           known.email == wanted.email && known.password_hash == wanted.password_hash &&
           known.token_hash == wanted.token_hash;
}

std::string read_key(const std::string& file) {
    std::string key;
    std::ifstream(file) >> key;
    return key.starts_with("pk_") ? key : "";
}

}  // namespace

http::AccessSetup access_setup_of(const Config::Access& access) {
    using Required = http::AccessSetup::Required;
    http::AccessSetup setup;
    setup.required = access.required == "true"    ? Required::kYes
                     : access.required == "false" ? Required::kNo
                                                  : Required::kAuto;
    setup.open_metrics = access.metrics == "open";
    setup.session_idle_ns = static_cast<int64_t>(access.session_idle_s * kSecondNs);
    setup.session_life_ns = static_cast<int64_t>(access.session_life_s * kSecondNs);
    setup.jwt_issuer = access.jwt_issuer;
    setup.jwt_audience = access.jwt_audience;
    if (access.jwt_secret_file.empty()) return setup;
    std::ifstream in(access.jwt_secret_file, std::ios::binary);
    setup.jwt_secret.assign(std::istreambuf_iterator<char>(in), {});
    setup.jwt_secret.resize(setup.jwt_secret.find_last_not_of("\r\n") + 1);
    return setup;
}

std::string access_facts_json(const Config::Access& access) {
    return fmt::format(R"({{"session_idle_ns":{},"session_life_ns":{}}})", access.session_idle_s * kSecondNs,
                       access.session_life_s * kSecondNs);
}

std::string local_admin_key_hash(const std::string& file) {
    const auto failed = [&](std::string_view what) {
        return std::runtime_error(
            fmt::format("cannot {} {}: {}; programs on this host need it to ask the appliance", what, file,
                        std::strerror(errno)));
    };
    std::string key = read_key(file);
    if (key.empty()) {
        key = make_api_key();
        const std::string made = file + ".new", line = key + "\n";
        ::unlink(made.c_str());
        const int fd = ::open(made.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd < 0) throw failed("make");
        const bool written =
            ::write(fd, line.data(), line.size()) == static_cast<ssize_t>(line.size()) && ::fsync(fd) == 0;
        ::close(fd);
        if (!written || ::rename(made.c_str(), file.c_str()) != 0) throw failed("write");
    }
    if (::chmod(file.c_str(), 0600) != 0) throw failed("protect");
    return hash_api_key(key);
}

std::vector<ControlRequest> access_records_of_start(const Config& config, const AccessReader& book,
                                                    const std::string& admin_key_hash) {
    std::vector<ControlRequest> records;
    const std::map<std::string, Wanted> wanted = wanted_users(config);
    for (const User& known : book.users())
        if (known.of_configuration && !wanted.contains(known.name))
            records.push_back({ControlKind::kUserRemoved, known.name, R"({"by":"configuration"})"});
    std::vector<const Wanted*> in_order;
    for (const auto& [name, w] : wanted) in_order.push_back(&w);
    std::stable_sort(in_order.begin(), in_order.end(),
                     [](const Wanted* a, const Wanted* b) { return a->number < b->number; });
    // Those that ask for a number come first.
    std::stable_partition(in_order.begin(), in_order.end(), [](const Wanted* w) { return w->number != 0; });
    for (const Wanted* w : in_order) {
        const Config::User& u = w->user;
        if (const auto known = book.user(u.name); known && is_same(*known, u)) continue;
        json::object facts{{"display_name", u.display_name},
                           {"role", u.role},
                           {"regions", json::value_from(u.regions)},
                           {"tenants", json::value_from(u.tenants)},
                           {"skills", json::value_from(u.skills)},
                           {"email", u.email},
                           {"password_hash", u.password_hash},
                           {"token_hash", u.token_hash},
                           {"enabled", true},
                           {"of_configuration", true},
                           {"by", "configuration"}};
        if (w->number != 0) facts["number"] = w->number;
        records.push_back({ControlKind::kUserSet, u.name, json::serialize(facts)});
    }
    const auto known = book.key_of_hash(admin_key_hash);
    if (!known || known->id != kLocalAdmin)
        records.push_back(
            {ControlKind::kApiKeySet, std::string(kLocalAdmin),
             json::serialize(json::object{
                 {"name", kLocalAdmin}, {"hash", admin_key_hash}, {"role", "admin"}, {"by", "penstock"}})});
    return records;
}

}  // namespace penstock

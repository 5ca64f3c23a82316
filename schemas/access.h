// Who asks, and what they may: what the book of access (stages/access) keeps, and what others need of it.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/log_record.h"

namespace penstock {

/// Each may all that the one before it may. Numbers are stored.
enum class Role : uint8_t { kViewer = 0, kOperator = 1, kSupervisor = 2, kAdmin = 3 };
inline constexpr std::array<std::string_view, 4> kRoleNames{"viewer", "operator", "supervisor", "admin"};

inline std::optional<Role> role_of(std::string_view name) {
    const auto at = std::find(kRoleNames.begin(), kRoleNames.end(), name);
    if (at == kRoleNames.end()) return std::nullopt;
    return static_cast<Role>(at - kRoleNames.begin());
}

/// 1 to 64 lower case letters, digits, '.', '_', '-' and '@', beginning with a letter or digit.
inline bool is_user_name(std::string_view name) {
    return !name.empty() && name.size() <= 64 && std::string_view("._-@").find(name[0]) == name.npos &&
           name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789._-@") == name.npos;
}

/// Names of which one may be seen; empty: all.
struct Scope {
    std::vector<std::string> regions, tenants;

    bool sees_region(std::string_view region) const { return holds(regions, region); }
    bool sees_tenant(std::string_view tenant) const { return holds(tenants, tenant); }
    bool all_regions() const { return regions.empty(); }
    bool all_tenants() const { return tenants.empty(); }

  private:
    static bool holds(const std::vector<std::string>& names, std::string_view name) {
        return names.empty() || std::find(names.begin(), names.end(), name) != names.end();
    }
};

/// Who sends a request.
struct Principal {
    enum class Kind : uint8_t {
        kNobody,   ///< not signed in
        kLocal,    ///< a program on this host: nobody has to sign in, or it has the local admin's key
        kUser,     ///< by a session or a token
        kMachine,  ///< by an API key
    };
    Kind kind = Kind::kLocal;
    std::string name = "local";  ///< of the user, or of the key
    uint64_t user = 0;           ///< its number; 0: no user
    Role role = Role::kAdmin;
    Scope scope;
    std::string session;    ///< id of the session, or of the key; empty: neither
    bool producer = false;  ///< by a tenant's key: may send that tenant's events
};

/// A user as those see it who hand out work.
struct Operator {
    uint64_t user = 0;
    std::string name;
    Role role = Role::kViewer;
    bool enabled = true;
    std::vector<std::string> regions;  ///< empty: all
    std::vector<std::string> skills;
    bool active = false;                    ///< a sign of life in the last minutes
    StampNs last_seen_ns = 0;               ///< the last of them
    std::vector<std::string> tenants = {};  ///< empty: all
};

inline bool operator==(const Operator& a, const Operator& b) {
    return a.user == b.user && a.name == b.name && a.role == b.role && a.enabled == b.enabled &&
           a.regions == b.regions && a.skills == b.skills && a.active == b.active &&
           a.last_seen_ns == b.last_seen_ns && a.tenants == b.tenants;
}

/// Of one user, as JSON.
inline constexpr size_t kPreferencesBytesMax = 16 * 1024;

/// A person who may sign in. Secrets are kept as hashes; nothing of them leaves by the API.
struct User {
    uint64_t number = 0;  ///< never given to another
    std::string name, display_name;
    Role role = Role::kViewer;
    Scope scope;
    std::vector<std::string> skills;
    std::string email;
    std::string password_hash;  ///< Argon2id as libsodium writes it; empty: no sign-in by password
    std::string token_hash;     ///< as hash_api_key makes it; empty: no sign-in by token
    bool enabled = true;
    bool of_configuration = false;   ///< changed there only
    std::string preferences = "{}";  ///< a JSON object
    Seq version = 0;                 ///< the record that set it last
    // Presence.
    bool active = false;
    StampNs last_seen_ns = 0;  ///< 0: never
};

/// Of a user who has signed in.
struct UserSession {
    std::string id;  ///< hash of the cookie's token, hexadecimal
    uint64_t user = 0;
    StampNs opened_ns = 0, seen_ns = 0;
    StampNs ends_ns = 0;      ///< where nothing more is seen of it
    std::string peer, agent;  ///< address and port; the User-Agent header
    std::string how;          ///< "token" or "password"
};

/// Id and name of the key of programs on this host that may read the data folder.
inline constexpr std::string_view kLocalAdmin = "local-admin";

/// Of a machine.
struct ApiKey {
    std::string id, name;
    std::string hash;  ///< as hash_api_key makes it
    Role role = Role::kViewer;
    Scope scope;
    std::string by;
    StampNs set_ns = 0;
};

/// A place in the console that a team has given a name.
struct TeamView {
    std::string name;
    std::string address;  ///< a path with its query
    std::string by;
    StampNs set_ns = 0;
};
inline constexpr size_t kTeamViewsMax = 500, kTeamViewNameBytesMax = 100, kTeamViewAddressBytesMax = 2000;

/// Any thread. What is read is durable or about to be: a change is answered once it is.
class AccessReader {
  public:
    virtual ~AccessReader() = default;
    virtual size_t user_count() const = 0;
    virtual std::optional<User> user(uint64_t number) const = 0;
    virtual std::optional<User> user(std::string_view name) const = 0;
    /// By number; only enabled ones.
    virtual std::vector<User> users_of_token(std::string_view token_hash) const = 0;
    /// By number.
    virtual std::vector<User> users() const = 0;
    virtual std::optional<UserSession> session(std::string_view id) const = 0;
    /// Of one user, or of all (0); the oldest first.
    virtual std::vector<UserSession> sessions(uint64_t user) const = 0;
    virtual std::optional<ApiKey> key_of_hash(std::string_view hash) const = 0;
    virtual std::vector<ApiKey> keys() const = 0;
    /// By name.
    virtual std::vector<TeamView> views() const = 0;
    /// What this record asked for was not done: what it was made for had changed, or a bound is reached.
    virtual bool refused(Seq seq) const = 0;
};

}  // namespace penstock

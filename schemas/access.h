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
        kLocal,    ///< a program on this host, where nobody has to sign in
        kUser,     ///< by a session or a token
        kMachine,  ///< by an API key
    };
    Kind kind = Kind::kLocal;
    std::string name = "local";  ///< of the user, or of the key
    uint64_t user = 0;           ///< its number; 0: no user
    Role role = Role::kAdmin;
    Scope scope;
    std::string session;  ///< id; empty: none
};

/// A user as those see it who hand out work.
struct Operator {
    uint64_t user = 0;
    std::string name;
    Role role = Role::kViewer;
    bool enabled = true;
    std::vector<std::string> regions;  ///< empty: all
    std::vector<std::string> skills;
    bool active = false;       ///< a sign of life in the last minutes
    StampNs last_seen_ns = 0;  ///< the last of them
};

}  // namespace penstock

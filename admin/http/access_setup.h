// What the HTTP side is told about who may get in.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "schemas/access.h"

namespace penstock::http {

struct AccessSetup {
    enum class Required : uint8_t {
        kNo,    ///< whoever asks without credentials is the local admin
        kAuto,  ///< the same on this host, as long as there is no user
        kYes,
    };
    const AccessReader* book = nullptr;  ///< outlives the server; null: nobody is known
    Required required = Required::kNo;
    bool open_metrics = true;  ///< /metrics without credentials
    int64_t session_idle_ns = 1'800'000'000'000, session_life_ns = 43'200'000'000'000;
    /// The tenant that an ingest key of this hash belongs to, if it is enabled; empty: none.
    std::function<std::string(const std::string& key_hash)> tenant_of_key;
    std::string jwt_secret;  ///< empty: no JWT is taken
    std::string jwt_issuer, jwt_audience;
};

/// The cookie of a session.
inline constexpr std::string_view kSessionCookie = "penstock_session";

}  // namespace penstock::http

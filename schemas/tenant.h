// A tenant that is managed while the appliance runs: what the book of tenants (stages/tenancy) keeps, and how
// others read it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/log_record.h"

namespace penstock {

/// Several at once, so that a producer can change from one to the next.
struct TenantKey {
    Seq id = 0;        ///< sequence of the record that made it
    std::string hash;  ///< as pipeline/api_key.h has it; the key itself is kept nowhere
    StampNs made_ns = 0;
    std::string by;
};

struct Tenant {
    uint16_t id = 0;  ///< in the log's names
    std::string name;
    bool enabled = true;
    std::string region;                ///< of its events that name none; empty: the default
    uint64_t rate_limit = 0;           ///< events a second; 0: none
    uint64_t burst = 0;                ///< events at once; 0: those of one second
    std::vector<TenantKey> keys = {};  ///< the oldest first
    StampNs made_ns = 0, changed_ns = 0;
    std::string made_by, changed_by;
    Seq version = 0;  ///< sequence of the record that changed it last
};

/// Any thread.
class TenantReader {
  public:
    virtual ~TenantReader() = default;
    /// By id.
    virtual std::vector<Tenant> tenants() const = 0;
    virtual std::optional<Tenant> tenant(std::string_view name) const = 0;
    /// Why the command of this record changed nothing; empty: it did, or it is long ago.
    virtual std::string refused(Seq seq) const = 0;
};

}  // namespace penstock

// tenancy: tenants that are made and changed while the appliance runs, as the log tells it.
#pragma once

#include <deque>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

#include "pipeline/saved_map.h"
#include "pipeline/state_machine.h"
#include "schemas/tenant.h"

namespace penstock {

/// Applied by the state thread, read by any. A record kTenantSet's text is JSON: action, by, and
/// - add: id (in the log's names), region, rate_limit, burst, key (a hash; may be left out)
/// - change: enabled, region, rate_limit, burst; what is left out stays
/// - key_add: key (a hash) · key_revoke: key_id
class TenantBook final : public StateMachine, public TenantReader {
  public:
    static constexpr size_t kKeysMax = 8;

    uint8_t row_prefix() const override { return 'N'; }
    void apply(const RecordView& record) override;
    void begin_save(Checkpoint& out) override;
    bool save_some(size_t rows) override;
    void load_row(std::span<const uint8_t> key, std::span<const uint8_t> value) override;
    void loaded(StampNs) override {}

    std::vector<Tenant> tenants() const override;
    std::optional<Tenant> tenant(std::string_view name) const override;
    std::string refused(Seq seq) const override;
    /// The enabled tenant that has a key of this hash; empty: none.
    std::string tenant_of_key(const std::string& hash) const;

  private:
    const Tenant* find(std::string_view name) const;
    /// Why nothing was changed; empty: it was.
    std::string command(std::string_view name, std::string_view text, StampNs now_ns, Seq seq);
    static void put(RowWriter& out, const Tenant& tenant);
    void index_keys(const Tenant& tenant);

    mutable std::mutex mutex_;  // guards what follows
    SavedMap<Tenant> tenants_{'N', 1, &put};
    std::unordered_map<std::string, uint64_t> tenant_of_hash_;  ///< of all keys there are
    std::deque<std::pair<Seq, std::string>> refused_;           ///< the last; readers' memory, not state
};

}  // namespace penstock

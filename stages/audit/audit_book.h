// The audit trail: an entry for each record of the log by which somebody did something.
#pragma once

#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/record_text.h"
#include "pipeline/state_machine.h"
#include "schemas/audit.h"

namespace penstock {

/// Applied by one thread, behind the machines that it asks; read by any. Entries are written with the
/// checkpoints and never changed; in memory are those of the last two checkpoints' time and kRecentMax
/// before.
class AuditBook final : public StateMachine {
  public:
    static constexpr size_t kRecentMax = 10'000;

    /// What came of a command; called inside apply. Unset: done, without states.
    std::function<AuditFacts(ControlKind kind, std::string_view name, const RecordText& text, Seq seq)>
        facts_of;

    uint8_t row_prefix() const override { return kAuditHeadRow; }
    void apply(const RecordView& record) override;
    void begin_save(Checkpoint& out) override;
    bool save_some(size_t rows) override;
    void load_row(std::span<const uint8_t> key, std::span<const uint8_t> value) override;
    void loaded(StampNs) override {}

    AuditHead head() const;
    /// Entries in memory below `before`, newest first, at most `limit`; `oldest`: the number below which a
    /// store has them.
    std::vector<AuditEntry> recent(const AuditFilter& filter, uint64_t before, size_t limit,
                                   uint64_t& oldest) const;

    /// Those of a region and of records in [from, to) that are in memory, by sequence; `oldest`: as above.
    std::vector<AuditEntry> regional(uint16_t region, Seq from, Seq to, uint64_t& oldest) const;
    Seq audited_to() const;

  private:
    void note(const RecordView& record);

    mutable std::mutex mutex_;  // guards what follows
    Seq audited_to_ = 0;
    std::deque<AuditEntry> entries_;  ///< the newest last; numbers without gaps
    AuditHead head_;
    bool head_dirty_ = false;
    // Of saving: numbers.
    uint64_t cut_ = 1, copied_ = 1;  ///< below: at a cut; copied
    uint64_t before_cut_ = 1;        ///< copied with the checkpoint before: a store has them by now
    Checkpoint* out_ = nullptr;
};

/// The action's name; empty: nobody did anything.
std::string_view audit_action(ControlKind kind);

}  // namespace penstock

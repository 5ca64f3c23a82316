// answers: what was answered to commands under an Idempotency-Key, as the log tells it.
#pragma once

#include <functional>
#include <mutex>
#include <set>
#include <utility>

#include "pipeline/saved_map.h"
#include "pipeline/state_machine.h"
#include "schemas/answers.h"

namespace penstock {

/// Applied by the state thread, behind the machines that a command is for; read by any. The command's own
/// record makes an entry, so that it is not done again; the record kAnswered that follows has the answer. Its
/// text is JSON: status, type, body, headers.
class AnswerBook final : public StateMachine, public AnswerReader {
  public:
    static constexpr size_t kEntriesMax = 10'000, kBytesMax = 32 * 1024 * 1024;
    static constexpr StampNs kKeepNs = 86'400'000'000'000;

    /// Whether the record of a command did what it asked for; called inside apply. Unset: it did.
    std::function<bool(ControlKind kind, std::string_view name, Seq seq)> done_of;

    uint8_t row_prefix() const override { return 'K'; }
    void apply(const RecordView& record) override;
    void begin_save(Checkpoint& out) override;
    bool save_some(size_t rows) override;
    void load_row(std::span<const uint8_t> key, std::span<const uint8_t> value) override;
    void loaded(StampNs) override {}

    std::optional<KeptAnswer> answer(std::string_view by, std::string_view key) const override;
    size_t size() const;

  private:
    /// The command's entry, new where it has none.
    KeptAnswer& entry(const CommandKey& command, StampNs now_ns);
    void erase(uint64_t id);
    void keep_bounds(StampNs now_ns);
    static void put(RowWriter& out, const KeptAnswer& answer);

    mutable std::mutex mutex_;                    // guards what follows
    SavedMap<KeptAnswer> answers_{'K', 1, &put};  ///< by a hash of who and key
    std::set<std::pair<StampNs, uint64_t>> ends_;
    size_t bytes_ = 0;
};

}  // namespace penstock

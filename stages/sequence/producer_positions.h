// How far each named producer has come, as the log tells it: what ingest starts from after a restart.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <utility>

#include "pipeline/state_machine.h"

namespace penstock {

/// State thread.
class ProducerPositions final : public StateMachine {
  public:
    uint8_t row_prefix() const override { return 'P'; }

    void apply(const RecordView& record) override {
        for (const ProducerPosition& p : record.producers) {
            Entry& e = positions_[p.producer];
            e.position = p;
            if (!std::exchange(e.dirty, true)) dirty_.push_back(p.producer);
        }
    }
    void begin_save(Checkpoint& out) override {  // a row a producer: too few to copy in parts
        for (const Hash128& name : std::exchange(dirty_, {})) {
            Entry& e = positions_[name];
            e.dirty = false;
            RowWriter key, value;
            out.put(key.key_u8('P').value(name).bytes(),
                    value.value(e.position.epoch).value(e.position.seq).bytes());
        }
    }
    bool save_some(size_t) override { return false; }
    void load_row(std::span<const uint8_t> key_bytes, std::span<const uint8_t> value_bytes) override {
        RowReader key(key_bytes), value(value_bytes);
        key.key_u8();
        const auto name = key.value<Hash128>();
        const auto epoch = value.value<uint64_t>(), seq = value.value<uint64_t>();
        positions_[name] = {{name, epoch, seq}, false};
    }
    void loaded(StampNs) override {}

    template <typename Visit>
    void for_each(Visit visit) const {
        for (const auto& [name, e] : positions_) visit(e.position);
    }

  private:
    struct Hasher {
        size_t operator()(const Hash128& h) const { return h.lo; }
    };
    struct Entry {
        ProducerPosition position{};
        bool dirty = false;
    };
    absl::flat_hash_map<Hash128, Entry, Hasher> positions_;
    std::vector<Hash128> dirty_;
};

}  // namespace penstock

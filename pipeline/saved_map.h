// Rows by number, of which checkpoints copy what changed, in parts.
#pragma once

#include <concepts>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "pipeline/state_machine.h"

namespace penstock {

/// A map whose values are reached for change only through `change` and `make`: between a checkpoint's cut and
/// its last part, a row that is about to change is copied first, as it was at the cut. One thread, or its
/// owner's lock. `T`: a class that can be derived from.
template <typename T>
class SavedMap {
  public:
    /// Appends a row's value to what is empty before.
    using Put = void (*)(RowWriter& out, const T& value);

    /// Keys are `prefix`, `table` and the row's number.
    SavedMap(uint8_t prefix, uint8_t table, Put put) : prefix_(prefix), table_(table), put_(put) {}

    bool empty() const { return rows_.empty(); }
    size_t size() const { return rows_.size(); }
    bool contains(uint64_t id) const { return rows_.contains(id); }
    /// Null: there is none. Valid until it is erased.
    const T* find(uint64_t id) const {
        const auto at = rows_.find(id);
        return at == rows_.end() ? nullptr : &at->second;
    }
    const T& at(uint64_t id) const { return rows_.at(id); }
    /// To go through: pairs of a number and what converts to T, by number.
    const auto& rows() const { return rows_; }

    /// A row that is there, to be changed before the next record. Valid until it is erased.
    T& change(uint64_t id) { return touched(id, rows_.at(id)); }
    /// The row, made where there was none.
    T& make(uint64_t id) { return touched(id, rows_.try_emplace(id).first->second); }
    T& add(uint64_t id, T value) {
        return touched(id, rows_.try_emplace(id, std::move(value)).first->second);
    }
    void erase(uint64_t id) {
        const auto at = rows_.find(id);
        if (at == rows_.end()) return;
        touched(id, at->second);
        rows_.erase(at);
        gone_.push_back(id);
    }
    /// Of a state that is loaded: as it is saved.
    T& load(uint64_t id, T value) { return rows_.try_emplace(id, std::move(value)).first->second; }

    void begin_save(Checkpoint& out) {
        out_ = &out;
        for (const uint64_t id : std::exchange(gone_, {})) out.erase(key_of(id));
        unsaved_ = std::exchange(changed_, {});
        ++interval_;
    }
    /// Takes from `rows` what it copies; false: nothing is left.
    bool save_some(size_t& rows) {
        for (; rows > 0 && !unsaved_.empty(); --rows) {
            const auto at = rows_.find(unsaved_.back());
            unsaved_.pop_back();
            // Else it was copied before a later change, or has gone.
            if (at != rows_.end() && at->second.changed_in == interval_ - 1) save(at->first, at->second);
        }
        return !unsaved_.empty();
    }

  private:
    struct Row : T {
        Row() = default;
        explicit Row(T&& value) : T(std::move(value)) {}
        uint32_t changed_in = 0;  ///< interval between cuts; 0: saved as it is
    };

    std::span<const uint8_t> key_of(uint64_t id) {
        key_.clear();
        return key_.key_u8(prefix_).key_u8(table_).key_u64(id).bytes();
    }
    void save(uint64_t id, Row& row) {
        row.changed_in = 0;
        value_.clear();
        put_(value_, row);
        out_->put(key_of(id), value_.bytes());
    }
    T& touched(uint64_t id, Row& row) {
        if (row.changed_in == interval_) return row;
        if (row.changed_in != 0) save(id, row);  // as it was at the cut
        row.changed_in = interval_;
        changed_.push_back(id);
        return row;
    }

    uint8_t prefix_, table_;
    Put put_;
    std::map<uint64_t, Row> rows_;
    std::vector<uint64_t> changed_, unsaved_;  ///< since the last cut; of those before, not copied yet
    std::vector<uint64_t> gone_;
    uint32_t interval_ = 1;
    Checkpoint* out_ = nullptr;
    RowWriter key_, value_;
};

}  // namespace penstock

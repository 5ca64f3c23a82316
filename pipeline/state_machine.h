// State is a function of the log. What keeps such state implements this; recovery, checkpoints and replay
// need to know nothing more of it.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

#include "schemas/log_record.h"

namespace penstock {

/// Rows that changed since the last checkpoint, copied. Keys sort as bytes.
struct Checkpoint {
    struct Row {
        uint32_t key_offset, key_bytes;
        uint32_t value_offset, value_bytes;
        bool deleted;
    };
    Seq applied_seq = 0;  ///< state holds every record below this sequence
    std::vector<uint8_t> arena;
    std::vector<Row> rows;

    std::span<const uint8_t> key(const Row& r) const { return {arena.data() + r.key_offset, r.key_bytes}; }
    std::span<const uint8_t> value(const Row& r) const {
        return {arena.data() + r.value_offset, r.value_bytes};
    }
    void put(std::span<const uint8_t> key, std::span<const uint8_t> value) { add(key, value, false); }
    void erase(std::span<const uint8_t> key) { add(key, {}, true); }

  private:
    void add(std::span<const uint8_t> key, std::span<const uint8_t> value, bool deleted) {
        const auto at = static_cast<uint32_t>(arena.size());
        arena.insert(arena.end(), key.begin(), key.end());
        arena.insert(arena.end(), value.begin(), value.end());
        rows.push_back({at, static_cast<uint32_t>(key.size()), at + static_cast<uint32_t>(key.size()),
                        static_cast<uint32_t>(value.size()), deleted});
    }
};

/// Deterministic: no wall clock, no randomness, no I/O. One thread. The same records give the same rows.
class StateMachine {
  public:
    virtual ~StateMachine() = default;
    /// First byte of all its row keys; no two machines share one.
    virtual uint8_t row_prefix() const = 0;
    virtual void apply(const RecordView& record) = 0;
    /// Adds the rows that changed since the last call.
    virtual void save_changes(Checkpoint& out) = 0;
    /// Before the first apply; rows in key order.
    virtual void load_row(std::span<const uint8_t> key, std::span<const uint8_t> value) = 0;
    /// All rows are loaded; `last_stamp_ns` is the time of the state.
    virtual void loaded(StampNs last_stamp_ns) = 0;
};

/// Builds row keys and values: integers big-endian in keys, so that bytes sort as numbers.
class RowWriter {
  public:
    RowWriter& key_u8(uint8_t v) { return raw(&v, 1); }
    RowWriter& key_u32(uint32_t v) {
        const uint32_t big = __builtin_bswap32(v);
        return raw(&big, sizeof big);
    }
    template <typename T>
    RowWriter& value(const T& v) {
        static_assert(std::is_trivially_copyable_v<T>);
        return raw(&v, sizeof v);
    }
    RowWriter& text(std::string_view s) {
        return value(static_cast<uint32_t>(s.size())).raw(s.data(), s.size());
    }
    RowWriter& raw(const void* data, size_t size) {
        const auto* bytes = static_cast<const uint8_t*>(data);
        bytes_.insert(bytes_.end(), bytes, bytes + size);
        return *this;
    }
    std::span<const uint8_t> bytes() const { return bytes_; }
    void clear() { bytes_.clear(); }

  private:
    std::vector<uint8_t> bytes_;
};

/// Reads what RowWriter wrote; `ok()` turns false instead of reading past the end.
class RowReader {
  public:
    explicit RowReader(std::span<const uint8_t> bytes) : rest_(bytes) {}
    bool ok() const { return ok_; }
    uint8_t key_u8() { return value<uint8_t>(); }
    uint32_t key_u32() { return __builtin_bswap32(value<uint32_t>()); }
    template <typename T>
    T value() {
        T v{};
        if (rest_.size() < sizeof v) {
            ok_ = false;
            return v;
        }
        std::memcpy(&v, rest_.data(), sizeof v);
        rest_ = rest_.subspan(sizeof v);
        return v;
    }
    std::string_view text() {
        const auto size = value<uint32_t>();
        if (rest_.size() < size) {
            ok_ = false;
            return {};
        }
        const std::string_view s(reinterpret_cast<const char*>(rest_.data()), size);
        rest_ = rest_.subspan(size);
        return s;
    }

  private:
    std::span<const uint8_t> rest_;
    bool ok_ = true;
};

}  // namespace penstock

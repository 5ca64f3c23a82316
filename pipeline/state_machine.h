// State is a function of the log. What keeps such state implements this; recovery, checkpoints and replay
// need to know nothing more of it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

#include "schemas/log_record.h"

namespace penstock {

/// Rows that changed since the last checkpoint, copied. Filled by one thread, then read by another. A key
/// that is erased and put has been put last.
class Checkpoint {
  public:
    struct Row {
        std::span<const uint8_t> key, value;
        bool deleted;
    };
    Seq applied_seq = 0;  ///< state holds every record below this sequence

    void put(std::span<const uint8_t> key, std::span<const uint8_t> value) { add(key, value, false); }
    void erase(std::span<const uint8_t> key) { add(key, {}, true); }

    size_t rows() const { return rows_; }
    template <typename Visit>
    void for_each(Visit visit) const {
        for (const Block& block : blocks_)
            for (size_t at = 0; at < block.used;) {
                const uint8_t* row = block.bytes.get() + at;
                Head head;
                std::memcpy(&head, row, sizeof head);
                const uint8_t* key = row + sizeof head;
                visit(
                    Row{{key, head.key_bytes}, {key + head.key_bytes, head.value_bytes}, head.deleted != 0});
                at += sizeof head + head.key_bytes + head.value_bytes;
            }
    }

  private:
    struct Head {
        uint32_t key_bytes, value_bytes, deleted;
    };
    struct Block {
        std::unique_ptr<uint8_t[]> bytes;
        size_t used, size;
    };
    static constexpr size_t kBlockBytes = 1 << 20;  // blocks: one array would be copied whole as it grows

    void add(std::span<const uint8_t> key, std::span<const uint8_t> value, bool deleted) {
        const Head head{static_cast<uint32_t>(key.size()), static_cast<uint32_t>(value.size()), deleted};
        const size_t size = sizeof head + key.size() + value.size();
        if (blocks_.empty() || blocks_.back().size - blocks_.back().used < size) {
            const size_t bytes = std::max(size, kBlockBytes);
            blocks_.push_back({std::unique_ptr<uint8_t[]>(new uint8_t[bytes]), 0, bytes});
        }
        Block& block = blocks_.back();
        uint8_t* to = block.bytes.get() + block.used;
        std::memcpy(to, &head, sizeof head);
        std::copy(key.begin(), key.end(), to + sizeof head);
        std::copy(value.begin(), value.end(), to + sizeof head + key.size());
        block.used += size;
        ++rows_;
    }

    std::vector<Block> blocks_;
    size_t rows_ = 0;
};

/// Deterministic: no wall clock, no randomness, no I/O. One thread. The same records give the same rows.
class StateMachine {
  public:
    virtual ~StateMachine() = default;
    /// First byte of all its row keys; no two machines share one.
    virtual uint8_t row_prefix() const = 0;
    virtual void apply(const RecordView& record) = 0;
    /// When it needs a record that lets time pass, if none comes before; the largest number: never.
    virtual StampNs due_ns() const { return std::numeric_limits<StampNs>::max(); }
    /// Cuts here: the rows that changed since the last cut go to `out` as they are now, by calls of save_some
    /// until it returns false; records may be applied in between. `out` lives so long.
    virtual void begin_save(Checkpoint& out) = 0;
    /// Copies at most `rows` of them, if there are so many; false: none is left.
    virtual bool save_some(size_t rows) = 0;
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
    RowWriter& key_u64(uint64_t v) {
        const uint64_t big = __builtin_bswap64(v);
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
        if (size == 0) return *this;
        const size_t at = bytes_.size();
        bytes_.resize(at + size);
        std::memcpy(bytes_.data() + at, data, size);
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
    bool at_end() const { return !ok_ || rest_.empty(); }
    uint8_t key_u8() { return value<uint8_t>(); }
    uint32_t key_u32() { return __builtin_bswap32(value<uint32_t>()); }
    uint64_t key_u64() { return __builtin_bswap64(value<uint64_t>()); }
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

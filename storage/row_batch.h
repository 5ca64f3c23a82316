// Events of one region, encoded as PostgreSQL takes them: rows of COPY ... (FORMAT binary).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/log_record.h"

namespace penstock {

/// Microseconds, rounded down: a time never moves forward into another second or day by being stored.
constexpr int64_t floor_to_us(StampNs ns) { return ns >= 0 ? ns / 1000 : -((-(ns + 1)) / 1000) - 1; }
/// Days since 1970-01-01, UTC.
constexpr int32_t day_of(StampNs ns) {
    constexpr int64_t kDayUs = 86'400'000'000;
    const int64_t us = floor_to_us(ns);
    return static_cast<int32_t>(us >= 0 ? us / kDayUs : -((-(us + 1)) / kDayUs) - 1);
}

/// A part of a batch that goes into one transaction: rows [first_row, end_row), and the ledger from `from` to
/// `to`. Bisecting a refused batch makes smaller parts.
struct RowRange {
    size_t first_row = 0, end_row = 0;
    Seq from = 0, to = 0;
    StampNs to_stamp_ns = 0;  ///< when sequence `to` - 1 was received
    uint64_t refused = 0;     ///< rows of it that went to the dead letters instead
    size_t rows() const { return end_row - first_row; }
};

/// Gathers rows for one transaction in one buffer that is used again. Owned by the region's thread.
class RowBatch {
  public:
    struct Row {
        Seq seq;
        StampNs received_ns;
        size_t begin;  ///< offset of the encoded row
        uint16_t tenant;
    };

    /// Columns in the order of the encoding.
    static constexpr std::string_view kColumns =
        "seq, received, time, log, severity, tenant, source, id, type, subject, data, attributes";

    /// Begins a batch of the log that the region knows as `log`. Keeps the memory, up to `keep_bytes`.
    void clear(int32_t log, Seq from, size_t keep_bytes);

    /// Encodes item `i` of an events record. Sequences must rise.
    void add(const RecordView& record, size_t i, std::string_view tenant);

    /// What people did travels with the events; of each kind the sequences rise.
    enum class Act : uint8_t { kDecision, kAudit };
    /// `row`: decision_row(), audit_row().
    void add_act(Act act, Seq seq, std::string row) { of(act).emplace_back(seq, std::move(row)); }
    bool has_acts() const { return !acts_[0].empty() || !acts_[1].empty(); }
    /// Of records in [from, to): a JSON array, or empty text where there is none.
    std::string acts(Act act, Seq from, Seq to) const;

    /// Everything below `to` has been looked at: rows were added for what belongs to the region. `stamp_ns`:
    /// when sequence `to` - 1 was received.
    void reach(Seq to, StampNs stamp_ns) { to_ = to, to_stamp_ns_ = stamp_ns; }

    Seq from() const { return from_; }
    Seq to() const { return to_; }
    StampNs to_stamp_ns() const { return to_stamp_ns_; }
    size_t rows() const { return rows_.size(); }
    size_t bytes() const { return used_; }
    const Row& row(size_t i) const { return rows_[i]; }
    RowRange whole() const { return {0, rows(), from_, to_, to_stamp_ns_}; }
    /// Encoded rows [first, end), without the header and trailer of COPY.
    std::span<const uint8_t> encoded(size_t first, size_t end) const;

  private:
    void reserve(size_t more);
    void put16(int16_t v);
    void put32(int32_t v);
    void put64(int64_t v);
    void put_raw(std::string_view bytes);
    void put_text(std::string_view text);
    void put_null() { put32(-1); }
    void put_json_string(std::string_view text);
    template <typename Event>
    void put_attributes(const Event& event);
    template <typename Pairs>
    void put_pairs(std::string_view name, const Pairs* pairs, bool& first);

    int32_t log_ = 0;
    Seq from_ = 0, to_ = 0;
    StampNs to_stamp_ns_ = 0;
    std::unique_ptr<uint8_t[]> buffer_;
    size_t capacity_ = 0, used_ = 0;
    std::vector<Row> rows_;
    using Acts = std::vector<std::pair<Seq, std::string>>;
    Acts& of(Act act) { return acts_[static_cast<size_t>(act)]; }
    std::array<Acts, 2> acts_;
};

}  // namespace penstock

// Items of a record that are kept sealed: each by its region's key, in place, so that columns stay readable
// and a reader opens only what it touches.
//
// A record of which an item is sealed is not packed. Behind the heap: 16 random bytes, then for each item its
// key's id (0: it is in the clear) and its tag. An item's nonce is the random bytes and its number; the
// record's first sequence stands beside it.
#pragma once

#include <cstdint>
#include <vector>

#include "pipeline/seal.h"
#include "schemas/log_record.h"

namespace penstock {

struct SealedItem {
    uint64_t key;
    SealKey::Tag tag;
};
static_assert(sizeof(SealedItem) == 24);

constexpr uint32_t seal_bytes_of(uint32_t count) {
    return count == 0 ? 0 : 16 + count * static_cast<uint32_t>(sizeof(SealedItem));
}

/// 0: nothing of the record is to be sealed.
uint32_t seal_bytes_for(const RecordView& record, const SealKeys& keys);
/// `heap`: a copy of the record's, of which items are sealed; `behind`: room for seal_bytes_for.
void seal_items(const RecordView& record, const SealKeys& keys, uint8_t* heap, uint8_t* behind);

/// Opens what is sealed, and unpacks what is packed, of one record after the other, when it is asked for. One
/// thread.
class RecordOpener final : public ItemOpener {
  public:
    /// `keys`: null where none are known.
    explicit RecordOpener(const SealKeys* keys) : keys_(keys) {}
    /// From now on gives this record's items, and `record` asks it. Ends what was given of the one before.
    void take(RecordView& record);
    /// Throws LogError: EACCES where the key is not known, MDB_CORRUPTED where the bytes are not what was
    /// sealed or packed.
    std::span<const uint8_t> open(const RecordView& record, size_t i) const override;

  private:
    std::span<const uint8_t> open_sealed(const RecordView& record, size_t i) const;
    void unpack(const RecordView& record) const;

    const SealKeys* keys_;
    mutable const SealKey* last_ = nullptr;
    mutable std::vector<uint64_t> opened_;  ///< a heap; of a sealed one, what was asked for is filled in
    mutable bool unpacked_ = false;
    mutable std::vector<bool> is_open_;
};

/// For views that nobody is to read items of: every try throws.
const ItemOpener& nobody_opens();

}  // namespace penstock

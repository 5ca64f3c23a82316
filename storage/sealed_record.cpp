#include "storage/sealed_record.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

#include "storage/event_log.h"
#include "storage/packed_heap.h"

namespace penstock {
namespace {

constexpr size_t kRandomBytes = 16;

/// Events go by their region. What else there is (commands, dead letters) may tell of any.
const SealKey* key_for(const RecordView& record, size_t i, const SealKeys& keys) {
    return record.header->kind == RecordKind::kEvents ? keys.of_region(record.heads[i].region)
                                                      : keys.common();
}

SealKey::Nonce nonce_of(const uint8_t* random, uint64_t i) {
    SealKey::Nonce nonce;
    std::memcpy(nonce.data(), random, kRandomBytes);
    std::memcpy(nonce.data() + kRandomBytes, &i, sizeof i);
    return nonce;
}

std::span<const uint8_t> beside(const RecordHeader& header) {
    return {reinterpret_cast<const uint8_t*>(&header.first_seq), sizeof header.first_seq};
}

const uint8_t* behind_heap(const RecordView& record) { return record.heap.data() + record.heap.size(); }

class NobodyOpens final : public ItemOpener {
  public:
    std::span<const uint8_t> open(const RecordView& record, size_t) const override {
        throw LogError(fmt::format("the record at {} is closed", record.first_seq()), EACCES);
    }
};

}  // namespace

uint32_t seal_bytes_for(const RecordView& record, const SealKeys& keys) {
    if (keys.empty()) return 0;
    for (size_t i = 0; i < record.count(); ++i)
        if (key_for(record, i, keys)) return seal_bytes_of(record.header->count);
    return 0;
}

void seal_items(const RecordView& record, const SealKeys& keys, uint8_t* heap, uint8_t* behind) {
    const SealKey::Nonce random = random_nonce();
    std::memcpy(behind, random.data(), kRandomBytes);
    for (size_t i = 0; i < record.count(); ++i) {
        SealedItem item{};
        if (const SealKey* key = key_for(record, i, keys)) {
            item.key = key->id();
            const EventHead& head = record.heads[i];
            item.tag = key->seal({heap + head.offset, head.length}, nonce_of(random.data(), i),
                                 beside(*record.header));
        }
        std::memcpy(behind + kRandomBytes + i * sizeof item, &item, sizeof item);
    }
}

void RecordOpener::take(RecordView& record) {
    if (!record.opener) return;
    record.opener = this;
    unpacked_ = false;
    is_open_.assign(record.header->seal_bytes == 0 ? 0 : record.count(), false);
    const size_t words = (size_t{record.header->heap_bytes} + 7) / 8;
    if (opened_.size() < words) opened_.resize(words);
}

std::span<const uint8_t> RecordOpener::open(const RecordView& record, size_t i) const {
    if (record.header->seal_bytes != 0) return open_sealed(record, i);
    if (!unpacked_) unpack(record);
    const EventHead& head = record.heads[i];
    return {reinterpret_cast<const uint8_t*>(opened_.data()) + head.offset, head.length};
}

void RecordOpener::unpack(const RecordView& record) const {
    if (!unpack_heap(record.heap, {reinterpret_cast<uint8_t*>(opened_.data()), record.header->heap_bytes}))
        throw LogError(fmt::format("the record at {} does not unpack", record.first_seq()), MDB_CORRUPTED);
    unpacked_ = true;
}

std::span<const uint8_t> RecordOpener::open_sealed(const RecordView& record, size_t i) const {
    const uint8_t* const behind = behind_heap(record);
    const EventHead& head = record.heads[i];
    const auto sealed = record.heap.subspan(head.offset, head.length);
    SealedItem item;
    std::memcpy(&item, behind + kRandomBytes + i * sizeof item, sizeof item);
    if (item.key == 0) return sealed;
    auto* const to = reinterpret_cast<uint8_t*>(opened_.data()) + head.offset;
    if (!is_open_[i]) {
        if (!last_ || last_->id() != item.key) last_ = keys_ ? keys_->find(item.key) : nullptr;
        if (!last_)
            throw LogError(
                fmt::format("the record at {} is sealed with key {}, which no region's key_file holds; give "
                            "the file back, or add the key to it as another line",
                            record.first_seq(), seal_key_name(item.key)),
                EACCES);
        if (!last_->open(sealed, item.tag, nonce_of(behind, i), beside(*record.header), to))
            throw LogError(
                fmt::format("item {} of the record at {} is not what was sealed", i, record.first_seq()),
                MDB_CORRUPTED);
        is_open_[i] = true;
    }
    return {to, head.length};
}

const ItemOpener& nobody_opens() {
    static const NobodyOpens one;
    return one;
}

}  // namespace penstock

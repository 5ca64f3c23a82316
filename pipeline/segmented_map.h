// A hash map that grows without a pause: extendible hashing (Fagin et al., 1979) over small open-addressing
// segments with a tag byte a slot, sixteen compared at once (after Abseil's Swiss tables). The longest
// single step is the split of one segment, some ten microseconds, whatever the size of the whole.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <type_traits>
#include <vector>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "schemas/log_record.h"

namespace penstock {

/// What a map keeps of a key where its value leads to the whole one: 8 of 16 bytes, and no padding beside a
/// small value.
struct KeyPart {
    explicit KeyPart(const Hash128& k)
        : low(static_cast<uint32_t>(k.lo)), high(static_cast<uint32_t>(k.hi >> 32)) {}
    KeyPart() = default;
    bool operator==(const KeyPart&) const = default;

    uint32_t low, high;  ///< the lowest bits of lo and the highest of hi
};

/// Maps a Hash128 (already uniform) to a small trivially copyable value. One thread.
/// About sizeof(Entry) + 1 bytes a slot, slots between 45% and 90% taken.
/// Where `Key`, what is kept of a key, is a KeyPart, find and erase are given a predicate besides: whether
/// the value is that of the whole key.
template <typename V, typename Key = Hash128>
class SegmentedMap {
  public:
    struct Entry {
        Key key;
        V value;
    };
    static_assert(std::is_trivially_copyable_v<V>);

    SegmentedMap() : directory_(1, nullptr) { directory_[0] = new_segment(0); }
    SegmentedMap(SegmentedMap&&) = default;

    size_t size() const { return size_; }
    size_t bytes() const { return segments_.size() * sizeof(Segment) + directory_.size() * sizeof(Segment*); }
    size_t segment_count() const { return segments_.size(); }
    /// Share of the slots that hold a key.
    double load() const {
        return static_cast<double>(size_) / static_cast<double>(segments_.size() * kSlots);
    }

    /// Forgets every key and gives the memory back.
    void clear() {
        segments_.clear();
        depth_ = 0;
        directory_.assign(1, new_segment(0));
        size_ = sweep_at_ = 0;
    }

    /// Of an empty map: makes room for so many keys at once, in segments that follow each other by key.hi.
    void reserve(size_t keys) {
        uint32_t depth = 0;
        while ((keys >> depth) > kSlots * 3 / 4) ++depth;
        if (size_ > 0 || depth <= depth_) return;
        segments_.clear();
        depth_ = depth;
        directory_.resize(size_t{1} << depth);
        for (Segment*& cell : directory_) cell = new_segment(depth);
    }
    /// Adds keys to a map that has room for them (reserve), several threads at once as long as their keys
    /// differ in the top bit of hi. What found no room waits for absorb(). Nothing else uses the map
    /// meanwhile.
    class Filler {
      public:
        explicit Filler(SegmentedMap& map) : map_(map) {}
        V* find(const Hash128& key) {
            Segment* s = map_.segment_of(key);
            const int slot = s->find(key, any_value);
            return slot < 0 ? nullptr : &s->entries[slot].value;
        }
        void insert(const Hash128& key, const V& value) {
            Segment* s = map_.segment_of(key);
            if (s->used == kUsedMax || map_.depth_ == 0) {
                overflow_.push_back({key, value});
                return;
            }
            s->insert(key, value);
            ++added_;
        }

      private:
        friend SegmentedMap;
        SegmentedMap& map_;
        size_t added_ = 0;
        std::vector<Entry> overflow_;
    };
    /// After all threads: `newer(value, known)` tells which of two values of a key stays.
    template <typename Newer>
    void absorb(Filler& filler, Newer newer) {
        size_ += filler.added_;
        for (const Entry& e : filler.overflow_) {
            V* known = find(e.key);
            if (!known)
                insert(e.key, e.value);
            else if (newer(e.value, *known))
                *known = e.value;
        }
    }

    void prefetch(const Hash128& key) const {
        __builtin_prefetch(segment_of(key)->tags + group_of(key) * kGroup);
    }

    /// What stands first where the key would, by its tag alone: to ask for it early, after prefetch(). Null:
    /// nothing.
    const Entry* likely(const Hash128& key) const {
        const Segment* s = segment_of(key);
        const size_t group = group_of(Key(key));
        const uint32_t match = s->match_tag(group, tag_of(Key(key)));
        return match ? &s->entries[group * kGroup + static_cast<size_t>(__builtin_ctz(match))] : nullptr;
    }

    V* find(const Hash128& key)
        requires std::is_same_v<Key, Hash128>
    {
        return find(key, any_value);
    }
    template <typename Same>
    V* find(const Hash128& key, Same same) {
        Segment* s = segment_of(key);
        const int slot = s->find(Key(key), same);
        return slot < 0 ? nullptr : &s->entries[slot].value;
    }

    /// Adds a key that is not there. A full segment first drops entries for which `dead(entry)`, then splits.
    template <typename Dead>
    V& insert(const Hash128& key, const V& value, Dead dead) {
        Segment* s = segment_of(key);
        while (s->used == kUsedMax) {
            size_ -= rebuild(*s, dead);
            if (s->live > kLiveAfterRebuildMax) split(s);
            s = segment_of(key);
        }
        ++size_;
        return s->insert(Key(key), value);
    }
    V& insert(const Hash128& key, const V& value) {
        return insert(key, value, [](const Entry&) { return false; });
    }

    bool erase(const Hash128& key)
        requires std::is_same_v<Key, Hash128>
    {
        return erase(key, any_value);
    }
    template <typename Same>
    bool erase(const Hash128& key, Same same) {
        Segment* s = segment_of(key);
        const int slot = s->find(Key(key), same);
        if (slot < 0) return false;
        s->tags[slot] = kTombstone;
        --s->live;
        --size_;
        return true;
    }

    /// Drops dead entries of the next segment in turn; returns how many. segment_count() calls see them all.
    template <typename Dead>
    size_t sweep_one(Dead dead) {
        if (sweep_at_ >= segments_.size()) sweep_at_ = 0;
        const size_t gone = rebuild(*segments_[sweep_at_++], dead);
        size_ -= gone;
        return gone;
    }

    template <typename Visit>
    void for_each(Visit visit) const {
        for (const auto& s : segments_)
            for (size_t i = 0; i < kSlots; ++i)
                if (s->tags[i] < kEmpty) visit(s->entries[i]);
    }

  private:
    static constexpr size_t kGroup = 16, kSlots = 1024, kGroups = kSlots / kGroup;
    static constexpr uint8_t kEmpty = 0x80, kTombstone = 0xfe;  // a taken slot's tag has its high bit clear
    static constexpr uint32_t kUsedMax = kSlots * 9 / 10;
    static constexpr uint32_t kLiveAfterRebuildMax = kSlots * 7 / 10;

    // Disjoint bits of the hash: tag and group from lo, directory from the top of hi.
    static uint64_t low_of(const Hash128& k) { return k.lo; }
    static uint64_t low_of(const KeyPart& k) { return k.low; }
    static uint64_t high_of(const Hash128& k) { return k.hi; }
    static uint64_t high_of(const KeyPart& k) { return uint64_t{k.high} << 32; }
    static uint8_t tag_of(const auto& k) { return static_cast<uint8_t>(low_of(k) & 0x7f); }
    static size_t group_of(const auto& k) { return (low_of(k) >> 7) % kGroups; }
    static constexpr auto any_value = [](const V&) { return true; };

    struct Segment {
        uint32_t depth = 0;
        uint32_t live = 0;
        uint32_t used = 0;  ///< live and tombstones
        alignas(16) uint8_t tags[kSlots];
        Entry entries[kSlots];

        template <typename Same>
        int find(const Key& key, Same same) const {
            const uint8_t tag = tag_of(key);
            for (size_t g = group_of(key);; g = (g + 1) % kGroups) {
                uint32_t match = match_tag(g, tag);
                while (match) {
                    const size_t slot = g * kGroup + static_cast<size_t>(__builtin_ctz(match));
                    if (entries[slot].key == key && same(entries[slot].value)) return static_cast<int>(slot);
                    match &= match - 1;
                }
                if (match_tag(g, kEmpty)) return -1;
            }
        }
        V& insert(const Key& key, const V& value) {
            for (size_t g = group_of(key);; g = (g + 1) % kGroups) {
                if (const uint32_t empty = match_tag(g, kEmpty)) {
                    const size_t slot = g * kGroup + static_cast<size_t>(__builtin_ctz(empty));
                    tags[slot] = tag_of(key);
                    entries[slot] = {key, value};
                    ++live;
                    ++used;
                    return entries[slot].value;
                }
            }
        }
        uint32_t match_tag(size_t group, uint8_t tag) const {
#if defined(__SSE2__)
            const __m128i tags16 = _mm_load_si128(reinterpret_cast<const __m128i*>(tags + group * kGroup));
            return static_cast<uint32_t>(
                _mm_movemask_epi8(_mm_cmpeq_epi8(tags16, _mm_set1_epi8(static_cast<char>(tag)))));
#else
            uint32_t bits = 0;
            for (size_t i = 0; i < kGroup; ++i) bits |= uint32_t{tags[group * kGroup + i] == tag} << i;
            return bits;
#endif
        }
        void clear() {
            std::memset(tags, kEmpty, sizeof tags);
            live = used = 0;
        }
    };

    Segment* segment_of(const Hash128& k) const {
        return directory_[depth_ == 0 ? 0 : k.hi >> (64 - depth_)];
    }

    Segment* new_segment(uint32_t depth) {
        // The entries need no initial value: a slot is read only where its tag says that it is taken.
        segments_.push_back(std::unique_ptr<Segment>(new Segment));
        segments_.back()->depth = depth;
        segments_.back()->clear();
        return segments_.back().get();
    }

    template <typename Dead>
    size_t rebuild(Segment& s, Dead dead) {
        scratch_.clear();
        for (size_t i = 0; i < kSlots; ++i)
            if (s.tags[i] < kEmpty && !dead(s.entries[i])) scratch_.push_back(s.entries[i]);
        const size_t gone = s.live - scratch_.size();
        if (gone == 0 && s.used == s.live) return 0;
        s.clear();
        for (const Entry& e : scratch_) s.insert(e.key, e.value);
        return gone;
    }

    void split(Segment* s) {
        if (s->depth == depth_) {
            std::vector<Segment*> twice(directory_.size() * 2);
            for (size_t i = 0; i < directory_.size(); ++i) twice[2 * i] = twice[2 * i + 1] = directory_[i];
            directory_ = std::move(twice);
            ++depth_;
        }
        scratch_.clear();
        for (size_t i = 0; i < kSlots; ++i)
            if (s->tags[i] < kEmpty) scratch_.push_back(s->entries[i]);
        const uint32_t depth = s->depth + 1;
        Segment* high = new_segment(depth);
        s->clear();
        s->depth = depth;
        for (const Entry& e : scratch_)
            (high_of(e.key) >> (64 - depth) & 1 ? high : s)->insert(e.key, e.value);
        const size_t width = size_t{1} << (depth_ - depth);  // directory cells of each half
        const size_t first = depth_ == 0
                                 ? 0
                                 : static_cast<size_t>(high_of(scratch_.front().key) >> (64 - depth_)) /
                                       (2 * width) * (2 * width);
        for (size_t i = 0; i < width; ++i) directory_[first + width + i] = high;
    }

    std::vector<std::unique_ptr<Segment>> segments_;
    std::vector<Segment*> directory_;  ///< indexed by the top `depth_` bits of key.hi
    std::vector<Entry> scratch_;
    uint32_t depth_ = 0;
    size_t size_ = 0;
    size_t sweep_at_ = 0;
};

}  // namespace penstock

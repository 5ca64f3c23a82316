// A hash map that grows without a pause: extendible hashing (Fagin et al., 1979) over small open-addressing
// segments with a tag byte a slot, sixteen compared at once (after Abseil's Swiss tables). Segments that are
// full become one more, two of them three and three of them four, as the full nodes of a B*-tree do (Knuth,
// volume 3, 6.2.4): all keys being alike, all segments fill at the same time, and halves would leave half of
// the memory empty. The longest single step deals three segments out anew, some thirty microseconds, whatever
// the size of the whole.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <type_traits>
#include <vector>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "pipeline/prefetch.h"
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
/// About sizeof(Entry) + 1 bytes a slot, slots between 58% and 90% taken.
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

    SegmentedMap() { begin(0, 1); }
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
        begin(0, 1);
        size_ = sweep_at_ = 0;
    }

    /// Of an empty map: makes room for so many keys at once, in segments that follow each other by key.hi.
    void reserve(size_t keys) {
        uint32_t depth = 0, members = 1;
        while (keys > (size_t{members} << depth) * (kSlots * 3 / 4)) {
            if (members < kMembersMax)
                ++members;
            else
                ++depth, members = 2;
        }
        if (size_ > 0 || size_t{members} << depth <= segments_.size()) return;
        segments_.clear();
        begin(depth, members);
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

    /// Asks for what find() and what follows it will read and write, a step at a time, each once the one
    /// before is there. Keys are asked for in groups, one step of all of them after the other: the processor
    /// then waits for all at once, and for the translation of their addresses too, which takes as long where
    /// memory is virtual twice.
    static constexpr size_t kPrefetchSteps = 3;
    void prefetch(const Hash128& key, size_t step) const {
        if (step == 0) return prefetch_line(static_cast<const void*>(&directory_[cell_of(key)]));
        const Segment* s = segment_of(key);
        if (step == 1) {
            prefetch_line(s);
            return prefetch_line(s->tags + group_of(key) * kGroup);
        }
        if (const Entry* entry = likely(key)) return prefetch_line(entry);
        const size_t group = group_of(key);
        if (const uint32_t empty = s->match_tag(group, kEmpty))  // where it would come
            prefetch_line(&s->entries[group * kGroup + static_cast<size_t>(__builtin_ctz(empty))]);
    }

    /// What stands first where the key would, by its tag alone. Null: nothing.
    const Entry* likely(const Hash128& key) const {
        const Segment* s = segment_of(key);
        const size_t group = group_of(key);
        const uint32_t match = s->match_tag(group, tag_of(key));
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

    /// Adds a key that is not there. A full segment first drops entries for which `dead(entry)`, then its
    /// family grows.
    template <typename Dead>
    V& insert(const Hash128& key, const V& value, Dead dead) {
        Segment* s = segment_of(key);
        while (s->used == kUsedMax) {
            size_ -= rebuild(*s, dead);
            if (s->live > kLiveAfterRebuildMax) grow(Key(key), dead);
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

    /// Cells of the directory that a family has at its own depth: as many for each of two, or of three.
    static constexpr size_t kCells = 6;
    static constexpr uint32_t kMembersMax = 3;

    // Disjoint bits of the hash: tag and group from lo, directory from the top of hi.
    static uint64_t low_of(const Hash128& k) { return k.lo; }
    static uint64_t low_of(const KeyPart& k) { return k.low; }
    static uint64_t high_of(const Hash128& k) { return k.hi >> 32; }
    static uint64_t high_of(const KeyPart& k) { return k.high; }
    static uint8_t tag_of(const auto& k) { return static_cast<uint8_t>(low_of(k) & 0x7f); }
    static size_t group_of(const auto& k) { return (low_of(k) >> 7) % kGroups; }
    static constexpr auto any_value = [](const V&) { return true; };

    struct Segment {
        uint16_t depth = 0;    ///< of its family: keys that agree in so many of their first bits
        uint16_t members = 1;  ///< of its family, each with a part of the cells
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

    size_t cell_of(const auto& k) const { return high_of(k) * directory_.size() >> 32; }
    Segment* segment_of(const auto& k) const { return directory_[cell_of(k)]; }

    Segment* new_segment() {
        // The entries need no initial value: a slot is read only where its tag says that it is taken.
        segments_.push_back(std::unique_ptr<Segment>(new Segment));
        segments_.back()->clear();
        return segments_.back().get();
    }
    /// Of no segments: as many families as `depth` has, each of so many members.
    void begin(uint32_t depth, uint32_t members) {
        depth_ = depth;
        directory_.assign(kCells << depth, nullptr);
        for (size_t cell = 0; cell < directory_.size(); cell += kCells / members) {
            Segment* segment = new_segment();
            segment->depth = static_cast<uint16_t>(depth);
            segment->members = static_cast<uint16_t>(members);
            std::fill_n(directory_.begin() + static_cast<ptrdiff_t>(cell), kCells / members, segment);
        }
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

    /// Gives the family of this key's segment one more; of four it makes two families.
    template <typename Dead>
    void grow(const auto& key, Dead dead) {
        const uint32_t depth = segment_of(key)->depth, members = segment_of(key)->members;
        const bool parts = members == kMembersMax;
        if (parts && depth == depth_) {
            std::vector<Segment*> twice(directory_.size() * 2);
            for (size_t i = 0; i < directory_.size(); ++i) twice[2 * i] = twice[2 * i + 1] = directory_[i];
            directory_ = std::move(twice);
            ++depth_;
        }
        const size_t width = kCells << (depth_ - depth), first = cell_of(key) / width * width;
        std::array<Segment*, kMembersMax + 1> family;
        std::vector<Entry> moving = std::move(scratch_);
        moving.clear();
        for (uint32_t m = 0; m < members; ++m) {
            Segment& s = *(family[m] = directory_[first + m * (width / members)]);
            size_ -= s.live;
            for (size_t i = 0; i < kSlots; ++i)
                if (s.tags[i] < kEmpty && !dead(s.entries[i])) moving.push_back(s.entries[i]);
            s.clear();
        }
        size_ += moving.size();
        family[members] = new_segment();
        const size_t share = width / (members + 1);
        for (uint32_t m = 0; m <= members; ++m) {
            family[m]->depth = static_cast<uint16_t>(depth + parts);
            family[m]->members = static_cast<uint16_t>(parts ? 2 : members + 1);
            std::fill_n(directory_.begin() + static_cast<ptrdiff_t>(first + m * share), share, family[m]);
        }
        for (const Entry& e : moving) {
            while (segment_of(e.key)->used == kUsedMax) grow(e.key, dead);  // keys that are not alike
            segment_of(e.key)->insert(e.key, e.value);
        }
        scratch_ = std::move(moving);
    }

    std::vector<std::unique_ptr<Segment>> segments_;
    std::vector<Segment*> directory_;  ///< kCells << depth_: indexed by the part of all that key.hi is
    std::vector<Entry> scratch_;
    uint32_t depth_ = 0;
    size_t size_ = 0;
    size_t sweep_at_ = 0;
};

}  // namespace penstock

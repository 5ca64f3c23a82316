// The instances of one workflow: a key's progress over its edges.
#pragma once

#include <memory>
#include <vector>

#include "pipeline/segmented_map.h"
#include "pipeline/timer_wheel.h"
#include "schemas/log_record.h"

namespace penstock {

struct EdgeState {
    enum class Phase : uint8_t { kIdle, kArmed, kMissed, kSettled, kCancelled };
    StampNs deadline_ns = 0;
    Seq anchor_seq = 0;  ///< of the event that armed the deadline
    TimerId timer = kNoTimer;
    Phase phase = Phase::kIdle;
};

struct Instance {
    Hash128 key;
    StampNs last_stamp_ns = 0;     ///< of the last event or missed deadline that changed it
    TimerId retention = kNoTimer;  ///< there whenever no edge is armed
    uint32_t changed_in = 0;       ///< the Running::interval of its last change that is not saved; 0: none
    uint16_t tenant = 0;
    bool live = false;
};

/// One thread. Indices are stable; memory comes in chunks, so growth never copies.
class InstancePool {
  public:
    explicit InstancePool(size_t edges) : edges_(edges) {}

    size_t size() const { return index_.size(); }
    size_t edge_count() const { return edges_; }
    Instance& at(uint32_t i) { return chunks_[i / kChunk].instances[i % kChunk]; }
    const Instance& at(uint32_t i) const { return chunks_[i / kChunk].instances[i % kChunk]; }
    EdgeState& edge(uint32_t i, uint32_t edge) {
        return chunks_[i / kChunk].edges[i % kChunk * edges_ + edge];
    }
    const EdgeState& edge(uint32_t i, uint32_t edge) const {
        return chunks_[i / kChunk].edges[i % kChunk * edges_ + edge];
    }

    static constexpr uint32_t kNone = 0xffffffff;
    uint32_t find(const Hash128& key) {
        const uint32_t* found = index_.find(key);
        return found ? *found : kNone;
    }
    uint32_t add(const Hash128& key, uint16_t tenant) {
        uint32_t i;
        if (!free_.empty()) {
            i = free_.back();
            free_.pop_back();
        } else {
            i = next_++;
            if (i / kChunk == chunks_.size())
                chunks_.push_back(
                    {std::make_unique<Instance[]>(kChunk), std::make_unique<EdgeState[]>(kChunk * edges_)});
        }
        at(i) = Instance{};
        at(i).key = key;
        at(i).tenant = tenant;
        at(i).live = true;
        for (uint32_t e = 0; e < edges_; ++e) edge(i, e) = EdgeState{};
        index_.insert(key, i);
        return i;
    }
    void remove(uint32_t i) {
        index_.erase(at(i).key);
        at(i).live = false;
        at(i).changed_in = 0;
        free_.push_back(i);
    }
    template <typename Visit>
    void for_each(Visit visit) const {
        for (uint32_t i = 0; i < next_; ++i)
            if (at(i).live) visit(i);
    }

  private:
    static constexpr uint32_t kChunk = 256;
    struct Chunk {
        std::unique_ptr<Instance[]> instances;
        std::unique_ptr<EdgeState[]> edges;
    };
    size_t edges_;
    std::vector<Chunk> chunks_;
    std::vector<uint32_t> free_;
    uint32_t next_ = 0;
    SegmentedMap<uint32_t> index_;
};

}  // namespace penstock

// The instances of one workflow: the case of each key, compactly.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <new>
#include <queue>
#include <span>
#include <vector>

#include "pipeline/paged_array.h"
#include "pipeline/prefetch.h"
#include "pipeline/segmented_map.h"
#include "stages/sla/case_fold.h"

namespace penstock {

/// Events, in the order of their times, and obligations of one case, in one allocation: events from its
/// beginning, obligations behind them.
class CaseRecord {
  public:
    CaseRecord() = default;
    CaseRecord(const CaseRecord&) = delete;
    CaseRecord& operator=(const CaseRecord&) = delete;
    ~CaseRecord() { std::free(bytes_); }

    std::span<CaseEvent> events() { return {reinterpret_cast<CaseEvent*>(bytes_), events_}; }
    std::span<const CaseEvent> events() const {
        return {reinterpret_cast<const CaseEvent*>(bytes_), events_};
    }
    std::span<Obligation> obligations() {
        return {reinterpret_cast<Obligation*>(bytes_ + events_ * sizeof(CaseEvent)), obligations_};
    }
    std::span<const Obligation> obligations() const {
        return {reinterpret_cast<const Obligation*>(bytes_ + events_ * sizeof(CaseEvent)), obligations_};
    }
    void add_event(size_t at, const CaseEvent& event) {
        reserve(bytes_used() + sizeof event);
        uint8_t* to = bytes_ + at * sizeof event;
        std::memmove(to + sizeof event, to, bytes_used() - at * sizeof event);
        std::memcpy(to, &event, sizeof event);
        ++events_;
    }
    void drop_events(size_t count) {
        std::memmove(bytes_, bytes_ + count * sizeof(CaseEvent), bytes_used() - count * sizeof(CaseEvent));
        events_ -= static_cast<uint16_t>(count);
    }
    void set_obligations(std::span<const Obligation> obligations) {
        reserve(events_ * sizeof(CaseEvent) + obligations.size_bytes());
        std::copy_n(reinterpret_cast<const uint8_t*>(obligations.data()), obligations.size_bytes(),
                    bytes_ + events_ * sizeof(CaseEvent));
        obligations_ = static_cast<uint16_t>(obligations.size());
    }
    void clear() {
        std::free(bytes_);
        bytes_ = nullptr;
        events_ = obligations_ = 0;
        capacity_ = 0;
    }
    /// Room for so many in all, so that what follows needs one allocation.
    void reserve(size_t events, size_t obligations) {
        reserve(events * sizeof(CaseEvent) + obligations * sizeof(Obligation));
    }
    void prefetch() const {
        if (!bytes_) return;
        prefetch_line(bytes_);
        prefetch_line(bytes_ + capacity_ - 1);  // most end in the same line or the next one
    }
    /// With what the allocator puts before them.
    size_t bytes() const { return bytes_ ? capacity_ + kAllocatorBytes : 0; }

  private:
    static constexpr size_t kAllocatorBytes = 8, kAllocatorStep = 16;
    static constexpr size_t kFewBytes = 2 * sizeof(CaseEvent) + 3 * sizeof(Obligation);
    size_t bytes_used() const { return events_ * sizeof(CaseEvent) + obligations_ * sizeof(Obligation); }
    void reserve(size_t bytes) {
        if (bytes <= capacity_) return;
        // Most cases have a few events: exactly what the allocator gives for that. Others grow by a part.
        const size_t wanted = bytes <= kFewBytes ? bytes : bytes + bytes / 4;
        const size_t room =
            (wanted + kAllocatorBytes + kAllocatorStep - 1) / kAllocatorStep * kAllocatorStep -
            kAllocatorBytes;
        auto* more = static_cast<uint8_t*>(std::realloc(bytes_, room));
        if (!more) throw std::bad_alloc();
        bytes_ = more;
        capacity_ = static_cast<uint32_t>(room);
    }

    uint8_t* bytes_ = nullptr;
    uint32_t capacity_ = 0;
    uint16_t events_ = 0, obligations_ = 0;
};

struct Instance {
    Hash128 key;
    CaseRecord record;
    StampNs last_ns = 0;           ///< by its clock: the last event or missed deadline that changed it
    TimerId retention = kNoTimer;  ///< there whenever nothing is pending
    uint32_t changed_in = 0;       ///< the Running::interval of its last change that is not saved; 0: none
    uint16_t group = 0;            ///< of Running::groups
    uint16_t tenant = 0;
    uint16_t clock = 0;  ///< of the engine's clocks
    WorkflowStage::Terminal outcome = WorkflowStage::Terminal::kNo;
    bool live : 1 = false;
    bool early : 1 = false;   ///< it has an event whose stage nothing led to
    bool sealed : 1 = false;  ///< its oldest events are gone; Running::sealed has what they came to
    bool told : 1 = false;    ///< an alert told of an event that contradicts the graph

    bool has_pending() const {
        return std::any_of(record.obligations().begin(), record.obligations().end(),
                           [](const Obligation& o) { return o.pending(); });
    }
    bool in_flight() const {
        return std::any_of(record.obligations().begin(), record.obligations().end(),
                           [](const Obligation& o) { return o.open(); });
    }
};
static_assert(sizeof(Instance) == 56);

/// One thread. Indices are stable, and growth never copies. A new instance takes the
/// lowest index that is free, so that which one follows from those that live, also after a restart.
class InstancePool {
  public:
    size_t size() const { return index_.size(); }
    uint32_t end() const { return instances_.size(); }  ///< all indices are below
    Instance& at(uint32_t i) { return instances_[i]; }
    const Instance& at(uint32_t i) const { return instances_[i]; }

    static constexpr uint32_t kNone = 0xffffffff;
    uint32_t find(const Hash128& key) {
        const uint32_t* found = index_.find(key, [&](uint32_t i) { return at(i).key == key; });
        return found ? *found : kNone;
    }
    uint32_t index_of(const Hash128& key) const {
        return const_cast<InstancePool*>(this)->find(key);  // looking changes nothing
    }
    /// As SegmentedMap's; then likely() tells where the case probably is, or kNone.
    static constexpr size_t kPrefetchSteps = 3;
    void prefetch(const Hash128& key, size_t step) const { index_.prefetch(key, step); }
    uint32_t likely(const Hash128& key) const {
        const auto* entry = index_.likely(key);
        return entry ? entry->value : kNone;
    }
    /// The same of an instance whose place is known: it, and once that is there its record.
    void prefetch(uint32_t i) const {
        const Instance& instance = at(i);
        prefetch_line(&instance);
        prefetch_line(&instance.outcome);  // it may end in the next line
    }
    void prefetch_record(uint32_t i) const { at(i).record.prefetch(); }
    uint32_t add(const Hash128& key, uint16_t tenant) {
        uint32_t i = end();
        if (free_.empty()) {
            instances_.add();
        } else {
            i = free_.top();
            free_.pop();
            if (!free_.empty()) prefetch(free_.top());  // it will be the next one's turn
        }
        begin(i, key, tenant);
        return i;
    }
    /// Of a state that is loaded: above all that were put.
    void put(uint32_t i, const Hash128& key, uint16_t tenant) {
        while (end() < i) {
            free_.push(end());
            instances_.add();
        }
        instances_.add();
        begin(i, key, tenant);
    }
    void remove(uint32_t i) {
        Instance& instance = at(i);
        index_.erase(instance.key, [&](uint32_t other) { return other == i; });
        instance.live = false;
        instance.changed_in = 0;
        instance.record.clear();
        free_.push(i);
    }
    template <typename Visit>
    void for_each(Visit visit) const {
        for (uint32_t i = 0; i < end(); ++i)
            if (at(i).live) visit(i);
    }
    size_t bytes() const {
        size_t total = instances_.bytes() + index_.bytes();
        for_each([&](uint32_t i) { total += at(i).record.bytes(); });
        return total;
    }

  private:
    void begin(uint32_t i, const Hash128& key, uint16_t tenant) {
        Instance& instance = at(i);
        instance.~Instance();
        new (&instance) Instance{};
        instance.key = key;
        instance.tenant = tenant;
        instance.live = true;
        index_.insert(key, i);
    }

    PagedArray<Instance> instances_;
    std::priority_queue<uint32_t, std::vector<uint32_t>, std::greater<>> free_;
    SegmentedMap<uint32_t, KeyPart> index_;
};

}  // namespace penstock

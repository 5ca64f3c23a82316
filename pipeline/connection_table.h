// The sockets of a loop by their ids: what both mechanisms keep of a connection.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "pipeline/net_loop.h"

namespace penstock {

/// A slot's index in the low 32 bits of the id, its generation above: a dead id finds nothing.
template <typename Connection>
class ConnectionTable {
  public:
    explicit ConnectionTable(size_t max) : max_(max) {}

    bool full() const { return live_ == max_; }
    size_t live() const { return live_; }

    Connection* add() {
        uint32_t index;
        if (!free_.empty()) {
            index = free_.back();
            free_.pop_back();
        } else {
            index = static_cast<uint32_t>(slots_.size());
            slots_.emplace_back();
        }
        Slot& slot = slots_[index];
        ++slot.generation;
        slot.connection = std::make_unique<Connection>();
        slot.connection->id = uint64_t{slot.generation} << 32 | index;
        ++live_;
        return slot.connection.get();
    }
    Connection* find(ConnectionId id) const {
        const auto index = static_cast<uint32_t>(id);
        if (index >= slots_.size() || slots_[index].generation != static_cast<uint32_t>(id >> 32))
            return nullptr;
        return slots_[index].connection.get();
    }
    /// Whoever lives in the slot now; for callers that know that it has not changed hands.
    Connection* at_slot(uint32_t index) const {
        return index < slots_.size() ? slots_[index].connection.get() : nullptr;
    }
    void remove(ConnectionId id) {
        if (!find(id)) return;
        const auto index = static_cast<uint32_t>(id);
        slots_[index].connection.reset();
        free_.push_back(index);
        --live_;
    }
    template <typename Visit>
    void for_each(Visit visit) const {
        for (const Slot& slot : slots_)
            if (slot.connection) visit(*slot.connection);
    }

  private:
    struct Slot {
        uint32_t generation = 0;
        std::unique_ptr<Connection> connection;
    };
    std::vector<Slot> slots_;
    std::vector<uint32_t> free_;
    size_t max_;
    size_t live_ = 0;
};

}  // namespace penstock

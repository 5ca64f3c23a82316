// Named producers: where each one's sequence stands, and which connection speaks for it.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <span>

#include "pipeline/net_loop.h"
#include "schemas/log_record.h"

namespace penstock {

struct Hash128Hasher {
    size_t operator()(const Hash128& h) const { return h.lo; }
};

/// Intake thread.
class ProducerTable {
  public:
    struct Producer {
        uint64_t epoch = 1;
        uint64_t next_seq = 1;        ///< the sequence that is expected
        ConnectionId connection = 0;  ///< that speaks for it now; 0: none
    };

    /// Recovery: the log holds everything up to position.seq.
    void restore(const ProducerPosition& position) {
        producers_[position.producer] = {position.epoch, position.seq + 1, 0};
    }

    enum class Opened { kOk, kFenced };
    struct Opening {
        Opened result;
        Producer* producer;           ///< stays valid until the next open
        ConnectionId superseded = 0;  ///< must be told that it is fenced; 0: none
    };
    /// `epoch` 0: the current one. A higher one starts again at 1; the same takes over from a connection
    /// that may be half dead; a lower one is fenced.
    Opening open(const Hash128& name, uint64_t epoch, ConnectionId connection) {
        Producer& p = producers_[name];
        if (epoch == 0) epoch = p.epoch;
        if (epoch < p.epoch) return {Opened::kFenced, &p};
        const ConnectionId before = p.connection;
        if (epoch > p.epoch) p = {epoch, 1, 0};
        p.connection = connection;
        return {Opened::kOk, &p, before == connection ? 0 : before};
    }
    Producer* find(const Hash128& name) {
        const auto it = producers_.find(name);
        return it == producers_.end() ? nullptr : &it->second;
    }
    /// Returns whether nobody speaks for it now.
    bool closed(const Hash128& name, ConnectionId connection) {
        Producer* p = find(name);
        if (!p || p->connection != connection) return false;
        p->connection = 0;
        return true;
    }
    size_t size() const { return producers_.size(); }

  private:
    absl::flat_hash_map<Hash128, Producer, Hash128Hasher> producers_;
};

}  // namespace penstock

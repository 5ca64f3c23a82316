// What a region's database has of a log, read back as events.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "schemas/event_fields.h"
#include "schemas/identity.h"
#include "schemas/log_record.h"
#include "storage/event_log.h"
#include "storage/postgres.h"

namespace penstock {

/// One thread. Errors are PostgresError; behind one, or a visit that ended the reading, it is of no use any
/// more. Nothing is ever written.
class RegionalHistory {
  public:
    struct Options {
        std::string region;
        std::string dsn;
        int64_t timeout_ns = 30'000'000'000;  ///< one wait for the server
    };
    struct Row {
        Seq seq;
        StampNs received_ns;  ///< floor to a microsecond, as the producer's time is
        EventHead head;
        std::span<const uint8_t> bytes;  ///< an fb::Event; until the visit returns
    };
    /// Connects. `log` and `stop` outlive it. Throws std::runtime_error where the region does not know the
    /// log.
    RegionalHistory(const Options& options, const EventLog& log, const StopSignal& stop);

    /// All of the log that was received until then is there; 0: nothing is.
    StampNs reached_ns() const { return reached_ns_; }

    /// Events received in [from, to) in the order of the log, an hour a statement: no snapshot stays open for
    /// long. `hour_done` is told how far it came. Either answers whether to go on.
    void read(StampNs from_ns, StampNs to_ns, const std::function<bool(const Row&)>& visit,
              const std::function<bool(StampNs)>& hour_done);

    /// Subject, or id, of events received in [from, to). Those that are not there are missing.
    std::map<Seq, std::string> key_texts(const std::vector<Seq>& events, StampNs from_ns, StampNs to_ns);

  private:
    Row event_of_row(const PostgresResult& row);

    const EventLog& log_;
    PostgresConnection connection_;
    std::string log_number_;  ///< in this region
    StampNs reached_ns_ = 0;
    uint16_t region_ = 0;
    IdentityHasher hasher_;
    EventBuilder builder_;
};

}  // namespace penstock

// What takes events in, beside others that do. Each turn has a server of its own on a fresh folder, so that
// nobody's turn meets what another left behind.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "perf/support/bench.h"
#include "perf/support/event_feed.h"

namespace penstock::bench {

/// How a peer is driven.
struct Shape {
    size_t connections = 1;
    uint64_t window = 0;  ///< events under way unacknowledged, on all connections together; 0: no acks
};

struct Turn {
    std::string folder;  ///< exists and is empty
    EventFeed::Options feed;
    Shape shape;
    uint64_t warm_up = 0;  ///< events before those that are timed
    uint64_t events = 0;
};

class Contestant {
  public:
    struct Facts {
        std::string name;
        std::string durability;     ///< what holds when an event counts as taken in
        std::vector<Shape> shapes;  ///< that are tried; the best one is kept
        double guess = 100'000;     ///< events a second, for the first try
        double longer = 1;          ///< a turn's length; what works in steps is not to be measured by a few
    };
    explicit Contestant(Facts facts) : facts_(std::move(facts)) {}
    virtual ~Contestant() = default;

    const Facts& facts() const { return facts_; }
    /// Why it cannot run on this machine; empty: it can.
    virtual std::string missing() const { return ""; }
    /// Seconds from the first byte of the turn's events to the last one's acknowledgement. Throws CheckFailed
    /// where what arrived is not what was sent.
    virtual double run(const Turn& turn) = 0;

  private:
    const Facts facts_;
};

class RegionalCluster;
struct ContestOptions {
    std::string program;  ///< path of penstock
    uint64_t records = 400;
    std::shared_ptr<RegionalCluster> cluster;  ///< null: PostgreSQL is not installed
};
using Contestants = std::vector<std::unique_ptr<Contestant>>;
void add_penstock(const ContestOptions& options, Contestants& out);
void add_redis(Contestants& out);
void add_nats(Contestants& out);
void add_rabbitmq(Contestants& out);
void add_rsyslog(const ContestOptions& options, Contestants& out);
void add_limits(const ContestOptions& options, Contestants& out);

/// Path of an installed program, or empty. Debian keeps servers out of an ordinary user's PATH.
std::string find_program(const std::string& name);

}  // namespace penstock::bench

// Those who send events: named ones that keep what is not acknowledged and continue by sequence, anonymous
// ones that send it again by id; in lines or frames; some repeat, contradict themselves, vanish, come back
// under a higher epoch while the older one still speaks.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "admin/cli/answers.h"
#include "pipeline/clock.h"
#include "tests/simulation/checker.h"
#include "tests/simulation/network.h"

namespace penstock::simulation {

/// One thread. step() does one thing; in time everything is sent and answered, when the network lets it.
class Producer {
  public:
    struct Options {
        size_t number;
        bool named, binary;
        size_t events;     ///< how many to make
        unsigned faulty;   ///< percent of its lines that are refused
        unsigned poison;   ///< per thousand that a region refuses
        unsigned repeats;  ///< percent: sends again what was answered; anonymous: also with other content
        unsigned epochs;   ///< per thousand steps: a named one starts over with a higher epoch
        std::vector<std::string> regions;
        size_t keys;  ///< subjects
    };
    Producer(Options options, Network& network, Checker& checker, const Clock& clock, uint64_t seed);
    ~Producer();

    void step();
    /// Nothing new is made, nothing is repeated: only what is owed is sent until it is answered.
    void settle() { settling_ = true; }
    bool done() const;
    std::string describe() const;

  private:
    struct Session;
    void connect();
    void greet(Session& s);
    void send_some(Session& s);
    void listen(Session& s);
    void take(Session& s, const cli::Answer& answer);
    void take_welcome(Session& s, const cli::Answer& answer);
    void take_ack(Session& s, const cli::Answer& answer);
    void lost(Session& s);
    void start_over();
    void control(Session& s);
    MadeEvent make();
    void put(Session& s, const std::vector<const MadeEvent*>& events, uint64_t first_position);
    std::string who() const;

    const Options options_;
    Network& network_;
    Checker& checker_;
    const Clock& clock_;
    Random random_;
    bool settling_ = false;
    size_t made_ = 0;

    // Named: the events of this epoch by sequence - 1. Anonymous: all that it made.
    std::vector<MadeEvent> events_;
    uint64_t epoch_ = 1;
    uint64_t acked_ = 0;              ///< named: sequences answered for
    std::vector<size_t> unanswered_;  ///< anonymous: indices into events_, to send (again)
    std::unique_ptr<Session> session_;
    std::unique_ptr<Session> zombie_;  ///< of the epoch before
    std::vector<MadeEvent> zombie_events_;
};

}  // namespace penstock::simulation

// Byte streams between producers and the appliance: cut anywhere, slow, lost at any byte. NetLoop::create
// gives the appliance its end; producers use the Network itself.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>

#include "pipeline/net_loop.h"
#include "tests/support/seed.h"

namespace penstock::simulation {

using test::Random;

class Network;

/// The appliance's sockets. Tells at most one round a run_once, never waits.
class SimulatedLoop final : public NetLoop {
  public:
    SimulatedLoop(Network& network, NetHandler& handler) : network_(network), handler_(handler) {}
    ~SimulatedLoop() override;

    void run_once(int64_t timeout_ns) override;
    void wake() override {}
    void send(ConnectionId id, std::string_view bytes) override;
    size_t backlog_bytes(ConnectionId id) const override;
    void set_reading(ConnectionId id, bool reading) override;
    void close_after_send(ConnectionId id) override;
    void close_now(ConnectionId id, const std::string& reason) override;
    uint16_t port() const override { return 7400; }
    std::string_view backend() const override { return "simulated"; }

  private:
    Network& network_;
    NetHandler& handler_;
    std::deque<std::string> buffers_;  ///< of this round
};

/// One thread; one a simulation.
class Network {
  public:
    static Network& instance();
    void begin(uint64_t seed);

    // --- a producer's end ---
    /// 0: nobody listens.
    ConnectionId connect();
    /// Never blocks: what the other side does not read waits in between.
    void send(ConnectionId id, std::string_view bytes);
    /// No more will be sent; what was sent still arrives.
    void shut(ConnectionId id);
    /// What has arrived, a random part of it. False: the connection is gone, and everything was read.
    bool receive(ConnectionId id, std::string& into);
    /// The producer goes away. A part of what is under way may still arrive, as may the end of the stream.
    void abandon(ConnectionId id);
    size_t unread_bytes(ConnectionId id) const;
    std::string peer_of(ConnectionId id) const;

    // --- faults ---
    /// Loses a connection: both sides hear of it, what is under way arrives in part or not at all.
    void lose_any();

    size_t open_connections() const { return connections_.size(); }

  private:
    friend class SimulatedLoop;
    struct Connection {
        std::string inbound;    ///< to the appliance, not read by it yet
        std::string outbound;   ///< taken from the appliance, not read by the producer yet
        std::string unsent;     ///< by the appliance: its backlog
        bool accepted = false;  ///< the appliance knows of it
        bool reading = true;    ///< the appliance wants bytes
        bool shut = false;      ///< the producer sends no more
        bool end_told = false;
        bool closing = false;      ///< the appliance closes once it has sent
        bool lost = false;         ///< to be told to the appliance
        bool server_gone = false;  ///< the appliance has closed
        bool producer_gone = false;
    };
    Connection* find(ConnectionId id) {
        const auto it = connections_.find(id);
        return it == connections_.end() ? nullptr : &it->second;
    }
    void forget_if_done(ConnectionId id);
    void server_died();

    std::map<ConnectionId, Connection> connections_;
    ConnectionId next_id_ = 1;
    SimulatedLoop* loop_ = nullptr;  ///< who listens
    Random random_;
};

}  // namespace penstock::simulation

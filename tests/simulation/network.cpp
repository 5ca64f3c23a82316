#include "tests/simulation/network.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "schemas/limits.h"

namespace penstock {

/// Stands in for the one with real sockets, which is then not linked.
std::unique_ptr<NetLoop> NetLoop::create(const Options&, NetHandler& handler) {
    return std::make_unique<simulation::SimulatedLoop>(simulation::Network::instance(), handler);
}

}  // namespace penstock

namespace penstock::simulation {

Network& Network::instance() {
    static Network network;
    return network;
}

void Network::begin(uint64_t seed) {
    connections_.clear();
    next_id_ = 1;
    loop_ = nullptr;
    random_ = Random(seed ^ 0x2e7);
}

// --- a producer's end -------------------------------------------------------------------------------------

ConnectionId Network::connect() {
    if (!loop_) return 0;
    connections_.emplace(next_id_, Connection{});
    return next_id_++;
}

void Network::send(ConnectionId id, std::string_view bytes) {
    Connection* c = find(id);
    if (c && !c->shut && !c->server_gone && !c->lost) c->inbound += bytes;
}
void Network::shut(ConnectionId id) {
    if (Connection* c = find(id)) c->shut = true;
}

bool Network::receive(ConnectionId id, std::string& into) {
    Connection* c = find(id);
    if (!c) return false;
    const size_t part = random_.chance(60) ? c->outbound.size() : random_.below(c->outbound.size() + 1);
    into.append(c->outbound, 0, part);
    c->outbound.erase(0, part);
    if (!c->server_gone || !c->outbound.empty()) return true;
    c->producer_gone = true;
    forget_if_done(id);
    return false;
}

void Network::abandon(ConnectionId id) {
    Connection* c = find(id);
    if (!c) return;
    c->producer_gone = true;
    c->inbound.resize(random_.below(c->inbound.size() + 1));
    c->outbound.clear();
    if (random_.chance(50))
        c->shut = true;
    else
        c->lost = true;
    forget_if_done(id);
}

size_t Network::unread_bytes(ConnectionId id) const {
    const auto it = connections_.find(id);
    return it == connections_.end() ? 0 : it->second.inbound.size();
}

std::string Network::peer_of(ConnectionId id) const { return fmt::format("127.0.0.1:{}", id); }

void Network::lose_any() {
    if (connections_.empty()) return;
    auto it = connections_.begin();
    std::advance(it, static_cast<ptrdiff_t>(random_.below(connections_.size())));
    Connection& c = it->second;
    c.inbound.resize(random_.below(c.inbound.size() + 1));
    c.outbound.resize(random_.below(c.outbound.size() + 1));
    c.lost = true;
}

void Network::forget_if_done(ConnectionId id) {
    const auto it = connections_.find(id);
    if (it == connections_.end()) return;
    const Connection& c = it->second;
    if (c.producer_gone && (c.server_gone || (!c.accepted && (c.lost || !loop_)))) connections_.erase(it);
}

void Network::server_died() {
    std::vector<ConnectionId> ids;
    for (auto& [id, c] : connections_) {
        c.server_gone = true;
        c.inbound.clear();
        // The kernel may still deliver what it had taken, or reset the connection.
        if (random_.chance(50)) c.outbound.resize(random_.below(c.outbound.size() + 1));
        ids.push_back(id);
    }
    for (const ConnectionId id : ids) forget_if_done(id);
}

// --- the appliance's end ----------------------------------------------------------------------------------

SimulatedLoop::~SimulatedLoop() {
    network_.loop_ = nullptr;
    network_.server_died();
}

void SimulatedLoop::run_once(int64_t) {
    network_.loop_ = this;  // listens from its first round on
    buffers_.clear();
    Random& random = network_.random_;
    std::vector<ConnectionId> ids;
    for (const auto& [id, c] : network_.connections_) ids.push_back(id);
    std::rotate(ids.begin(), ids.begin() + static_cast<ptrdiff_t>(ids.empty() ? 0 : random.below(ids.size())),
                ids.end());
    for (const ConnectionId id : ids) {
        auto* c = network_.find(id);
        if (!c || c->server_gone || random.chance(20)) continue;  // not this round
        if (!c->accepted) {
            if (c->lost) {
                c->server_gone = true;
                network_.forget_if_done(id);
                continue;
            }
            c->accepted = true;
            if (!handler_.on_accept(id, network_.peer_of(id), true)) {
                c->server_gone = true;
                network_.forget_if_done(id);
                continue;
            }
        }
        if (!c->unsent.empty() && !c->producer_gone && !c->lost) {
            const size_t part = random.below(c->unsent.size() + 1);
            c->outbound.append(c->unsent, 0, part);
            c->unsent.erase(0, part);
        }
        if (c->closing && (c->unsent.empty() || c->producer_gone || c->lost)) {
            close_now(id, "");
            continue;
        }
        if (c->reading && !c->inbound.empty()) {
            const size_t most = std::min(c->inbound.size(), limits::kReceiveBufferBytes);
            const size_t part = random.chance(50) ? most : 1 + random.below(most);
            std::string& buffer = buffers_.emplace_back(c->inbound, 0, part);
            c->inbound.erase(0, part);
            buffer.append(64, '\0');
            handler_.on_data(id, {reinterpret_cast<const uint8_t*>(buffer.data()), part});
            c = network_.find(id);
            if (!c || c->server_gone) continue;
        }
        if (c->lost && (c->inbound.empty() || !c->reading)) {
            close_now(id, "the peer reset the connection");
        } else if (c->reading && c->inbound.empty() && c->shut && !c->end_told) {
            c->end_told = true;
            handler_.on_end_of_stream(id);
        }
    }
    handler_.on_round_end();
}

void SimulatedLoop::send(ConnectionId id, std::string_view bytes) {
    auto* c = network_.find(id);
    if (!c || c->server_gone || c->producer_gone || c->lost) return;
    c->unsent += bytes;
    const size_t part =
        network_.random_.chance(80) ? c->unsent.size() : network_.random_.below(c->unsent.size() + 1);
    c->outbound.append(c->unsent, 0, part);
    c->unsent.erase(0, part);
}

size_t SimulatedLoop::backlog_bytes(ConnectionId id) const {
    const auto* c = network_.find(id);
    return c ? c->unsent.size() : 0;
}

void SimulatedLoop::set_reading(ConnectionId id, bool reading) {
    if (auto* c = network_.find(id)) c->reading = reading;
}

void SimulatedLoop::close_after_send(ConnectionId id) {
    auto* c = network_.find(id);
    if (!c || c->server_gone) return;
    c->reading = false;
    c->closing = true;
    if (c->unsent.empty()) close_now(id, "");
}

void SimulatedLoop::close_now(ConnectionId id, const std::string& reason) {
    auto* c = network_.find(id);
    if (!c || c->server_gone) return;
    c->server_gone = true;
    c->inbound.clear();
    network_.forget_if_done(id);
    handler_.on_closed(id, reason);
}

}  // namespace penstock::simulation

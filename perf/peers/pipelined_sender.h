// Sends a feed's events to a peer over any number of connections, as fast as it acknowledges them: the same
// loop for all peers that acknowledge over the socket, and little work an event, so that two cores are the
// peer's. Only the words differ.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "perf/support/event_feed.h"

namespace penstock::bench {

/// How a peer's protocol says an event, and that it has it. One object a connection.
class Dialect {
  public:
    virtual ~Dialect() = default;
    virtual void append(std::string_view event, std::string& out) = 0;
    /// Takes whole answers off the front of `bytes`: returns their length, adds events that are now durable
    /// (as the peer means it) to `acked`, and what must be answered to `out`. Throws at an error.
    virtual size_t take(std::string_view bytes, uint64_t& acked, std::string& out) = 0;
};

/// One thread.
class PipelinedSender {
  public:
    /// `window`: events under way on all connections together.
    explicit PipelinedSender(uint64_t window);
    ~PipelinedSender();
    PipelinedSender(const PipelinedSender&) = delete;
    PipelinedSender& operator=(const PipelinedSender&) = delete;

    /// A socket that is ready for events; it is closed with this object, unless somebody else `owns` it.
    void add(int fd, std::unique_ptr<Dialect> dialect, bool owns = true);
    /// Seconds from the first byte to the last acknowledgement.
    double send(EventFeed& feed, uint64_t events);

  private:
    struct Lane;
    bool write_some(Lane& lane, EventFeed& feed, uint64_t& left);
    bool read_some(Lane& lane);

    const uint64_t window_;
    int epoll_ = -1;
    std::vector<std::unique_ptr<Lane>> lanes_;
    uint64_t acked_ = 0;
};

}  // namespace penstock::bench

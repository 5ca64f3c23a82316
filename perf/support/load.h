// Producers over TCP on loopback, in either format, that measure what a producer sees: closed loop (as fast
// as it is acknowledged) or open loop (each event at its time, whatever the answers do).
#pragma once

#include <sys/uio.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "admin/cli/answers.h"
#include "perf/support/event_feed.h"
#include "perf/support/latency.h"

namespace penstock::bench {

struct TenantKey {
    std::string tenant, key;
};

struct LoadOptions {
    uint16_t port = 0;
    EventFeed::Format format = EventFeed::Format::kJson;
    uint64_t events = 0;               ///< how many in all
    double rate = 0;                   ///< events a second; 0: closed loop
    size_t connections = 1;            ///< what is sent is dealt out to them in parts
    uint64_t window_events = 131'072;  ///< closed loop: at most so many unacknowledged, of all together
    std::vector<TenantKey> tenants =
        {};  ///< connections say hello as these, in turns; none: they say nothing
};

struct LoadReport {
    uint64_t handed = 0;  ///< events taken by the socket
    uint64_t acked = 0, stored = 0, duplicates = 0, refused = 0;
    double seconds = 0;        ///< first event handed over to last one acknowledged
    LatencyHistogram latency;  ///< open loop: intended time to durable ack
    double cpu_seconds = 0;    ///< of this thread
};

/// SIGINT and SIGTERM set a flag that every loop here looks at.
void catch_stop_signals();
bool stop_requested();

/// One thread; run() once.
class Load {
  public:
    Load(EventFeed& feed, const LoadOptions& options);
    ~Load();
    Load(const Load&) = delete;
    Load& operator=(const Load&) = delete;

    /// Sends all and waits for the last ack. Throws when the connection breaks, or an answer is an error.
    const LoadReport& run();

    /// Any thread, while run() runs.
    uint64_t handed_now() const { return handed_now_.load(std::memory_order_relaxed); }
    uint64_t acked_now() const { return acked_now_.load(std::memory_order_relaxed); }

  private:
    /// A part of the feed's block, on its way to one connection.
    struct Part {
        uint64_t first;  ///< number of its first event over all connections, from 0
        uint64_t events, acked;
        uint64_t body_bytes;
    };
    struct Connection {
        explicit Connection(bool binary) : answers(binary) {}
        int fd = -1;
        cli::AnswerReader answers;
        // What is being written: an events frame's head, and the part's bytes; a copy of them where others
        // take from the block meanwhile.
        wire::FrameHeader head{};
        size_t head_left = 0;
        std::span<const uint8_t> body_left;
        std::vector<uint8_t> body;
        uint64_t part_events = 0;

        std::deque<Part> parts;          // under way
        uint64_t taken = 0, handed = 0;  // events whose bytes were begun, and written
        uint64_t acked = 0, stored = 0, duplicates = 0, refused = 0;
        uint64_t credits = 4 << 20, credits_held = 0;  // binary
        bool full = false;                             // the socket takes no more
        bool ended = false, done = false;
    };

    void connect_to(Connection& connection);
    void say_hello(Connection& connection, const TenantKey& as);
    bool write_all(int64_t now_ns);
    bool write_some(Connection& connection, int64_t now_ns);
    bool read_ready(int64_t now_ns, bool may_wait);
    bool read_some(Connection& connection);
    void take_part(Connection& connection, int64_t now_ns);
    void take_answer(Connection& connection, const cli::Answer& answer, int64_t now_ns);
    void finish_sending(Connection& connection);
    uint64_t due_events(int64_t now_ns) const;
    int64_t wait_ns(int64_t now_ns) const;

    EventFeed& feed_;
    const LoadOptions options_;
    const bool binary_;
    int epoll_ = -1;
    std::vector<std::unique_ptr<Connection>> connections_;
    size_t turn_ = 0;  ///< who takes the next part
    LoadReport report_;
    uint64_t handed_over_ = 0;  ///< events whose bytes were begun
    int64_t start_ns_ = 0;
    std::atomic<uint64_t> handed_now_{0}, acked_now_{0};
};

/// Calls `look(number)` each `period_ns` from a thread of its own, until it is destroyed: the producer's
/// thread must not wait for what it is to measure. A look that throws ends the looking; finish() tells.
class Watcher {
  public:
    Watcher(int64_t period_ns, std::function<void(int)> look);
    ~Watcher();
    /// Ends it. Throws what a look threw.
    void finish();

  private:
    std::exception_ptr failure_;
    std::jthread thread_;
};

}  // namespace penstock::bench

// One producer over TCP on loopback, in either format, that measures what a producer sees: closed loop (as
// fast as it is acknowledged) or open loop (each event at its time, whatever the answers do).
#pragma once

#include <sys/uio.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <stop_token>
#include <thread>

#include "admin/cli/answers.h"
#include "perf/support/event_feed.h"
#include "perf/support/latency.h"

namespace penstock::bench {

struct LoadOptions {
    uint16_t port = 0;
    EventFeed::Format format = EventFeed::Format::kJson;
    uint64_t events = 0;               ///< how many in all
    double rate = 0;                   ///< events a second; 0: closed loop
    uint64_t window_events = 131'072;  ///< closed loop: at most so many unacknowledged
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
    bool write_some(int64_t now_ns);
    bool read_some();
    void take_part(int64_t now_ns);
    void wait(int64_t now_ns);
    void finish_sending();
    uint64_t due_events(int64_t now_ns) const;
    uint64_t under_way() const { return handed_over_ - report_.acked; }

    EventFeed& feed_;
    const LoadOptions options_;
    int fd_ = -1;
    cli::AnswerReader answers_;
    LoadReport report_;

    // What is being written: an events frame's head and a part of the feed's block.
    wire::FrameHeader head_{};
    size_t head_left_ = 0;
    std::span<const uint8_t> body_left_;
    uint64_t part_events_ = 0;

    uint64_t handed_over_ = 0;  // events whose bytes were begun
    uint64_t credits_ = 4 << 20, credits_held_ = 0;
    struct Frame {
        uint64_t through;
        uint64_t body_bytes;
    };
    std::deque<Frame> frames_;  // binary: under way
    int64_t start_ns_ = 0;
    bool ended_ = false, done_ = false;
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

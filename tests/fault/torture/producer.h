// A producer of the torture run: its own implementation of docs/wire_format.md, so that a fault of the
// program's client cannot hide one of the appliance.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "schemas/event_fields.h"
#include "tests/fault/torture/stream.h"

namespace penstock::test::torture {

/// Shared by the run and its producers.
struct Field {
    std::atomic<uint16_t> port{0};  ///< of the appliance; 0 while it is down
    std::atomic<bool> finish{false};
    std::atomic<bool> stop{false};

    void wrong(const std::string& what);
    std::vector<std::string> faults();

  private:
    std::mutex mutex_;
    std::vector<std::string> faults_;
};

/// A thread that sends events 1, 2, 3... at a bounded rate, reconnects whenever it loses the appliance, and
/// sends again what was not acknowledged (now and then also what was). After Field::finish it makes no new
/// events and ends when all are acknowledged.
class Producer {
  public:
    struct Options {
        size_t index;
        bool named, binary;
        uint64_t events_per_second;
    };
    Producer(const Options& options, Field& field);
    ~Producer();
    Producer(const Producer&) = delete;
    Producer& operator=(const Producer&) = delete;

    const Options& options() const { return options_; }
    std::string description() const;
    uint64_t acked() const { return acked_.load(); }
    uint64_t resent() const { return resent_.load(); }
    bool done() const { return done_.load(); }
    /// After the thread has ended.
    uint64_t made() const { return made_; }
    /// Events that must be refused, and when they were first sent (UTC ns). After the thread has ended.
    const std::map<uint64_t, StampNs>& refused() const { return refused_; }
    void join() { thread_.join(); }

  private:
    void run();
    void session(int fd);
    bool introduce(int fd);
    bool send_some(int fd);
    bool read_answers(int fd, int timeout_ms);
    void take_line(const std::string& line);
    void take_frame(uint8_t type, const std::string& body);
    void take_ack(uint64_t position);
    void take_refused(uint64_t position, const std::string& cause);
    std::string bytes_of(const std::vector<uint64_t>& numbers, uint64_t first_position);
    bool send_all(int fd, std::string_view bytes);
    void wrong(const std::string& what) { field_.wrong(description() + ": " + what); }

    const Options options_;
    Field& field_;
    Random random_;
    EventBuilder builder_;
    uint64_t made_ = 0;         ///< events 1..made_ exist
    uint64_t acked_below_ = 1;  ///< all below are acknowledged
    int64_t began_ns_ = 0;
    int64_t progress_ns_ = 0;  ///< when the last answer came

    // Of one connection.
    bool welcomed_ = false;
    uint64_t epoch_ = 0;
    uint64_t next_ = 1;               ///< event to send next
    uint64_t position_ = 1;           ///< of that event on this connection
    std::deque<uint64_t> under_way_;  ///< unnamed: the events behind the positions that are not answered
    uint64_t answered_ = 0;           ///< last position answered
    std::string received_;

    std::map<uint64_t, StampNs> refused_;
    std::atomic<uint64_t> acked_{0}, resent_{0};
    std::atomic<bool> done_{false};
    std::thread thread_;
};

}  // namespace penstock::test::torture

// The sender: takes lines from a source, sends them to an appliance in either format without waiting for
// each, and returns when every one is answered. docs/wire_format.md is the contract.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "admin/address.h"
#include "admin/cli/answers.h"
#include "admin/cli/frame_encoder.h"
#include "admin/cli/line_source.h"
#include "admin/cli/outbox.h"
#include "admin/cli/wire.h"
#include "pipeline/histogram.h"

namespace penstock::cli {

struct ClientOptions {
    HostPort to{"localhost", 7400};
    TlsTrust tls;
    std::string tenant, api_key, producer;  ///< all optional
    uint64_t epoch = 0;                     ///< of the producer; 0: the appliance's current one
    bool binary = false;
    bool backfill = false;  ///< the events are history: judged by their own times, alerting nobody
    double rate = 0;  ///< events a second, at their times whatever the answers do; 0: as fast as it goes
    double retry_for_s = 0;    ///< how long to try again after a lost connection
    bool retry_first = false;  ///< also where there has been no connection yet
};

struct SendReport {
    uint64_t sent = 0;   ///< events taken by the socket, each once
    uint64_t acked = 0;  ///< durably answered
    uint64_t stored = 0, duplicates = 0, refused = 0;
    uint64_t refused_here = 0;  ///< part of `refused`: never sent, because the appliance could not take them
    uint64_t skipped = 0;       ///< a named producer's events that were taken in an earlier run
    uint64_t unclassified = 0;  ///< durable, but the answer that told how was lost with a connection
    uint64_t resent = 0, reconnects = 0;
    double seconds = 0;
    Histogram latency_ns;  ///< hand-over (with a rate: intended time) to acknowledgement
    uint64_t latency_max_ns = 0;

    enum class End : uint8_t { kDone, kLost, kUnreachable, kRejected, kInterrupted } end = End::kDone;
    std::string error;  ///< one sentence, where the end is not kDone
};

/// Told of what happens, on the client's thread.
class ClientObserver {
  public:
    virtual ~ClientObserver() = default;
    virtual void on_refused(uint64_t line, std::string_view error, std::string_view detail) = 0;
    /// About ten times a second, and at the end.
    virtual void on_progress(const SendReport& so_far, std::optional<double> fraction) = 0;
    virtual void on_notice(std::string_view text) = 0;
};

/// One thread; run() once. Memory is bounded: what is unacknowledged is kept, at most kKeptBytesMax, and at
/// that bound nothing more is read. An interrupt (terminal.h) ends the reading; what was sent is waited for.
class Client {
  public:
    Client(const ClientOptions& options, LineSource& source, ClientObserver& observer);
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    const SendReport& run();

    static constexpr uint64_t kKeptBytesMax = 64ULL << 20;

  private:
    enum class Pump : uint8_t { kDone, kLost, kRejected, kInterrupted };
    static constexpr uint64_t kCreditsBeforeWelcome = 4ULL << 20;
    /// With a rate, events leave in groups of this much time: a write for each would cost more than the
    /// events.
    static constexpr int64_t kRateTick = 1'000'000;

    // client.cpp: the connection's life
    void connect();
    void disconnect();
    void greet();
    void resume(const Answer& welcome);
    bool wait_to_retry(const std::string& why);
    Pump pump();
    int64_t next_wakeup_ns(int64_t now_ns) const;
    void wait(int64_t now_ns);
    void report_progress(int64_t now_ns, bool always);

    // client_io.cpp: what happens in a turn of pump()
    bool fill(int64_t now_ns);
    bool skip_taken();
    void encode(const std::string& lines);
    void encode_control(std::string_view line);
    void push_frame();
    bool write_some(int64_t now_ns);
    bool read_some(int64_t now_ns);
    void take_answer(const Answer& answer, int64_t now_ns);
    void take_ack(const Answer& answer, int64_t now_ns);
    void acknowledge(uint64_t position, int64_t now_ns);
    void finish_sending();
    /// All that there is has been written: what comes later is new.
    bool nothing_held_back(int64_t now_ns) const;
    void tell_caught_up();
    void push_control(std::string bytes);

    bool all_written() const { return source_ended_ && outbox_.unwritten_bytes() == 0; }
    bool all_acked() const { return acked_ + 1 == next_position_; }
    bool named() const { return !options_.producer.empty(); }
    bool needs_hello() const;
    int64_t intended_ns(uint64_t position) const;
    /// How many events were taken from the source up to `position`.
    uint64_t taken_through(uint64_t position) const;
    uint64_t line_of(uint64_t position) const { return source_.line_of(taken_through(position)); }

    const ClientOptions options_;
    const TlsContext tls_context_;  ///< none: plain text
    bool told_caught_up_ = false;   ///< on this connection
    std::string last_notice_;
    int64_t told_ns_ = 0;  ///< while a welcome is awaited: when the appliance last said to wait
    LineSource& source_;
    ClientObserver& observer_;
    SendReport report_;

    // The stream of events, over all connections. Positions count sent events from 1; a named producer's are
    // its sequences.
    Outbox outbox_;
    FrameEncoder encoder_;
    std::string lines_;  // before they are encoded
    uint64_t next_position_ = 1, acked_ = 0, sent_through_ = 0;
    uint64_t skip_left_ = 0;
    std::vector<uint64_t>
        dropped_before_;  // for each event refused here: the position that would have been its
    bool source_ended_ = false, source_waits_ = false;
    uint64_t epoch_ = 0;
    int64_t start_ns_ = 0, next_group_ns_ = 0, last_progress_ns_ = 0, last_send_ns_ = 0, interrupted_ns_ = 0;
    uint64_t last_refused_ = 0;
    bool resumed_ = false;  // a named producer's first welcome has come

    // This connection.
    std::unique_ptr<Wire> wire_;
    std::unique_ptr<AnswerReader> answers_;
    uint64_t base_ = 0;  // position before this connection's first event
    uint64_t credits_ = 0;
    uint64_t stored_before_ = 0, duplicates_before_ = 0, refused_before_ = 0;  // of earlier connections
    uint64_t told_refused_ = 0;  // refusals up to here were told over an earlier connection
    int64_t connected_ns_ = 0;
    bool end_sent_ = false, done_ = false, lost_ = false, rejected_ = false, welcomed_ = false;
    std::string failure_;
    int64_t lost_since_ns_ = 0, retry_pause_ns_ = 0;
};

}  // namespace penstock::cli

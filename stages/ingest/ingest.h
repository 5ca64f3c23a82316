// ingest: sockets to raw events, and verdicts back to answers. Both formats of docs/wire_format.md.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "pipeline/clock.h"
#include "pipeline/net_loop.h"
#include "pipeline/telemetry.h"
#include "pipeline/token_bucket.h"
#include "schemas/identity.h"
#include "stages/ingest/connection.h"
#include "stages/ingest/intake_sink.h"
#include "stages/ingest/producers.h"

namespace penstock {

/// Intake thread. One round of do_work reads what the sockets have, runs it through the sink, and answers
/// what has become durable. Memory of a connection: about 400 bytes, the line or frame that has begun (at
/// most 1 MiB), and answers not taken (at most limits::kSendBacklogBytesMax and one round's).
class Ingest final : public NetHandler {
  public:
    struct Tenant {
        std::string name;
        uint16_t id;
        std::string key_hash;                      ///< empty: no key, loopback only
        double rate_limit = 0;                     ///< events a second; 0: none
        double burst = 0;                          ///< events that may come at once
        std::vector<std::string> other_keys = {};  ///< hashes; each is as good as key_hash
        bool enabled = true;
    };
    struct Options {
        NetLoop::Options net;
        int64_t idle_timeout_ns, stall_timeout_ns;
        uint64_t credits_bytes;
        std::string log_id;
        std::vector<uint8_t> hash_secret;
        std::vector<Tenant> tenants;  ///< the first is `default`
    };
    Ingest(Options options, IntakeSink& sink, Telemetry& telemetry, const Clock& clock);

    /// Waits at most `timeout_ns` for sockets. Returns how many raw events came.
    size_t do_work(int64_t timeout_ns);
    /// From any thread: something has become durable, or there is a request.
    void wake() { loop_->wake(); }
    /// A tenant that is new, or has changed, by its id: from now on it is as told. Connections that it would
    /// not have let in are closed, with the cause, behind what they are owed. Between rounds.
    void set_tenant(const Tenant& tenant);
    /// Recovery, before the first do_work.
    void restore_producer(const ProducerPosition& position) { producers_.restore(position); }
    /// Graceful stop: no connection is read any more; true once every answer owed has been sent.
    bool drained();
    void stop_reading();
    /// The intake thread: `events` of the tenant that came another way count towards its rate. 0: they may be
    /// taken; else the tenant is over its rate for so long, or disabled, and nothing was counted.
    int64_t charge(uint16_t tenant, size_t events);
    static constexpr int64_t kTenantDisabled = -1;

    uint16_t port() const { return loop_->port(); }
    std::string_view backend() const { return loop_->backend(); }

    // NetHandler
    bool on_accept(ConnectionId id, const std::string& peer, bool loopback) override;
    void on_data(ConnectionId id, std::span<const uint8_t> data) override;
    void on_end_of_stream(ConnectionId id) override;
    void on_closed(ConnectionId id, const std::string& reason) override;
    void on_round_end() override;

  private:
    using Connection = IngestConnection;

    // ndjson.cpp
    void read_lines(Connection& c, std::span<const uint8_t> data);
    void take_line(Connection& c, std::span<const uint8_t> line);
    bool take_control_line(Connection& c, std::span<const uint8_t> line);
    void discard_line(Connection& c, std::span<const uint8_t> part, bool ends);

    // frames.cpp
    void read_frames(Connection& c, std::span<const uint8_t> data);
    void take_frame(Connection& c, std::span<const uint8_t> frame);
    void take_event_frame(Connection& c, std::span<const uint8_t> frame);

    // session.cpp
    void hello(Connection& c, std::string_view json);
    bool introduce_anonymous(Connection& c);
    void watermark(Connection& c, std::string_view json);
    void fail(Connection& c, Refusal cause, const std::string& detail);
    void end_of_stream(Connection& c);
    void check_timeouts(int64_t now_ns);
    void note_presence(ControlKind kind, const Connection& c);
    void note_gone(const Connection& c);
    void drop_unwelcome(Connection& c);

    // ingest.cpp
    void add_raw(Connection& c, std::span<const uint8_t> bytes, RawEvent::Format format, uint64_t position);
    void refuse_whole(Connection& c, uint64_t position, uint64_t count, Refusal cause, std::string detail,
                      DeadLetter letter);
    DeadLetter letter_for(const Connection& c, uint64_t position) const;
    void process();
    void account();
    void resent(Connection& c);
    void read(Connection& c, std::span<const uint8_t> data);
    void touch(Connection& c);
    void answer_durable();
    void send_ack(Connection& c);
    void finish_if_done(Connection& c);

    // flow.cpp
    bool readable(const Connection& c) const;
    void update_reading(Connection& c);
    void hold(Connection& c, std::span<const uint8_t> data);
    void resume();
    void release(Connection& c);
    void charge_tenants();
    void join_tenant(Connection& c);
    void limit(Connection& c, int64_t now_ns);
    void notice(Connection& c, std::string_view kind, int64_t retry_after_ms, const std::string& detail);
    void notice_overloaded(Connection& c);
    void apply_backpressure();

    /// Keeps bytes readable until the round has been processed.
    std::span<const uint8_t> keep_for_round(std::vector<uint8_t>&& bytes);
    Connection* find(ConnectionId id) {
        const auto it = connections_.find(id);
        return it == connections_.end() ? nullptr : it->second.get();
    }

    const Options options_;
    IntakeSink& sink_;
    Telemetry& telemetry_;
    const Clock& clock_;
    IdentityHasher hasher_;
    ProducerTable producers_;
    absl::flat_hash_map<ConnectionId, std::unique_ptr<Connection>> connections_;

    WorkBatch work_;
    std::vector<Connection*> sources_;  ///< beside WorkBatch::sources
    std::vector<std::vector<uint8_t>> kept_;
    std::vector<ConnectionId> touched_, paused_, closed_;
    size_t received_ = 0;

    struct TenantFlow {
        Tenant facts;  ///< no name: there is none with this id
        TokenBucket bucket{0, 0};
        uint64_t uncharged = 0;  ///< events since the last charge
        uint32_t unnamed_senders = 0;
        int64_t clear_ns = 0;  ///< not read until then; 0: it is read
    };
    TenantFlow& flow_of(const Tenant& tenant);
    std::vector<TenantFlow> tenants_;  ///< by id
    int64_t next_clear_ns_ = 0;        ///< the earliest clear_ns; 0: none
    int64_t round_ns_ = 0;             ///< when this round's bytes were read

    /// An answer that waits for its record to be durable.
    struct Owed {
        uint64_t position;
        ConnectionId connection;
        AckCounts counts;
        std::string refused;
        int64_t read_ns;
    };
    std::deque<Owed> owed_;
    int64_t next_timeout_check_ns_ = 0;
    bool reading_ = true, stopping_ = false;
    std::unique_ptr<NetLoop> loop_;  // last: its handler is this
};

}  // namespace penstock

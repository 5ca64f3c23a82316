// RabbitMQ: persistent messages into a durable queue, with publisher confirms.
#include "perf/peers/contestant.h"

#ifdef PENSTOCK_BENCH_RABBITMQ
#include <amqp.h>
#include <amqp_tcp_socket.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "perf/peers/pipelined_sender.h"
#include "perf/support/child_process.h"
#include "perf/support/id_digest.h"
#include "perf/support/loopback.h"
#endif

namespace penstock::bench {
#ifdef PENSTOCK_BENCH_RABBITMQ
namespace {

uint64_t big_endian(std::string_view bytes, size_t at, size_t count) {
    uint64_t value = 0;
    for (size_t i = at; i < at + count; ++i) value = value << 8 | static_cast<uint8_t>(bytes[i]);
    return value;
}

/// A connection with one channel, which confirms. The library opens and closes it.
class Channel {
  public:
    explicit Channel(uint16_t port) : connection_(amqp_new_connection()) {
        amqp_socket_t* socket = amqp_tcp_socket_new(connection_);
        if (!socket || amqp_socket_open(socket, "127.0.0.1", port) != AMQP_STATUS_OK)
            throw std::runtime_error("cannot connect to rabbitmq");
        check(amqp_login(connection_, "/", 0, AMQP_DEFAULT_FRAME_SIZE, 0, AMQP_SASL_METHOD_PLAIN, "guest",
                         "guest"));
        amqp_channel_open(connection_, 1);
        check(amqp_get_rpc_reply(connection_));
        amqp_queue_declare(connection_, 1, amqp_cstring_bytes("e"), 0, 1, 0, 0, amqp_empty_table);
        check(amqp_get_rpc_reply(connection_));
    }
    ~Channel() { amqp_destroy_connection(connection_); }
    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;

    int confirming_socket() {
        amqp_confirm_select(connection_, 1);
        check(amqp_get_rpc_reply(connection_));
        return amqp_get_sockfd(connection_);
    }
    IdDigest drain(uint64_t events) {
        amqp_basic_consume(connection_, 1, amqp_cstring_bytes("e"), amqp_empty_bytes, 0, 1, 0,
                           amqp_empty_table);
        check(amqp_get_rpc_reply(connection_));
        IdDigest found;
        const timeval patience{60, 0};
        while (found.count() < events) {
            amqp_maybe_release_buffers(connection_);
            amqp_envelope_t envelope;
            check(amqp_consume_message(connection_, &envelope, &patience, 0));
            found.add_event(
                {static_cast<const char*>(envelope.message.body.bytes), envelope.message.body.len});
            amqp_destroy_envelope(&envelope);
        }
        return found;
    }

  private:
    static void check(const amqp_rpc_reply_t& reply) {
        if (reply.reply_type == AMQP_RESPONSE_NORMAL) return;
        throw std::runtime_error(reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION
                                     ? fmt::format("rabbitmq: {}", amqp_error_string2(reply.library_error))
                                     : "rabbitmq refuses a request");
    }
    amqp_connection_state_t connection_;
};

/// Basic.Publish, a content header with delivery mode 2, and the body: AMQP 0-9-1, sections 2.3.5 and 1.8.3.
class AmqpDialect final : public Dialect {
  public:
    void append(std::string_view event, std::string& out) override {
        constexpr std::string_view kPublish(
            "\x01\0\x01\0\0\0\x0a\0\x3c\0\x28\0\0\0\x01"
            "e\0\xce",
            18);
        constexpr std::string_view kHeader("\x02\0\x01\0\0\0\x0f\0\x3c\0\0", 11);
        constexpr std::string_view kPersistent("\x10\0\x02\xce", 4);
        constexpr std::string_view kBody("\x03\0\x01", 3);
        out += kPublish;
        out += kHeader;
        add_number(event.size(), 8, out);
        out += kPersistent;
        out += kBody;
        add_number(event.size(), 4, out);
        out += event;
        out += '\xce';
    }
    size_t take(std::string_view bytes, uint64_t& acked, std::string&) override {
        constexpr uint64_t kAck = 60u << 16 | 80;
        size_t taken = 0;
        for (;;) {
            const std::string_view rest = bytes.substr(taken);
            if (rest.size() < 8) return taken;
            const size_t size = big_endian(rest, 3, 4);
            if (rest.size() < size + 8) return taken;
            const uint64_t method = rest.front() == 1 ? big_endian(rest, 7, 4) : 0;
            if (method != kAck)
                throw std::runtime_error(fmt::format("rabbitmq says {:#x} instead of a confirm", method));
            acked += confirm(big_endian(rest, 11, 8), rest[19] != 0);
            taken += size + 8;
        }
    }

  private:
    static void add_number(uint64_t value, size_t bytes, std::string& out) {
        for (size_t i = bytes; i-- > 0;) out += static_cast<char>(value >> (8 * i));
    }
    /// How many the confirm adds. It may stand for all before it, and they come out of order.
    uint64_t confirm(uint64_t tag, bool all_before) {
        if (!all_before) {
            expect(tag > below_ && alone_.insert(tag).second, "rabbitmq confirms a message twice");
            return 1;
        }
        const auto end = alone_.upper_bound(tag);
        const auto known = static_cast<uint64_t>(std::distance(alone_.begin(), end));
        alone_.erase(alone_.begin(), end);
        const uint64_t fresh = tag - below_ - known;
        below_ = tag;
        while (!alone_.empty() && *alone_.begin() == below_ + 1) {
            alone_.erase(alone_.begin());
            ++below_;
        }
        return fresh;
    }
    uint64_t below_ = 0;  ///< confirmed up to here
    std::set<uint64_t> alone_;
};

/// Erlang's port mapper and the broker, on loopback, with nothing of /etc.
class Broker {
  public:
    explicit Broker(const std::string& folder)
        : port_(free_port()),
          mapper_port_(free_port()),
          environment_{"HOME=" + folder,
                       fmt::format("ERL_EPMD_PORT={}", mapper_port_),
                       "ERL_EPMD_ADDRESS=127.0.0.1",
                       fmt::format("RABBITMQ_NODENAME=bench{}@localhost", getpid()),
                       fmt::format("RABBITMQ_NODE_PORT={}", port_),
                       "RABBITMQ_NODE_IP_ADDRESS=127.0.0.1",
                       fmt::format("RABBITMQ_DIST_PORT={}", free_port()),
                       "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-kernel inet_dist_use_interface {127,0,0,1}",
                       "RABBITMQ_CONF_ENV_FILE=" + folder + "/none",
                       "RABBITMQ_CONFIG_FILE=" + folder + "/rabbitmq",
                       "RABBITMQ_MNESIA_BASE=" + folder + "/mnesia",
                       "RABBITMQ_LOG_BASE=" + folder + "/log",
                       "RABBITMQ_ENABLED_PLUGINS_FILE=" + folder + "/plugins",
                       "RABBITMQ_PID_FILE=" + folder + "/pid"},
          mapper_({{"epmd", "-address", "127.0.0.1", "-port", std::to_string(mapper_port_)},
                   {},
                   folder,
                   folder + "/epmd.log"}) {
        std::ofstream(folder + "/plugins") << "[].\n";
        std::ofstream(folder + "/rabbitmq.conf") << "log.file.level = warning\n";
        mapper_.wait_until([&] { return listens(mapper_port_); });
        broker_ = std::make_unique<ChildProcess>(
            ChildProcess::Options{{program()}, environment_, folder, folder + "/server.log"});
        broker_->wait_until([&] { return listens(port_); });
    }
    uint16_t port() const { return port_; }

    /// Not Debian's wrapper: it wants to be root or its own user.
    static std::string program() {
        std::error_code ignored;
        for (const auto& version : std::filesystem::directory_iterator("/usr/lib/rabbitmq/lib", ignored)) {
            const auto path = version.path() / "sbin/rabbitmq-server";
            if (std::filesystem::exists(path)) return path;
        }
        return "";
    }

  private:
    const uint16_t port_, mapper_port_;
    const std::vector<std::string> environment_;
    ChildProcess mapper_;
    std::unique_ptr<ChildProcess> broker_;
};

class RabbitMq final : public Contestant {
  public:
    using Contestant::Contestant;

    std::string missing() const override {
        return Broker::program().empty() ? "rabbitmq-server is not installed" : "";
    }

    double run(const Turn& turn) override {
        Broker broker(turn.folder);
        EventFeed feed(turn.feed);
        double seconds = 0;
        {
            std::vector<std::unique_ptr<Channel>> channels;
            PipelinedSender sender(turn.shape.window);
            for (size_t i = 0; i < turn.shape.connections; ++i) {
                channels.push_back(std::make_unique<Channel>(broker.port()));
                sender.add(channels.back()->confirming_socket(), std::make_unique<AmqpDialect>(), false);
            }
            sender.send(feed, turn.warm_up);
            seconds = sender.send(feed, turn.events);
        }
        Channel(broker.port())
            .drain(turn.warm_up + turn.events)
            .expect_same(digest_of_feed(turn.feed, turn.warm_up + turn.events, Repeats::kKept),
                         order_over(turn.shape.connections));
        return seconds;
    }
};

}  // namespace

void add_rabbitmq(Contestants& out) {
    out.push_back(std::make_unique<RabbitMq>(
        Contestant::Facts{"rabbitmq_confirms",
                          "confirmed after fsync (durable queue, persistent messages)",
                          {{1, 2048}, {1, 16'384}, {4, 8192}},
                          30'000}));
}

#else

void add_rabbitmq(Contestants& out) {
    struct Absent final : Contestant {
        Absent() : Contestant({"rabbitmq_confirms", "", {}}) {}
        std::string missing() const override { return "built without librabbitmq-dev"; }
        double run(const Turn&) override { return 0; }
    };
    out.push_back(std::make_unique<Absent>());
}

#endif
}  // namespace penstock::bench

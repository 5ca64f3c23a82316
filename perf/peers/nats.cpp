// NATS JetStream: a publication an event into a stream on files, each answered by the stream.
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "perf/peers/contestant.h"
#include "perf/peers/line_socket.h"
#include "perf/peers/pipelined_sender.h"
#include "perf/support/child_process.h"
#include "perf/support/id_digest.h"
#include "perf/support/loopback.h"

namespace penstock::bench {
namespace {

constexpr std::string_view kStream =
    R"({"name":"E","subjects":["e"],"storage":"file","retention":"limits","discard":"new","num_replicas":1,"max_consumers":-1,"max_msgs":-1,"max_bytes":-1,"max_age":0})";
constexpr std::string_view kConsumer =
    R"({"stream_name":"E","config":{"deliver_subject":"_INBOX.read","deliver_policy":"all","ack_policy":"none","replay_policy":"instant"}})";

/// Length of the payload that follows "MSG <subject> <subscription> [<reply>] <length>".
size_t payload_bytes(std::string_view line) {
    if (!line.starts_with("MSG ")) throw std::runtime_error(fmt::format("nats says {}", line));
    return std::stoull(std::string(line.substr(line.rfind(' ') + 1)));
}

void check_reply(std::string_view reply) {
    if (reply.find(R"("error")") != reply.npos)
        throw std::runtime_error(fmt::format("nats answers {}", reply));
}

class NatsDialect final : public Dialect {
  public:
    explicit NatsDialect(size_t number) : head_(fmt::format("PUB e _INBOX.{} ", number)) {}

    void append(std::string_view event, std::string& out) override {
        out += head_;
        fmt::format_to(std::back_inserter(out), "{}\r\n", event.size());
        out += event;
        out += "\r\n";
    }
    size_t take(std::string_view bytes, uint64_t& acked, std::string& out) override {
        size_t taken = 0;
        for (;;) {
            const std::string_view rest = bytes.substr(taken);
            const size_t end = rest.find("\r\n");
            if (end == rest.npos) return taken;
            if (rest.starts_with("PING")) {
                out += "PONG\r\n";
                taken += end + 2;
                continue;
            }
            const size_t size = payload_bytes(rest.substr(0, end));
            if (rest.size() < end + 2 + size + 2) return taken;
            check_reply(rest.substr(end + 2, size));
            taken += end + 2 + size + 2;
            ++acked;
        }
    }

  private:
    const std::string head_;
};

class Nats final : public Contestant {
  public:
    Nats(Facts facts, std::string sync) : Contestant(std::move(facts)), sync_(std::move(sync)) {}

    std::string missing() const override {
        if (find_program("nats-server").empty()) return "nats-server is not installed";
        const auto config = std::filesystem::temp_directory_path() / fmt::format("nats-{}.conf", getpid());
        write_config(config, 4222, "/nonexistent");
        const int code = std::system(
            fmt::format("'{}' -t -c '{}' >/dev/null 2>&1", find_program("nats-server"), config.string())
                .c_str());
        std::filesystem::remove(config);
        return code == 0 ? "" : "this version of nats-server does not know sync_interval";
    }

    double run(const Turn& turn) override {
        const uint16_t port = free_port();
        write_config(turn.folder + "/nats.conf", port, turn.folder + "/store");
        ChildProcess server({{find_program("nats-server"), "-c", turn.folder + "/nats.conf"},
                             {},
                             turn.folder,
                             turn.folder + "/server.log"});
        server.wait_until([&] { return listens(port); });
        LineSocket manager(port);
        greet(manager);
        request(manager, "$JS.API.STREAM.CREATE.E", kStream);
        EventFeed feed(turn.feed);
        PipelinedSender sender(turn.shape.window);
        for (size_t i = 0; i < turn.shape.connections; ++i) {
            LineSocket socket(port);
            greet(socket);
            socket.say(fmt::format("SUB _INBOX.{} 1\r\nPING\r\n", i));
            await_pong(socket);
            sender.add(socket.release(), std::make_unique<NatsDialect>(i));
        }
        sender.send(feed, turn.warm_up);
        const double seconds = sender.send(feed, turn.events);
        read_back(manager, turn.warm_up + turn.events)
            .expect_same(digest_of_feed(turn.feed, turn.warm_up + turn.events, Repeats::kKept),
                         order_over(turn.shape.connections));
        return seconds;
    }

  private:
    void write_config(const std::filesystem::path& path, uint16_t port, const std::string& store) const {
        std::ofstream(path) << fmt::format(
            "listen: \"127.0.0.1:{}\"\nmax_pending: 1073741824\njetstream {{\n  store_dir: \"{}\"\n{}}}\n",
            port, store, sync_.empty() ? "" : fmt::format("  sync_interval: {}\n", sync_));
    }
    static void await_pong(LineSocket& socket) {
        const std::string line(socket.line());
        expect(line == "PONG", fmt::format("nats says {}", line));
    }
    static void greet(LineSocket& socket) {
        expect(socket.line().starts_with("INFO "), "nats does not say what it is");
        socket.say(
            "CONNECT {\"verbose\":false,\"pedantic\":false,\"lang\":\"c\",\"version\":\"1\"}\r\nPING\r\n");
        await_pong(socket);
    }
    static std::string next_message(LineSocket& socket) {
        std::string line(socket.line());
        for (; line == "PING"; line = socket.line()) socket.say("PONG\r\n");
        const size_t size = payload_bytes(line);
        std::string payload(socket.bytes(size + 2));
        payload.resize(size);
        return payload;
    }
    static void request(LineSocket& socket, std::string_view subject, std::string_view body) {
        socket.say(fmt::format("SUB _INBOX.reply 1\r\nPUB {} _INBOX.reply {}\r\n{}\r\n", subject, body.size(),
                               body));
        check_reply(next_message(socket));
        socket.say("UNSUB 1\r\n");
    }
    static IdDigest read_back(LineSocket& socket, uint64_t events) {
        socket.say(fmt::format("SUB _INBOX.read 2\r\nPUB $JS.API.CONSUMER.CREATE.E _INBOX.none {}\r\n{}\r\n",
                               kConsumer.size(), kConsumer));
        IdDigest found;
        while (found.count() < events) found.add_event(next_message(socket));
        return found;
    }

    const std::string sync_;
};

}  // namespace

void add_nats(Contestants& out) {
    const auto add = [&](const std::string& name, const std::string& durability, const std::string& sync,
                         const std::vector<Shape>& shapes, double guess) {
        out.push_back(std::make_unique<Nats>(Contestant::Facts{name, durability, shapes, guess}, sync));
    };
    const std::string by_default = "acked before fsync: up to 2 min lost (sync_interval 2m, the default)";
    add("nats_file", by_default, "", {{1, 1024}, {1, 4096}, {1, 16'384}}, 200'000);
    add("nats_file_many", by_default, "", {{4, 8192}, {16, 16'384}, {100, 65'536}}, 200'000);
    add("nats_file_sync_always", "acked after fsync (sync_interval always)", "always",
        {{1, 1024}, {16, 16'384}, {100, 65'536}}, 2'000);
}

}  // namespace penstock::bench

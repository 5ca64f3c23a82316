// Redis Streams: an XADD an event, pipelined, appended to an append-only file.
#include "perf/peers/contestant.h"
#include "perf/peers/line_socket.h"
#include "perf/peers/pipelined_sender.h"
#include "perf/support/child_process.h"
#include "perf/support/id_digest.h"
#include "perf/support/loopback.h"

namespace penstock::bench {
namespace {

constexpr size_t kPage = 5000;  // entries of an XRANGE

class RedisDialect final : public Dialect {
  public:
    void append(std::string_view event, std::string& out) override {
        fmt::format_to(std::back_inserter(out),
                       "*5\r\n$4\r\nXADD\r\n$1\r\ne\r\n$1\r\n*\r\n$1\r\nd\r\n${}\r\n", event.size());
        out += event;
        out += "\r\n";
    }
    /// The entry's id, as a bulk string: "$15\r\n1767225600000-0\r\n".
    size_t take(std::string_view bytes, uint64_t& acked, std::string&) override {
        size_t taken = 0;
        for (;;) {
            const std::string_view rest = bytes.substr(taken);
            if (!rest.empty() && rest.front() != '$')
                throw std::runtime_error(fmt::format("redis answers {}", rest.substr(0, rest.find('\r'))));
            const size_t head = rest.find("\r\n");
            if (head == rest.npos) return taken;
            const size_t end = rest.find("\r\n", head + 2);
            if (end == rest.npos) return taken;
            taken += end + 2;
            ++acked;
        }
    }
};

class Redis final : public Contestant {
  public:
    Redis(Facts facts, std::string fsync) : Contestant(std::move(facts)), fsync_(std::move(fsync)) {}

    std::string missing() const override {
        return find_program("redis-server").empty() ? "redis-server is not installed" : "";
    }

    double run(const Turn& turn) override {
        const uint16_t port = free_port();
        // A rewrite of the file would only cost it time.
        ChildProcess server({{find_program("redis-server"), "--bind", "127.0.0.1", "--port",
                              std::to_string(port), "--dir", turn.folder, "--save", "", "--appendonly", "yes",
                              "--appendfsync", fsync_, "--auto-aof-rewrite-percentage", "0"},
                             {},
                             turn.folder,
                             turn.folder + "/server.log"});
        server.wait_until([&] { return listens(port); });
        EventFeed feed(turn.feed);
        double seconds = 0;
        {
            PipelinedSender sender(turn.shape.window);
            for (size_t i = 0; i < turn.shape.connections; ++i)
                sender.add(connect_loopback(port), std::make_unique<RedisDialect>());
            sender.send(feed, turn.warm_up);
            seconds = sender.send(feed, turn.events);
        }
        read_back(port).expect_same(digest_of_feed(turn.feed, turn.warm_up + turn.events, Repeats::kKept),
                                    order_over(turn.shape.connections));
        return seconds;
    }

  private:
    static size_t counted(std::string_view line, char kind) {
        expect(!line.empty() && line.front() == kind, fmt::format("redis answers {}", line));
        return std::stoull(std::string(line.substr(1)));
    }
    static std::string bulk(LineSocket& socket) {
        const size_t size = counted(socket.line(), '$');
        std::string text(socket.bytes(size + 2));
        text.resize(size);
        return text;
    }
    static IdDigest read_back(uint16_t port) {
        LineSocket socket(port);
        IdDigest found;
        std::string from = "-";
        for (;;) {
            socket.say(
                fmt::format("*6\r\n$6\r\nXRANGE\r\n$1\r\ne\r\n${}\r\n{}\r\n$1\r\n+\r\n"
                            "$5\r\nCOUNT\r\n$4\r\n{}\r\n",
                            from.size(), from, kPage));
            const size_t entries = counted(socket.line(), '*');
            for (size_t i = 0; i < entries; ++i) {
                counted(socket.line(), '*');
                from = "(" + bulk(socket);
                counted(socket.line(), '*');
                bulk(socket);
                found.add_event(bulk(socket));
            }
            if (entries < kPage) return found;
        }
    }

    const std::string fsync_;
};

}  // namespace

void add_redis(Contestants& out) {
    // Redis takes 16 KB of a connection, turns to the next, and syncs after all of them: more connections
    // make larger groups for a sync. So it is measured both ways.
    const auto add = [&](const std::string& fsync, const std::string& durability, double guess) {
        const std::vector<Shape> one{{1, 1024}, {1, 8192}, {1, 65'536}};
        const std::vector<Shape> many{{16, 8192}, {64, 16'384}, {100, 65'536}};
        out.push_back(
            std::make_unique<Redis>(Contestant::Facts{"redis_" + fsync, durability, one, guess}, fsync));
        out.push_back(std::make_unique<Redis>(
            Contestant::Facts{"redis_" + fsync + "_many", durability, many, 3 * guess}, fsync));
    };
    add("always", "acked after fsync (appendfsync always)", 120'000);
    add("everysec", "acked before fsync: up to 1 s lost (appendfsync everysec)", 150'000);
}

}  // namespace penstock::bench

// rsyslog: lines over TCP, through a queue in memory, into a table by transactions of many INSERTs.
#include <filesystem>
#include <fstream>

#include "perf/peers/contestant.h"
#include "perf/peers/line_socket.h"
#include "perf/peers/table.h"
#include "perf/support/child_process.h"
#include "perf/support/loopback.h"
#include "perf/support/regional_cluster.h"

namespace penstock::bench {
namespace {

/// rsyslog takes a connection string without blanks only.
std::string uri_of(const std::string& dsn) {
    std::string out = "postgresql:///?";
    for (const char c : dsn) out += c == ' ' ? '&' : c;
    return out;
}

/// The table takes whole lines, without an index: the least that anybody could ask of it.
std::string config_of(uint16_t port, const std::string& folder, const std::string& dsn) {
    return fmt::format(R"CONF(global(workDirectory="{1}" maxMessageSize="64k")
module(load="imtcp")
module(load="ompgsql")
template(name="row" type="string" option.stdsql="on" string="INSERT INTO peers.event (event) VALUES ('%rawmsg%')")
ruleset(name="store" queue.type="FixedArray" queue.size="500000" queue.dequeueBatchSize="4096"
        queue.workerThreads="2" queue.workerThreadMinimumMessages="10000" queue.timeoutEnqueue="60000") {{
    action(type="ompgsql" conninfo="{2}" template="row")
}}
input(type="imtcp" address="127.0.0.1" port="{0}" ruleset="store")
)CONF",
                       port, folder, uri_of(dsn));
}

class Rsyslog final : public Contestant {
  public:
    Rsyslog(Facts facts, std::shared_ptr<RegionalCluster> cluster)
        : Contestant(std::move(facts)), cluster_(std::move(cluster)) {}

    std::string missing() const override {
        if (find_program("rsyslogd").empty()) return "rsyslog is not installed";
        std::error_code ignored;
        for (const auto& place : std::filesystem::directory_iterator("/usr/lib", ignored))
            if (std::filesystem::exists(place.path() / "rsyslog/ompgsql.so", ignored))
                return cluster_ ? "" : "PostgreSQL is not installed";
        return "rsyslog-pgsql is not installed";
    }

    double run(const Turn& turn) override {
        const RegionalCluster::Running database(*cluster_);
        Table table(cluster_->dsn(), "peers.event", "event");
        table.script("CREATE SCHEMA peers; CREATE TABLE peers.event (event text NOT NULL)");
        const uint16_t port = free_port();
        const std::string config = turn.folder + "/rsyslog.conf";
        std::ofstream(config) << config_of(port, turn.folder, cluster_->dsn());
        ChildProcess server(
            {{find_program("rsyslogd"), "-n", "-f", config, "-i", turn.folder + "/rsyslogd.pid"},
             {},
             turn.folder,
             turn.folder + "/server.log"});
        server.wait_until([&] { return listens(port); });
        EventFeed feed(turn.feed);
        LineSocket socket(port);
        send(socket, feed, turn.warm_up);
        table.wait_for(turn.warm_up);
        const int64_t start_ns = monotonic_now_ns();
        send(socket, feed, turn.events);
        table.wait_for(turn.warm_up + turn.events);
        const double seconds = seconds_since(start_ns);
        table.ids().expect_same(digest_of_feed(turn.feed, turn.warm_up + turn.events, Repeats::kKept),
                                Order::kAny);
        return seconds;
    }

  private:
    static void send(LineSocket& socket, EventFeed& feed, uint64_t events) {
        while (events > 0) {
            const auto part = feed.next(std::min<uint64_t>(events, 512), SystemClock().wall_ns());
            socket.say({reinterpret_cast<const char*>(part.bytes.data()), part.bytes.size()});
            events -= part.events;
        }
    }

    const std::shared_ptr<RegionalCluster> cluster_;
};

}  // namespace

void add_rsyslog(const ContestOptions& options, Contestants& out) {
    out.push_back(std::make_unique<Rsyslog>(
        Contestant::Facts{
            "rsyslog_to_postgresql",
            "no acks: what its queue holds is lost with it; counted when committed in PostgreSQL",
            {{1, 0}},
            60'000,
            2.5},
        options.cluster));
}

}  // namespace penstock::bench

// Penstock itself: a real appliance with the whole pipeline on, and events read back out of its log.
#include "perf/peers/contestant.h"
#include "perf/peers/table.h"
#include "perf/support/appliance_process.h"
#include "perf/support/id_digest.h"
#include "perf/support/load.h"
#include "perf/support/regional_cluster.h"

namespace penstock::bench {
namespace {

constexpr std::string_view kConfig = "[sla]\nworkflows = [\"workflow.json\"]\n";

LoadReport load(const ApplianceProcess& appliance, EventFeed& feed, const Turn& turn, uint64_t events) {
    LoadOptions options;
    options.port = appliance.ingest_port();
    options.format = turn.feed.format;
    options.events = events;
    options.connections = turn.shape.connections;
    options.window_events = turn.shape.window;
    return Load(feed, options).run();
}

class Penstock final : public Contestant {
  public:
    Penstock(Facts facts, std::string program, EventFeed::Format format)
        : Contestant(std::move(facts)), program_(std::move(program)), format_(format) {}

    double run(const Turn& given) override {
        Turn turn = given;
        turn.feed.format = format_;
        EventFeed feed(turn.feed);
        ApplianceProcess appliance(
            {program_, turn.folder, std::string(kConfig), std::string(kWorkflow), {}, false});
        load(appliance, feed, turn, turn.warm_up);
        const double seconds = load(appliance, feed, turn, turn.events).seconds;
        appliance.stop();
        digest_of_log(turn.folder + "/data/log")
            .expect_same(digest_of_feed(turn.feed, turn.warm_up + turn.events, Repeats::kOnce),
                         order_over(turn.shape.connections));
        return seconds;
    }

  private:
    const std::string program_;
    const EventFeed::Format format_;
};

/// From the first byte until the last row is in a region's database, where rsyslog's go as well.
class PenstockToPostgres final : public Contestant {
  public:
    PenstockToPostgres(Facts facts, const ContestOptions& options)
        : Contestant(std::move(facts)), program_(options.program), cluster_(options.cluster) {}

    std::string missing() const override { return cluster_ ? "" : "PostgreSQL is not installed"; }

    double run(const Turn& turn) override {
        const RegionalCluster::Running server(*cluster_);
        EventFeed feed(turn.feed);
        ApplianceProcess appliance({program_,
                                    turn.folder,
                                    std::string(kConfig),
                                    std::string(kWorkflow),
                                    {{"us", cluster_->dsn()}},
                                    true});
        Table table(cluster_->dsn(), "penstock.event", "id",
                    "SELECT coalesce(sum(stored), 0)::bigint FROM penstock.ledger");
        load(appliance, feed, turn, turn.warm_up);
        table.wait_for(turn.warm_up - feed.effects().repeats);
        const int64_t start_ns = monotonic_now_ns();
        load(appliance, feed, turn, turn.events);
        const uint64_t rows = turn.warm_up + turn.events - feed.effects().repeats;
        table.wait_for(rows);
        const double seconds = seconds_since(start_ns);
        appliance.stop();
        table.ids("seq").expect_same(digest_of_feed(turn.feed, turn.warm_up + turn.events, Repeats::kOnce),
                                     order_over(turn.shape.connections));
        return seconds;
    }

  private:
    const std::string program_;
    const std::shared_ptr<RegionalCluster> cluster_;
};

}  // namespace

void add_penstock(const ContestOptions& options, Contestants& out) {
    const std::string durable = "acked after fdatasync";
    using Format = EventFeed::Format;
    const auto add = [&](std::string name, Format format, size_t connections) {
        out.push_back(std::make_unique<Penstock>(
            Contestant::Facts{std::move(name), durable, {{connections, 131'072}}, 500'000}, options.program,
            format));
    };
    add("penstock_json", Format::kJson, 1);
    add("penstock_json_many", Format::kJson, 100);
    add("penstock_binary", Format::kBinary, 1);
    add("penstock_binary_many", Format::kBinary, 100);
    out.push_back(std::make_unique<PenstockToPostgres>(
        Contestant::Facts{"penstock_to_postgresql",
                          "acked after fdatasync; counted when committed in PostgreSQL",
                          {{1, 131'072}},
                          150'000,
                          2.5},
        options));
}

}  // namespace penstock::bench

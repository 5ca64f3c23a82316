// Queries over five regions: a key, and the first page of filtered searches.
//   bench_queries [events, default 10000000] [lookups, default 2000]
// Makes five clusters in a temporary folder, and removes them. The events lie in four days, the last of which
// goes on; the three before have their index by key, as cold days do.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <thread>

#include "perf/support/bench.h"
#include "perf/support/regional_cluster.h"
#include "storage/cold_index.h"
#include "storage/event_search.h"

namespace penstock::bench {
namespace {

const std::vector<std::string> kRegions{"us", "ca", "eu", "apac", "latam"};
constexpr uint64_t kKeys = 1'000'000;
constexpr double kKeyedMs = 20, kPageMs = 100;

/// Rows of another log, of about 280 bytes, over the three days before the last midnight and a part of the
/// day behind it.
constexpr const char* kLoad = R"sql(
DO $$
DECLARE
    rows bigint := {};
    days date := (now() AT TIME ZONE 'UTC')::date - 3;
    begins timestamptz := days::timestamp AT TIME ZONE 'UTC';
    step interval := interval '90 hours' / rows;
BEGIN
    INSERT INTO penstock.ledger (log_id, epoch, begin_seq, seq, stamp_ns) VALUES (gen_random_uuid(), 1, 1, rows + 1,
        (extract(epoch FROM begins + rows * step) * 1000000000)::bigint);
    FOR d IN 0..3 LOOP
        EXECUTE format('CREATE TABLE penstock.event_%s PARTITION OF penstock.event FOR VALUES FROM (%L) TO (%L)',
            to_char(days + d, 'YYYYMMDD'), (days + d) || ' 00:00:00+00', (days + d + 1) || ' 00:00:00+00');
    END LOOP;
    INSERT INTO penstock.event (seq, received, time, log, severity, tenant, source, id, type, subject, data)
    SELECT n, begins + n * step, begins + n * step - random() * interval '2 s', 1, 1 + floor(random() * 5),
        CASE WHEN random() < 0.1 THEN 'acme' ELSE 'default' END, '/site/' || floor(random() * 200), md5(n::text),
        CASE WHEN random() < 0.001 THEN 'rare' ELSE 'motion_detection' END,
        'cam-' || floor(random() * {})::bigint,
        json_build_object('location', 'lobby', 'device', 'dev-' || n % 1000, 'frame', n, 'pad', md5((n + 1)::text))
    FROM generate_series(1, rows) n;
END $$;
)sql";

void load(const std::string& dsn, uint64_t rows) {
    const StopSignal never;
    PostgresConnection connection({.dsn = dsn, .application_name = "bench", .timeout_ns = 3'600'000'000'000},
                                  never);
    connection.script(fmt::format(kLoad, rows, kKeys));
    connection.script(
        "SELECT brin_summarize_new_values(i.indexrelid::regclass) FROM pg_index i JOIN pg_class c ON c.oid = "
        "i.indexrelid JOIN pg_am a ON a.oid = c.relam WHERE a.amname = 'brin' AND c.relkind = 'i'");
    for (bool more = true; more;) {
        try {
            more = !index_a_cold_day(connection).empty();
        } catch (const PostgresError& e) {
            if (e.sqlstate != "55P03") throw;
            connection.rollback();  // autovacuum has the table; it comes to an end
        }
    }
    connection.script("VACUUM ANALYZE penstock.event");
}

class Bench {
  public:
    Bench(const std::string& folder, const RegionalCluster& clusters, uint64_t events)
        : log_({folder + "/log", 1ULL << 30, false}), random_(7) {
        log_.register_names(kRegions, {"default", "acme"});
        telemetry_.committed_seq = log_.bounds().next_seq;
        std::vector<EventSearch::Region> regions;
        for (const std::string& name : kRegions) regions.push_back({name, clusters.dsn(name)});
        std::vector<std::thread> loaders;
        for (const auto& region : regions)
            loaders.emplace_back([&region, events] { load(region.dsn, events / 5); });
        for (std::thread& loader : loaders) loader.join();
        search_ = std::make_unique<EventSearch>(log_, telemetry_, std::move(regions));
        const auto all = search_->count({}, {}, monotonic_now_ns() + 600'000'000'000);
        expect(all.groups.size() == 1 && all.groups.begin()->second.events == events / 5 * 5,
               "not all events were loaded");
    }

    void keyed(size_t lookups) {
        std::vector<double> ms;
        uint64_t found = 0;
        for (size_t i = 0; i < lookups + 20; ++i) {
            EventQuery query;
            query.subject = fmt::format("cam-{}", random_.next() % kKeys);
            const double took = page_ms(query, {}, found);
            if (i >= 20) ms.push_back(took);  // the first make connections
        }
        std::sort(ms.begin(), ms.end());
        Result("queries/keyed_p99", ms[ms.size() * 99 / 100], "ms")
            .target(kKeyedMs, true)
            .more("p50", ms[ms.size() / 2])
            .more("max", ms.back())
            .more("found_a_lookup", static_cast<double>(found) / static_cast<double>(lookups + 20))
            .note("page 1 of a key over five regions, three days over and one that goes on, one at a time")
            .print();
    }

    void filtered() {
        EventQuery severe, rare, tenant, text;
        severe.type = "motion_detection", severe.severity_at_least = 4;
        rare.type = "rare";
        tenant.tenant = "acme", tenant.region = "eu";
        text.text = R"("device" : "dev-77")";
        const struct {
            const char* name;
            EventQuery query;
            EventOrder order;
        } searches[] = {{"all", {}, {}},
                        {"type_and_severity", severe, {}},
                        {"rare_type", rare, {}},
                        {"tenant_of_a_region", tenant, {}},
                        {"text", text, {}},
                        {"oldest_first", severe, {.oldest_first = true}},
                        {"by_time", severe, {.by = EventOrder::By::kTime}}};
        for (const auto& s : searches) {
            Runs runs;
            uint64_t found = 0;
            for (int i = 0; i < 15; ++i) runs.add(page_ms(s.query, s.order, found));
            expect(found == 15 * 50, fmt::format("{}: a page is not full", s.name));
            Result(fmt::format("queries/page_1/{}", s.name), runs, "ms").target(kPageMs, true).print();
        }
    }

  private:
    double page_ms(const EventQuery& query, const EventOrder& order, uint64_t& found) {
        const int64_t began = monotonic_now_ns();
        const auto page = search_->page(query, order, std::nullopt, 50, began + 30'000'000'000);
        const int64_t took = monotonic_now_ns() - began;
        expect(!page.partial(), page.partial() ? page.missing.front().why : "");
        found += page.events.size();
        return static_cast<double>(took) / 1e6;
    }

    EventLog log_;
    Telemetry telemetry_;
    Random random_;
    std::unique_ptr<EventSearch> search_;
};

}  // namespace
}  // namespace penstock::bench

int main(int argc, char** argv) {
    spdlog::set_level(spdlog::level::off);
    try {
        const uint64_t events = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 10'000'000;
        const size_t lookups = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 2'000;
        if (events < 1'000 || lookups < 100) {
            std::cerr << "usage: bench_queries [events, at least 1000] [lookups, at least 100]\n";
            return 2;
        }
        using namespace penstock::bench;
        const TemporaryFolder folder;
        const RegionalCluster clusters(folder.path() + "/c", kRegions);
        const RegionalCluster::Running running(clusters);
        Bench bench(folder.path(), clusters, events);
        bench.keyed(lookups);
        bench.filtered();
        return 0;
    } catch (const std::exception& error) {
        std::cerr << "bench_queries: " << error.what() << '\n';
        return 1;
    }
}

// A steady rate into the regional databases for minutes: nothing may gather that does not go again.
#include <fstream>
#include <iostream>
#include <sstream>

#include "perf/e2e/e2e.h"
#include "storage/postgres.h"

namespace penstock::bench {
namespace {

constexpr double kMiB = 1048576;
constexpr int64_t kFlushPatienceNs = 120'000'000'000;
/// Anonymous memory is flat where the last third of the time after warm-up holds no more than the first third
/// plus this.
constexpr double kGrowthShare = 0.05, kGrowthMib = 16;
/// Shorter runs have seen too few windows, checkpoints and retentions for a verdict.
constexpr double kVerdictFromS = 120;

std::map<std::string, std::string> read_dsns(const std::string& path) {
    std::map<std::string, std::string> dsns;
    std::ifstream in(path);
    for (std::string line; std::getline(in, line);) {
        const size_t space = line.find(' ');
        if (space != line.npos) dsns[line.substr(0, space)] = line.substr(space + 1);
    }
    if (dsns.size() != kRegions) throw std::runtime_error(path + " does not name five regions");
    return dsns;
}

struct Regions {
    uint64_t stored = 0, waiting = 0, failures = 0;
    double lag_s = 0;
};
Regions regions_of(const boost::json::object& status) {
    Regions out;
    for (const auto& region : status.at("regions").as_array()) {
        out.stored += number_of(region.at("stored"));
        out.waiting += number_of(region.at("waiting"));
        out.failures += number_of(region.at("failures"));
        out.lag_s = std::max(out.lag_s, real_of(region.at("lag_seconds")));
    }
    return out;
}

/// What lies in the databases, counted there.
void check_databases(const std::map<std::string, std::string>& dsns, const FeedEffects& sent) {
    const StopSignal never;
    for (size_t r = 0; r < kRegions; ++r) {
        const std::string name(kRegionNames[r]);
        PostgresConnection connection({dsns.at(name), "penstock bench", 600'000'000'000}, never);
        connection.script("SET work_mem = '1GB'");
        const auto counts = connection.query(
            "SELECT count(*), count(DISTINCT seq), (SELECT count(*) FROM (SELECT 1 FROM penstock.event GROUP "
            "BY id) AS ids) "
            "FROM penstock.event");
        const auto wanted = static_cast<int64_t>(sent.regions[r]);
        std::cerr << fmt::format("sustained: {}: {} rows, {} ids, {} sequences; {} were acknowledged\n", name,
                                 counts.number(0, 0), counts.number(0, 2), counts.number(0, 1), wanted);
        expect_equal(counts.number(0, 0), wanted, "rows in " + name);
        expect_equal(counts.number(0, 1), wanted, "sequences in " + name);
        expect_equal(counts.number(0, 2), wanted, "ids in " + name);
    }
}

struct Sample {
    double at_s, mib;
};
Runs between(const std::vector<Sample>& samples, double from_s, double to_s) {
    Runs out;
    for (const Sample& s : samples)
        if (s.at_s >= from_s && s.at_s <= to_s) out.add(s.mib);
    return out;
}

}  // namespace

void run_sustained(const EndToEndOptions& options) {
    const auto dsns = read_dsns(options.dsns);
    // Retention of the log and of instances, checkpoints and the dedup window come round many times.
    const std::string config = fmt::format(
        "[log]\nbytes_max = \"32GiB\"\nretention_bytes = \"24GiB\"\nretention_s = {0}\n[dedup]\nwindow_s = "
        "{0}\n"
        "[sla]\nworkflows = [\"workflow.json\"]\ninstance_retention_s = {0}\n[state]\ncheckpoint_s = 10\n",
        static_cast<int>(options.window_s));
    ApplianceProcess appliance({options.program, options.folder, config, std::string(kWorkflow), dsns});
    EventFeed feed({});
    LoadOptions load{.port = appliance.ingest_port(),
                     .events = static_cast<uint64_t>(options.rate * options.seconds),
                     .rate = options.rate};
    Load producer(feed, load);
    std::vector<Sample> memory;
    double lag_max_s = 0;
    std::cerr
        << "sustained:  time        sent       acked     stored in regions  waiting  lag      RssAnon\n";
    const int64_t start_ns = monotonic_now_ns();
    const auto elapsed = [&] { return static_cast<double>(monotonic_now_ns() - start_ns) * 1e-9; };
    Watcher watcher(1'000'000'000, [&](int second) {
        const double mib = static_cast<double>(appliance.anonymous_bytes()) / kMiB;
        memory.push_back({elapsed(), mib});
        const Regions regions = regions_of(appliance.status());
        lag_max_s = std::max(lag_max_s, regions.lag_s);
        if (second % 10 != 0) return;
        std::cerr << fmt::format(
            "sustained: {:4.0f} s  {:>10}  {:>10}  {:>20}  {:>7}  {:5.2f} s  {:6.1f} MiB\n", elapsed(),
            producer.handed_now(), producer.acked_now(), regions.stored, regions.waiting, regions.lag_s, mib);
    });
    const double cpu_before = appliance.cpu_seconds();
    const LoadReport& report = producer.run();
    const double cpu = (appliance.cpu_seconds() - cpu_before) / report.seconds;
    watcher.finish();

    const int64_t until = monotonic_now_ns() + kFlushPatienceNs;
    Regions regions;
    while ((regions = regions_of(appliance.status())).stored < report.acked && monotonic_now_ns() < until &&
           !stop_requested()) {
        const timespec pause{0, 100'000'000};
        nanosleep(&pause, nullptr);
    }
    const double drained_s = elapsed() - report.seconds;
    expect_equal(regions.stored, report.acked, "events stored in the regions, by their ledgers");
    const uint64_t received = number_of(appliance.status().at("events").at("stored"));
    expect_equal(received, report.acked, "events stored, by the appliance");
    appliance.stop();
    appliance.verify_log();
    check_databases(dsns, feed.effects());

    const auto ms = [&](double q) { return static_cast<double>(report.latency.quantile(q)) / 1e6; };
    Result("e2e/sustained/stored", static_cast<double>(report.acked) / report.seconds, "events/s")
        .target(options.rate * 0.99)
        .more("seconds", report.seconds)
        .more("events", static_cast<double>(report.acked))
        .more("lag_max_s", lag_max_s)
        .more("drained_after_s", drained_s)
        .more("flush_failures", static_cast<double>(regions.failures))
        .more("ack_p50_ms", ms(0.5))
        .more("ack_p99_ms", ms(0.99))
        .more("ack_p99_9_ms", ms(0.999))
        .more("appliance_cpu_cores", cpu)
        .note("five PostgreSQL clusters on the same machine; rows, sequences and ids counted in each")
        .print();
    // Warm-up: dedup keys and instances gather for up to two windows.
    const double warm_s = std::min(report.seconds / 2, 3 * options.window_s),
                 third = (report.seconds - warm_s) / 3;
    const Runs first = between(memory, warm_s, warm_s + third),
               last = between(memory, warm_s + 2 * third, report.seconds);
    if (first.count() == 0 || last.count() == 0) return;
    const double growth = last.median() - first.median();
    const double allowed = std::max(kGrowthMib, kGrowthShare * first.median());
    const bool judged = report.seconds >= kVerdictFromS, flat = growth <= allowed;
    Result result("e2e/sustained/anonymous_growth", growth, "MiB");
    if (judged) result.target(allowed, true);
    result.more("first_third_mib", first.median())
        .more("last_third_mib", last.median())
        .more("high_mib", last.high())
        .more("warm_up_s", warm_s)
        .more("dedup_window_s", options.window_s)
        .note(judged ? "median of the last third after warm-up less that of the first"
                     : "last third after warm-up less the first; too short a run for a verdict")
        .print();
    std::cerr << fmt::format("sustained: memory is {} after warm-up: {:.1f} MiB, then {:.1f} MiB\n",
                             !judged ? "not judged"
                             : flat  ? "flat"
                                     : "NOT flat",
                             first.median(), last.median());
    if (judged) expect(flat, "anonymous memory grows after warm-up");
}

}  // namespace penstock::bench

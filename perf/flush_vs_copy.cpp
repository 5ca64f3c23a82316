// Flush of a real log into a region against bare COPY BINARY of the same rows into the same schema: one
// server, alternating, the median of the runs. The row counts are checked before a figure is printed.
//   bench_flush [events, default 500000] [runs, default 5] [connection string]
// Without a connection string it makes a cluster in a temporary folder (fsync on), and removes it.
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <random>

#include "perf/support/regional_cluster.h"
#include "schemas/event_fields.h"
#include "storage/flush.h"
#include "storage/migrations.h"

namespace penstock {
namespace {

constexpr size_t kRowsMax = 50'000;  // of one transaction, on both sides

/// A folder, and in it the server, unless one is given.
struct Workplace {
    explicit Workplace(const char* given) {
        if (!given) running.emplace(cluster.emplace(folder.path() + "/c"));
        dsn = given ? given : cluster->dsn();
    }
    const bench::TemporaryFolder folder;
    std::optional<bench::RegionalCluster> cluster;
    std::optional<bench::RegionalCluster::Running> running;
    std::string dsn;
};

/// Records as the sequencer makes them: 1,024 events of about 190 bytes of data, all for the one region.
void fill(EventLog& log, size_t events) {
    std::minstd_rand random(7);
    EventBuilder builder;
    const std::string types[] = {"motion_detection", "object_detection", "face_detection",
                                 "intrusion_detection"};
    Seq seq = 1;
    StampNs stamp = SystemClock().wall_ns() / 86'400'000'000'000 * 86'400'000'000'000;  // one partition
    while (seq <= events) {
        RecordHeader header{};
        header.magic = kRecordMagic;
        header.version = kRecordVersion;
        header.kind = RecordKind::kEvents;
        header.first_seq = seq;
        header.base_stamp_ns = stamp;
        header.region_mask = 1;
        std::vector<EventHead> heads;
        std::vector<uint8_t> heap;
        for (; heads.size() < 1024 && seq + heads.size() <= events;) {
            const auto n = random();
            const std::string id = fmt::format("{:032x}", seq + heads.size());
            const std::string subject = fmt::format("cam-{}", n % 1'000'000);
            const std::string data = fmt::format(
                R"({{"location":"parking_lot","device":"dev-{}","camera":"{}","frame":"f-{}","confidence":0.{:04},)"
                R"("box":[{},{},{},{}],"zone":"north-{}"}})",
                n % 9973, subject, seq, n % 9999, n % 1900, n % 1000, n % 97, n % 89, n % 9);
            EventFields f;
            f.id = id, f.source = "/site/7", f.type = types[n % 4], f.subject = subject, f.data = data;
            const auto bytes = builder.build(f);
            EventHead head{};
            head.offset = static_cast<uint32_t>(heap.size());
            head.length = static_cast<uint32_t>(bytes.size());
            head.time_ns = stamp;
            head.severity = static_cast<uint8_t>(1 + n % 5);
            heap.insert(heap.end(), bytes.begin(), bytes.end());
            heap.resize((heap.size() + 7) / 8 * 8);
            heads.push_back(head);
        }
        const std::vector<EventIdentity> identities(heads.size());
        header.count = static_cast<uint32_t>(heads.size());
        header.heap_bytes = static_cast<uint32_t>(heap.size());
        const RecordView view{&header, {}, {}, identities, heads, heap};
        log.append({&view, 1});
        seq += heads.size();
        stamp += 1'000'000;
    }
}

int64_t own_cpu_ns() {
    rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1'000'000'000LL +
           (u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1000LL;
}

struct Figure {
    double rows_per_s, cpu_ns_per_row;
};
double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

class Bench {
  public:
    Bench(const Workplace& place, size_t events)
        : place_(place), events_(events), log_({place.folder.path() + "/log", 8ULL << 30, false}) {
        log_.register_names({"us"}, {"default"});
        fill(log_, events);
        migrate(place.dsn);
        telemetry_.committed_seq = log_.bounds().next_seq;
    }

    Figure flush() {
        prepare();
        RegionTelemetry region;
        region.name = "us";
        DeadLetterMailbox dead_letters(16);
        FlushOptions options;
        options.linger_ns = 0;
        options.rows_max = kRowsMax;
        RegionFlusher flusher(0, options,
                              std::make_unique<PostgresRegionalStore>(
                                  PostgresRegionalStore::Options{"us", place_.dsn, 30'000'000'000}),
                              log_, telemetry_, region, dead_letters, clock_);
        const int64_t cpu = own_cpu_ns(), begin = clock_.monotonic_ns();
        flusher.start();
        while (region.flushed_seq.load() < telemetry_.committed_seq.load()) {
            if (region.failures_total.read() > 0) throw std::runtime_error(region.error());
            timespec pause{0, 1'000'000};
            nanosleep(&pause, nullptr);
        }
        return figure(begin, cpu);
    }

    /// The same rows, encoded before the clock runs; transactions of the same size; nothing else.
    Figure copy() {
        prepare();
        std::vector<RowBatch> batches;
        LogReader(log_).scan(1, [&](const RecordView& record) {
            for (size_t i = 0; i < record.count(); ++i) {
                if (batches.empty() || batches.back().rows() == kRowsMax)
                    batches.emplace_back().clear(1, 1, 0);
                batches.back().add(record, i, "default");
            }
            return true;
        });
        PostgresConnection connection({place_.dsn, "bench"}, never_);
        const int64_t cpu = own_cpu_ns(), begin = clock_.monotonic_ns();
        for (const RowBatch& batch : batches) {
            connection.copy_rows(
                fmt::format("BEGIN; COPY penstock.event ({}) FROM STDIN (FORMAT binary)", RowBatch::kColumns),
                batch.encoded(0, batch.rows()));
            connection.query("COMMIT");
        }
        return figure(begin, cpu);
    }

  private:
    /// Empty tables; the partitions stay, so that neither side makes them inside its time.
    void prepare() {
        PostgresConnection connection({place_.dsn, "bench"}, never_);
        connection.script("TRUNCATE penstock.event; DELETE FROM penstock.ledger");
        PostgresRegionalStore store({"us", place_.dsn});
        store.open({"00000000-0000-0000-0000-000000000001", 1, 0});
        store.maintain(clock_.wall_ns(), 0);
    }
    Figure figure(int64_t begin, int64_t cpu) {
        const int64_t took = clock_.monotonic_ns() - begin, used = own_cpu_ns() - cpu;
        PostgresConnection connection({place_.dsn, "bench"}, never_);
        const auto counted = connection.query("SELECT count(*), count(DISTINCT seq) FROM penstock.event");
        if (counted.number(0, 0) != static_cast<int64_t>(events_) ||
            counted.number(0, 1) != static_cast<int64_t>(events_))
            throw std::runtime_error(fmt::format("{} rows were stored of {}", counted.number(0, 0), events_));
        const auto n = static_cast<double>(events_);
        return {n * 1e9 / static_cast<double>(took), static_cast<double>(used) / n};
    }

    const Workplace& place_;
    const size_t events_;
    EventLog log_;
    Telemetry telemetry_;
    SystemClock clock_;
    StopSignal never_;
};

int run(int argc, char** argv) {
    spdlog::set_level(spdlog::level::off);
    const size_t events = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 500'000;
    const size_t runs = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 5;
    const Workplace place(argc > 3 ? argv[3] : nullptr);
    Bench bench(place, events);
    bench.copy();  // once unmeasured: the WAL's files are made
    std::vector<double> flush, copy, ratio, flush_cpu, copy_cpu;
    for (size_t i = 0; i < runs; ++i) {
        const Figure c = bench.copy(), f = bench.flush();
        copy.push_back(c.rows_per_s), flush.push_back(f.rows_per_s),
            ratio.push_back(f.rows_per_s / c.rows_per_s);
        copy_cpu.push_back(c.cpu_ns_per_row), flush_cpu.push_back(f.cpu_ns_per_row);
    }
    fmt::print(
        "{{\"name\":\"flush_vs_copy\",\"events\":{},\"runs\":{},\"flush_rows_per_s\":{:.0f},"
        "\"copy_rows_per_s\":{:.0f},\"ratio\":{:.3f},\"flush_own_cpu_ns_per_row\":{:.0f},"
        "\"copy_own_cpu_ns_per_row\":{:.0f}}}\n",
        events, runs, median(flush), median(copy), median(ratio), median(flush_cpu), median(copy_cpu));
    return 0;
}

}  // namespace
}  // namespace penstock

int main(int argc, char** argv) {
    try {
        return penstock::run(argc, argv);
    } catch (const std::exception& error) {
        std::cerr << "bench_flush: " << error.what() << '\n';
        return 1;
    }
}

// What the machine gives at most to somebody who does nothing else with the same events.
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <thread>

#include "perf/peers/contestant.h"
#include "perf/peers/line_socket.h"
#include "perf/peers/table.h"
#include "perf/support/log_appends.h"
#include "perf/support/loopback.h"
#include "perf/support/regional_cluster.h"
#include "schemas/event_fields.h"
#include "storage/regional_store.h"
#include "storage/row_batch.h"

namespace penstock::bench {
namespace {

constexpr size_t kGroup = 8;             // records a commit
constexpr size_t kCopyRowsMax = 50'000;  // of one transaction, as the flush has it

/// The feed's lines through loopback TCP, and a search for their ends.
class Newlines final : public Contestant {
  public:
    using Contestant::Contestant;

    double run(const Turn& turn) override {
        const uint16_t port = free_port();
        const int listener = listen_on(port);
        uint64_t lines = 0, bytes_read = 0, bytes_sent = 0;
        std::thread reader([&] {
            const int fd = accept(listener, nullptr, nullptr);
            std::vector<char> buffer(262'144);
            for (ssize_t n; (n = recv(fd, buffer.data(), buffer.size(), 0)) > 0;) {
                bytes_read += static_cast<uint64_t>(n);
                const char *at = buffer.data(), *end = at + n;
                while (
                    (at = static_cast<const char*>(std::memchr(at, '\n', static_cast<size_t>(end - at))))) {
                    ++lines;
                    if (++at == end) break;
                }
            }
            close(fd);
        });
        EventFeed feed(turn.feed);
        const int64_t start_ns = monotonic_now_ns();
        {
            LineSocket socket(port);
            for (uint64_t left = turn.events; left > 0;) {
                const auto part = feed.next(std::min<uint64_t>(left, 512), SystemClock().wall_ns());
                socket.say({reinterpret_cast<const char*>(part.bytes.data()), part.bytes.size()});
                bytes_sent += part.bytes.size();
                left -= part.events;
            }
        }
        reader.join();
        const double seconds = seconds_since(start_ns);
        close(listener);
        expect_equal(lines, turn.events, "lines read");
        expect_equal(bytes_read, bytes_sent, "bytes read");
        return seconds;
    }
};

/// What the pipeline makes of the feed's first events, made once.
class RecordedEvents {
  public:
    explicit RecordedEvents(size_t count) : count_(count) {}
    const Records& of(const EventFeed::Options& options) {
        if (records_.empty()) records_ = make_records(count_, options);
        return records_;
    }
    uint64_t events() const {
        uint64_t sum = 0;
        for (const auto& record : records_) sum += record->count();
        return sum;
    }

  private:
    const size_t count_;
    Records records_;
};

class LogAppend final : public Contestant {
  public:
    LogAppend(Facts facts, std::shared_ptr<RecordedEvents> events, bool bare)
        : Contestant(std::move(facts)), events_(std::move(events)), bare_(bare) {}

    /// The same records whatever the turn's count is; the time is given for that count.
    double run(const Turn& turn) override {
        const Records& records = events_->of(turn.feed);
        const uint64_t events = events_->events();
        const auto append = [&] {
            return bare_ ? append_bare(turn.folder + "/bare", records, kGroup)
                         : append_log(turn.folder + "/log", records, kGroup, events);
        };
        append();  // once unmeasured
        const double seconds = append();
        return seconds * static_cast<double>(turn.events) / static_cast<double>(events);
    }

  private:
    const std::shared_ptr<RecordedEvents> events_;
    const bool bare_;
};

/// COPY BINARY of rows that lie ready, into the regional schema.
class BareCopy final : public Contestant {
  public:
    BareCopy(Facts facts, std::shared_ptr<RecordedEvents> events, std::shared_ptr<RegionalCluster> cluster)
        : Contestant(std::move(facts)), events_(std::move(events)), cluster_(std::move(cluster)) {}

    std::string missing() const override { return cluster_ ? "" : "PostgreSQL is not installed"; }

    double run(const Turn& turn) override {
        const RegionalCluster::Running server(*cluster_);
        const Records& records = events_->of(turn.feed);
        PostgresRegionalStore store({"us", cluster_->dsn()});
        store.open({"00000000-0000-0000-0000-000000000001", 1, 0});
        store.maintain(records.front()->header.base_stamp_ns, 0);
        std::vector<RowBatch> batches;
        IdDigest wanted;
        for (const auto& record : records) {
            const RecordView view = record->view();
            for (size_t i = 0; i < view.count() && wanted.count() < turn.events; ++i) {
                if (batches.empty() || batches.back().rows() == kCopyRowsMax)
                    batches.emplace_back().clear(1, 1, 0);
                batches.back().add(view, i, "default");
                wanted.add(view_of(event_of(view.bytes(i))->id()));
            }
        }
        const StopSignal never;
        PostgresConnection connection({cluster_->dsn(), "bench"}, never);
        const std::string copy =
            fmt::format("BEGIN; COPY penstock.event ({}) FROM STDIN (FORMAT binary)", RowBatch::kColumns);
        const int64_t start_ns = monotonic_now_ns();
        for (const RowBatch& batch : batches) {
            connection.copy_rows(copy, batch.encoded(0, batch.rows()));
            connection.query("COMMIT");
        }
        const double seconds = seconds_since(start_ns);
        Table(cluster_->dsn(), "penstock.event", "id").ids().expect_same(wanted, Order::kAny);
        return seconds * static_cast<double>(turn.events) / static_cast<double>(wanted.count());
    }

  private:
    const std::shared_ptr<RecordedEvents> events_;
    const std::shared_ptr<RegionalCluster> cluster_;
};

}  // namespace

void add_limits(const ContestOptions& options, Contestants& out) {
    const auto events = std::make_shared<RecordedEvents>(options.records);
    out.push_back(std::make_unique<Newlines>(Contestant::Facts{
        "limit_memchr_over_tcp", "none: bytes are read and forgotten", {{1, 0}}, 3'000'000}));
    out.push_back(std::make_unique<LogAppend>(
        Contestant::Facts{"limit_bare_lmdb", "fdatasync each group of 8 records", {{1, 0}}, 1'000'000},
        events, true));
    out.push_back(std::make_unique<LogAppend>(
        Contestant::Facts{"penstock_log_append", "fdatasync each group of 8 records", {{1, 0}}, 1'000'000},
        events, false));
    out.push_back(std::make_unique<BareCopy>(
        Contestant::Facts{
            "limit_bare_copy", "committed in PostgreSQL, 50,000 rows a transaction", {{1, 0}}, 100'000},
        events, options.cluster));
}

}  // namespace penstock::bench

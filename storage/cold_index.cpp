#include "storage/cold_index.h"

#include <fmt/format.h>
#include <poll.h>
#include <pthread.h>
#include <spdlog/spdlog.h>

#include "pipeline/thread_priority.h"

namespace penstock {
namespace {

constexpr int kPauseMs = 300'000;
constexpr int64_t kBuildNs = 3'600'000'000'000;  ///< one index

// A log that has not moved for a day holds nobody up; what it brings later is stored all the same.
constexpr const char* kColdDays = R"sql(
SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'penstock.event'::regclass AND c.relname ~ '^event_[0-9]{8}$'
AND substr(c.relname, 7) < (
    SELECT to_char(to_timestamp(min(stamp_ns) / 1000000000), 'YYYYMMDD') FROM penstock.ledger
    WHERE updated_at > now() - interval '1 day')
AND NOT EXISTS (SELECT FROM pg_index x JOIN pg_class k ON k.oid = x.indexrelid JOIN pg_am a ON a.oid = k.relam
                WHERE x.indrelid = c.oid AND a.amname IN ('hash', 'btree'))
ORDER BY c.relname DESC LIMIT 1
)sql";

}  // namespace

std::string index_a_cold_day(PostgresConnection& connection) {
    if (connection.query("SELECT to_regclass('penstock.event')").is_null(0, 0)) return "";
    const PostgresResult day = connection.query(kColdDays);
    if (day.rows() == 0) return "";
    const std::string name(day.text(0, 0));
    // By hash: a key may be longer than a B-tree takes.
    connection.script(
        fmt::format("BEGIN; SET LOCAL lock_timeout = '500ms'; "
                    "CREATE INDEX {0}_subject ON penstock.{0} USING hash (subject); COMMIT",
                    name));
    return name + "_subject";
}

void ColdIndexer::start() {
    thread_ = std::thread([this] { run(); });
}

void ColdIndexer::stop() {
    stop_.request(0);
    if (thread_.joinable()) thread_.join();
}

void ColdIndexer::run() {
    pthread_setname_np(pthread_self(), "cold-index");
    yield_to_others(10);
    while (!stop_.requested()) {
        for (const auto& [region, dsn] : dsns_()) {
            try {
                PostgresConnection connection(
                    {.dsn = dsn, .application_name = "penstock index " + region, .timeout_ns = kBuildNs},
                    stop_);
                for (std::string name; !(name = index_a_cold_day(connection)).empty();)
                    spdlog::info("region {}: made the index {}", region, name);
            } catch (const PostgresError& error) {
                spdlog::debug("region {}: indexes are put off: {}", region, error.what());
            }
        }
        pollfd stopped{stop_.fd(), POLLIN, 0};
        poll(&stopped, 1, kPauseMs);
    }
}

}  // namespace penstock

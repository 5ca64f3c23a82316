#include "perf/peers/table.h"

#include "perf/support/load.h"

namespace penstock::bench {

Table::Table(const std::string& dsn, std::string name, std::string column, std::string stored_sql)
    : name_(std::move(name)),
      column_(std::move(column)),
      stored_sql_(std::move(stored_sql)),
      connection_({dsn, "bench"}, never_) {}

void Table::wait_for(uint64_t rows) {
    uint64_t found = 0;
    for (int64_t came_ns = monotonic_now_ns();;) {
        const uint64_t now = stored();
        if (now != found) came_ns = monotonic_now_ns();
        found = now;
        if (found >= rows) break;
        expect(seconds_since(came_ns) < 60, fmt::format("{} rows in {} instead of {}", found, name_, rows));
        if (stop_requested()) throw std::runtime_error("interrupted");
        const timespec pause{0, 100'000'000};
        nanosleep(&pause, nullptr);
    }
    expect_equal(found, rows, "rows in " + name_);
}

uint64_t Table::stored() {
    // Counting all of them each time would take the processors away from whoever stores them.
    if (!stored_sql_.empty())
        return static_cast<uint64_t>(connection_.query(stored_sql_.c_str()).number(0, 0));
    const int64_t bytes =
        connection_.query(fmt::format("SELECT pg_relation_size('{}')", name_).c_str()).number(0, 0);
    if (bytes == bytes_)
        counted_ = static_cast<uint64_t>(
            connection_.query(fmt::format("SELECT count(*) FROM {}", name_).c_str()).number(0, 0));
    bytes_ = bytes;
    return counted_;
}

IdDigest Table::ids(const std::string& order_by) {
    IdDigest found;
    const std::string sql =
        fmt::format("SELECT {} FROM {}{}{}", column_, name_, order_by.empty() ? "" : " ORDER BY ", order_by);
    const auto rows = connection_.query(sql.c_str());
    for (int i = 0; i < rows.rows(); ++i)
        column_ == "id" ? found.add(rows.text(i, 0)) : found.add_event(rows.text(i, 0));
    return found;
}

}  // namespace penstock::bench

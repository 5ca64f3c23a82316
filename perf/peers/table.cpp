#include "perf/peers/table.h"

#include "perf/support/load.h"

namespace penstock::bench {

Table::Table(const std::string& dsn, std::string name, std::string column)
    : name_(std::move(name)), column_(std::move(column)), connection_({dsn, "bench"}, never_) {}

void Table::wait_for(uint64_t rows) {
    const std::string sql = fmt::format("SELECT count(*) FROM {}", name_);
    uint64_t found = 0;
    for (int64_t came_ns = monotonic_now_ns();;) {
        const auto now = static_cast<uint64_t>(connection_.query(sql.c_str()).number(0, 0));
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

IdDigest Table::ids() {
    IdDigest found;
    const auto rows = connection_.query(fmt::format("SELECT {} FROM {}", column_, name_).c_str());
    for (int i = 0; i < rows.rows(); ++i)
        column_ == "id" ? found.add(rows.text(i, 0)) : found.add_event(rows.text(i, 0));
    return found;
}

}  // namespace penstock::bench

// storage/postgres.h over the simulated regions: linked in place of storage/postgres.cpp, so that everything
// above it (migrations, ledger, COPY's rows, the flusher) is the real code.
#include <charconv>

#include "storage/postgres.h"
#include "tests/simulation/region.h"

extern "C" int PQserverVersion(const PGconn*) { return 150000; }

namespace penstock {

using simulation::RegionDatabase;
using simulation::RegionServers;

namespace {
RegionDatabase::Session& session_of(const std::unique_ptr<PGconn, void (*)(PGconn*)>& connection) {
    return *reinterpret_cast<RegionDatabase::Session*>(connection.get());
}
}  // namespace

StopSignal::StopSignal() : fd_(-1) {}
StopSignal::~StopSignal() = default;
void StopSignal::request(int64_t deadline_ns) { deadline_ns_.store(deadline_ns); }

uint64_t PostgresResult::affected() const { return static_cast<uint64_t>(number(0, 0)); }
std::string_view PostgresResult::text(int row, int column) const {
    return {PQgetvalue(result_.get(), row, column),
            static_cast<size_t>(PQgetlength(result_.get(), row, column))};
}
int64_t PostgresResult::number(int row, int column) const {
    const std::string_view digits = text(row, column);
    int64_t n = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), n);
    return n;
}

PostgresConnection::PostgresConnection(const Options& options, const StopSignal& stop)
    : stop_(stop), timeout_ns_(options.timeout_ns) {
    auto session = std::make_unique<RegionDatabase::Session>(RegionServers::instance().at(options.dsn));
    connection_ = {reinterpret_cast<PGconn*>(session.release()),
                   [](PGconn* c) { delete reinterpret_cast<RegionDatabase::Session*>(c); }};
}
PostgresConnection::~PostgresConnection() = default;

PostgresResult PostgresConnection::query(const char* sql, const std::vector<std::string>& parameters) {
    return session_of(connection_).run(sql, parameters);
}
PostgresResult PostgresConnection::script(const std::string& sql) {
    return session_of(connection_).run(sql, {});
}
void PostgresConnection::begin_copy(const std::string&, std::span<const uint8_t> rows) {
    session_of(connection_).begin_copy(rows);
}
uint64_t PostgresConnection::end_copy() { return session_of(connection_).end_copy(); }
void PostgresConnection::abandon_copy() { session_of(connection_).abandon_copy(); }
void PostgresConnection::begin_script(const std::string& sql) { session_of(connection_).run(sql, {}); }
bool PostgresConnection::ended() { return true; }
void PostgresConnection::rollback() noexcept { session_of(connection_).rollback(); }

}  // namespace penstock

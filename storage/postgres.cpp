#include "storage/postgres.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <system_error>

#include "pipeline/clock.h"

namespace penstock {
namespace {

/// Bytes handed to libpq at once: it copies them, so this bounds its buffer.
constexpr size_t kCopyChunkBytes = 64 * 1024;

/// libpq's messages span lines and are indented.
std::string one_line(const char* text) {
    std::string line;
    for (const char* c = text ? text : ""; *c; ++c) {
        const bool space = *c == '\n' || *c == '\t' || *c == ' ';
        if (!space)
            line += *c;
        else if (!line.empty() && line.back() != ' ')
            line += ' ';
    }
    while (!line.empty() && line.back() == ' ') line.pop_back();
    return line;
}

/// What the session needs, whatever the server's defaults are. A stronger synchronous_commit is kept.
constexpr const char* kSessionSetup = R"sql(
SELECT set_config('search_path', 'pg_catalog', false),
       set_config('timezone', 'UTC', false),
       set_config('default_transaction_isolation', 'read committed', false),
       set_config('synchronous_commit', CASE WHEN current_setting('synchronous_commit') IN ('off', 'local')
                                             THEN 'on' ELSE current_setting('synchronous_commit') END, false),
       set_config('statement_timeout', $1, false),
       set_config('lock_timeout', $2, false),
       set_config('idle_in_transaction_session_timeout', $1, false)
)sql";

}  // namespace

StopSignal::StopSignal() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}
StopSignal::~StopSignal() { close(fd_); }

void StopSignal::request(int64_t deadline_ns) {
    int64_t current = this->deadline_ns();
    while (deadline_ns < current && !deadline_ns_.compare_exchange_weak(current, deadline_ns)) {
    }
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t n = write(fd_, &one, sizeof one);  // full means readable already
}

uint64_t PostgresResult::affected() const {
    const std::string_view digits = PQcmdTuples(result_.get());
    uint64_t n = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), n);
    return n;
}
std::string_view PostgresResult::text(int row, int column) const {
    return {PQgetvalue(result_.get(), row, column),
            static_cast<size_t>(PQgetlength(result_.get(), row, column))};
}
int64_t PostgresResult::number(int row, int column) const {
    const std::string_view digits = text(row, column);
    int64_t n = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), n);
    if (error != std::errc{} || end != digits.data() + digits.size())
        throw PostgresError(fmt::format("'{}' came where a number was expected", digits), "", false);
    return n;
}

PostgresConnection::PostgresConnection(const Options& options, const StopSignal& stop)
    : stop_(stop), timeout_ns_(options.timeout_ns), deadline_ns_(options.deadline_ns) {
    connect(options);
    // The server's own limits end what a lost client left behind. A statement that makes progress may take
    // longer than one wait here; a lock may not: whoever holds it is in our way.
    const int64_t timeout_ms = std::max<int64_t>(timeout_ns_ / 1'000'000, 1);
    query(kSessionSetup,
          {std::to_string(timeout_ms * 4), std::to_string(std::max<int64_t>(timeout_ms / 3, 1))});
}
PostgresConnection::~PostgresConnection() = default;

void PostgresConnection::connect(const Options& options) {
    const std::string user_timeout = std::to_string(timeout_ns_ / 1'000'000);
    // What comes before dbname are defaults that the connection string may override.
    const std::array<const char*, 7> keys{"fallback_application_name",
                                          "keepalives_idle",
                                          "keepalives_interval",
                                          "tcp_user_timeout",
                                          "client_encoding",
                                          "dbname",
                                          nullptr};
    const std::array<const char*, 7> values{options.application_name.c_str(),
                                            "15",
                                            "5",
                                            user_timeout.c_str(),
                                            "UTF8",
                                            options.dsn.c_str(),
                                            nullptr};
    connection_.reset(PQconnectStartParams(keys.data(), values.data(), 1));
    if (!connection_) throw std::bad_alloc();
    const int64_t deadline = monotonic_now_ns() + timeout_ns_;
    // Notices (an object exists already, say) belong to no one here.
    PQsetNoticeReceiver(connection_.get(), [](void*, const PGresult*) {}, nullptr);
    PostgresPollingStatusType next = PGRES_POLLING_WRITING;
    while (true) {
        if (PQstatus(connection_.get()) == CONNECTION_BAD || next == PGRES_POLLING_FAILED)
            throw PostgresError(one_line(PQerrorMessage(connection_.get())), "08006", true);
        if (next == PGRES_POLLING_OK) break;
        wait(next == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline);
        next = PQconnectPoll(connection_.get());
    }
    if (PQsetnonblocking(connection_.get(), 1) != 0) lose(PQerrorMessage(connection_.get()));
}

void PostgresConnection::wait(short events, int64_t deadline_ns) {
    const int socket = PQsocket(connection_.get());
    if (socket < 0) lose("the connection is closed");
    deadline_ns = std::min(deadline_ns, deadline_ns_);
    while (true) {
        const bool stopping = stop_.requested();
        const int64_t until = std::min(deadline_ns, stop_.deadline_ns());
        const int64_t left = until - monotonic_now_ns();
        if (left <= 0) {
            if (stopping && until != deadline_ns) throw PostgresStopped();
            throw PostgresError(until == deadline_ns_
                                    ? std::string("no answer in time")
                                    : fmt::format("no answer within {} ms", timeout_ns_ / 1'000'000),
                                "08006", true);
        }
        std::array<pollfd, 3> fds{{{socket, events, 0}, {stopping ? -1 : stop_.fd(), POLLIN, 0}, {-1, 0, 0}}};
        if (beside_ && beside_->sending_) fds[2] = {PQsocket(beside_->connection_.get()), POLLOUT, 0};
        const int64_t left_ms = std::min<int64_t>(left / 1'000'000 + 1, 60'000);
        const int n = poll(fds.data(), fds.size(), static_cast<int>(left_ms));
        if (n < 0 && errno != EINTR) lose(std::strerror(errno));
        if (n > 0 && fds[2].revents != 0) beside_->send_some();
        if (n > 0 && fds[0].revents != 0) return;
    }
}

void PostgresConnection::flush_output() {
    int64_t deadline = monotonic_now_ns() + timeout_ns_;
    while (true) {
        const int more = PQflush(connection_.get());
        if (more < 0) return;  // what the server said last is still to be read: next_result tells
        if (more == 0) return;
        // The server may have to say something before it reads on.
        wait(POLLIN | POLLOUT, deadline);
        if (PQconsumeInput(connection_.get()) == 0) return;
        deadline = monotonic_now_ns() + timeout_ns_;
    }
}

PGresult* PostgresConnection::next_result() {
    const int64_t deadline = monotonic_now_ns() + timeout_ns_;
    while (PQisBusy(connection_.get())) {
        wait(POLLIN, deadline);
        if (PQconsumeInput(connection_.get()) == 0 && PQisBusy(connection_.get())) break;
    }
    return PQgetResult(connection_.get());
}

/// Reads every answer, so that the connection is free for the next statement; throws the first failure.
PostgresResult PostgresConnection::finish() {
    PostgresResult last, failed;
    while (PGresult* result = next_result()) {
        const ExecStatusType status = PQresultStatus(result);
        if (status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE) {
            if (!failed.get())
                failed = PostgresResult(result);
            else
                PQclear(result);
            if (PQstatus(connection_.get()) == CONNECTION_BAD) break;
            continue;
        }
        last = PostgresResult(result);
        if (status == PGRES_COPY_IN) break;
    }
    if (failed.get()) fail(failed.get());
    if (!last.get() || PQstatus(connection_.get()) == CONNECTION_BAD) lose(PQerrorMessage(connection_.get()));
    return last;
}

PostgresResult PostgresConnection::query(const char* sql, const std::vector<std::string>& parameters) {
    std::vector<const char*> values;
    values.reserve(parameters.size());
    for (const std::string& p : parameters) values.push_back(p.c_str());
    if (PQsendQueryParams(connection_.get(), sql, static_cast<int>(values.size()), nullptr, values.data(),
                          nullptr, nullptr, 0) == 0)
        lose(PQerrorMessage(connection_.get()));
    flush_output();
    return finish();
}

void PostgresConnection::stream(const char* sql, const std::vector<std::string>& parameters,
                                const std::function<bool(const PostgresResult&)>& visit) {
    std::vector<const char*> values;
    values.reserve(parameters.size());
    for (const std::string& p : parameters) values.push_back(p.c_str());
    if (PQsendQueryParams(connection_.get(), sql, static_cast<int>(values.size()), nullptr, values.data(),
                          nullptr, nullptr, 1) == 0 ||
        PQsetSingleRowMode(connection_.get()) == 0)
        lose(PQerrorMessage(connection_.get()));
    flush_output();
    bool ended = false;
    while (PGresult* next = next_result()) {
        const PostgresResult result(next);
        switch (PQresultStatus(next)) {
            case PGRES_SINGLE_TUPLE:
                if (!visit(result)) return;
                break;
            case PGRES_TUPLES_OK:
                ended = true;
                break;
            default:
                fail(next);
        }
    }
    if (!ended) lose(PQerrorMessage(connection_.get()));
}

PostgresResult PostgresConnection::script(const std::string& sql) {
    if (PQsendQuery(connection_.get(), sql.c_str()) == 0) lose(PQerrorMessage(connection_.get()));
    flush_output();
    return finish();
}

void PostgresConnection::begin_script(const std::string& sql) {
    if (PQsendQuery(connection_.get(), sql.c_str()) == 0) lose(PQerrorMessage(connection_.get()));
    flush_output();
}

bool PostgresConnection::ended() {
    PQconsumeInput(connection_.get());  // a lost connection gives an answer that says so
    while (!PQisBusy(connection_.get())) {
        PostgresResult result(PQgetResult(connection_.get()));
        const PostgresResult failed = result.get() ? PostgresResult() : std::move(script_failed_);
        if (failed.get()) fail(failed.get());
        if (!result.get()) return true;
        if (PQresultStatus(result.get()) == PGRES_FATAL_ERROR) script_failed_ = std::move(result);
    }
    return false;
}

uint64_t PostgresConnection::copy_rows(const std::string& sql, std::span<const uint8_t> rows) {
    begin_copy(sql, rows);
    return end_copy();
}

void PostgresConnection::begin_copy(const std::string& sql, std::span<const uint8_t> rows) {
    static constexpr uint8_t kHeader[19] = {'P', 'G', 'C', 'O', 'P', 'Y', '\n', 0xff, '\r', '\n', 0};
    static constexpr uint8_t kTrailer[2] = {0xff, 0xff};
    if (PQresultStatus(script(sql).get()) != PGRES_COPY_IN) lose("COPY was not begun");
    copying_ = {kHeader, rows, kTrailer};
    sending_ = true;
    end_put_ = false;
    send_some();
}

/// As much of a COPY as the server takes now.
void PostgresConnection::send_some() {
    for (auto& part : copying_) {
        while (!part.empty()) {
            const int unsent = PQflush(connection_.get());
            if (unsent > 0) return;
            const auto chunk = part.first(std::min(part.size(), kCopyChunkBytes));
            const int taken =
                unsent < 0 ? -1
                           : PQputCopyData(connection_.get(), reinterpret_cast<const char*>(chunk.data()),
                                           static_cast<int>(chunk.size()));
            if (taken < 0) copying_ = {}, sending_ = false;  // finish() has the server's reason
            if (taken <= 0) return;
            part = part.subspan(chunk.size());
        }
    }
    if (!end_put_ && PQputCopyEnd(connection_.get(), nullptr) == 0) return;  // its buffer was full
    end_put_ = true;
    sending_ = PQflush(connection_.get()) > 0;
}

uint64_t PostgresConnection::end_copy() {
    int64_t deadline = monotonic_now_ns() + timeout_ns_;
    for (send_some(); sending_; send_some()) {
        // The server may have to say something before it reads on.
        wait(POLLIN | POLLOUT, deadline);
        if (PQconsumeInput(connection_.get()) == 0) break;
        deadline = monotonic_now_ns() + timeout_ns_;
    }
    return finish().affected();
}

void PostgresConnection::abandon_copy() {
    copying_ = {};
    while (sending_ && !end_put_) {
        end_put_ = PQputCopyEnd(connection_.get(), "given up") != 0;
        flush_output();
    }
    sending_ = false;
    try {
        finish();
    } catch (const PostgresError& error) {  // that it was given up, or why it would have failed
        if (error.connection_lost) throw;
    }
    rollback();
}

void PostgresConnection::rollback() noexcept {
    try {
        if (PQtransactionStatus(connection_.get()) != PQTRANS_IDLE) query("ROLLBACK");
    } catch (const PostgresError&) {  // the connection is gone, and the transaction with it
    }
}

void PostgresConnection::fail(const PGresult* result) {
    const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char* primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const bool lost = PQstatus(connection_.get()) == CONNECTION_BAD;
    const std::string text = one_line(primary ? primary : PQresultErrorMessage(result));
    throw PostgresError(state ? fmt::format("{} (SQLSTATE {})", text, state) : text, state ? state : "",
                        lost);
}
void PostgresConnection::lose(const std::string& what) {
    const std::string text = one_line(what.c_str());
    throw PostgresError(text.empty() ? "the connection was lost" : text, "08006", true);
}

}  // namespace penstock

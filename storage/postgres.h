// One connection to PostgreSQL: libpq, asynchronous underneath, so that nothing hangs and a stop is heard.
#pragma once

#include <libpq-fe.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace penstock {

/// Ends waits on a socket from another thread. request() and the readers: any thread.
class StopSignal {
  public:
    StopSignal();
    ~StopSignal();
    StopSignal(const StopSignal&) = delete;
    StopSignal& operator=(const StopSignal&) = delete;

    /// What is under way may go on until `deadline_ns` (monotonic). A later call may only shorten it.
    void request(int64_t deadline_ns);
    int64_t deadline_ns() const { return deadline_ns_.load(std::memory_order_acquire); }
    bool requested() const { return deadline_ns() != kNever; }
    int fd() const { return fd_; }

  private:
    static constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
    int fd_;  ///< an eventfd; readable once a stop is requested
    std::atomic<int64_t> deadline_ns_{kNever};
};

/// A statement failed, or the connection did. The text is one line for people and holds no row's content.
struct PostgresError : std::runtime_error {
    PostgresError(const std::string& what, std::string state, bool lost)
        : std::runtime_error(what), sqlstate(std::move(state)), connection_lost(lost) {}
    std::string sqlstate;  ///< five characters; empty when the server said nothing
    bool connection_lost;  ///< the connection cannot be used again; the outcome of a COMMIT is unknown
    bool in_class(std::string_view two) const { return std::string_view(sqlstate).substr(0, 2) == two; }
};
/// A stop was requested and its deadline has passed; the connection is to be thrown away.
struct PostgresStopped : PostgresError {
    PostgresStopped() : PostgresError("stopped", "", true) {}
};

/// Rows of an answer, as text.
class PostgresResult {
  public:
    PostgresResult() = default;
    explicit PostgresResult(PGresult* result) : result_(result, PQclear) {}
    int rows() const { return PQntuples(result_.get()); }
    /// Rows that an INSERT, UPDATE, DELETE or COPY touched.
    uint64_t affected() const;
    bool is_null(int row, int column) const { return PQgetisnull(result_.get(), row, column) == 1; }
    std::string_view text(int row, int column) const;
    int64_t number(int row, int column) const;
    const PGresult* get() const { return result_.get(); }

  private:
    std::unique_ptr<PGresult, void (*)(PGresult*)> result_{nullptr, PQclear};
};

/// One thread. Every wait ends at `timeout_ns` without progress (PostgresError, connection lost), or at the
/// signal's deadline (PostgresStopped). After connection_lost only destruction is allowed.
class PostgresConnection {
  public:
    struct Options {
        std::string dsn;               ///< libpq connection string or URI
        std::string application_name;  ///< what pg_stat_activity shows, unless the dsn names another
        int64_t timeout_ns = 30'000'000'000;
        int64_t deadline_ns = std::numeric_limits<int64_t>::max();  ///< as set_deadline's
    };
    /// Connects and sets the session up. `stop` outlives the connection.
    PostgresConnection(const Options& options, const StopSignal& stop);
    ~PostgresConnection();
    PostgresConnection(const PostgresConnection&) = delete;
    PostgresConnection& operator=(const PostgresConnection&) = delete;

    /// One statement with parameters $1.. given as text.
    PostgresResult query(const char* sql, const std::vector<std::string>& parameters = {});
    /// Rows one by one, as the server sends them, with values in binary form; `visit` answers whether to go
    /// on. When it does not, or throws, the connection is lost to everybody else.
    void stream(const char* sql, const std::vector<std::string>& parameters,
                const std::function<bool(const PostgresResult&)>& visit);
    /// Any number of statements without parameters, as one message; returns the last answer.
    PostgresResult script(const std::string& sql);
    /// COPY ... FROM STDIN (FORMAT binary) of rows encoded by RowBatch; returns how many were taken.
    uint64_t copy_rows(const std::string& sql, std::span<const uint8_t> rows);
    /// The same in parts, for who has something else to do meanwhile. `rows` stays until end_copy().
    void begin_copy(const std::string& sql, std::span<const uint8_t> rows);
    uint64_t end_copy();
    /// Instead of end_copy(): nothing of the transaction is stored.
    void abandon_copy();
    /// While this one waits, `other`, which is in a COPY of its own, is sent what its server takes. Null:
    /// nobody.
    void set_beside(PostgresConnection* other) { beside_ = other; }
    /// script() without waiting for the answer; ended() tells when it is there, and throws what it says.
    void begin_script(const std::string& sql);
    bool ended();
    /// ROLLBACK after a failure that left the connection usable; never throws.
    void rollback() noexcept;

    /// No wait goes beyond it (monotonic), whatever progress there is; like a timeout, it costs the
    /// connection.
    void set_deadline(int64_t deadline_ns) { deadline_ns_ = deadline_ns; }

    int server_version() const { return PQserverVersion(connection_.get()); }

  private:
    void connect(const Options& options);
    void wait(short events, int64_t deadline_ns);
    void flush_output();
    /// The next answer; null when the statement is finished.
    PGresult* next_result();
    PostgresResult finish();
    void send_some();
    [[noreturn]] void fail(const PGresult* result);
    [[noreturn]] void lose(const std::string& what);

    const StopSignal& stop_;
    const int64_t timeout_ns_;
    int64_t deadline_ns_ = std::numeric_limits<int64_t>::max();
    std::array<std::span<const uint8_t>, 3> copying_;  ///< what is still to be sent of a COPY
    bool end_put_ = false;                             ///< it has its end
    bool sending_ = false;                             ///< something of it is not with the kernel yet
    PostgresConnection* beside_ = nullptr;
    PostgresResult script_failed_;
    std::unique_ptr<PGconn, void (*)(PGconn*)> connection_{nullptr, PQfinish};
};

}  // namespace penstock

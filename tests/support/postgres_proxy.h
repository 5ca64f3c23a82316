// Stands between a client and a PostgreSQL cluster and spoils the moment of COMMIT, which no signal hits
// reliably.
#pragma once

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

namespace penstock::test {

/// One thread a connection. The connection string is the cluster's with another socket folder.
class PostgresProxy {
  public:
    enum class Mode {
        kPass,
        kLoseAnswer,  ///< COMMIT reaches the server; the client loses the connection before the answer
        kLate,        ///< the client loses the connection; COMMIT reaches the server `delay` later
        kSwallow,     ///< the client loses the connection; COMMIT never arrives
        kHang,        ///< COMMIT is swallowed and nothing happens any more
    };

    explicit PostgresProxy(const std::string& cluster_dsn);
    ~PostgresProxy();
    PostgresProxy(const PostgresProxy&) = delete;
    PostgresProxy& operator=(const PostgresProxy&) = delete;

    const std::string& dsn() const { return dsn_; }
    /// Does `mode` to the next COMMIT, then passes again.
    void spoil_next_commit(Mode mode, std::chrono::milliseconds delay = std::chrono::milliseconds(200));
    int spoiled() const { return spoiled_; }

  private:
    void accept_loop();
    void serve(int client);

    std::string folder_, server_path_, dsn_;
    int listener_ = -1;
    std::atomic<bool> stopping_{false};
    std::atomic<Mode> mode_{Mode::kPass};
    std::atomic<int> delay_ms_{200};
    std::atomic<int> spoiled_{0};
    std::thread accept_thread_;
    std::vector<std::thread> threads_;
};

}  // namespace penstock::test

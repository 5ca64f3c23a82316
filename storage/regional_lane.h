// One region's database as queries reach it: a few read-only connections with a thread each, apart from the
// flusher's.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "schemas/log_record.h"
#include "storage/postgres.h"

namespace penstock {

/// Why a region did not answer. Holds no row's content.
struct RegionalTrouble {
    std::string why;
    StampNs since_ns = 0;  ///< of the first of the failures in a row; 0: it is only late
};

class RegionalLane {
  public:
    struct Options {
        std::string region;
        std::string dsn;
        size_t connections = 2;
        size_t waiting_max = 32;  ///< asked and not begun; what comes then is troubled at once
    };
    explicit RegionalLane(Options options);
    /// Ends what is under way.
    ~RegionalLane();
    RegionalLane(const RegionalLane&) = delete;
    RegionalLane& operator=(const RegionalLane&) = delete;

    /// Reads only. May be called again, from its beginning, when a connection turns out to be a dead one.
    using Work = std::function<void(PostgresConnection&)>;
    using Failed = std::function<void(RegionalTrouble)>;
    /// Any thread. Exactly one of them is called, on a thread of the lane, about `deadline_ns` (monotonic) at
    /// the latest; later only where a name server keeps the thread. Failed also before this returns.
    void ask(int64_t deadline_ns, Work work, Failed failed);

    /// Any thread: what is under way and what is asked later fails. For good.
    void interrupt();

  private:
    struct Task {
        int64_t deadline_ns;
        Work work;
        Failed failed;
    };
    void serve();
    void run(std::unique_ptr<PostgresConnection>& connection, const Task& task);
    std::unique_ptr<PostgresConnection> connect(int64_t deadline_ns);
    RegionalTrouble trouble(const std::string& why);

    const Options options_;
    StopSignal stop_;
    std::mutex mutex_;
    std::condition_variable has_work_;
    std::deque<Task> tasks_;
    bool ends_ = false;
    // Of the failures in a row.
    StampNs failing_since_ns_ = 0;
    int64_t connect_again_ns_ = 0;
    std::string failure_;
    std::vector<std::thread> threads_;
};

}  // namespace penstock

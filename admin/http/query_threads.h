// Threads for what takes too long for the HTTP thread: a few, and a few that may wait for them.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace penstock::http {

class QueryThreads {
  public:
    static constexpr size_t kThreads = 4, kWaitingMax = 16;

    QueryThreads();
    ~QueryThreads() { stop(); }
    QueryThreads(const QueryThreads&) = delete;
    QueryThreads& operator=(const QueryThreads&) = delete;

    /// Any thread. False: too many wait. `always`: for what is counted elsewhere.
    bool run(std::function<void()> work, bool always = false);
    /// Waits for what runs; what waits is forgotten. For good.
    void stop();

  private:
    void serve();

    std::mutex mutex_;
    std::condition_variable has_work_;
    std::deque<std::function<void()>> waiting_;
    bool ends_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace penstock::http

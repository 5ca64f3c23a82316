// Argon2id off the HTTP thread: one password takes tens of milliseconds and 64 MiB, on purpose.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace penstock::http {

/// Threads of its own, and at most kWaitingMax jobs. Answers come through `post`, on the HTTP thread.
class PasswordPool {
  public:
    static constexpr size_t kThreads = 2, kWaitingMax = 64;
    using Post = std::function<void(std::function<void()>)>;

    explicit PasswordPool(Post post);
    ~PasswordPool() { stop(); }
    PasswordPool(const PasswordPool&) = delete;
    PasswordPool& operator=(const PasswordPool&) = delete;

    /// Jobs that wait are dropped, and none is taken any more. Twice does no harm.
    void stop();
    /// Whether `password` has `hash`; an empty hash takes as long and never fits. False: too many wait.
    bool verify(std::string hash, std::string password, std::function<void(bool)> done);
    /// Empty where there is no memory for it. False: too many wait.
    bool hash(std::string password, std::function<void(std::string)> done);

  private:
    bool add(std::function<void()> job);
    void run();

    Post post_;
    std::mutex mutex_;  // guards what follows
    std::condition_variable news_;
    std::deque<std::function<void()>> jobs_;
    bool stopping_ = false;
    std::vector<std::thread> threads_;  ///< made with the first job
};

}  // namespace penstock::http

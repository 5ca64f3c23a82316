#include "admin/http/query_threads.h"

#include <pthread.h>
#include <signal.h>

#include <utility>

namespace penstock::http {

QueryThreads::QueryThreads() {
    // Signals belong to the main thread.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (size_t i = 0; i < kThreads; ++i) threads_.emplace_back([this] { serve(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

bool QueryThreads::run(std::function<void()> work, bool always) {
    const std::lock_guard lock(mutex_);
    if (ends_ || (!always && waiting_.size() >= kWaitingMax)) return false;
    waiting_.push_back(std::move(work));
    has_work_.notify_one();
    return true;
}

void QueryThreads::stop() {
    std::deque<std::function<void()>> forgotten;
    {
        const std::lock_guard lock(mutex_);
        ends_ = true;
        forgotten.swap(waiting_);
    }
    has_work_.notify_all();
    for (std::thread& thread : threads_)
        if (thread.joinable()) thread.join();
}

void QueryThreads::serve() {
    pthread_setname_np(pthread_self(), "http-query");
    std::unique_lock lock(mutex_);
    for (;;) {
        has_work_.wait(lock, [this] { return ends_ || !waiting_.empty(); });
        if (ends_) return;
        const std::function<void()> work = std::move(waiting_.front());
        waiting_.pop_front();
        lock.unlock();
        work();
        lock.lock();
    }
}

}  // namespace penstock::http

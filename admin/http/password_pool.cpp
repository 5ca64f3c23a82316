#include "admin/http/password_pool.h"

#include <pthread.h>
#include <sodium.h>

#include <utility>

#include "pipeline/password.h"

namespace penstock::http {

PasswordPool::PasswordPool(Post post) : post_(std::move(post)) {}

void PasswordPool::stop() {
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
        jobs_.clear();
    }
    news_.notify_all();
    for (std::thread& t : threads_) t.join();
    threads_.clear();
}

bool PasswordPool::verify(std::string hash, std::string password, std::function<void(bool)> done) {
    return add(
        [this, hash = std::move(hash), password = std::move(password), done = std::move(done)]() mutable {
            const bool fits = password_matches(password, hash);
            sodium_memzero(password.data(), password.size());
            post_([done = std::move(done), fits] { done(fits); });
        });
}

bool PasswordPool::hash(std::string password, std::function<void(std::string)> done) {
    return add([this, password = std::move(password), done = std::move(done)]() mutable {
        std::string made = hash_password(password);
        sodium_memzero(password.data(), password.size());
        post_([done = std::move(done), made = std::move(made)] { done(made); });
    });
}

bool PasswordPool::add(std::function<void()> job) {
    {
        std::lock_guard lock(mutex_);
        if (jobs_.size() >= kWaitingMax || stopping_) return false;
        jobs_.push_back(std::move(job));
        while (threads_.size() < kThreads) threads_.emplace_back([this] { run(); });
    }
    news_.notify_one();
    return true;
}

void PasswordPool::run() {
    pthread_setname_np(pthread_self(), "passwords");
    for (;;) {
        std::unique_lock lock(mutex_);
        news_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
        if (stopping_) return;
        const auto job = std::move(jobs_.front());
        jobs_.pop_front();
        lock.unlock();
        job();
    }
}

}  // namespace penstock::http

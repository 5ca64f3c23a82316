#include "storage/regional_lane.h"

#include <fmt/format.h>
#include <pthread.h>

#include <utility>

#include "pipeline/clock.h"

namespace penstock {
namespace {

constexpr int64_t kStatementNs = 35'000'000'000;  ///< a little more than the longest deadline
/// The server's own limit, that of the deadline, was first.
constexpr std::string_view kCanceled = "57014";
/// After a failed connection, who asks is told at once for so long.
constexpr int64_t kPauseNs = 500'000'000;

}  // namespace

RegionalLane::RegionalLane(Options options) : options_(std::move(options)) {
    for (size_t i = 0; i < options_.connections; ++i) threads_.emplace_back([this] { serve(); });
}

RegionalLane::~RegionalLane() {
    interrupt();
    for (std::thread& thread : threads_) thread.join();
}

void RegionalLane::interrupt() {
    {
        std::lock_guard lock(mutex_);
        ends_ = true;
    }
    stop_.request(0);
    has_work_.notify_all();
}

void RegionalLane::ask(int64_t deadline_ns, Work work, Failed failed) {
    {
        std::lock_guard lock(mutex_);
        if (!ends_ && tasks_.size() < options_.waiting_max) {
            tasks_.push_back({deadline_ns, std::move(work), std::move(failed)});
            has_work_.notify_one();
            return;
        }
    }
    failed({"too many queries wait for it", 0});
}

void RegionalLane::serve() {
    pthread_setname_np(pthread_self(), fmt::format("query-{}", options_.region).substr(0, 15).c_str());
    std::unique_ptr<PostgresConnection> connection;
    std::unique_lock lock(mutex_);
    for (;;) {
        has_work_.wait(lock, [this] { return ends_ || !tasks_.empty(); });
        if (tasks_.empty()) return;
        const Task task = std::move(tasks_.front());
        tasks_.pop_front();
        lock.unlock();
        run(connection, task);
        lock.lock();
    }
}

void RegionalLane::run(std::unique_ptr<PostgresConnection>& connection, const Task& task) {
    if (monotonic_now_ns() >= task.deadline_ns) return task.failed({"other queries took its time", 0});
    for (bool used_before = connection != nullptr;; used_before = false) {
        try {
            if (!connection) connection = connect(task.deadline_ns);
            connection->set_deadline(task.deadline_ns);
            task.work(*connection);
            std::lock_guard lock(mutex_);
            failing_since_ns_ = 0;
            return;
        } catch (const PostgresError& error) {
            const bool late = monotonic_now_ns() >= task.deadline_ns || error.sqlstate == kCanceled;
            if (error.connection_lost) connection.reset();
            if (late) return task.failed({"no answer in time", 0});
            // It may have died while nobody used it: a new one tells.
            if (error.connection_lost && used_before && !stop_.requested()) continue;
            return task.failed(trouble(error.what()));
        } catch (const std::exception& error) {
            connection.reset();
            return task.failed(trouble(error.what()));
        }
    }
}

std::unique_ptr<PostgresConnection> RegionalLane::connect(int64_t deadline_ns) {
    {
        std::lock_guard lock(mutex_);
        if (failing_since_ns_ != 0 && monotonic_now_ns() < connect_again_ns_)
            throw PostgresError(failure_, "08006", false);
    }
    try {
        auto made = std::make_unique<PostgresConnection>(
            PostgresConnection::Options{.dsn = options_.dsn,
                                        .application_name = "penstock query " + options_.region,
                                        .timeout_ns = kStatementNs,
                                        .deadline_ns = deadline_ns},
            stop_);
        made->script("SET default_transaction_read_only = on");
        return made;
    } catch (const PostgresError& error) {
        std::lock_guard lock(mutex_);
        failure_ = error.what();
        connect_again_ns_ = monotonic_now_ns() + kPauseNs;
        throw;
    }
}

RegionalTrouble RegionalLane::trouble(const std::string& why) {
    std::lock_guard lock(mutex_);
    if (failing_since_ns_ == 0) failing_since_ns_ = SystemClock().wall_ns();
    return {why, failing_since_ns_};
}

}  // namespace penstock

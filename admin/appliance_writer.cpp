#include "admin/appliance_writer.h"

#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <chrono>

#include "pipeline/thread_priority.h"

namespace penstock {

namespace {
constexpr std::chrono::milliseconds kLookEach{250};
}

StateWriter::StateWriter(const Parts& parts, std::function<void(const std::string&)> fail)
    : parts_(parts), fail_(std::move(fail)), applied_seq_(parts.state.applied_seq()) {}

StateWriter::~StateWriter() {
    {
        std::lock_guard lock(mutex_);
        stop_ = true;
    }
    changed_.notify_one();
    if (thread_.joinable()) thread_.join();
}

void StateWriter::start() {
    thread_ = std::thread([this] { run(); });
}

void StateWriter::wake() {
    {
        std::lock_guard lock(mutex_);
        woken_ = true;
    }
    changed_.notify_one();
}

void StateWriter::run() {
    pthread_setname_np(pthread_self(), "writer");
    yield_to_others(10);
    try {
        for (;;) {
            {
                std::unique_lock lock(mutex_);
                changed_.wait_for(lock, kLookEach, [this] { return woken_ || stop_; });
                if (stop_) return;
                woken_ = false;
            }
            write_checkpoint();
            parts_.runs.collect(std::max(parts_.clock.wall_ns(), parts_.log.bounds().last_stamp_ns));
        }
    } catch (const LogError& e) {  // a log that failed at a commit cannot be read either
        fail_(fmt::format("log: {}", e.what()));
    } catch (const std::exception& e) {
        fail_(e.what());
    }
}

void StateWriter::write_checkpoint() {
    const auto checkpoint = parts_.sla.take_checkpoint();
    if (!checkpoint) return;
    try {
        parts_.state.write(*checkpoint);
    } catch (const std::exception& e) {
        throw std::runtime_error(fmt::format("checkpoint: {}", e.what()));
    }
    applied_seq_.store(checkpoint->applied_seq, std::memory_order_release);
}

}  // namespace penstock

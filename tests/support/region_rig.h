// A log, one region and its flusher, without the rest of the appliance: for tests of the regional side.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "storage/flush.h"
#include "tests/support/hot_log.h"
#include "tests/support/postgres_cluster.h"

namespace penstock::test {

/// The region "eu". Short pauses, so that tests are quick. Owned by the test's thread.
class RegionRig {
  public:
    explicit RegionRig(std::string dsn) : dsn_(std::move(dsn)) {
        options.linger_ns = 5'000'000;
        options.ledger_interval_ns = 10'000'000;
        options.backoff_min_ns = 5'000'000;
        options.backoff_max_ns = 50'000'000;
        region.name = "eu";
        region.configured = true;
    }
    ~RegionRig() { stop(); }

    /// One record of `count` events, every `every`-th of them for eu, the others for us.
    Seq append(size_t count, size_t every = 1, size_t data_bytes = 20) {
        std::vector<LoggedEvent> events(count);
        for (size_t i = 0; i < count; ++i) {
            LoggedEvent& e = events[i];
            e.id = fmt::format("e{}", ++made_);
            e.subject = fmt::format("cam-{}", made_ % 97);
            e.region = i % every == 0 ? "eu" : "us";
            e.data = fmt::format(R"({{"n":{},"pad":"{}"}})", made_, std::string(data_bytes, 'x'));
            if (e.region == "eu") ++expected_;
        }
        const Seq first = hot.append(events);
        commit();
        return first;
    }
    /// Tells the flusher that all that is in the log is committed.
    void commit() {
        telemetry.committed_seq = hot.next_seq();
        if (flusher) flusher->notify();
    }
    size_t expected() const { return expected_; }

    std::unique_ptr<RegionFlusher> make_flusher(RegionTelemetry& into) {
        return std::make_unique<RegionFlusher>(
            *hot.log().names().region("eu"), options,
            std::make_unique<PostgresRegionalStore>(PostgresRegionalStore::Options{"eu", dsn_, timeout_ns}),
            hot.log(), telemetry, into, dead_letters, clock);
    }
    void start() {
        flusher = make_flusher(region);
        flusher->start();
    }
    void stop(int64_t drain_ns = 0) {
        if (!flusher) return;
        flusher->request_stop(drain_ns);
        flusher->join();
        flusher.reset();
    }

    static bool eventually(const std::function<bool()>& holds,
                           std::chrono::seconds limit = std::chrono::seconds(20)) {
        const auto until = std::chrono::steady_clock::now() + limit;
        while (std::chrono::steady_clock::now() < until) {
            if (holds()) return true;
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
        }
        return holds();
    }
    /// Until the ledger has reached the log's end.
    bool caught_up() {
        return eventually([&] { return region.flushed_seq.load() >= hot.next_seq(); });
    }

    HotLog hot;
    Telemetry telemetry;
    RegionTelemetry region;
    DeadLetterMailbox dead_letters{64};
    SystemClock clock;
    FlushOptions options;
    int64_t timeout_ns = 10'000'000'000;
    std::unique_ptr<RegionFlusher> flusher;

  private:
    std::string dsn_;
    size_t made_ = 0, expected_ = 0;
};

}  // namespace penstock::test

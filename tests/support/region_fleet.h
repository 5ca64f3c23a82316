// A log, five regional databases and their flushers, without the rest of the appliance: for tests of what
// asks all of them.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "storage/event_search.h"
#include "storage/flush.h"
#include "storage/row_batch.h"
#include "tests/support/five_regions.h"
#include "tests/support/hot_log.h"
#include "tests/support/seed.h"

namespace penstock::test {

/// append() and the flushers: one thread; search(): any.
class RegionFleet {
  public:
    explicit RegionFleet(const FiveRegions& databases, StampNs first_stamp_ns = kStartNs)
        : hot(first_stamp_ns), databases_(databases), stamp_ns_(first_stamp_ns) {
        for (const char* name : FiveRegions::kNames) {
            telemetry.regions.push_back(std::make_unique<RegionTelemetry>());
            telemetry.regions.back()->name = name;
            telemetry.regions.back()->configured = true;
        }
        options.linger_ns = 1'000'000;
        options.ledger_interval_ns = 10'000'000;
        options.backoff_min_ns = 5'000'000;
        options.backoff_max_ns = 50'000'000;
    }
    ~RegionFleet() { stop(); }

    std::vector<EventSearch::Region> regions() const {
        std::vector<EventSearch::Region> all;
        for (const char* name : FiveRegions::kNames) all.push_back({name, databases_.dsn(name)});
        return all;
    }
    RegionTelemetry& region(std::string_view name) {
        for (const auto& t : telemetry.regions)
            if (t->name == name) return *t;
        throw std::runtime_error("no such region");
    }

    /// One record of random events, some milliseconds after the last.
    void append(Random& random, size_t count) {
        const auto one_of = [&](auto... texts) {
            const std::vector<std::string> all{texts...};
            return all[random.below(all.size())];
        };
        stamp_ns_ += 1'000'000 + static_cast<int64_t>(random.below(50)) * 10'000'000;
        hot.set_stamp(stamp_ns_);
        std::vector<LoggedEvent> events(count);
        for (LoggedEvent& e : events) {
            e.id = fmt::format("e{}", ++made_);
            e.subject = random.below(10) == 0 ? "" : fmt::format("cam-{}", random.below(40));
            e.type = one_of("motion_detection", "object_detection", "intrusion_detection");
            e.tenant = one_of("default", "default", "acme");
            e.region = one_of("us", "ca", "eu", "apac", "latam");
            e.severity = static_cast<uint8_t>(random.below(6));
            e.data = fmt::format(R"({{"place": "{}", "n": {}}})", one_of("lobby", "Lobby", "gate\\n"), made_);
            if (random.below(4) != 0)
                e.time_ns = stamp_ns_ - static_cast<int64_t>(random.below(5'000'000)) * 1'000;
        }
        const Seq first = hot.append(events);
        const std::lock_guard lock(mutex_);
        for (size_t i = 0; i < count; ++i) {
            const LoggedEvent& e = events[i];
            FoundEvent f;
            f.seq = first + i;
            f.received_us = floor_to_us(stamp_ns_ + static_cast<int64_t>(i));
            // The rig's log takes the record's stamp where the producer gave no time.
            f.time_us = floor_to_us(e.time_ns == kNoTime ? stamp_ns_ : e.time_ns);
            f.region = e.region;
            f.log = hot.log().identity().log_id;
            f.tenant = e.tenant;
            f.source = "/test";
            f.id = e.id;
            f.type = e.type;
            f.subject = e.subject;
            f.severity = e.severity;
            f.data = e.data;
            sent_.push_back(std::move(f));
        }
        telemetry.committed_seq = hot.next_seq();
        for (const auto& flusher : flushers_) flusher->notify();
    }
    /// What was sent, in the words of an answer.
    std::vector<FoundEvent> sent() const {
        const std::lock_guard lock(mutex_);
        return sent_;
    }

    void start() {
        for (const auto& t : telemetry.regions) {
            flushers_.push_back(std::make_unique<RegionFlusher>(
                *hot.log().names().region(t->name), options,
                std::make_unique<PostgresRegionalStore>(
                    PostgresRegionalStore::Options{t->name, databases_.dsn(t->name), 10'000'000'000}),
                hot.log(), telemetry, *t, dead_letters, clock));
            flushers_.back()->start();
        }
    }
    void stop() {
        for (const auto& flusher : flushers_) flusher->request_stop(0);
        flushers_.clear();
    }
    /// Until all ledgers have reached the log's end.
    bool caught_up() {
        const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        const auto holds = [&] {
            return std::all_of(telemetry.regions.begin(), telemetry.regions.end(),
                               [&](const auto& t) { return t->flushed_seq.load() >= hot.next_seq(); });
        };
        while (!holds() && std::chrono::steady_clock::now() < until)
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
        return holds();
    }

    static constexpr StampNs kStartNs = 1'767'225'600'000'000'000 + 86'395'000'000'000;  // near midnight

    HotLog hot;
    Telemetry telemetry;
    DeadLetterMailbox dead_letters{64};
    SystemClock clock;
    FlushOptions options;

  private:
    const FiveRegions& databases_;
    StampNs stamp_ns_;
    uint64_t made_ = 0;
    mutable std::mutex mutex_;
    std::vector<FoundEvent> sent_;
    std::vector<std::unique_ptr<RegionFlusher>> flushers_;
};

}  // namespace penstock::test

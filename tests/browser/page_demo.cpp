// Serves the page over made-up, moving figures, for work on its looks: no ingest, no database.
//   page_demo [listen] [busy|quiet|empty|troubled]
#include <fmt/format.h>
#include <signal.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <random>
#include <thread>

#include "admin/http/server.h"
#include "stages/alert/alert_book.h"
#include "tests/support/hot_log.h"
#include "tests/support/http_parts.h"
#include "tests/support/memory_workflows.h"

namespace {
using namespace penstock;

volatile sig_atomic_t g_stop = 0;

struct Scene {
    double events_per_second = 118'000;
    bool traffic = true, trouble = false, sla = true, regions = true;
};

Scene scene_of(std::string_view name) {
    if (name == "quiet") return {40, true, false, true, true};
    if (name == "empty") return {0, false, false, false, false};
    if (name == "troubled") return {118'000, true, true, true, true};
    return {};
}

constexpr StampNs kDay = 86'400'000'000'000;

std::shared_ptr<SlaSnapshot> sla_at(StampNs now, uint64_t tick) {
    auto s = std::make_shared<SlaSnapshot>();
    s->workflows = {
        {"helpdesk",
         {{"Assign seriousness", "Take in charge ticket", 432'000'000, 4580, 4391 + tick, 97, 22, 70},
          {"Take in charge ticket", "Resolve ticket", 1'728'000'000, 4391, 3987 + tick, 204, 61, 139},
          {"Resolve ticket", "Closed", 1'382'400'000, 3987, 3950, 0, 0, 37}}},
        {"loan_application",
         {{"A_SUBMITTED", "A_ACCEPTED", 259'200'000, 13'087, 5113 + tick * 3, 911, 7063, 0},
          {"O_SENT", "O_SENT_BACK", 2'592'000'000, 5015, 3254, 12, 1749, 402}}}};
    for (int i = 0; i < 8; ++i) {
        const StampNs deadline = now - (i * i * 47 + 3) * 1'000'000'000LL - (i > 5 ? kDay : 0);
        s->recent.push_back({i % 3 ? "helpdesk" : "loan_application",
                             i % 3 ? "Take in charge ticket" : "A_SUBMITTED",
                             i % 3 ? "Resolve ticket" : "A_ACCEPTED", fmt::format("Case {}", 3671 - i * 17),
                             deadline, deadline + 1'000'000});
    }
    s->instances = 4580, s->timers = 648, s->fired_total = 8895, s->retracted_total = 14;
    return s;
}

void fill_log(test::HotLog& log, std::mt19937& random, StampNs now, size_t n) {
    static const char* const kTypes[] = {"motion_detection", "object_detection", "face_detection",
                                         "intrusion_detection"};
    static const char* const kPlaces[] = {"entrance", "parking_lot", "lobby", "warehouse", "office"};
    static const char* const kRegions[] = {"us", "ca", "eu", "apac", "latam"};
    std::vector<test::LoggedEvent> events;
    for (size_t i = 0; i < n; ++i) {
        const unsigned r = static_cast<unsigned>(random());
        events.push_back({fmt::format("{:08x}-{}", r, i), kTypes[r % 4],
                          fmt::format("cam-{}/{}", kPlaces[r / 4 % 5], r % 97), r % 11 ? "default" : "acme",
                          kRegions[r / 20 % 5],
                          fmt::format(R"({{"location":"{}","device":"dev-{}","frame":{},"confidence":0.{}}})",
                                      kPlaces[r / 4 % 5], r % 500, r % 100'000, r % 89 + 10),
                          static_cast<uint8_t>(r % 5 + 1), now - static_cast<StampNs>(r % 900) * 1'000'000});
    }
    log.set_stamp(now);
    log.append(events);
}
}  // namespace

int main(int argc, char** argv) {
    const Scene scene = scene_of(argc > 2 ? argv[2] : "busy");
    const SystemClock clock;
    test::HotLog log;
    Telemetry t;
    t.version = PENSTOCK_VERSION;
    t.log_id = log.log().identity().log_id;
    t.ingest_address = "127.0.0.1:7400";
    t.ingest_backend = "io_uring";
    t.started_ns = clock.wall_ns() - 93'784'000'000'000;
    for (const char* name : {"us", "ca", "eu", "apac", "latam"}) {
        t.regions.push_back(std::make_unique<RegionTelemetry>());
        t.regions.back()->name = name;
        t.regions.back()->configured = scene.regions && std::string_view(name) != "latam";
    }
    t.log_bytes_max.set(64LL << 30);
    t.log_bytes_used.set(scene.traffic ? (scene.trouble ? 60LL << 30 : 17LL << 30) : 1 << 20);
    t.readiness = Readiness::kReady;
    DeadLetterBook book;
    LetterMailbox letters{1};
    AlertBook alerts;
    ControlMailbox control_requests{4};
    HttpServer server({.listen = argc > 1 ? argv[1] : "127.0.0.1:3000"},
                      test::http_parts(t, log.log(), clock, book, letters, control_requests, alerts));
    server.start();
    std::printf("http://localhost:%d\n", server.port());
    std::fflush(stdout);
    signal(SIGINT, [](int) { g_stop = 1; });
    signal(SIGTERM, [](int) { g_stop = 1; });

    std::mt19937 random(7);
    const double cost_ns[kStageCount] = {210e3, 380e3, 95e3, 41e3, 18e3, 610e3, 130e3};
    std::lognormal_distribution<double> spread(0, 0.35);
    double due = 0;
    for (uint64_t tick = 0; !g_stop; ++tick) {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        if (!scene.traffic) continue;
        const StampNs now = clock.wall_ns();
        const double wave = 1 + 0.18 * std::sin(static_cast<double>(tick) / 90) +
                            0.05 * std::sin(static_cast<double>(tick) / 7);
        due += scene.events_per_second * wave / 20;
        const auto n = static_cast<uint64_t>(due);
        due -= static_cast<double>(n);
        if (n == 0) continue;
        t.events_received.add(n);
        t.events_stored.add(n - n / 50);
        t.events_duplicate.add(n / 50);
        t.received_bytes.add(n * 268);
        for (size_t s = 0; s < kStageCount; ++s) {
            t.stages[s].events_in.add(n);
            t.stages[s].events_out.add(n);
            t.stages[s].depth.set(static_cast<int64_t>(random() % (s == 5 ? 6 : 2)));
            for (int k = 0; k < 8; ++k)
                t.stages[s].batch_ns.record(static_cast<uint64_t>(cost_ns[s] * spread(random)), n / 8 + 1);
        }
        for (int k = 0; k < 8; ++k) {
            t.commits.add();
            t.commit_batches.add(3);
            t.commit_ns.record(static_cast<uint64_t>(620e3 * spread(random)));
            t.ack_ns.record(static_cast<uint64_t>(1.3e6 * spread(random)), n / 8 + 1);
            t.processing_ns.record(static_cast<uint64_t>(420e3 * spread(random)), n / 8 + 1);
        }
        t.log_bytes_appended.add(n * 240);
        t.log_bytes_used.add(static_cast<int64_t>(n * 240));
        t.dedup_keys.set(static_cast<int64_t>(std::min<uint64_t>(t.events_stored.read(), 70'800'000)));
        t.dedup_bytes.set(t.dedup_keys.read() * 40);
        t.connections_open.set(12 + static_cast<int64_t>(tick / 40 % 5));
        t.connections_accepted.add(tick % 40 == 0);
        t.producers.set(4);
        fill_log(log, random, now, std::min<uint64_t>(n, 24));
        t.committed_seq = log.next_seq();
        t.applied_seq = log.next_seq();
        if (tick % 60 == 0) {
            t.dead_letters[static_cast<size_t>(Refusal::kBadJson)].add();
            log.append(std::vector<test::LoggedDeadLetter>{
                {Refusal::kBadJson, "the string that begins at byte 31 is not closed", "127.0.0.1:51514",
                 R"({"specversion":"1.0","id":"7","s)", tick}});
        }
        if (tick % 200 == 10) t.dead_letters[static_cast<size_t>(Refusal::kUnknownRegion)].add(3);
        if (scene.trouble && tick % 9 == 0) t.dead_letters[static_cast<size_t>(Refusal::kConflict)].add(41);
        for (size_t r = 0; r < t.regions.size(); ++r) {
            RegionTelemetry& region = *t.regions[r];
            if (!region.configured) {
                region.waiting_events += n / 5;
                region.lag_ns = now - t.started_ns;
                continue;
            }
            if (scene.trouble && r == 2) {
                region.breaker = tick / 200 % 3 == 2 ? BreakerState::kHalfOpen : BreakerState::kOpen;
                region.lag_ns += 50'000'000;
                region.waiting_events += n / 5;
                region.failures_total.add(tick % 40 == 0);
                region.set_error(
                    "connection to server on socket \"/run/penstock/eu/.s.PGSQL.5432\" failed: No such file "
                    "or directory");
                continue;
            }
            region.stored_total += n / 5;
            region.rows_total.add(n / 5);
            region.lag_ns = 180'000'000 + static_cast<int64_t>(random() % 120'000'000);
            region.waiting_events = n * 3;
            region.flushes_total.add();
            region.flush_ns.record(static_cast<uint64_t>(41e6 * spread(random)));
        }
        if (scene.sla && tick % 10 == 0) t.set_sla(sla_at(now, tick / 10));
    }
    server.stop();
}

// End to end: a real appliance, a producer over TCP, and the accounts compared afterwards.
#pragma once

#include <string>

#include "perf/support/appliance_process.h"
#include "perf/support/bench.h"
#include "perf/support/event_feed.h"
#include "perf/support/load.h"

namespace penstock::bench {

/// For runs that keep all that they send.
inline constexpr std::string_view kLargeLog =
    "[log]\nbytes_max = \"32GiB\"\nretention_bytes = \"24GiB\"\n[state]\ncheckpoint_s = 5\n";

/// Before what is measured.
inline constexpr uint64_t kWarmUpEvents = 200'000;

struct EndToEndOptions {
    std::string program, folder;
    uint64_t events = 1'500'000;  ///< of a throughput run
    size_t runs = 5;
    double rate = 100'000;
    double seconds = 20;                  ///< of open loop
    size_t connections = 1;               ///< latency: producers
    bool mix = false;                     ///< latency: events of event_mix.h
    uint32_t checkpoint_s = 5;            ///< latency: often, so that every window has one
    std::string format = "both";          ///< json, binary or both
    std::string dsns;                     ///< sustained: a file, region and connection string a line
    double window_s = 20;                 ///< sustained: of dedup
    std::string growth_of = "all";        ///< growth: keys, tenants, connections, log or all
    uint64_t held_keys = 10'000'000;      ///< growth: before it is measured
    uint64_t keys = 1'000'000;            ///< recovery: in flight
    uint64_t window_events = 60'000'000;  ///< recovery: in the dedup window
};

void run_throughput(const EndToEndOptions& options);
void run_latency(const EndToEndOptions& options);
void run_workflows(const EndToEndOptions& options);
void run_growth(const EndToEndOptions& options);
void run_sustained(const EndToEndOptions& options);
void run_idle(const EndToEndOptions& options);
void run_recovery(const EndToEndOptions& options);

std::string_view name_of(EventFeed::Format format);

/// Waits until the engine has applied what is committed, then compares the appliance's accounts with what was
/// sent. Throws CheckFailed.
void check_accounts(const ApplianceProcess& appliance, const FeedEffects& sent);
/// Of events alone, where what they do to workflows is not foreseen.
void check_event_accounts(const ApplianceProcess& appliance, const FeedEffects& sent);
FeedEffects sum(const FeedEffects& a, const FeedEffects& b);

/// A number in a status document.
uint64_t number_of(const boost::json::value& value);
double real_of(const boost::json::value& value);

}  // namespace penstock::bench

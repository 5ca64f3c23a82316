// Two appliances under the same load in turns, and what the one that has many of something makes of it beside
// the one that has few. All binary: what the appliance costs shows most beside the cheaper format.
#pragma once

#include "perf/e2e/e2e.h"

namespace penstock::bench {

/// What many is to make, as a share of what few does.
inline constexpr double kShareOfFew = 0.7;

/// An appliance and its producer.
struct Side {
    struct Options {
        std::string name;  ///< in results: how many of what is compared
        std::string config;
        std::string_view workflow = {};  ///< workflow.json
        EventFeed::Options feed = {};
        LoadOptions load = {};  ///< connections, window and tenants
    };
    Side(const EndToEndOptions& options, const Options& side);

    /// Checks the accounts. rate: 0 as fast as it goes.
    LoadReport load(uint64_t events, double rate = 0);
    /// A closed loop whose figures are kept.
    void measure(uint64_t events);
    /// In order, and the log is verified.
    void stop();

    const std::string name, folder;
    EventFeed feed;
    const LoadOptions load_options;
    ApplianceProcess appliance;
    Runs events_per_s, cpu_ns, producer_cpu_ns;
};

/// Runs both, and prints what each made and the share: `prefix`/throughput/NAME, `prefix`/MANY_to_FEW.
void compare_in_turns(const EndToEndOptions& options, Side& few, Side& many, std::string_view prefix,
                      std::string_view note);

}  // namespace penstock::bench

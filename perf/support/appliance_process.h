// A real appliance for a benchmark: `penstock serve` as a child on free loopback ports, on a folder of its
// own. It ends with this object, and with this process however that ends.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <boost/json.hpp>

#include "perf/support/child_process.h"

namespace penstock::bench {

class ApplianceProcess {
  public:
    struct Options {
        std::string program;   ///< path of penstock
        std::string folder;    ///< created; data and log file go there
        std::string config;    ///< further TOML: sections and keys that differ from the defaults
        std::string workflow;  ///< a workflow document; empty: none
        std::map<std::string, std::string> dsns;  ///< by region; empty: no databases
        bool one_region = false;                  ///< `us` goes by the names of the other regions, too
    };
    /// Returns when it is ready. Throws with the end of its log where it is not.
    explicit ApplianceProcess(const Options& options);

    uint16_t ingest_port() const { return ingest_port_; }
    boost::json::object status() const;
    /// Bytes of anonymous memory now.
    uint64_t anonymous_bytes() const;
    /// Bytes of all memory that is resident now, mapped files among it.
    uint64_t resident_bytes() const;
    /// User and system time used so far.
    double cpu_seconds() const;
    /// From /metrics: how many samples of a histogram there are, and how many at or below each bound.
    struct Buckets {
        std::vector<std::pair<double, uint64_t>> at_most;  ///< seconds, cumulative count
        uint64_t count = 0;
        double share_at_most(double seconds) const;
    };
    Buckets histogram(const std::string& name) const;

    /// kill -9, and waits for its end. Another may be started on the folder.
    void kill_now() { process_->kill_now(); }
    /// Stops in order and waits. Throws when it does not end well.
    void stop() { process_->stop(true); }
    /// After stop(): `penstock log verify`; throws when the log is damaged.
    void verify_log() const;

  private:
    std::string get(const std::string& target) const;
    uint64_t memory(std::string_view name) const;

    const Options options_;
    std::optional<ChildProcess> process_;
    uint16_t http_port_ = 0, ingest_port_ = 0;
};

}  // namespace penstock::bench

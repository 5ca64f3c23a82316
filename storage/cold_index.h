// Days that are over get an index by key: none of their rows is made dearer by it, and from then on a key is
// found in them at once. docs/decisions/0011 has the measurements.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <thread>

#include "storage/postgres.h"

namespace penstock {

/// Makes one index, of the newest day that every log has passed and that has none. Its name; empty: nothing
/// to do. Takes about a microsecond a row, in which rows of that day, and of that day only, cannot be
/// written.
std::string index_a_cold_day(PostgresConnection& connection);

/// Looks after all regions, on a thread of its own.
class ColdIndexer {
  public:
    /// By region, as they are then.
    using Dsns = std::function<std::map<std::string, std::string>()>;
    explicit ColdIndexer(Dsns dsns) : dsns_(std::move(dsns)) {}
    ~ColdIndexer() { stop(); }
    ColdIndexer(const ColdIndexer&) = delete;
    ColdIndexer& operator=(const ColdIndexer&) = delete;

    void start();
    void stop();

  private:
    void run();

    const Dsns dsns_;
    StopSignal stop_;
    std::thread thread_;
};

}  // namespace penstock

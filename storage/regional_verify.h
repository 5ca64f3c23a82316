// Whether a region's database has of a log what the log says: counts and digests an hour, and where they
// differ, row by row.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "storage/event_log.h"
#include "storage/postgres.h"
#include "storage/row_batch.h"

namespace penstock {

/// Rows of one span. The digest of a row is the first eight bytes of SHA-256 over its columns but `log`, each
/// as COPY in binary has it, with its length in front; that of many is their sum, whatever their order.
struct RowsDigest {
    uint64_t rows = 0;
    std::string sum = "0";  ///< decimal
    friend bool operator==(const RowsDigest&, const RowsDigest&) = default;
};

struct RowDigest {
    Seq seq = 0;
    int64_t digest = 0;
    friend auto operator<=>(const RowDigest&, const RowDigest&) = default;
};

/// One hour, by receipt, in which log and region differ.
struct HourDifference {
    StampNs hour_ns = 0;
    uint64_t log_rows = 0, region_rows = 0;
    std::vector<Seq> missing, extra, different;  ///< in the region
};

struct RegionVerdict {
    Seq from = 1, end = 1;  ///< sequences that were compared: of the log's, what the ledger has passed
    uint64_t hours = 0, rows = 0, refused = 0;
    std::vector<HourDifference> differences;  ///< oldest first
    bool agrees() const { return differences.empty(); }
};

/// One thread. The log may be written, and trimmed, meanwhile.
class RegionVerifier {
  public:
    struct Options {
        std::string region, dsn;
        StampNs from_ns = 0;  ///< received; whole hours from there on are compared
        StampNs to_ns = std::numeric_limits<StampNs>::max();
        int64_t timeout_ns = 120'000'000'000;  ///< one statement
    };
    /// Connects. `log` and `stop` outlive it. Throws PostgresError, or std::runtime_error where the region
    /// knows no such log.
    RegionVerifier(const Options& options, const EventLog& log, const StopSignal& stop);

    /// `progress` is told the hour that comes next and its part of all; false ends it.
    RegionVerdict run(const std::function<bool(StampNs hour_ns, double done)>& progress);

  private:
    void find_refused();
    std::vector<RowDigest> log_rows(StampNs hour_ns);
    RowsDigest region_digest(StampNs hour_ns);
    std::vector<RowDigest> region_rows(StampNs hour_ns);
    std::vector<std::string> parameters(StampNs hour_ns) const;

    const Options options_;
    const EventLog& log_;
    PostgresConnection connection_;
    LogReader reader_;
    RowBatch batch_;
    uint16_t region_id_ = 0;
    std::string log_number_;
    RegionVerdict verdict_;
    std::set<Seq> refused_;  ///< rows that the region would not take; they are dead letters
};

}  // namespace penstock

// What the three `penstock log` commands share. They run beside an appliance, which goes on writing.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "admin/cli/config_flags.h"
#include "admin/cli/guarded.h"
#include "admin/cli/terminal.h"
#include "storage/event_log.h"

namespace penstock::cli {

/// Which log is meant.
struct LogPlace {
    std::string data_dir;  ///< --data-dir; empty: that of the configuration
    ConfigFlags config;

    void add_to(CLI::App& command);
    /// Opens it read-only. Throws CommandError.
    std::unique_ptr<EventLog> open() const;
    std::string folder() const;
};

/// Records from the one that holds `from`, in order, until `visit` returns false. Reads in slices, each in a
/// transaction of its own: a long one would keep the appliance from using freed pages again. A record whose
/// first sequence does not follow on from the one before is passed with `gap`, unless the appliance trimmed
/// the log meanwhile. Throws LogError for a damaged record.
void scan_in_slices(const EventLog& log, Seq from, bool verify, GuardedProgress& progress,
                    const std::function<bool(const RecordView&, bool gap)>& visit);

/// "events", "dead letters", or what a control record says: "boot", "tick", ...
std::string kind_name(const RecordView& record);

int list_records(const LogPlace& place, uint64_t limit, const OutputFormat& output);
/// `quiet`: says nothing of a log that is sound.
int verify_log(const LogPlace& place, const OutputFormat& output, bool quiet = false);

struct ShowQuery {
    std::optional<Seq> seq;
    std::string key, tenant = "default";
    std::string id, source;
    uint64_t limit = 0;  ///< 0: all
};
int show_events(const LogPlace& place, const ShowQuery& query);

}  // namespace penstock::cli

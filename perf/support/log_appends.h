// Appends of the same records to the event log and to bare LMDB, both durable.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "perf/support/event_feed.h"
#include "pipeline/batch_ring.h"

namespace penstock::bench {

using Records = std::vector<std::unique_ptr<EventBatch>>;
/// Of a thousand events each, as the pipeline makes them.
Records make_records(size_t count, const EventFeed::Options& options);

/// Seconds that appending took, `group` records a commit, in a fresh `folder`; read back and compared.
double append_log(const std::string& folder, const Records& records, size_t group, uint64_t events);
/// What the library does at its best for these bytes: one put a record from memory that lies ready.
double append_bare(const std::string& folder, const Records& records, size_t group);

}  // namespace penstock::bench

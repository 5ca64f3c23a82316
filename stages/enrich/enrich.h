// enrich: adds what lookup tables know of an event, and masks what must not be kept.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "pipeline/event_batch.h"
#include "schemas/event_fields.h"
#include "stages/enrich/lookup_table.h"
#include "stages/enrich/mask.h"

namespace penstock {

/// Intake thread, but for reload_changed_files(). Received time is the sequencer's; aliases of types and
/// regions are settled by parse, since identity depends on them. Touches an event's bytes only where tables
/// or masks are configured.
class EnrichStage {
  public:
    struct Lookup {
        std::string file;
        FieldPath match;  ///< what the table's first column is compared with
    };
    struct Options {
        std::vector<Lookup> lookups;
        std::vector<FieldPath> masks;
    };
    /// Loads the tables. Throws LookupError naming file and line.
    explicit EnrichStage(Options options);

    size_t do_work(WorkBatch& work);

    /// How much longer an event can become; parse leaves that room.
    static size_t growth_bytes_max(const Options& options);

    /// Any one other thread: loads again the files that have changed; a file with a fault is reported, once,
    /// in the log, and its old content stays.
    void reload_changed_files();

  private:
    bool enrich(EventFields& fields, std::string& data);

    const Options options_;
    std::vector<std::shared_ptr<const LookupTable>> tables_;  ///< intake thread's
    std::mutex mutex_;                                        ///< guards what follows
    std::vector<std::shared_ptr<const LookupTable>> fresh_;   ///< null: unchanged
    std::atomic<bool> has_fresh_{false};
    std::vector<LookupTable::Version> seen_;  ///< reloading thread's

    EventBuilder builder_;
    EventFields fields_;
    std::vector<uint8_t> rebuilt_;
};

}  // namespace penstock

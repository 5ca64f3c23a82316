// The regions as they are now: those of the configuration and those that were added while it ran, each with
// what takes its events there.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "admin/config.h"
#include "admin/region_keys.h"
#include "schemas/region.h"
#include "stages/parse/vocabulary.h"
#include "storage/event_search.h"
#include "storage/flush.h"

namespace penstock {

/// Follows the book of regions. begin() and follow(): main thread; others as they say.
class LiveRegions {
  public:
    struct Parts {
        const Config& config;
        EventLog& log;
        Telemetry& telemetry;
        DeadLetterMailbox& dead_letters;
        const Clock& clock;
        RegionFlusher::Acts acts;
        const RegionReader& book;
        const SealKey& host_key;  ///< seals connection strings in the log
    };
    /// Names get their numbers, keys of the configuration's regions are read: the log is used with them from
    /// here on. Throws SealError.
    explicit LiveRegions(const Parts& parts);

    /// After recovery: all that the book and the configuration know.
    void begin();
    /// Starts what begin() made, and from then on what follow() makes.
    void start();
    /// What the book has changed since. Now and then.
    void follow();
    /// Log thread, after each durable group.
    void notify();
    void stop(int64_t drain_ns);

    /// State thread, or before it: a region's key is known before its events are read.
    void learn_key(const Region& region);
    /// Intake thread, or before it: names, aliases, and who takes no events.
    void teach(Vocabulary& vocabulary) const;
    /// Intake thread, once a region drains: what it got has lower sequences. 0: it does not.
    void mark_drained(const std::string& name, Seq next_seq);
    /// Any thread: those with a database.
    std::map<std::string, std::string> dsns() const;
    /// Told what queries are to ask, after each change; main thread.
    void search_with(EventSearch& search);
    /// What the configuration says, with numbers; for the API.
    std::vector<Region> of_configuration() const;

    std::string sealed(const std::string& dsn) const;

  private:
    struct Live {
        Region facts;  ///< in the clear
        RegionTelemetry* telemetry = nullptr;
        std::unique_ptr<RegionFlusher> flusher;
    };
    std::vector<Region> wanted() const;
    std::string opened(const Region& region, const std::string& sealed) const;
    RegionTelemetry& telemetry_of(const std::string& name);
    void take(const Region& region);
    void search_anew();

    const Parts p_;
    std::shared_ptr<SealKeys> keys_;
    mutable std::mutex mutex_;  // guards live_ and drained_from_
    std::map<std::string, Live> live_;
    std::map<std::string, Seq> drained_from_;
    uint64_t seen_version_ = 0;
    bool started_ = false;
    EventSearch* search_ = nullptr;
};

}  // namespace penstock

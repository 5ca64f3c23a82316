// Identities of spans of the log, sorted, a file each: what a start reads instead of a whole window of the
// log. Only a copy of what the log holds: a file that is missing, damaged or of another log costs time,
// nothing else. docs/storage_layout.md describes the bytes.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "storage/event_log.h"

namespace penstock {

/// One run, mapped for reading.
class IdentityRun {
  public:
    struct Entry {
        Hash128 id;
        uint64_t content_and_time;  ///< upper 48 bits of the content hash | steps since first_stamp_ns
    };
    struct Header {
        uint64_t magic;
        uint64_t checksum;  ///< XXH3-64 of all bytes after this field
        uint64_t log_id_hash;
        Seq first_seq, end_seq;
        StampNs first_stamp_ns, last_stamp_ns;
        int64_t step_ns;
        uint64_t entries;
    };

    /// Null where the file is none, not whole, or of another log.
    static std::unique_ptr<IdentityRun> open(const std::string& file, std::string_view log_id);
    ~IdentityRun();
    IdentityRun(const IdentityRun&) = delete;
    IdentityRun& operator=(const IdentityRun&) = delete;

    const Header& header() const { return *static_cast<const Header*>(map_); }
    /// By id.hi, then id.lo, then time.
    std::span<const Entry> entries() const;
    EventIdentity identity(const Entry& e) const { return {e.id, e.content_and_time & ~kTimeMask}; }
    StampNs received_ns(const Entry& e) const {
        return header().first_stamp_ns +
               static_cast<int64_t>(e.content_and_time & kTimeMask) * header().step_ns;
    }

    static constexpr uint64_t kTimeMask = 0xffff;

  private:
    IdentityRun(void* map, size_t bytes) : map_(map), bytes_(bytes) {}
    void* map_;
    size_t bytes_;
};

/// Writes runs behind the log. One thread.
class IdentityRunWriter {
  public:
    struct Options {
        std::string path;       ///< the folder `dedup/`; created when missing
        int64_t window_ns = 0;  ///< runs older than that are removed
        size_t entries_max = size_t{1} << 21;
    };
    /// Throws LogError where the folder cannot be made.
    IdentityRunWriter(Options options, const EventLog& log);

    /// The runs that agree with the log and reach into the window that ends now, oldest first.
    std::vector<std::unique_ptr<IdentityRun>> open_runs(StampNs now_ns) const;

    /// Takes in what has become durable, at most some hundred thousand events a call, and writes a run when
    /// there is enough of it: then some tenths of a second. A write that fails is logged, and tried again
    /// with the next run.
    void collect(StampNs now_ns);

  private:
    bool agrees(const IdentityRun& run, const EventLog::Bounds& bounds) const;
    void write_run();
    void remove_old(StampNs now_ns);

    const Options options_;
    const EventLog& log_;
    LogReader reader_;
    Seq next_seq_ = 0;  ///< 0: not known yet
    std::vector<IdentityRun::Entry> entries_;
    std::vector<StampNs> stamps_;              ///< beside entries_
    std::vector<IdentityRun::Entry> sorting_;  ///< kept, as memory that is new costs more than sorting
    IdentityRun::Header open_{};               ///< of the run that is gathered
    bool warned_ = false;
};

}  // namespace penstock

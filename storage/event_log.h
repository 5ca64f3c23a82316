// The one log: records in an LMDB environment, append-only, one value a batch, one transaction a group.
// docs/storage_layout.md describes the bytes.
#pragma once

#include <lmdb.h>

#include <atomic>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "pipeline/seal.h"
#include "schemas/limits.h"
#include "schemas/log_record.h"
#include "storage/packed_heap.h"
#include "storage/sealed_record.h"

namespace penstock {

/// The log cannot go on (I/O error, full, damaged). The process stops and replays: an fsync is never retried.
struct LogError : std::runtime_error {
    LogError(const std::string& what, int lmdb_code) : std::runtime_error(what), code(lmdb_code) {}
    int code;
    bool full() const { return code == MDB_MAP_FULL; }
    /// What is stored is not what was written.
    bool damaged() const { return code == MDB_CORRUPTED || code == MDB_PAGE_NOTFOUND; }
};

/// Facts that hold for the log's whole life; written when it is created.
struct LogIdentity {
    std::string log_id;                ///< UUID; names this log in the regions' ledgers
    std::vector<uint8_t> hash_secret;  ///< key of the identity hashes, 192 bytes
};

/// Names by their numbers. One thread appends; any may read meanwhile: what was there stays where it is.
class NameList {
  public:
    explicit NameList(size_t max = limits::kTenantsMax) : names_(new std::string[max]), max_(max) {}
    NameList(std::initializer_list<std::string> names) : NameList(names.size()) {
        for (const std::string& name : names) push_back(name);
    }

    size_t size() const { return size_.load(std::memory_order_acquire); }
    bool empty() const { return size() == 0; }
    bool full() const { return size() == max_; }
    const std::string& operator[](size_t i) const { return names_[i]; }
    const std::string& front() const { return names_[0]; }
    const std::string* begin() const { return names_.get(); }
    const std::string* end() const { return names_.get() + size(); }
    std::optional<uint16_t> find(std::string_view name) const;
    void push_back(std::string name) {
        const size_t at = size();
        names_[at] = std::move(name);
        size_.store(at + 1, std::memory_order_release);
    }

  private:
    std::unique_ptr<std::string[]> names_;
    size_t max_;
    std::atomic<size_t> size_{0};
};

/// Names of regions and tenants with the small numbers that records carry. Numbers are given once and stay.
struct LogNames {
    NameList regions{limits::kRegionsMax}, tenants{limits::kTenantsMax};
    std::optional<uint16_t> region(std::string_view name) const;
    std::optional<uint16_t> tenant(std::string_view name) const;
};

/// The environment. Opened once a process. Other processes may open it read-only meanwhile.
class EventLog {
  public:
    struct Options {
        std::string path;                  ///< the folder `log/`; created when missing
        uint64_t bytes_max = 64ULL << 30;  ///< map size: the most that the log may take on disk
        bool read_only = false;
        bool pack = true;  ///< keeps heaps as LZ4 blocks where that makes them smaller
    };
    /// Throws LogError naming the path and what to do.
    explicit EventLog(const Options& options);
    ~EventLog();
    EventLog(const EventLog&) = delete;
    EventLog& operator=(const EventLog&) = delete;

    const LogIdentity& identity() const { return identity_; }
    const LogNames& names() const { return names_; }
    /// Gives numbers to names that have none, durably, all or none. One caller at a time; others may use the
    /// log meanwhile. Throws LogError.
    void register_names(const std::vector<std::string>& regions, const std::vector<std::string>& tenants);

    /// Appends records in one durable transaction. One thread. Throws LogError; then nothing was appended.
    /// Fills in each header's checksum. Records must follow on from the last one.
    void append(std::span<const RecordView> records);

    /// From now on what is of a region with a key is appended sealed, and readers open it. Before other
    /// threads use the log.
    void use_keys(std::shared_ptr<const SealKeys> keys) { keys_ = std::move(keys); }
    /// Null: none are known.
    const SealKeys* keys() const { return keys_.get(); }

    /// Deletes whole records from the front while `may_go(view)` says so, at most `records_max`, and
    /// never the last one. The writer's thread. Returns how many went.
    size_t trim(const std::function<bool(const RecordView&)>& may_go, size_t records_max);

    struct Bounds {
        Seq first_seq = 1;  ///< of the oldest record
        Seq next_seq = 1;   ///< what the next record will take
        StampNs last_stamp_ns = 0;
        uint64_t records = 0;
    };
    Bounds bounds() const;
    uint64_t bytes_used() const;
    uint64_t bytes_max() const { return bytes_max_; }
    /// What the log may take in all: bytes_max, or less where its disk has no more.
    uint64_t bytes_available() const;

    MDB_env* env() const { return env_; }
    MDB_dbi records_dbi() const { return records_; }

  private:
    void load_identity(bool read_only);
    void append_in_one(std::span<const RecordView> records);
    std::string path_;
    uint64_t bytes_max_;
    MDB_env* env_ = nullptr;
    MDB_dbi records_ = 0, names_dbi_ = 0, meta_ = 0;
    LogIdentity identity_;
    LogNames names_;
    std::shared_ptr<const SealKeys> keys_;
    std::optional<HeapPacker> packer_;  ///< none: what is appended is not packed
};

/// Reads records in order. Any thread, one thread each. Holds a read transaction only inside a call, so
/// views are valid only inside the callback.
class LogReader {
  public:
    explicit LogReader(const EventLog& log);
    ~LogReader();
    LogReader(const LogReader&) = delete;
    LogReader& operator=(const LogReader&) = delete;

    /// Calls `visit` for each record that holds a sequence >= `from`, in order, until it returns false or
    /// the log ends. Returns the sequence after the last record visited (or `from`).
    /// A damaged record throws LogError naming its sequence. `verify`: checks each checksum first (only the
    /// layout is checked otherwise).
    Seq scan(Seq from, const std::function<bool(const RecordView&)>& visit, bool verify = false) const;

    /// As scan, but from the newest record backwards.
    void scan_back(const std::function<bool(const RecordView&)>& visit) const;

    /// The first sequence of the oldest record whose last item was received at or after `since_ns`; where
    /// none was, the sequence after the log's last.
    Seq find_received(StampNs since_ns) const;

  private:
    const EventLog& log_;
    MDB_txn* txn_;
    mutable RecordOpener opener_;
};

/// Splits a value (8-byte aligned) into its parts. Throws LogError when lengths disagree; the checksum only
/// where asked.
RecordView parse_record(std::span<const uint8_t> value, bool verify_checksum);

}  // namespace penstock

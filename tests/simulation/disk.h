// The disk under the simulated appliance. The program's own definitions of pwrite, writev, fdatasync and so
// on stand before the C library's, for liblmdb too; files in the data folder get a model beside the real
// file: what is durable, and the writes that are not. The real file is the page cache, since LMDB reads by
// mmap.
#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/seed.h"

namespace penstock::simulation {

using test::Random;

/// One a process, one thread. Operations are counted: each write, size change and sync of a modelled file.
class Disk {
  public:
    enum class Fault : uint8_t {
        kNone,
        kCrash,       ///< from this operation on nothing reaches the disk; the caller ends the process
        kNoSpace,     ///< ENOSPC, perhaps after a part of it
        kWriteError,  ///< EIO of a write; it may have reached the disk all the same
        kSyncError,   ///< EIO of a sync; what it was to make durable may be lost, and the next sync succeeds
    };

    static Disk& instance();

    /// Models the data files below `folder` from now on.
    void begin(const std::string& folder, uint64_t seed);

    /// The fault happens at the `operations`-th operation from now (0: the next). A sync error waits for the
    /// next sync, a write error for the next write.
    void arm(Fault fault, uint64_t operations);
    void disarm() { fault_ = Fault::kNone; }
    /// As kCrash, here and now.
    void crash_now() { crashed_ = true; }
    bool crashed() const { return crashed_; }
    /// ENOSPC for every write that would grow a file, until given back.
    void fill_up(bool full) { full_ = full; }
    bool full() const { return full_; }

    /// After a crash, with every file closed. Power cut: each file becomes what was durable, and of the other
    /// writes any subset, each perhaps torn at 512 or 4,096 bytes. Without (kill -9) the page cache stays,
    /// but what a failed sync lost may be dropped from it.
    void recover(bool power_cut);

    uint64_t operations() const { return operations_; }
    uint64_t faults_seen() const { return faults_seen_; }
    /// With every file closed: flips a bit in the middle of each place of the log's file where `bytes` are.
    /// Returns how many there are.
    size_t rot(const std::string& bytes);

    // What the interposed calls ask; `fd` as the kernel knows it.
    void opened(int fd, const char* path, int flags);
    void closed(int fd);
    bool models(int fd) const { return fd >= 0 && static_cast<size_t>(fd) < open_.size() && open_[fd].file; }
    ssize_t write_at(int fd, const iovec* parts, int count, off_t offset);
    int sync(int fd);
    int truncate(int fd, off_t size);

  private:
    struct Write {
        uint64_t offset;
        std::vector<uint8_t> bytes;
    };
    struct File {
        std::string path;
        std::vector<uint8_t> durable;
        std::vector<Write> pending;  ///< in order
        std::vector<std::pair<uint64_t, uint64_t>>
            dropped;  ///< ranges whose sync failed: cache and disk differ
    };
    struct Open {
        File* file = nullptr;
        bool synchronous = false;  ///< O_DSYNC: a write is durable on return
    };

    bool fault_here(bool is_sync);
    static void apply(std::vector<uint8_t>& image, const Write& write, uint64_t from, uint64_t size);
    void apply_torn(std::vector<uint8_t>& image, const Write& write);
    static void restore(const File& file, int fd, uint64_t from, uint64_t size);

    std::string folder_;
    std::map<std::string, std::unique_ptr<File>> files_;
    std::vector<Open> open_;
    Random random_;
    Fault fault_ = Fault::kNone;
    uint64_t fault_in_ = 0, operations_ = 0, faults_seen_ = 0;
    bool crashed_ = false, full_ = false;
};

}  // namespace penstock::simulation

#include "tests/simulation/disk.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace penstock::simulation {

namespace {

size_t length_of(const iovec* parts, int count) {
    size_t n = 0;
    for (int i = 0; i < count; ++i) n += parts[i].iov_len;
    return n;
}

void write_real(int fd, const uint8_t* data, size_t size, uint64_t offset) {
    while (size > 0) {
        const long n = syscall(SYS_pwrite64, fd, data, size, offset);
        if (n <= 0) {
            dprintf(2, "simulation: cannot write the data folder: %s\n", std::strerror(errno));
            _exit(2);
        }
        data += n, offset += static_cast<uint64_t>(n), size -= static_cast<size_t>(n);
    }
}

constexpr std::string_view kDataFile = "/data.mdb";

}  // namespace

Disk& Disk::instance() {
    static Disk disk;
    return disk;
}

void Disk::begin(const std::string& folder, uint64_t seed) {
    folder_ = folder;
    files_.clear();
    open_.assign(1024, {});
    random_ = Random(seed ^ 0xd15c);
    operations_ = faults_seen_ = 0;
    fault_ = Fault::kNone;
    crashed_ = full_ = false;
}

void Disk::arm(Fault fault, uint64_t operations) {
    fault_ = fault;
    fault_in_ = operations;
}

/// Whether the armed fault is due at this operation; counts it.
bool Disk::fault_here(bool is_sync) {
    ++operations_;
    if (fault_ == Fault::kNone) return false;
    if (fault_in_ > 0) {
        --fault_in_;
        return false;
    }
    if (fault_ == Fault::kSyncError && !is_sync) return false;
    if ((fault_ == Fault::kWriteError || fault_ == Fault::kNoSpace) && is_sync) return false;
    ++faults_seen_;
    return true;
}

void Disk::opened(int fd, const char* path, int flags) {
    const std::string_view name(path);
    if (folder_.empty() || fd < 0 || static_cast<size_t>(fd) >= open_.size()) return;
    if (!name.starts_with(folder_) || !name.ends_with(kDataFile)) return;
    auto& file = files_[path];
    if (!file) file.reset(new File{path, {}, {}, {}});
    open_[fd] = {file.get(), (flags & (O_DSYNC | O_SYNC)) != 0};
}

void Disk::closed(int fd) {
    if (models(fd)) open_[fd] = {};
}

ssize_t Disk::write_at(int fd, const iovec* parts, int count, off_t offset) {
    Open& open = open_[fd];
    size_t size = length_of(parts, count);
    if (crashed_) return errno = EIO, -1;
    const Fault fault = fault_here(false) ? fault_ : Fault::kNone;
    if (fault != Fault::kNone && fault != Fault::kCrash) fault_ = Fault::kNone;
    const bool grows = static_cast<uint64_t>(offset) + size > open.file->durable.size();
    bool failed = false;
    int error = EIO;
    if (fault == Fault::kNoSpace || (full_ && grows && !open.synchronous)) {
        error = ENOSPC;
        size = random_.chance(50) ? 0 : random_.below(size);
        failed = size == 0;
    } else if (fault == Fault::kWriteError || fault == Fault::kCrash) {
        failed = true;
        if (fault == Fault::kCrash) crashed_ = true;
        if (random_.chance(50)) return errno = EIO, -1;  // else it gets as far as the page cache
    }
    if (size > 0) {
        Write write{static_cast<uint64_t>(offset), {}};
        write.bytes.reserve(size);
        for (int i = 0; i < count && write.bytes.size() < size; ++i) {
            const auto* from = static_cast<const uint8_t*>(parts[i].iov_base);
            write.bytes.insert(write.bytes.end(), from,
                               from + std::min(parts[i].iov_len, size - write.bytes.size()));
        }
        write_real(fd, write.bytes.data(), write.bytes.size(), write.offset);
        if (open.synchronous && !failed) {
            // Other writes of the file stay as they are: the kernel syncs this range alone.
            apply(open.file->durable, write, 0, write.bytes.size());
        } else {
            open.file->pending.push_back(std::move(write));
        }
    }
    if (failed) return errno = error, -1;
    return static_cast<ssize_t>(size);
}

int Disk::sync(int fd) {
    File& file = *open_[fd].file;
    if (crashed_) return errno = EIO, -1;
    const Fault fault = fault_here(true) ? fault_ : Fault::kNone;
    if (fault == Fault::kCrash) {
        crashed_ = true;  // whatever had reached the disk by then
        if (random_.chance(50)) return errno = EIO, -1;
    }
    if (fault == Fault::kSyncError) {
        fault_ = Fault::kNone;
        // The kernel gives up on the dirty pages: some are on the disk, the rest only look written.
        for (const Write& write : file.pending) {
            if (random_.chance(50))
                apply_torn(file.durable, write);
            else
                file.dropped.emplace_back(write.offset, write.bytes.size());
        }
        file.pending.clear();
        return errno = EIO, -1;
    }
    for (const Write& write : file.pending) apply(file.durable, write, 0, write.bytes.size());
    file.pending.clear();
    if (fault == Fault::kCrash) return errno = EIO, -1;
    return 0;
}

int Disk::truncate(int fd, off_t size) {
    if (crashed_) return errno = EIO, -1;
    File& file = *open_[fd].file;
    file.durable.resize(std::min(file.durable.size(), static_cast<size_t>(size)));
    return static_cast<int>(syscall(SYS_ftruncate, fd, size));
}

void Disk::apply(std::vector<uint8_t>& image, const Write& write, uint64_t from, uint64_t size) {
    const uint64_t end = write.offset + from + size;
    if (image.size() < end) image.resize(end);
    std::memcpy(image.data() + write.offset + from, write.bytes.data() + from, size);
}

/// Sectors of the write that reached the disk, each for itself.
void Disk::apply_torn(std::vector<uint8_t>& image, const Write& write) {
    const uint64_t sector = random_.chance(50) ? 512 : 4096;
    for (uint64_t at = 0; at < write.bytes.size();) {
        const uint64_t next = (write.offset + at) / sector * sector + sector - write.offset;
        const uint64_t end = std::min<uint64_t>(next, write.bytes.size());
        if (random_.chance(50)) apply(image, write, at, end - at);
        at = end;
    }
}

/// Gives the real file the durable bytes of a range.
void Disk::restore(const File& file, int fd, uint64_t from, uint64_t size) {
    const uint64_t end = std::min<uint64_t>(from + size, file.durable.size());
    if (end > from) write_real(fd, file.durable.data() + from, end - from, from);
}

void Disk::recover(bool power_cut) {
    for (auto& [path, file] : files_) {
        const int fd = static_cast<int>(syscall(SYS_openat, AT_FDCWD, path.c_str(), O_RDWR | O_CLOEXEC, 0));
        if (fd < 0) continue;
        if (power_cut) {
            std::vector<std::pair<uint64_t, uint64_t>> touched = file->dropped;
            const unsigned survive = static_cast<unsigned>(random_.below(3)) * 40;  // none, some, most
            for (const Write& write : file->pending) {
                touched.emplace_back(write.offset, write.bytes.size());
                if (random_.chance(survive))
                    apply(file->durable, write, 0, write.bytes.size());
                else if (random_.chance(survive / 2))
                    apply_torn(file->durable, write);
            }
            file->pending.clear();
            file->dropped.clear();
            for (const auto& [from, size] : touched) restore(*file, fd, from, size);
            if (syscall(SYS_ftruncate, fd, file->durable.size()) != 0) _exit(2);
        } else {
            std::erase_if(file->dropped, [&](const auto& range) {
                if (!random_.chance(50)) return false;
                restore(*file, fd, range.first, range.second);
                return true;
            });
        }
        syscall(SYS_close, fd);
    }
    crashed_ = full_ = false;
    fault_ = Fault::kNone;
}

size_t Disk::rot(const std::string& bytes) {
    File& file = *files_.at(folder_ + "/log" + std::string(kDataFile));
    const int fd = static_cast<int>(syscall(SYS_openat, AT_FDCWD, file.path.c_str(), O_RDWR | O_CLOEXEC, 0));
    size_t places = 0;
    const auto end = file.durable.end();
    for (auto at = file.durable.begin(); (at = std::search(at, end, bytes.begin(), bytes.end())) != end;
         ++at, ++places) {
        const auto offset = static_cast<uint64_t>(at - file.durable.begin()) + bytes.size() / 2;
        file.durable[offset] ^= 1;
        restore(file, fd, offset, 1);
    }
    syscall(SYS_close, fd);
    return places;
}

}  // namespace penstock::simulation

// System calls that the whole program makes through here, liblmdb included: a definition in the executable is
// found before the C library's. Only files that the simulated disk models are treated otherwise.
#include <fcntl.h>
#include <sys/random.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstring>

#include "tests/simulation/disk.h"
#include "tests/simulation/entropy.h"

using penstock::simulation::Disk;

namespace {
off_t position_of(int fd) { return syscall(SYS_lseek, fd, 0, SEEK_CUR); }
ssize_t write_here(int fd, const iovec* parts, int count) {
    const off_t at = position_of(fd);
    const ssize_t n = Disk::instance().write_at(fd, parts, count, at);
    if (n > 0) syscall(SYS_lseek, fd, at + n, SEEK_SET);
    return n;
}
int open_file(const char* path, int flags, mode_t mode) {
    const auto fd = static_cast<int>(syscall(SYS_openat, AT_FDCWD, path, flags, mode));
    Disk::instance().opened(fd, path, flags);
    return fd;
}
}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return open_file(path, flags, mode);
}
int open64(const char* path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return open_file(path, flags, mode);
}
int close(int fd) {
    Disk::instance().closed(fd);
    return static_cast<int>(syscall(SYS_close, fd));
}
ssize_t pwrite(int fd, const void* data, size_t size, off_t offset) {
    if (!Disk::instance().models(fd)) return syscall(SYS_pwrite64, fd, data, size, offset);
    const iovec part{const_cast<void*>(data), size};
    return Disk::instance().write_at(fd, &part, 1, offset);
}
ssize_t pwrite64(int fd, const void* data, size_t size, off_t offset) {
    return pwrite(fd, data, size, offset);
}
ssize_t pwritev(int fd, const iovec* parts, int count, off_t offset) {
    if (!Disk::instance().models(fd)) return syscall(SYS_pwritev, fd, parts, count, offset, 0);
    return Disk::instance().write_at(fd, parts, count, offset);
}
ssize_t write(int fd, const void* data, size_t size) {
    if (!Disk::instance().models(fd)) return syscall(SYS_write, fd, data, size);
    const iovec part{const_cast<void*>(data), size};
    return write_here(fd, &part, 1);
}
ssize_t writev(int fd, const iovec* parts, int count) {
    if (!Disk::instance().models(fd)) return syscall(SYS_writev, fd, parts, count);
    return write_here(fd, parts, count);
}
int fdatasync(int fd) {
    return Disk::instance().models(fd) ? Disk::instance().sync(fd)
                                       : static_cast<int>(syscall(SYS_fdatasync, fd));
}
int fsync(int fd) {
    return Disk::instance().models(fd) ? Disk::instance().sync(fd) : static_cast<int>(syscall(SYS_fsync, fd));
}
int ftruncate(int fd, off_t size) noexcept {
    return Disk::instance().models(fd) ? Disk::instance().truncate(fd, size)
                                       : static_cast<int>(syscall(SYS_ftruncate, fd, size));
}
// What the host's disk has left is no part of a history.
int statvfs(const char*, struct statvfs* out) noexcept {
    *out = {};
    out->f_bsize = out->f_frsize = 4096;
    out->f_blocks = 1 << 24;
    out->f_bfree = out->f_bavail = Disk::instance().full() ? 0 : 1 << 23;
    return 0;
}
// Identifiers and hash secrets follow from the seed, too.
ssize_t getrandom(void* data, size_t size, unsigned) {
    penstock::simulation::fill_entropy(data, size);
    return static_cast<ssize_t>(size);
}

}  // extern "C"

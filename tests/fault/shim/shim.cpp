// Preloaded into `penstock serve` by tests: makes the disk under the log fail and the wall clock step, when
// the test says so. Sees what LMDB writes (lseek and writev, pwrite, pwritev) and syncs (fdatasync, fsync).
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "tests/fault/shim/faults.h"

namespace {

using penstock::test::Faults;

Faults* faults() {
    static Faults* const mapped = [] {
        const char* path = std::getenv("PENSTOCK_FAULTS");
        const int fd = path ? ::open(path, O_RDWR | O_CLOEXEC) : -1;
        void* at =
            fd < 0 ? MAP_FAILED : ::mmap(nullptr, sizeof(Faults), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (fd >= 0) ::close(fd);
        return at == MAP_FAILED ? nullptr : static_cast<Faults*>(at);
    }();
    return mapped;
}

template <typename Function>
Function* real(const char* name) {
    return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

bool is_log(int fd) {
    char link[64], path[PATH_MAX];
    std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    const ssize_t n = ::readlink(link, path, sizeof path - 1);
    if (n < 0) return false;
    path[n] = 0;
    return std::strstr(path, "/log/data.mdb") != nullptr;
}

bool write_fails(int fd) {
    Faults* f = faults();
    if (!f || f->write_error == 0 || !is_log(fd)) return false;
    ++f->writes_failed;
    errno = f->write_error;
    return true;
}
bool sync_fails(int fd) {
    Faults* f = faults();
    if (!f || !is_log(fd)) return false;
    if (f->syncs_failed > 0) ++f->syncs_after_failure;
    if (f->sync_error == 0) return false;
    ++f->syncs_failed;
    errno = f->sync_error;
    return true;
}

}  // namespace

extern "C" {

ssize_t write(int fd, const void* data, size_t size) {
    static auto* const next = real<ssize_t(int, const void*, size_t)>("write");
    return write_fails(fd) ? -1 : next(fd, data, size);
}
ssize_t writev(int fd, const iovec* parts, int count) {
    static auto* const next = real<ssize_t(int, const iovec*, int)>("writev");
    return write_fails(fd) ? -1 : next(fd, parts, count);
}
ssize_t pwrite(int fd, const void* data, size_t size, off_t at) {
    static auto* const next = real<ssize_t(int, const void*, size_t, off_t)>("pwrite");
    return write_fails(fd) ? -1 : next(fd, data, size, at);
}
ssize_t pwrite64(int fd, const void* data, size_t size, off64_t at) {
    static auto* const next = real<ssize_t(int, const void*, size_t, off64_t)>("pwrite64");
    return write_fails(fd) ? -1 : next(fd, data, size, at);
}
ssize_t pwritev(int fd, const iovec* parts, int count, off_t at) {
    static auto* const next = real<ssize_t(int, const iovec*, int, off_t)>("pwritev");
    return write_fails(fd) ? -1 : next(fd, parts, count, at);
}
ssize_t pwritev64(int fd, const iovec* parts, int count, off64_t at) {
    static auto* const next = real<ssize_t(int, const iovec*, int, off64_t)>("pwritev64");
    return write_fails(fd) ? -1 : next(fd, parts, count, at);
}
int fdatasync(int fd) {
    static auto* const next = real<int(int)>("fdatasync");
    return sync_fails(fd) ? -1 : next(fd);
}
int fsync(int fd) {
    static auto* const next = real<int(int)>("fsync");
    return sync_fails(fd) ? -1 : next(fd);
}

int clock_gettime(clockid_t clock, timespec* out) {
    static auto* const next = real<int(clockid_t, timespec*)>("clock_gettime");
    const int rc = next(clock, out);
    if (rc != 0 || clock != CLOCK_REALTIME || !faults()) return rc;
    const int64_t ns = out->tv_sec * 1'000'000'000LL + out->tv_nsec + faults()->clock_step_ns;
    out->tv_sec = ns / 1'000'000'000;
    out->tv_nsec = ns % 1'000'000'000;
    return 0;
}

}  // extern "C"

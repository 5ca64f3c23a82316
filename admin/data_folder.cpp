#include "admin/data_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace penstock {
namespace {

/// "process 4711", as the holder wrote it.
std::string holder_of(int fd) {
    char text[32] = "";
    const ssize_t n = ::pread(fd, text, sizeof text - 1, 0);
    const std::string_view pid(text, n > 0 ? std::strcspn(text, "\n") : 0);
    return pid.empty() ? std::string("another process") : fmt::format("process {}", pid);
}

}  // namespace

DataFolder::DataFolder(const std::string& path, int64_t wait_s, const std::function<bool()>& pause)
    : path_(path) {
    std::error_code ec;
    std::filesystem::create_directories(path, ec);
    if (ec) throw std::runtime_error(fmt::format("cannot create data_dir {}: {}", path, ec.message()));
    const std::string lock = path + "/lock";
    fd_ = ::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd_ < 0) throw std::runtime_error(fmt::format("cannot open {}: {}", lock, std::strerror(errno)));
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(wait_s);
    std::string waited_for;
    while (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
        const int why = errno;
        if (why == EINTR) continue;
        const std::string holder = holder_of(fd_);
        const bool patient = wait_s == kForever || std::chrono::steady_clock::now() < until;
        if (why == EWOULDBLOCK && patient && pause) {
            if (holder != waited_for) spdlog::info("waiting for {}, which runs on {}", holder, path);
            waited_for = holder;
            if (!pause()) continue;
            ::close(fd_);
            throw WaitInterrupted{};
        }
        ::close(fd_);
        if (why != EWOULDBLOCK)
            throw std::runtime_error(fmt::format("cannot lock {}: {}", lock, std::strerror(why)));
        throw std::runtime_error(fmt::format(
            "another appliance runs on {}: {}; stop it, wait for it with `serve --wait`, or set data_dir to "
            "another folder",
            path, holder));
    }
    if (!waited_for.empty()) spdlog::info("{} has ended; its data folder is taken over", waited_for);
    // For people only: the lock is what counts, so a failure here does no harm.
    const std::string pid = fmt::format("{}\n", ::getpid());
    if (::ftruncate(fd_, 0) != 0 || ::pwrite(fd_, pid.data(), pid.size(), 0) < 0)
        spdlog::warn("cannot write {}: {}", lock, std::strerror(errno));
}

DataFolder::~DataFolder() { ::close(fd_); }

}  // namespace penstock

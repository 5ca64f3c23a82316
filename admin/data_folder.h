// The data folder of an appliance, and its lock: one appliance a folder.
#pragma once

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace penstock {

/// Thrown where waiting for the lock was given up because the process shall end.
struct WaitInterrupted {};

/// Holds the lock as long as it lives. The lock file names the process that holds it.
class DataFolder {
  public:
    /// Creates what is missing. Throws std::runtime_error that names the holder when another appliance has
    /// the lock for longer than `wait_s` seconds (kForever: it waits on). `pause`: called between looks; true
    /// ends the wait with WaitInterrupted.
    static constexpr int64_t kForever = -1;
    explicit DataFolder(const std::string& path, int64_t wait_s = 0, const std::function<bool()>& pause = {});
    ~DataFolder();
    DataFolder(const DataFolder&) = delete;
    DataFolder& operator=(const DataFolder&) = delete;

    const std::string& path() const { return path_; }
    std::string sub(std::string_view name) const { return path_ + "/" + std::string(name); }

  private:
    std::string path_;
    int fd_ = -1;
};

}  // namespace penstock

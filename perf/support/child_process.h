// A server that a benchmark runs as its child: it ends with this object, and with this process however that
// ends.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace penstock::bench {

class ChildProcess {
  public:
    struct Options {
        std::vector<std::string> command;
        std::vector<std::string> environment;  ///< NAME=value, beside this process's own
        std::string folder;                    ///< works there; empty: where this process does
        std::string log;                       ///< what it says goes there, behind what is there
    };
    explicit ChildProcess(Options options);
    ~ChildProcess();
    ChildProcess(const ChildProcess&) = delete;
    ChildProcess& operator=(const ChildProcess&) = delete;

    pid_t pid() const { return pid_; }
    /// Looks often until `ready` says so. Throws with the log's end where the child ends first, or after a
    /// minute.
    void wait_until(const std::function<bool()>& ready);
    /// Stops in order and waits. Throws where it takes a minute; `well`: also where it does not end with 0.
    void stop(bool well);
    void kill_now();
    /// Ends it and throws, with the log's end.
    [[noreturn]] void fail(const std::string& what);

  private:
    const Options options_;
    pid_t pid_ = -1;
};

}  // namespace penstock::bench

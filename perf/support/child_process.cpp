#include "perf/support/child_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "pipeline/clock.h"

namespace penstock::bench {
namespace {

constexpr int64_t kPatienceNs = 60'000'000'000;

void pause_ms(long ms) {
    const timespec time{0, ms * 1'000'000};
    nanosleep(&time, nullptr);
}

}  // namespace

ChildProcess::ChildProcess(Options options) : options_(std::move(options)) {
    std::vector<char*> arguments;
    for (const std::string& word : options_.command) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    const pid_t parent = getpid();
    pid_ = fork();
    if (pid_ < 0) throw std::runtime_error("fork failed");
    if (pid_ > 0) {
        setpgid(pid_, pid_);
        return;
    }
    setpgid(0, 0);  // some servers are more than one process
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) _exit(1);
    const int out = open(options_.log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    dup2(out, STDOUT_FILENO);
    dup2(out, STDERR_FILENO);
    for (const std::string& entry : options_.environment) putenv(const_cast<char*>(entry.c_str()));
    if (!options_.folder.empty() && chdir(options_.folder.c_str()) != 0) _exit(126);
    execvp(arguments[0], arguments.data());
    _exit(127);
}

ChildProcess::~ChildProcess() { kill_now(); }

void ChildProcess::wait_until(const std::function<bool()>& ready) {
    const int64_t until = monotonic_now_ns() + kPatienceNs;
    while (!ready()) {
        int state = 0;
        if (waitpid(pid_, &state, WNOHANG) == pid_) {
            pid_ = -1;
            fail(options_.command.front() + " ended at its start");
        }
        if (monotonic_now_ns() > until) fail(options_.command.front() + " does not become ready");
        pause_ms(20);
    }
}

void ChildProcess::stop(bool well) {
    kill(pid_, SIGTERM);
    const int64_t until = monotonic_now_ns() + kPatienceNs;
    int state = 0;
    while (waitpid(pid_, &state, WNOHANG) == 0) {
        if (monotonic_now_ns() > until) fail(options_.command.front() + " does not stop");
        pause_ms(10);
    }
    pid_ = -1;
    if (well && (!WIFEXITED(state) || WEXITSTATUS(state) != 0))
        fail(options_.command.front() + " did not end well");
}

void ChildProcess::kill_now() {
    if (pid_ <= 0) return;
    kill(-pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
}

void ChildProcess::fail(const std::string& what) {
    kill_now();
    std::ifstream in(options_.log);
    const std::string log{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    throw std::runtime_error(
        fmt::format("{}:\n{}", what, log.substr(log.size() - std::min<size_t>(log.size(), 2000))));
}

}  // namespace penstock::bench

#include "admin/cli/guarded.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <new>

#include "admin/cli/terminal.h"
#include "admin/config.h"

namespace penstock::cli {
namespace {

[[noreturn]] void run_child(const std::function<int(GuardedProgress&)>& work, GuardedProgress& progress) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const rlimit no_core{0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    // The parent judges by the signal; a handler (a sanitizer has one) would turn it into an exit code.
    for (const int fatal : {SIGBUS, SIGSEGV, SIGABRT}) std::signal(fatal, SIG_DFL);
    int code = kFailed;
    try {
        code = work(progress);
    } catch (const CommandError& e) {
        complain(e.what());
        code = e.code;
    } catch (const std::exception& e) {
        complain(e.what());
    }
    std::fflush(nullptr);
    _exit(code);
}

}  // namespace

int run_guarded(const std::function<int(GuardedProgress&)>& work,
                const std::function<void(const GuardedProgress&)>& on_crash) {
    void* shared =
        mmap(nullptr, sizeof(GuardedProgress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) throw CommandError(kFailed, "no memory for a shared page");
    auto& progress = *new (shared) GuardedProgress();
    std::fflush(nullptr);
    const pid_t child = fork();
    if (child == 0) run_child(work, progress);
    if (child < 0)
        throw CommandError(kFailed, fmt::format("cannot start a process: {}", std::strerror(errno)));
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) kill(child, SIGTERM);
    int code = kDamaged;
    if (WIFEXITED(status)) {
        code = WEXITSTATUS(status);
    } else if (WTERMSIG(status) == SIGINT || WTERMSIG(status) == SIGTERM || WTERMSIG(status) == SIGKILL) {
        code = kInterrupted;
    } else {
        const uint64_t seq = progress.seq.load();
        complain(fmt::format("a page of the log is damaged: reading it{} ended with \"{}\"",
                             seq == 0 ? "" : fmt::format(" at sequence {}", seq),
                             strsignal(WTERMSIG(status))));
        if (on_crash) on_crash(progress);
    }
    munmap(shared, sizeof(GuardedProgress));
    return code;
}

}  // namespace penstock::cli

// The deterministic simulator: runs histories by their seeds, each in a process of its own that begins in the
// same state, so that a seed always gives the same history. docs/simulation.md tells what is simulated.
#include <fmt/format.h>
#include <malloc.h>
#include <spdlog/spdlog.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "tests/simulation/world.h"

namespace penstock::simulation {
namespace {

constexpr unsigned kRunSecondsMax = 120;  ///< a run that takes longer hangs

struct Report {
    RunFigures figures;
    char failure[2000];
};

std::string base_folder() {
    std::error_code ignored;
    const bool in_memory =
        std::filesystem::is_directory("/dev/shm", ignored) && ::access("/dev/shm", W_OK) == 0;
    return fmt::format("{}/penstock-simulation-{}", in_memory ? "/dev/shm" : "/tmp", getpid());
}

struct Run {
    uint64_t seed = 0;
    int result = -1;  ///< read end of its pipe
};

/// Returns the process that runs it.
pid_t start_run(const RunOptions& options, Run& run) {
    int ends[2];
    if (pipe(ends) != 0) throw std::runtime_error(fmt::format("pipe: {}", std::strerror(errno)));
    std::fflush(stdout);
    const pid_t pid = fork();
    if (pid < 0) throw std::runtime_error(fmt::format("fork: {}", std::strerror(errno)));
    if (pid == 0) {
        ::close(ends[0]);
        alarm(kRunSecondsMax);
        prctl(PR_SET_TIMERSLACK, 1UL);  // a wait of no time shall take none
        Report report{};
        {
            World world(options);
            const std::string failure = world.run();
            report.figures = world.figures();
            failure.copy(report.failure, sizeof report.failure - 1);
        }
        const bool sent = ::write(ends[1], &report, sizeof report) == sizeof report;
        _exit(sent ? 0 : 1);
    }
    ::close(ends[1]);
    run = {options.seed, ends[0]};
    return pid;
}

/// Empty: all was well.
std::string finish_run(const Run& run, int status, RunFigures& total) {
    Report report{};
    const bool whole = ::read(run.result, &report, sizeof report) == sizeof report;
    ::close(run.result);
    if (WIFSIGNALED(status))
        return WTERMSIG(status) == SIGALRM ? fmt::format("it hangs: no end after {} s", kRunSecondsMax)
                                           : fmt::format("it died of signal {}", WTERMSIG(status));
    if (!whole) return fmt::format("it ended with code {} and no report", WEXITSTATUS(status));
    total.add(report.figures);
    return report.failure;
}

void print_figures(const RunFigures& f, double seconds) {
    fmt::print("{} histories in {:.1f} s ({:.1f} a second), {} steps\n", f.runs, seconds,
               static_cast<double>(f.runs) / seconds, f.steps);
    fmt::print("  {} starts: after {} power cuts, {} kills, {} ends of its own, {} graceful stops\n",
               f.starts, f.power_cuts, f.kills, f.own_stops, f.graceful_stops);
    fmt::print(
        "  {} disk operations, {} of them at fault; {} connections lost, {} clock steps, {} take-overs\n",
        f.disk_operations, f.disk_faults, f.connections_lost, f.clock_steps, f.take_overs);
    fmt::print(
        "  {} events stored, {} rows in regions, {} dead letters; deadlines: {} met, {} late, {} missed\n",
        f.events, f.rows, f.dead_letters, f.met, f.late, f.missed);
    fmt::print("  digest {:016x}\n", f.digest);
}

/// Addresses follow no dice either: containers hash them.
void without_address_randomization(char** arguments) {
    const int now = personality(0xffffffff);
    if (now == -1 || (now & ADDR_NO_RANDOMIZE) != 0) return;
    if (personality(static_cast<unsigned long>(now) | ADDR_NO_RANDOMIZE) == -1) return;
    execv("/proc/self/exe", arguments);  // where that fails, all but the order of some hash maps is the same
}

int run(int argc, char** argv) {
    uint64_t seeds = 200, first = 1, seed = 0;
    unsigned jobs = 2;
    bool keep_going = false, quiet = false;
    RunOptions options;
    CLI::App app("Runs simulated histories of the appliance and checks what is promised.");
    app.add_option("--seeds", seeds, "how many histories");
    app.add_option("--first", first, "the first seed");
    auto* one = app.add_option("--seed", seed, "this seed alone");
    app.add_option("--steps", options.steps, "steps of a history before faults end");
    app.add_option("--jobs", jobs, "processes at a time")->check(CLI::Range(1, 64));
    app.add_flag("--trace", options.trace, "say what happens, on stderr");
    app.add_flag("--keep-going", keep_going, "do not end at the first failure");
    app.add_flag("--quiet", quiet, "no progress");
    CLI11_PARSE(app, argc, argv);
    if (one->count() > 0) first = seed, seeds = 1;
    unsetenv("PENSTOCK_TEST_SEED");
    // Each start of an appliance takes megabytes of slabs again: from the heap they come without page faults.
    mallopt(M_MMAP_THRESHOLD, 1 << 30);
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
    mallopt(M_TOP_PAD, 16 << 20);
    spdlog::set_level(options.trace ? spdlog::level::info : spdlog::level::off);

    const std::string folder = base_folder();
    const std::string program = std::filesystem::read_symlink("/proc/self/exe").string();
    const std::string more =
        options.steps == RunOptions{}.steps ? "" : fmt::format(" --steps {}", options.steps);
    const auto began = std::chrono::steady_clock::now();
    const auto seconds = [&] {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    };
    std::map<pid_t, Run> running;
    RunFigures total;
    uint64_t next = first, done = 0, failed = 0;
    double said_at = 0;
    while (true) {
        while (running.size() < jobs && next < first + seeds && (failed == 0 || keep_going)) {
            options.seed = next++;
            options.folder = fmt::format("{}/{}", folder, options.seed);
            Run run;
            const pid_t pid = start_run(options, run);
            running.emplace(pid, run);
        }
        if (running.empty()) break;
        int status = 0;
        const pid_t pid = wait(&status);
        const auto it = running.find(pid);
        if (it == running.end()) continue;
        const std::string failure = finish_run(it->second, status, total);
        if (!failure.empty()) {
            ++failed;
            fmt::print("seed {} FAILED: {}\n  replay: {} --seed {}{} --trace\n", it->second.seed, failure,
                       program, it->second.seed, more);
        }
        running.erase(it);
        ++done;
        if (!quiet && seconds() - said_at >= 1) {
            said_at = seconds();
            fmt::print(stderr, "{} of {} histories, {} failed\n", done, seeds, failed);
        }
    }
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
    print_figures(total, seconds());
    if (failed > 0) fmt::print("{} of {} FAILED\n", failed, done);
    return failed > 0 ? 1 : 0;
}

}  // namespace
}  // namespace penstock::simulation

int main(int argc, char** argv) {
    penstock::simulation::without_address_randomization(argv);
    return penstock::simulation::run(argc, argv);
}

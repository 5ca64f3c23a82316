#include "perf/support/appliance_process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "admin/cli/http_call.h"
#include "perf/support/bench.h"
#include "perf/support/event_feed.h"

namespace penstock::bench {
namespace {

constexpr int64_t kReadyTimeoutNs = 60'000'000'000, kStopTimeoutNs = 60'000'000'000;

void pause_ms(long ms) {
    const timespec time{ms / 1000, ms % 1000 * 1'000'000};
    nanosleep(&time, nullptr);
}

uint16_t free_port() {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    const bool bound = fd >= 0 && bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                       getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
    close(fd);
    if (!bound) throw std::runtime_error("no free port on loopback");
    return ntohs(address.sin_port);
}

std::string text_of(const std::string& path) {
    std::ifstream in(path);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::string config_of(const ApplianceProcess::Options& options, uint16_t http_port) {
    std::string text = fmt::format(
        "data_dir = \"data\"\n{}\n[ingest]\nlisten = \"127.0.0.1:0\"\n\n[http]\n"
        "listen = \"127.0.0.1:{}\"\n",
        options.config, http_port);
    for (const std::string_view region : kRegionNames) {
        text += fmt::format("\n[[region]]\nname = \"{}\"\n", region);
        if (region == "us") text += "aliases = [\"na\"]\n";
        const auto dsn = options.dsns.find(std::string(region));
        if (dsn != options.dsns.end()) text += fmt::format("dsn = \"{}\"\n", dsn->second);
    }
    return text;
}

}  // namespace

ApplianceProcess::ApplianceProcess(const Options& options) : options_(options), http_port_(free_port()) {
    std::filesystem::create_directories(options_.folder);
    if (!options_.workflow.empty()) std::ofstream(options_.folder + "/workflow.json") << options_.workflow;
    std::ofstream(options_.folder + "/penstock.toml") << config_of(options_, http_port_);
    const std::string config = options_.folder + "/penstock.toml", log = options_.folder + "/appliance.log";
    const pid_t parent = getpid();
    pid_ = fork();
    if (pid_ < 0) throw std::runtime_error("fork failed");
    if (pid_ == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() != parent) _exit(1);
        const int out = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
        dup2(out, STDOUT_FILENO);
        dup2(out, STDERR_FILENO);
        execl(options_.program.c_str(), "penstock", "serve", "--config", config.c_str(), nullptr);
        _exit(127);
    }
    const int64_t until = monotonic_now_ns() + kReadyTimeoutNs;
    for (;;) {
        int state = 0;
        if (waitpid(pid_, &state, WNOHANG) == pid_) {
            pid_ = -1;
            fail("the appliance ended at its start");
        }
        try {
            const auto now = status();
            if (now.at("readiness") == "ready") {
                const std::string address(now.at("ingest").at("address").as_string());
                ingest_port_ = static_cast<uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
                return;
            }
        } catch (const std::runtime_error&) {  // it does not listen yet
        }
        if (monotonic_now_ns() > until) fail("the appliance does not become ready");
        pause_ms(20);
    }
}

ApplianceProcess::~ApplianceProcess() { kill_now(); }

void ApplianceProcess::kill_now() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
}

void ApplianceProcess::fail(const std::string& what) {
    kill_now();
    const std::string log = text_of(options_.folder + "/appliance.log");
    throw std::runtime_error(
        fmt::format("{}:\n{}", what, log.substr(log.size() - std::min<size_t>(log.size(), 2000))));
}

std::string ApplianceProcess::get(const std::string& target) const {
    const auto reply = cli::http_get({"127.0.0.1", http_port_}, target);
    if (reply.status != 200) throw std::runtime_error(fmt::format("GET {} answers {}", target, reply.status));
    return reply.body;
}

boost::json::object ApplianceProcess::status() const {
    return boost::json::parse(get("/api/v1/status")).as_object();
}

uint64_t ApplianceProcess::memory(std::string_view name) const {
    std::ifstream in(fmt::format("/proc/{}/status", pid_));
    for (std::string word; in >> word;) {
        uint64_t kib = 0;
        if (word == name && in >> kib) return kib * 1024;
    }
    return 0;
}
uint64_t ApplianceProcess::anonymous_bytes() const { return memory("RssAnon:"); }
uint64_t ApplianceProcess::resident_bytes() const { return memory("VmRSS:"); }

double ApplianceProcess::cpu_seconds() const {
    const std::string stat = text_of(fmt::format("/proc/{}/stat", pid_));
    std::istringstream fields(stat.substr(stat.rfind(')') + 1));
    std::string skipped;
    for (int i = 0; i < 11; ++i) fields >> skipped;  // state is the first after the name; utime the twelfth
    double user = 0, system = 0;
    fields >> user >> system;
    return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

double ApplianceProcess::Buckets::share_at_most(double seconds) const {
    uint64_t below = 0;
    for (const auto& [bound, cumulative] : at_most)
        if (bound <= seconds * 1.000001) below = cumulative;
    return count == 0 ? 0 : static_cast<double>(below) / static_cast<double>(count);
}

ApplianceProcess::Buckets ApplianceProcess::histogram(const std::string& name) const {
    Buckets out;
    std::istringstream lines(get("/metrics"));
    const std::string bucket = name + "_bucket{le=\"", count = name + "_count ";
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with(count)) out.count = std::stoull(line.substr(count.size()));
        if (!line.starts_with(bucket) || line.find("+Inf") != line.npos) continue;
        const double bound = std::stod(line.substr(bucket.size()));
        out.at_most.emplace_back(bound, std::stoull(line.substr(line.rfind(' ') + 1)));
    }
    expect(!out.at_most.empty(), "/metrics has no histogram " + name);
    return out;
}

void ApplianceProcess::stop() {
    kill(pid_, SIGTERM);
    const int64_t until = monotonic_now_ns() + kStopTimeoutNs;
    int state = 0;
    while (waitpid(pid_, &state, WNOHANG) == 0) {
        if (monotonic_now_ns() > until) fail("the appliance does not stop");
        pause_ms(10);
    }
    pid_ = -1;
    if (!WIFEXITED(state) || WEXITSTATUS(state) != 0) fail("the appliance did not end well");
}

void ApplianceProcess::verify_log() const {
    const std::string command = fmt::format("'{}' log verify --data-dir '{}/data' >'{}/verify.log' 2>&1",
                                            options_.program, options_.folder, options_.folder);
    if (std::system(command.c_str()) != 0)
        throw CheckFailed("penstock log verify: " + text_of(options_.folder + "/verify.log"));
}

}  // namespace penstock::bench

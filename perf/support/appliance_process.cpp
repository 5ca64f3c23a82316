#include "perf/support/appliance_process.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "admin/cli/http_call.h"
#include "perf/support/bench.h"
#include "perf/support/event_feed.h"
#include "perf/support/loopback.h"

namespace penstock::bench {
namespace {

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
        if (options.one_region && region != "us") break;
        text += fmt::format("\n[[region]]\nname = \"{}\"\n", region);
        if (region == "us")
            text += options.one_region ? R"(aliases = ["na", "ca", "eu", "apac", "latam"])"
                                         "\n"
                                       : R"(aliases = ["na"])"
                                         "\n";
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
    process_.emplace(
        ChildProcess::Options{{options_.program, "serve", "--config", options_.folder + "/penstock.toml"},
                              {},
                              "",
                              options_.folder + "/appliance.log"});
    process_->wait_until([this] {
        try {
            const auto now = status();
            if (now.at("readiness") != "ready") return false;
            const std::string address(now.at("ingest").at("address").as_string());
            ingest_port_ = static_cast<uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
            return true;
        } catch (const std::runtime_error&) {  // it does not listen yet
            return false;
        }
    });
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
    std::ifstream in(fmt::format("/proc/{}/status", process_->pid()));
    for (std::string word; in >> word;) {
        uint64_t kib = 0;
        if (word == name && in >> kib) return kib * 1024;
    }
    return 0;
}
uint64_t ApplianceProcess::anonymous_bytes() const { return memory("RssAnon:"); }
uint64_t ApplianceProcess::resident_bytes() const { return memory("VmRSS:"); }

double ApplianceProcess::cpu_seconds() const {
    const std::string stat = text_of(fmt::format("/proc/{}/stat", process_->pid()));
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

void ApplianceProcess::verify_log() const {
    const std::string command = fmt::format("'{}' log verify --data-dir '{}/data' >'{}/verify.log' 2>&1",
                                            options_.program, options_.folder, options_.folder);
    if (std::system(command.c_str()) != 0)
        throw CheckFailed("penstock log verify: " + text_of(options_.folder + "/verify.log"));
}

}  // namespace penstock::bench

#include "perf/support/regional_cluster.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <stdexcept>

#include "storage/migrations.h"
#include "storage/postgres.h"

namespace penstock::bench {

TemporaryFolder::TemporaryFolder()
    : path_((std::filesystem::temp_directory_path() / "penstock-bench-XXXXXX").string()) {
    if (!mkdtemp(path_.data())) throw std::runtime_error("mkdtemp failed");
    std::filesystem::permissions(path_, std::filesystem::perms(0755));
}

TemporaryFolder::~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

bool RegionalCluster::possible() {
    return std::system("{ ls /usr/lib/postgresql/*/bin/initdb || command -v initdb; } >/dev/null 2>&1") == 0;
}

std::string RegionalCluster::call(std::string_view command) const {
    const std::string line =
        fmt::format("'{}' {} '{}' {}", PENSTOCK_CLUSTERS, command, folder_, fmt::join(regions_, " "));
    std::string out;
    FILE* pipe = popen(line.c_str(), "r");
    if (!pipe) throw std::runtime_error(line);
    for (int c; (c = fgetc(pipe)) != EOF;) out += static_cast<char>(c);
    if (pclose(pipe) != 0) throw std::runtime_error(line + " failed");
    return out;
}

RegionalCluster::RegionalCluster(std::string folder, std::vector<std::string> regions)
    : folder_(std::move(folder)), regions_(std::move(regions)) {
    std::filesystem::create_directories(folder_);
    call("start");
    std::istringstream lines(call("dsn"));
    for (std::string line; std::getline(lines, line);) dsns_.push_back(line);
    call("stop");
    if (dsns_.size() != regions_.size()) throw std::runtime_error("a region has no connection string");
}

RegionalCluster::~RegionalCluster() {
    try {
        call("destroy");
    } catch (const std::exception&) {  // what is left lies below the bench's folder
    }
}

const std::string& RegionalCluster::dsn(std::string_view region) const {
    const auto at = std::find(regions_.begin(), regions_.end(), region);
    if (at == regions_.end()) throw std::runtime_error(fmt::format("no cluster of {}", region));
    return dsns_[static_cast<size_t>(at - regions_.begin())];
}

RegionalCluster::Running::Running(const RegionalCluster& cluster) : cluster_(cluster) {
    cluster_.call("start");
    const StopSignal never;
    for (const std::string& dsn : cluster_.dsns_) {
        PostgresConnection({dsn, "bench"}, never)
            .script("DROP SCHEMA IF EXISTS peers CASCADE; DROP SCHEMA IF EXISTS penstock CASCADE");
        migrate(dsn);
    }
}

RegionalCluster::Running::~Running() {
    try {
        cluster_.call("stop");
    } catch (const std::exception&) {  // destroy stops them, too
    }
}

}  // namespace penstock::bench

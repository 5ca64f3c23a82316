#include "perf/support/regional_cluster.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>

#include "storage/migrations.h"
#include "storage/postgres.h"

namespace penstock::bench {
namespace {

std::string clusters(std::string_view command, const std::string& folder) {
    const std::string line = fmt::format("'{}' {} '{}' us", PENSTOCK_CLUSTERS, command, folder);
    std::string out;
    FILE* pipe = popen(line.c_str(), "r");
    if (!pipe) throw std::runtime_error(line);
    for (int c; (c = fgetc(pipe)) != EOF;) out += static_cast<char>(c);
    if (pclose(pipe) != 0) throw std::runtime_error(line + " failed");
    while (!out.empty() && out.back() == '\n') out.pop_back();
    return out;
}

}  // namespace

bool RegionalCluster::possible() {
    return std::system("{ ls /usr/lib/postgresql/*/bin/initdb || command -v initdb; } >/dev/null 2>&1") == 0;
}

RegionalCluster::RegionalCluster(std::string folder) : folder_(std::move(folder)) {
    std::filesystem::create_directories(folder_);
    clusters("start", folder_);
    dsn_ = clusters("dsn", folder_);
    clusters("stop", folder_);
}

RegionalCluster::~RegionalCluster() {
    try {
        clusters("destroy", folder_);
    } catch (const std::exception&) {  // what is left lies below the bench's folder
    }
}

RegionalCluster::Running::Running(const RegionalCluster& cluster) : folder_(cluster.folder_) {
    clusters("start", folder_);
    const StopSignal never;
    PostgresConnection({cluster.dsn(), "bench"}, never)
        .script("DROP SCHEMA IF EXISTS peers CASCADE; DROP SCHEMA IF EXISTS penstock CASCADE");
    migrate(cluster.dsn());
}

RegionalCluster::Running::~Running() {
    try {
        clusters("stop", folder_);
    } catch (const std::exception&) {  // destroy() stops it, too
    }
}

}  // namespace penstock::bench

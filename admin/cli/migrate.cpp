// penstock migrate: brings the regions' databases to this program's schema.
#include <CLI/CLI.hpp>
#include <memory>

#include "admin/cli/config_flags.h"
#include "admin/cli/event_text.h"
#include "admin/cli/terminal.h"
#include "storage/migrations.h"

namespace penstock::cli {
namespace {

struct Flags {
    ConfigFlags config;
    OutputFormat output;
};

struct RegionResult {
    MigrationReport report;
    std::string error;
    bool unreachable = false;
};

RegionResult migrate_region(const Config::Region& region) {
    RegionResult result;
    try {
        result.report = migrate(region.dsn);
    } catch (const PostgresError& e) {
        result.error = e.what();
        result.unreachable = e.connection_lost || e.in_class("08");
    } catch (const std::exception& e) {
        result.error = e.what();
    }
    return result;
}

std::string json_line(const Config::Region& region, const RegionResult& r) {
    std::string applied;
    for (const std::string& name : r.report.applied)
        applied += (applied.empty() ? "" : ",") + json_string(name);
    return fmt::format(
        "{{\"region\":{},\"version_before\":{},\"version\":{},\"applied\":[{}],\"error\":{}}}\n",
        json_string(region.name), r.report.version_before, r.report.version_after, applied,
        r.error.empty() ? "null" : json_string(r.error));
}

std::string text_line(const Config::Region& region, const RegionResult& r) {
    if (!r.error.empty()) return fmt::format("{}: {}\n", region.name, coloured(Ink::kRed, r.error, true));
    if (r.report.applied.empty())
        return fmt::format("{}: at version {}, nothing to do\n", region.name, r.report.version_after);
    std::string applied;
    for (const std::string& name : r.report.applied) applied += (applied.empty() ? "" : ", ") + name;
    return fmt::format("{}: from version {} to {}: {}\n", region.name, r.report.version_before,
                       r.report.version_after, applied);
}

int run(const Flags& flags) {
    const Config config = flags.config.load();
    int code = kOk;
    size_t done = 0;
    for (const Config::Region& region : config.regions) {
        if (region.dsn.empty()) continue;
        ++done;
        const RegionResult result = migrate_region(region);
        print(flags.output.json() ? json_line(region, result) : text_line(region, result));
        if (!result.error.empty() && code != kFailed) code = result.unreachable ? kUnreachable : kFailed;
    }
    if (done == 0) warn("no region has a dsn; nothing to migrate");
    return code;
}

}  // namespace

void add_migrate(CLI::App& app, int& exit_code) {
    auto flags = std::make_shared<Flags>();
    CLI::App* command =
        app.add_subcommand("migrate", "Bring the regions' databases to this version's schema");
    command->footer(
        "Applies what is missing of the schema to the database of every configured region, each in one "
        "transaction.\n"
        "`serve` does the same at its start; run this first where the appliance's role may not create "
        "tables."
        "\n\n"
        "Example:\n  penstock migrate --config penstock.toml\n"
        "Exit codes: 0 all at this version, 1 a region failed, 3 a region could not be reached.");
    flags->config.add_to(*command);
    flags->output.add_to(*command);
    command->callback([flags, &exit_code] { exit_code = run(*flags); });
}

}  // namespace penstock::cli

// penstock serve: the appliance.
#include <CLI/CLI.hpp>
#include <memory>

#include "admin/appliance.h"
#include "admin/cli/config_flags.h"
#include "admin/cli/terminal.h"

namespace penstock::cli {

void add_serve(CLI::App& app, int& exit_code) {
    auto flags = std::make_shared<ConfigFlags>();
    CLI::App* command = app.add_subcommand("serve", "Run the appliance");
    command->footer(
        "Takes in events, watches their deadlines, and stores each once in its region, until SIGTERM or "
        "SIGINT."
        "\n\n"
        "Examples:\n"
        "  penstock config > penstock.toml && penstock serve --config penstock.toml\n"
        "  penstock serve --set ingest.listen=0.0.0.0:7400 --set data_dir=/var/lib/penstock\n"
        "Exit codes: 0 stopped in order, 1 failed, 2 the configuration has faults.");
    flags->add_to(*command);
    auto start = std::make_shared<StartOptions>();
    command->add_flag("--accept-partial-state", start->accept_partial_state,
                      "start although state/ is gone and the log, which has been trimmed, cannot rebuild all "
                      "of it");
    command->callback([flags, start, &exit_code] { exit_code = run_appliance(flags->load(), *start); });
}

}  // namespace penstock::cli
